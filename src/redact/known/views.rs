//! A text as it reads when what an encoder, an editor or a terminal did to it is undone; each byte knows its place in
//! the text that it was made from.
//!
//! Blanks and control characters are left out of every view (and of the secrets that are searched in it), so that it
//! does not matter how a value was wrapped, indented or spaced.

use super::grams::PADDING;
use super::pairs::Pairs;
use crate::vectors::{BEHIND, squeeze, stays};

/// Bytes of the text between two marks of [`Places::Marks`].
const STRIDE: usize = 512;

pub struct View<'a> {
    /// The view and [`PADDING`].
    bytes: Vec<u8>,
    length: usize,
    places: Places<'a>,
    /// Where in the view an escape begins that its end cut.
    unfinished: Option<usize>,
    /// Its end is the text's.
    to_the_end: bool,
}

enum Places<'a> {
    /// How much of the view was there at each [`STRIDE`] bytes of the text.
    Marks(&'a [u8], Vec<usize>),
    /// Each byte's own.
    Each(Vec<(u32, u32)>),
}

/// What of a secret can be searched.
pub fn without_blanks(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| stays(*b)).collect()
}

impl<'a> View<'a> {
    pub fn without_blanks(text: &'a [u8]) -> View<'a> {
        let mut bytes = vec![0; text.len() + PADDING.max(BEHIND)];
        let mut marks = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut length = 0;
        for block in text.chunks(STRIDE) {
            marks.push(length);
            length += squeeze(block, &mut bytes[length..length + block.len() + BEHIND]);
        }
        bytes.truncate(length + PADDING);
        View { bytes, length, places: Places::Marks(text, marks), unfinished: None, to_the_end: true }
    }

    /// Without escape sequences (ECMA-48), and with backspaces carried out; `None` where the text has neither.
    pub fn as_shown(text: &[u8]) -> Option<View<'static>> {
        memchr::memchr2(0x1b, 0x08, text)?;
        let mut making = Making::default();
        let mut at = 0;
        let mut line = 0;
        while at < text.len() {
            match text[at] {
                0x1b => {
                    at = after_sequence(text, at);
                    continue;
                }
                // It does not go back behind the beginning of a line.
                0x08 => making.shorten(line),
                b'\n' => line = making.bytes.len(),
                // A blank may be taken back, too.
                b if stays(b) || b == b' ' => making.push(b, (at, at + 1)),
                _ => {}
            }
            at += 1;
        }
        let mut shown = Making::default();
        let kept = making.bytes.iter().zip(&making.places).filter(|(b, _)| stays(**b));
        kept.for_each(|(b, (start, end))| shown.push(*b, (*start as usize, *end as usize)));
        Some(shown.view(None, true))
    }

    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub fn padded(&self) -> &[u8] {
        &self.bytes
    }

    pub fn to_the_end(&self) -> bool {
        self.to_the_end
    }

    pub fn unfinished(&self) -> Option<usize> {
        self.unfinished
    }

    /// Where a byte of the view begins and ends in the text.
    pub fn place(&self, at: usize) -> (usize, usize) {
        match &self.places {
            Places::Each(places) => {
                places.get(at).or(places.last()).map_or((0, 0), |(start, end)| (*start as usize, *end as usize))
            }
            Places::Marks(text, marks) => {
                let block = marks.partition_point(|mark| *mark <= at).saturating_sub(1);
                let skip = at - marks.get(block).copied().unwrap_or_default();
                let from = block * STRIDE;
                let found = text.iter().enumerate().skip(from).filter(|(_, b)| stays(**b)).nth(skip);
                found.map_or((text.len(), text.len()), |(place, _)| (place, place + 1))
            }
        }
    }

