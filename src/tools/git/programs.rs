//! Programs that git would start because the line, a configuration, a hook or the environment names them. git's own
//! helpers do not count.

use super::credentials;
use super::drivers;
use super::hooks;
use super::local;
use super::meaning::{Meaning, Scene, Weight};
use super::nested;
use super::options::Words;
use super::promised;
use super::prompts;
use super::remotes::{Address, Transport, Way, address, is_allowed, urls};
use super::stdin;
use crate::model::StreamKind;

/// Adds the programs of one command to its meaning; refuses it where git's protocol rules do.
pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    transports(scene, command, words, meaning);
    if meaning.refused.is_some() {
        return;
    }
    named_on_the_line(scene, command, sub, words, meaning);
    hooks::add(scene, command, sub, words, meaning);
    drivers::add(scene, command, sub, words, meaning);
    nested::add(scene, command, sub, words, meaning);
    tools(scene, command, sub, words, meaning);
    prompts::add(scene, command, sub, words, meaning);
    promised::add(scene, command, meaning);
    exec_path(scene, command, words, meaning);
}

fn named_on_the_line(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
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
        "difftool" if !declines(scene, words) => &["extcmd"],
        _ => &[],
    };
    // The commands of --exec wait for the list of them to be edited.
    let options = if command == "rebase" && prompts::has_no_editor(scene, words) { &[] } else { options };
    for option in options {
        words.values(option).for_each(|program| meaning.runs(program));
    }
    if matches!(command, "difftool" | "mergetool") && words.last("extcmd").is_none() {
        // The tool that is configured is looked at first, and git's shell reads a file of that name in its own folder.
        let keys = ["diff.guitool", "merge.guitool", "diff.tool", "merge.tool"];
        let read = keys.iter().filter_map(|key| scene.config.get(key)).filter(|tool| tool.contains('/'));
        read.for_each(|file| meaning.runs(file));
    }
    match (command, sub) {
        ("grep", _) => {
            if let Some(given) = words.last("open-files-in-pager").filter(|g| !g.negated) {
                meaning.runs(given.value.as_ref().map_or("pager".into(), super::options::text));
            }
        }
        ("bisect", "run") if scene.known.bisecting == Some(false) => {}
        ("bisect", "run") => meaning.runs(words.operands.join(" ")),
        ("mergetool", _) if scene.known.unmerged == Some(false) && !asks_elsewhere(scene) => {}
        ("merge-index", _) if scene.known.unmerged == Some(false) => {}
        ("difftool", _) if declines(scene, words) => {}
        ("difftool" | "mergetool", _) if words.last("extcmd").is_none() && words.last("tool-help").is_none() => {
            meaning.runs(words.value("tool").unwrap_or_else(|| command.to_owned()));
        }
        ("for-each-repo", _) if local::reaches_nobody(scene, words) => {}
        ("for-each-repo", _) => meaning.runs(format!("git {}", words.operands.join(" "))),
        ("merge", _) | ("rebase", _) | ("cherry-pick", _) | ("revert", _) | ("pull", _) => {
            let own = ["ort", "recursive", "resolve", "octopus", "ours", "subtree", "theirs"];
            let mut strategies: Vec<String> = words.values("strategy").collect();
            if strategies.is_empty() && matches!(command, "merge" | "pull") {
                // The one for two heads or the one for more.
                let configured = ["pull.twohead", "pull.octopus"].iter().filter_map(|key| scene.config.get(key));
                strategies.extend(configured.flat_map(str::split_whitespace).map(str::to_owned));
            }
            let foreign = strategies.into_iter().filter(|s| !own.contains(&s.as_str()));
            foreign.for_each(|s| meaning.runs(format!("git-merge-{s}")));
        }
        ("merge-index", _) => {
            if let Some(program) = words.operands.iter().find(|w| !w.starts_with('-') && *w != "git-merge-one-file") {
                meaning.runs(program.clone());
            }
        }
        _ => {}
    }
}

