//! What a terminal is told beside the text: colours, titles' ends, moves of the cursor. It is taken out of the line
//! before anything is searched, so that a pattern sees the text as it is shown, and put back in its place, whole.
//!
//! A move of the cursor is a blank to the search: what stands on its two sides is apart. The overstriking of manual
//! pages (`c` backspace `c`) is one letter. Strings (OSC, DCS) stay in the text: a link may hold a secret.
//!
//! What is taken out ends with a letter, and whoever writes an escape before a secret could have its first one taken. So
//! the bytes are searched as they came as well ([`Sequences::raw`]); a sequence that cuts what is found there is dropped.

use std::collections::VecDeque;

use super::scan::Span;

const ESC: u8 = 0x1b;
const BACKSPACE: u8 = 0x08;

/// The longest sequence that is known as one, in bytes.
const LONGEST: usize = 64;

/// How many bytes of sequences are kept apart for one line; past it they stay in the text.
const APART: usize = 16 << 10;

/// What was taken out of the held text, in order.
#[derive(Default)]
pub struct Sequences {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// So many of the entries are out already.
    given: usize,
    /// The beginning of a sequence at the end of the last piece.
    pub partial: Vec<u8>,
}

struct Entry {
    /// Before which byte of the text.
    at: usize,
    bytes: Vec<u8>,
    /// That byte is a blank in its place.
    stands: bool,
    /// Part of it is of a secret: it does not come out.
    dropped: bool,
}

/// A text with what was taken out of it, as it came.
pub struct Raw {
    pub bytes: Vec<u8>,
    /// For each sequence, where it begins and ends in it.
    places: Vec<(usize, usize)>,
}

impl Raw {
    /// A place of it in the text that is held.
    fn held(&self, at: usize, begins: bool, entries: &VecDeque<Entry>) -> usize {
        let mut less = 0;
        for ((start, end), entry) in self.places.iter().zip(entries) {
            if at < *end {
                let behind = entry.at + usize::from(begins && entry.stands);
                return if at > *start { behind } else { at - less };
            }
            less += end - start - usize::from(entry.stands);
        }
        at - less
    }
}

enum Parsed {
    Sequence(usize, Kind),
    /// Goes on in the next piece.
    Unfinished,
    Text,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What is shown stays where it is.
    Still,
    Moves,
}

impl Sequences {
    /// Moves bytes to the end of the text, up to its length `most`; gives how many were taken. Bytes of the text before
    /// `given` are out already.
    pub fn take(&mut self, bytes: &[u8], text: &mut Vec<u8>, most: usize, given: usize) -> usize {
        let mut at = 0;
        while at < bytes.len() && text.len() < most {
            let rest = &bytes[at..(at + most - text.len()).min(bytes.len())];
            let Some(n) = memchr::memchr2(ESC, BACKSPACE, rest) else {
                text.extend_from_slice(rest);
                at += rest.len();
                continue;
            };
            text.extend_from_slice(&rest[..n]);
            at += n;
            match self.one(&bytes[at..], text, given) {
                Some(taken) => at += taken,
                None => {
                    self.partial = bytes[at..].to_vec();
                    return bytes.len();
                }
            }
        }
        at
    }

    /// Takes what begins with ESC or a backspace; `None` where the next piece decides.
    fn one(&mut self, bytes: &[u8], text: &mut Vec<u8>, given: usize) -> Option<usize> {
        let parsed = if bytes[0] == ESC { sequence(bytes) } else { overstruck(bytes, text) };
        match parsed {
            Parsed::Unfinished => return None,
            Parsed::Sequence(length, kind) if self.bytes + length <= APART => {
                if bytes[0] == BACKSPACE {
                    let behind = self.entries.back().is_none_or(|entry| entry.at < text.len());
                    if text.len() > given && behind {
                        let under = text.pop().unwrap_or_default();
                        self.push(text.len(), vec![under, BACKSPACE], false);
                        return Some(length);
                    }
                } else {
                    self.push(text.len(), bytes[..length].to_vec(), kind == Kind::Moves);
                    if kind == Kind::Moves {
                        text.push(b' ');
                    }
                    return Some(length);
                }
            }
            Parsed::Sequence(..) | Parsed::Text => {}
        }
        text.push(bytes[0]);
        Some(1)
    }

    fn push(&mut self, at: usize, bytes: Vec<u8>, stands: bool) {
        self.bytes += bytes.len();
        self.entries.push_back(Entry { at, bytes, stands, dropped: false });
    }

