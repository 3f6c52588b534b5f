//! The tables of `cases/`: a line, and what it means in words that a policy author can review.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Git, ssh};
use crate::model::{Bytes, Facts, Invocation, InvocationId, Pin, Reading, StreamKind, Streams};
use crate::tools::Tool;

const FILES: &[(&str, &str)] = &[
    ("push", include_str!("cases/push.txt")),
    ("local", include_str!("cases/local.txt")),
    ("remote", include_str!("cases/remote.txt")),
    ("programs", include_str!("cases/programs.txt")),
    ("lines", include_str!("cases/lines.txt")),
    ("ssh", include_str!("cases/ssh.txt")),
];

/// What a file of cases says about the machine, in lines that begin with `given`.
#[derive(Default)]
struct Given {
    config: Vec<Value>,
    head: Option<String>,
    refs: Vec<String>,
    annotated: Vec<String>,
    hooks: Vec<String>,
    attributes: Vec<String>,
    programs: BTreeMap<String, Option<String>>,
    ssh: Vec<ssh::Line>,
}

impl Given {
    fn add(&mut self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words = || rest.split_whitespace().map(str::to_owned);
        match what {
            "config" => {
                let (key, value) = rest.split_once('=').unwrap_or((rest, "true"));
                self.config.push(json!({"scope": "local", "key": key, "value": value}));
            }
            "head" => self.head = Some(rest.to_owned()),
            "refs" => self.refs.extend(words()),
            "annotated" => self.annotated.extend(words()),
            "hooks" => self.hooks.extend(words()),
            "attributes" => self.attributes.extend(words()),
            "ssh" => self.ssh.extend(ssh::parse(rest).map(|(keyword, words)| match keyword.as_str() {
                "file" => ssh::Line::File,
                "opens" => ssh::Line::Opens,
                "closes" => ssh::Line::Closes,
                _ => ssh::Line::Says(keyword, words),
            })),
            "program" => {
                self.programs.insert(rest.to_owned(), Some(format!("/opt/{rest}")));
            }
            "absent" => {
                self.programs.insert(rest.to_owned(), None);
            }
            other => panic!("given {other} is not a thing to give"),
        }
    }

    fn facts(&self) -> Facts {
        let facts = [
            ("git.config", json!(self.config)),
            ("git.head", json!(self.head)),
            ("git.refs", json!({"names": self.refs, "annotated": self.annotated, "truncated": false})),
            ("git.hooks", json!(self.hooks)),
            ("git.attributes", json!(self.attributes)),
            ("git.programs", json!(self.programs)),
            ("git.ssh", json!(self.ssh)),
            ("git.place", json!({"git_dir": "/w/app/.git", "work_tree": "/w/app"})),
        ];
        Facts {
            version: Some("2.39.5".into()),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            contents: Vec::new(),
        }
    }
}

