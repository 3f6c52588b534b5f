//! githooks(5): which hooks a command starts, of those that lie there.

use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;

/// Commands that may write the index, if only to note again what they saw of the files.
const WRITES_INDEX: &str = " add am apply checkout cherry-pick commit describe diff difftool merge mv pull read-tree rebase \
    reset restore revert rm sparse-checkout stage stash status switch update-index worktree ";

/// Those that a repository on this machine runs, as the same user, when it is pushed to (git-receive-pack(1)).
const RECEIVING: &[&str] = &[
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "proc-receive",
    "push-to-checkout",
];

/// Options of `clone` that leave the work tree out.
pub const WITHOUT_FILES: &[&str] = &["bare", "mirror", "no-checkout"];

pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let quiet = meaning.weights.iter().all(|w| *w <= Weight::Read);
    let mut names = of_command(command, sub, words, quiet);
    // Every change of a local ref asks this one; every write of the index the other.
    if !quiet && command != "config" {
        names.push("reference-transaction");
    }
    if WRITES_INDEX.contains(&format!(" {command} ")) {
        names.push("post-index-change");
    }
    if command == "clone" && words.any(WITHOUT_FILES) {
        names.retain(|name| *name != "post-checkout");
    }
    let there = names.into_iter().filter(|name| scene.known.hooks.iter().any(|hook| hook == name));
    there.map(|name| format!("hook {name}")).for_each(|program| meaning.runs(program));
    let peers = scene.known.peer_hooks.iter().filter(|name| RECEIVING.contains(&name.as_str()));
    if matches!(command, "push" | "send-pack") && meaning.weights.contains(&Weight::RemoteWrite) {
        peers.for_each(|name| meaning.runs(format!("hook {name} of the remote")));
    }
    if command == "clone" && cloned_hooks(scene, words).is_some() {
        // They are in what is cloned, or where nobody looked.
        meaning.runs("hook post-checkout");
    }
}

fn of_command<'a>(command: &str, sub: &str, words: &'a Words, quiet: bool) -> Vec<&'a str> {
    // `commit -n` is `--no-verify`; elsewhere the letter means something else.
    let letter = command == "commit" && words.letter('n');
    let verify = words.last("no-verify").is_none_or(|g| g.negated) && !letter;
    let mut names: Vec<&str> = match (command, sub) {
        ("push", _) if verify => vec!["pre-push"],
        ("commit", _) if quiet => vec![],
        ("commit", _) => vec!["prepare-commit-msg", "post-commit"],
        // What goes ahead without a commit of its own asks only the last one.
        ("merge", _) if goes_ahead(words) => vec!["post-merge"],
        ("merge" | "pull", _) => vec!["prepare-commit-msg", "post-merge", "post-commit"],
        ("rebase", _) => vec!["post-checkout", "post-rewrite", "post-commit", "prepare-commit-msg", "commit-msg"],
        ("cherry-pick" | "revert", _) => vec!["prepare-commit-msg", "commit-msg", "post-commit"],
        ("worktree", "add") if words.last("checkout").is_some_and(|given| given.negated) => vec![],
        ("checkout" | "switch" | "restore" | "clone", _) | ("worktree", "add") => vec!["post-checkout"],
        ("am", _) if !verify => vec!["post-applypatch"],
        ("am", _) => vec!["applypatch-msg", "pre-applypatch", "post-applypatch"],
        ("gc", _) if words.on("auto") => vec!["pre-auto-gc"],
        ("hook", "run") => words.operands.first().map(String::as_str).into_iter().collect(),
        _ => vec![],
    };
    match command {
        "commit" if quiet => {}
        "commit" => {
            names.extend(words.on("amend").then_some("post-rewrite"));
            names.extend(verify.then_some(["pre-commit", "commit-msg"]).into_iter().flatten());
        }
        "merge" if goes_ahead(words) => {}
        "merge" | "pull" if verify => names.extend(["pre-merge-commit", "commit-msg"]),
        "rebase" if verify => names.push("pre-rebase"),
        _ => {}
    }
    names
}

/// `--ff-only`, unless a later word takes it back.
fn goes_ahead(words: &Words) -> bool {
    let last = words.given.iter().rev().find(|given| matches!(given.opt.long, "ff" | "ff-only"));
    last.is_some_and(|given| given.opt.long == "ff-only" && !given.negated)
}

/// The folder below the new work tree that `core.hooksPath` names for a clone's hooks.
fn cloned_hooks(scene: &Scene<'_>, words: &Words) -> Option<String> {
    let path = scene.config.get("core.hookspath").filter(|path| !path.is_empty() && !path.starts_with(['/', '~']))?;
    (!words.any(WITHOUT_FILES)).then(|| path.to_owned())
}
