//! Where words stand in a text, told at the speed of the memory.
//!
//! A rule is tried only where one of its words stands, and a line read only where one tells. There are hundreds of them, too many for one vectorised search;
//! so of each word four letters are taken, rare ones and such that serve several words, and these are searched
//! in a few passes (Teddy, by `aho-corasick`) over a copy of the text in lower case. What is found is compared with
//! the whole word.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input};
use memchr::memmem;

/// How many fragments one pass takes: Teddy has 16 buckets where the machine has AVX2, of four each.
const A_PASS: usize = 64;

/// Letters of a fragment.
const LONG: usize = 4;

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
    passes: Vec<Pass>,
    words: Vec<Word>,
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

enum Search {
    Teddy(packed::Searcher),
    /// Where the machine has no vectors that Teddy can use.
    Automaton(Box<AhoCorasick>),
    One(memmem::Finder<'static>),
}

impl Words {
    /// Words in lower case, each with its owner.
    pub fn new(all: impl Iterator<Item = (&'static str, u16)>) -> Words {
        let mut words: Vec<Word> = Vec::new();
        for (text, owner) in all.map(|(text, owner)| (text.as_bytes(), owner)) {
            match words.iter_mut().find(|word| word.text == text) {
                Some(word) => word.owners.push(owner),
                None => words.push(Word { text, owners: vec![owner] }),
            }
        }
        let passes = passes(&words);
        Words { passes, words }
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
        for pass in &self.passes {
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
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
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
    for (index, word) in words.iter().enumerate() {
        let width = word.text.len().min(LONG);
        let windows = || word.text.windows(width).enumerate();
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        let shared = windows().find_map(|(offset, window)| {
            fragments.iter().position(|(fragment, _)| *fragment == window).map(|fragment| (fragment, offset))
        });
        if let Some((fragment, offset)) = shared {
            fragments[fragment].1.push((index, offset));
        } else if let Some((offset, window)) = windows().max_by_key(|(_, window)| rarity(window)) {
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
    fn of(texts: &[&'static [u8]]) -> Option<Search> {
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
