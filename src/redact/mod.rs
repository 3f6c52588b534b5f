//! Raw bytes in, clean bytes out. Invariants: pure; linear in the input; the output does not depend on where the
//! input was cut into chunks; what is not masked comes out byte for byte; nothing is held but an unfinished line and
//! lines in which a granted secret may have begun, at most [`HELD`] bytes, and beside it what a terminal is told in them
//! ([`shown`], at most 16 KiB).
//!
//! A stream is cut at its own newlines, never at the reader's chunks. Whole lines are scanned together ([`scan`]) by
//! the table of [`rules`] and by the secrets of this very command in every form ([`known`]); secrets
//! that span lines or are named by a header are followed from line to line ([`keys`], [`context`]). A line without end is scanned in windows that overlap.
//!
//! A stream that pauses in the middle of a line (a prompt, a progress bar) must not wait for its newline:
//! [`Redactor::idle`] gives what is there up to a secret that may have begun. That is the one place where time
//! matters: a secret that is written in pieces with pauses may show the first few bytes that look like anything.

mod checks;
mod context;
mod give;
mod keys;
mod known;
mod marks;
mod numbers;
mod own;
mod paths;
mod rules;
mod scan;
mod shown;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Clean, Find, Masking, Raw, Secret};
use context::Context as Told;
use keys::Keys;
use marks::Marks;
use own::Own;
use scan::{Scanner, Seen, Span};
use shown::Sequences;
use words::Hit;

pub use marks::{MarkKey, kinds};
pub use rules::Set;

/// The most that is held back, in bytes: the window in which a secret of one line is found whole.
pub const HELD: usize = 64 << 10;

/// How far windows of one long line overlap.
const OVERLAP: usize = 16 << 10;

/// How much of a line that is already given is kept, so that `password=` before a pause still counts.
const CONTEXT: usize = 512;

/// How much of a granted secret must be there for it to be held back in a pause.
const BEGUN: usize = 4;

/// What is masked in one stream.
pub struct Settings<'a> {
    /// Names of mask sets: `secrets`, `pii`, `addresses`.
    pub sets: &'a [String],
    /// What was granted to this very command. Masked whatever the sets.
    pub secrets: &'a [&'a Secret],
}

/// The most finds that are kept for whoever asks ([`Redactor::found`]); past it they are only counted.
const FINDS: usize = 1 << 16;

/// Where something was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// As the mark says it: a rule's kind, or the id of an operator's rule.
    pub kind: &'static str,
    /// Its place in what went in, in bytes from the stream's beginning; the end exclusive.
    pub start: u64,
    pub end: u64,
    /// Where its mark begins in what came out.
    pub at: u64,
}

/// Policy asks for a mask that this program does not have. Nothing may run without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no mask set is called {0:?}")]
pub struct UnknownSet(pub String);

/// Whether all of these mask sets are known.
pub fn known_sets<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<(), UnknownSet> {
    match names.into_iter().find(|name| Set::by_name(name).is_none()) {
        Some(name) => Err(UnknownSet(name.clone())),
        None => Ok(()),
    }
}

/// How many secrets of which kind were masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masked(BTreeMap<&'static str, u64>);

impl Masked {
    /// Kind and count, sorted by kind.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds another stream's counts.
    pub fn add(&mut self, other: &Masked) {
        other.counts().for_each(|(kind, count)| *self.0.entry(kind).or_default() += count);
    }

    /// As the wire and the record carry it.
    pub fn into_vec(self) -> Vec<(String, u64)> {
        self.0.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect()
    }
}

/// Every pattern of the table, what must stand before a secret included: for a search of the same by another program.
pub fn patterns() -> impl Iterator<Item = String> {
    rules::RULES.iter().map(|rule| format!("(?:{})(?:{})", rule.before, rule.secret))
}

