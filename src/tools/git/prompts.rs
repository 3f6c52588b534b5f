//! Programs that git starts to talk to whoever runs it: editors, pagers, and those that sign.

use crate::model::StreamKind;

use super::facts::{Config, parse_bool};
use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;
use super::signatures;

pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    editors(scene, command, sub, words, meaning);
    pagers(scene, command, sub, words, meaning);
    signing(scene, command, words, meaning);
}

/// An editor that is named somewhere; git's own default starts only on a real terminal.
fn editors(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    if !edits(scene, command, sub, words) {
        return;
    }
    // `:` and `true` are git's own way to say "no editor".
    named(scene, command == "rebase")
        .filter(|e| !matches!(e.as_str(), ":" | "true"))
        .into_iter()
        .for_each(|e| meaning.runs(e));
}

/// The editor that somebody named: of the list of a rebase, or of any text.
fn named(scene: &Scene<'_>, sequence: bool) -> Option<String> {
    let config = &scene.config;
    let of_list = || scene.filled("GIT_SEQUENCE_EDITOR").or_else(|| config.get("sequence.editor").map(str::to_owned));
    let editor = if sequence { of_list() } else { None };
    editor
        .or_else(|| scene.filled("GIT_EDITOR"))
        .or_else(|| config.get("core.editor").map(str::to_owned))
        .or_else(|| scene.filled("VISUAL").filter(|_| !is_dumb(scene)))
        .or_else(|| scene.filled("EDITOR"))
}

fn is_dumb(scene: &Scene<'_>) -> bool {
    scene.variable("TERM").is_none_or(|terminal| terminal == "dumb")
}

/// A rebase that is to be edited ends here: on a dumb terminal git takes no editor of its own (editor.c).
pub fn has_no_editor(scene: &Scene<'_>, words: &Words) -> bool {
    scene.known.config.is_some()
        && words.any(&["interactive", "edit-todo"])
        && is_dumb(scene)
        && named(scene, true).is_none()
}

/// Whether the command asks for a text that the line does not give.
fn edits(scene: &Scene<'_>, command: &str, sub: &str, words: &Words) -> bool {
    let terminal = scene.invocation.streams.stdin == StreamKind::Terminal
        && scene.invocation.streams.stdout == StreamKind::Terminal;
    let message =
        words.last("message").is_some() || words.last("file").is_some() || words.last("reuse-message").is_some();
    let edit = words.last("edit").map(|g| !g.negated);
    match (command, sub) {
        ("commit", _) => {
            let fixup = words.value("fixup").is_some_and(|f| !f.starts_with("amend:") && !f.starts_with("reword:"));
            let dry = words.any(&["dry-run", "short", "porcelain", "long"]);
            !dry && edit.unwrap_or(!message && !fixup) || words.on("patch") && words.on("edit")
        }
        // What stood still for a conflict is committed, and its text is shown.
        ("merge" | "rebase", _) if words.on("continue") => true,
        ("merge" | "pull", _) => {
            edit.unwrap_or(terminal && !message && words.last("ff-only").is_none_or(|g| g.negated))
        }
        ("cherry-pick", _) => edit == Some(true) || (terminal && words.on("continue")),
        ("revert", _) => edit.unwrap_or(terminal) && !words.on("no-commit"),
        ("tag", _) => {
            let annotated = words.any(&["annotate", "sign"]) || words.last("local-user").is_some();
            // Before, nothing was made of the option alone.
            let makes = annotated || message || super::options::minor(scene.version) >= 46;
            annotated && !message || (edit == Some(true) && makes)
        }
        ("branch", _) => words.on("edit-description"),
        ("config", sub) => words.on("edit") || sub == "edit",
        ("notes", "add" | "edit" | "append") => !message,
        ("rebase", _) => words.any(&["interactive", "edit-todo"]),
        ("replace", _) => words.on("edit"),
        ("bugreport", _) => true,
        ("add" | "stage", _) => words.on("edit"),
        _ => false,
    }
}

