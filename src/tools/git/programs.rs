//! Programs that git would start because the line, a configuration, a hook or the environment names them. git's own
//! helpers do not count.

use crate::model::StreamKind;

use super::facts::parse_bool;
use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;
use super::remotes::{Transport, address, is_allowed};

/// Adds the programs of one command to its meaning; refuses it where git's protocol rules do.
pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    transports(scene, command, words, meaning);
    if meaning.refused.is_some() {
        return;
    }
    named_on_the_line(command, sub, words, meaning);
    hooks(scene, command, sub, words, meaning);
    index(scene, command, sub, meaning);
    drivers(scene, command, sub, words, meaning);
    editors(scene, command, sub, words, meaning);
    pagers(scene, command, sub, words, meaning);
    signing(scene, command, words, meaning);
    exec_path(scene, command, meaning);
}

fn named_on_the_line(command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let options: &[&str] = match command {
        "rebase" => &["exec"],
        "filter-branch" => &[
            "setup",
            "env-filter",
            "tree-filter",
            "index-filter",
            "parent-filter",
            "msg-filter",
            "commit-filter",
            "tag-name-filter",
        ],
        "difftool" => &["extcmd"],
        _ => &[],
    };
    for option in options {
        words.values(option).for_each(|program| meaning.runs(program));
    }
    match (command, sub) {
        ("grep", _) => {
            if let Some(given) = words.last("open-files-in-pager").filter(|g| !g.negated) {
                meaning.runs(given.value.as_ref().map_or("pager".into(), super::options::text));
            }
        }
        ("bisect", "run") => meaning.runs(words.operands.join(" ")),
        ("difftool" | "mergetool", _) if words.last("extcmd").is_none() && words.last("tool-help").is_none() => {
            meaning.runs(words.value("tool").unwrap_or_else(|| command.to_owned()));
        }
        ("for-each-repo", _) => meaning.runs(format!("git {}", words.operands.join(" "))),
        ("merge", _) | ("rebase", _) | ("cherry-pick", _) | ("revert", _) | ("pull", _) => {
            let own = ["ort", "recursive", "resolve", "octopus", "ours", "subtree", "theirs"];
            let strategies = words.values("strategy").filter(|s| !own.contains(&s.as_str()));
            strategies.for_each(|s| meaning.runs(format!("git-merge-{s}")));
        }
        ("merge-index", _) => {
            if let Some(program) = words.operands.iter().find(|w| !w.starts_with('-') && *w != "git-merge-one-file") {
                meaning.runs(program.clone());
            }
        }
        _ => {}
    }
}

/// Programs at either end of a connection, and the ways git refuses a protocol.
fn transports(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    if meaning.urls.is_empty() {
        return;
    }
    let top = if command == "clone" { scene.folder() } else { scene.top() };
    let remote = meaning.remote.clone().unwrap_or_default();
    let pushes = matches!(command, "push" | "send-pack");
    let (options, key, own): (&[&str], _, _) = match command {
        "archive" => (&["exec"], "uploadarchive", "git-upload-archive"),
        _ if pushes => (&["receive-pack", "exec"], "receivepack", "git-receive-pack"),
        _ => (&["upload-pack", "exec"], "uploadpack", "git-upload-pack"),
    };
    let on_line = words.given.iter().rev().find(|g| options.contains(&g.opt.long) && !g.negated);
    let service = on_line
        .and_then(|g| g.value.as_ref())
        .map(super::options::text)
        .or_else(|| config.get(&format!("remote.{remote}.{key}")).map(str::to_owned))
        .filter(|program| program != own && program != &own.replacen("git-", "git ", 1));
    for url in meaning.urls.clone() {
        let address = address(&url, &top);
        if !is_allowed(config, &|name| scene.variable(name), &address.protocol) {
            *meaning = Meaning::refused(format!("transport '{}' not allowed", address.protocol));
            return;
        }
        match &address.transport {
            Transport::Local => {
                service.iter().for_each(|program| meaning.runs(program.clone()));
                if !pushes && let Some(hook) = config.get("uploadpack.packobjectshook") {
                    meaning.runs(hook);
                }
            }
            Transport::Ssh => {
                service.iter().for_each(|program| meaning.runs(program.clone()));
                let ssh = scene.filled("GIT_SSH_COMMAND").or_else(|| config.get("core.sshcommand").map(str::to_owned));
                ssh.or_else(|| scene.filled("GIT_SSH"))
                    .filter(|p| p != "ssh")
                    .into_iter()
                    .for_each(|p| meaning.runs(p));
            }
            Transport::Git => {
                let proxy =
                    scene.filled("GIT_PROXY_COMMAND").or_else(|| config.get("core.gitproxy").map(str::to_owned));
                proxy.into_iter().for_each(|p| meaning.runs(p));
            }
            Transport::Http => credentials(scene, meaning),
            Transport::Helper(name) => match (name.as_str(), url.split_once("::")) {
                ("ext", Some((_, text))) => meaning.runs(text),
                ("fd", _) => {}
                _ => meaning.runs(format!("git-remote-{name}")),
            },
        }
    }
    if let Some(helper) = config.get(&format!("remote.{remote}.vcs")) {
        meaning.runs(format!("git-remote-{helper}"));
    }
    if let Some(program) = config.get("core.alternaterefscommand") {
        meaning.runs(program);
    }
}