/// One stream's redaction.
pub struct Redactor {
    scanner: Scanner,
    marks: Arc<Marks>,
    sets: Vec<Set>,
    /// What shows it moves nothing that stands to the right.
    terminal: bool,
    paths: paths::Reader,
    keys: Keys,
    told: Told,
    /// How much of the lines that are held the context has seen.
    seen: usize,
    /// The words of rules in so much of them.
    words: Vec<Hit>,
    /// Those of the context in the lines that it sees.
    telling: Vec<Hit>,
    /// What a terminal is told, taken out of the line.
    sequences: Sequences,
    /// An unfinished line, its first `given` bytes already out.
    line: Vec<u8>,
    given: usize,
    /// A secret was longer than a window: its remaining bytes are dropped as they come.
    swallow: bool,
    /// A set is masked, not only what was granted.
    by_rules: bool,
    masked: Masked,
    ended: bool,
    /// Where the held line begins in what went in, and how much has come out.
    base: u64,
    out: u64,
    /// `None`: nobody asks.
    found: Option<Vec<Found>>,
}

impl Redactor {
    pub fn new(settings: &Settings<'_>) -> Result<Redactor, UnknownSet> {
        Redactor::with(settings, &Masking::default())
    }

    /// With what operators add to the sets and how they want marks to look.
    pub fn with(settings: &Settings<'_>, masking: &Masking) -> Result<Redactor, UnknownSet> {
        known_sets(settings.sets.iter().chain(masking.rules.iter().map(|rule| &rule.set)))?;
        let sets: Vec<Set> = settings.sets.iter().filter_map(|name| Set::by_name(name)).collect();
        let listed = masking.rules.iter().filter_map(|rule| match &rule.find {
            Find::Literal(literal) => Some((literal.text(), own::intern(&rule.id))),
            Find::Pattern(_) | Find::Column(_) | Find::Path(_) => None,
        });
        let known = known::Known::new(settings.secrets, &listed.collect::<Vec<_>>());
        let own = Own::new(masking).ok_or_else(|| UnknownSet("a pattern that cannot be built".to_owned()))?;
        Ok(Redactor::over(Scanner::new(&sets, known, own), Arc::new(Marks::new(masking)), sets))
    }

    /// Another stream with the same settings; what was built for this one is shared.
    pub fn again(&self) -> Redactor {
        Redactor::over(self.scanner.again(), Arc::clone(&self.marks), self.sets.clone())
    }

    fn over(scanner: Scanner, marks: Arc<Marks>, sets: Vec<Set>) -> Redactor {
        let mut told = Told::new(sets.contains(&Set::Pii), sets.contains(&Set::Addresses));
        told.columns(&scanner.own().columns);
        Redactor {
            keys: Keys::default(),
            told,
            seen: 0,
            words: Vec::new(),
            telling: Vec::new(),
            by_rules: !sets.is_empty() || !scanner.own().columns.is_empty(),
            scanner,
            marks,
            sets,
            terminal: false,
            paths: paths::Reader::default(),
            sequences: Sequences::default(),
            line: Vec::new(),
            given: 0,
            swallow: false,
            masked: Masked::default(),
            ended: false,
            base: 0,
            out: 0,
            found: None,
        }
    }

    /// Marks get pseudonyms under this key.
    #[must_use]
    pub fn keyed(mut self, key: MarkKey) -> Redactor {
        if let Some(marks) = Arc::get_mut(&mut self.marks) {
            marks.keyed(key);
        }
        self
    }

    /// The stream is shown by a terminal: a mark is as wide as what it stands for.
    #[must_use]
    pub fn on_terminal(mut self) -> Redactor {
        self.terminal = true;
        self
    }

    /// Finds are kept for [`Redactor::found`].
    #[must_use]
    pub fn noting(mut self) -> Redactor {
        self.found = Some(Vec::new());
        self
    }

    /// What was masked since the last call, in order. The last one may still grow, so it is kept back until
    /// [`Redactor::end`].
    pub fn found(&mut self) -> Vec<Found> {
        let Some(found) = &mut self.found else { return Vec::new() };
        // A line that is dropped is told before what stands behind it.
        found.sort_by_key(|found| found.start);
        let ready = if self.ended { found.len() } else { found.len().saturating_sub(1) };
        found.drain(..ready).collect()
    }