    /// Calls `searched` with a view for each kind of escape that the view has, of its parts around those that may be of
    /// what has these pairs: `before` and `after` bytes of them.
    pub fn unescaped(&self, pairs: &Pairs, before: usize, after: usize, searched: &mut impl FnMut(&View<'_>)) {
        let quoted = if self.breaks_softly() { Kind::QuotedLines } else { Kind::Quoted };
        for kind in [Kind::Percent, Kind::Form, Kind::Backslash, Kind::Apostrophe, quoted, Kind::Entity] {
            let Some(view) = self.undo(kind, pairs, before, after) else { continue };
            searched(&view);
            if kind == Kind::Backslash {
                // A document in a string of another is escaped twice.
                if let Some(twice) = view.undo(kind, pairs, before, after) {
                    searched(&twice);
                }
            }
        }
    }

    /// Whether a line ends with `=`.
    fn breaks_softly(&self) -> bool {
        let Places::Marks(text, _) = &self.places else { return false };
        memchr::memmem::find(text, b"=\n").is_some() || memchr::memmem::find(text, b"=\r").is_some()
    }

    fn undo(&self, kind: Kind, pairs: &Pairs, before: usize, after: usize) -> Option<View<'static>> {
        let text = self.text();
        let mut next = kind.next(text, 0, pairs)?;
        let mut making = Making::default();
        let mut unfinished = None;
        let mut at = 0;
        let mut place = 0;
        loop {
            if next - at > before {
                at = next - before;
                place = self.place(at).0;
                // Between two parts stands what no needle has.
                making.push(b'\n', (place, place));
            }
            let mut end = next.saturating_add(after).min(text.len());
            while at < end {
                let first = self.place_behind(at, place);
                let undone = match kind {
                    // A blank that is escaped is in no view; its escape would take the next character.
                    Kind::Backslash if text[at] == b'\\' && self.blank_at(first.1) => Undone::As(Decoded::NOTHING, 1),
                    Kind::QuotedLines if text[at] == b'=' && self.line_ends_at(first.1) => {
                        Undone::As(Decoded::NOTHING, 1)
                    }
                    kind => kind.undo(&text[at..]),
                };
                let length = if let Undone::As(_, length) = &undone { *length } else { 1 };
                let last = (1..length).fold(first, |last, n| self.place_behind(at + n, last.1));
                place = last.1;
                match undone {
                    Undone::Plain => making.push(text[at], first),
                    Undone::Unfinished => {
                        unfinished.get_or_insert(making.bytes.len());
                        making.push(text[at], first);
                    }
                    Undone::As(decoded, _) => {
                        if kind.may_be_of(pairs, text, at) {
                            end = end.max(at.saturating_add(after).min(text.len()));
                        }
                        let kept = decoded.as_slice().iter().filter(|b| stays(**b));
                        kept.for_each(|b| making.push(*b, (first.0, last.1)));
                    }
                }
                at += length;
            }
            match kind.next(text, at, pairs) {
                Some(found) => next = found,
                None => return Some(making.view(unfinished, at == text.len() && self.to_the_end)),
            }
        }
    }

    fn blank_at(&self, place: usize) -> bool {
        matches!(&self.places, Places::Marks(text, _) if matches!(text.get(place), Some(b' ' | b'\t')))
    }

    fn line_ends_at(&self, place: usize) -> bool {
        matches!(&self.places, Places::Marks(text, _) if matches!(text.get(place), Some(b'\n' | b'\r')))
    }

    /// The same as [`View::place`] for a byte, where the one before it ends at `behind`.
    fn place_behind(&self, at: usize, behind: usize) -> (usize, usize) {
        match &self.places {
            Places::Each(_) => self.place(at),
            Places::Marks(text, _) => {
                let place = behind + text[behind..].iter().take_while(|b| !stays(**b)).count();
                (place, place + 1)
            }
        }
    }
}

#[derive(Default)]
struct Making {
    bytes: Vec<u8>,
    places: Vec<(u32, u32)>,
}

impl Making {
    fn push(&mut self, b: u8, (start, end): (usize, usize)) {
        self.bytes.push(b);
        // A text is a window, far shorter than 4 GiB.
        self.places.push((start as u32, end as u32));
    }

    fn shorten(&mut self, floor: usize) {
        if self.bytes.len() > floor {
            self.bytes.pop();
            self.places.pop();
        }
    }

    fn view(mut self, unfinished: Option<usize>, to_the_end: bool) -> View<'static> {
        let length = self.bytes.len();
        self.bytes.resize(length + PADDING, 0);
        View { bytes: self.bytes, length, places: Places::Each(self.places), unfinished, to_the_end }
    }
}