/// Whoever answers for a password over HTTP. The helpers that come with git count as git.
fn credentials(scene: &Scene<'_>, meaning: &mut Meaning) {
    let config = &scene.config;
    let mut helpers: Vec<&str> = Vec::new();
    for entry in config.0.iter().filter(|e| e.key.starts_with("credential.") && e.key.ends_with(".helper")) {
        match entry.value.as_deref() {
            None | Some("") => helpers.clear(),
            Some(value) => helpers.push(value),
        }
    }
    let own = |helper: &&str| {
        matches!(helper.split_whitespace().next(), Some("cache" | "store"))
            && !helper.contains([';', '|', '&', '$', '`'])
    };
    helpers.into_iter().filter(|h| !own(h)).for_each(|h| meaning.runs(h));
    let ask = scene.filled("GIT_ASKPASS").or_else(|| config.get("core.askpass").map(str::to_owned));
    ask.or_else(|| scene.filled("SSH_ASKPASS")).filter(|p| !p.is_empty()).into_iter().for_each(|p| meaning.runs(p));
}

/// githooks(5): which hooks a command starts.
fn hooks(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let verify = words.last("no-verify").is_none_or(|g| g.negated) && !words.letter_is_no_verify(command);
    let quiet = meaning.weights.iter().all(|w| *w <= Weight::Read);
    let mut names: Vec<&str> = match (command, sub) {
        ("push", _) if verify => vec!["pre-push"],
        ("commit", _) if quiet => vec!["pre-commit"],
        ("commit", _) => vec!["prepare-commit-msg", "post-commit", "post-rewrite"],
        ("merge" | "pull", _) => vec!["prepare-commit-msg", "post-merge", "post-commit"],
        ("rebase", _) => vec!["post-checkout", "post-rewrite", "post-commit", "prepare-commit-msg", "commit-msg"],
        ("cherry-pick" | "revert", _) => vec!["prepare-commit-msg", "commit-msg", "post-commit"],
        ("checkout" | "switch", _) => vec!["post-checkout"],
        ("clone", _) | ("worktree", "add") => vec!["post-checkout"],
        ("am", _) => vec!["applypatch-msg", "pre-applypatch", "post-applypatch"],
        ("gc", _) if words.on("auto") => vec!["pre-auto-gc"],
        ("hook", "run") => words.operands.first().map(String::as_str).into_iter().collect(),
        _ => vec![],
    };
    match command {
        "commit" if verify && !words.on("dry-run") => names.extend(["pre-commit", "commit-msg"]),
        "merge" | "pull" if verify => names.extend(["pre-merge-commit", "commit-msg"]),
        "rebase" if verify => names.push("pre-rebase"),
        _ => {}
    }
    // Every change of a local ref asks this one; every write of the index the other.
    if !quiet && command != "config" {
        names.push("reference-transaction");
    }
    if matches!(
        command,
        "add" | "status" | "commit" | "checkout" | "switch" | "merge" | "reset" | "restore" | "stash" | "rm" | "pull"
    ) {
        names.push("post-index-change");
    }
    let there = names.into_iter().filter(|name| scene.known.hooks.iter().any(|hook| hook == name));
    there.map(|name| format!("hook {name}")).for_each(|program| meaning.runs(program));
    if command == "clone" || command == "init" {
        // What a template brings runs in the new repository.
        let template = words.value("template").or_else(|| scene.filled("GIT_TEMPLATE_DIR"));
        let template = template.or_else(|| scene.config.get("init.templatedir").map(str::to_owned));
        let settings = words.values("config").any(|s| s.to_lowercase().starts_with("core.hookspath"));
        let hooks_path = command == "clone" && (settings || scene.config.get("core.hookspath").is_some());
        if (command == "clone" && template.is_some_and(|t| !t.is_empty())) || hooks_path {
            meaning.runs("hook post-checkout");
        }
    }
}

