//! Which lines are worth a reader's look. A reader of this context needs a word to begin with, and the words of all of
//! them are searched at once; a line without any of them, as nearly all are, costs the search and no more.

mod table;

use super::super::words::Hit;
use table::{Edges, WORDS};

/// What the words of a line may be of, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tells(u16);

impl Tells {
    /// A name that says something about its value ([`super::names`]).
    pub const NAME: Tells = Tells(1);
    /// A key of an object of Kubernetes.
    pub const OBJECT: Tells = Tells(1 << 1);
    /// The value of a name that stands elsewhere.
    pub const VALUE: Tells = Tells(1 << 2);
    /// SQL that writes rows.
    pub const STATEMENT: Tells = Tells(1 << 3);
    /// A parameter of an address that is often signed.
    pub const PARAMETER: Tells = Tells(1 << 4);
    /// A program that takes a password as an argument.
    pub const PROGRAM: Tells = Tells(1 << 5);
    /// What a line says in its own grammar ([`super::phrases`]).
    pub const PHRASE: Tells = Tells(1 << 6);
    /// A command or a sentence whose secret is in the next line.
    pub const ASKING: Tells = Tells(1 << 7);
    /// A column about people.
    pub const PERSON: Tells = Tells(1 << 8);
    /// A table in HTML.
    pub const TABLE: Tells = Tells(1 << 9);
    /// What a program says in its own grammar ([`super::programs`]).
    pub const GRAMMAR: Tells = Tells(1 << 10);
    /// A number that may be of a person; no word tells it.
    pub const NUMBER: Tells = Tells(1 << 11);

    pub const NONE: Tells = Tells(0);
    #[cfg(test)]
    pub const ALL: Tells = Tells(u16::MAX);

    pub const fn or(self, other: Tells) -> Tells {
        Tells(self.0 | other.0)
    }

    pub fn any(self, of: Tells) -> bool {
        self.0 & of.0 != 0
    }
}

/// The words, each with its place in the table.
pub fn words() -> impl Iterator<Item = (&'static str, u16)> + Clone {
    WORDS.iter().zip(0..).map(|((word, ..), index)| (*word, index))
}

/// Where lines end, and what the words in each of them are of.
#[derive(Default)]
pub struct Lines {
    lines: Vec<(usize, Tells)>,
}

impl Lines {
    /// The end of each line, its newline included, and what it tells by the words that stand in it, which are in order.
    pub fn of(&mut self, text: &[u8], words: &[Hit]) -> impl Iterator<Item = (usize, Tells)> {
        let Lines { lines } = self;
        lines.clear();
        lines.extend(memchr::memchr_iter(b'\n', text).map(|at| (at + 1, Tells::NONE)));
        if lines.last().is_none_or(|(end, _)| *end < text.len()) {
            lines.push((text.len(), Tells::NONE));
        }
        let mut line = 0;
        for Hit { at, owner } in words {
            let (word, edges, tells) = WORDS[usize::from(*owner)];
            while *at >= lines[line].0 {
                line += 1;
            }
            if stands(text, *at, word.len(), edges) {
                lines[line].1 = lines[line].1.or(tells);
            }
        }
        lines.iter().copied()
    }
}

/// Whether a word stands as a name's last one would: neither are its letters a part of a longer word, nor are they
/// divided from what follows. Capitals divide as well (`dbPass`, `DBPass`).
fn stands(text: &[u8], at: usize, length: usize, edges: Edges) -> bool {
    if edges == Edges::Any {
        return true;
    }
    let end = at + length;
    let joined = |a: u8, b: u8| a.is_ascii_lowercase() && b.is_ascii_lowercase() || both_upper(a, b);
    let first = text[at];
    if edges == Edges::Word
        && let Some(before) = at.checked_sub(1).map(|before| text[before])
        && joined(before, first)
        && !(both_upper(before, first) && text.get(at + 1).is_some_and(u8::is_ascii_lowercase))
    {
        return false;
    }
    let last = text[end - 1];
    let plural = usize::from(matches!(text.get(end), Some(b's' | b'S')));
    let follows = |end: usize| {
        text.get(end).is_some_and(|next| {
            joined(last, *next) && !(both_upper(last, *next) && text.get(end + 1).is_some_and(u8::is_ascii_lowercase))
        })
    };
    !follows(end) || plural == 1 && !follows(end + 1)
}

