//! The things that a line names: `pods web`, `deploy/web svc/web`, `pods,secrets`, and the objects of its manifests.

use super::meaning::{Meaning, Scope};
use super::resources::{self, Type};

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
    let manifests = objects(m);
    if !given.is_empty() && (m.line.has("filename") || m.line.has("kustomize")) {
        m.refuse("words and manifests name resources at the same time");
    }
    out.extend(manifests);
    out
}

/// `TYPE/NAME…` or `TYPE[,TYPE] [NAME…]`.
pub(super) fn words(words: &[&str]) -> Vec<Pick> {
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
    m.manifests
        .objects
        .iter()
        .map(|object| {
            let scope = match object.of.namespaced {
                false => Scope::Cluster,
                true => Scope::Namespace(object.namespace.clone().unwrap_or_else(|| target.clone())),
            };
            Pick { of: object.of.clone(), name: Some(object.name.clone()), scope: Some(scope) }
        })
        .collect()
}

/// The words before the first `key=value` or `key-`.
pub(super) fn without_pairs<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let is_pair = |word: &&&str| {
        word.contains('=') && !word.starts_with('=') || word.ends_with('-') && word.len() > 1 || word.contains(':')
    };
    words.iter().take_while(|word| !is_pair(word)).copied().collect()
}