/// Where an escape sequence ends: CSI by its final byte, a string (OSC, DCS and so on) by its terminator.
fn after_sequence(text: &[u8], at: usize) -> usize {
    let rest = &text[at + 1..];
    let length = match rest.first() {
        None => 0,
        Some(b'[') => {
            let parameters = rest[1..].iter().take_while(|b| (0x20..0x40).contains(*b)).count();
            1 + parameters + usize::from(rest.get(1 + parameters).is_some_and(|b| (0x40..0x7f).contains(b)))
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            rest.iter().position(|b| matches!(b, 0x07 | 0x1b | b'\n')).map_or(rest.len(), |n| n + 1)
        }
        Some(b'(' | b')' | b'*' | b'+' | b'#' | b' ') => 2,
        Some(_) => 1,
    };
    (at + 1 + length).min(text.len())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// RFC 3986 section 2.1.
    Percent,
    /// The same, and a space is `+` (application/x-www-form-urlencoded).
    Form,
    /// JSON (RFC 8259 section 7), C, and what a shell's quoting adds.
    Backslash,
    /// A quote in a shell's single quotes, where a backslash is none (POSIX shell, 2.2.2).
    Apostrophe,
    /// Quoted-printable (RFC 2045 section 6.7).
    Quoted,
    /// The same where lines end with `=`, which is of the break and not of the text.
    QuotedLines,
    /// HTML and XML.
    Entity,
}

enum Undone {
    Plain,
    /// As this, so many bytes of the view.
    As(Decoded, usize),
    /// An escape that goes on behind the end.
    Unfinished,
}

#[derive(Clone, Copy)]
struct Decoded([u8; 4], usize);

impl Decoded {
    const NOTHING: Decoded = Decoded([0; 4], 0);

    fn byte(b: u8) -> Decoded {
        Decoded([b, 0, 0, 0], 1)
    }

