//! Any input in any pieces: the redactor gives the same as for one piece, gives no known secret, and does not grow.

#![no_main]

use arbitrary::Arbitrary;
use portcullis::model::{Raw, Secret};
use portcullis::redact::{Redactor, Settings};

#[derive(Arbitrary, Debug)]
struct Input {
    text: Vec<u8>,
    /// Lengths of the pieces it comes in; the rest comes as one.
    pieces: Vec<u8>,
    sets: [bool; 2],
    /// Where in the text the known secret is put.
    at: u16,
}

/// Never issued. Letters and digits alone, so that it cannot be a piece of a mark.
const KNOWN: &str = "Zq8vT3mKx0LrWb5Jd7Yp";

libfuzzer_sys::fuzz_target!(|input: Input| {
    let mut text = input.text.clone();
    let at = usize::from(input.at).min(text.len());
    text.splice(at..at, KNOWN.bytes());
    let sets: Vec<String> =
        ["secrets", "pii"].iter().zip(input.sets).filter(|(_, on)| *on).map(|(set, _)| (*set).to_owned()).collect();
    let whole = redacted(&text, &[], &sets);
    assert_eq!(whole, redacted(&text, &input.pieces, &sets), "the pieces showed");
    assert!(!whole.windows(KNOWN.len()).any(|window| window == KNOWN.as_bytes()), "a known secret came out");
    assert!(whole.len() <= 64 + text.len() * 16, "{} bytes became {}", text.len(), whole.len());
});

fn redacted(text: &[u8], pieces: &[u8], sets: &[String]) -> Vec<u8> {
    let known = Secret::new(KNOWN.as_bytes().to_vec());
    let mut redactor = Redactor::new(&Settings { sets, secrets: &[&known] }).expect("the sets are known");
    let mut out = Vec::new();
    let mut rest = text;
    for piece in pieces {
        let (now, later) = rest.split_at(usize::from(*piece).min(rest.len()));
        out.extend_from_slice(redactor.push(Raw(now.to_vec())).as_slice());
        rest = later;
    }
    out.extend_from_slice(redactor.push(Raw(rest.to_vec())).as_slice());
    out.extend_from_slice(redactor.finish().0.as_slice());
    out
}
