//! Files outside the repository's own that the line names for writing.

use super::meaning::{Meaning, Weight};
use super::options::Words;

/// Commands that read the options of a diff, and write what is shown into a file.
const TAKES_OUTPUT: &[&str] = &[
    "log",
    "show",
    "diff",
    "whatchanged",
    "diff-tree",
    "diff-files",
    "diff-index",
    "range-diff",
    "rev-list",
    "shortlog",
    "blame",
    "annotate",
    "pickaxe",
    "cherry-pick",
    "revert",
    "difftool",
    "replay",
];

/// Adds them to the meaning of one command.
pub fn add(name: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let mut files: Vec<String> = Vec::new();
    let output = words.value("output").filter(|o| !o.is_empty() && o != "/dev/null");
    match (name, sub) {
        ("archive", _) => files.extend(output),
        ("stash", "show" | "list") | ("reflog", "show") => files.extend(output),
        _ if TAKES_OUTPUT.contains(&name) => files.extend(output),
        // The file is opened before git sees that there are two.
        ("format-patch", _) if words.on("stdout") => files.extend(output),
        ("format-patch", _) => match output.or_else(|| words.value("output-directory")) {
            Some(path) => files.push(path),
            None => meaning.add(Weight::LocalWrite),
        },
        ("bundle", "create") => {
            files.extend(words.operands.first().filter(|f| *f != "-").cloned().into_iter().chain(output));
        }
        ("bisect", "view" | "visualize") => files.extend(output),
        ("bugreport" | "diagnose", _) => {
            meaning.add(Weight::LocalWrite);
            files.extend(words.value("output-directory"));
        }
        ("credential-store", _) if meaning.weights.contains(&Weight::ConfigWrite) => {
            files.push(words.value("file").unwrap_or_else(|| "~/.git-credentials".to_owned()));
        }
        ("config", _) if words.on("global") => {
            files.extend(meaning.weights.contains(&Weight::ConfigWrite).then(|| "~/.gitconfig".to_owned()))
        }
        ("config", _) if meaning.weights.contains(&Weight::ConfigWrite) => files.extend(words.value("file")),
        ("fast-export", _) => files.extend(words.value("export-marks").into_iter().chain(output)),
        ("checkout-index" | "init" | "clone" | "worktree", _) => {}
        _ => {}
    }
    if !files.is_empty() && !matches!(name, "config" | "credential-store") {
        meaning.add(Weight::LocalWrite);
        if name != "archive" {
            meaning.weights.remove(&Weight::Read);
        }
    }
    let prefix = words.value("prefix").filter(|_| name == "checkout-index");
    files.extend(prefix.filter(|p| p.starts_with('/') || p.contains("..")));
    meaning.writes.extend(files);
}
