//! Which drivers attributes bring in (gitattributes(5)).
//!
//! git reads attributes from the work tree and, where a file is missing there, from the index; while it takes files out
//! of a commit, from the index as it will be then. So the index and the commits that a command takes files from count as
//! well as what lies there. Where that cannot be told beforehand (what a pull brings, a range of commits), any driver
//! that is configured may be assigned.

use std::collections::BTreeSet;

use super::facts::{Config, Place, canonical};
use super::gather::{Ask, join, normal};
use super::line::Globals;
use super::options::{self, Words};
use super::reach;
use crate::model::Bytes;
use crate::tools::World;

/// Attributes files of the index and of commits that are read, at most.
const MOST_STORED: usize = 64;

/// Every attributes file, wherever the question stands.
const EVERYWHERE: &[u8] = b":(top,glob)**/.gitattributes";

/// The drivers that configuration names a program for, as their sections and the names of the programs.
const DRIVERS: &[(&str, &str)] = &[
    ("diff", "textconv"),
    ("diff", "command"),
    ("filter", "clean"),
    ("filter", "smudge"),
    ("filter", "process"),
    ("merge", "driver"),
];

/// Commands that take files out of the commits that their operands name.
const TAKE: &[&str] = &[
    "archive",
    "checkout",
    "checkout-index",
    "cherry-pick",
    "merge",
    "read-tree",
    "reset",
    "restore",
    "revert",
    "stash",
    "switch",
    "worktree",
];

/// Commands of which nobody knows beforehand which commits or patches they take files from.
const TAKE_ANY: &[&str] =
    &["am", "apply", "bisect", "clone", "filter-branch", "merge-recursive", "pull", "rebase", "submodule"];

/// Commands that make of a commit what lies between it and another.
const REPLAY: &[&str] = &["cherry-pick", "revert", "stash"];

/// Words of a line that files are taken by.
#[derive(Default)]
struct Taken {
    /// Commits, or paths.
    names: Vec<String>,
    /// Commits that need not be there.
    perhaps: Vec<String>,
}

/// Whether configuration names programs that attributes could bring in.
pub fn matter(config: &Config) -> bool {
    !every(config).is_empty()
}

/// An assignment of every driver that is configured.
pub fn every(config: &Config) -> Vec<String> {
    let of = |(section, name): &(&'static str, &'static str)| {
        let section = *section;
        config.middles(section, name).map(move |(driver, _)| format!("{section}={driver}")).collect::<Vec<_>>()
    };
    DRIVERS.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A command in its repository, as far as attributes matter for it.
pub struct Scene<'a> {
    pub command: &'a str,
    pub words: &'a Words,
    pub globals: &'a Globals,
    /// The caller's work folder.
    pub cwd: &'a [u8],
    pub place: &'a Place,
    pub config: &'a Config,
    pub world: &'a dyn World,
    pub ask: &'a Ask<'a>,
}

