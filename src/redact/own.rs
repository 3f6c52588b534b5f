//! The rules of operators: patterns, and values at places of JSON documents. Literals are searched with the secrets
//! that were granted ([`super::known`]), columns with those whose names tell ([`super::context`]).
//!
//! A pattern is searched by automata that never go back, in windows: a match has at most [`LONGEST`] bytes, so the
//! worst pattern on the worst line takes a bounded number of steps a byte.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use regex_automata::Input;
use regex_automata::meta::Regex;

use crate::model::{Find, Masking, Pattern};

use super::paths::Path;
use super::scan::{Span, binary};

/// The longest match, in bytes.
pub const LONGEST: usize = 1 << 10;
const WINDOW: usize = 2 * LONGEST;

/// Shared by the streams of a run.
#[derive(Default)]
pub struct Own {
    patterns: Vec<Searched>,
    pub paths: Vec<Path>,
    /// Names of columns, whatever table they are of, and the kinds of their marks.
    pub columns: Vec<(String, &'static str)>,
}

struct Searched {
    kind: &'static str,
    regex: Regex,
    /// A group of it is the secret.
    grouped: bool,
}

/// A name that lives as long as the program; each is kept once, and rules are few.
pub fn intern(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}

impl Own {
    /// `None` for a pattern that cannot be built, which [`Pattern::new`] does not let through.
    pub fn new(masking: &Masking) -> Option<Own> {
        let mut own = Own::default();
        for rule in &masking.rules {
            let kind = intern(&rule.id);
            match &rule.find {
                Find::Literal(_) => {}
                Find::Pattern(pattern) => own.patterns.push(Searched::new(kind, pattern)?),
                Find::Column(column) => own.columns.push((column.column.clone(), kind)),
                Find::Path(path) => own.paths.push(Path { kind, steps: path.steps().to_vec() }),
            }
        }
        Some(own)
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.paths.is_empty() && self.columns.is_empty()
    }

    /// Adds what the patterns find in lines.
    pub fn spans(&self, text: &[u8], out: &mut Vec<Span>) {
        for searched in &self.patterns {
            if !searched.regex.is_match(text) {
                continue;
            }
            let mut at = 0;
            for whole in text.split_inclusive(|b| *b == b'\n') {
                let line = whole.strip_suffix(b"\n").unwrap_or(whole);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !binary(line) {
                    searched.line(line, at, out);
                }
                at += whole.len();
            }
        }
    }
}

impl Searched {
    fn new(kind: &'static str, pattern: &Pattern) -> Option<Searched> {
        let regex = Regex::builder()
            .syntax(Pattern::syntax())
            .configure(Regex::config().utf8_empty(false))
            .build(pattern.text())
            .ok()?;
        let grouped = regex.captures_len() > 1;
        Some(Searched { kind, regex, grouped })
    }

    fn line(&self, line: &[u8], at: usize, out: &mut Vec<Span>) {
        let mut start = 0;
        while start < line.len() {
            let end = line.len().min(start + WINDOW);
            let input = Input::new(line).range(start..end);
            let Some(hit) =
                self.regex.find(input.clone()).filter(|hit| end == line.len() || hit.start() < start + LONGEST)
            else {
                start = if end == line.len() { end } else { start + LONGEST };
                continue;
            };
            let mut span = hit.range();
            if self.grouped {
                let mut groups = self.regex.create_captures();
                self.regex.search_captures(&input.range(hit.start()..end), &mut groups);
                span = (1..groups.group_len()).find_map(|n| groups.get_group(n)).map_or(span, |group| group.range());
            }
            if !span.is_empty() {
                out.push(Span { start: at + span.start, end: at + span.end, kind: self.kind, silent: false });
            }
            start = hit.end().max(start + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OwnRule;

    fn found(patterns: &[&str], text: &str) -> Vec<String> {
        let rule = |n: usize, p: &&str| {
            let find = Find::Pattern(Pattern::new(p).unwrap());
            OwnRule { id: format!("rule-{n}"), set: "pii".to_owned(), find }
        };
        let rules = patterns.iter().enumerate().map(|(n, p)| rule(n, p)).collect();
        let mut spans = Vec::new();
        let own = Own::new(&Masking { rules, ..Masking::default() }).unwrap();
        own.spans(text.as_bytes(), &mut spans);
        spans.iter().map(|span| text[span.start..span.end].to_owned()).collect()
    }

    #[test]
    fn matches_stay_in_their_line_and_the_group_is_the_secret() {
        assert_eq!(found(&[r"E-[0-9]{6}"], "E-123456 xE-654321\nE-1\n234567"), ["E-123456", "E-654321"]);
        assert_eq!(found(&[r"badge (\d+)"], "badge 17, badge 18\n"), ["17", "18"]);
        assert_eq!(found(&[r"^id (\d+)$"], "x\r\nid 17\r\n"), ["17"]);
        assert_eq!(found(&[r"a\s+b"], "a\nb\n"), [""; 0]);
        // What one pattern takes is not lost to another that begins there too.
        assert_eq!(found(&["foo", "foo bar"], "foo bar"), ["foo", "foo bar"]);
    }

    #[test]
    fn a_line_longer_than_a_window_is_searched_to_its_end() {
        for at in (0..3 * WINDOW).step_by(97) {
            let text = format!("{}E-123456{}", "x".repeat(at), "y".repeat(WINDOW));
            assert_eq!(found(&[r"E-[0-9]{6}"], &text), ["E-123456"], "{at}");
        }
    }
}
