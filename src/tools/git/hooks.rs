//! githooks(5): which hooks a command starts, of those that lie there.

use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;

/// Commands that may write the index, if only to note again what they saw of the files.
const WRITES_INDEX: &str = " add am apply checkout cherry-pick commit describe diff difftool merge mv pull read-tree rebase \
    reset restore revert rm sparse-checkout stage stash status switch update-index worktree ";

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
    let there = names.into_iter().filter(|name| scene.known.hooks.iter().any(|hook| hook == name));
    there.map(|name| format!("hook {name}")).for_each(|program| meaning.runs(program));
    if brings_hooks(scene, command, words) {
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
        ("merge" | "pull", _) => vec!["prepare-commit-msg", "post-merge", "post-commit"],
        ("rebase", _) => vec!["post-checkout", "post-rewrite", "post-commit", "prepare-commit-msg", "commit-msg"],
        ("cherry-pick" | "revert", _) => vec!["prepare-commit-msg", "commit-msg", "post-commit"],
        ("checkout" | "switch" | "restore" | "clone", _) | ("worktree", "add") => vec!["post-checkout"],
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
        "merge" | "pull" if verify => names.extend(["pre-merge-commit", "commit-msg"]),
        "rebase" if verify => names.push("pre-rebase"),
        _ => {}
    }
    names
}

/// What a template brings runs in the new repository, and so does what `core.hooksPath` names.
fn brings_hooks(scene: &Scene<'_>, command: &str, words: &Words) -> bool {
    if command != "clone" {
        return false;
    }
    let template = words.value("template").or_else(|| scene.filled("GIT_TEMPLATE_DIR"));
    let template = template.or_else(|| scene.config.get("init.templatedir").map(str::to_owned));
    let settings = words.values("config").any(|s| s.to_lowercase().starts_with("core.hookspath"));
    template.is_some_and(|t| !t.is_empty()) || settings || scene.config.get("core.hookspath").is_some()
}
