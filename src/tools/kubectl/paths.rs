//! Paths that a line names: patterns, which kubectl itself expands where no file has the pattern's own name, and what is
//! not there at all.

use super::manifests::join;
use crate::tools::World;

/// Folders below folders that a pattern may go through.
const DEPTH: usize = 16;

/// Paths that a pattern may stand for on its way.
const MATCHES: usize = 4096;

/// The paths that a pattern stands for (Go's filepath.Glob), sorted by folder; empty where nothing matches. `None`
/// where something is there by this very name, or where that cannot be told,
/// also because there are too many.
pub(super) fn expanded(path: &str, world: &dyn World) -> Option<Vec<String>> {
    if world.is_dir(path.as_bytes()) || !is_absent(path, world, 0) {
        return None;
    }
    let mut found = vec![if path.starts_with('/') { "/".to_owned() } else { String::new() }];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            let at = if folder.is_empty() { "." } else { &folder };
            if !part.contains(['*', '?', '[', '\\']) {
                next.push(join(&folder, part));
            } else if let Some(names) = world.list(at.as_bytes()) {
                let names = names.iter().filter_map(|name| name.text());
                next.extend(names.filter(|name| matches(part, name)).map(|name| join(&folder, name)));
            }
            if next.len() > MATCHES {
                return None;
            }
        }
        found = next;
    }
    found.retain(|path| world.is_file(path.as_bytes()) || world.is_dir(path.as_bytes()));
    Some(found)
}

/// Whether a path is certainly not there: the folder that would hold it was listed, and does not.
pub(super) fn is_absent(path: &str, world: &dyn World, depth: usize) -> bool {
    let path = path.trim_end_matches('/');
    let (folder, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => (".", path),
    };
    if name.is_empty() || name == "." || name == ".." || depth > DEPTH {
        return false;
    }
    match world.list(folder.as_bytes()) {
        Some(names) => names.iter().all(|it| it.as_slice() != name.as_bytes()),
        None => folder != "." && folder != "/" && is_absent(folder, world, depth + 1),
    }
}

/// Standard input by its names on Linux.
pub(super) fn is_stdin(path: &str) -> bool {
    matches!(path, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0")
}

/// What `-f` gets from another machine; any other scheme is a folder's name to it.
pub(super) fn is_page(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// What kustomize gets from another machine (its NewRepoSpecFromURL): an address, `user@host:path`, or GitHub without more.
pub(super) fn is_url(path: &str) -> bool {
    let path = path.strip_prefix("git::").unwrap_or(path);
    let user = path.split_once('@').map_or("", |(user, _)| user);
    let login = user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let github = path
        .get(..11)
        .is_some_and(|host| host.eq_ignore_ascii_case("github.com/") || host.eq_ignore_ascii_case("github.com:"));
    path.contains("://") || login || github
}

pub(super) fn is_manifest(name: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

/// One side of `cp` that lies in a pod: its namespace, where it says one, and its name.
pub(super) fn remote(side: &str) -> Option<(Option<String>, String)> {
    let (pod, _) = side.split_once(':').filter(|(pod, _)| !pod.is_empty())?;
    match pod.split('/').collect::<Vec<_>>().as_slice() {
        [.., ""] => None,
        [pod] => Some((None, (*pod).to_owned())),
        [namespace, pod] => Some((Some((*namespace).to_owned()), (*pod).to_owned())),
        _ => None,
    }
}

/// Go's filepath.Match for one name. A pattern that it would not take matches nothing.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where the last star stands and what it has swallowed so far: no more is ever taken back.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(_) => {
                if let Some(length) = one(&pattern[p..], name[n]) {
                    (p, n) = (p + length, n + 1);
                    continue;
                }
            }
            None => {}
        }
        let Some((at, swallowed)) = star else { return false };
        (p, n, star) = (at + 1, swallowed + 1, Some((at, swallowed + 1)));
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How much of the pattern stands for this one character; `None` where it does not.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        ['[', rest @ ..] => {
            let end = rest.iter().skip(1).position(|c| *c == ']')? + 1;
            let (negated, set) = match &rest[..end] {
                ['^', set @ ..] => (true, set),
                set => (false, set),
            };
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                let (low, high, length) = match &set[at..] {
                    [low, '-', high, ..] => (*low, *high, 3),
                    _ => (set[at], set[at], 1),
                };
                found |= (low..=high).contains(&c);
                at += length;
            }
            (found != negated).then_some(end + 2)
        }
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_matches_as_go_has_it() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[]a]", "]", true),
            ("[a", "a", false),
            (r"\*", "*", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
