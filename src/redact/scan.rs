//! Finds what is to be masked in lines that are there whole.
//!
//! One pass of an automaton over all triggers of the table; only where one stands is a rule tried, by two lazy DFAs
//! that never go back: what must stand before the secret, then the secret. So ordinary text costs one pass, and the
//! worst text a bounded number of passes over each word.

use std::cell::OnceCell;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::checks::{Check, back};
use super::encodings::Needles;
use super::rules::{At, Before, RULES, Rule, Set};
use crate::model::Secret;

/// A secret's place: `start..end` is replaced by a mark of `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: &'static str,
    /// It continues a secret that has its mark already: dropped without another.
    pub silent: bool,
}

pub struct Scanner {
    rules: Vec<Compiled>,
    /// All triggers, and whose each is.
    triggers: Option<AhoCorasick>,
    owners: Vec<Vec<usize>>,
    /// Rules that are tried wherever a number begins.
    numbers: Vec<usize>,
    needles: Option<Needles>,
}

impl Scanner {
    pub fn new(sets: &[Set], secrets: &[&Secret]) -> Self {
        let rules: Vec<Compiled> = RULES.iter().filter(|rule| sets.contains(&rule.set)).map(Compiled::new).collect();
        let mut words: Vec<&'static str> = Vec::new();
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut numbers = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if rule.rule.triggers.is_empty() {
                numbers.push(index);
            }
            for trigger in rule.rule.triggers {
                match words.iter().position(|word| word == trigger) {
                    Some(at) => owners[at].push(index),
                    None => {
                        words.push(trigger);
                        owners.push(vec![index]);
                    }
                }
            }
        }
        let triggers = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            // On text the automaton is seldom in its first state; a full table is several times as fast there.
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .ok()
            .filter(|_| !words.is_empty());
        Scanner { rules, triggers, owners, numbers, needles: Needles::new(secrets) }
    }

    pub fn masks_nothing(&self) -> bool {
        self.triggers.is_none() && self.needles.is_none()
    }

    /// All secrets of the text, in order, apart from one another. The text begins and ends at ends of lines, or is
    /// part of one line.
    pub fn spans(&mut self, text: &[u8]) -> Vec<Span> {
        let mut spans = Vec::new();
        if let Some(needles) = &self.needles {
            needles.spans(text, &mut spans);
        }
        self.ruled(text, |_, span| spans.extend(span));
        merge(spans)
    }

    /// Up to where an unfinished line can be given, no more of it being there yet.
    pub fn safe(&mut self, line: &[u8], spans: &[Span]) -> usize {
        let mut safe = line.len();
        if let Some(span) = spans.last().filter(|span| span.end == line.len()) {
            safe = span.start;
        }
        if let Some(needles) = &self.needles {
            safe = safe.min(line.len() - needles.begun(line));
        }
        let word =
            line.iter().rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'')).map_or(0, |at| at + 1);
        if word < line.len() {
            // A rule was tried in the last word, or what it wants before the secret reaches into that word.
            self.ruled(line, |tried, _| {
                if tried >= word {
                    safe = safe.min(word);
                }
            });
        }
        safe
    }

    /// Tries rules wherever a trigger stands or a number begins. Tells `found` where the secret begins or would begin,
    /// and the secret where there is one.
    fn ruled(&mut self, text: &[u8], mut found: impl FnMut(usize, Option<Span>)) {
        self.rules.iter_mut().for_each(|rule| rule.until = 0);
        if let Some(triggers) = &self.triggers {
            let mut line = Line { text, end: 0 };
            for hit in triggers.find_overlapping_iter(text) {
                for owner in &self.owners[hit.pattern().as_usize()] {
                    self.rules[*owner].try_at(line.of(hit.start()), hit.start(), &mut found);
                }
            }
        }
        if !self.numbers.is_empty() {
            let mut line = Line { text, end: 0 };
            let mut before = b'\n';
            for (at, b) in text.iter().enumerate() {
                let begins =
                    b.is_ascii_digit() && !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'-' | b'_');
                if begins && is_long(&text[at..]) {
                    for index in &self.numbers {
                        self.rules[*index].try_at(line.of(at), at, &mut found);
                    }
                }
                before = *b;
            }
        }
    }
}

