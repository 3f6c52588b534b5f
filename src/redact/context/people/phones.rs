//! Numbers of telephones, in the form of the whole world and in those of countries.

use super::{digits, ends};

/// Country codes whose numbers have one or few lengths, and how many digits follow: ITU-T E.164, Annex to Operational
/// Bulletin 1291, and the plans that it names.
const COUNTRIES: &[(&str, usize, usize)] = &[
    ("1", 10, 10),
    ("7", 10, 10),
    ("20", 8, 10),
    ("27", 9, 9),
    ("30", 10, 10),
    ("31", 9, 9),
    ("32", 8, 9),
    ("33", 9, 9),
    ("34", 9, 9),
    ("36", 8, 9),
    ("39", 6, 11),
    ("40", 9, 9),
    ("41", 9, 9),
    ("43", 6, 13),
    ("44", 9, 10),
    ("45", 8, 8),
    ("46", 7, 10),
    ("47", 8, 8),
    ("48", 9, 9),
    ("49", 7, 13),
    ("51", 8, 9),
    ("52", 10, 10),
    ("54", 10, 11),
    ("55", 10, 11),
    ("56", 9, 9),
    ("57", 10, 10),
    ("60", 8, 10),
    ("61", 9, 9),
    ("62", 8, 12),
    ("63", 8, 10),
    ("64", 8, 10),
    ("65", 8, 8),
    ("66", 8, 9),
    ("81", 9, 10),
    ("82", 8, 10),
    ("84", 9, 10),
    ("86", 10, 11),
    ("90", 10, 10),
    ("91", 10, 10),
    ("92", 9, 10),
    ("94", 9, 9),
    ("98", 10, 10),
];

pub fn international(found: &[u8], after: &[u8]) -> bool {
    let text: String = found.iter().filter(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    // `+44 (0)20 …`
    let text = if memchr::memmem::find(found, b"(0)").is_some() { text.replacen('0', "", 1) } else { text };
    let plan = COUNTRIES.iter().find(|(code, ..)| text.starts_with(code));
    let long = match plan {
        Some((code, least, most)) => (*least..=*most).contains(&(text.len() - code.len())),
        // Three digits of country, then seven or more.
        None => (10..=15).contains(&text.len()) && matches!(text.as_bytes()[0], b'2'..=b'9'),
    };
    let number = &text.as_bytes()[1..];
    // North America: no area and no exchange begins with 0 or 1.
    let american =
        !text.starts_with('1') || number.first().is_some_and(|b| *b > b'1') && number.get(3).is_some_and(|b| *b > b'1');
    long && american && ends(after)
}

pub fn british(found: &[u8], _: &[u8]) -> bool {
    // Few areas have numbers of ten digits, and many other numbers do.
    digits(found).len() == 11 || found.starts_with(b"0800") && digits(found).len() == 10
}

/// All its pairs are divided alike, and it is no row of bytes, which goes on in more of them.
pub fn in_pairs(found: &[u8], after: &[u8]) -> bool {
    let byte = matches!(after, [b' ', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    !byte && found.iter().skip(2).step_by(3).all(|b| *b == found[2])
}

pub fn labelled(found: &[u8], after: &[u8]) -> bool {
    (7..=14).contains(&digits(found).len()) && ends(after)
}