    /// Takes a chunk and gives what is decided by now.
    pub fn push(&mut self, raw: Raw) -> Clean {
        let mut out = Vec::with_capacity(raw.0.len() + 64);
        if !self.by_rules && self.scanner.masks_nothing() {
            return Clean::after_redaction(raw.0);
        }
        let joined = (!self.sequences.partial.is_empty()).then(|| {
            let mut joined = std::mem::take(&mut self.sequences.partial);
            joined.extend_from_slice(&raw.0);
            joined
        });
        let mut rest = joined.as_deref().unwrap_or(&raw.0);
        while !rest.is_empty() {
            if self.swallow {
                rest = self.swallowed(rest);
                continue;
            }
            let before = self.line.len();
            let taken = self.sequences.take(rest, &mut self.line, HELD, self.given);
            rest = &rest[taken..];
            // An overstruck letter may have been taken back.
            let before = before.min(self.line.len());
            let full = self.line.len() == HELD;
            if let Some(newline) = memchr::memrchr(b'\n', &self.line[if full { 0 } else { before }..]) {
                let end = newline + 1 + if full { 0 } else { before };
                self.lines(end, Some(1), &mut out);
                if self.line.len() == HELD {
                    self.told.decide();
                    self.lines(end, None, &mut out);
                }
            } else if full {
                self.window(&mut out);
            }
        }
        Clean::after_redaction(out)
    }

    /// The stream pauses: gives what is held, but for a secret that may have begun.
    pub fn idle(&mut self) -> Clean {
        let mut out = Vec::new();
        if let Some(newline) = memchr::memrchr(b'\n', &self.line) {
            self.lines(newline + 1, Some(BEGUN), &mut out);
        }
        let waits = self.keys.inside() || self.told.inside() || self.told.may_be_row(&self.line);
        if !waits && memchr::memchr(b'\n', &self.line).is_none() {
            let end = self.line.len();
            let raw = self.sequences.raw(&self.line, end, true);
            let (known, open) = self.known(end, BEGUN, raw.as_ref());
            let mut spans = self.ruled(end, known, raw.as_ref());
            let safe = self.scanner.safe(&self.line, &spans, open).max(self.given);
            spans.retain(|span| span.end <= safe);
            self.give(safe, spans, &mut out);
            self.out += self.told_beside(self.given + 1, &mut out);
            self.forget(safe);
        }
        Clean::after_redaction(out)
    }

    /// Whether something is held back.
    pub fn holds(&self) -> bool {
        self.given < self.line.len() || self.sequences.hold()
    }

    /// The stream has ended: the rest, and what was masked in all.
    pub fn finish(mut self) -> (Clean, Masked) {
        (self.end(), self.masked)
    }

    /// The stream has ended: the rest.
    pub fn end(&mut self) -> Clean {
        let mut out = Vec::new();
        // A sequence that does not end is text.
        self.line.append(&mut self.sequences.partial);
        self.lines(self.line.len(), None, &mut out);
        self.out += self.told_beside(usize::MAX, &mut out);
        self.ended = true;
        Clean::after_redaction(out)
    }

    pub fn masked(&self) -> &Masked {
        &self.masked
    }

    /// Whole lines, up to `end`; but not a line in which a granted secret may have begun that goes on in the next ones,
    /// of which at least so many characters are there. `None`: there are no next ones, or no more can be held.
    fn lines(&mut self, end: usize, begun: Option<usize>, out: &mut Vec<u8>) {
        let end = self.decided(end, begun.is_some());
        let raw = self.sequences.raw(&self.line, end, begun.is_none());
        let (mut known, open) = self.known(end, begun.unwrap_or(usize::MAX), raw.as_ref());
        let line_of = |at: usize| memchr::memrchr(b'\n', &self.line[..at]).map_or(0, |newline| newline + 1);
        let mut end = end;
        if let Some(open) = open.filter(|_| begun.is_some()) {
            end = line_of(open);
            while let Some(span) = known.iter().find(|span| span.start < end && end < span.end) {
                end = line_of(span.start);
            }
            known.retain(|span| span.end <= end);
        }
        if end == 0 {
            return;
        }
        let raw = self.sequences.raw(&self.line, end, begun.is_none());
        let mut spans = self.ruled(end, known, raw.as_ref());
        let lines = &self.line[..end];
        if self.by_rules {
            self.keys.follow(lines, self.scanner.headers(), &mut spans);
            let told = self.told.take(end);
            if !told.is_empty() {
                spans.extend(told);
                spans = scan::merge(spans);
            }
            self.seen -= end;
            self.words.drain(..self.words.partition_point(|word| word.at < end));
            self.words.iter_mut().for_each(|word| word.at -= end);
        }
        if self.marks.drops_lines() {
            spans = self.without_lines(spans, end);
        }
        self.give(end, spans, out);
        self.gone(end);
        self.given = 0;
    }

