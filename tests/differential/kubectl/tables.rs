//! Every command and option that kubectl's own help prints is in the reader's table, with or without a value as it has it.
//!
//! For the kubectl on PATH, and for every other that KUBECTLS names (a list of paths with `:`). An option that the table
//! marks `@36` must be absent from what is older and there in 1.36 and later; between, nothing is said.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const TABLE: &str = include_str!("../../../src/tools/kubectl/commands.txt");

/// Help prints these in later versions with a letter, or no more; the table is of 1.32.
const CHANGED: &[(&str, &str)] =
    &[("autoscale", "cpu-percent"), ("config set-context", "namespace"), ("explain", "recursive"), ("run", "filename")];

/// Deprecated: help does not print these.
const HIDDEN: &[&str] = &["record", "reorder"];

/// An option as help prints it: its letter, its name, whether it takes a value.
type Option3 = (Option<char>, String, bool);

fn said(kubectl: &str, words: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(kubectl);
    command.args(words).env_clear().env("HOME", home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// `    -f, --filename=[]:`, under `Options:` or anywhere in `kubectl options`.
fn options(text: &str) -> BTreeSet<Option3> {
    let one = |line: &str| {
        let line = line.strip_prefix("    ")?.strip_suffix(':')?;
        let (letter, rest) = match line.strip_prefix("--") {
            Some(rest) => (None, rest),
            None => (line.strip_prefix('-')?.chars().next(), line.get(2..)?.strip_prefix(", --")?),
        };
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        Some((letter, name.to_owned(), !matches!(value, "true" | "false")))
    };
    text.lines().filter_map(one).collect()
}

/// The subcommands that help lists under its headings.
fn children(text: &str) -> Vec<String> {
    let mut listed = false;
    let mut out = Vec::new();
    for line in text.lines() {
        if line.ends_with(':') && line.contains("Commands") {
            listed = true;
        } else if !line.is_empty() && !line.starts_with(' ') {
            listed = false;
        } else if listed {
            out.extend(line.split_whitespace().next().map(str::to_owned));
        }
    }
    out
}

fn walk(kubectl: &str, path: &[String], out: &mut BTreeMap<String, BTreeSet<Option3>>) {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let text = said(kubectl, &words);
    if !path.is_empty() {
        out.insert(path.join(" "), options(&text));
    }
    for child in children(&text).into_iter().filter(|child| path.last() != Some(child)) {
        walk(kubectl, &[path, &[child]].concat(), out);
    }
}

/// The table's rows for a minor version, `*` among them.
fn rows(minor: u32) -> BTreeMap<String, BTreeSet<Option3>> {
    let mut out = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let (names, texts) = line.split_once('|').unwrap();
        let options = texts.split_whitespace().filter_map(|text| {
            let (text, since) = text.split_once('@').unwrap_or((text, "0"));
            let (letter, long) = text.split_once(':').map_or((None, text), |(l, long)| (l.chars().next(), long));
            let name = long.trim_end_matches(['=', '?']).to_owned();
            (since.parse::<u32>().unwrap() <= minor).then(|| (letter, name, long.ends_with(['=', '?'])))
        });
        let name = names.trim().split(',').next().unwrap().to_owned();
        out.insert(name, options.filter(|option: &Option3| !HIDDEN.contains(&option.1.as_str())).collect());
    }
    out
}

#[test]
fn every_command_and_option_of_kubectl_is_in_the_table() {
    let Some((path, _)) = super::kubectl() else { return };
    let others = std::env::var("KUBECTLS").unwrap_or_default();
    let mut wrong = Vec::new();
    for kubectl in [path.to_str().unwrap()].into_iter().chain(others.split(':').filter(|path| !path.is_empty())) {
        let version = said(kubectl, &["version", "--client"]);
        let minor = version.split("v1.").nth(1).and_then(|rest| rest.split('.').next()?.parse().ok()).unwrap_or(0);
        let table = rows(minor);
        let mut met = BTreeMap::from([("*".to_owned(), options(&said(kubectl, &["options"])))]);
        walk(kubectl, &[], &mut met);
        for (command, options) in &met {
            let Some(row) = table.get(command) else {
                // Newer than the table: what it does is not read, and the line is in doubt.
                wrong.extend(
                    (!command.starts_with("kuberc")).then(|| format!("1.{minor}: {command} is not in the table")),
                );
                continue;
            };
            let changed = |option: &&Option3| minor > 32 && CHANGED.contains(&(command.as_str(), option.1.as_str()));
            let differing = row.symmetric_difference(options).filter(|option| !changed(option));
            wrong.extend(differing.map(|option| format!("1.{minor}: {command} {option:?}")));
        }
    }
    assert!(wrong.is_empty(), "{} options differ:\n{}", wrong.len(), wrong.join("\n"));
}
