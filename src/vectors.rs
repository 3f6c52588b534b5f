//! What a processor does with many bytes at once, beyond what every one of its kind can: so it is asked first, and to
//! believe it is unsafe. Pure; each function has a plain one beside it that does the same.

/// How many bytes behind what is kept may be written over.
pub const BEHIND: usize = 8;

/// Neither a blank nor a control.
pub fn stays(b: u8) -> bool {
    b > b' ' && b != 0x7f
}

/// Leaves blanks and controls out: copies what stays to the beginning of `out`, which is [`BEHIND`] bytes longer than the text; gives how much that is.
pub fn squeeze(text: &[u8], out: &mut [u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has what the function is made for.
        return unsafe { by_sixteen(text, out) };
    }
    one_by_one(text, out)
}

/// Each byte is written and the next one over it, unless it stays: no branch.
fn one_by_one(text: &[u8], out: &mut [u8]) -> usize {
    let mut kept = 0;
    for b in text {
        out[kept] = *b;
        kept += usize::from(stays(*b));
    }
    kept
}

/// For each set of eight bytes that stay, as bits, their places in order.
#[cfg(target_arch = "x86_64")]
static PLACES: [u64; 256] = {
    let mut places = [0; 256];
    let mut set = 0;
    while set < 256 {
        let (mut bit, mut kept) = (0, 0);
        while bit < 8 {
            if set >> bit & 1 == 1 {
                places[set] |= bit << (8 * kept);
                kept += 1;
            }
            bit += 1;
        }
        set += 1;
    }
    places
};

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3,popcnt")]
fn by_sixteen(text: &[u8], out: &mut [u8]) -> usize {
    use std::arch::x86_64::{
        _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cvtsi128_si64, _mm_max_epu8, _mm_movemask_epi8, _mm_set_epi64x,
        _mm_set1_epi8, _mm_shuffle_epi8, _mm_unpackhi_epi64,
    };
    const EIGHTS: u64 = 0x0808_0808_0808_0808;
    let (least, delete) = (_mm_set1_epi8(0x21), _mm_set1_epi8(0x7f));
    let (blocks, rest) = text.as_chunks::<16>();
    let mut kept = 0;
    for block in blocks {
        let (low, high) = ((u128::from_le_bytes(*block)) as i64, (u128::from_le_bytes(*block) >> 64) as i64);
        let bytes = _mm_set_epi64x(high, low);
        let graphic = _mm_cmpeq_epi8(_mm_max_epu8(bytes, least), bytes);
        let stay = _mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, delete), graphic)) as usize;
        let (first, second) = (stay & 0xff, stay >> 8 & 0xff);
        let places = _mm_set_epi64x((PLACES[second] | EIGHTS).cast_signed(), PLACES[first].cast_signed());
        let squeezed = _mm_shuffle_epi8(bytes, places);
        for (half, set) in [(squeezed, first), (_mm_unpackhi_epi64(squeezed, squeezed), second)] {
            out[kept..kept + BEHIND].copy_from_slice(&_mm_cvtsi128_si64(half).to_le_bytes());
            kept += set.count_ones() as usize;
        }
    }
    kept + one_by_one(rest, &mut out[kept..])
}

/// Where decimal digits stand, run by run: where each begins and ends, in order.
pub struct Digits<'a> {
    text: &'a [u8],
    /// Where the block begins whose digits are in the mask, those that were told left out.
    block: usize,
    mask: u64,
}

impl<'a> Digits<'a> {
    pub fn of(text: &'a [u8]) -> Digits<'a> {
        Digits { text, block: 0, mask: digits(text) }
    }

    /// Goes on at a place, which must not be before the last one that was told.
    pub fn skip_to(&mut self, at: usize) {
        let block = at / BLOCK * BLOCK;
        if block > self.block {
            self.block = block;
            self.mask = digits(self.text.get(block..).unwrap_or_default());
        }
        self.mask &= u64::MAX << (at % BLOCK);
    }
}

impl Iterator for Digits<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while self.mask == 0 {
            self.block += BLOCK;
            self.mask = digits(self.text.get(self.block..).filter(|rest| !rest.is_empty())?);
        }
        let first = self.mask.trailing_zeros();
        let start = self.block + first as usize;
        let mut length = (self.mask >> first).trailing_ones();
        let mut end = start + length as usize;
        while first + length == u64::BITS || end == self.block + BLOCK {
            self.block += BLOCK;
            self.mask = self.text.get(self.block..).map_or(0, digits);
            length = self.mask.trailing_ones();
            end += length as usize;
            if length < u64::BITS {
                break;
            }
        }
        self.mask &= u64::MAX.checked_shl((end - self.block) as u32).unwrap_or_default();
        Some((start, end))
    }
}

