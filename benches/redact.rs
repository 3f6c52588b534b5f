//! How fast a stream is redacted: `cargo bench --no-default-features --bench redact`. Prints megabytes a second.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use portcullis::model::{Raw, Secret};
use portcullis::redact::{Redactor, Settings};

/// Bytes of each text.
const SIZE: usize = 64 << 20;

fn main() {
    let log = "commit 40a0cc4eab9679702443d8ac4d950b5e5d4cd5f7\nAuthor: A. Developer <dev at example>\n    Merge branch 'feature' into main\n";
    let json = "{\"id\": 455, \"name\": \"delta\", \"labels\": {\"app\": \"web\"}, \"created\": \"2025-11-03T10:00:00Z\", \"active\": true}\n";
    let table = "  1 | quartz  | 2025-11-03 10:00:00 | 19.90 | ordered by customer, shipped\n";
    let pattern: Vec<u8> = (0..=255u8).map(|b| b.wrapping_mul(167) | 0x80).collect();
    let long = json.replace('\n', " ");
    for (name, unit) in [
        ("git log", log.as_bytes()),
        ("JSON lines", json.as_bytes()),
        ("psql table", table.as_bytes()),
        ("one line of JSON", long.as_bytes()),
        ("binary", &pattern[..]),
    ] {
        let text: Vec<u8> = unit.iter().copied().cycle().take(SIZE).collect();
        for sets in [&["secrets"][..], &["secrets", "pii"][..]] {
            println!("{name:18} {:16} {:8.0} MB/s", sets.join("+"), rate(&text, sets));
        }
    }
    let began = Instant::now();
    let mut redactor = redactor(&["secrets", "pii"]);
    println!("made in {} us", began.elapsed().as_micros());
    let began = Instant::now();
    let _ = redactor.push(Raw(b"password=x1y2z3w4\n".to_vec()));
    println!("the first secret found in {} us", began.elapsed().as_micros());
}

fn redactor(sets: &[&str]) -> Redactor {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let secret = Secret::new(b"correct-horse-battery-staple".to_vec());
    Redactor::new(&Settings { sets: &sets, secrets: &[&secret] }).unwrap()
}

fn rate(text: &[u8], sets: &[&str]) -> f64 {
    let mut redactor = redactor(sets);
    let began = Instant::now();
    let mut out = 0;
    for chunk in text.chunks(64 << 10) {
        out += redactor.push(Raw(chunk.to_vec())).as_slice().len();
    }
    out += redactor.finish().0.as_slice().len();
    assert!(out > 0);
    text.len() as f64 / 1e6 / began.elapsed().as_secs_f64()
}
