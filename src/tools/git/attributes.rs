//! Which drivers attributes bring in (gitattributes(5)): those that any attributes file assigns, and of these, where the
//! command is only about files that are there to be looked at, those that git says such a file has.

use std::collections::BTreeMap;

use super::facts::{Config, Place};
use super::gather::Ask;
use super::options::{self, Words};
use crate::tools::World;

/// Files that a line may name so that git is asked about each.
const MOST_FILES: usize = 64;

/// The drivers that any attributes file of the work tree, of the repository or of the user assigns.
pub fn assigned(world: &dyn World, place: &Place, config: Option<&Config>, ask: &Ask<'_>) -> Vec<String> {
    let mut files: Vec<Vec<u8>> =
        vec![[place.git_dir.as_slice(), b"/info/attributes"].concat(), b"/etc/gitattributes".to_vec()];
    let home = world.home().map(|h| h.0).unwrap_or_default();
    match config.and_then(|c| c.get("core.attributesfile")) {
        Some(path) => files.push(match path.strip_prefix("~/") {
            Some(rest) => [home.as_slice(), b"/", rest.as_bytes()].concat(),
            None => path.as_bytes().to_vec(),
        }),
        None => {
            let base =
                world.variable("XDG_CONFIG_HOME").map_or_else(|| [home.as_slice(), b"/.config"].concat(), |b| b.0);
            files.push([base.as_slice(), b"/git/attributes"].concat());
        }
    }
    if let Some(top) = &place.work_tree {
        let listed = ask(&[
            b"-c",
            b"core.fsmonitor=false",
            b"ls-files",
            b"-z",
            b"-c",
            b"-o",
            b"--full-name",
            b"--",
            b":(top,glob)**/.gitattributes",
        ]);
        let names = listed.unwrap_or_default();
        files.extend(names.split(|b| *b == 0).filter(|n| !n.is_empty()).map(|n| [top.as_slice(), b"/", n].concat()));
        files.push([top.as_slice(), b"/.gitattributes"].concat());
    }
    let mut found: BTreeMap<String, ()> = BTreeMap::new();
    for content in files.iter().take(world.limits().files).filter_map(|path| world.file(path)) {
        let text = options::text(&content.bytes);
        let words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
        let assigns = |word: &&str| ["diff=", "filter=", "merge="].iter().any(|key| word.starts_with(key));
        found.extend(words.filter(assigns).map(|word| (word.to_owned(), ())));
    }
    found.into_keys().collect()
}

/// Names of a work tree, in bytes, that git is asked about; of a larger one all assignments stay.
const MOST_BYTES: usize = 64 << 10;

/// The files that a command is about.
enum Reach<'a> {
    /// Also such as are in commits alone.
    Any,
    /// Whatever lies in the work tree or the index.
    Tree,
    Files(Vec<&'a str>),
}

/// Leaves of the assignments those that reach a file that the command is about. Where git cannot say, all of them stay.
pub fn narrow(command: &str, words: &Words, world: &dyn World, ask: &Ask<'_>, assigned: &mut Vec<String>) {
    if assigned.is_empty() {
        return;
    }
    let monitor: &[&[u8]] = &[b"-c", b"core.fsmonitor=false"];
    // Names as they are written from where the line stands: the whole tree is asked about from there.
    let listed = match reach(command, words, world) {
        Reach::Any => return,
        Reach::Files(files) => files.join("\0").into_bytes(),
        Reach::Tree => {
            let question: &[&[u8]] = &[b"ls-files", b"-z", b"-c", b"-o", b"--exclude-standard", b"--", b":(top)"];
            match ask(&[monitor, question].concat()) {
                Some(out) if out.len() <= MOST_BYTES => out,
                _ => return,
            }
        }
    };
    let files: Vec<&[u8]> = listed.split(|byte| *byte == 0).filter(|file| !file.is_empty()).collect();
    let question: &[&[u8]] = &[b"check-attr", b"-z", b"filter", b"diff", b"merge", b"--"];
    let Some(out) = ask(&[monitor, question, &files].concat()).filter(|_| !files.is_empty()) else { return };
    let fields: Vec<&[u8]> = out.split(|byte| *byte == 0).collect();
    let has = |word: &String| {
        let one = |triple: &[&[u8]]| [triple[1], b"=", triple[2]].concat() == word.as_bytes();
        fields.chunks_exact(3).any(one)
    };
    assigned.retain(has);
}

fn reach<'a>(command: &str, words: &'a Words, world: &dyn World) -> Reach<'a> {
    // A name with no pattern in it that is no folder's.
    let file = |word: &&String| !word.contains(['*', '?', '[', '\\', ':']) && !world.is_dir(word.as_bytes());
    let files = |operands: &'a [String]| {
        let plain = !operands.is_empty() && operands.len() <= MOST_FILES && operands.iter().all(|word| file(&word));
        plain.then(|| Reach::Files(operands.iter().map(String::as_str).collect()))
    };
    let before = words.before_dashes.unwrap_or(0);
    let from_file = words.on("pathspec-from-file");
    match command {
        // What is ignored may be added by force.
        "add" | "stage" if words.on("force") => files(&words.operands).unwrap_or(Reach::Any),
        "add" | "stage" if !words.any(&["all", "update", "renormalize"]) && !from_file => {
            files(&words.operands).unwrap_or(Reach::Tree)
        }
        // What a commit takes away is shown too.
        "status" | "commit" if words.last("verbose").is_some() => Reach::Any,
        "add" | "stage" | "status" | "commit" => Reach::Tree,
        "stash" if matches!(words.operands.first().map(String::as_str), None | Some("push" | "save")) => Reach::Tree,
        "diff" if words.any(&["cached", "staged", "no-index"]) => Reach::Any,
        "diff" if words.operands.is_empty() => Reach::Tree,
        "diff" if words.operands.iter().all(|word| world.is_file(word.as_bytes())) => {
            files(&words.operands).unwrap_or(Reach::Any)
        }
        "diff" if before == 0 && words.before_dashes.is_some() => Reach::Tree,
        "restore" if !from_file => files(&words.operands).unwrap_or(Reach::Any),
        "checkout" if words.before_dashes.is_some() && !from_file => {
            files(&words.operands[before.min(words.operands.len())..]).unwrap_or(Reach::Any)
        }
        _ => Reach::Any,
    }
}
