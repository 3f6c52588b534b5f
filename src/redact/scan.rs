//! Finds what is to be masked in lines that are there whole.
//!
//! The words of the table are searched ([`super::words`]); only where one stands is a rule tried, by two lazy DFAs
//! that never go back, made when they are first wanted: what must stand before the secret, then the secret. So
//! ordinary text costs a search, and the worst text a bounded number of passes over each word.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::checks::{Check, account, back, dumped, expression};
use super::known::{self, Known};
use super::own::Own;
use super::rules::{At, Before, PRIVATE_KEY, RULES, Rule, Set};
use super::words::{Hit, Words};
use super::{context, marks, numbers};

/// A secret's place: `start..end` is replaced by a mark of `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: &'static str,
    /// It continues a secret that has its mark already: dropped without another.
    pub silent: bool,
}

/// What was seen in lines before they are searched.
pub struct Seen<'a> {
    /// The words of rules, in order.
    pub words: &'a [Hit],
    /// Lines of no text, in order.
    pub binary: &'a [Range<usize>],
}

/// Whether a place is in one of these lines, which are in order.
pub fn is_in(lines: &[Range<usize>], place: usize) -> bool {
    lines.get(lines.partition_point(|lines| lines.end <= place)).is_some_and(|lines| lines.start <= place)
}

pub struct Scanner {
    rules: Vec<Compiled>,
    /// Made when there is text to search, once for all that have the same rules.
    words: &'static OnceLock<Words>,
    /// Rules that are tried wherever a number begins.
    numbers: Vec<usize>,
    known: Option<Arc<Known>>,
    own: Arc<Own>,
    hits: Vec<Hit>,
    /// What begins keys in lines of no text, of those that were seen last.
    headers: Vec<Span>,
}

impl Scanner {
    pub fn new(sets: &[Set], known: Option<Known>, own: Own) -> Self {
        static WORDS: [OnceLock<Words>; 1 << Set::ALL.len()] = [const { OnceLock::new() }; 1 << Set::ALL.len()];
        let which = (0..).zip(Set::ALL).filter(|(_, set)| sets.contains(set)).fold(0, |bits, (bit, _)| bits | 1 << bit);
        let rules = RULES.iter().filter(|rule| sets.contains(&rule.set));
        Scanner { own: Arc::new(own), ..Scanner::of(rules, &WORDS[which], known) }
    }

