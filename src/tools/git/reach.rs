//! Which of the files that are there a command is about: of the drivers that attributes assign, only those matter that
//! such a file has. Where git cannot say, all of them stay.

use super::attributes::{Scene, says_yes};
use super::gather::join;

/// Files that a line may name so that git is asked about each.
const MOST_FILES: usize = 64;

/// Names of a work tree, in bytes, that git is asked about; of a larger one all assignments stay.
const MOST_BYTES: usize = 64 << 10;

/// The files that a command is about.
enum Reach<'a> {
    /// Also such as are in commits alone.
    Any,
    /// Whatever lies in the work tree or the index.
    Tree,
    Files(Vec<&'a str>),
    /// These, and the index: it is written again, and what is as young as it is looked at once more, whichever file that
    /// is (racy-git).
    Rewritten(Vec<&'a str>),
}

/// Leaves of the assignments those that reach a file that the command is about.
pub fn narrow(scene: &Scene<'_>, assigned: &mut Vec<String>) {
    if assigned.is_empty() {
        return;
    }
    // Names as they are written from where the line stands: the whole tree is asked about from there.
    let reach = reach(scene);
    let mut listed = match &reach {
        Reach::Any => return,
        Reach::Files(files) | Reach::Rewritten(files) => files.join("\0").into_bytes(),
        Reach::Tree => Vec::new(),
    };
    let (tracked, others): (&[u8], &[u8]) = (b"-c", b"-o");
    let which = match reach {
        Reach::Any | Reach::Files(_) => None,
        Reach::Rewritten(_) => Some(tracked),
        Reach::Tree => Some(others),
    };
    if let Some(which) = which {
        match scene.listed(&[b"ls-files", b"-z", b"-c", which, b"--exclude-standard", b"--", b":(top)"]) {
            Some(out) if out.len() <= MOST_BYTES => listed = [listed, vec![0], out].concat(),
            _ => return,
        }
    }
    let files: Vec<&[u8]> = listed.split(|byte| *byte == 0).filter(|file| !file.is_empty()).collect();
    if files.is_empty() {
        return;
    }
    let question: &[&[u8]] = &[b"check-attr", b"-z", b"filter", b"diff", b"merge", b"--"];
    let Some(out) = scene.listed(&[question, &files].concat()) else { return };
    let fields: Vec<&[u8]> = out.split(|byte| *byte == 0).collect();
    let has = |word: &String| {
        let one = |triple: &[&[u8]]| [triple[1], b"=", triple[2]].concat() == word.as_bytes();
        fields.chunks_exact(3).any(one)
    };
    assigned.retain(has);
}

fn reach<'a>(scene: &Scene<'a>) -> Reach<'a> {
    let (command, words) = (scene.command, scene.words);
    let folder = scene.folder();
    let path = |word: &str| join(&folder, word.as_bytes());
    // A name with no pattern in it that is no folder's. Attributes that are written themselves hold for the others.
    let file = |word: &String| {
        let attributes = matches!(command, "restore" | "checkout") && word.ends_with(".gitattributes");
        !attributes && !word.contains(['*', '?', '[', '\\', ':']) && !scene.world.is_dir(&path(word))
    };
    let files = |operands: &'a [String]| {
        let plain = !operands.is_empty() && operands.len() <= MOST_FILES && operands.iter().all(file);
        plain.then(|| operands.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let rewritten = |operands: &'a [String]| files(operands).map_or(Reach::Any, Reach::Rewritten);
    let before = words.before_dashes.unwrap_or(0).min(words.operands.len());
    let from_file = words.on("pathspec-from-file");
    match command {
        // What is ignored may be added by force.
        "add" | "stage" if words.on("force") => rewritten(&words.operands),
        "add" | "stage" if !words.any(&["all", "update", "renormalize"]) && !from_file => {
            files(&words.operands).map_or(Reach::Tree, Reach::Rewritten)
        }
        // What a commit takes away is shown too.
        "status" | "commit" if words.last("verbose").is_some() => Reach::Any,
        "commit" if says_yes(scene.config, "commit.verbose") => Reach::Any,
        "add" | "stage" | "status" | "commit" => Reach::Tree,
        "diff" if words.any(&["cached", "staged", "no-index"]) => Reach::Any,
        "diff" if words.operands.is_empty() => Reach::Tree,
        "diff" if before == 0 && words.before_dashes.is_some() => Reach::Tree,
        "diff" if before == 0 && words.operands.iter().all(|word| scene.world.is_file(&path(word))) => {
            files(&words.operands).map_or(Reach::Any, Reach::Files)
        }
        "rm" | "mv" => Reach::Rewritten(Vec::new()),
        "describe" | "ls-files" => Reach::Tree,
        // Where a converter is configured, it may be for a name that the file had before.
        "blame" | "annotate" | "pickaxe" if scene.config.middles("diff", "textconv").next().is_none() => {
            files(&words.operands).map_or(Reach::Any, Reach::Files)
        }
        "restore" if !from_file => rewritten(&words.operands),
        "checkout" if words.before_dashes.is_some() && !from_file => rewritten(&words.operands[before..]),
        // A commit, perhaps, and files of it.
        "checkout" if words.operands.len() > 1 && !from_file => rewritten(&words.operands),
        _ => Reach::Any,
    }
}