/// `git difftool` asks about each file, and takes the end of its standard input for a no.
fn declines(scene: &Scene<'_>, words: &Words) -> bool {
    let config = &scene.config;
    let asks = words.given.iter().rev().find(|given| matches!(given.opt.long, "prompt" | "no-prompt"));
    let configured = config.bool("difftool.prompt").or_else(|| config.bool("mergetool.prompt"));
    let asks = match asks {
        Some(given) => (given.opt.long == "prompt") != given.negated,
        None => configured.unwrap_or(true),
    };
    let asks = asks && scene.filled("GIT_DIFFTOOL_NO_PROMPT").is_none();
    !asks_elsewhere(scene) && asks && !words.on("dir-diff") && stdin::is_empty(scene)
}

/// git's scripts ask `git config`, and that reads the file that this variable names.
fn asks_elsewhere(scene: &Scene<'_>) -> bool {
    scene.variable("GIT_CONFIG").is_some() || scene.known.config.is_none()
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
    // Plumbing knows no remotes, and no setting is for the other end of an archive.
    let by_name = !matches!(command, "send-pack" | "fetch-pack");
    let named = Some(remote.as_str()).filter(|_| by_name && command != "archive");
    // Where there are several remotes, each is fetched from without the line's option (builtin/fetch.c, `fetch_multiple`).
    let service = meaning.remote.is_some().then(|| service(scene, command, words, named)).flatten();
    let helper = config.get(&format!("remote.{remote}.vcs")).filter(|_| by_name);
    // What comes before the place that git says no to, and the other remotes of a fetch, are still gone to.
    let places: Vec<_> = meaning.urls.iter().map(|url| (url.clone(), address(url, &top))).collect();
    let refusals: Vec<_> = places.iter().map(|(url, address)| blocked(scene, command, helper, url, address)).collect();
    if let Some(Some(why)) = refusals.first().filter(|_| refusals.iter().all(Option::is_some)) {
        *meaning = Meaning::refused(why.clone());
        return;
    }
    for ((url, address), _) in places.into_iter().zip(refusals).filter(|(_, refusal)| refusal.is_none()) {
        other_end(scene, &url, &address, service.as_deref(), pushes, meaning);
        if meaning.remote.is_none() {
            of_several(scene, &url, &address, meaning);
        }
    }
    if let Some(helper) = helper {
        meaning.runs(format!("git-remote-{helper}"));
    }
    if let Some(program) = config.get("core.alternaterefscommand") {
        meaning.runs(program);
    }
}

/// What the settings of the remotes that a place is of name for it.
fn of_several(scene: &Scene<'_>, url: &str, address: &Address, meaning: &mut Meaning) {
    let config = &scene.config;
    let leads_there = |name: &&str| urls(config, name, Way::Fetch).iter().any(|place| place == url);
    for name in config.remotes().into_iter().filter(leads_there) {
        if let Some(helper) = config.get(&format!("remote.{name}.vcs")) {
            meaning.runs(format!("git-remote-{helper}"));
        }
        let service = service(scene, "fetch", &Words::default(), Some(name));
        if let Some(program) = service.filter(|_| matches!(address.transport, Transport::Local | Transport::Ssh)) {
            meaning.runs(program);
        }
    }
}

/// Programs between here and a place that git goes to; `service` is what somebody named for the other end.
pub fn other_end(
    scene: &Scene<'_>,
    url: &str,
    address: &Address,
    service: Option<&str>,
    pushes: bool,
    meaning: &mut Meaning,
) {
    let config = &scene.config;
    match &address.transport {
        Transport::Local => {
            service.into_iter().for_each(|program| meaning.runs(program));
            // The other end is a process of its own, to which the line's settings do not come.
            let hook = config.get_protected("uploadpack.packobjectshook");
            if !pushes && let Some(hook) = hook {
                meaning.runs(hook);
            }
        }
        Transport::Ssh => {
            service.into_iter().for_each(|program| meaning.runs(program));
            ssh(scene).into_iter().for_each(|p| meaning.runs(p));
            let (_, route) = super::ssh::resolved(&scene.known.ssh, address);
            route.programs.into_iter().for_each(|program| meaning.runs(program));
            route.doubts.into_iter().for_each(|why| meaning.doubt("unknown_fact", why));
        }
        Transport::Git => {
            let proxy = scene.filled("GIT_PROXY_COMMAND").or_else(|| proxy(config, &address.repository.host));
            proxy.into_iter().for_each(|p| meaning.runs(p));
        }
        Transport::Http => credentials::over_http(scene, Some(url), meaning),
        Transport::Helper(name) => match (name.as_str(), url.split_once("::")) {
            ("ext", Some((_, text))) => meaning.runs(text),
            ("fd", _) => {}
            _ => meaning.runs(format!("git-remote-{name}")),
        },
    }
}

