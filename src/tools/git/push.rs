//! What `git push` and `git send-pack` ask of the remote (builtin/push.c, builtin/send-pack.c).

use super::facts::parse_bool;
use super::meaning::{Meaning, RefChange, Scene, Weight};
use super::options::Words;
use super::refs::{Expansion, Refspec, Whole, defaults, expand};
use super::remotes::{Way, default_remote, local_path, urls};
use super::stdin;

pub fn push(scene: &Scene<'_>, words: &Words) -> Meaning {
    let config = &scene.config;
    let named = words.operands.first().cloned().or_else(|| words.value("repo"));
    let remote = named.unwrap_or_else(|| default_remote(config, scene.branch(), Way::Push));
    if remote.is_empty() {
        return Meaning::refused("the repository has no name");
    }
    let all = words.any(&["all", "branches"]);
    let mirror = words.on("mirror") || config.bool(&format!("remote.{remote}.mirror")) == Some(true);
    let (tags, delete) = (words.on("tags"), words.on("delete"));
    let texts = &words.operands[words.operands.len().min(1)..];
    if let Some(why) = conflict(all, mirror, tags, delete, !texts.is_empty()) {
        return Meaning::refused(why);
    }
    if let Some(option) = unknown_value(words) {
        return Meaning::refused(format!("a value that --{option} does not have"));
    }
    let forced = Forced::of(words, words.on("mirror") || mirror);
    let specs = match refspecs(scene, &remote, texts, tags, delete, all || mirror) {
        Ok(specs) => specs,
        // What git was not asked for is no reason to say that it would refuse.
        Err(_) if scene.known.config.is_none() && texts.is_empty() => return anything(&remote),
        Err(why) => return Meaning::refused(why),
    };
    let whole = Whole {
        branches: all,
        mirror,
        prune: words.on("prune"),
        follow_tags: words.last("follow-tags").map_or(config.bool("push.followtags") == Some(true), |g| !g.negated),
    };
    let expansion = expand(scene, &remote, &specs, whole, forced.all);
    let spelled = specs.iter().any(|s| s.force && !s.negative);
    let urls = urls(config, &remote, Way::Push);
    let mut meaning = finish(scene, (&remote, urls), expansion, &forced, spelled, words.on("dry-run"));
    submodules(scene, words, &mut meaning);
    meaning
}

/// Where nothing is known, a push without refs may do everything.
fn anything(remote: &str) -> Meaning {
    let mut meaning = Meaning::of(Weight::RemoteWrite);
    meaning.remote = Some(remote.to_owned());
    meaning.force = true;
    let all = |delete| RefChange { name: "refs/*".into(), delete, force: true };
    meaning.changes.extend([all(false), all(true)]);
    meaning.doubt("unknown_fact", "which refs are pushed hangs on a configuration that is not known");
    meaning
}

pub fn send_pack(scene: &Scene<'_>, words: &Words) -> Meaning {
    let Some(remote) = words.operands.first() else { return Meaning::refused("no destination") };
    let (all, mirror) = (words.on("all"), words.on("mirror"));
    let texts = &words.operands[1..];
    if (all && mirror) || ((all || mirror) && !texts.is_empty()) {
        return Meaning::refused("--all or --mirror with refs");
    }
    let forced = Forced::of(words, mirror);
    let mut specs: Vec<Refspec> = Vec::new();
    if texts.is_empty() && !all && !mirror && !words.on("stdin") {
        specs.extend(Refspec::parse(":"));
    }
    let given = stdin::refspecs(scene.known).filter(|_| words.on("stdin"));
    let unread = words.on("stdin") && given.is_none();
    for text in texts.iter().map(String::as_str).chain(given.into_iter().flatten()) {
        match Refspec::parse(text) {
            Some(spec) => specs.push(spec),
            None => return Meaning::refused(format!("invalid refspec {text}")),
        }
    }
    let whole = Whole { branches: all, mirror, ..Whole::default() };
    let expansion = expand(scene, remote, &specs, whole, forced.all);
    let spelled = specs.iter().any(|s| s.force);
    // The word is the place, and no remote's name; nothing rewrites it.
    let place = (remote.as_str(), vec![remote.clone()]);
    let mut meaning = finish(scene, place, expansion, &forced, spelled, words.on("dry-run"));
    if unread {
        meaning.doubt("unread_content", "the refs to push come from standard input");
        meaning.changes.push(RefChange { name: "refs/*".into(), delete: true, force: true });
        meaning.changes.push(RefChange { name: "refs/*".into(), delete: false, force: true });
        meaning.force = true;
    }
    meaning
}

/// `git subtree push`: what it splits off goes to a branch, and a `+` before its name is dropped.
pub fn subtree(scene: &Scene<'_>, remote: &str, spec: &str) -> Meaning {
    let spec = spec.strip_prefix('+').unwrap_or(spec);
    let branch = spec.split_once(':').map_or(spec, |(_, branch)| branch);
    let mut meaning = Meaning::of(Weight::RemoteWrite);
    meaning.remote = Some(remote.to_owned());
    go_to(scene, &mut meaning, remote, Way::Push);
    meaning.changes.push(RefChange { name: format!("refs/heads/{branch}"), delete: false, force: false });
    meaning
}

