//! Where words stand in a text, told at the speed of the memory.
//!
//! A rule is tried only where one of its words stands, and a line read only where one tells. There are hundreds of them,
//! too many for one vectorised search; so of each word four letters are taken, rare ones and such that serve several
//! words, and these are searched in a few passes (Teddy, by `aho-corasick`) over a copy of the text in lower case. What is
//! found is compared with the whole word.
//!
//! Most commands print a few lines. To make the passes ready takes longer than to look for each word at each of their
//! letters, so the first kilobytes are searched so.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input};
use memchr::memmem;

/// How many fragments one pass takes: Teddy has 16 buckets where the machine has AVX2, of four each.
const A_PASS: usize = 64;

/// Letters of a fragment.
const LONG: usize = 4;

/// Bytes that are searched letter by letter before passes are made: about what making them costs.
const FIRST: usize = 4096;

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
    passes: OnceLock<Vec<Pass>>,
}

struct Word {
    text: &'static [u8],
    owners: Vec<u16>,
}

struct Pass {
    search: Search,
    /// By fragment.
    owners: Vec<Owners>,
}

/// The words that have a fragment, and how far from their beginning.
type Owners = Vec<(u16, usize)>;

/// One vectorised search for a few texts.
pub enum Search {
    Teddy(packed::Searcher),
    /// Where the machine has no vectors that Teddy can use.
    Automaton(Box<AhoCorasick>),
    One(memmem::Finder<'static>),
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
        Words { words, starts, searched: AtomicUsize::new(0), passes: OnceLock::new() }
    }

    /// All places of all words, in order; `low` becomes the text in lower case.
    pub fn find(&self, text: &[u8], low: &mut Vec<u8>, hits: &mut Vec<Hit>) {
        self.each(text, low, |at, owner| hits.push(Hit { at, owner }));
        hits.sort_unstable();
        hits.dedup();
    }

    /// Calls `found` with all places of all words and their owners, pass by pass, in each of them nearly in order; a
    /// place may be told twice.
    pub fn each(&self, text: &[u8], low: &mut Vec<u8>, mut found: impl FnMut(usize, u16)) {
        low.clear();
        low.extend(text.iter().map(u8::to_ascii_lowercase));
        match self.passes.get() {
            Some(passes) => self.by_passes(passes, low, &mut found),
            None if self.searched.fetch_add(text.len(), Ordering::Relaxed) + text.len() <= FIRST => {
                self.by_letters(low, &mut found);
            }
            None => self.by_passes(self.passes.get_or_init(|| passes(&self.words)), low, &mut found),
        }
    }

    fn by_letters(&self, low: &[u8], found: &mut impl FnMut(usize, u16)) {
        for (at, letter) in low.iter().enumerate() {
            let letter = usize::from(*letter);
            for word in &self.words[usize::from(self.starts[letter])..usize::from(self.starts[letter + 1])] {
                if low.get(at + 1) == word.text.get(1) && low[at..].starts_with(word.text) || word.text.len() == 1 {
                    word.owners.iter().for_each(|owner| found(at, *owner));
                }
            }
        }
    }

    fn by_passes(&self, passes: &[Pass], low: &[u8], found: &mut impl FnMut(usize, u16)) {
        for pass in passes {
            let mut from = 0;
            while let Some((at, fragment)) = pass.search.next(low, from) {
                from = at + 1;
                for (word, offset) in &pass.owners[fragment] {
                    let word = &self.words[usize::from(*word)];
                    let Some(begin) = at.checked_sub(*offset) else { continue };
                    if low[begin..].starts_with(word.text) {
                        word.owners.iter().for_each(|owner| found(begin, *owner));
                    }
                }
            }
        }
    }
}

impl Search {
    /// Where the first of them stands from a place on, and which.
    pub fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Search::Teddy(searcher) => {
                let hit = searcher.find_in(text, aho_corasick::Span { start: from, end: text.len() })?;
                Some((hit.start(), hit.pattern().as_usize()))
            }
            Search::Automaton(automaton) => {
                let hit = automaton.find(Input::new(text).range(from..).anchored(Anchored::No))?;
                Some((hit.start(), hit.pattern().as_usize()))
            }
            Search::One(finder) => finder.find(&text[from..]).map(|at| (from + at, 0)),
        }
    }
}

/// Takes a fragment of each word, and packs the fragments.
fn passes(words: &[Word]) -> Vec<Pass> {
    let mut fragments: Vec<(&'static [u8], Owners)> = Vec::new();
    let mut places: HashMap<&'static [u8], usize> = HashMap::new();
    for (index, word) in words.iter().enumerate() {
        let width = word.text.len().min(LONG);
        let windows = || word.text.windows(width).enumerate();
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let shared = windows().find_map(|(offset, window)| places.get(window).map(|fragment| (*fragment, offset)));
        if let Some((fragment, offset)) = shared {
            fragments[fragment].1.push((index, offset));
        } else if let Some((offset, window)) = windows().max_by_key(|(_, window)| rarity(window)) {
            places.insert(window, fragments.len());
            fragments.push((window, vec![(index, offset)]));
        }
    }
    let mut passes = Vec::new();
    fragments.sort_by_key(|(fragment, _)| fragment.len());
    for alike in fragments.chunk_by(|a, b| a.0.len() == b.0.len()) {
        let most = if alike[0].0.len() > 2 { A_PASS } else { 1 };
        for some in alike.chunks(most) {
            let owners = some.iter().map(|(_, owners)| owners.clone()).collect();
            let texts: Vec<&[u8]> = some.iter().map(|(text, _)| *text).collect();
            passes.extend(Search::of(&texts).map(|search| Pass { search, owners }));
        }
    }
    passes
}

impl Search {
    pub fn of(texts: &[&'static [u8]]) -> Option<Search> {
        if let [text] = texts {
            return Some(Search::One(memmem::Finder::new(*text)));
        }
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        if let Some(teddy) = builder.extend(texts).build() {
            return Some(Search::Teddy(teddy));
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts).ok()?;
        Some(Search::Automaton(Box::new(automaton)))
    }
}

fn rarity(window: &[u8]) -> usize {
    window.iter().map(|b| USUAL.iter().position(|usual| usual == b).unwrap_or(USUAL.len())).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 9] = ["a", "ab", "token", "ghp_", "password", "pass", "word", "\u{e9}t\u{e9}", "-----begin"];

    fn words() -> Words {
        Words::new(WORDS.iter().zip(0..).map(|(word, owner)| (*word, owner)).chain([("pass", 40)]))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn letter_by_letter_the_same_words_are_found_as_in_passes(
            text in proptest::collection::vec(prop_oneof![
                proptest::sample::select(WORDS.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
                proptest::sample::select(WORDS.to_vec()).prop_map(|word| word.to_uppercase().into_bytes()),
                proptest::collection::vec(any::<u8>(), 1..3),
            ], 0..40).prop_map(|parts| parts.concat()),
        ) {
            let (words, mut low, mut first, mut later) = (words(), Vec::new(), Vec::new(), Vec::new());
            words.find(&text, &mut low, &mut first);
            prop_assert!(words.passes.get().is_none());
            words.find(&[b'.'; FIRST + 1], &mut low, &mut Vec::new());
            prop_assert!(words.passes.get().is_some());
            words.find(&text, &mut low, &mut later);
            prop_assert_eq!(first, later);
        }
    }
}
