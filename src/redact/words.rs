//! Where words stand in a text, told at the speed of the memory.
//!
//! A rule is tried only where one of its words stands, and a line read only where one tells. There are hundreds of them,
//! and most of any text is none. So of each word two pieces of three letters are taken, rare ones, one at an even and
//! one at an odd distance from its beginning: whichever way the word stands, one of them is at an even place of the
//! text. There, at each second byte, three letters are looked up in a set of bits; where that says so, one more before or
//! behind; and only where that says so too, the words that have such a piece are compared.
//!
//! Most commands print a few lines. To make the set ready takes longer than to look for each word at each of their
//! letters, so the first kilobytes are searched so.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Letters of a piece.
const LONG: usize = 3;

/// Of four letters the first three.
const THREE: u32 = 0xff_ffff;

/// Bytes that are searched letter by letter before the set is made: about what making it costs.
const FIRST: usize = 4096;

/// Bytes that are looked at in one step, and how many of them are read.
const STEP: usize = 16;
const READ: usize = STEP + LONG - 1;

/// Bytes of a part that is looked at as a whole.
const PART: usize = 512;

/// What makes a letter the same in both its cases, and other signs too: so what is found is compared.
const ALIKE: u8 = 0x20;

/// Letters of a word that are compared at once, and what makes them all alike.
const HEAD: usize = 8;
const ALL_ALIKE: u64 = u64::from_le_bytes([ALIKE; HEAD]);

/// Letters by how often they stand in what tools print, the most usual first. Others are rarer.
const USUAL: &[u8] = b" etaoinsrldcpmuhg-./0123bfykw";

/// A word that stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub at: usize,
    /// Whose word it is.
    pub owner: u16,
}

pub struct Words {
    /// In the order of their letters.
    words: Vec<Word>,
    /// Where the words begin that begin with a letter; one more is the end.
    starts: [u16; 257],
    searched: AtomicUsize,
    set: OnceLock<Pieces>,
}

struct Word {
    text: &'static [u8],
    owners: Vec<u16>,
    /// Its first letters, as they are looked up, and which bits those are.
    head: u64,
    mask: u64,
}

impl Word {
    fn of(text: &'static [u8], owners: Vec<u16>) -> Word {
        let head = text.iter().take(HEAD).rev().fold(0, |all, b| all << 8 | u64::from(b | ALIKE));
        Word { text, owners, head, mask: u64::MAX >> (8 * (HEAD - text.len().min(HEAD))) }
    }

    #[inline]
    fn stands(&self, text: &[u8], at: usize) -> bool {
        let Some(behind) = text.get(at..) else { return false };
        let alike = |eight: &[u8; HEAD]| (u64::from_le_bytes(*eight) | ALL_ALIKE) & self.mask == self.head;
        behind.first_chunk().is_none_or(alike)
            && behind.get(..self.text.len()).is_some_and(|there| there.eq_ignore_ascii_case(self.text))
    }
}

impl Words {
    /// Words in lower case, each with its owner.
    pub fn new(all: impl Iterator<Item = (&'static str, u16)>) -> Words {
        let mut all: Vec<_> =
            all.map(|(text, owner)| (text.as_bytes(), owner)).filter(|(text, _)| !text.is_empty()).collect();
        all.sort_unstable();
        let word = |same: &[(_, u16)]| Word::of(same[0].0, same.iter().map(|(_, owner)| *owner).collect());
        let words: Vec<Word> = all.chunk_by(|a, b| a.0 == b.0).map(word).collect();
        let mut starts = [0; 257];
        for word in &words {
            starts[usize::from(word.text[0]) + 1] += 1;
        }
        for letter in 1..starts.len() {
            starts[letter] += starts[letter - 1];
        }
        Words { words, starts, searched: AtomicUsize::new(0), set: OnceLock::new() }
    }

    /// Calls `found` with all places of all words and their owners; a place may be told after one some bytes behind it.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(Hit)) {
        let mut tell = |at: usize, word: u16| {
            let owners = &self.words[usize::from(word)].owners;
            owners.iter().for_each(|owner| found(Hit { at, owner: *owner }));
        };
        match self.set.get() {
            Some(set) => set.each(&self.words, text, &mut tell),
            None if self.searched.fetch_add(text.len(), Ordering::Relaxed) + text.len() <= FIRST => {
                self.by_letters(text, &mut tell);
            }
            None => self.set.get_or_init(|| Pieces::of(&self.words)).each(&self.words, text, &mut tell),
        }
    }

