//! Holds the walls between the modules: who may import whom, where unsafe and secrets may be, how long a file may get.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library and what it may name of ours. The table in `src/lib.rs` says the same in words.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sys", &[]),
    ("vectors", &[]),
    ("env", &[]),
    ("wire", &["model"]),
    ("tools", &["model"]),
    ("policy", &["model"]),
    ("redact", &["model", "vectors"]),
    ("recording", &["model"]),
    ("shim", &["model", "wire", "env", "sys", "tools", "redact"]),
    ("keeper", &["model", "wire", "env", "sys", "recording"]),
    ("server", &["model", "wire", "env", "tools", "policy", "redact", "recording"]),
    ("cli", &["model", "wire", "env", "sys", "tools", "policy", "redact", "recording", "shim", "keeper"]),
];

/// Files in which production code opens a secret, each with what it needs it for. A new one is a decision.
const OPENS_SECRETS: &[&str] = &[
    "src/model/grant.rs",                 // the door itself, and the two channels that carry a secret
    "src/redact/known/mod.rs",            // the secrets of one command, to find them in what comes back
    "src/tools/curl/delivery.rs",         // the granted token, into a config in memory
    "src/tools/kubectl/delivery.rs",      // the granted token, into the kubeconfig that is made for one line
    "src/tools/psql/delivery.rs",         // the role's password, into the password file that is made for one line
    "src/server/issuers/postgres/mod.rs", // the issuer role's password, to log in with
    "src/shim/permit.rs",                 // what the run's pseudonyms are made with
    "src/shim/deliver.rs",                // writes it into the sealed memory file that the tool reads
    "src/shim/helper.rs",                 // tells git, which asked for it
];

struct Source {
    path: PathBuf,
    /// The first folder or file below `src/`.
    module: String,
    /// Comments and the insides of literals are blank; lines are kept.
    text: String,
    /// The line where the tests begin.
    tests_from: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(source(&root, &path));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn source(root: &Path, path: &Path) -> Source {
    let below = path.strip_prefix(root).unwrap();
    let text = without_comments_and_literals(&fs::read_to_string(path).unwrap());
    let is_tests = below.iter().any(|part| part == "tests" || part == "tests.rs");
    let tests_from = text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
    Source {
        module: below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned(),
        path: Path::new("src").join(below),
        text,
        tests_from: if is_tests { 0 } else { tests_from },
    }
}

fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let rest = &bytes[i..];
        let before = i.checked_sub(1).map(|j| bytes[j]);
        let length = comment(rest).or_else(|| literal(rest, before));
        match length {
            Some(length) => {
                out.extend(rest[..length].iter().map(|b| if *b == b'\n' { b'\n' } else { b' ' }));
                i += length;
            }
            None => {
                out.push(rest[0]);
                i += 1;
            }
        }
    }
    String::from_utf8(out).unwrap()
}

fn comment(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"//") {
        Some(rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()))
    } else if rest.starts_with(b"/*") {
        Some(rest.windows(2).position(|w| w == b"*/").map_or(rest.len(), |n| n + 2))
    } else {
        None
    }
}

fn literal(rest: &[u8], before: Option<u8>) -> Option<usize> {
    let in_a_word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if let Some(after) = rest.strip_prefix(b"r").filter(|_| !in_a_word || before == Some(b'b')) {
        let hashes = after.iter().take_while(|b| **b == b'#').count();
        if after.get(hashes) == Some(&b'"') {
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let open = hashes + 2;
            let end = rest[open..].windows(close.len()).position(|w| w == close);
            return Some(end.map_or(rest.len(), |n| open + n + close.len()));
        }
    }
    match rest[0] {
        b'"' => Some(1 + quoted(&rest[1..], b'"')),
        // A character, not a lifetime.
        b'\'' if rest.get(1) == Some(&b'\\') || rest.get(2) == Some(&b'\'') => Some(1 + quoted(&rest[1..], b'\'')),
        _ => None,
    }
}

/// How many bytes to the end of a quoted literal, its closing quote included.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut i = 0;
    while i < rest.len() {
        match rest[i] {
            b'\\' => i += 2,
            b if b == quote => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

/// The names that follow `crate::`, also each of a group, with their lines (from 0).
fn named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line = text[..at].matches('\n').count();
        let rest = text[at + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(members(group).into_iter().map(|name| (line, name))),
            None => found.push((line, first_word(rest))),
        }
    }
    found
}

/// The first word of each member of a `use` group, nested groups passed over.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut pieces = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => pieces.push(String::new()),
            c if depth == 0 => pieces.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    pieces.iter().map(|piece| first_word(piece)).filter(|name| !name.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn every_module_names_only_those_that_the_table_allows_it() {
    let modules: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.module != "lib" && s.module != "bin") {
        let Some((_, may)) = MAY_IMPORT.iter().find(|(name, _)| *name == source.module) else {
            wrong.push(format!("{}: module {} is in no row of the table", source.path.display(), source.module));
            continue;
        };
        for (line, name) in named(&source.text) {
            if modules.contains(name.as_str()) && name != source.module && !may.contains(&name.as_str()) {
                wrong.push(format!("{}:{}: {} may not import {name}", source.path.display(), line + 1, source.module));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths_and_no_comments() {
    let text = "use crate::{model::{A, B}, policy::C};\n// crate::shim\nlet s = \"crate::keeper\"; crate::server::x();";
    let names: Vec<_> = named(&without_comments_and_literals(text)).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["model", "policy", "server"]);
}

#[test]
fn unsafe_is_only_where_the_system_or_the_processor_is_asked() {
    for source in sources() {
        let words = source.text.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert!(
            ["sys", "vectors"].contains(&&*source.module) || words.into_iter().all(|w| w != "unsafe"),
            "{}",
            source.path.display()
        );
    }
}

#[test]
fn a_secret_is_opened_in_few_files_and_each_is_listed() {
    let opens: BTreeSet<String> = sources()
        .iter()
        .filter(|s| s.text.lines().take(s.tests_from).any(|line| line.contains(".expose()")))
        .map(|s| s.path.display().to_string())
        .collect();
    let listed: BTreeSet<String> = OPENS_SECRETS.iter().map(|s| (*s).to_owned()).collect();
    assert_eq!(opens, listed);
}

#[test]
fn only_the_redactor_makes_clean_bytes() {
    for source in sources().iter().filter(|s| s.module != "redact") {
        let makes = source.text.lines().take(source.tests_from).any(|line| line.contains("Clean::after_redaction"));
        assert!(!makes, "{} makes Clean bytes", source.path.display());
    }
}

#[test]
fn no_file_passes_600_lines_without_its_tests() {
    for source in sources() {
        let lines = source.text.lines().take(source.tests_from).count();
        assert!(lines <= 600, "{} has {lines} lines: where is the seam?", source.path.display());
    }
}

#[test]
fn the_shim_program_fits_forty_lines() {
    let main = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("shims/main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
}
