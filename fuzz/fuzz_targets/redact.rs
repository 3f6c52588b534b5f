//! Any input in any pieces: the redactor gives the same as for one piece, gives no known secret, and does not grow.

#![no_main]

use arbitrary::Arbitrary;
use portcullis::model::{Column, Find, JsonPath, Literal, MASK_SETS, Masking, OwnRule, Pattern, Raw, Secret, Style};
use portcullis::redact::{Redactor, Settings};

#[derive(Arbitrary, Debug)]
struct Input {
    text: Vec<u8>,
    /// Lengths of the pieces it comes in; the rest comes as one.
    pieces: Vec<u8>,
    sets: [bool; 3],
    /// Which of the operator's rules there are.
    rules: [bool; 4],
    style: u8,
    terminal: bool,
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
        MASK_SETS.iter().zip(input.sets).filter(|(_, on)| *on).map(|(set, _)| (*set).to_owned()).collect();
    let masking = masking(&input);
    let redacted = |pieces: &[u8]| redacted(&text, pieces, &sets, &masking, input.terminal);
    let whole = redacted(&[]);
    // A line that was given in part cannot be dropped whole.
    if masking.styles["*"] != Style::DropLine {
        assert_eq!(whole, redacted(&input.pieces), "the pieces showed");
    }
    assert!(!whole.windows(KNOWN.len()).any(|window| window == KNOWN.as_bytes()), "a known secret came out");
    assert!(whole.len() <= 64 + text.len() * 16, "{} bytes became {}", text.len(), whole.len());
});

fn masking(input: &Input) -> Masking {
    let finds = [
        Find::Pattern(Pattern::new(r"(?i)\bid-([0-9a-f]{2,})").expect("a pattern")),
        Find::Literal(Literal::new("orchid").expect("a literal")),
        Find::Column(Column::new("t.name").expect("a column")),
        Find::Path(JsonPath::new("$..n").expect("a path")),
    ];
    let rules = finds.into_iter().zip(input.rules).filter(|(_, on)| *on).enumerate();
    let rules = rules.map(|(n, (find, _))| OwnRule { id: format!("own-{n}"), set: "pii".to_owned(), find }).collect();
    let style = Style::NAMES[usize::from(input.style) % Style::NAMES.len()].1;
    Masking { rules, styles: [("*".to_owned(), style)].into(), ..Masking::default() }
}

fn redacted(text: &[u8], pieces: &[u8], sets: &[String], masking: &Masking, terminal: bool) -> Vec<u8> {
    let known = Secret::new(KNOWN.as_bytes().to_vec());
    let mut redactor = Redactor::with(&Settings { sets, secrets: &[&known] }, masking).expect("the sets are known");
    if terminal {
        redactor = redactor.on_terminal();
    }
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