    fn of(
        rules: impl Iterator<Item = &'static Rule> + Clone,
        words: &'static OnceLock<Words>,
        known: Option<Known>,
    ) -> Self {
        Scanner {
            words,
            numbers: rules.clone().enumerate().filter(|(_, rule)| rule.words.is_empty()).map(|(n, _)| n).collect(),
            rules: rules.map(Compiled::new).collect(),
            known: known.map(Arc::new),
            own: Arc::default(),
            hits: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same for another stream: what was built is shared.
    pub fn again(&self) -> Scanner {
        Scanner {
            words: self.words,
            numbers: self.numbers.clone(),
            rules: self.rules.iter().map(|compiled| Compiled::new(compiled.rule)).collect(),
            known: self.known.clone(),
            own: Arc::clone(&self.own),
            hits: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub fn masks_nothing(&self) -> bool {
        self.rules.is_empty() && self.known.is_none() && self.own.is_empty()
    }

    pub fn own(&self) -> &Own {
        &self.own
    }

    /// The secrets that were granted, and where the earliest begins that the text's end may have cut, of which at
    /// least `least` characters are there.
    pub fn known(&self, text: &[u8], least: usize) -> (Vec<Span>, Option<usize>) {
        let mut spans = Vec::new();
        let open = self.known.as_ref().and_then(|known| known.spans(text, least, &mut spans));
        (spans, open)
    }

    /// The words of whole lines that stand `at` in a buffer: those of rules are added with their places in it, those of
    /// the context with their places in the lines.
    pub fn words(&self, lines: &[u8], at: usize, ours: &mut Vec<Hit>, told: &mut Vec<Hit>) {
        told.clear();
        let begin = ours.len();
        self.words.get_or_init(|| words_of(&self.rules)).each(lines, |hit| match hit.owner.checked_sub(TOLD) {
            Some(owner) => told.push(Hit { owner, ..hit }),
            None => ours.push(Hit { at: at + hit.at, ..hit }),
        });
        ours[begin..].sort_unstable();
        told.sort_unstable();
    }

    /// All secrets of the text, in order, apart from one another; `spans` are those that are known already. The text
    /// begins and ends at ends of lines, or is part of one line.
    pub fn spans(&mut self, text: &[u8], seen: Option<Seen<'_>>, mut spans: Vec<Span>) -> Vec<Span> {
        let mut others = Vec::new();
        let found = |_, span: Option<Span>, rule: &Rule| {
            if let Some(span) = span {
                let firm = rule.is_firm(span.end - span.start);
                if firm { spans.push(span) } else { others.push(span) }
            }
        };
        match &seen {
            Some(seen) => self.ruled(text, seen.words, found),
            None => self.searched(text, found),
        }
        self.own.spans(text, &mut others);
        match seen {
            Some(seen) => {
                let (binary, texts): (Vec<_>, Vec<_>) =
                    others.into_iter().partition(|span| is_in(seen.binary, span.start));
                self.headers = binary.into_iter().filter(|span| span.kind == PRIVATE_KEY).collect();
                spans.extend(texts);
            }
            None => spans.extend(others.into_iter().filter(|span| !in_binary(text, span))),
        }
        merge(spans)
    }

    pub fn headers(&self) -> &[Span] {
        &self.headers
    }

    /// Up to where an unfinished line can be given, no more of it being there yet; `open` is where a granted secret
    /// may have begun.
    pub fn safe(&mut self, line: &[u8], spans: &[Span], open: Option<usize>) -> usize {
        let mut safe = open.unwrap_or(line.len());
        if let Some(span) = spans.last().filter(|span| span.end == line.len()) {
            safe = safe.min(span.start);
        }
        let word =
            line.iter().rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'')).map_or(0, |at| at + 1);
        if word < line.len() {
            // A rule was tried in the last word, or what it wants before the secret reaches into that word.
            self.searched(line, |tried, _, _| {
                if tried >= word {
                    safe = safe.min(word);
                }
            });
        }
        safe
    }

    fn searched(&mut self, text: &[u8], found: impl FnMut(usize, Option<Span>, &Rule)) {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        if !self.rules.is_empty() {
            self.words(text, 0, &mut hits, &mut Vec::new());
        }
        self.ruled(text, &hits, found);
        self.hits = hits;
    }

    /// Tries rules wherever one of their words stands or a number begins. Tells `found` where the secret begins or would
    /// begin, the secret where there is one, and the rule.
    fn ruled(&mut self, text: &[u8], words: &[Hit], mut found: impl FnMut(usize, Option<Span>, &Rule)) {
        self.rules.iter_mut().for_each(|rule| rule.until = 0);
        let mut line = Line { text, end: 0 };
        for hit in words {
            self.rules[usize::from(hit.owner)].try_at(line.of(hit.at), hit.at, &mut found);
        }
        if !self.numbers.is_empty() {
            let mut line = Line { text, end: 0 };
            let rules = &mut self.rules;
            numbers::each(text, |at| {
                for index in &self.numbers {
                    rules[*index].try_at(line.of(at), at, &mut found);
                }
            });
        }
    }
}

/// A word of the context is told by its place in the context's own table, and this.
const TOLD: u16 = 1 << 15;

/// The words of the rules, each with the place of its rule, and those of the context.
fn words_of(rules: &[Compiled]) -> Words {
    let of = |(index, compiled): (u16, &Compiled)| compiled.rule.words.iter().map(move |word| (*word, index));
    Words::new((0..).zip(rules).flat_map(of).chain(context::words().map(|(word, index)| (word, index | TOLD))))
}

/// The text up to the end of the line in which a place is; places come in rising order.
struct Line<'a> {
    text: &'a [u8],
    end: usize,
}

impl<'a> Line<'a> {
    fn of(&mut self, at: usize) -> &'a [u8] {
        if at >= self.end {
            // `env -0` ends each line with NUL.
            self.end = memchr::memchr2(b'\n', 0, &self.text[at..]).map_or(self.text.len(), |n| at + n);
        }
        &self.text[..self.end]
    }
}

/// Whether the line of a find is of no text.
fn in_binary(text: &[u8], span: &Span) -> bool {
    let start = memchr::memrchr(b'\n', &text[..span.start]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &text[span.end..]).map_or(text.len(), |n| span.end + n);
    binary(&text[start..end])
}

/// Whether a text has any control that no terminal knows, which is what [`binary`] begins with.
pub fn controls(text: &[u8]) -> bool {
    // Without a way out of the inner loop it is done many bytes at once.
    text.chunks(4096).any(|part| part.iter().fold(false, |any, b| any | is_control(*b)))
}

fn is_control(b: u8) -> bool {
    b < 0x20 && !matches!(b, 0x07..=0x0d | 0x1b)
}

/// Whether a line is of no text: it has controls that no terminal knows, and bytes that are no UTF-8 or two NULs in a
/// row. A pack, an archive or an image has such lines throughout, and must come out as it is; NULs one by one divide
/// texts (`env -0`).
pub fn binary(line: &[u8]) -> bool {
    let other = |b: &u8| *b != 0 && is_control(*b);
    line.iter().any(|b| is_control(*b))
        && (std::str::from_utf8(line).is_err()
            || line.contains(&0) && (memchr::memmem::find(line, b"\0\0").is_some() || line.iter().any(other)))
}

