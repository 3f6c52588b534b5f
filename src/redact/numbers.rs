//! Where long numbers begin: cards, accounts, telephones.

use crate::vectors::Digits;

/// Letters of a date without a time, and with one to the second.
const DAY: usize = 10;
const SECOND: usize = 19;

/// Calls `begins` where a number begins that may be long, in order.
pub fn each(text: &[u8], mut begins: impl FnMut(usize)) {
    let mut digits = Digits::of(text);
    while let Some((start, _)) = digits.next() {
        let before = start.checked_sub(1).map_or(b'\n', |before| text[before]);
        if before.is_ascii_alphanumeric() || matches!(before, b'.' | b'-' | b'_') || !is_long(&text[start..]) {
            continue;
        }
        // Most lines of logs begin with one, and no number is written so.
        let date = date(&text[start..]);
        if date > DAY {
            digits.skip_to(start + SECOND);
        } else {
            begins(start);
        }
    }
}

/// Whether a number goes on as long as the shortest that any rule takes, as far as it is there.
fn is_long(number: &[u8]) -> bool {
    let head = &number[..number.len().min(11)];
    head.len() >= 7 && head.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')'))
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
    use super::*;

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
