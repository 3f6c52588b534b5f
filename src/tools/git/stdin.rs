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

/// Whether the orders of git-update-ref(1) move or delete a ref that may be there; `there` says which may.
pub fn update_ref_destroys(known: &Known, by_nul: bool, there: &dyn Fn(&str) -> bool) -> bool {
    let Some(text) = whole(known) else { return true };
    if !by_nul {
        return text.lines().any(|line| {
            let mut words = line.split(' ');
            let order = words.next().unwrap_or_default();
            destroys(order, words.next().unwrap_or_default(), there)
        });
    }
    // With -z the values that belong to an order stand behind it, each ended by a NUL.
    let mut fields = text.split('\0');
    while let Some(field) = fields.next() {
        let (order, name) = field.split_once(' ').unwrap_or((field, ""));
        let values = match order {
            "create" | "delete" | "verify" | "symref-create" => 1,
            "update" => 2,
            // How many these take hangs on what stands there.
            "symref-update" | "symref-delete" | "symref-verify" => return true,
            _ => 0,
        };
        if destroys(order, name, there) {
            return true;
        }
        fields.by_ref().take(values).for_each(drop);
    }
    false
}

fn destroys(order: &str, name: &str, there: &dyn Fn(&str) -> bool) -> bool {
    match order {
        "" | "create" | "symref-create" | "verify" | "symref-verify" | "option" | "start" | "prepare" | "commit"
        | "abort" => false,
        // A name in quotes is not taken apart.
        "update" => name.starts_with('"') || there(name),
        _ => true,
    }
}

fn whole(known: &Known) -> Option<&str> {
    known.stdin.as_ref().filter(|content| !content.truncated)?.bytes.text()
}
