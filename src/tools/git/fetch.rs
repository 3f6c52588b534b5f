//! Commands that read from another repository, and `git remote`.

use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;
use super::push::go_to;
use super::remotes::{Way, default_remote};

/// `fetch`, `pull`, `ls-remote`, `clone` and the rest of those that talk to a remote without writing there; `None` for
/// a line that stays on this machine.
pub fn read(scene: &Scene<'_>, command: &str, words: &Words) -> Option<Meaning> {
    let default = || default_remote(&scene.config, scene.branch(), Way::Fetch);
    match command {
        "fetch" => Some(fetch(scene, words)),
        "pull" => {
            if let Some(way) = words.value("rebase").filter(|way| !is_way(way)) {
                return Some(Meaning::refused(format!("--rebase={way}")));
            }
            let mut meaning = if words.on("all") { every(scene) } else { one(scene, words.operands.first().cloned()) };
            meaning.add(Weight::LocalWrite);
            Some(meaning)
        }
        "subtree" => Some(subtree(scene, words)),
        "ls-remote" if words.on("get-url") => Some(Meaning::of(Weight::Read)),
        "ls-remote" => Some(from(scene, words.operands.first().cloned().unwrap_or_else(default))),
        "clone" => {
            let Some(source) = words.operands.first().filter(|_| words.operands.len() < 3) else {
                return Some(Meaning::refused("clone takes one repository and perhaps a folder"));
            };
            let mut meaning = from(scene, source.clone());
            meaning.add(Weight::LocalWrite);
            meaning.besides.extend(words.value("bundle-uri").filter(|uri| !uri.is_empty()));
            if words.on("recurse-submodules") || words.on("recursive") {
                meaning.doubt("unread_submodules", "submodules would be cloned too");
            }
            Some(meaning)
        }
        "archive" => {
            let remote = words.value("remote").filter(|r| !r.is_empty())?;
            Some(from(scene, remote))
        }
        "fetch-pack" => {
            let Some(source) = words.operands.first() else { return Some(Meaning::refused("no repository")) };
            let mut meaning = Meaning::of(Weight::RemoteRead);
            meaning.add(Weight::LocalWrite);
            // The word is the place, and no remote's name; nothing rewrites it.
            meaning.urls.push(source.clone());
            meaning.remote = Some(source.clone());
            Some(meaning)
        }
        "request-pull" => {
            let Some(url) = words.operands.get(1) else { return Some(Meaning::refused("no URL")) };
            Some(from(scene, url.clone()))
        }
        _ => None,
    }
}

/// `maintenance run`, where it comes to fetch from all remotes (git-maintenance(1), "TASKS").
pub fn prefetch(scene: &Scene<'_>, words: &Words) -> Option<Meaning> {
    let named = words.values("task").any(|task| task.eq_ignore_ascii_case("prefetch"));
    let enabled = || scene.config.bool("maintenance.prefetch.enabled") == Some(true);
    let hourly = || words.value("schedule").is_some() && scene.config.get("maintenance.strategy").is_some();
    if !named && (words.value("task").is_some() || !enabled() && !hourly()) {
        return None;
    }
    let mut meaning = every(scene);
    meaning.add(Weight::LocalWrite);
    Some(meaning)
}

/// What git takes for a way to rebase (rebase.c, `rebase_parse_value`).
fn is_way(word: &str) -> bool {
    matches!(word, "merges" | "m" | "interactive" | "i") || super::facts::parse_bool(word).is_some()
}

fn from(scene: &Scene<'_>, remote: String) -> Meaning {
    let mut meaning = Meaning::of(Weight::RemoteRead);
    go_to(scene, &mut meaning, &remote, Way::Fetch);
    meaning.remote = Some(remote);
    meaning
}

fn one(scene: &Scene<'_>, named: Option<String>) -> Meaning {
    let remote = named.unwrap_or_else(|| default_remote(&scene.config, scene.branch(), Way::Fetch));
    match members(scene, &remote) {
        Some(group) => several(scene, &group),
        None => from(scene, remote),
    }
}

