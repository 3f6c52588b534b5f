//! Where long numbers begin: cards, accounts, telephones.

use crate::vectors::{self, BLOCK};

/// Letters of a date without a time, and with one to the second.
const DAY: usize = 10;
const SECOND: usize = 19;

/// Signs of the shortest number that any rule takes, and so many that all but a text's last number go on for.
const SHORT: usize = 7;
const LONG: usize = 11;

/// What stands in a part of a text, as bits.
struct Part {
    digits: u64,
    /// Digits and what may stand between those of one number; and what is behind the text's end.
    signs: u64,
}

impl Part {
    #[inline]
    fn at(text: &[u8], at: usize) -> Part {
        let rest = text.get(at..).unwrap_or_default();
        let block = vectors::block(rest);
        let behind = u64::MAX.checked_shl(rest.len() as u32).filter(|_| rest.len() < BLOCK).unwrap_or_default();
        let digits = vectors::among(&block, [(b'0', b'9')]);
        Part { digits, signs: digits | behind | vectors::among(&block, [(b' ', b' '), (b'(', b')'), (b'-', b'-')]) }
    }
}

/// Calls `begins` where a number begins that may be long, in order.
pub fn each(text: &[u8], mut begins: impl FnMut(usize)) {
    let mut skip = 0;
    let (mut before, mut part) = (0, Part::at(text, 0));
    for at in (0..text.len()).step_by(BLOCK) {
        let next = Part::at(text, at + BLOCK);
        let signs = u128::from(part.signs) | u128::from(next.signs) << BLOCK;
        let four = signs & signs >> 1 & signs >> 2 & signs >> 3;
        let long = (four & four >> 4 & four >> (LONG - 4)) as u64;
        let mut starts = long & part.digits & !(part.digits << 1 | before);
        while starts != 0 {
            let start = at + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if start < skip || !is_long(text, start) {
                continue;
            }
            // Most lines of logs begin with one, and no number is written so.
            if date(&text[start..]) > DAY {
                skip = start + SECOND;
            } else {
                begins(start);
            }
        }
        (before, part) = (part.digits >> (BLOCK - 1), next);
    }
}

/// Whether a number begins at a place and goes on as long as the shortest that any rule takes, as far as it is there.
fn is_long(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b'\n', |before| text[before]);
    let head = &text[at..text.len().min(at + LONG)];
    !(before.is_ascii_alphanumeric() || matches!(before, b'.' | b'-' | b'_'))
        && head.len() >= SHORT
        && head.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')'))
}

/// How long the date is with which a text begins, with its time; 0 where it is none.
pub fn date(text: &[u8]) -> usize {
    let like = |text: &[u8], form: &[u8]| {
        let alike = |(b, sign): (&u8, &u8)| if *sign == b'0' { b.is_ascii_digit() } else { b == sign };
        text.len() >= form.len() && text.iter().zip(form).all(alike)
    };
    if !like(text, b"0000-00-00") || !matches!(text[0], b'1' | b'2') {
        return 0;
    }
    match text.get(10) {
        Some(b'0'..=b'9' | b'-') => 0,
        Some(b'T' | b' ') if like(&text[11..], b"00:00:00") => {
            let digits = |text: &[u8]| text.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
            match text.get(SECOND) {
                Some(b'.') => SECOND + 1 + digits(&text[SECOND + 1..]),
                // Some loggers write milliseconds so; in a list something else follows.
                Some(b',') if digits(&text[SECOND + 1..]) == 3 => SECOND + 4,
                _ => SECOND,
            }
        }
        _ => DAY,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_long_number_is_told(text in "([0-9]{1,12}|[-() ]{1,3}|[a-z.:\n]|2025-11-03[T ]10:00:0|\u{e9}){0,40}") {
            let text = text.as_bytes();
            let (mut expected, mut skip) = (Vec::new(), 0);
            for at in 0..text.len() {
                let begins = text[at].is_ascii_digit() && !at.checked_sub(1).is_some_and(|n| text[n].is_ascii_digit());
                if at < skip || !begins || !is_long(text, at) {
                    continue;
                }
                if date(&text[at..]) > DAY { skip = at + SECOND } else { expected.push(at) }
            }
            let mut found = Vec::new();
            each(text, |at| found.push(at));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_time_is_no_number_and_hides_none() {
        let begins = |text: &str| {
            let mut found = Vec::new();
            each(text.as_bytes(), |at| found.push(at));
            found
        };
        for text in ["2025-11-03 10:00:00", "at 2025-11-03 10:00:00.123456 x", "2025-11-03T10:00:00,123 INFO 12"] {
            assert_eq!(begins(text), [0; 0], "{text}");
        }
        assert_eq!(begins("2025-11-03 10:00:00,4111111111111111"), [20]);
        assert_eq!(begins("2025-11-03 10:00:00,555-867-5309"), [20]);
        assert_eq!(begins("2025-11-03 4111111111111111"), [0, 11]);
        assert_eq!(date(b"2025-11-03 10:00:00,07700 900123"), SECOND);
        assert_eq!(date(b"2025-11-03 10:00:00,123 x"), SECOND + 4);
    }
}