    fn by_letters(&self, text: &[u8], found: &mut impl FnMut(usize, u16)) {
        for at in 0..text.len() {
            let letter = usize::from(text[at].to_ascii_lowercase());
            let next = text.get(at + 1).map(u8::to_ascii_lowercase);
            for index in self.starts[letter]..self.starts[letter + 1] {
                let word = &self.words[usize::from(index)];
                if word.text.get(1).is_none_or(|second| next == Some(*second)) && word.stands(text, at) {
                    found(at, index);
                }
            }
        }
    }
}

/// Pieces of all words.
struct Pieces {
    /// The three letters at which words are to be looked for.
    three: Bits<{ 1 << 12 }>,
    /// Those letters with one more, before or behind.
    four: Bits<{ 1 << 12 }>,
    /// Words of three letters, and those of two with any behind them.
    short: Bits<{ 1 << 10 }>,
    /// Places in `places`, one more than their own, by a hash of the piece.
    heads: Box<[u16; 1 << 10]>,
    places: Vec<Place>,
    /// Words of one letter, and those letters.
    single: Vec<(u8, u16)>,
}

/// A set of letters that may have more than were put in: a bit for each hash.
struct Bits<const N: usize>(Box<[u32; N]>);

/// A piece of a word.
struct Place {
    piece: u32,
    word: u16,
    /// How far it is from the word's beginning.
    offset: i8,
    /// Another with the same hash, as in `heads`.
    next: u16,
}

impl Pieces {
    fn of(words: &[Word]) -> Pieces {
        let mut pieces = Pieces {
            three: Bits(Box::new([0; _])),
            four: Bits(Box::new([0; _])),
            short: Bits(Box::new([0; _])),
            heads: Box::new([0; _]),
            places: Vec::new(),
            single: Vec::new(),
        };
        for (index, word) in (0..).zip(words) {
            match *word.text {
                [] => {}
                [a] => {
                    pieces.single.push((a, index));
                    if a.is_ascii_lowercase() {
                        pieces.single.push((a.to_ascii_uppercase(), index));
                    }
                }
                [a, b] => {
                    every().for_each(|c| pieces.short.set(letters(&[a, b, c])));
                    pieces.begins(a, b, index, 0);
                    pieces.ends(a, b, index, -1);
                }
                [a, b, c] => {
                    pieces.add([a, b, c], index, 0);
                    pieces.short.set(letters(&[a, b, c]));
                    if rarity(&[a, b]) > rarity(&[b, c]) {
                        pieces.ends(a, b, index, -1);
                    } else {
                        pieces.begins(b, c, index, 1);
                    }
                }
                ref text => {
                    for parity in 0..2 {
                        let windows = text.array_windows().zip(0_i8..).skip(parity).step_by(2);
                        if let Some((piece, offset)) = windows.max_by_key(|(piece, _)| rarity(*piece)) {
                            pieces.add(*piece, index, offset);
                            let begin = usize::from(offset.unsigned_abs()).min(text.len() - LONG - 1);
                            pieces.four.set(letters(&text[begin..=begin + LONG]));
                        }
                    }
                }
            }
        }
        pieces
    }

    /// Three letters of a word.
    fn add(&mut self, three: [u8; LONG], word: u16, offset: i8) {
        self.three.set(letters(&three) << 8);
        self.place(letters(&three), word, offset);
    }

    /// Two letters of a word, and any behind them.
    fn begins(&mut self, a: u8, b: u8, word: u16, offset: i8) {
        every().for_each(|c| self.three.set(letters(&[a, b, c]) << 8));
        self.place(first(letters(&[a, b])), word, offset);
    }