fn fetch(scene: &Scene<'_>, words: &Words) -> Meaning {
    let operands = &words.operands;
    let everything = words.last("all").map_or(scene.config.bool("fetch.all") == Some(true), |g| !g.negated);
    if words.on("all") && !operands.is_empty() {
        return Meaning::refused("fetch --all takes no repository");
    }
    let mut meaning = if everything && operands.is_empty() {
        every(scene)
    } else if words.on("multiple") {
        let names: Vec<String> =
            operands.iter().flat_map(|name| members(scene, name).unwrap_or_else(|| vec![name.clone()])).collect();
        several(scene, &names)
    } else {
        one(scene, operands.first().cloned())
    };
    // Remote-tracking refs are part of fetching; a branch named on the line is a change of its own, and standard input may
    // name more of them.
    if words.on("stdin") || operands.iter().skip(1).any(|spec| spec.contains(':')) {
        meaning.add(Weight::LocalWrite);
    }
    meaning
}

/// `remotes.<group>`.
fn members(scene: &Scene<'_>, name: &str) -> Option<Vec<String>> {
    let group: Vec<String> = scene
        .config
        .all(&format!("remotes.{name}"))
        .into_iter()
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    (!group.is_empty()).then_some(group)
}

fn every(scene: &Scene<'_>) -> Meaning {
    let skipped = |name: &str| {
        scene.config.bool(&format!("remote.{name}.skipdefaultupdate")) == Some(true)
            || scene.config.bool(&format!("remote.{name}.skipfetchall")) == Some(true)
    };
    let names: Vec<String> = scene.config.remotes().into_iter().filter(|n| !skipped(n)).map(str::to_owned).collect();
    several(scene, &names)
}

fn several(scene: &Scene<'_>, names: &[String]) -> Meaning {
    let mut meaning = Meaning::of(Weight::RemoteRead);
    names.iter().for_each(|name| go_to(scene, &mut meaning, name, Way::Fetch));
    if let [only] = names {
        meaning.remote = Some(only.clone());
    }
    meaning
}

/// `git remote …`; `words` are those of the sub-subcommand.
pub fn remote(scene: &Scene<'_>, sub: &str, words: &Words) -> Meaning {
    let count = words.operands.len();
    let first = words.operands.first().cloned();
    match (sub, first) {
        ("", None) => Meaning::of(Weight::Read),
        ("show", Some(_)) if !words.letter('n') => several(scene, &words.operands),
        ("show" | "get-url", _) => Meaning::of(Weight::Read),
        ("update", None) => every(scene),
        ("update", Some(_)) => {
            let names: Vec<String> =
                words.operands.iter().flat_map(|n| members(scene, n).unwrap_or_else(|| vec![n.clone()])).collect();
            several(scene, &names)
        }
        ("prune", Some(_)) => several(scene, &words.operands),
        ("add", Some(name)) if count == 2 => {
            let mut meaning = Meaning::of(Weight::ConfigWrite);
            if words.on("fetch") {
                meaning.add(Weight::RemoteRead);
                meaning.remote = Some(name);
                meaning.urls.extend(words.operands.get(1).cloned());
            }
            meaning
        }
        ("set-head", Some(name)) if words.on("auto") => {
            let mut meaning = from(scene, name);
            meaning.add(Weight::LocalWrite);
            meaning
        }
        ("set-head", Some(_)) => Meaning::of(Weight::LocalWrite),
        ("rename", _) if count != 2 => Meaning::refused("an old and a new name"),
        ("set-url", _) if !(2..=3).contains(&count) => Meaning::refused("a name and a URL"),
        ("remove" | "rm" | "rename" | "set-url" | "set-branches", Some(_)) => Meaning::of(Weight::ConfigWrite),
        _ => Meaning::refused("not a form of git remote"),
    }
}

