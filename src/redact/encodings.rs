//! The secrets of this very command, in every form in which a tool usually shows one.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::scan::Span;
use crate::model::Secret;

/// Shorter ones would mask half of any text; an issuer gives none.
const SHORTEST: usize = 4;

/// The kind of a granted secret's mark.
const KIND: &str = "granted-secret";

pub struct Needles {
    automaton: AhoCorasick,
    forms: Vec<Form>,
}

struct Form {
    bytes: Zeroizing<Vec<u8>>,
    /// base64: the characters at its edges hold some of its bits, and padding may follow.
    ragged: bool,
}

impl Needles {
    /// `None` where there is no secret.
    pub fn new(secrets: &[&Secret]) -> Option<Self> {
        let mut forms = Vec::new();
        for secret in secrets {
            // A secret of several lines (a key) is known by each of its lines.
            for line in secret.expose().split(|b| matches!(b, b'\n' | b'\r')) {
                if line.len() >= SHORTEST {
                    add_forms(line, &mut forms);
                }
            }
        }
        if forms.is_empty() {
            return None;
        }
        forms.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        forms.dedup_by(|a, b| a.bytes == b.bytes);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms.iter().map(|form| &form.bytes[..]))
            .ok()?;
        Some(Needles { automaton, forms })
    }

    pub fn spans(&self, text: &[u8], out: &mut Vec<Span>) {
        for hit in self.automaton.find_iter(text) {
            let (mut start, mut end) = (hit.start(), hit.end());
            if self.forms[hit.pattern().as_usize()].ragged {
                let inside = |at: usize| text.get(at).is_some_and(|b| base64_letter(*b));
                start -= usize::from(start > 0 && inside(start - 1));
                end += usize::from(inside(end));
                end += text[end..].iter().take(2).take_while(|b| **b == b'=').count();
            }
            out.push(Span { start, end, kind: KIND, silent: false });
        }
    }

    /// How many bytes at the end of the line may be the beginning of a secret.
    pub fn begun(&self, line: &[u8]) -> usize {
        let begun = |form: &Form| {
            (SHORTEST.min(form.bytes.len() - 1)..form.bytes.len()).rev().find(|n| line.ends_with(&form.bytes[..*n]))
        };
        self.forms.iter().filter_map(begun).max().unwrap_or(0)
    }
}

fn base64_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

fn add_forms(secret: &[u8], forms: &mut Vec<Form>) {
    let mut add = |bytes: Vec<u8>, ragged: bool| forms.push(Form { bytes: Zeroizing::new(bytes), ragged });
    add(secret.to_vec(), false);
    for upper in [false, true] {
        add(hex(secret, upper), false);
        add(percent(secret, upper, false), false);
        add(percent(secret, upper, true), false);
    }
    add(json(secret, false), false);
    add(json(secret, true), false);
    for offset in 0..3 {
        add(base64_inside(secret, offset, false), true);
        add(base64_inside(secret, offset, true), true);
    }
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    bytes.iter().flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]).collect()
}

/// RFC 3986 section 2.3: all but the unreserved. `form`: a space is `+` (application/x-www-form-urlencoded).
fn percent(bytes: &[u8], upper: bool, form: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for b in bytes {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*b),
            b' ' if form => out.push(b'+'),
            b => {
                out.push(b'%');
                out.extend(hex(&[*b], upper));
            }
        }
    }
    out
}

/// Inside of a JSON string (RFC 8259 section 7); `more`: also what encoders for pages escape.
fn json(bytes: &[u8], more: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for b in bytes {
        match b {
            b'"' | b'\\' => out.extend([b'\\', *b]),
            b'\t' => out.extend(b"\\t"),
            b'/' if more => out.extend(b"\\/"),
            b'<' | b'>' | b'&' | b'\'' if more => out.extend(format!("\\u00{b:02x}").bytes()),
            b if *b < 0x20 => out.extend(format!("\\u00{b:02x}").bytes()),
            b => out.push(*b),
        }
    }
    out
}

/// What is the same in the base64 of any text in which the secret stands `offset` bytes (modulo 3) from its
/// beginning: the characters that hold no bit of its neighbours.
fn base64_inside(secret: &[u8], offset: usize, url: bool) -> Vec<u8> {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(secret);
    let encoded = if url { URL_SAFE_NO_PAD.encode(&padded) } else { STANDARD_NO_PAD.encode(&padded) };
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded.as_bytes()[first.min(last)..last].to_vec()
}
