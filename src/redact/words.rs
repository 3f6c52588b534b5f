//! Where words stand in a text, told at the speed of the memory.
//!
//! A rule is tried only where one of its words stands, and a line read only where one tells. There are hundreds of them,
//! and most of any text is none. So of each word two pieces of three letters are taken, rare ones, one at an even and
//! one at an odd distance from its beginning: whichever way the word stands, one of them is at an even place of the
//! text. There three letters are looked up in a set of bits, each second byte; only where that says so the words that
//! have such a piece are compared.
//!
//! Most commands print a few lines. To make the set ready takes longer than to look for each word at each of their
//! letters, so the first kilobytes are searched so.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Letters of a piece.
const LONG: usize = 3;

/// Bytes that are searched letter by letter before the set is made: about what making it costs.
const FIRST: usize = 4096;

/// How many bits the set has, as a power of two: it is to stay in a processor's first cache.
const BITS: u32 = 17;

/// Bytes that are looked at in one step, and how many of them are read.
const STEP: usize = 16;
const READ: usize = STEP + LONG - 1;

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
}

impl Word {
    fn stands(&self, text: &[u8], at: usize) -> bool {
        text.get(at..at + self.text.len()).is_some_and(|there| there.eq_ignore_ascii_case(self.text))
    }
}

impl Words {
    /// Words in lower case, each with its owner.
    pub fn new(all: impl Iterator<Item = (&'static str, u16)>) -> Words {
        let mut all: Vec<_> =
            all.map(|(text, owner)| (text.as_bytes(), owner)).filter(|(text, _)| !text.is_empty()).collect();
        all.sort_unstable();
        let word = |same: &[(&'static [u8], u16)]| Word {
            text: same[0].0,
            owners: same.iter().map(|(_, owner)| *owner).collect(),
        };
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

/// What of a piece is known where it is looked up.
#[derive(Clone, Copy)]
enum Known {
    All,
    /// Its first two letters: the word ends with them.
    First,
    /// Its last two: the word begins with them.
    Last,
}

/// Pieces of all words.
struct Pieces {
    /// One bit for each hash of three letters at which words are to be looked for.
    bits: Box<[u32; 1 << (BITS - 5)]>,
    /// Places in `places`, one more than their own, by a hash of the piece.
    heads: Box<[u16; 1 << 10]>,
    places: Vec<Place>,
    /// Words of one letter.
    single: Vec<u16>,
}

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
            bits: Box::new([0; 1 << (BITS - 5)]),
            heads: Box::new([0; 1 << 10]),
            places: Vec::new(),
            single: Vec::new(),
        };
        for (index, word) in (0..).zip(words) {
            match word.text {
                [_] => pieces.single.push(index),
                text @ [_, _] => {
                    pieces.add(text, Known::First, index, 0);
                    pieces.add(text, Known::Last, index, -1);
                }
                text @ [a, b, c] => {
                    pieces.add(text, Known::All, index, 0);
                    if rarity(&[*a, *b]) > rarity(&[*b, *c]) {
                        pieces.add(&text[..2], Known::Last, index, -1);
                    } else {
                        pieces.add(&text[1..], Known::First, index, 1);
                    }
                }
                text => {
                    for parity in 0..2 {
                        let windows = text.windows(LONG).zip(0..).skip(parity).step_by(2);
                        if let Some((piece, offset)) = windows.max_by_key(|(piece, _)| rarity(piece)) {
                            pieces.add(piece, Known::All, index, offset);
                        }
                    }
                }
            }
        }
        pieces
    }

    fn add(&mut self, letters: &[u8], known: Known, word: u16, offset: i8) {
        let code = letters.iter().rev().fold(0, |all, b| all << 8 | u32::from(*b)) | 0x0020_2020;
        // As a letter is looked up.
        let any = |shift: u32| (0..=255_u32).filter(|b| b & 0x20 != 0).map(move |b| b << shift);
        let (piece, three): (u32, Vec<u32>) = match known {
            Known::All => (code, vec![code]),
            Known::First => (first(code), any(16).map(|b| code & 0xffff | b).collect()),
            Known::Last => (last(code << 8), any(0).map(|b| code << 8 | b).collect()),
        };
        for three in three {
            let bit = hash(three);
            self.bits[bit >> 5] |= 1 << (bit & 31);
        }
        let head = &mut self.heads[slot(piece)];
        self.places.push(Place { piece, word, offset, next: *head });
        *head = u16::try_from(self.places.len()).unwrap_or_default();
    }

    fn each(&self, words: &[Word], text: &[u8], found: &mut impl FnMut(usize, u16)) {
        let mut at = 0;
        while let Some(bytes) = text[at..].first_chunk::<READ>() {
            self.step(words, text, at, bytes, found);
            at += STEP;
        }
        // The end is shorter than what a step reads.
        let mut bytes = [0; STEP + READ];
        bytes[..text.len() - at].copy_from_slice(&text[at..]);
        for part in [0, STEP] {
            if let Some(bytes) = bytes[part..].first_chunk::<READ>() {
                self.step(words, text, at + part, bytes, found);
            }
        }
        for word in &self.single {
            let letter = words[usize::from(*word)].text[0];
            for at in memchr::memchr2_iter(letter, letter.to_ascii_uppercase(), text) {
                found(at, *word);
            }
        }
    }

    /// Looks at each second of the bytes, which stand `at` in the text.
    fn step(&self, words: &[Word], text: &[u8], at: usize, bytes: &[u8; READ], found: &mut impl FnMut(usize, u16)) {
        let [low, high] = [0, 8].map(|from| u64::from_le_bytes(std::array::from_fn(|n| bytes[from + n])));
        let last = u64::from(bytes[STEP]) | u64::from(bytes[STEP + 1]) << 8;
        let three =
            [low, low >> 16, low >> 32, low >> 48 | high << 16, high, high >> 16, high >> 32, high >> 48 | last << 16];
        let mut seen = 0_u32;
        for (n, three) in three.iter().enumerate() {
            let bit = hash(*three as u32 | 0x0020_2020);
            seen |= (self.bits[bit >> 5] >> (bit & 31) & 1) << n;
        }
        while seen != 0 {
            let n = seen.trailing_zeros() as usize;
            seen &= seen - 1;
            self.words_at(words, text, at + 2 * n, three[n] as u32 | 0x0020_2020, found);
        }
    }

    #[inline(never)]
    fn words_at(&self, words: &[Word], text: &[u8], at: usize, three: u32, found: &mut impl FnMut(usize, u16)) {
        let three = three & 0x00ff_ffff;
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

/// The two letters with which a piece begins, as a piece of their own.
fn first(three: u32) -> u32 {
    three & 0xffff | 1 << 24
}

fn last(three: u32) -> u32 {
    three & 0x00ff_ff00 | 1 << 25
}

/// Of the lower three bytes.
fn hash(three: u32) -> usize {
    (three.wrapping_mul(0x9E_3779 << 8) >> (32 - BITS)) as usize
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