/// An option whose value git does not know (send-pack.c `option_parse_push_signed`, submodule-config.c
/// `parse_push_recurse`).
fn unknown_value(words: &Words) -> Option<&'static str> {
    let values = |option| words.given.iter().filter(move |g| g.opt.long == option).filter_map(|g| g.value.as_ref());
    let signed = |value: &str| parse_bool(value).is_some() || value.eq_ignore_ascii_case("if-asked");
    let recurses = |value: &str| parse_bool(value) == Some(false) || matches!(value, "check" | "on-demand" | "only");
    if values("signed").any(|value| !signed(&super::options::text(value))) {
        return Some("signed");
    }
    values("recurse-submodules").any(|value| !recurses(&super::options::text(value))).then_some("recurse-submodules")
}

/// Which refs an option forces.
struct Forced {
    all: bool,
    /// `--force-with-lease=REF:…`: only these.
    leased: Vec<String>,
}

impl Forced {
    fn of(words: &Words, mirror: bool) -> Self {
        let mut forced = Forced { all: mirror || words.on("force"), leased: Vec::new() };
        for given in words.given.iter().filter(|g| g.opt.long == "force-with-lease") {
            match &given.value {
                _ if given.negated => {
                    forced = Forced { all: mirror || words.on("force"), leased: Vec::new() };
                }
                None => forced.all = true,
                Some(value) => {
                    let text = super::options::text(value);
                    forced.leased.push(text.split(':').next().unwrap_or_default().to_owned());
                }
            }
        }
        forced
    }

    fn leases(&self, full: &str) -> bool {
        self.leased
            .iter()
            .any(|name| full == name || full.strip_suffix(name.as_str()).is_some_and(|p| p.ends_with('/')))
    }
}

fn finish(
    scene: &Scene<'_>,
    (remote, urls): (&str, Vec<String>),
    expansion: Expansion,
    forced: &Forced,
    spelled: bool,
    dry_run: bool,
) -> Meaning {
    if let Some(why) = expansion.refused {
        return Meaning::refused(why);
    }
    let mut meaning = Meaning::of(if dry_run { Weight::RemoteRead } else { Weight::RemoteWrite });
    meaning.remote = Some(remote.to_owned());
    meaning.urls = urls;
    if dry_run {
        return meaning;
    }
    meaning.changes = expansion.changes;
    if let Some(prefix) = namespace(scene, &meaning.urls) {
        meaning.changes.iter_mut().for_each(|change| change.name.insert_str(0, &prefix));
    }
    for change in &mut meaning.changes {
        change.force |= forced.leases(&change.name);
    }
    meaning.force = forced.all || spelled || meaning.changes.iter().any(|c| c.force);
    if expansion.unread {
        meaning.doubt("unknown_fact", "the local refs are not known");
    }
    meaning
}

/// gitnamespaces(7): where the other end is a process of this machine, it is in the line's namespace too.
fn namespace(scene: &Scene<'_>, urls: &[String]) -> Option<String> {
    let on_line = scene.globals.namespace.as_ref().map(super::options::text);
    let name = on_line.or_else(|| scene.variable("GIT_NAMESPACE")).filter(|name| !name.is_empty())?;
    let local = !urls.is_empty() && urls.iter().all(|url| local_path(url, &scene.top()).is_some());
    let parts = name.split('/').filter(|part| !part.is_empty());
    local.then(|| parts.map(|part| format!("refs/namespaces/{part}/")).collect())
}

/// Fills in where a remote leads to.
pub fn go_to(scene: &Scene<'_>, meaning: &mut Meaning, remote: &str, way: Way) {
    meaning.urls.extend(urls(&scene.config, remote, way));
}

fn conflict(all: bool, mirror: bool, tags: bool, delete: bool, refs: bool) -> Option<&'static str> {
    if delete && (all || mirror || tags) {
        return Some("--delete with --all, --mirror or --tags");
    }
    if delete && !refs {
        return Some("--delete without refs");
    }
    let some = tags || refs;
    if (all && (some || mirror)) || (mirror && some) {
        return Some("--all or --mirror with something that contradicts it");
    }
    None
}

fn refspecs(
    scene: &Scene<'_>,
    remote: &str,
    texts: &[String],
    tags: bool,
    delete: bool,
    whole: bool,
) -> Result<Vec<Refspec>, String> {
    let mut specs = Vec::new();
    if tags {
        specs.extend(Refspec::parse("refs/tags/*"));
    }
    let mut texts = texts.iter();
    while let Some(text) = texts.next() {
        let text = match text.as_str() {
            "tag" => {
                let Some(name) = texts.next() else { return Err("tag without a name".into()) };
                if delete { format!(":refs/tags/{name}") } else { format!("refs/tags/{name}") }
            }
            text if delete => {
                if text.contains(':') || text.is_empty() {
                    return Err("--delete takes plain names".into());
                }
                format!(":{text}")
            }
            text => text.to_owned(),
        };
        specs.push(Refspec::parse(&text).ok_or_else(|| format!("invalid refspec {text}"))?);
    }
    if specs.is_empty() && !whole {
        return defaults(scene, remote);
    }
    Ok(specs)
}

/// A push that also pushes submodules goes to repositories that this reading does not know.
fn submodules(scene: &Scene<'_>, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    let configured = config.get("push.recursesubmodules").map(str::to_owned);
    let by_default = (config.bool("submodule.recurse") == Some(true)).then(|| "on-demand".to_owned());
    let wish = match words.last("recurse-submodules") {
        Some(given) if given.negated => None,
        Some(given) => given.value.as_ref().map(super::options::text),
        None => configured.or(by_default),
    };
    if matches!(wish.as_deref(), Some("on-demand" | "only")) {
        meaning.doubt("unread_submodules", "submodules would be pushed too");
    }
}
