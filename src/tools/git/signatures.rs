//! Whether there is anything signed that a command could verify: without a signature git starts no program for it.

use super::facts::Config;
use super::gather::Ask;
use super::options::Words;

/// Commits that are looked through.
const MOST: usize = 5_000;

/// Commands that verify what the repository holds already.
pub fn verifies(command: &str) -> bool {
    matches!(command, "log" | "show" | "verify-commit" | "verify-tag" | "tag" | "merge")
}

/// Whether the answer counts: a program is named for it.
pub fn matter(command: &str, config: Option<&Config>) -> bool {
    let named = |config: &Config| config.0.iter().any(|e| e.key.starts_with("gpg.") && e.key.ends_with("program"));
    verifies(command) && config.is_some_and(named)
}

/// Whether a commit that is reachable, or a tag, is signed. `None` where it cannot be told.
pub fn any(ask: &Ask<'_>) -> Option<bool> {
    let most = format!("--max-count={MOST}");
    let commits = ask(&[b"rev-list", b"--header", most.as_bytes(), b"HEAD", b"--all"])?;
    // Its own, and that of a tag that it merged.
    let signed = |line: &[u8]| line.starts_with(b"gpgsig") || line.starts_with(b"mergetag ");
    let lines = || commits.split(|byte| *byte == b'\n');
    if lines().any(signed) || lines().filter(|line| line.starts_with(b"tree ")).count() >= MOST {
        return Some(true);
    }
    let tags = ask(&[b"for-each-ref", b"--format=%(contents:signature)"])?;
    Some(tags.windows(10).any(|at| at == b"-----BEGIN"))
}

/// Whether the words may lead to what no ref leads to: an object's id, a reflog, another work tree, names from standard
/// input.
pub fn may_lead_elsewhere(words: &Words) -> bool {
    words.operands.iter().any(|word| is_elsewhere(word))
        || words.any(&["walk-reflogs", "reflog", "stdin", "alternate-refs", "not"])
        || words.letter('g')
}

fn is_elsewhere(word: &str) -> bool {
    let hexadecimal = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    // git-describe(1) writes `name-3-gID`, and git takes the id of any such word.
    let id = |part: &str| hexadecimal(part) || part.strip_prefix('g').is_some_and(hexadecimal);
    ["@{", "_HEAD", "/HEAD", "worktree"].into_iter().any(|part| word.contains(part))
        || word.split(|c: char| !c.is_ascii_alphanumeric()).any(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_ref_leads_to_is_told_by_its_name() {
        for word in [
            "dead",
            "1234abcd^",
            "v1-3-gdeadbeef",
            "x-gABCD",
            "a..0123abc",
            "HEAD@{1}",
            "FETCH_HEAD",
            "main-worktree/HEAD",
            "worktrees/x/refs/bisect/bad",
        ] {
            assert!(is_elsewhere(word), "{word}");
        }
        for word in ["HEAD", "HEAD~3", "main", "origin/main", "v1.2.3", "feature-x", "refs/tags/good"] {
            assert!(!is_elsewhere(word), "{word}");
        }
    }
}
