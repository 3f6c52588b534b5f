//! Raw bytes in, clean bytes out. Invariants: pure; linear in the input; the output does not depend on where the
//! input was cut into chunks; what is not masked comes out byte for byte; nothing is held but an unfinished line and
//! lines in which a granted secret may have begun, at most [`HELD`] bytes.
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
mod keys;
mod known;
mod numbers;
mod rules;
mod scan;
mod words;

use std::collections::BTreeMap;

use crate::model::{Clean, Raw, Secret};
use context::Context as Told;
use keys::Keys;
use scan::{Scanner, Span};

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

/// Policy asks for a mask that this program does not have. Nothing may run without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no mask set is called {0:?}")]
pub struct UnknownSet(pub String);

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
    keys: Keys,
    told: Told,
    /// How much of the lines that are held the context has seen.
    seen: usize,
    /// An unfinished line, its first `given` bytes already out.
    line: Vec<u8>,
    given: usize,
    /// A secret was longer than a window: its remaining bytes are dropped as they come.
    swallow: bool,
    /// A set is masked, not only what was granted.
    by_rules: bool,
    masked: Masked,
}

impl Redactor {
    pub fn new(settings: &Settings<'_>) -> Result<Redactor, UnknownSet> {
        let mut sets = Vec::new();
        for name in settings.sets {
            sets.push(Set::by_name(name).ok_or_else(|| UnknownSet(name.clone()))?);
        }
        Ok(Redactor {
            scanner: Scanner::new(&sets, settings.secrets),
            keys: Keys::default(),
            told: Told::new(sets.contains(&Set::Pii), sets.contains(&Set::Addresses)),
            seen: 0,
            by_rules: !sets.is_empty(),
            line: Vec::new(),
            given: 0,
            swallow: false,
            masked: Masked::default(),
        })
    }

    /// Takes a chunk and gives what is decided by now.
    pub fn push(&mut self, raw: Raw) -> Clean {
        let mut out = Vec::with_capacity(raw.0.len() + 64);
        let mut rest = &raw.0[..];
        if !self.by_rules && self.scanner.masks_nothing() {
            return Clean::after_redaction(raw.0);
        }
        while !rest.is_empty() {
            if self.swallow {
                let end = rest.iter().position(|b| checks::ends_token(*b)).unwrap_or(rest.len());
                self.swallow = end == rest.len();
                rest = &rest[end..];
                continue;
            }
            let before = self.line.len();
            let (now, later) = rest.split_at(rest.len().min(HELD - before));
            self.line.extend_from_slice(now);
            rest = later;
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
        if !self.keys.inside() && !self.told.inside() && memchr::memchr(b'\n', &self.line).is_none() {
            let (known, open) = self.scanner.known(&self.line, BEGUN);
            let mut spans = self.scanner.spans(&self.line, known);
            let safe = self.scanner.safe(&self.line, &spans, open).max(self.given);
            spans.retain(|span| span.end <= safe);
            self.give(safe, &spans, &mut out);
            self.forget(safe);
        }
        Clean::after_redaction(out)
    }

    /// Whether something is held back.
    pub fn holds(&self) -> bool {
        self.given < self.line.len()
    }

    /// The stream has ended: the rest, and what was masked in all.
    pub fn finish(mut self) -> (Clean, Masked) {
        let mut out = Vec::new();
        self.lines(self.line.len(), None, &mut out);
        (Clean::after_redaction(out), self.masked)
    }

    pub fn masked(&self) -> &Masked {
        &self.masked
    }

    /// Whole lines, up to `end`; but not a line in which a granted secret may have begun that goes on in the next ones,
    /// of which at least so many characters are there. `None`: there are no next ones, or no more can be held.
    fn lines(&mut self, end: usize, begun: Option<usize>, out: &mut Vec<u8>) {
        let end = self.decided(end, begun.is_some());
        let (mut known, open) = self.scanner.known(&self.line[..end], begun.unwrap_or(usize::MAX));
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
        let lines = &self.line[..end];
        let mut spans = self.scanner.spans(lines, known);
        if self.by_rules {
            self.keys.follow(lines, &mut spans);
            let told = self.told.take(end);
            if !told.is_empty() {
                spans.extend(told);
                spans = scan::merge(spans);
            }
            self.seen -= end;
        }
        self.give(end, &spans, out);
        self.line.drain(..end);
        self.given = 0;
    }

    /// Shows the context the lines up to `end` that it has not seen. Gives the end of those about which no later line
    /// decides.
    fn decided(&mut self, end: usize, more: bool) -> usize {
        if !self.by_rules {
            return end;
        }
        if self.seen < end {
            self.told.lines(&self.line[self.seen..end], self.seen);
            self.seen = end;
        }
        let pending = self.told.pending().filter(|at| more && *at < end);
        pending.map_or(end, |at| memchr::memrchr(b'\n', &self.line[..at]).map_or(0, |newline| newline + 1))
    }

    /// A line that fills the window and has no end yet: all but the overlap is decided.
    fn window(&mut self, out: &mut Vec<u8>) {
        let (known, _) = self.scanner.known(&self.line, usize::MAX);
        let mut spans = self.scanner.spans(&self.line, known);
        let mut cut = self.line.len() - OVERLAP;
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
        self.give(cut, &spans, out);
        self.forget(cut);
    }

    /// Puts out the line up to `end`, masks in place of spans.
    fn give(&mut self, end: usize, spans: &[Span], out: &mut Vec<u8>) {
        for span in spans {
            if span.end <= self.given {
                continue;
            }
            out.extend_from_slice(&self.line[self.given..span.start.max(self.given)]);
            if !span.silent {
                out.extend_from_slice(format!("[masked:{}]", span.kind).as_bytes());
                *self.masked.0.entry(span.kind).or_default() += 1;
            }
            self.given = span.end;
        }
        out.extend_from_slice(self.line.get(self.given..end).unwrap_or_default());
        self.given = self.given.max(end);
    }

    /// Drops what is given, but for the context.
    fn forget(&mut self, given: usize) {
        let drop = given.saturating_sub(CONTEXT);
        self.line.drain(..drop);
        self.given = given - drop;
    }
}

#[cfg(test)]
mod tests;