/// The program that the line or the remote's settings name for the other end.
fn service(scene: &Scene<'_>, command: &str, words: &Words, remote: Option<&str>) -> Option<String> {
    let (options, key, own): (&[&str], _, _) = match command {
        "archive" => (&["exec"], "", "git-upload-archive"),
        "push" | "send-pack" => (&["receive-pack", "exec"], "receivepack", "git-receive-pack"),
        _ => (&["upload-pack", "exec"], "uploadpack", "git-upload-pack"),
    };
    let on_line = words.given.iter().rev().find(|g| options.contains(&g.opt.long) && !g.negated);
    let named = on_line.and_then(|g| g.value.as_ref()).map(super::options::text);
    let configured = || scene.config.get(&format!("remote.{}.{key}", remote?)).map(str::to_owned);
    named.or_else(configured).filter(|program| program != own && program != &own.replacen("git-", "git ", 1))
}

/// The ssh that somebody named. The first that is set counts, also where it is empty: then nothing can be started.
fn ssh(scene: &Scene<'_>) -> Option<String> {
    let command = scene.variable("GIT_SSH_COMMAND");
    let named = command.or_else(|| scene.config.get("core.sshcommand").map(str::to_owned));
    named.or_else(|| scene.variable("GIT_SSH")).filter(|p| !p.is_empty() && p != "ssh")
}

/// What git takes for no place before it starts anything: a protocol that is not allowed or that went (transport.c), a
/// host or a path that would be an option of the program that it is handed to (connect.c,
/// `looks_like_command_line_option`). A file that is there may still be cloned or be a bundle.
pub fn blocked(scene: &Scene<'_>, command: &str, helper: Option<&str>, url: &str, address: &Address) -> Option<String> {
    let protocol = helper.unwrap_or(&address.protocol);
    if !is_allowed(&scene.config, &|name| scene.variable(name), protocol) {
        return Some(format!("transport '{protocol}' not allowed"));
    }
    let (scheme, place) = url.split_once("://").map_or((None, url), |(scheme, place)| (Some(scheme), place));
    let path = place.split_once(':').filter(|_| scheme.is_none()).map_or("", |(_, path)| path);
    let why = match &address.transport {
        _ if helper.is_some() => None,
        Transport::Helper(_) if scheme == Some("rsync") => Some("git-over-rsync is no longer supported"),
        Transport::Ssh if path.starts_with('-') => Some("strange pathname"),
        Transport::Ssh if place.starts_with('-') => Some("strange hostname"),
        Transport::Local if command == "push" && url.starts_with('-') => Some("strange pathname"),
        Transport::Http | Transport::Helper(_) | Transport::Local | Transport::Ssh | Transport::Git => None,
    };
    why.map(str::to_owned)
}

/// The first `core.gitProxy` that is for the host; `none` is nobody (connect.c, `git_proxy_command_options`).
fn proxy(config: &super::facts::Config, host: &str) -> Option<String> {
    let host = host.rsplit_once(':').map_or(host, |(name, port)| match port.parse::<u16>() {
        Ok(_) => name,
        Err(_) => host,
    });
    let fits = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let program = config.all("core.gitproxy").into_iter().find_map(|value| match value.split_once(" for ") {
        Some((program, domain)) => fits(domain).then_some(program),
        None => Some(value),
    });
    program.filter(|p| *p != "none" && !p.is_empty()).map(str::to_owned)
}