fn digits(text: &[u8]) -> u64 {
    among(&block(text), [(b'0', b'9')])
}

/// How many bytes are looked at together.
pub const BLOCK: usize = 64;

/// The first bytes of a text, NUL behind its end.
#[inline]
pub fn block(text: &[u8]) -> [u8; BLOCK] {
    text.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; BLOCK];
        padded[..text.len()].copy_from_slice(text);
        padded
    })
}

/// A bit for each byte that is in one of the ranges, whose ends are in them.
#[inline]
pub fn among<const N: usize>(block: &[u8; BLOCK], ranges: [(u8, u8); N]) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    // SAFETY: every processor of this kind has SSE2.
    #[cfg(target_arch = "x86_64")]
    let sixteen = |part| unsafe { sixteen(part, ranges) };
    #[cfg(not(target_arch = "x86_64"))]
    let sixteen = |part| sixteen(part, ranges);
    (0..).zip(parts).fold(0, |mask, (n, part)| mask | u64::from(sixteen(part)) << (16 * n))
}

/// A bit for each byte of a part.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sixteen<const N: usize>(part: &[u8; 16], ranges: [(u8, u8); N]) -> u16 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
        _mm_setzero_si128, _mm_sub_epi8,
    };
    let (low, high) = (u128::from_le_bytes(*part) as i64, (u128::from_le_bytes(*part) >> 64) as i64);
    let bytes = _mm_set_epi64x(high, low);
    let any = ranges.into_iter().fold(_mm_setzero_si128(), |any, (first, last)| {
        let above = _mm_sub_epi8(bytes, _mm_set1_epi8(first.cast_signed()));
        let width = _mm_set1_epi8((last - first).cast_signed());
        _mm_or_si128(any, _mm_cmpeq_epi8(_mm_min_epu8(above, width), above))
    });
    _mm_movemask_epi8(any) as u16
}

#[cfg(not(target_arch = "x86_64"))]
fn sixteen<const N: usize>(part: &[u8; 16], ranges: [(u8, u8); N]) -> u16 {
    let is = |b: &u8| ranges.iter().any(|(first, last)| (first..=last).contains(&b));
    (0..).zip(part).fold(0, |mask, (n, b)| mask | u16::from(is(b)) << n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_stays_is_what_was_there_but_for_blanks_and_controls(
            text in proptest::collection::vec(prop_oneof![Just(b' '), Just(b'\n'), Just(0x7f), any::<u8>()], 0..200)
        ) {
            let expected: Vec<u8> = text.iter().copied().filter(|b| stays(*b)).collect();
            for squeeze in [squeeze, one_by_one] {
                let mut out = vec![0; text.len() + BEHIND];
                let kept = squeeze(&text, &mut out);
                prop_assert_eq!(&out[..kept], &expected);
            }
        }

        #[test]
        fn what_is_in_a_range_has_its_bit(bytes in any::<[[u8; 32]; 2]>()) {
            let mut text = [0; BLOCK];
            text.copy_from_slice(bytes.as_flattened());
            let expected = text.iter().rev().fold(0, |all, b| all << 1 | u64::from(matches!(b, 0..=b' ' | b'-' | b'A'..=0xfe)));
            prop_assert_eq!(among(&text, [(0, b' '), (b'-', b'-'), (b'A', 0xfe)]), expected);
        }

        #[test]
        fn digits_are_told_run_by_run(
            text in proptest::collection::vec(prop_oneof![4 => Just(b'7'), 1 => any::<u8>(), 1 => Just(b':')], 0..300),
            skip in 0..400_usize,
        ) {
            let text = text.as_slice();
            let mut expected = Vec::new();
            let mut at = 0;
            for run in text.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
                if run[0].is_ascii_digit() {
                    expected.push((at, at + run.len()));
                }
                at += run.len();
            }
            prop_assert_eq!(&Digits::of(text).collect::<Vec<_>>(), &expected);
            let mut digits = Digits::of(text);
            digits.skip_to(skip);
            let behind: Vec<_> =
                expected.into_iter().filter(|(_, end)| *end > skip).map(|(start, end)| (start.max(skip), end)).collect();
            prop_assert_eq!(digits.collect::<Vec<_>>(), behind);
        }
    }
}
