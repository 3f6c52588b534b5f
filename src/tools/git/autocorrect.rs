//! What git does with a word that is no command: help.c, `help_unknown_cmd`. Only `help.autocorrect` makes it choose.

use crate::model::Bytes;

use super::facts::{Config, parse_bool, parse_number};
use super::line::Command;
use super::options;

/// A distance from which git no longer calls two words alike.
const SIMILARITY_FLOOR: usize = 7;

/// Commands that `git help` lists: one that begins with the word is taken for it. command-list.txt, "common".
const COMMON: &str = " add backfill bisect branch clone commit diff fetch grep init log merge mv pull push rebase reset \
    restore rm show sparse-checkout status switch tag ";

/// The command that git would run instead, or its refusal to choose.
pub fn choose(word: &str, args: Vec<Bytes>, config: &Config, version: Option<&str>) -> Command {
    let refused = |why: String| Command::Refused { subcommand: None, why };
    if !runs_by_itself(config.get("help.autocorrect"), version) {
        return refused(format!("{word} is not a git command"));
    }
    let aliases = config.0.iter().filter_map(|e| e.key.strip_prefix("alias.")).map(str::to_owned);
    let names = options::commands().map(str::to_owned).chain(aliases);
    let mut near: Vec<(usize, String)> = names.map(|name| (distance(word, &name), name)).collect();
    near.sort_unstable();
    near.dedup();
    let prefixes = near.iter().take_while(|(d, _)| *d == 0).count();
    let Some(best) = near.get(prefixes).map(|(distance, _)| *distance) else {
        return refused(format!("{word} is too ambiguous"));
    };
    let alike = prefixes + near[prefixes..].iter().take_while(|(d, _)| *d == best).count();
    match near.first() {
        Some((_, name)) if alike == 1 && best < SIMILARITY_FLOOR => {
            if options::is_builtin(name, version) || options::is_script(name) {
                Command::Known { name: name.clone(), args }
            } else {
                // An alias by correction: rare enough to be left to a human.
                Command::Unknown { word: word.to_owned() }
            }
        }
        // Where a command begins with the word, git counts the next best one too, and has two to choose from.
        _ => refused(format!("{word} is not a git command")),
    }
}

/// Tenths of a second to wait, or `immediate`; a plain yes since 2.50 (before, it is no number, and git ends). `prompt`
/// asks a terminal, and everything else shows.
fn runs_by_itself(value: Option<&str>, version: Option<&str>) -> bool {
    match value {
        None | Some("never" | "show" | "prompt") => false,
        Some("immediate") => true,
        Some(value) => {
            let says_yes = !options::covers(version) && parse_bool(value) == Some(true);
            parse_number(value).is_some_and(|tenths| tenths != 0) || says_yes
        }
    }
}

fn distance(word: &str, candidate: &str) -> usize {
    if candidate.starts_with(word) && COMMON.contains(&format!(" {candidate} ")) {
        return 0;
    }
    levenshtein(word.as_bytes(), candidate.as_bytes()) + 1
}

/// levenshtein.c with git's weights: swap 0, substitution 2, insertion 1, deletion 3.
fn levenshtein(from: &[u8], to: &[u8]) -> usize {
    let (swap, substitute, insert, delete) = (0, 2, 1, 3);
    let mut before_last: Vec<usize> = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).map(|j| j * insert).collect();
    for i in 0..from.len() {
        let mut now = vec![(i + 1) * delete];
        for j in 0..to.len() {
            let mut cost = last[j] + substitute * usize::from(from[i] != to[j]);
            if i > 0 && j > 0 && from[i - 1] == to[j] && from[i] == to[j - 1] {
                cost = cost.min(before_last[j - 1] + swap);
            }
            cost = cost.min(last[j + 1] + delete).min(now[j] + insert);
            now.push(cost);
        }
        before_last = std::mem::replace(&mut last, now);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::git::facts::Entry;

    fn chosen(word: &str, setting: &str) -> Option<String> {
        let entry = Entry { scope: "global".into(), key: "help.autocorrect".into(), value: Some(setting.into()) };
        match choose(word, vec![], &Config(vec![entry]), Some("2.39.5")) {
            Command::Known { name, .. } => Some(name),
            _ => None,
        }
    }

    #[test]
    fn a_misspelt_command_is_run_only_where_configuration_says_so() {
        assert_eq!(chosen("psuh", "immediate").as_deref(), Some("push"));
        assert_eq!(chosen("stauts", "1").as_deref(), Some("status"));
        assert_eq!(chosen("psuh", "0"), None);
        assert_eq!(chosen("qwertyuiop", "immediate"), None);
        assert_eq!(chosen("pus", "immediate"), None);
        assert_eq!(chosen("psuh", "yes"), None);
        for number in ["0x1", " 1", "-1k"] {
            assert_eq!(chosen("psuh", number).as_deref(), Some("push"), "{number}");
        }
    }
}
