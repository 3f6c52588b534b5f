//! Commands that take their orders from standard input: what it says is read before, and handed to git as it was read.

use crate::model::StreamKind;

use super::facts::Known;
use super::meaning::Scene;
use super::options::Words;

/// Whether what the command would do stands in its standard input.
pub fn decides(command: &str, words: &Words) -> bool {
    match command {
        "send-pack" | "update-ref" => words.on("stdin"),
        // Whether its question is answered.
        "difftool" => words.last("no-prompt").is_none() || words.last("prompt").is_some(),
        // For whom a password is asked.
        "credential" => true,
        _ => false,
    }
}

/// The lines of `git credential`: names and values; `None` where they could not be read to their end.
pub fn credential(known: &Known) -> Option<Vec<(&str, &str)>> {
    let lines = whole(known)?.lines().take_while(|line| !line.is_empty());
    Some(lines.filter_map(|line| line.split_once('=')).collect())
}

/// Whether there is nothing in it.
pub fn is_empty(scene: &Scene<'_>) -> bool {
    let kind = scene.invocation.streams.stdin;
    matches!(kind, StreamKind::Null | StreamKind::Closed) || whole(scene.known).is_some_and(str::is_empty)
}

/// The refspecs of `send-pack --stdin`, one a line; `None` where they could not be read to their end.
pub fn refspecs(known: &Known) -> Option<Vec<&str>> {
    Some(whole(known)?.lines().filter(|line| !line.is_empty()).collect())
}

/// Whether the orders of git-update-ref(1) move or delete a ref that may be there.
pub fn update_ref_destroys(known: &Known, by_nul: bool) -> bool {
    let Some(text) = whole(known) else { return true };
    let harmless = |order: &str| {
        let word = order.split(' ').next().unwrap_or_default();
        matches!(
            word,
            "" | "create"
                | "symref-create"
                | "verify"
                | "symref-verify"
                | "option"
                | "start"
                | "prepare"
                | "commit"
                | "abort"
        )
    };
    // With -z the values stand between the orders, and only git's own reading tells one from the other.
    by_nul || !text.lines().all(harmless)
}

fn whole(known: &Known) -> Option<&str> {
    known.stdin.as_ref().filter(|content| !content.truncated)?.bytes.text()
}
