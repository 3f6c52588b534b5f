//! Which refs of the remote a push asks for: refspecs as remote.c expands them, from the local refs.

use std::collections::HashSet;

use super::facts::Refs;
use super::meaning::{RefChange, Scene};
use super::remotes::{Way, default_remote};

/// gitrevisions(7) and refs.c, `ref_rev_parse_rules`.
const RULES: &[(&str, &str)] = &[
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// How many refs are listed one by one, and how many pairs of refspecs and what they may fit compared. A line has
/// room for a hundred thousand patterns, and a repository for as many refs; past it the local refs are not known.
const MOST: usize = 1 << 20;

/// `+src:dst`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refspec {
    pub force: bool,
    pub negative: bool,
    pub src: String,
    /// `None` without a colon.
    pub dst: Option<String>,
}

impl Refspec {
    /// refspec.c, `parse_refspec` of a push; `None` where git calls it invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let (force, negative, rest) = match (text.strip_prefix('+'), text.strip_prefix('^')) {
            (Some(rest), _) => (true, false, rest),
            (_, Some(rest)) => (false, true, rest),
            _ => (false, false, text),
        };
        let (src, dst) = match rest.rsplit_once(':') {
            Some((src, dst)) => (src, Some(dst.to_owned())),
            None => (rest, None),
        };
        let spec = Refspec { force, negative, src: if src == "@" { "HEAD" } else { src }.to_owned(), dst };
        (spec.is_matching() && !negative || spec.is_valid()).then_some(spec)
    }

    fn is_valid(&self) -> bool {
        let globs = self.src.contains('*');
        match &self.dst {
            None => is_ref_name(&self.src, globs),
            Some(_) if self.negative => false,
            // What stands before the colon may be any revision, unless it is a pattern.
            Some(dst) => {
                dst.contains('*') == globs && (!globs || is_ref_name(&self.src, true)) && is_ref_name(dst, globs)
            }
        }
    }

    fn is_matching(&self) -> bool {
        self.src.is_empty() && self.dst.as_deref() == Some("")
    }
}

/// refs.c, `check_refname_format`, of names in one part too; a pattern holds one star. Bytes that are no text, which git
/// takes, stand there as `\xff`.
fn is_ref_name(name: &str, pattern: bool) -> bool {
    let name = &name.replace("\\x", "");
    let barred = |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '[' | '\\');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    name != "@"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(barred)
        && name.matches('*').count() <= usize::from(pattern)
        && name.split('/').all(part)
}

/// What `--all`, `--mirror` and the like ask for beside refspecs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whole {
    pub branches: bool,
    pub mirror: bool,
    pub prune: bool,
    pub follow_tags: bool,
}

/// As git reads it back.
impl std::fmt::Display for Refspec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (force, negative) = (if self.force { "+" } else { "" }, if self.negative { "^" } else { "" });
        write!(f, "{force}{negative}{}", self.src)?;
        self.dst.iter().try_for_each(|dst| write!(f, ":{dst}"))
    }
}

pub struct Expansion {
    pub changes: Vec<RefChange>,
    /// Local refs were needed and are not known: the names are the worst they may be.
    pub unread: bool,
    pub refused: Option<String>,
}

/// Expands the refspecs of one push to `remote`.
pub fn expand(scene: &Scene<'_>, remote: &str, specs: &[Refspec], whole: Whole, force: bool) -> Expansion {
    let nothing = Refs::default();
    let refs = scene.known.refs.as_ref();
    let mut out = Expansion { changes: Vec::new(), unread: false, refused: None };
    let configured = scene.config.all(&format!("remote.{remote}.push"));
    let mut mappings: Vec<Refspec> = configured.iter().filter_map(|text| Refspec::parse(text)).collect();
    out.unread = refs.is_none_or(|r| r.truncated);
    if mappings.len() * specs.len() > MOST {
        mappings.clear();
        out.unread = true;
    }
    let refs = refs.unwrap_or(&nothing);
    let names = refs.names.iter().map(String::as_str).collect();
    let mut all = Expander { scene, remote, refs, names, mappings, force, out: &mut out };
    if whole.mirror {
        all.glob("refs/*", "refs/*", true);
        all.delete("refs/*", true);
    }
    if whole.branches {
        all.glob("refs/heads/*", "refs/heads/*", force);
        if whole.prune {
            all.delete("refs/heads/*", force);
        }
    }
    for spec in specs.iter().filter(|s| !s.negative) {
        all.one(spec, whole.prune);
    }
    if whole.follow_tags && !whole.mirror {
        all.refs.annotated.iter().for_each(|tag| all.out.update(tag, force));
    }
    let negative: Vec<&Refspec> = specs.iter().filter(|s| s.negative).collect();
    // Where these are too many to compare, more is read than is pushed.
    if negative.len() * out.changes.len() <= MOST {
        out.changes.retain(|change| !negative.iter().any(|s| matches(&s.src, &change.name)));
    }
    // The same ref by two refspecs: the stronger wish counts.
    out.changes.sort();
    out.changes.reverse();
    out.changes.dedup_by(|later, kept| later.name == kept.name && later.delete == kept.delete);
    out.changes.reverse();
    out
}