/// What `.gitmodules` adds to an update: where a submodule that is not set up yet would come from. Its `update = !…` is
/// one that git never follows (submodule.c, `parse_config`).
fn described_modules(scene: &Scene<'_>, words: &Words, meaning: &mut Meaning) {
    let Some(modules) = &scene.known.modules else {
        if !words.any(&["init", "remote", "recursive"]) {
            return;
        }
        return meaning.doubt("unread_submodules", "which repositories .gitmodules names is not known");
    };
    let listed: Vec<(&str, &str)> = modules
        .iter()
        .filter_map(|entry| {
            let name = entry.key.strip_prefix("submodule.")?.strip_suffix(".url")?;
            Some((name, entry.value.as_deref()?))
        })
        .collect();
    let remote = default_remote(&scene.config, scene.branch(), Way::Fetch);
    let above = scene.config.get(&format!("remote.{remote}.url")).map_or_else(|| scene.top(), str::to_owned);
    for (name, url) in listed.iter().filter(|_| words.on("init")) {
        if scene.config.get(&format!("submodule.{name}.url")).is_none() {
            let url = super::described::module_url(url, &above);
            meaning.urls.extend(super::remotes::urls(&scene.config, &url, Way::Fetch));
        }
    }
    if words.on("recursive") && !listed.is_empty() {
        meaning.doubt("unread_submodules", "the submodules of submodules are not known");
    }
}

/// `git subtree …`, git's own script of that name.
fn subtree(scene: &Scene<'_>, words: &Words) -> Meaning {
    let operands: Vec<&str> = words.operands.iter().map(String::as_str).collect();
    if words.value("prefix").is_none() {
        return Meaning::refused("no --prefix");
    }
    match operands.as_slice() {
        ["push", remote, spec] => super::push::subtree(scene, remote, spec),
        ["pull" | "add", remote, _] => {
            let mut meaning = from(scene, (*remote).to_owned());
            meaning.add(Weight::LocalWrite);
            meaning
        }
        ["add" | "merge", _] | ["split", ..] => Meaning::of(Weight::LocalWrite),
        _ => Meaning::refused("not a form of git subtree"),
    }
}

/// `git submodule …`.
pub fn submodule(scene: &Scene<'_>, sub: &str, words: &Words) -> Meaning {
    match sub {
        "" | "status" | "summary" => Meaning::of(Weight::Read),
        "foreach" => {
            let mut meaning = Meaning::of(Weight::LocalWrite);
            // The index was looked at, and holds no submodule that it could be run in.
            if scene.known.place.is_some() && !scene.known.nested.some {
                return meaning;
            }
            match words.operands.is_empty() {
                true => meaning.runs("sh"),
                false => meaning.runs(words.operands.join(" ")),
            }
            meaning
        }
        "init" | "sync" | "set-url" | "set-branch" => Meaning::of(Weight::ConfigWrite),
        "deinit" | "absorbgitdirs" => {
            Meaning::of(if words.on("force") { Weight::LocalDestructive } else { Weight::LocalWrite })
        }
        "add" => {
            let Some(url) = words.operands.first() else { return Meaning::refused("no repository") };
            let mut meaning = from(scene, url.clone());
            meaning.add(Weight::LocalWrite);
            meaning
        }
        "update" => {
            let mut meaning = Meaning::of(Weight::RemoteRead);
            meaning.add(if words.on("force") { Weight::LocalDestructive } else { Weight::LocalWrite });
            let configured = scene.config.middles("submodule", "url").map(|(_, url)| url.to_owned());
            meaning.urls.extend(configured);
            // How it is done is said on the line, and configuration is not asked.
            let said = words.any(&["checkout", "merge", "rebase"]);
            for (_, how) in scene.config.middles("submodule", "update").filter(|_| !said) {
                if let Some(command) = how.strip_prefix('!') {
                    meaning.runs(command);
                }
            }
            described_modules(scene, words, &mut meaning);
            meaning
        }
        _ => Meaning::refused("not a form of git submodule"),
    }
}