/// A pager starts only where the output is a terminal. Plain `less`, `more` and `cat` are what git would take itself.
fn pagers(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    if scene.invocation.streams.stdout != StreamKind::Terminal {
        return;
    }
    let config = &scene.config;
    let by_command = config.get(&format!("pager.{command}"));
    let pages = matches!(
        command,
        "log"
            | "show"
            | "diff"
            | "blame"
            | "annotate"
            | "grep"
            | "reflog"
            | "shortlog"
            | "whatchanged"
            | "range-diff"
            | "format-patch"
            | "help"
    ) || (matches!(command, "branch" | "tag" | "config") && meaning.weights.last() == Some(&Weight::Read))
        || (command == "stash" && matches!(sub, "list" | "show"));
    let pages = by_command.map_or(pages, |value| parse_bool(value) != Some(false));
    if !scene.globals.paginate.unwrap_or(pages) || words.on("quiet") {
        return;
    }
    let own = by_command.filter(|value| parse_bool(value).is_none()).map(str::to_owned);
    let pager = own.or_else(|| scene.variable("GIT_PAGER")).or_else(|| config.get("core.pager").map(str::to_owned));
    let Some(pager) = pager.or_else(|| scene.variable("PAGER")) else { return };
    let plain = |text: &str| {
        let mut words = text.split_whitespace();
        matches!(words.next(), None | Some("less" | "more" | "cat"))
            && words.all(|w| w.starts_with('-') && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    if !plain(&pager) {
        meaning.runs(pager);
    }
}

/// The program of a kind of signatures; `gpg.program` is another name for that of OpenPGP (gpg-interface.c).
fn signer<'a>(config: &'a Config, kind: &str) -> Option<&'a str> {
    let own = format!("gpg.{kind}.program");
    let named = |key: &str| key == own || (kind == "openpgp" && key == "gpg.program");
    let last = config.0.iter().rev().find(|entry| named(&entry.key))?;
    last.value.as_deref()
}

/// `tag.forceSignAnnotated` is for tags with a message that no `--annotate` asked for, whatever `--no-sign` says
/// (builtin/tag.c, `cmd_tag`).
fn forced_to_sign(scene: &Scene<'_>, command: &str, words: &Words) -> bool {
    command == "tag"
        && scene.config.bool("tag.forcesignannotated") == Some(true)
        && ["message", "file", "trailer"].iter().any(|option| words.last(option).is_some_and(|given| !given.negated))
        && !words.on("annotate")
}

fn signing(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let by_default = match command {
        "commit" | "merge" | "rebase" | "cherry-pick" | "revert" | "am" | "pull" => config.bool("commit.gpgsign"),
        "tag" if !words.any(&["delete", "list", "verify"]) => config.bool("tag.gpgsign"),
        "push" => config.get("push.gpgsign").and_then(parse_bool),
        "log" | "show" => config.bool("log.showsignature"),
        _ => None,
    };
    let asked = ["gpg-sign", "sign", "signed", "show-signature", "verify-signatures", "local-user"]
        .iter()
        .filter_map(|name| words.last(name))
        .map(|given| !given.negated)
        .next_back();
    let verifies = matches!(command, "verify-commit" | "verify-tag") || (command == "tag" && words.on("verify"));
    let looks = verifies || matches!(command, "log" | "show") || words.on("verify-signatures") && command == "merge";
    let makes = words.any(&["gpg-sign", "sign", "local-user"]) || command == "merge" && by_default == Some(true);
    if looks && !makes && scene.known.signed == Some(false) && !signatures::may_lead_elsewhere(words) {
        return;
    }
    let changes = meaning.weights.iter().any(|w| *w > Weight::Read) || matches!(command, "log" | "show");
    let signs = changes && (asked.or(by_default).unwrap_or(false) || forced_to_sign(scene, command, words));
    if !verifies && !signs {
        return;
    }
    let format = config.get("gpg.format").unwrap_or("openpgp").to_owned();
    // What looks at a signature takes the program of that signature's kind.
    let kinds: &[&str] = if signs && !looks { &[&format] } else { &["openpgp", "x509", "ssh"] };
    let programs = kinds.iter().filter_map(|kind| signer(config, kind));
    let foreign = programs.filter(|p| !matches!(*p, "gpg" | "gpg2" | "ssh-keygen" | "gpgsm"));
    foreign.for_each(|program| meaning.runs(program));
    if format == "ssh"
        && let Some(command) = config.get("gpg.ssh.defaultkeycommand")
    {
        meaning.runs(command);
    }
}