    fn character(code: u32) -> Option<Decoded> {
        let mut bytes = [0; 4];
        let length = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Decoded(bytes, length))
    }

    fn as_slice(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

impl Kind {
    /// What escapes begin with.
    fn marks(self) -> [u8; 2] {
        match self {
            Kind::Percent | Kind::Form => *b"%%",
            Kind::Backslash => *b"\\'",
            Kind::Apostrophe => *b"''",
            Kind::Quoted | Kind::QuotedLines => *b"==",
            Kind::Entity => *b"&&",
        }
    }

    /// Where the next escape begins that may be of what has these pairs.
    fn next(self, text: &[u8], from: usize, pairs: &Pairs) -> Option<usize> {
        let rest = text.get(from..)?;
        let may_be = |at: &usize| self.may_be_of(pairs, text, from + at);
        let at = match self.marks() {
            [mark, other] if mark == other => memchr::memchr_iter(mark, rest).find(may_be),
            [mark, other] => memchr::memchr2_iter(mark, other, rest).find(may_be),
        };
        at.map(|at| from + at)
    }

    /// Whether what is escaped at a place may be the first of a secret that is.
    fn may_be_of(self, pairs: &Pairs, text: &[u8], at: usize) -> bool {
        // Most of them are none.
        if let ([b'%' | b'=', a, b, ..], true) = (&text[at..], self != Kind::QuotedLines)
            && !(a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
        {
            return false;
        }
        let before = &text[at.saturating_sub(2)..at];
        // What another escape or the end hides may be anything.
        let after = |at: usize| {
            let plain = |n: usize| text.get(at + n).copied().filter(|b| !self.marks().contains(b) && *b != b'+');
            let next = plain(0);
            [next, next.and_then(|_| plain(1))]
        };
        // What is escaped may be a blank or the line's end, which are not in the view.
        if self == Kind::QuotedLines
            || self == Kind::Backslash && text[at] == b'\\' && pairs.meet(before, None, &after(at + 1))
        {
            return true;
        }
        match self.undo(&text[at..]) {
            Undone::Unfinished => true,
            Undone::Plain => false,
            Undone::As(decoded, length) => {
                let mut kept = decoded.as_slice().iter().copied().filter(|b| stays(*b));
                let inner = kept.next().map(|first| (first, kept.next_back().unwrap_or(first)));
                pairs.meet(before, inner, &after(at + length))
            }
        }
    }

    fn undo(self, text: &[u8]) -> Undone {
        match (self, text[0]) {
            (Kind::Percent | Kind::Form, b'%') => hexadecimal(&text[1..], 2, 1),
            (Kind::Form, b'+') => Undone::As(Decoded::NOTHING, 1),
            (Kind::Quoted | Kind::QuotedLines, b'=') => hexadecimal(&text[1..], 2, 1),
            (Kind::Backslash, b'\\') => backslash(text),
            (Kind::Backslash | Kind::Apostrophe, b'\'') if text.starts_with(b"'\\''") => {
                Undone::As(Decoded::byte(b'\''), 4)
            }
            (Kind::Backslash | Kind::Apostrophe, b'\'') if text.starts_with(b"'\"'\"'") => {
                Undone::As(Decoded::byte(b'\''), 5)
            }
            (Kind::Backslash | Kind::Apostrophe, b'\'')
                if b"'\"'\"'".starts_with(text) || b"'\\''".starts_with(text) =>
            {
                Undone::Unfinished
            }
            (Kind::Entity, b'&') => entity(text),
            _ => Undone::Plain,
        }
    }
}

/// `digits` hexadecimal digits behind an introduction of `intro` bytes.
fn hexadecimal(text: &[u8], digits: usize, intro: usize) -> Undone {
    let mut code = 0;
    for n in 0..digits {
        match text.get(n) {
            None => return Undone::Unfinished,
            Some(b) => match (*b as char).to_digit(16) {
                None => return Undone::Plain,
                Some(digit) => code = code * 16 + digit,
            },
        }
    }
    let decoded = if digits == 2 { Some(Decoded::byte(code as u8)) } else { Decoded::character(code) };
    decoded.map_or(Undone::Plain, |decoded| Undone::As(decoded, intro + digits))
}

fn backslash(text: &[u8]) -> Undone {
    let letter = match text.get(1) {
        None => return Undone::Unfinished,
        Some(letter) => *letter,
    };
    match letter {
        b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'a' | b'e' => Undone::As(Decoded::NOTHING, 2),
        b'x' => hexadecimal(&text[2..], 2, 2),
        b'u' => surrogates(text).unwrap_or_else(|| hexadecimal(&text[2..], 4, 2)),
        b'U' => hexadecimal(&text[2..], 8, 2),
        b'0'..=b'7' => {
            let digits = text[1..].iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let code = text[1..=digits].iter().fold(0u32, |code, b| code * 8 + u32::from(b - b'0'));
            Undone::As(Decoded::byte(code as u8), 1 + digits)
        }
        letter if letter.is_ascii_alphanumeric() => Undone::Plain,
        letter => Undone::As(Decoded::byte(letter), 2),
    }
}

/// A character beyond the first plane, as JSON writes it: two escapes.
fn surrogates(text: &[u8]) -> Option<Undone> {
    let unit = |at: usize| u32::from_str_radix(std::str::from_utf8(text.get(at..at + 4)?).ok()?, 16).ok();
    let high = unit(2).filter(|unit| (0xD800..0xDC00).contains(unit))?;
    if text.len() < 12 {
        return Some(Undone::Unfinished);
    }
    let low = unit(8).filter(|unit| text[6..8] == *b"\\u" && (0xDC00..0xE000).contains(unit))?;
    Some(Undone::As(Decoded::character(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?, 12))
}

fn entity(text: &[u8]) -> Undone {
    const NAMES: &[(&[u8], u8)] = &[(b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"quot", b'"'), (b"apos", b'\'')];
    let Some(end) = text.iter().take(10).position(|b| *b == b';') else {
        return if text.len() < 10 { Undone::Unfinished } else { Undone::Plain };
    };
    let name = &text[1..end];
    let number = |digits: &[u8], radix| u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
    let code = match name {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        name => NAMES.iter().find(|(known, _)| *known == name).map(|(_, b)| u32::from(*b)),
    };
    code.and_then(Decoded::character).map_or(Undone::Plain, |decoded| Undone::As(decoded, end + 1))
}