fn both_upper(a: u8, b: u8) -> bool {
    a.is_ascii_uppercase() && b.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::super::super::words::Words;
    use super::super::names::{all, says};
    use super::super::{phrases, programs};
    use super::*;

    fn lines(text: &[u8]) -> Vec<(usize, Tells)> {
        static SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(words()));
        let mut hits = Vec::new();
        SEARCH.each(text, |hit| hits.push(hit));
        hits.sort_unstable();
        Lines::default().of(text, &hits).collect()
    }

    fn tells(text: &str) -> Tells {
        lines(text.as_bytes()).into_iter().fold(Tells::NONE, |all, (_, tells)| all.or(tells))
    }

    #[test]
    fn whatever_a_name_may_say_something_by_is_seen_in_each_way_to_write_it() {
        let camel = |name: &str, first: bool| {
            let mut up = first;
            let letter = |c: char| {
                let out = if up { c.to_ascii_uppercase() } else { c };
                up = c == '_';
                (c != '_').then_some(out)
            };
            name.chars().filter_map(letter).collect::<String>()
        };
        for name in all() {
            for name in [name.to_owned(), format!("db_{name}"), format!("{name}_prod"), format!("{name}2")] {
                let forms = [
                    name.clone(),
                    name.to_ascii_uppercase(),
                    name.replace('_', "-"),
                    name.replace('_', "."),
                    name.replace('_', " "),
                    camel(&name, false),
                    camel(&name, true),
                ];
                for form in forms {
                    let seen = tells(&format!("  \"{form}\": x\n")).any(Tells::NAME);
                    assert!(seen || says(form.as_bytes()).is_none(), "{form}");
                    assert!(!form.contains('_') || seen, "{form}");
                }
            }
        }
    }

    #[test]
    fn words_within_other_words_tell_nothing() {
        for text in ["Author: A", "monkeyed", "sessionless", "metadata.labels", "bypassed", "KEYBOARD", "tokenizer"] {
            assert!(!tells(text).any(Tells::NAME.or(Tells::OBJECT)), "{text}");
        }
        for text in ["api_keys:", "dbPass=1", "DBPass", "PGPASSWORD", "rolpassword", "a.token", "\"key\""] {
            assert!(tells(text).any(Tells::NAME), "{text}");
        }
        assert!(tells("\"stringData\": {").any(Tells::OBJECT) && tells("kind: Secret").any(Tells::OBJECT));
    }

    #[test]
    fn each_line_has_its_own() {
        let got = lines(b"a\npassword=1\n\nINSERT INTO t\nkind: x");
        let is = |n: usize, tells: Tells| got[n].1.any(tells);
        assert_eq!(got.iter().map(|(end, _)| *end).collect::<Vec<_>>(), [2, 13, 14, 28, 35]);
        assert!(is(1, Tells::NAME) && is(3, Tells::STATEMENT) && is(4, Tells::OBJECT));
        assert!(!is(0, Tells::ALL) && !is(2, Tells::ALL) && !is(3, Tells::NAME));
    }

    #[test]
    fn whatever_a_phrase_may_match_has_a_word_by_which_it_is_looked_at() {
        let mut runner = TestRunner::deterministic();
        let of = |patterns: Vec<&'static str>, tells| patterns.into_iter().map(move |pattern| (pattern, tells));
        let said = of(phrases::patterns().collect(), Tells::PHRASE);
        for (pattern, of) in said.chain(of(programs::patterns().collect(), Tells::GRAMMAR)) {
            // What only holds a place has no text.
            let text = pattern.replace("(?:^|", "(?:").replace("|$)", ")").replace(r"\b", "").replace("(?i)^", "(?i)");
            let text = text.strip_prefix('^').unwrap_or(&text);
            let text = if text.ends_with(r"\$") { text } else { text.strip_suffix('$').unwrap_or(text) };
            let texts =
                proptest::string::bytes_regex(&format!("(?-u){text}")).unwrap_or_else(|e| panic!("{text}: {e}"));
            for _ in 0..100 {
                let text = texts.new_tree(&mut runner).unwrap().current();
                let seen = lines(&text).into_iter().any(|(_, tells)| tells.any(of));
                assert!(
                    seen || phrases::is_pgpass(&text) || programs::is_list(&text),
                    "{pattern}: {}",
                    text.escape_ascii()
                );
            }
        }
    }

    /// Words of names in any case, put together in any way.
    fn name() -> impl Strategy<Value = String> {
        let words: Vec<&str> =
            all().flat_map(|name| name.split('_')).chain(["db", "my", "prod", "s", "2", "x"]).collect();
        let word = (proptest::sample::select(words), 0..4).prop_map(|(word, case)| match case {
            0 => word.to_owned(),
            1 => word.to_ascii_uppercase(),
            2 => word[..1].to_ascii_uppercase() + &word[1..],
            _ => word.chars().rev().take(2).collect(),
        });
        let joint = proptest::sample::select(vec!["", "_", "-", ".", " ", "__"]);
        proptest::collection::vec((word, joint), 1..4)
            .prop_map(|parts| parts.into_iter().map(|(word, joint)| word + joint).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_name_that_says_something_is_passed_over(name in name(), before in "[\"{ =]?", after in "[\":= ]?") {
            let text = format!("{before}{name}{after}");
            // As its line's readers take it apart: with its neighbours, or without them.
            for name in [name.as_str(), name.trim_end_matches(['_', '-', '.', ' ']), text.trim_end_matches(['"', ':', '=', ' '])] {
                prop_assert!(says(name.as_bytes()).is_none() || tells(&text).any(Tells::NAME), "{:?} in {:?}", name, text);
            }
        }
    }
}
