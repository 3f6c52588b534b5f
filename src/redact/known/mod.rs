//! The secrets of this very command, in whatever form a tool shows them: plain, in base64, hex, percent or quoted-printable
//! encoding, escaped for JSON, a shell or a page, wrapped, coloured, indented; and each beginning of one, from
//! [`PREFIX`] characters on.
//!
//! Forms are not listed but undone. The text is searched in [`views`]: without blanks and controls, then with each
//! kind of escape taken back. What cannot be undone without knowing where it began (base64 at three alignments, hex)
//! is written out, once for each secret. All of it is found by pieces of its beginning ([`grams`]), so that a thousand
//! secrets cost no more than one.

mod grams;
mod pairs;
mod views;

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use self::grams::Grams;
use self::pairs::Pairs;
use self::views::View;
use super::scan::Span;
use crate::model::Secret;

/// A beginning of a secret of so many bytes is masked like the whole.
const PREFIX: usize = 12;

/// Shorter ones would mask half of any text; an issuer gives none.
const SHORTEST: usize = 4;

/// The kind of a granted secret's mark.
pub const KIND: &str = "granted-secret";

/// Multiplies the hash of a beginning; any odd number of many bits does.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

pub struct Known {
    needles: Vec<Needle>,
    grams: Vec<Grams>,
    pairs: Pairs,
    /// Hashes of all beginnings that are too short to be masked.
    begun: HashSet<u64>,
    /// The longest of those.
    longest_begun: usize,
    /// The longest needle.
    longest: usize,
}

/// One form of one secret, without blanks and controls.
struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    /// How much of it must be there.
    least: usize,
    /// base64: the characters at its edges hold some of its bits, and padding may follow.
    ragged: bool,
    kind: &'static str,
}

