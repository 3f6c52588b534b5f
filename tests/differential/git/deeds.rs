//! What a line did, by what it left behind: refs and files before and after, git's own trace of the command it ran, and
//! the marker of a planted program. Each line of `lines.txt` and of the generator is held to its reading by it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portcullis::model::Reading;

use super::world::Machine;
use super::{machine, read, words};
use crate::twice;

/// `setup | line << standard input`; a leading `~` marks a line whose planted program runs only in a state that a
/// reading does not ask about, a leading `NAME=value` is environment.
const LINES: &str = include_str!("lines.txt");

/// What is there to be changed.
#[derive(PartialEq, Eq)]
struct State {
    remotes: BTreeMap<String, String>,
    local: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
    config: Vec<Vec<u8>>,
}

impl State {
    fn of(machine: &Machine) -> Self {
        let refs = |folder: &str| -> BTreeMap<String, String> {
            let out = machine.git_in(folder, &["for-each-ref", "--format=%(refname) %(objectname)"]);
            let lines = out.lines().filter_map(|line| line.split_once(' '));
            lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
        };
        let remotes = ["origin.git", "other.git"].into_iter().flat_map(refs_of(&refs)).collect();
        let mut files = BTreeMap::new();
        walk(&machine.path("tree"), &mut files);
        let config = ["tree/.git/config", "home/.gitconfig"].iter();
        let config = config.map(|path| std::fs::read(machine.path(path)).unwrap_or_default()).collect();
        State { remotes, local: refs("tree"), files, config }
    }
}

fn refs_of<'a>(
    refs: &'a dyn Fn(&str) -> BTreeMap<String, String>,
) -> impl Fn(&'static str) -> Vec<(String, String)> + 'a {
    move |folder| refs(folder).into_iter().map(|(name, id)| (format!("{folder} {name}"), id)).collect()
}

fn walk(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && entry.file_name() != ".git" => walk(&path, files),
            Ok(kind) if kind.is_file() => {
                files.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
            }
            _ => {}
        }
    }
}

fn texts(reading: &Reading, key: &str) -> BTreeSet<String> {
    reading.effective[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn holds(patterns: &BTreeSet<String>, name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => pattern == name,
    })
}

/// The command that git says it ran last (api-trace2, "cmd_name"), its own children not counted.
fn traced(machine: &Machine) -> Option<String> {
    let text = std::fs::read_to_string(machine.path("trace")).ok()?;
    let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let own = events.filter(|event| event["event"] == "cmd_name" && !event["sid"].as_str().unwrap().contains('/'));
    own.collect::<Vec<_>>()
        .pop()
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .filter(|name| !name.starts_with('_'))
}

/// Where the reading and the deed part.
pub fn difference(line: &str) -> Option<String> {
    let (may, text) = line.strip_prefix("~ ").map_or((false, line), |rest| (true, rest));
    let (setup, typed) = text.split_once(" | ").unwrap_or(("", text));
    let (typed, input) = typed.split_once(" << ").unwrap_or((typed, ""));
    let mut machine = machine();
    machine.stdin = input.replace("\\n", "\n").replace("\\0", "\0").into_bytes();
    if let Err(error) = machine.try_shell(&machine.spelled(setup)) {
        return Some(format!("{line}\n    {error}"));
    }
    let mut args = words(&machine.spelled(typed));
    while let Some((name, value)) = args.first().and_then(|word| super::programs::variable(word)) {
        machine.environment.insert(name, value);
        args.remove(0);
    }
    let _ = std::fs::remove_file(machine.path("ran"));
    let reading = read(&machine, &args);
    let before = State::of(&machine);
    machine.environment.insert("GIT_TRACE2_EVENT".into(), machine.path("trace").display().to_string());
    let output = machine.run(&args);
    machine.environment.remove("GIT_TRACE2_EVENT");
    let ran = machine.path("ran").exists();
    let code = output.status.code().unwrap_or(-1);
    let wrong = parted(&reading, may, ran, code, traced(&machine), &before, &State::of(&machine));
    let error = output.stderr.escape_ascii().to_string();
    (!wrong.is_empty()).then(|| format!("{line}\n    {} (exit {code}, {})", wrong.join("; "), error.trim()))
}

