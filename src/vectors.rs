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
    }
}
