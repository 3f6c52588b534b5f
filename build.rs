//! Makes the table of redaction out of its files, so that the shim neither reads nor parses a rule when it starts and
//! a rule that is not understood is an error of the build.

// A build script has nobody to answer to but cargo.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

/// Each file is a set of masks, or a part of one.
const FILES: [(&str, &str); 3] = [("shapes", "Secrets"), ("context", "Secrets"), ("people", "Pii")];

fn main() {
    let mut rules = String::from("&[\n");
    let mut examples = String::from("&[\n");
    for (file, set) in FILES {
        let path = format!("src/redact/rules/{file}.toml");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).expect("the rules are there");
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let names = table.get("names").and_then(Value::as_table).cloned().unwrap_or_default();
        for rule in table.get("rule").and_then(Value::as_array).into_iter().flatten() {
            let rule = rule.as_table().unwrap_or_else(|| panic!("{path}: a rule is a table"));
            write_rule(rule, set, &names, &path, &mut rules);
            let list = |key| strings(rule, key);
            writeln!(examples, "    (&{:?}, &{:?}),", list("yes"), list("no")).expect("a String takes all");
        }
    }
    let out = env::var("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&out).join("rules.rs"), rules + "]\n").expect("the folder can be written");
    fs::write(Path::new(&out).join("examples.rs"), examples + "]\n").expect("the folder can be written");
}

fn write_rule(rule: &Table, set: &str, names: &Table, path: &str, out: &mut String) {
    const KEYS: [&str; 10] = ["kind", "source", "words", "edge", "at", "after", "secret", "check", "yes", "no"];
    let kind = rule.get("kind").and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: a rule has no kind"));
    if let Some(key) = rule.keys().find(|key| !KEYS.contains(&key.as_str())) {
        panic!("{path}: {kind}: nothing is called {key}");
    }
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let pattern = |key: &str| {
        let pattern = names.iter().fold(text(key).to_owned(), |pattern, (name, value)| {
            pattern.replace(&format!("<<{name}>>"), value.as_str().unwrap_or_default())
        });
        assert!(!pattern.contains("<<"), "{path}: {kind}: no such name: {pattern}");
        pattern
    };
    let edge = match text("edge") {
        "any" => "Any",
        "word" => "NoWord",
        "" if text("after").is_empty() => "NoWord",
        "" => "Any",
        other => panic!("{path}: {kind}: no edge is called {other}"),
    };
    let at = match text("at") {
        "" => "Trigger".to_owned(),
        "word" => "Word".to_owned(),
        back => format!("Back({})", back.strip_prefix("back ").unwrap_or_else(|| panic!("{path}: {kind}: {back}"))),
    };
    let check = Some(text("check")).filter(|check| !check.is_empty()).unwrap_or("Always");
    let words: Vec<String> = match rule.get("words").and_then(Value::as_str) {
        Some(name) => strings(names, name),
        None => strings(rule, "words"),
    };
    writeln!(
        out,
        "    Rule {{ kind: {kind:?}, set: Set::{set}, words: &{words:?}, edge: Before::{edge}, at: At::{at}, before: {:?}, \
         secret: {:?}, check: Check::{check} }},",
        pattern("after"),
        pattern("secret"),
    )
    .expect("a String takes all");
}

fn strings(rule: &Table, key: &str) -> Vec<String> {
    let list = rule.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