/// `core.fsmonitor` is asked by each command that compares the index with the work tree.
fn index(scene: &Scene<'_>, command: &str, sub: &str, meaning: &mut Meaning) {
    let refreshes = matches!(
        command,
        "status"
            | "diff"
            | "diff-files"
            | "diff-index"
            | "add"
            | "stage"
            | "commit"
            | "checkout"
            | "switch"
            | "restore"
            | "reset"
            | "rm"
            | "mv"
            | "merge"
            | "pull"
            | "rebase"
            | "cherry-pick"
            | "revert"
            | "am"
            | "apply"
            | "clean"
            | "describe"
            | "ls-files"
            | "update-index"
            | "checkout-index"
            | "read-tree"
            | "difftool"
            | "submodule"
            | "blame"
            | "grep"
            | "clone"
            | "sparse-checkout"
    ) || (command == "stash" && !matches!(sub, "list" | "show" | "drop" | "clear"))
        || (command == "worktree" && sub == "add");
    if !refreshes {
        return;
    }
    if let Some(program) = scene.config.get("core.fsmonitor")
        && !program.is_empty()
        && parse_bool(program).is_none()
    {
        meaning.runs(program);
    }
}

/// Diff programs, text converters, filters and merge drivers, where attributes bring them in.
fn drivers(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let assigned = |kind: &str, driver: &str| scene.known.attributes.iter().any(|a| a == &format!("{kind}={driver}"));
    let summary =
        words.any(&["name-only", "name-status", "stat", "shortstat", "numstat", "raw", "summary", "quiet", "no-patch"])
            || words.last("stat").is_some();
    let patch = words.any(&["patch", "patch-with-stat", "patch-with-raw"])
        || words.letter('u')
        || words.last("unified").is_some();
    let shows = (command == "diff" && (!summary || patch))
        || matches!((command, sub), ("show", _) | ("stash", "show"))
        || (matches!(command, "log" | "whatchanged" | "format-patch" | "diff-tree" | "diff-index" | "diff-files")
            && patch)
        || (command == "blame" || command == "annotate" || command == "pickaxe");
    let external = match words.last("ext-diff") {
        Some(given) => !given.negated && (shows || command == "diff"),
        None => shows && matches!(command, "diff" | "diff-tree" | "diff-index" | "diff-files"),
    };
    if external {
        let program = scene.filled("GIT_EXTERNAL_DIFF").or_else(|| config.get("diff.external").map(str::to_owned));
        program.filter(|p| !p.is_empty()).into_iter().for_each(|p| meaning.runs(p));
        for (driver, program) in config.middles("diff", "command") {
            if assigned("diff", driver) {
                meaning.runs(program);
            }
        }
    }
    let converts = match words.last("textconv") {
        Some(given) => !given.negated && (shows || matches!(command, "grep" | "cat-file")),
        None => shows && !matches!(command, "format-patch" | "diff-tree" | "diff-index" | "diff-files"),
    };
    if converts && !words.on("no-textconv") {
        for (driver, program) in config.middles("diff", "textconv") {
            if assigned("diff", driver) {
                meaning.runs(program);
            }
        }
    }
    let cleans = matches!(
        command,
        "add" | "stage" | "commit" | "status" | "diff" | "stash" | "hash-object" | "update-index" | "apply" | "am"
    );
    let smudges = matches!(
        command,
        "checkout"
            | "switch"
            | "restore"
            | "reset"
            | "merge"
            | "pull"
            | "rebase"
            | "cherry-pick"
            | "revert"
            | "stash"
            | "archive"
            | "clone"
            | "checkout-index"
            | "read-tree"
            | "worktree"
            | "bisect"
            | "am"
            | "cat-file"
    );
    for (name, runs) in [("clean", cleans || smudges), ("smudge", smudges), ("process", cleans || smudges)] {
        for (driver, program) in config.middles("filter", name).filter(|_| runs) {
            if assigned("filter", driver) && !program.is_empty() {
                meaning.runs(program);
            }
        }
    }
    if matches!(
        command,
        "merge" | "pull" | "rebase" | "cherry-pick" | "revert" | "stash" | "am" | "checkout" | "merge-recursive"
    ) {
        for (driver, program) in config.middles("merge", "driver") {
            if assigned("merge", driver) {
                meaning.runs(program);
            }
        }
    }
    tools(scene, command, words, meaning);
}

fn tools(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    match command {
        "archive" => {
            let by_name = words.value("output").and_then(|o| o.split_once('.').map(|(_, ext)| ext.to_owned()));
            let format = words.value("format").or(by_name).unwrap_or_default();
            if let Some(program) = config.get(&format!("tar.{format}.command")) {
                meaning.runs(program);
            }
        }
        "interpret-trailers" | "commit" if !words.any(&["patch", "interactive"]) => {
            let named = ["command", "cmd"].into_iter().flat_map(|name| config.middles("trailer", name));
            let wanted = command == "interpret-trailers" || words.last("trailer").is_some();
            named.filter(|_| wanted).for_each(|(_, program)| meaning.runs(program));
        }
        "help" => {
            let named = config.middles("man", "cmd").chain(config.middles("browser", "cmd"));
            named.for_each(|(_, program)| meaning.runs(program));
        }
        "add" | "checkout" | "restore" | "reset" | "stash" | "commit" if words.any(&["patch", "interactive"]) => {
            if let Some(program) = config.get("interactive.difffilter") {
                meaning.runs(program);
            }
        }
        "credential" => credentials(scene, meaning),
        _ => {}
    }
}

