//! Digits and letters that check the others.

/// Six characters in base 62, the CRC32 of the thirty before them.
pub fn checksum(found: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = found.iter().position(|b| *b == b'_').map_or(found, |at| &found[at + 1..]);
    let Some((entropy, check)) = body.split_last_chunk::<6>().filter(|(entropy, _)| entropy.len() == 30) else {
        return super::random(found);
    };
    let mut sum = crc32(entropy);
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    expected == *check
}

/// CRC-32 as in ISO/IEC 13239, bit by bit: thirty bytes, seldom.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, b| (0..8).fold(sum ^ u32::from(*b), |sum, _| (sum >> 1) ^ (0xEDB8_8320 * (sum & 1))))
}

pub fn card(found: &[u8]) -> bool {
    let digits: Vec<u8> = found.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect();
    let groups: Vec<usize> = found.split(|b| !b.is_ascii_digit()).map(<[u8]>::len).collect();
    if !matches!(groups[..], [_] | [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3]) {
        return false;
    }
    let issuer = match digits[..] {
        // Thirteen digits are of the last century; nineteen in one are counters and ids of rows more often than cards.
        [4, ..] => digits.len() == 16 || digits.len() == 19 && found.len() > 19,
        [5, 1..=5, ..] | [2, 2..=7, ..] | [6, ..] => digits.len() == 16,
        [3, 4 | 7, ..] => digits.len() == 15,
        [3, 0 | 5 | 6 | 8 | 9, ..] => matches!(digits.len(), 14 | 16),
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| u32::from(if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 }))
        .sum();
    issuer && sum.is_multiple_of(10)
}