    /// While a secret without end is dropped: the sequence at the beginning of the bytes, kept for what comes. `None`
    /// where the next piece decides, 0 where there is none.
    pub fn pass(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        match sequence(bytes) {
            Parsed::Unfinished => {
                self.partial = bytes.to_vec();
                None
            }
            Parsed::Sequence(length, Kind::Still) if self.bytes + length <= APART => {
                self.push(at, bytes[..length].to_vec(), false);
                Some(length)
            }
            Parsed::Sequence(length, _) => Some(length),
            Parsed::Text => Some(0),
        }
    }

    pub fn hold(&self) -> bool {
        self.given < self.entries.len() || !self.partial.is_empty()
    }

    /// Copies the text `from..to` with what stands in it.
    pub fn copy(&mut self, text: &[u8], mut from: usize, to: usize, out: &mut Vec<u8>) {
        while let Some(entry) = self.entries.get(self.given).filter(|entry| entry.at < to) {
            let at = entry.at.max(from);
            out.extend_from_slice(&text[from..at]);
            if !entry.dropped {
                out.extend_from_slice(&entry.bytes);
            }
            from = at + usize::from(entry.stands && entry.at == at);
            self.given += 1;
        }
        out.extend_from_slice(text.get(from..to).unwrap_or_default());
    }

    /// Copies what stands before `to` and is not out, without the text: it is masked.
    pub fn copy_alone(&mut self, to: usize, out: &mut Vec<u8>) {
        while let Some(entry) = self.entries.get(self.given).filter(|entry| entry.at < to) {
            // What was written over is of the value, and a move would go astray beside a mark.
            if entry.bytes[0] == ESC && !entry.stands && !entry.dropped {
                out.extend_from_slice(&entry.bytes);
            }
            self.given += 1;
        }
    }

    /// The text up to `end` as it came, with what stands behind it where `last` says so; `None` where nothing was taken
    /// out of it.
    pub fn raw(&self, text: &[u8], end: usize, last: bool) -> Option<Raw> {
        let end_at = end + usize::from(last);
        self.entries.front().filter(|entry| entry.at < end_at)?;
        let mut raw = Raw { bytes: Vec::with_capacity(end + self.bytes), places: Vec::new() };
        let mut from = 0;
        for entry in self.entries.iter().take_while(|entry| entry.at < end_at) {
            raw.bytes.extend_from_slice(&text[from..entry.at]);
            let start = raw.bytes.len();
            raw.bytes.extend_from_slice(&entry.bytes);
            raw.places.push((start, raw.bytes.len()));
            from = entry.at + usize::from(entry.stands);
        }
        raw.bytes.extend_from_slice(text.get(from..end).unwrap_or_default());
        Some(raw)
    }

    /// Sequences that this part of the raw text cuts do not come out.
    pub fn drop_cut(&mut self, raw: &Raw, span: &Span) {
        for ((start, end), entry) in raw.places.iter().zip(&mut self.entries) {
            let touches = span.start < *end && *start < span.end;
            entry.dropped |= touches && (span.start > *start || span.end < *end);
        }
    }

    /// A place of the raw text in the held one.
    pub fn hold_place(&self, raw: &Raw, at: usize, begins: bool) -> usize {
        raw.held(at, begins, &self.entries)
    }

    /// How many bytes more than the text before `at` went in; with what stands right before it, where it `begins`
    /// there.
    pub fn more(&self, at: usize, begins: bool) -> u64 {
        let before = self.entries.iter().take_while(|entry| entry.at < at || begins && entry.at == at && !entry.stands);
        before.map(|entry| (entry.bytes.len() - usize::from(entry.stands)) as u64).sum()
    }

    /// So many bytes of the text are gone.
    pub fn drain(&mut self, gone: usize) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.at < gone) {
            self.bytes -= entry.bytes.len();
            self.given = self.given.saturating_sub(1);
        }
        self.entries.iter_mut().for_each(|entry| entry.at -= gone);
    }
}