    /// The known secrets of the text up to `end`, as it is shown and as it came; and where the earliest begins that goes
    /// on behind it, of which so many characters are there.
    fn known(&mut self, end: usize, least: usize, raw: Option<&shown::Raw>) -> (Vec<Span>, Option<usize>) {
        let (mut known, mut open) = self.scanner.known(&self.line[..end], least);
        if let Some(raw) = raw {
            let (more, opened) = self.scanner.known(&raw.bytes, least);
            self.hold(raw, more, &mut known);
            open = [open, opened.map(|at| self.sequences.hold_place(raw, at, false))].into_iter().flatten().min();
        }
        (known, open)
    }

    /// All that is masked in it, with what is known.
    fn ruled(&mut self, end: usize, known: Vec<Span>, raw: Option<&shown::Raw>) -> Vec<Span> {
        let words = &self.words[..self.words.partition_point(|word| word.at < end)];
        let seen = (0 < end && end <= self.seen).then_some(Seen { words, binary: self.told.binary() });
        let mut spans = self.scanner.spans(&self.line[..end], seen, known);
        if let Some(raw) = raw {
            let mut more = self.scanner.spans(&raw.bytes, None, Vec::new());
            if end <= self.seen {
                let binary = self.told.binary();
                more.retain(|span| !scan::is_in(binary, self.sequences.hold_place(raw, span.start, true)));
            }
            self.hold(raw, more, &mut spans);
            spans = scan::merge(spans);
        }
        spans
    }

    /// Adds what was found in the raw text and is not found in the shown one.
    fn hold(&mut self, raw: &shown::Raw, more: Vec<Span>, spans: &mut Vec<Span>) {
        for span in more {
            let start = self.sequences.hold_place(raw, span.start, true);
            let end = self.sequences.hold_place(raw, span.end, false);
            let covers = |other: &Span| other.start <= start && end <= other.end && start < end;
            if spans.iter().any(covers) {
                continue;
            }
            self.sequences.drop_cut(raw, &span);
            if start < end {
                spans.push(Span { start, end, ..span });
            }
        }
    }

    /// Shows the context the lines up to `end` that it has not seen. Gives the end of those about which no later line
    /// decides.
    fn decided(&mut self, end: usize, more: bool) -> usize {
        if !self.by_rules {
            return end;
        }
        if self.seen < end {
            let lines = &self.line[self.seen..end];
            self.scanner.words(lines, self.seen, &mut self.words, &mut self.telling);
            self.told.lines(lines, self.seen, &self.telling);
            self.seen = end;
        }
        let pending = self.told.pending().filter(|at| more && *at < end);
        pending.map_or(end, |at| memchr::memrchr(b'\n', &self.line[..at]).map_or(0, |newline| newline + 1))
    }

    /// A line that fills the window and has no end yet: all but the overlap is decided.
    fn window(&mut self, out: &mut Vec<u8>) {
        let end = self.line.len();
        let raw = self.sequences.raw(&self.line, end, false);
        let (known, _) = self.known(end, usize::MAX, raw.as_ref());
        let mut spans = self.ruled(end, known, raw.as_ref());
        let mut cut = self.line.len() - OVERLAP;
        if let Some(kind) = self.told.too_long(&self.line) {
            spans = vec![Span { start: self.given, end, kind, silent: false }];
        }
        if let Some(span) = spans.iter().find(|span| span.start < cut && cut < span.end) {
            if span.end < self.line.len() {
                cut = span.end;
            } else if span.start > CONTEXT {
                cut = span.start;
            } else {
                cut = span.end;
                self.swallow = true;
            }
        }
        spans.retain(|span| span.end <= cut);
        self.give(cut, spans, out);
        self.forget(cut);
    }
}

#[cfg(test)]
mod tests;
