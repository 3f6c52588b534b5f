//! What holds for every line of a reader, whatever the line.

use serde_json::Value;

use super::by_name;
use crate::model::{Bytes, Facts, Invocation, InvocationId, Pin, Reading, StreamKind, Streams};

fn read(words: &[&str], version: &str) -> Reading {
    let invocation = Invocation {
        id: InvocationId::from_ulid(7),
        tool: words[0].into(),
        argv0: words[0].into(),
        args: words[1..].iter().map(|word| Bytes::from(*word)).collect(),
        cwd: Some("/w/app".into()),
        variables: [("HOME".to_owned(), "/home/u".into())].into(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    };
    let facts = Facts { version: Some(version.into()), ..Facts::default() };
    by_name(words[0]).unwrap().read(&invocation, &facts)
}

/// All that a reading says, its lists without an order.
fn said(reading: &Reading) -> String {
    let mut whole = serde_json::to_value(reading).unwrap();
    sort(&mut whole);
    whole.to_string()
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(Value::to_string);
        }
        Value::Object(map) => map.values_mut().for_each(sort),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every order of a few things.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        all.extend(orders(&rest).into_iter().map(|order| [vec![first.clone()], order].concat()));
    }
    all
}

/// What stands first, options that have nothing to do with one another, and what stands last.
type Independent = (&'static str, &'static [&'static [&'static str]], &'static [&'static str]);

const GIT: &[Independent] = &[
    (
        "git push",
        &[&["--force"], &["-q"], &["-o", "--delete"], &["--tags"], &["--receive-pack=x"]],
        &["https://h/a", "main"],
    ),
    ("git push", &[&["-u"], &["--no-verify"], &["--prune"], &["--follow-tags"]], &["https://h/a", "refs/heads/*"]),
    ("git", &[&["-c", "core.pager=x"], &["--no-pager"], &["-c", "alias.x=push"], &["--literal-pathspecs"]], &["log"]),
    ("git clean", &[&["-f"], &["-d"], &["-x"], &["-e", "-n"]], &[]),
    ("git commit", &[&["-m", "--amend"], &["--allow-empty"], &["-n"], &["--trailer", "a=b"]], &[]),
    ("git fetch", &[&["--upload-pack", "x"], &["--tags"], &["-p"], &["--depth=1"]], &["https://h/a"]),
    ("git log", &[&["--output=x"], &["-p"], &["--ext-diff"], &["-1"]], &["HEAD"]),
];
const PSQL: &[Independent] = &[
    ("psql", &[&["-h", "h"], &["-p", "5"], &["-U", "-c"], &["-d", "d"], &["-AtX"]], &["-c", "DELETE FROM users"]),
    ("psql", &[&["-o", "out"], &["-L", "log"], &["-v", "a=b"], &["--csv"], &["-1"]], &["-c", "SELECT 1"]),
    ("psql", &[&["--host=h"], &["--no-psqlrc"], &["-F", "-f"], &["-w"]], &["-c", "DROP TABLE x", "db"]),
];
const CURL: &[Independent] = &[
    ("curl", &[&["-d", "a"], &["-X", "PUT"], &["-o", "-d"], &["-H", "X: @f"], &["-sS"]], &["http://h.example/"]),
    ("curl", &[&["-G"], &["-d", "a=@b"], &["-L"], &["-x", "p:1"], &["-k"]], &["https://h.example/x"]),
    (
        "curl",
        &[&["-T", "f"], &["-D", "h"], &["-b", "jar"], &["-c", "jar"], &["--path-as-is"]],
        &["http://h.example/../d/"],
    ),
    (
        "curl",
        &[&["-F", "a=@b"], &["--request-target", "/x"], &["-u", "u:p"], &["--trace", "t"]],
        &["http://h.example/"],
    ),
];

#[test]
fn the_order_of_independent_options_does_not_change_a_reading() {
    let all = [(GIT, "2.47.3"), (PSQL, "15.18"), (CURL, "7.88.1")];
    let mut tried = 0;
    for (lines, version) in all {
        for (begin, options, end) in lines {
            let mut seen: Option<String> = None;
            for order in orders(options) {
                let words: Vec<&str> = begin
                    .split(' ')
                    .chain(order.iter().flat_map(|o| o.iter().copied()))
                    .chain(end.iter().copied())
                    .collect();
                let got = said(&read(&words, version));
                assert_eq!(*seen.get_or_insert_with(|| got.clone()), got, "{words:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "only {tried}");
}

/// Effects in rising order, as `Weight` has them.
const EFFECTS: &[&str] =
    &["none", "read", "local_write", "local_destructive", "config_write", "remote_read", "remote_write"];

/// What is strong in a reading of git: its effect, force, and the refs it names.
fn strength(reading: &Reading) -> (usize, bool, usize, bool) {
    let of = |key: &str| &reading.effective[key];
    let count = |key: &str| of(key).as_array().unwrap().len();
    let effect = EFFECTS.iter().position(|e| of("effect") == e).unwrap();
    let refs = count("refs_updated") + count("refs_deleted");
    (effect, of("force").as_bool().unwrap(), refs, of("runs_program").as_bool().unwrap())
}

#[test]
fn a_dry_run_never_raises_what_a_line_does() {
    let lines = [
        "git push https://h/a main",
        "git push --force https://h/a main :old",
        "git push --mirror https://h/a",
        "git push --delete https://h/a x",
        "git push --receive-pack=x https://h/a main",
        "git send-pack --force https://h/a main",
        "git fetch https://h/a main:main",
        "git fetch --upload-pack=x https://h/a",
        "git clean -fdx",
        "git clean -i",
        "git add -A",
        "git add -f x",
        "git rm -rf x",
        "git mv -f a b",
        "git commit -m x --amend",
        "git commit -S -m x",
        "git prune",
        "git prune --expire=now",
        "git pull https://h/a",
    ];
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let plain = strength(&read(&words, "2.47.3"));
        assert!(plain.0 > 0, "{line} is one that git takes");
        for at in 2..=words.len() {
            // Behind an option that takes the next word it would be that word.
            if words[at - 1] == "-m" {
                continue;
            }
            let with = [&words[..at], &["--dry-run"], &words[at..]].concat();
            let dry = strength(&read(&with, "2.47.3"));
            let below = dry.0 <= plain.0 && dry.1 <= plain.1 && dry.2 <= plain.2 && dry.3 <= plain.3;
            assert!(below, "{with:?} is {dry:?}, without {plain:?}");
        }
    }
}