/// What single commands start by a setting of their own.
fn tools(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    match command {
        "archive" => {
            // By the end of the file's name, where no format is named (archive.c, `match_extension`).
            let (format, file) = (words.value("format"), words.value("output").unwrap_or_default());
            let ends = |name: &str| file.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
            let fits = |name: &str| format.as_deref().map_or_else(|| ends(name), |format| format == name);
            let programs = config.middles("tar", "command").filter(|(name, _)| fits(name));
            programs.for_each(|(_, program)| meaning.runs(program));
        }
        "interpret-trailers" | "commit" if !words.any(&["patch", "interactive"]) => {
            // The old kind starts by itself, the other one for what the line adds (trailer.c).
            let added = words.last("trailer").is_some();
            let old = config.middles("trailer", "command").filter(|_| added || command == "interpret-trailers");
            let new = config.middles("trailer", "cmd").filter(|_| added);
            old.chain(new).for_each(|(_, program)| meaning.runs(program));
        }
        "help" => viewers(scene, words, meaning),
        "add" | "checkout" | "restore" | "reset" | "stash" | "commit" if words.any(&["patch", "interactive"]) => {
            // It colours what is shown, where there is colour: at a terminal, or where a pager is said to be (pager.c).
            let forced = |key| config.get(key).is_some_and(|when| when.eq_ignore_ascii_case("always"));
            let color = scene.invocation.streams.stdout == StreamKind::Terminal
                || scene.filled("GIT_PAGER_IN_USE").is_some()
                || ["color.ui", "color.interactive", "color.diff"].into_iter().any(forced);
            if let Some(program) = config.get("interactive.difffilter").filter(|_| color) {
                meaning.runs(program);
            }
        }
        "credential" => credentials::asked(scene, sub, meaning),
        _ => {}
    }
}

/// Who shows a page of the manual (builtin/help.c, `cmd_help`): lists are printed, and so is the word of an alias.
fn viewers(scene: &Scene<'_>, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let lists = ["all", "guides", "config", "user-interfaces", "developer-interfaces"];
    if words.operands.is_empty() || words.any(&lists) {
        return;
    }
    let asked = words.given.iter().rev().find(|given| matches!(given.opt.long, "man" | "web" | "info"));
    let format = asked.map_or_else(|| config.get("help.format").unwrap_or("man"), |given| given.opt.long);
    let programs: Vec<&str> = match format {
        "info" => Vec::new(),
        "web" | "html" => {
            let browsers = config.middles("browser", "cmd").chain(config.middles("browser", "path"));
            browsers.map(|(_, program)| program).collect()
        }
        _ => {
            let chosen = config.all("man.viewer");
            let own = config.middles("man", "cmd").filter(|(viewer, _)| chosen.contains(viewer));
            let found = config.middles("man", "path").filter(|(viewer, _)| *viewer == "man" || chosen.contains(viewer));
            own.chain(found).map(|(_, program)| program).collect()
        }
    };
    programs.into_iter().for_each(|program| meaning.runs(program));
}

/// With another exec-path, which git puts before PATH, each program that git starts is somebody else's, also `git`.
fn exec_path(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let on_line = scene.globals.exec_path.as_ref().map(super::options::text);
    let path = on_line.or_else(|| scene.filled("GIT_EXEC_PATH"));
    if let Some(path) = path.filter(|_| !starts_none(scene, command, words, meaning)) {
        meaning.runs(format!("programs in {path}"));
    }
}

/// Commands that look at what is here, and start nothing for it.
const QUIET: &str = " blame branch cat-file config describe diff diff-index diff-tree for-each-ref log ls-files ls-tree \
    merge-base name-rev rev-list rev-parse show show-ref status symbolic-ref tag var version ";

/// Whether the command is done in git itself: nobody pages it, no signature is looked at, no submodule looked into, no
/// object has to be fetched first.
fn starts_none(scene: &Scene<'_>, command: &str, words: &Words, meaning: &Meaning) -> bool {
    let config = &scene.config;
    let signed = words.any(&["show-signature", "verify"])
        || config.bool("log.showsignature") == Some(true)
        || words.given.iter().filter_map(|given| given.value.as_ref()).any(|value| {
            let value = super::options::text(value);
            value.contains("%G") || value.contains("signature")
        });
    let summarized = words.last("submodule").is_some()
        || ["diff.submodule", "status.submodulesummary"].iter().any(|key| config.get(key).is_some());
    QUIET.contains(&format!(" {command} "))
        && meaning.weights.iter().all(|weight| *weight == Weight::Read)
        && meaning.programs.is_empty()
        && scene.invocation.streams.stdout != StreamKind::Terminal
        && !signed
        && !summarized
        && promised::remotes(config).is_empty()
        && config.get("core.fsmonitor").is_none()
        && !scene.known.nested.some
}