impl Known {
    /// What was granted, and what operators list with the kinds of their rules. `None` where there is neither.
    pub fn new(secrets: &[&Secret], listed: &[(&str, &'static str)]) -> Option<Self> {
        let mut needles = Vec::new();
        let granted = secrets.iter().map(|secret| (secret.expose(), KIND));
        for (secret, kind) in granted.chain(listed.iter().map(|(text, kind)| (text.as_bytes(), *kind))) {
            add_forms(secret, kind, &mut needles);
            // One of several lines (a key) is known by each of them, too.
            let mut lines = secret.split(|b| matches!(b, b'\n' | b'\r')).filter(|line| !line.is_empty());
            if lines.clone().count() > 1 {
                lines.by_ref().for_each(|line| add_forms(line, kind, &mut needles));
            }
        }
        needles.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        needles.dedup_by(|a, b| a.bytes == b.bytes);
        let mut begun = HashSet::new();
        for needle in &needles {
            let mut hash = 0u64;
            for b in &needle.bytes[..needle.least - 1] {
                hash = hash.wrapping_mul(BASE).wrapping_add(u64::from(*b) + 1);
                begun.insert(hash);
            }
        }
        let longest = needles.iter().map(|needle| needle.bytes.len()).max()?;
        let longest_begun = needles.iter().map(|needle| needle.least - 1).max()?;
        let beginnings: Vec<&[u8]> = needles.iter().map(|needle| &needle.bytes[..needle.least]).collect();
        let grams = Grams::of(&beginnings);
        let pairs = Pairs::of(needles.iter().map(|needle| &needle.bytes[..]));
        Some(Known { grams, pairs, needles, begun, longest_begun, longest })
    }

    /// Adds the places of all secrets in the text. Gives where the earliest one begins that the text's end may have
    /// cut, of which at least `least` characters are there.
    pub fn spans(&self, text: &[u8], least: usize, out: &mut Vec<Span>) -> Option<usize> {
        let mut open: Option<usize> = None;
        let mut searched = |view: &View<'_>| {
            for at in [self.search(view, out), self.begins(view, least)].into_iter().flatten() {
                open = Some(open.map_or(at, |open| open.min(at)));
            }
        };
        let stripped = View::without_blanks(text);
        searched(&stripped);
        let shown = View::as_shown(text);
        for base in std::iter::once(&stripped).chain(&shown) {
            base.unescaped(&self.pairs, 6 * PREFIX, 6 * self.longest.max(PREFIX), &mut searched);
        }
        if let Some(shown) = &shown {
            searched(shown);
        }
        open
    }

    /// Secrets of which enough is there; gives where the earliest begins that goes on to the very end.
    fn search(&self, view: &View<'_>, out: &mut Vec<Span>) -> Option<usize> {
        let text = view.text();
        let mut open: Option<usize> = None;
        // Where the last find of a needle ended: what begins before that is part of it.
        let mut done: Vec<(u32, usize)> = Vec::new();
        for grams in &self.grams {
            grams.each(view.padded(), text.len(), |index, start| {
                let needle = &self.needles[index as usize];
                let done_until = done.iter().find(|(other, _)| *other == index).map_or(0, |(_, until)| *until);
                if start < done_until {
                    return;
                }
                let alike = text[start..].iter().zip(&needle.bytes[..]).take_while(|(a, b)| a == b).count();
                if alike < needle.least {
                    return;
                }
                done.retain(|(other, _)| *other != index);
                done.push((index, start + alike));
                if done.len() > 64 {
                    done.remove(0);
                }
                let mut span = start..start + alike;
                if needle.ragged {
                    ragged_edges(view, &mut span);
                }
                let (from, to) = (view.place(span.start).0, view.place(span.end - 1).1);
                // An escape that the end cut may be what follows.
                let ends = start + alike == text.len() || view.unfinished() == Some(start + alike);
                if ends && alike < needle.bytes.len() && view.to_the_end() {
                    open = Some(open.map_or(from, |open: usize| open.min(from)));
                }
                out.push(Span { start: from, end: to, kind: needle.kind, silent: false });
            });
        }
        open
    }

    /// Where the longest beginning of a secret begins with which the text ends, too short to be masked yet.
    fn begins(&self, view: &View<'_>, least: usize) -> Option<usize> {
        let begins = |text: &[u8]| {
            let (mut hash, mut power, mut found) = (0u64, 1u64, None);
            for (n, b) in text.iter().rev().take(self.longest_begun).enumerate() {
                hash = hash.wrapping_add((u64::from(*b) + 1).wrapping_mul(power));
                power = power.wrapping_mul(BASE);
                if n + 1 >= least && self.begun.contains(&hash) {
                    found = Some(text.len() - n - 1);
                }
            }
            found
        };
        if !view.to_the_end() {
            return None;
        }
        let text = view.text();
        let whole = begins(text).map(|at| view.place(at).0);
        // The text may end inside of an escape, which may itself be the beginning.
        let cut = view.unfinished().and_then(|cut| begins(&text[..cut]).or((least <= 1).then_some(cut)));
        let cut = cut.map(|at| view.place(at).0);
        [whole, cut].into_iter().flatten().min()
    }
}

/// Adds the characters beside it that stand right there, not in another line.
fn ragged_edges(view: &View<'_>, span: &mut std::ops::Range<usize>) {
    let text = view.text();
    let joined = |at: usize| view.place(at).1 == view.place(at + 1).0;
    if span.start > 0 && base64_letter(text[span.start - 1]) && joined(span.start - 1) {
        span.start -= 1;
    }
    if text.get(span.end).is_some_and(|b| base64_letter(*b)) && joined(span.end - 1) {
        span.end += 1;
    }
    for _ in 0..2 {
        if text.get(span.end) == Some(&b'=') && joined(span.end - 1) {
            span.end += 1;
        }
    }
}

fn base64_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

fn add_forms(secret: &[u8], kind: &'static str, needles: &mut Vec<Needle>) {
    let mut add = |bytes: Vec<u8>, least: usize, ragged: bool| {
        let bytes = Zeroizing::new(views::without_blanks(&Zeroizing::new(bytes)));
        if bytes.len() >= SHORTEST {
            let least = least.min(bytes.len());
            needles.push(Needle { bytes, least, ragged, kind });
        }
    };
    let beginning = views::without_blanks(&secret[..secret.len().min(PREFIX)]);
    add(secret.to_vec(), beginning.len().max(SHORTEST), false);
    if views::without_blanks(secret).len() < SHORTEST {
        return;
    }
    for upper in [false, true] {
        add(hex(secret, upper), 2 * PREFIX, false);
    }
    for offset in 0..3 {
        for url in [false, true] {
            let sure = (offset + PREFIX) * 8 / 6 - (offset * 8).div_ceil(6);
            add(base64_inside(secret, offset, url), sure, true);
        }
    }
}

fn hex(bytes: &[u8], upper: bool) -> Vec<u8> {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    bytes.iter().flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]).collect()
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

#[cfg(test)]
mod tests;
