//! One test for each known way round the gate. The table in README.md says what each tries; a test holds the two together.

#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[allow(dead_code, reason = "the flows use more of it")]
#[path = "../it/support/mod.rs"]
mod support;

mod approver;
mod children;
mod credential_theft;
mod environment;
mod masks;
mod socket;
mod tools;

/// The names in the first column of the table are those of the tests, all of them and no others.
#[test]
fn the_table_names_every_attack() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let table = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut listed: Vec<&str> = table.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).collect();
    let mut sources = String::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("main.rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let mut there: Vec<&str> = sources
        .split("#[test]")
        .skip(1)
        .map(|after| after.split_once("fn ").unwrap().1.split('(').next().unwrap())
        .collect();
    listed.sort_unstable();
    there.sort_unstable();
    assert_eq!(listed, there);
}