/// An editor that is named somewhere; git's own default starts only on a real terminal.
fn editors(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let terminal = scene.invocation.streams.stdin == StreamKind::Terminal
        && scene.invocation.streams.stdout == StreamKind::Terminal;
    let message =
        words.last("message").is_some() || words.last("file").is_some() || words.last("reuse-message").is_some();
    let edit = words.last("edit").map(|g| !g.negated);
    let wanted = match (command, sub) {
        ("commit", _) => {
            let fixup = words.value("fixup").is_some_and(|f| !f.starts_with("amend:") && !f.starts_with("reword:"));
            let dry = words.any(&["dry-run", "short", "porcelain", "long"]);
            !dry && edit.unwrap_or(!message && !fixup) || words.on("patch") && words.on("edit")
        }
        ("merge" | "pull", _) => {
            edit.unwrap_or(terminal && !message && words.last("ff-only").is_none_or(|g| g.negated))
        }
        ("cherry-pick", _) => edit == Some(true),
        ("revert", _) => edit.unwrap_or(terminal) && !words.on("no-commit"),
        ("tag", _) => {
            (words.any(&["annotate", "sign"]) || words.last("local-user").is_some()) && !message || edit == Some(true)
        }
        ("branch", _) => words.on("edit-description"),
        ("config", _) => {
            words.on("edit")
                || (words.operands.first().is_some_and(|o| o == "edit") && super::options::minor(scene.version) >= 46)
        }
        ("notes", "add" | "edit" | "append") => !message,
        ("rebase", _) => words.any(&["interactive", "edit-todo"]),
        ("replace", _) => words.on("edit"),
        ("add" | "stage", _) => words.on("edit"),
        _ => false,
    };
    if !wanted {
        return;
    }
    let sequence = (command == "rebase")
        .then(|| scene.filled("GIT_SEQUENCE_EDITOR").or_else(|| config.get("sequence.editor").map(str::to_owned)));
    let editor = sequence
        .flatten()
        .or_else(|| scene.filled("GIT_EDITOR"))
        .or_else(|| config.get("core.editor").map(str::to_owned));
    let editor =
        editor.or_else(|| scene.filled("VISUAL").filter(|_| scene.variable("TERM").as_deref() != Some("dumb")));
    let editor = editor.or_else(|| scene.filled("EDITOR"));
    // `:` and `true` are git's own way to say "no editor".
    editor.filter(|e| !matches!(e.as_str(), ":" | "true")).into_iter().for_each(|e| meaning.runs(e));
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

fn signing(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let by_default = match command {
        "commit" | "merge" | "rebase" | "cherry-pick" | "revert" | "am" | "pull" => config.bool("commit.gpgsign"),
        "tag" => config.bool("tag.gpgsign"),
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
    let changes = meaning.weights.iter().any(|w| *w > Weight::Read) || matches!(command, "log" | "show");
    if !verifies && !(changes && asked.or(by_default).unwrap_or(false)) {
        return;
    }
    let format = config.get("gpg.format").unwrap_or("openpgp").to_owned();
    let program = config.get(&format!("gpg.{format}.program")).or_else(|| config.get("gpg.program"));
    program
        .filter(|p| !matches!(*p, "gpg" | "gpg2" | "ssh-keygen" | "gpgsm"))
        .into_iter()
        .for_each(|p| meaning.runs(p));
    if format == "ssh"
        && let Some(command) = config.get("gpg.ssh.defaultkeycommand")
    {
        meaning.runs(command);
    }
}

/// With another exec-path, each helper that git starts is somebody else's program.
fn exec_path(scene: &Scene<'_>, command: &str, meaning: &mut Meaning) {
    let Some(path) =
        scene.globals.exec_path.as_ref().map(super::options::text).or_else(|| scene.filled("GIT_EXEC_PATH"))
    else {
        return;
    };
    let starts_helpers = meaning.weights.iter().any(|w| *w >= Weight::RemoteRead)
        || super::options::is_script(command)
        || matches!(
            command,
            "commit" | "merge" | "rebase" | "am" | "gc" | "maintenance" | "stash" | "difftool" | "bisect" | "repack"
        );
    if starts_helpers {
        meaning.runs(format!("programs in {path}"));
    }
}

impl Words {
    /// `commit -n` is `--no-verify`; elsewhere the letter means something else.
    fn letter_is_no_verify(&self, command: &str) -> bool {
        command == "commit" && self.letter('n')
    }
}
