//! Finds many beginnings at once, in time that does not grow with their number.
//!
//! All pieces of [`Grams::width`] bytes of each beginning are in a table. A text is looked at in steps so wide that
//! no beginning fits between two of them; a filter of bits tells nearly always that nothing stands there.

use std::collections::HashMap;

/// What must follow a text, so that a piece at its very end can be read at once.
pub const PADDING: usize = 8;

pub struct Grams {
    width: usize,
    step: usize,
    /// One bit for each hash that some piece has.
    filter: Vec<u64>,
    shift: u32,
    /// Piece -> the beginnings that have it, and how far from their first byte.
    places: HashMap<u64, Vec<(u32, usize)>>,
}

impl Grams {
    /// Long beginnings, and short ones that need smaller steps, apart.
    pub fn of(beginnings: &[&[u8]]) -> Vec<Grams> {
        [(4..6, 4), (6..8, 4), (8..12, 4), (12..usize::MAX, 6)]
            .into_iter()
            .filter_map(|(lengths, width)| {
                let some = |(_, text): &(usize, &&[u8])| lengths.contains(&text.len());
                Grams::new(beginnings.iter().enumerate().filter(some).map(|(n, text)| (n, *text)), width)
            })
            .collect()
    }

    fn new<'a>(beginnings: impl Iterator<Item = (usize, &'a [u8])> + Clone, width: usize) -> Option<Grams> {
        let shortest = beginnings.clone().map(|(_, text)| text.len()).min()?;
        let step = shortest + 1 - width;
        let mut places: HashMap<u64, Vec<(u32, usize)>> = HashMap::new();
        for (index, text) in beginnings {
            // One of the first `step` pieces is at a place that is looked at.
            for (offset, piece) in text.windows(width).take(step).enumerate() {
                places.entry(load(piece)).or_default().push((u32::try_from(index).unwrap_or(u32::MAX), offset));
            }
        }
        let bits = (places.len() * 32).next_power_of_two().max(1 << 12);
        let mut grams = Grams { width, step, filter: vec![0; bits / 64], shift: 64 - bits.trailing_zeros(), places };
        for piece in grams.places.keys() {
            let hash = hash(*piece, grams.shift);
            grams.filter[hash / 64] |= 1 << (hash % 64);
        }
        Some(grams)
    }

    /// Calls `found` with each beginning that may stand at a place; `padded` is the text and [`PADDING`] bytes more.
    pub fn each(&self, padded: &[u8], length: usize, mut found: impl FnMut(u32, usize)) {
        let mask = u64::MAX >> (64 - 8 * self.width);
        let mut at = 0;
        while at + self.width <= length {
            let Some(bytes) = padded[at..].first_chunk::<8>() else { return };
            let piece = u64::from_le_bytes(*bytes) & mask;
            let hash = hash(piece, self.shift);
            if self.filter[hash / 64] >> (hash % 64) & 1 == 1 {
                for (index, offset) in self.places.get(&piece).into_iter().flatten() {
                    if let Some(start) = at.checked_sub(*offset) {
                        found(*index, start);
                    }
                }
            }
            at += self.step;
        }
    }
}

fn load(piece: &[u8]) -> u64 {
    piece.iter().rev().fold(0, |all, b| all << 8 | u64::from(*b))
}

fn hash(piece: u64, shift: u32) -> usize {
    (piece.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
}