impl Scene<'_> {
    /// The assignments of drivers that may hold for a file that the command is about.
    pub fn assigned(&self) -> Vec<String> {
        self.looked().unwrap_or_else(|| every(self.config))
    }

    /// Where the line stands: its `-C` carried out.
    pub fn folder(&self) -> Vec<u8> {
        self.globals.folders.iter().fold(self.cwd.to_vec(), |folder, next| join(&folder, next))
    }

    /// `None` where it cannot be told.
    fn looked(&self) -> Option<Vec<String>> {
        if TAKE_ANY.contains(&self.command) || self.are_elsewhere() {
            return None;
        }
        let mut found = BTreeSet::new();
        for text in self.files()?.iter().chain(&self.stored()?) {
            let text = options::text(text);
            let words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
            let assigns = |word: &&str| ["diff=", "filter=", "merge="].iter().any(|key| word.starts_with(key));
            found.extend(words.filter(assigns).map(str::to_owned));
        }
        let mut assigned = found.into_iter().collect();
        reach::narrow(self, &mut assigned);
        Some(assigned)
    }

    /// Attributes come from a tree that the line, the environment or configuration names; patterns are no patterns for
    /// our own questions; or blobs would have to be fetched for them.
    fn are_elsewhere(&self) -> bool {
        let set = |name| self.world.variable(name).is_some_and(|value| !value.is_empty());
        let fetched = |key: &str| key == "extensions.partialclone" || key.ends_with(".promisor");
        self.globals.attributes_elsewhere
            || self.globals.literal
            || ["GIT_ATTR_SOURCE", "GIT_LITERAL_PATHSPECS"].into_iter().any(set)
            || self.config.0.iter().any(|entry| entry.key == "attr.tree" || fetched(&entry.key))
    }

    /// The attributes files of the user and of the machine, of the repository, and those in the work tree.
    fn files(&self) -> Option<Vec<Bytes>> {
        let world = self.world;
        let mut files = vec![[self.place.git_dir.as_slice(), b"/info/attributes"].concat()];
        files.push(b"/etc/gitattributes".to_vec());
        let home = world.home().map(|h| h.0).unwrap_or_default();
        match self.config.get("core.attributesfile") {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => files.push([home.as_slice(), b"/", rest.as_bytes()].concat()),
                None => files.extend(self.looked_from().iter().map(|folder| join(folder, path.as_bytes()))),
            },
            None => {
                let base =
                    world.variable("XDG_CONFIG_HOME").map_or_else(|| [home.as_slice(), b"/.config"].concat(), |b| b.0);
                files.push([base.as_slice(), b"/git/attributes"].concat());
            }
        }
        if let Some(top) = &self.place.work_tree {
            let listed = self.listed(&[b"ls-files", b"-z", b"-c", b"-o", b"--full-name", b"--", EVERYWHERE])?;
            let names = listed.split(|b| *b == 0).filter(|name| !name.is_empty());
            files.extend(names.map(|name| [top.as_slice(), b"/", name].concat()));
            files.push([top.as_slice(), b"/.gitattributes"].concat());
        }
        if files.len() > world.limits().files {
            return None;
        }
        let contents = || files.iter().filter_map(|path| world.file(path));
        contents().all(|content| !content.truncated).then(|| contents().map(|content| content.bytes).collect())
    }

    /// Where a relative name is looked for: git first goes to the top of the work tree. Of a line that stands elsewhere
    /// (`--work-tree`, a folder behind a link) it hangs on the command whether it does.
    fn looked_from(&self) -> Vec<Vec<u8>> {
        let folder = normal(&self.folder());
        let Some(top) = &self.place.work_tree else { return vec![folder] };
        let below = folder.strip_prefix(top.as_slice()).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
        let mut folders = vec![top.to_vec()];
        folders.extend((!below).then_some(folder));
        folders
    }

    /// The attributes files of the index, and of the commits that files are taken from.
    fn stored(&self) -> Option<Vec<Bytes>> {
        let staged = self.listed(&[b"ls-files", b"-z", b"-s", b"--", EVERYWHERE])?;
        // `mode id stage`, a tab, the name.
        let id = |entry: &[u8]| entry.split(|b| *b == b' ').nth(1).map(<[u8]>::to_vec);
        let mut ids: BTreeSet<Vec<u8>> = staged.split(|b| *b == 0).filter_map(id).collect();
        for tree in self.trees()? {
            let empty = self.listed(&[b"hash-object", b"-t", b"tree", b"/dev/null"])?;
            let question: &[&[u8]] = &[b"diff-tree", b"-r", b"-z", b"--no-renames", empty.trim_ascii()];
            let changes = self.listed(&[question, &[&tree, b"--", EVERYWHERE]].concat())?;
            // `:mode mode id id status`, and the name in a field of its own.
            let id = |field: &[u8]| field.strip_prefix(b":")?.split(|b| *b == b' ').nth(3).map(<[u8]>::to_vec);
            ids.extend(changes.split(|b| *b == 0).filter_map(id));
        }
        if ids.is_empty() {
            return Some(Vec::new());
        }
        let ids: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
        let shown: &[&[u8]] = &[b"show", b"--no-textconv", b"--no-ext-diff"];
        (ids.len() <= MOST_STORED).then_some(())?;
        Some(vec![Bytes(self.listed(&[shown, &ids].concat())?)])
    }

    /// The trees that the command takes files from, by their ids.
    fn trees(&self) -> Option<BTreeSet<Vec<u8>>> {
        let mut trees = BTreeSet::new();
        if !TAKE.contains(&self.command) {
            return Some(trees);
        }
        let taken = self.taken()?;
        let mut paths = Vec::new();
        // A branch without a commit yet has no files.
        trees.extend(self.tree("HEAD"));
        for name in taken.perhaps.iter().chain(&taken.names) {
            let found: Vec<Vec<u8>> = self.tree(name).into_iter().chain(self.remote_branch(name)).collect();
            if found.is_empty() && taken.names.contains(name) {
                paths.push(name.clone());
            }
            trees.extend(found);
            // What is replayed stands between a commit and its parents; a stash has its index and untracked files beside it.
            let beside = if REPLAY.contains(&self.command) { &["^1", "^2", "^3"][..] } else { &[] };
            trees.extend(beside.iter().filter_map(|parent| self.tree(&format!("{name}{parent}"))));
        }
        self.are_paths(&paths).then_some(trees)
    }

    fn tree(&self, name: &str) -> Option<Vec<u8>> {
        let tree = format!("{name}^{{tree}}");
        let id = self.listed(&[b"rev-parse", b"-q", b"--verify", b"--end-of-options", tree.as_bytes()])?;
        Some(id.trim_ascii().to_vec())
    }

    /// The trees of the branches that a remote has under a name, of which git makes one where there is none.
    fn remote_branch(&self, name: &str) -> Vec<Vec<u8>> {
        let makes = matches!(self.command, "checkout" | "switch" | "worktree") && !name.contains(['*', '?', '[', '\\']);
        let pattern = format!("refs/remotes/*/{name}");
        let question: &[&[u8]] = &[b"for-each-ref", b"--format=%(tree)", pattern.as_bytes()];
        let listed = if makes { self.listed(question) } else { None };
        let lines = listed.unwrap_or_default();
        lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// What may name a commit in the line. `None` for a range, or something that goes on.
    fn taken(&self) -> Option<Taken> {
        let words = self.words;
        let named = |from: usize| {
            let end = words.before_dashes.unwrap_or(words.operands.len());
            words.operands.get(from..end).unwrap_or_default().to_vec()
        };
        let goes_on = words.any(&["continue", "skip", "abort", "quit"]);
        let mut taken = Taken::default();
        match self.command {
            "restore" => taken.names.extend(words.value("source")),
            "checkout-index" => {}
            "stash" => {
                taken.perhaps = named(1);
                taken.perhaps.push("stash@{0}".to_owned());
            }
            "worktree" => {
                taken.names = named(2);
                let path = words.operands.get(1).map(|path| path.trim_end_matches('/'));
                taken.perhaps.extend(path.and_then(|path| path.rsplit('/').next()).map(str::to_owned));
            }
            "merge" if goes_on => taken.perhaps.push("MERGE_AUTOSTASH".to_owned()),
            "merge" if words.operands.is_empty() => taken.perhaps.push("@{upstream}".to_owned()),
            _ if goes_on || words.any(&["stdin", "pathspec-from-file"]) => return None,
            _ => taken.names = named(0),
        }
        for name in taken.names.iter_mut().chain(&mut taken.perhaps) {
            if name == "-" {
                "@{-1}".clone_into(name);
            } else if self.command == "stash" && name.bytes().all(|b| b.is_ascii_digit()) {
                *name = format!("stash@{{{name}}}");
            }
        }
        let range = |name: &String| name.contains("..") || name.starts_with('^');
        (!taken.names.iter().any(range)).then_some(taken)
    }

    /// Whether each of the words is a file or a folder, of the work tree or of the index; else it may be a branch that
    /// git makes of a remote's.
    fn are_paths(&self, words: &[String]) -> bool {
        let folder = self.folder();
        words.iter().all(|word| {
            let path = join(&folder, word.as_bytes());
            self.world.is_file(&path)
                || self.world.is_dir(&path)
                || self.listed(&[b"ls-files", b"--error-unmatch", b"--", word.as_bytes()]).is_some()
        })
    }

    /// A question that starts no file system monitor.
    pub fn listed(&self, question: &[&[u8]]) -> Option<Vec<u8>> {
        let quiet: &[&[u8]] = &[b"-c", b"core.fsmonitor=false"];
        (self.ask)(&[quiet, question].concat())
    }
}

/// Whether a setting says yes, in any of git's words for it or in a number.
pub fn says_yes(config: &Config, key: &str) -> bool {
    config.get(&canonical(key)).is_some_and(|value| super::facts::parse_bool(value) != Some(false))
}