fn parted(
    reading: &Reading,
    may: bool,
    ran: bool,
    code: i32,
    traced: Option<String>,
    before: &State,
    after: &State,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let effect = reading.effective["effect"].as_str().unwrap();
    let said = reading.effective["runs_program"].as_bool().unwrap();
    if (said != ran && !may) || (ran && !said) {
        wrong.push(format!("said programs {}, ran {ran}", reading.effective["programs"]));
    }
    let name = reading.effective["subcommand"].as_str();
    if traced.is_some() && name != Some("!sh") && traced.as_deref() != name {
        wrong.push(format!("said {name:?}, traced {traced:?}"));
    }
    let plain = |key: &String| key.split_once(' ').unwrap().1.to_owned();
    let (updated, deleted) = (texts(reading, "refs_updated"), texts(reading, "refs_deleted"));
    let changed = after.remotes.iter().filter(|(name, id)| before.remotes.get(*name) != Some(*id));
    let gone = before.remotes.keys().filter(|name| !after.remotes.contains_key(*name));
    wrong.extend(
        changed.map(|(key, _)| plain(key)).filter(|n| !holds(&updated, n)).map(|n| format!("{n} was not told")),
    );
    wrong.extend(gone.map(plain).filter(|n| !holds(&deleted, n)).map(|n| format!("the deletion of {n} was not told")));
    let stayed = before.local == after.local && before.files == after.files && before.remotes == after.remotes;
    if matches!(effect, "none" | "read") && !stayed {
        wrong.push(format!("said {effect}, and something changed"));
    }
    if effect == "none" && code == 0 {
        wrong.push("said that git refuses, and it did not".into());
    }
    if code == 129 && !matches!(effect, "none" | "read") {
        wrong.push(format!("said {effect}, and git refused"));
    }
    if before.config != after.config && matches!(effect, "none" | "read") {
        wrong.push(format!("said {effect}, and configuration changed"));
    }
    wrong
}

/// Tries lines on all processors; what differs comes back.
pub fn differences(lines: &[String]) -> Vec<String> {
    // The template is made once, before the lines divide among the processors.
    drop(machine());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let parts: Vec<_> = lines
            .chunks(lines.len().div_ceil(processors).max(1))
            .map(|part| scope.spawn(|| part.iter().filter_map(|line| twice(|| difference(line))).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Every eighth line is tried; with `DIFFERENTIAL=all` in the environment every one, and of the file that
/// `PORTCULLIS_LINES` names, where it is no number, all of its own.
#[test]
fn a_line_leaves_behind_what_its_reading_says() {
    let own = std::env::var("PORTCULLIS_LINES").ok().filter(|text| text.parse::<u64>().is_err());
    let all = own.is_some() || std::env::var_os("DIFFERENTIAL").is_some_and(|which| which == "all");
    let text = own.as_ref().map_or_else(|| LINES.to_owned(), |path| std::fs::read_to_string(path).unwrap());
    let lines: Vec<String> = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
    assert!(own.is_some() || lines.len() >= 250, "only {} lines", lines.len());
    let tried: Vec<String> = lines.into_iter().step_by(if all { 1 } else { 8 }).collect();
    let wrong = differences(&tried);
    assert!(wrong.is_empty(), "{} of {} lines differ:\n{}", wrong.len(), tried.len(), wrong.join("\n"));
}

/// Step by step git gets to where one path would be too long (path_resolution(7)), and back.
#[test]
fn a_folder_that_no_path_reaches_is_gone_through() {
    let name = "d".repeat(200);
    let make = format!("bash -c 'for n in $(seq 25); do mkdir {name} && cd {name}; done'");
    let steps = [vec![format!("-C {name}"); 25], vec!["-C ..".to_owned(); 25]].concat().join(" ");
    assert_eq!(difference(&format!("{make} | {steps} tag deep")), None);
}