/// ECMA-48: CSI with its parameters and final byte, and the short ones.
fn sequence(bytes: &[u8]) -> Parsed {
    match bytes.get(1) {
        None => Parsed::Unfinished,
        Some(b'[') => {
            let body = bytes[2..].iter().take(LONGEST).take_while(|b| (0x20..0x40).contains(*b)).count();
            match bytes.get(2 + body) {
                _ if body == LONGEST => Parsed::Text,
                None => Parsed::Unfinished,
                Some(b'A'..=b'H' | b'S' | b'T' | b'`' | b'a' | b'd'..=b'f' | b'u' | b'J' | b'I' | b'Z') => {
                    Parsed::Sequence(3 + body, Kind::Moves)
                }
                Some(0x40..0x7f) => Parsed::Sequence(3 + body, Kind::Still),
                Some(_) => Parsed::Text,
            }
        }
        Some(b'(' | b')' | b'*' | b'+' | b'#' | b'%') => match bytes.get(2) {
            None => Parsed::Unfinished,
            Some(0x30..0x7f) => Parsed::Sequence(3, Kind::Still),
            Some(_) => Parsed::Text,
        },
        Some(b'7' | b'=' | b'>' | b'c' | b'\\') => Parsed::Sequence(2, Kind::Still),
        Some(b'8' | b'D' | b'E' | b'M') => Parsed::Sequence(2, Kind::Moves),
        Some(_) => Parsed::Text,
    }
}

