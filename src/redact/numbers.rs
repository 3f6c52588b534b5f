//! Where long numbers begin: cards, accounts, telephones.

use crate::vectors::Digits;

/// Calls `begins` where a number begins that may be long, in order.
pub fn each(text: &[u8], mut begins: impl FnMut(usize)) {
    for (start, _) in Digits::of(text) {
        let before = start.checked_sub(1).map_or(b'\n', |before| text[before]);
        if !before.is_ascii_alphanumeric() && !matches!(before, b'.' | b'-' | b'_') && is_long(&text[start..]) {
            begins(start);
        }
    }
}

/// Whether a number goes on as long as the shortest that any rule takes, as far as it is there.
fn is_long(number: &[u8]) -> bool {
    let head = &number[..number.len().min(11)];
    head.len() >= 7 && head.iter().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')'))
}
