//! What a stream gives: the text that is decided, marks in place of what is masked, and notes of where that was.

use super::marks::Stand;
use super::scan::{self, Span};
use super::{CONTEXT, FINDS, Found, Redactor, checks};
use crate::model::Style;

impl Redactor {
    /// Puts out the line up to `end`, masks in place of spans.
    pub(super) fn give(&mut self, end: usize, mut spans: Vec<Span>, out: &mut Vec<u8>) {
        let before = out.len();
        if let Some(fresh) = self.line.get(self.given..end).filter(|_| !self.scanner.own().paths.is_empty()) {
            let ruled = spans.len();
            self.paths.read(&self.scanner.own().paths, fresh, self.given, &mut spans);
            if spans.len() > ruled {
                spans = scan::merge(spans);
            }
        }
        for span in &spans {
            if span.end <= self.given {
                continue;
            }
            let start = span.start.max(self.given);
            self.sequences.copy(&self.line, self.given, start, out);
            // What is told right before a value stays before its mark.
            self.told_beside(start + 1, out);
            self.given = span.end;
            if span.silent {
                self.note_more(span);
                self.told_beside(span.end, out);
                continue;
            }
            self.note(span.kind, (start, span.end), self.out + (out.len() - before) as u64);
            let mark = self.marks.mark(span.kind, &self.line[start..span.end], self.stand(start, span));
            out.extend_from_slice(mark.text.as_bytes());
            self.given += mark.over;
            self.told_beside(self.given, out);
        }
        if self.given < end {
            self.sequences.copy(&self.line, self.given, end, out);
            self.given = end;
        }
        self.out += (out.len() - before) as u64;
    }

    /// Puts out what stands before `to` beside the text; gives how many bytes that are.
    pub(super) fn told_beside(&mut self, to: usize, out: &mut Vec<u8>) -> u64 {
        let before = out.len();
        self.sequences.copy_alone(to, out);
        (out.len() - before) as u64
    }

    /// Drops the rest of a secret without end; gives what is left of the bytes.
    pub(super) fn swallowed<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let end = rest.iter().position(|b| *b == 0x1b || checks::ends_token(*b)).unwrap_or(rest.len());
        let mut gone = end;
        if let Some(escape) = rest.get(end..).filter(|rest| rest.first() == Some(&0x1b)) {
            match self.sequences.pass(escape, self.line.len()) {
                None => return &[],
                Some(0) => gone += 1,
                Some(passed) => {
                    self.dropped(end);
                    return &escape[passed..];
                }
            }
        } else {
            self.swallow = end == rest.len();
        }
        self.dropped(gone);
        &rest[gone..]
    }

    fn dropped(&mut self, bytes: usize) {
        self.base += bytes as u64;
        if let Some(last) = self.found.as_mut().and_then(|found| found.last_mut()) {
            last.end += bytes as u64;
        }
    }

    /// So much of the held line is out and needed no more.
    pub(super) fn gone(&mut self, bytes: usize) {
        self.base += bytes as u64 + self.sequences.more(bytes, false);
        self.line.drain(..bytes);
        self.sequences.drain(bytes);
    }

    /// A place of the held line in what went in.
    fn place(&self, at: usize, begins: bool) -> u64 {
        self.base + at as u64 + self.sequences.more(at, begins)
    }

    /// How a value stands in its line.
    fn stand(&self, start: usize, span: &Span) -> Stand<'_> {
        let from = memchr::memrchr(b'\n', &self.line[..start]).map_or(0, |newline| newline + 1);
        let behind = &self.line[span.end..];
        let after = &behind[..memchr::memchr(b'\n', behind).unwrap_or(behind.len())];
        let after = after.strip_suffix(b"\r").unwrap_or(after);
        let whole = start == span.start && !self.swallow;
        Stand { before: &self.line[from..start], after, whole, fixed: self.terminal }
    }

    fn note(&mut self, kind: &'static str, (start, end): (usize, usize), at: u64) {
        *self.masked.0.entry(kind).or_default() += 1;
        if self.found.is_none() {
            return;
        }
        let places = (self.place(start, true), self.place(end, false));
        if let Some(found) = self.found.as_mut().filter(|found| found.len() < FINDS) {
            let (start, end) = places;
            found.push(Found { kind, start, end, at });
        }
    }

    /// A find goes on.
    fn note_more(&mut self, span: &Span) {
        if self.found.is_none() {
            return;
        }
        let (start, end) = (self.place(span.start, true), self.place(span.end, false));
        if let Some(last) = self.found.as_mut().and_then(|found| found.last_mut())
            && last.kind == span.kind
            // A line's end may lie between.
            && last.end <= start
            && start <= last.end + 2
        {
            last.end = end;
        }
    }

    /// Where a find's line is to be dropped, all of that line instead of the find; what was given of it stays.
    pub(super) fn without_lines(&mut self, spans: Vec<Span>, end: usize) -> Vec<Span> {
        let mut kept: Vec<Span> = Vec::new();
        let mut dropped = 0..0;
        for span in spans {
            if span.start >= dropped.end && !span.silent && self.marks.style(span.kind) == Style::DropLine {
                let from = memchr::memrchr(b'\n', &self.line[..span.start]).map_or(0, |newline| newline + 1);
                let behind = memchr::memchr(b'\n', &self.line[span.end..end]).map_or(end, |n| span.end + n + 1);
                dropped = from.max(self.given)..behind;
                // What was found before it in the same line goes too.
                while let Some(other) = kept.pop_if(|other| other.end > dropped.start) {
                    self.note(other.kind, (other.start, other.end), self.out);
                }
                kept.push(Span { start: dropped.start, end: dropped.end, kind: "", silent: true });
            }
            if span.start >= dropped.end {
                kept.push(span);
            } else if !span.silent {
                self.note(span.kind, (span.start, span.end), self.out);
            }
        }
        kept
    }

    /// Drops what is given, but for the context.
    pub(super) fn forget(&mut self, given: usize) {
        let drop = given.saturating_sub(CONTEXT);
        self.gone(drop);
        self.given = given - drop;
    }
}