/// A letter that is written over itself, or over a line: bold and underlined, as nroff does it.
fn overstruck(bytes: &[u8], text: &[u8]) -> Parsed {
    match (text.last(), bytes.get(1)) {
        (Some(under), None) if under.is_ascii_graphic() => Parsed::Unfinished,
        (Some(under), Some(over)) if over.is_ascii_graphic() && (under == over || *under == b'_') => {
            Parsed::Sequence(1, Kind::Still)
        }
        _ => Parsed::Text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::{Masking, Raw};
    use crate::redact::{Found, Redactor, Settings};

    fn run(pieces: &[&[u8]], terminal: bool) -> (Vec<u8>, Vec<Found>) {
        let sets = ["secrets".to_owned(), "pii".to_owned()];
        let redactor = Redactor::with(&Settings { sets: &sets, secrets: &[] }, &Masking::default()).unwrap();
        let mut redactor = if terminal { redactor.on_terminal().noting() } else { redactor.noting() };
        let mut out = Vec::new();
        let mut found = Vec::new();
        for piece in pieces {
            out.extend(redactor.push(Raw(piece.to_vec())).into_vec());
            found.extend(redactor.found());
        }
        out.extend(redactor.end().into_vec());
        found.extend(redactor.found());
        (out, found)
    }

    fn shown(text: &str) -> String {
        String::from_utf8(run(&[text.as_bytes()], false).0).unwrap()
    }

    #[test]
    fn rules_see_through_colours_and_what_a_terminal_is_told_passes_whole() {
        for (text, expected) in [
            (
                "\x1b[1mpass\x1b[0mword=\x1b[31mhunter22\x1b[0m\n",
                "\x1b[1mpass\x1b[0mword=\x1b[31m[masked:password]\x1b[0m\n",
            ),
            ("to ada@\x1b[32mexample\x1b[m.com\x1b[K now\n", "to [masked:email]\x1b[32m\x1b[m\x1b[K now\n"),
            ("ghp_HLzhkobyPzf8nP6a\x1b[7mc75AZ7xqvKJjVj2kOPZK\x1b[27m.\n", "[masked:github-token]\x1b[7m\x1b[27m.\n"),
            (
                "p\x08pa\x08as\x08ss\x08sw\x08wo\x08or\x08rd\x08d=_\x08h_\x08unter22\n",
                "p\x08pa\x08as\x08ss\x08sw\x08wo\x08or\x08rd\x08d=[masked:password]\n",
            ),
            // A move divides.
            ("user\x1b[20Gada@example.com\x1b[40Gx\n", "user\x1b[20G[masked:email]\x1b[40Gx\n"),
            // A link is text.
            (
                "\x1b]8;;https://u:s3cr3t-pw9@h/\x1b\\here\x1b]8;;\x1b\\\n",
                "\x1b]8;;https://u:[masked:url-password]@h/\x1b\\here\x1b]8;;\x1b\\\n",
            ),
        ] {
            assert_eq!(shown(text).escape_debug().to_string(), expected.escape_debug().to_string());
        }
        // A table that is coloured is still one.
        let table = "\x1b[1mid,pw\x1b[0m\n1,\x1b[36mITx2qw!\x1b[0m\n";
        assert_eq!(shown(table), table.replace("ITx2qw!", "[masked:secret-column]"));
    }

    #[test]
    fn what_is_no_sequence_and_what_never_ends_passes_as_it_is() {
        for text in ["\x1b", "\x1b[", "a\x1b[1;", "\x1b[\u{e9}", "\x08\x08", "a\x08", "\x1b[12\n3", "\x1bPq#0;2\x1b\\"]
        {
            assert_eq!(shown(text), text);
        }
        let long = format!("{}\x1b[m", "\x1b[38;5;1m".repeat(9000));
        assert_eq!(shown(&long), long);
        let endless = format!("password={}\x1b[1m{}\x1b[0m end\n", "q7".repeat(60_000), "x8".repeat(60_000));
        assert_eq!(shown(&endless), "password=[masked:password]\x1b[1m\x1b[0m end\n");
    }

    #[test]
    fn no_escape_before_a_secret_takes_a_part_of_it_away() {
        for secret in ["Zq8vT3mKx0LrWb5Jd7Yp", "123456789012345", "mq8vT3mKx0LrWb5Jd7Yp"] {
            let known = crate::model::Secret::new(secret.as_bytes().to_vec());
            for before in ["\x1b", "\x1b[", "\x1b[31", "\x1b(", "\x1b%", "\x1b#", "a\x08", "_\x08", "\x1b]0;", "\x1bP"]
            {
                for after in ["", "m", "\n", " x\n", "\x1b[m\n", "G"] {
                    let text = format!("{before}{secret}{after}");
                    for cut in 0..text.len() {
                        let mut redactor = Redactor::new(&Settings { sets: &[], secrets: &[&known] }).unwrap();
                        let mut out = redactor.push(Raw(text.as_bytes()[..cut].to_vec())).into_vec();
                        out.extend(redactor.push(Raw(text.as_bytes()[cut..].to_vec())).into_vec());
                        out.extend(redactor.finish().0.into_vec());
                        let out = String::from_utf8(out).unwrap();
                        assert!(!out.contains(&secret[1..]), "{text:?} gave {out:?}");
                    }
                }
            }
        }
        for before in ["\x1b[", "\x1b("] {
            let out = shown(&format!("{before}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\n"));
            assert!(!out.contains("HLzhkoby"), "{out:?}");
        }
    }

    #[test]
    fn on_a_terminal_a_mark_is_as_wide_as_its_value() {
        let text = "web    password=hunter22   up\nab     bob@example.com     up\n";
        let (out, _) = run(&[text.as_bytes()], true);
        let out = String::from_utf8(out).unwrap();
        let ends: Vec<usize> = out.lines().map(|line| line.find(" up").unwrap()).collect();
        let were: Vec<usize> = text.lines().map(|line| line.find(" up").unwrap()).collect();
        assert_eq!(ends, were, "{out}");
        assert!(!out.contains("hunter22") && !out.contains("bob@"), "{out}");
    }

    fn pieces() -> impl Strategy<Value = String> {
        let known = vec![
            "\x1b[31m",
            "\x1b[0m",
            "\x1b",
            "\x1b[",
            "[1m",
            "\x1b[5G",
            "\x08",
            "a\x08a",
            "_\x08",
            "ada@example.com",
            "\n",
            " ",
            "password=",
            "hunter22",
            "x",
            "\r\n",
            "\r",
            "\x1b]0;t\x07",
            "\x1b(B",
            "m",
            "a,pw\n",
            "1,zz9y\n",
            "-----BEGIN EC PRIVATE KEY-----\n",
            "rPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV\n",
        ];
        proptest::collection::vec(proptest::sample::select(known), 0..24).prop_map(|all| all.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn where_the_stream_is_cut_changes_neither_text_nor_places(text in pieces(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6), terminal: bool) {
            let whole = run(&[text.as_bytes()], terminal);
            let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            prop_assert_eq!(&run(&single, terminal), &whole, "{:?}", text);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
            prop_assert_eq!(&run(&pieces, terminal), &whole, "{:?}", text);
            // The places are in the text, in order; its sequences are all there.
            let (out, found) = whole;
            let mut behind = 0;
            for one in &found {
                prop_assert!(behind <= one.start && one.start < one.end && one.end <= text.len() as u64, "{:?} {:?}", text, found);
                behind = one.end;
                prop_assert!(out.len() as u64 > one.at);
            }
            if found.is_empty() {
                prop_assert_eq!(out, text.as_bytes());
            } else {
                for sequence in ["\x1b[31m", "\x1b[0m", "\x1b(B"] {
                    let count = |text: &[u8]| memchr::memmem::find_iter(text, sequence).count();
                    prop_assert_eq!(count(&out), count(text.as_bytes()), "{:?} in {:?}", sequence, text);
                }
            }
        }
    }
}
