//! The commands within commands (`git worktree add`), of those that take no other word there, and how many operands a
//! command wants.

use super::options::Words;

/// The commands of each; an empty word stands for none.
const PARTS: &[(&str, &[&str])] = &[
    ("bundle", &["create", "list-heads", "unbundle", "verify"]),
    ("commit-graph", &["verify", "write"]),
    ("credential", &["approve", "capability", "fill", "reject"]),
    ("hook", &["run"]),
    ("maintenance", &["register", "run", "start", "stop", "unregister"]),
    ("multi-pack-index", &["expire", "repack", "verify", "write"]),
    ("notes", &["", "add", "append", "copy", "edit", "get-ref", "list", "merge", "prune", "remove", "show"]),
    ("rerere", &["", "clear", "diff", "forget", "gc", "remaining", "status"]),
    ("sparse-checkout", &["add", "check-rules", "disable", "init", "list", "reapply", "set"]),
    ("stash", &["", "apply", "branch", "clear", "create", "drop", "list", "pop", "push", "save", "show", "store"]),
    ("worktree", &["add", "list", "lock", "move", "prune", "remove", "repair", "unlock"]),
];

/// Those of `git config`, since 2.46.
pub const CONFIG: &[&str] = &["edit", "get", "list", "remove-section", "rename-section", "set", "unset"];

/// Those of `git bisect`; while it goes on, a word of its user's own may stand for good or bad.
pub const BISECT: &[&str] = &[
    "bad",
    "good",
    "help",
    "log",
    "new",
    "next",
    "old",
    "replay",
    "reset",
    "run",
    "skip",
    "start",
    "terms",
    "view",
    "visualize",
];

/// Whether git would show its usage, for it knows no such command. Options of their own stand before those of
/// `commit-graph` and `multi-pack-index`, so these are not held to it without one.
pub fn is_none(name: &str, sub: &str) -> bool {
    let known = PARTS.iter().find(|(with_parts, _)| *with_parts == name);
    let loose = sub.is_empty() && matches!(name, "commit-graph" | "multi-pack-index");
    known.is_some_and(|(_, parts)| !loose && !parts.contains(&sub))
}

/// How many operands at least and at most, where git shows its usage instead or says what is missing.
fn wanted(name: &str, sub: &str, words: &Words, minor: u32) -> (usize, usize) {
    const ANY: usize = usize::MAX;
    match (name, sub) {
        ("restore" | "rm", _) if words.any(&["pathspec-from-file", "patch"]) => (0, ANY),
        ("restore" | "rm", _) => (1, ANY),
        ("switch", _) if words.any(&["detach"]) => (0, 1),
        ("switch", _) if ["create", "force-create", "orphan"].iter().any(|mode| words.last(mode).is_some()) => (0, 1),
        ("switch", _) => (1, 1),
        ("mv", _) => (2, ANY),
        ("cherry-pick" | "revert", _) if words.any(&["continue", "skip", "abort", "quit"]) => (0, ANY),
        ("cherry-pick" | "revert", _) if words.takes_sources() => (0, ANY),
        ("cherry-pick" | "revert" | "commit-tree", _) => (1, ANY),
        ("rebase", _) => (0, 2),
        ("config", "edit" | "list") => (0, 0),
        ("config", "get" | "remove-section" | "unset") => (1, 1),
        ("config", "rename-section" | "set") => (2, 2),
        ("config", _) if words.any(&["unset", "unset-all", "get", "get-all", "get-regexp"]) => (1, 2),
        ("config", _) if words.on("add") => (2, 2),
        ("config", _) if words.on("replace-all") => (2, 3),
        ("config", _) if words.on("rename-section") => (2, 2),
        ("config", _) if words.on("remove-section") => (1, 1),
        ("config", _) if words.on("list") => (0, 0),
        ("config", _) if words.on("edit") && minor < 46 => (0, 0),
        ("init" | "init-db", _) => (0, 1),
        ("gc" | "pack-refs", _) => (0, 0),
        ("symbolic-ref", _) => (0, 2),
        ("replace", _) if words.on("delete") => (1, ANY),
        ("archive", _) if words.last("list").is_none() => (1, ANY),
        ("worktree", "add") => (1, 2),
        ("worktree", "remove" | "lock" | "unlock") => (1, 1),
        ("worktree", "move") => (2, 2),
        ("stash", "branch") => (1, 2),
        ("stash", "clear") => (0, 0),
        ("bundle", "create" | "unbundle" | "verify" | "list-heads") => (1, ANY),
        ("reflog", "delete") => (1, ANY),
        ("notes", "merge") if !words.any(&["commit", "abort"]) => (1, 1),
        ("notes", "copy") if words.last("stdin").is_none() && words.last("for-rewrite").is_none() => (1, 2),
        ("hook", "run") => (1, ANY),
        _ => (0, ANY),
    }
}

/// Whether there are more or fewer operands than the command takes.
pub fn miscounted(name: &str, sub: &str, words: &Words, minor: u32) -> bool {
    let (least, most) = wanted(name, sub, words, minor);
    !(least..=most).contains(&words.operands.len())
}
