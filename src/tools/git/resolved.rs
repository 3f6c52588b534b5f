//! What the words of a line name, where a name alone does not tell: a file may be called like a revision, and
//! `REVISION:PATH` may be a commit (of a submodule).

use super::gather::Ask;
use super::options::Words;

/// More words than these are not asked for.
const MOST: usize = 8;

/// Whether git itself says that the words of `show` are files of commits, and those of `diff` objects. `None` where it
/// makes no difference.
pub fn look(command: &str, words: &Words, ask: &Ask<'_>) -> Option<bool> {
    let names: &dyn Fn(&str) -> bool = match command {
        "show" => &|word| is_file(word, ask),
        "diff" => &|word| is_object(word, ask),
        _ => return None,
    };
    if words.takes_sources() {
        return Some(false);
    }
    let before = words.before_dashes.unwrap_or(words.operands.len());
    let revisions = words.operands.get(..before)?;
    Some((1..=MOST).contains(&revisions.len()) && revisions.iter().all(|word| names(word)))
}

fn is_file(word: &str, ask: &Ask<'_>) -> bool {
    let Some((revision, path)) = word.split_once(':') else { return false };
    // Names with a colon of their own, and paths from where one stands, are left to be whatever they are.
    if revision.is_empty() || revision.starts_with('-') || revision.contains('{') || path.starts_with('.') {
        return false;
    }
    let listed = ask(&[b"ls-tree", b"--full-tree", revision.as_bytes(), b"--", path.as_bytes()]);
    listed.is_some_and(|out| out.starts_with(b"100") && out.iter().filter(|byte| **byte == b'\n').count() == 1)
}

fn is_object(word: &str, ask: &Ask<'_>) -> bool {
    let ends = word.split_once("...").or_else(|| word.split_once(".."));
    let (from, to) = ends.unwrap_or((word, ""));
    // `..` alone is a folder.
    let named = !from.is_empty() || !to.is_empty();
    named
        && [from, to].into_iter().filter(|end| !end.is_empty()).all(|end| {
            // A path runs to the end of the word.
            let object = if end.contains(':') { end.to_owned() } else { format!("{end}^{{object}}") };
            !end.starts_with(['-', '^', ':']) && ask(&[b"rev-parse", b"-q", b"--verify", object.as_bytes()]).is_some()
        })
}