impl Expansion {
    fn update(&mut self, name: &str, force: bool) {
        self.changes.push(RefChange { name: name.to_owned(), delete: false, force });
    }
}

struct Expander<'a> {
    scene: &'a Scene<'a>,
    remote: &'a str,
    refs: &'a Refs,
    names: HashSet<&'a str>,
    /// `remote.NAME.push`
    mappings: Vec<Refspec>,
    force: bool,
    out: &'a mut Expansion,
}

impl Expander<'_> {
    fn delete(&mut self, name: &str, force: bool) {
        self.out.changes.push(RefChange { name: name.to_owned(), delete: true, force });
    }

    fn update_each(&mut self, names: &[String], force: bool) {
        names.iter().for_each(|name| self.out.update(name, force));
    }

    fn glob(&mut self, src: &str, dst: &str, force: bool) {
        if self.out.unread || self.out.changes.len() > MOST {
            self.out.unread = true;
            return self.out.update(dst, force);
        }
        let (prefix, suffix) = src.split_once('*').unwrap_or((src, ""));
        let found: Vec<String> = self
            .refs
            .names
            .iter()
            .filter_map(|name| {
                name.strip_prefix(prefix)?.strip_suffix(suffix).map(|middle| dst.replacen('*', middle, 1))
            })
            .collect();
        found.iter().for_each(|name| self.out.update(name, force));
    }

    fn one(&mut self, spec: &Refspec, prune: bool) {
        let force = spec.force || self.force;
        if spec.is_matching() {
            self.glob("refs/heads/*", "refs/heads/*", force);
            if prune {
                self.delete("refs/heads/*", force);
            }
            return;
        }
        if spec.src.contains('*') {
            let dst = spec.dst.as_deref().filter(|d| !d.is_empty()).unwrap_or(&spec.src);
            self.glob(&spec.src, dst, force);
            if prune {
                self.delete(dst, force);
            }
            return;
        }
        match &spec.dst {
            Some(dst) if spec.src.is_empty() => {
                for name in self.on_remote(dst, None) {
                    self.delete(&name, spec.force);
                }
            }
            _ if self.is_ambiguous(&spec.src) => {
                self.out.refused = Some(format!("{} matches more than one ref", spec.src));
            }
            Some(dst) if !dst.is_empty() => {
                let src = self.local(&spec.src);
                self.update_each(&self.on_remote(dst, src.as_deref()), force);
            }
            _ => self.mapped(&spec.src, force),
        }
    }

    /// A source alone: sent to the ref of the same name, unless configuration maps it (builtin/push.c, `map_refspec`).
    fn mapped(&mut self, src: &str, force: bool) {
        let Some(full) = self.local(src) else {
            if src == "HEAD" {
                self.out.refused = Some("HEAD is not a branch".into());
                return;
            }
            let name = if src.starts_with("refs/") { src.to_owned() } else { format!("refs/heads/{src}") };
            return self.out.update(&name, force);
        };
        let config = &self.scene.config;
        if src != "HEAD" {
            for spec in &self.mappings {
                if let Some(name) = spec.dst.as_deref().and_then(|dst| through(&spec.src, dst, &full)) {
                    return self.update_each(&self.on_remote(&name, Some(&full)), force || spec.force);
                }
            }
        }
        let upstream = matches!(config.get("push.default"), Some("upstream" | "tracking"));
        let branch = full.strip_prefix("refs/heads/").filter(|_| upstream && src != "HEAD");
        let merge = branch.and_then(|b| config.get(&format!("branch.{b}.merge")));
        self.out.update(merge.unwrap_or(&full), force);
    }

    /// The full name of a local ref; HEAD is the last that git takes the word for.
    fn local(&self, name: &str) -> Option<String> {
        let found = self.called(name).into_iter().next();
        found.or_else(|| self.scene.known.head.clone().filter(|_| name == "HEAD"))
    }

    /// The local refs that a short name stands for; branches, tags and what is named from the top go before the others
    /// (remote.c, `count_refspec_match`).
    fn called(&self, name: &str) -> Vec<String> {
        let from_the_top = format!("refs/{name}");
        let strong = |full: &str| {
            full == name || full == from_the_top || full.starts_with("refs/heads/") || full.starts_with("refs/tags/")
        };
        let full_names = RULES.iter().map(|(before, after)| format!("{before}{name}{after}"));
        let (strong, weak): (Vec<_>, Vec<_>) =
            full_names.filter(|full| self.names.contains(full.as_str())).partition(|full| strong(full));
        if strong.is_empty() { weak } else { strong }
    }

    fn is_ambiguous(&self, name: &str) -> bool {
        self.called(name).len() > 1
    }

    /// The full name on the remote: of a ref that is there, else in the place that the source has here (remote.c,
    /// `match_explicit`). What is there is only known by what was fetched from it; where that does not say, each that
    /// it may be.
    fn on_remote(&self, dst: &str, src: Option<&str>) -> Vec<String> {
        if dst.starts_with("refs/") {
            return vec![dst.to_owned()];
        }
        let has = |full: String| self.names.contains(full.as_str());
        let fetched = |branch: &str| has(format!("refs/remotes/{}/{branch}", self.remote));
        let place = if src.is_some_and(|full| full.starts_with("refs/tags/")) { "refs/tags/" } else { "refs/heads/" };
        let here = format!("{place}{dst}");
        let there = format!("refs/{dst}");
        if let Some(branch) = dst.strip_prefix("heads/") {
            return if src.is_none() || fetched(branch) { vec![there] } else { vec![there, here] };
        }
        if dst.starts_with("tags/") {
            return if src.is_none() || has(there.clone()) { vec![there] } else { vec![there, here] };
        }
        let (branch, tag) = (format!("refs/heads/{dst}"), format!("refs/tags/{dst}"));
        match src {
            _ if fetched(dst) => vec![branch],
            None if has(tag.clone()) && !has(branch.clone()) => vec![tag],
            None => vec![branch],
            // A branch that bears the name of a tag here: the tag, if the remote has it too.
            Some(_) if here == branch && has(tag.clone()) => vec![branch, tag],
            Some(_) => vec![here],
        }
    }
}