    /// Two letters of a word, and any before them.
    fn ends(&mut self, b: u8, c: u8, word: u16, offset: i8) {
        every().for_each(|a| self.three.set(letters(&[a, b, c]) << 8));
        self.place(last(letters(&[0, b, c])), word, offset);
    }

    fn place(&mut self, piece: u32, word: u16, offset: i8) {
        let head = &mut self.heads[slot(piece)];
        self.places.push(Place { piece, word, offset, next: *head });
        *head = u16::try_from(self.places.len()).unwrap_or_default();
    }

    fn each(&self, words: &[Word], text: &[u8], found: &mut impl FnMut(usize, u16)) {
        let mut part = Part::default();
        for at in (0..text.len()).step_by(PART) {
            part.fill(text, at);
            for near in 0..self.near(&mut part) {
                let near = usize::from(part.near[near]);
                self.words_at(words, text, at + near, letters(part.at::<LONG>(near + 1)), found);
            }
        }
        for pair in self.single.chunks(2) {
            let ((one, word), (other, otherwise)) = (pair[0], pair[pair.len() - 1]);
            for at in memchr::memchr2_iter(one, other, text) {
                found(at, if text[at] == one { word } else { otherwise });
            }
        }
    }

    /// Where words are to be looked for in a part. Few places are, and a branch for each of them would cost as much as all
    /// the rest: so they are noted, and then looked at again. Gives how many.
    fn near(&self, part: &mut Part) -> usize {
        let steps = part.length.div_ceil(STEP);
        for n in 0..steps {
            part.seen[n] = self.step(part.at(1 + n * STEP));
        }
        part.seen[steps..].fill(0);
        let mut count = 0;
        for (n, eight) in part.seen.as_chunks().0.iter().enumerate().take(steps.div_ceil(8)) {
            let mut seen = u64::from_le_bytes(*eight);
            while seen != 0 {
                let at = n * 8 * STEP + 2 * seen.trailing_zeros() as usize;
                seen &= seen - 1;
                let [before, rest @ ..]: &[u8; LONG + 2] = part.at(at);
                let behind = u32::from_le_bytes(*rest);
                let around = behind << 8 | u32::from(*before);
                let short = [behind & THREE, around & THREE, behind >> 8]
                    .into_iter()
                    .fold(0, |any, key| any | self.short.has(key));
                part.near[count] = at as u16;
                count += (short | self.four.has(behind) | self.four.has(around)) as usize;
            }
        }
        count
    }

    /// At which of each second of the bytes a word is to be looked for, as bits.
    fn step(&self, bytes: &[u8; READ]) -> u8 {
        let [low, high] = [0, STEP / 2].map(|from| u64::from_le_bytes(std::array::from_fn(|n| bytes[from + n])));
        let last = u64::from(u16::from_le_bytes([bytes[STEP], bytes[STEP + 1]]));
        let middle = low >> 48 | high << 16;
        let end = high >> 48 | last << 16;
        let three = [low, low >> 16, low >> 32, middle, high, high >> 16, high >> 32, end];
        let bits = (0..).zip(three).map(|(n, three)| self.three.has((three as u32) << 8) << n);
        bits.fold(0, |all, bit| all | bit as u8)
    }

    fn words_at(&self, words: &[Word], text: &[u8], at: usize, three: u32, found: &mut impl FnMut(usize, u16)) {
        for piece in [three, first(three), last(three)] {
            let mut next = self.heads[slot(piece)];
            while let Some(place) = self.places.get(usize::from(next).wrapping_sub(1)) {
                next = place.next;
                if place.piece == piece
                    && let Some(begin) = at.checked_add_signed(-isize::from(place.offset))
                    && words[usize::from(place.word)].stands(text, begin)
                {
                    found(begin, place.word);
                }
            }
        }
    }
}

