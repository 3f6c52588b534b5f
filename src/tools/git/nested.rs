//! Repositories inside of this one. To say whether a submodule is changed git starts itself in it (submodule.c,
//! `is_submodule_modified`), and there the submodule's own configuration and hooks count.

use serde::{Deserialize, Serialize};

use crate::tools::World;

use super::facts::{Config, Entry, Place, parse_bool, without_password};
use super::gather::{Ask, WHOLE_INDEX, executable_hooks, join};
use super::meaning::{Meaning, Scene};
use super::options::{Words, text};

/// More of them are not asked one by one.
const MOST: usize = 32;

/// What the submodules' own files name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nested {
    /// Programs of a look at the work tree.
    pub looking: Vec<String>,
    /// Programs of a fetch or of another commit that is put in place.
    pub going: Vec<String>,
    /// There are more submodules than were asked.
    pub more: bool,
    /// There may be one.
    #[serde(default)]
    pub some: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub enum Walk {
    Around,
    Looks,
    Goes,
}

/// How far the command goes into submodules.
pub fn walk(config: &Config, command: &str, sub: &str, words: &Words) -> Walk {
    let asked = words.last("recurse-submodules").map(|given| !given.negated);
    let recurses = asked.unwrap_or(config.bool("submodule.recurse") == Some(true));
    let left_out = words.last("ignore-submodules").is_some_and(|given| {
        let how = given.value.as_ref().map(text);
        !given.negated && how.as_deref().is_none_or(|how| matches!(how, "all" | "dirty"))
    });
    match (command, sub) {
        ("fetch" | "pull", _) if asked != Some(false) => Walk::Goes,
        ("submodule", "update") => Walk::Goes,
        ("checkout" | "switch" | "restore" | "reset" | "read-tree" | "merge" | "rebase" | "push", _) if recurses => {
            Walk::Goes
        }
        ("grep" | "ls-files", _) if recurses => Walk::Looks,
        ("diff" | "diff-index", _) if words.any(&["cached", "staged", "no-index"]) => Walk::Around,
        ("status" | "diff" | "diff-files" | "diff-index", _) if !left_out => Walk::Looks,
        ("add" | "stage" | "commit" | "stash" | "merge" | "pull" | "rm" | "mv", _) => Walk::Looks,
        ("submodule", "deinit" | "summary" | "foreach") => Walk::Looks,
        _ => Walk::Around,
    }
}

pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let (nested, walk) = (&scene.known.nested, walk(&scene.config, command, sub, words));
    if walk >= Walk::Looks {
        nested.looking.iter().for_each(|program| meaning.runs(program));
    }
    if walk == Walk::Goes {
        nested.going.iter().for_each(|program| meaning.runs(program));
    }
    if walk >= Walk::Looks && nested.more {
        meaning.doubt("unread_submodules", format!("only {MOST} of the submodules were looked at"));
    }
}

/// Asks each submodule that is there for what it would start.
pub fn look(place: &Place, world: &dyn World, ask: &Ask<'_>) -> Nested {
    let mut nested = Nested::default();
    let Some(top) = place.work_tree.as_ref().filter(|_| has_some(place, world)) else { return nested };
    nested.some = true;
    let Some(listed) = ask(&[WHOLE_INDEX, &[b"-s", b"-z", b"--full-name", b"--", b":/"]].concat()) else {
        return nested;
    };
    nested.some = listed.split(|byte| *byte == 0).any(|entry| entry.starts_with(b"160000 "));
    let folders = listed.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"160000 ")).filter_map(|entry| {
        let at = entry.iter().position(|byte| *byte == b'\t')?;
        Some([top.as_slice(), b"/", &entry[at + 1..]].concat())
    });
    for (count, folder) in folders.enumerate() {
        if count == MOST {
            nested.more = true;
            break;
        }
        one(&folder, world, &mut nested);
    }
    nested
}

/// Whether the index may hold a submodule: its mode stands in the entry as four bytes, or in another file that this one
/// is joined to (index-format(5), "Split index").
fn has_some(place: &Place, world: &dyn World) -> bool {
    if world.variable("GIT_INDEX_FILE").is_some() {
        return true;
    }
    let index = [place.git_dir.as_slice(), b"/index"].concat();
    let Some(content) = world.file(&index) else { return false };
    let holds = |bytes: &[u8]| memchr::memmem::find(&content.bytes, bytes).is_some();
    content.truncated || holds(&[0, 0, 0xe0, 0]) || holds(b"link")
}

fn one(folder: &[u8], world: &dyn World, nested: &mut Nested) {
    let link = [folder, b"/.git"].concat();
    let git = match world.file(&link) {
        Some(content) => {
            let line = text(&content.bytes);
            let Some(path) = line.trim_end().strip_prefix("gitdir: ") else { return };
            join(folder, path.as_bytes())
        }
        None if world.is_dir(&link) => link,
        None => return,
    };
    let option = [b"--git-dir=".as_slice(), &git].concat();
    let Some(listed) = world.ask_tool(&[&option, b"config", b"--list", b"-z", b"--show-scope"]) else { return };
    let mut hooks = [git.as_slice(), b"/hooks"].concat();
    for entry in Config::parse(&listed).0.iter().filter(|e| matches!(e.scope.as_str(), "local" | "worktree")) {
        let program = without_password(entry.value.as_deref().unwrap_or_default());
        match kind(entry) {
            _ if program.is_empty() => {}
            Some(Walk::Looks) => nested.looking.push(program),
            Some(_) => nested.going.push(program),
            None if entry.key == "core.hookspath" => hooks = join(folder, program.as_bytes()),
            None => {}
        }
    }
    nested.going.extend(executable_hooks(world, &hooks).into_iter().map(|hook| format!("hook {hook} of a submodule")));
}

fn kind(entry: &Entry) -> Option<Walk> {
    let (section, last) = entry.key.split_once('.').map(|(section, rest)| {
        let last = rest.rsplit_once('.').map_or(rest, |(_, last)| last);
        (section, last)
    })?;
    match (section, last) {
        ("core", "fsmonitor") => entry.value.as_deref().is_some_and(|v| parse_bool(v).is_none()).then_some(Walk::Looks),
        ("filter", "clean" | "process") => Some(Walk::Looks),
        ("filter", "smudge") | ("core", "sshcommand" | "gitproxy" | "askpass" | "alternaterefscommand") => {
            Some(Walk::Goes)
        }
        ("credential", "helper") | ("remote", "vcs" | "uploadpack" | "receivepack") | ("merge", "driver") => {
            Some(Walk::Goes)
        }
        _ => None,
    }
}