/// `NAME=value git words…`, as a shell would take it.
pub fn invocation(line: &str) -> Invocation {
    let mut words = shell_words::split(line).unwrap();
    let at = words.iter().position(|word| word == "git").unwrap();
    let args = words.split_off(at + 1);
    words.pop();
    let variables = words.iter().map(|word| word.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), v.into()));
    Invocation {
        id: InvocationId::parse("inv_01J9Z3NDEKTSV4RRFFQ69G5FAV").unwrap(),
        tool: "git".into(),
        argv0: "git".into(),
        args: args.into_iter().map(Bytes::from).collect(),
        cwd: Some("/w/app".into()),
        variables: variables.collect(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

/// `push: force_push github.com/acme/app:refs/heads/main; run hook pre-push`.
fn said(reading: &Reading) -> String {
    let word = |key: &str| reading.effective[key].as_str().unwrap_or("-").to_owned();
    let operations = reading.operations.iter().map(|operation| match operation.action.as_str() {
        "tool.info" => match operation.context.get("detail").and_then(Value::as_str) {
            Some(detail) => detail.split(':').next().unwrap_or_default().to_owned(),
            None => "info".to_owned(),
        },
        "program.run" => format!("run {}", operation.resource.id),
        "file.write" => format!("write {}", operation.resource.id),
        "git.read" | "git.change" | "git.discard" | "git.configure" => operation.action["git.".len()..].to_owned(),
        action => {
            let by = operation.context.get("connect").and_then(Value::as_str);
            let by = by.map_or_else(String::new, |by| format!(" by {by}"));
            format!("{} {}{by}", action.trim_start_matches("git."), operation.resource.id)
        }
    });
    let doubts = reading.doubts.iter().map(|doubt| format!("doubt {}", doubt.kind));
    let all: Vec<String> = operations.chain(doubts).collect();
    format!("{}: {}", word("subcommand"), all.join("; "))
}

#[test]
fn every_line_of_the_tables_means_what_the_table_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, text) in FILES {
        let mut given = Given::default();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(rest) = line.strip_prefix("given ") {
                given.add(rest);
                continue;
            }
            let (typed, expected) = line.split_once(" -> ").unwrap_or((line, ""));
            let got = said(&Git.read(&invocation(typed), &given.facts()));
            count += 1;
            if got != expected.trim() {
                wrong.push(format!("{name}: {} -> {got}", typed.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} lines mean something else:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100, "only {count} lines");
}

#[test]
fn without_any_fact_a_line_is_read_as_far_as_it_says_and_the_rest_is_doubt() {
    let nothing = Facts::default();
    let reading = Git.read(&invocation("git push --force https://github.com/acme/app main"), &nothing);
    assert_eq!(
        said(&reading),
        "push: force_push github.com/acme/app:refs/heads/main; doubt unknown_fact; doubt unknown_fact"
    );
    let reading = Git.read(&invocation("git frob"), &nothing);
    assert_eq!(said(&reading), "-: change; run git-frob; doubt unknown_command; doubt unknown_fact");
}

#[test]
fn in_a_deleted_work_folder_git_tells_its_version_and_refuses_the_rest() {
    let nothing = Facts { version: Some("2.39.5".into()), ..Facts::default() };
    let said = |line: &str| said(&Git.read(&Invocation { cwd: None, ..invocation(line) }, &nothing));
    assert_eq!(said("git --version"), "version: info");
    assert_eq!(said("git --help"), "help: info");
    assert_eq!(said("git push --force origin main"), "-: refused by the tool");
    assert_eq!(said("git help push"), "-: refused by the tool");
    // Going elsewhere first, or being one that asks for no folder, it may go on.
    assert_eq!(said("git -C /w/app status"), "status: read; doubt unknown_fact");
    assert!(said("git clone https://github.com/acme/app /w/app").ends_with("doubt unknown_fact"));
}

#[test]
fn every_key_of_the_effective_command_is_always_there() {
    let keys = [
        "effect",
        "force",
        "programs",
        "refs_deleted",
        "refs_updated",
        "remote",
        "remote_url",
        "runs_program",
        "subcommand",
        "writes_files",
    ];
    for line in ["git", "git --version", "git status", "git push --nonsense", "git frob", "git push origin main"] {
        let reading = Git.read(&invocation(line), &Facts::default());
        assert_eq!(reading.effective.keys().collect::<Vec<_>>(), keys, "{line}");
    }
}

/// A line of 2 MiB has room for a hundred thousand patterns, and a repository for as many refs: 10^10 changes of a few
/// bytes each. What is too much to list is said by pattern, and doubted.
#[test]
fn patterns_times_refs_end_in_a_doubt_and_not_in_all_memory() {
    let mut given = Given { refs: (0..3000).map(|n| format!("refs/heads/b{n}")).collect(), ..Given::default() };
    given.add("config remote.origin.url=https://git.example/acme/app.git");
    let line = format!("git push origin {}", "refs/heads/*:refs/heads/x/* ".repeat(3000));
    let reading = Git.read(&invocation(&line), &given.facts());
    assert!(reading.doubts.iter().any(|doubt| doubt.kind == "unknown_fact"), "{:?}", reading.doubts);
    assert!(reading.operations.iter().any(|operation| operation.resource.id.ends_with("refs/heads/x/*")));
}