/// A part of a text, its letters as they are looked up, and what was seen in it.
struct Part {
    /// The byte before it, the part, and as many behind it as are read.
    bytes: [u8; 1 + PART + READ],
    length: usize,
    seen: [u8; PART / STEP],
    near: [u16; PART / 2],
}

impl Default for Part {
    fn default() -> Part {
        Part { bytes: [0; _], length: 0, seen: [0; _], near: [0; _] }
    }
}

impl Part {
    fn fill(&mut self, text: &[u8], at: usize) {
        self.bytes[0] = at.checked_sub(1).map_or(ALIKE, |before| text[before] | ALIKE);
        self.length = PART.min(text.len() - at);
        let there = &text[at..text.len().min(at + PART + READ)];
        let (bytes, rest) = self.bytes[1..].split_at_mut(there.len());
        bytes.iter_mut().zip(there).for_each(|(to, b)| *to = b | ALIKE);
        rest.fill(ALIKE);
    }

    fn at<const N: usize>(&self, at: usize) -> &[u8; N] {
        self.bytes[at..].first_chunk().unwrap_or(&[0; N])
    }
}

impl<const N: usize> Bits<N> {
    fn bit(letters: u32) -> usize {
        (letters.wrapping_mul(0x9E37_79B1) >> (u32::BITS - (N * 32).ilog2())) as usize
    }

    fn has(&self, letters: u32) -> u32 {
        let bit = Self::bit(letters);
        self.0[bit / 32] >> (bit % 32) & 1
    }

    fn set(&mut self, letters: u32) {
        let bit = Self::bit(letters);
        self.0[bit / 32] |= 1 << (bit % 32);
    }
}

/// Every letter, as it is looked up, and what stands behind a text's end.
fn every() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|b| b & ALIKE != 0)
}

/// Up to four letters as one number, as they are looked up.
fn letters(letters: &[u8]) -> u32 {
    letters.iter().rev().fold(0, |all, b| all << 8 | u32::from(b | ALIKE))
}

/// The two letters with which a piece begins, as a piece of their own.
fn first(three: u32) -> u32 {
    three & 0xffff | 1 << 24
}

/// The two with which it ends.
fn last(three: u32) -> u32 {
    three & 0x00ff_ff00 | 1 << 25
}

fn slot(piece: u32) -> usize {
    (piece.wrapping_mul(0x9E37_79B1) >> 22) as usize
}

fn rarity(window: &[u8]) -> usize {
    window.iter().map(|b| USUAL.iter().position(|usual| usual == b).unwrap_or(USUAL.len())).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 13] = [
        "a",
        "ab",
        "k@",
        "token",
        "ghp_",
        "password",
        "pass",
        "word",
        "pwd",
        "[k]",
        "\u{e9}t\u{e9}",
        "-----begin",
        "{|}~",
    ];

    fn words() -> Words {
        Words::new(WORDS.iter().zip(0..).map(|(word, owner)| (*word, owner)).chain([("pass", 40)]))
    }

    fn all(words: &Words, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        words.each(text, |hit| hits.push(hit));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn letter_by_letter_the_same_words_are_found_as_by_pieces(
            text in proptest::collection::vec(prop_oneof![
                proptest::sample::select(WORDS.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
                proptest::sample::select(WORDS.to_vec()).prop_map(|word| word.to_uppercase().into_bytes()),
                proptest::collection::vec(any::<u8>(), 1..3),
            ], 0..40).prop_map(|parts| parts.concat()),
        ) {
            let words = words();
            let first = all(&words, &text);
            prop_assert!(words.set.get().is_none());
            all(&words, &[b'.'; FIRST + 1]);
            prop_assert!(words.set.get().is_some());
            prop_assert_eq!(&first, &all(&words, &text));
            // By the plainest search.
            let mut plain = Vec::new();
            for at in 0..text.len() {
                for (word, owner) in WORDS.iter().zip(0..).chain([(&"pass", 40)]) {
                    if text.get(at..at + word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word.as_bytes())) {
                        plain.push(Hit { at, owner });
                    }
                }
            }
            plain.sort_unstable();
            prop_assert_eq!(first, plain);
        }
    }
}
