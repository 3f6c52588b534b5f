//! Private keys in PEM (RFC 7468), line by line: from the beginning on, every line that can be of the key is dropped,
//! up to its end or, where the key is cut short, to the first line that cannot.

use super::rules::PRIVATE_KEY;
use super::scan::Span;

/// A key of more lines than this is none (RSA 16384 has 200).
const LINES: usize = 1000;

#[derive(Default)]
pub struct Keys {
    /// Lines of the key so far, and whether its last one was shorter than the others.
    inside: Option<(usize, bool)>,
    /// How far into its line the key began: a log writes as much before each of its lines.
    before: usize,
    /// It began in a line of no text, as it does in programs that know such keys: only a row right below it tells that it
    /// is one, and gets the mark.
    doubtful: bool,
}

impl Keys {
    /// Whether the last line may go on with a key.
    pub fn inside(&self) -> bool {
        self.inside.is_some()
    }

    /// Follows keys through whole lines; adds the spans of their lines to those that were found, in order. `headers`
    /// stand in lines of no text.
    pub fn follow(&mut self, lines: &[u8], headers: &[Span], spans: &mut Vec<Span>) {
        if !self.inside() && headers.is_empty() && !spans.iter().any(|span| span.kind == PRIVATE_KEY) {
            return;
        }
        let mut added = Vec::new();
        let mut start = 0;
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let end = start + line.len();
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if let Some(inside) = self.inside {
                let (left, dropped) = self.step(inside, text);
                if !std::mem::take(&mut self.doubtful) {
                    if dropped > 0 {
                        let dropped = if dropped == text.len() { line.len() } else { dropped };
                        added.push(Span { start, end: start + dropped, kind: PRIVATE_KEY, silent: true });
                    }
                    self.inside = left;
                } else if matches!(body(text), Some(Body::Full)) {
                    added.push(Span { start, end: start + text.len(), kind: PRIVATE_KEY, silent: false });
                    self.inside = left;
                } else {
                    self.inside = None;
                }
            } else if let Some(begin) = begins(&lines[..end], start, spans) {
                self.inside = Some((0, false));
                self.before = begin - start;
            } else if begins(&lines[..end], start, headers).is_some() {
                (self.inside, self.before, self.doubtful) = (Some((0, false)), 0, true);
            }
            start = end;
        }
        if !added.is_empty() {
            // What was found inside a line of the key goes with it; what goes on behind it keeps its own mark.
            for key in &added {
                let inside = |span: &Span| span.start < key.end && key.start < span.end;
                spans.retain(|span| !inside(span) || span.end > key.end);
                spans.iter_mut().filter(|span| inside(span)).for_each(|span| span.start = key.end);
            }
            spans.extend(added);
            spans.sort_by_key(|span| span.start);
        }
    }

    /// What a line inside a key leaves: the state after it, and how many of its bytes are the key's.
    fn step(&self, (count, short): (usize, bool), line: &[u8]) -> (Option<(usize, bool)>, usize) {
        const END: &[u8] = b"-----END ";
        if memchr::memmem::find(line, b"---- END SSH2 ").is_some_and(|at| !line[..at].ends_with(b"-")) {
            return (None, line.len());
        }
        if let Some(at) = memchr::memmem::find(line, END) {
            let close = memchr::memmem::find(&line[at + END.len()..], b"-----");
            let length = close.map_or(line.len(), |n| at + END.len() + n + 5);
            let rest = &line[length..];
            return (None, if rest.trim_ascii().is_empty() { line.len() } else { length });
        }
        if count >= LINES {
            return (None, 0);
        }
        let behind = line.get(self.before..).filter(|text| self.before > 0 && !text.is_empty());
        match body(line).or_else(|| body(behind?)) {
            Some(Body::Full) if !short => (Some((count + 1, false)), line.len()),
            Some(Body::Short) if !short => (Some((count + 1, true)), line.len()),
            Some(Body::Other) => (Some((count + 1, short)), line.len()),
            _ => (None, 0),
        }
    }
}

/// Where a key begins in the line `start..text.len()` that does not end in it.
fn begins(text: &[u8], start: usize, spans: &[Span]) -> Option<usize> {
    let end = text.len() - usize::from(text.ends_with(b"\n"));
    let open = |span: &&Span| {
        text[span.end..end].trim_ascii().is_empty()
            && memchr::memmem::find(&text[span.start..span.end], b"-----END ").is_none()
    };
    let of_line = spans.iter().filter(|span| span.kind == PRIVATE_KEY && span.start >= start && span.end <= end);
    of_line.filter(open).map(|span| span.start).next()
}

enum Body {
    /// A whole row of base64.
    Full,
    /// Base64, shorter: the last row.
    Short,
    /// A blank line, a header of an old encrypted key.
    Other,
}

/// Whether a line can be of a key; before it may stand what a diff, a quotation or a table puts there.
fn body(line: &[u8]) -> Option<Body> {
    let trimmed = line.trim_ascii();
    let text = match trimmed {
        [b'+' | b'-' | b'>' | b'|' | b'#' | b'*', rest @ ..]
            if rest.first().is_none_or(|b| b.is_ascii_whitespace()) =>
        {
            rest.trim_ascii()
        }
        [b'-' | b'>' | b'|' | b'#' | b'*', rest @ ..] => rest,
        text => text,
    };
    let text = text
        .strip_suffix(b"|")
        .or(text.strip_suffix(b"+"))
        .filter(|t| t.ends_with(b" "))
        .map_or(text, <[u8]>::trim_ascii);
    if text.is_empty() {
        return Some(Body::Other);
    }
    let header = [&b"Proc-Type:"[..], b"DEK-Info:", b"Version:", b"Comment:", b"Hash:"];
    if header.iter().any(|name| text.starts_with(name)) {
        return Some(Body::Other);
    }
    // RFC 9580's sum behind the last row.
    if text.len() == 5 && text.starts_with(b"=") {
        return Some(Body::Other);
    }
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    match text.len() {
        40..=200 if text.iter().all(base64) => Some(Body::Full),
        // OpenVPN's rows are of hexadecimal digits.
        32 if text.iter().all(u8::is_ascii_hexdigit) => Some(Body::Full),
        1..40 if text.iter().all(base64) => Some(Body::Short),
        _ => None,
    }
}
