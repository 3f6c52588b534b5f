//! The things that a line names: `pods web`, `deploy/web svc/web`, `pods,secrets`, and the objects of its manifests.

use super::meaning::{Meaning, Scope, TOO_MUCH};
use super::resources::{self, Type};

/// Things that one line may name: types times names multiply to more than anyone means.
pub(super) const MOST: usize = 4096;

/// One thing, or all of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pick {
    pub of: Type,
    pub name: Option<String>,
    /// Given by a manifest.
    pub scope: Option<Scope>,
}

impl Meaning<'_> {
    /// Where a thing is.
    pub fn place(&self, pick: &Pick) -> Scope {
        pick.scope.clone().unwrap_or_else(|| self.scope(&pick.of))
    }
}

/// What words and manifests name together. kubectl's own refusals are noted in `m`.
pub(super) fn picks(m: &mut Meaning<'_>, given: &[&str]) -> Vec<Pick> {
    if !bounded(given) {
        m.doubts.push((TOO_MUCH, "the line names more things than are gone through".to_owned()));
        return Vec::new();
    }
    let mut out = words(given);
    let with_slash = given.iter().filter(|word| word.contains('/')).count();
    if with_slash > 0 && with_slash < given.len() || given.iter().any(|word| word.matches('/').count() > 1) {
        m.refuse("TYPE/NAME and other words are mixed");
        return Vec::new();
    }
    if out.iter().any(|pick| pick.name.as_deref() == Some("") || pick.of.resource.is_empty()) {
        m.refuse("a type or a name is empty");
        return Vec::new();
    }
    if let Some(why) = mistaken(given).or_else(|| strange(&out)) {
        m.refuse(why);
        return Vec::new();
    }
    let manifests = objects(m);
    if !given.is_empty() && (m.line.has("filename") || m.line.has("kustomize")) {
        m.refuse("words and manifests name resources at the same time");
    }
    // Beside names `--all` means nothing to most.
    let minds = matches!(m.line.command.path.as_slice(), ["delete"] | ["apply", "view-last-applied"]);
    let beside = match m.line.on("all") && !minds {
        true => ["selector", "field-selector"].iter().any(|long| m.line.value(long).is_some_and(|v| !v.is_empty())),
        false => selects(m),
    };
    if out.iter().any(|pick| pick.name.is_some()) && beside {
        m.refuse("a name and a selector are given");
    }
    out.extend(manifests);
    out
}

/// What cli-runtime's builder does not take: a name of several types written as one, or of a category, whose types are
/// several. A list of types before names is written out first, and a category in it is no type then.
fn mistaken(given: &[&str]) -> Option<&'static str> {
    let is_category = |of: &str| of.split(',').any(|of| !resources::category(of).is_empty());
    match given {
        [of, _, ..] if !of.contains('/') && is_category(of) => Some("a name goes with one type"),
        words => words.iter().filter_map(|word| word.split_once('/')).find_map(|(of, _)| match of.contains(',') {
            true => Some("TYPE/NAME has one type"),
            false => is_category(of).then_some("a category has no names"),
        }),
    }
}

fn strange(picks: &[Pick]) -> Option<&'static str> {
    (!picks.iter().filter_map(|pick| pick.name.as_deref()).all(is_segment)).then_some("a name is none")
}

/// Whether a name can stand in a path (apimachinery's IsValidPathSegmentName).
pub(super) fn is_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '%'])
}

/// Whether words name no more things than are gone through; each type may be a category of ten.
fn bounded(words: &[&str]) -> bool {
    let types: usize = words.iter().map(|word| word.matches(',').count() + 1).sum();
    types.saturating_mul(words.len()) <= MOST || !words.iter().any(|word| word.contains(',')) && words.len() <= MOST
}

/// `TYPE/NAME…` or `TYPE[,TYPE] [NAME…]`; of more than [`MOST`] things nothing.
pub(super) fn words(words: &[&str]) -> Vec<Pick> {
    if !bounded(words) {
        return Vec::new();
    }
    let pick = |of: Type, name: Option<&str>| Pick { of, name: name.map(str::to_owned), scope: None };
    let types = |word: &str| word.split(',').flat_map(resources::of_word).collect::<Vec<_>>();
    match words {
        [first, ..] if first.contains('/') => {
            let pairs = words.iter().filter_map(|word| word.split_once('/'));
            pairs.flat_map(|(of, name)| types(of).into_iter().map(move |of| pick(of, Some(name)))).collect()
        }
        [of] => types(of).into_iter().map(|of| pick(of, None)).collect(),
        [of, names @ ..] => {
            types(of).into_iter().flat_map(|of| names.iter().map(move |name| pick(of.clone(), Some(name)))).collect()
        }
        [] => Vec::new(),
    }
}

/// The objects of the manifests, each where it says or where the line does.
pub(super) fn objects(m: &mut Meaning<'_>) -> Vec<Pick> {
    let target = m.target.namespace.clone();
    let given = m.target.namespace_given;
    m.manifests
        .objects
        .iter()
        // With a namespace in the line kubectl leaves out an object that says another.
        .filter(|object| !given || !object.of.namespaced || object.namespace.as_ref().is_none_or(|own| *own == target))
        .map(|object| {
            let scope = match object.of.namespaced {
                false => Scope::Cluster,
                true => Scope::Namespace(object.namespace.clone().unwrap_or_else(|| target.clone())),
            };
            Pick { of: object.of.clone(), name: Some(object.name.clone()), scope: Some(scope) }
        })
        .collect()
}

/// Whether the line says which by something else than names.
pub(super) fn selects(m: &Meaning<'_>) -> bool {
    let given = |long: &str| m.line.value(long).is_some_and(|value| !value.is_empty());
    m.line.on("all") || m.line.selector().is_some() || given("field-selector")
}

/// Things, then `key=value` or `key-` (a taint also `key:effect`, a variable also `-` for standard input), and whether a
/// thing stands behind one of these.
pub(super) fn split_pairs<'a>(words: &[&'a str], command: &[&str]) -> (Vec<&'a str>, Vec<&'a str>, bool) {
    let is_pair = |word: &str| {
        word.contains('=') && !word.starts_with('=')
            || word.ends_with('-') && (word.len() > 1 || command == ["set", "env"])
            || command == ["taint"] && word.contains(':')
    };
    let first = words.iter().position(|word| is_pair(word)).unwrap_or(words.len());
    let (things, pairs) = words.split_at(first);
    (things.to_vec(), pairs.to_vec(), pairs.iter().any(|word| !is_pair(word)))
}