/// Whether a number goes on as long as the shortest that any rule takes, as far as it is there.
fn is_long(number: &[u8]) -> bool {
    let head = &number[..number.len().min(11)];
    head.len() >= 7 && head.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')'))
}

/// The text up to the end of the line in which a place is; places come in rising order.
struct Line<'a> {
    text: &'a [u8],
    end: usize,
}

impl<'a> Line<'a> {
    fn of(&mut self, at: usize) -> &'a [u8] {
        if at >= self.end {
            self.end = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |n| at + n);
        }
        &self.text[..self.end]
    }
}

/// Sorted, overlapping ones made one.
pub fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => out.push(span),
        }
    }
    out
}

/// A rule with its automata, made when it is first tried.
struct Compiled {
    rule: &'static Rule,
    before: OnceCell<Option<Automaton>>,
    secret: OnceCell<Option<Automaton>>,
    /// Where the last secret ended: triggers inside of it are not tried again.
    until: usize,
}

impl Compiled {
    fn new(rule: &'static Rule) -> Self {
        Compiled { rule, before: OnceCell::new(), secret: OnceCell::new(), until: 0 }
    }

    /// `line` ends where the line does.
    fn try_at(&mut self, line: &[u8], trigger: usize, found: &mut impl FnMut(usize, Option<Span>)) {
        if trigger < self.until || !self.may_begin(line, trigger) {
            return;
        }
        let tried = match self.rule.at {
            At::Word => Some(back(line, trigger)),
            At::Trigger if self.rule.before.is_empty() => Some(trigger),
            At::Trigger => run(&mut self.before, self.rule.before, line, trigger),
        };
        if let Some(at) = tried {
            let span = self.secret(line, at);
            found(at, span);
        }
    }

    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        match self.rule.edge {
            Before::Any => true,
            Before::NoWord => before.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-')),
        }
    }

    fn secret(&mut self, text: &[u8], at: usize) -> Option<Span> {
        let end = run(&mut self.secret, self.rule.secret, text, at)?;
        let end = self.rule.check.holds(&text[at..end], &text[end..]).then_some(end)?;
        let end = if self.rule.check == Check::Userinfo { end - 1 } else { end };
        self.until = end;
        Some(Span { start: at, end, kind: self.rule.kind, silent: false })
    }
}

struct Automaton {
    dfa: DFA,
    cache: Cache,
}

/// Where the pattern ends when it begins at `at`.
fn run(cell: &mut OnceCell<Option<Automaton>>, pattern: &str, text: &[u8], at: usize) -> Option<usize> {
    cell.get_or_init(|| Automaton::new(pattern));
    let automaton = cell.get_mut()?.as_mut()?;
    let input = Input::new(text).range(at..).anchored(Anchored::Yes);
    automaton.dfa.try_search_fwd(&mut automaton.cache, &input).ok()?.map(|half| half.offset())
}

impl Automaton {
    /// `None` for a pattern that is none; a test builds every one.
    fn new(pattern: &str) -> Option<Self> {
        let dfa = DFA::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(pattern)
            .ok()?;
        let cache = dfa.create_cache();
        Some(Automaton { dfa, cache })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_can_be_built() {
        for rule in RULES {
            assert!(Automaton::new(rule.before).is_some(), "{}: {}", rule.kind, rule.before);
            assert!(Automaton::new(rule.secret).is_some(), "{}: {}", rule.kind, rule.secret);
            assert!(rule.triggers.iter().all(|t| *t == t.to_ascii_lowercase() || t.contains("None")));
            assert!(rule.kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.kind);
        }
    }
}