/// Sorted, overlapping ones made one. It is of the kind of which a mark shows least: a granted secret, or one whose form no
/// mark keeps.
pub fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last_mut() {
            Some(last) if span.start < last.end => {
                last.end = last.end.max(span.end);
                if span.kind == known::KIND || marks::keeps_form(last.kind) && !marks::keeps_form(span.kind) {
                    last.kind = span.kind;
                }
            }
            _ => out.push(span),
        }
    }
    out
}

/// A rule with its automata, made when it is first tried.
struct Compiled {
    rule: &'static Rule,
    before: OnceCell<Option<Box<Automaton>>>,
    secret: OnceCell<Option<Box<Automaton>>>,
    /// Where the last secret ended: triggers inside of it are not tried again.
    until: usize,
}

impl Compiled {
    fn new(rule: &'static Rule) -> Self {
        Compiled { rule, before: OnceCell::new(), secret: OnceCell::new(), until: 0 }
    }

    /// `line` ends where the line does.
    fn try_at(&mut self, line: &[u8], trigger: usize, found: &mut impl FnMut(usize, Option<Span>, &Rule)) {
        let begin = match self.rule.at {
            At::Trigger => trigger,
            At::Word => back(line, trigger),
            At::Back(n) => trigger.saturating_sub(n),
        };
        if trigger < self.until || !self.may_begin(line, begin) {
            return;
        }
        let tried = match self.rule.at {
            At::Word | At::Back(_) => Some(begin),
            At::Trigger if self.rule.before.is_empty() => Some(trigger),
            At::Trigger => run(&mut self.before, self.rule.before, line, trigger),
        };
        if let Some(at) = tried {
            let span = self.secret(line, at);
            found(at, span, self.rule);
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
        // A part of a path, `/users/eve@example.com/roles`, is no account of a machine.
        let part = self.rule.check == Check::Mailbox && text[..at].ends_with(b"/") && !text[..at].ends_with(b"//");
        let after = if part { b"" } else { &text[end..] };
        let end = self.rule.check.holds(&text[at..end], after).then_some(end)?;
        let named = !self.rule.before.is_empty() && matches!(self.rule.check, Check::Real | Check::Random);
        if named && expression(text, at)
            || self.rule.check == Check::Card && dumped(text, at, end)
            || self.rule.check == Check::Mailbox && account(text, at)
        {
            return None;
        }
        let sign = matches!(self.rule.check, Check::Userinfo | Check::Usertoken) && text[at..end].ends_with(b"@");
        let end = end - usize::from(sign);
        self.until = end;
        Some(Span { start: at, end, kind: self.rule.kind, silent: false })
    }
}

struct Automaton {
    dfa: DFA,
    cache: Cache,
}

/// Where the pattern ends when it begins at `at`.
fn run(cell: &mut OnceCell<Option<Box<Automaton>>>, pattern: &str, text: &[u8], at: usize) -> Option<usize> {
    cell.get_or_init(|| Automaton::new(pattern).map(Box::new));
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
    use super::super::rules::EXAMPLES;
    use super::*;

    #[test]
    fn every_pattern_of_the_table_can_be_built() {
        for rule in RULES {
            assert!(Automaton::new(rule.before).is_some(), "{}: {}", rule.kind, rule.before);
            assert!(Automaton::new(rule.secret).is_some(), "{}: {}", rule.kind, rule.secret);
            assert!(rule.words.iter().all(|t| *t == t.to_ascii_lowercase()), "{}: {:?}", rule.kind, rule.words);
            assert!(rule.kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.kind);
        }
    }

    /// What is masked, by the rule alone, between « and ».
    fn marked(rule: &'static Rule, text: &str) -> String {
        let mut out = Vec::new();
        let mut at = 0;
        let words = Box::leak(Box::default());
        for span in Scanner::of(std::iter::once(rule), words, None).spans(text.as_bytes(), None, Vec::new()) {
            out.extend_from_slice(&text.as_bytes()[at..span.start]);
            out.extend("«".bytes().chain(text.as_bytes()[span.start..span.end].iter().copied()).chain("»".bytes()));
            at = span.end;
        }
        out.extend_from_slice(&text.as_bytes()[at..]);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_example_of_the_table_is_masked_or_stays_as_it_says() {
        assert_eq!(RULES.len(), EXAMPLES.len());
        for (rule, (yes, no)) in RULES.iter().zip(EXAMPLES) {
            for text in *yes {
                assert!(text.contains('«'), "{}: {text}: marks nothing", rule.kind);
                assert_eq!(&marked(rule, &text.replace(['«', '»'], "")), text, "{}", rule.kind);
            }
            for text in *no {
                assert_eq!(&marked(rule, text), text, "{}", rule.kind);
            }
        }
    }
}
