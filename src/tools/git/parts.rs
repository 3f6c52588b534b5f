//! The commands within commands (`git worktree add`), of those that take no other word there.

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

/// Whether git would show its usage, for it knows no such command. Options of their own stand before those of
/// `commit-graph` and `multi-pack-index`, so these are not held to it without one.
pub fn is_none(name: &str, sub: &str) -> bool {
    let known = PARTS.iter().find(|(with_parts, _)| *with_parts == name);
    let loose = sub.is_empty() && matches!(name, "commit-graph" | "multi-pack-index");
    known.is_some_and(|(_, parts)| !loose && !parts.contains(&sub))
}