/// A name through a refspec, where its source fits.
fn through(src: &str, dst: &str, full: &str) -> Option<String> {
    match src.split_once('*') {
        Some((prefix, suffix)) => {
            full.strip_prefix(prefix)?.strip_suffix(suffix).map(|middle| dst.replacen('*', middle, 1))
        }
        None => (src == full).then(|| dst.to_owned()),
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((prefix, suffix)) => name.len() >= pattern.len() - 1 && name.starts_with(prefix) && name.ends_with(suffix),
        None => pattern == name,
    }
}

/// The refspecs of a push that names none (builtin/push.c, `setup_default_push_refspecs`); the text is git's refusal.
pub fn defaults(scene: &Scene<'_>, remote: &str) -> Result<Vec<Refspec>, String> {
    let config = &scene.config;
    let configured = config.all(&format!("remote.{remote}.push"));
    if !configured.is_empty() {
        let read = |text: &str| Refspec::parse(text).ok_or_else(|| format!("invalid refspec {text}"));
        return configured.into_iter().map(read).collect();
    }
    let exactly = |src: &str, dst: &str| {
        Ok(vec![Refspec { force: false, negative: false, src: src.to_owned(), dst: Some(dst.to_owned()) }])
    };
    let mode = config.get("push.default").unwrap_or("simple");
    match mode {
        "matching" => return exactly("", ""),
        "nothing" => return Err("push.default is nothing".into()),
        _ => {}
    }
    let Some(branch) = scene.branch() else { return Err("HEAD is not on a branch".into()) };
    let full = format!("refs/heads/{branch}");
    let triangular = default_remote(config, Some(branch), Way::Fetch) != remote;
    let upstream = config.get(&format!("branch.{branch}.merge"));
    let sets_it_up = config.bool("push.autosetupremote") == Some(true);
    match mode {
        "current" => exactly(&full, &full),
        "simple" if triangular => exactly(&full, &full),
        "upstream" | "tracking" if triangular => Err("push.default is upstream, and the branch has another".into()),
        "simple" | "upstream" | "tracking" => match upstream {
            None if sets_it_up => exactly(&full, &full),
            None => Err(format!("the branch {branch} has no upstream")),
            Some(merge) if mode == "simple" && merge != full => Err("the upstream has another name".into()),
            Some(merge) => exactly(&full, merge),
        },
        _ => Err("push.default is not one that git knows".into()),
    }
}
