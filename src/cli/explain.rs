//! `portcullis explain`: what the gate understands of a command, without a server and without running it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use rustix::fs::FileType;
use serde_json::{Value, json};

use super::{Global, policy};
use crate::model::{
    Bytes, Effect, Facts, Invocation, InvocationId, Operation, Pin, Reading, StreamKind, Streams, Subject, SubjectKind,
    visible,
};
use crate::policy::{Question, Verdict};
use crate::shim::{Machine, locate};
use crate::sys::caller;
use crate::tools::{self, Limits};

/// Longest value that the readable form shows, in characters.
const SHOWN: usize = 200;

/// Say what a command would do. Nothing of it is run; only read-only questions are asked of this machine.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A file to read in place of standard input.
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Read the options as this version of the tool does, not as the installed one.
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
    /// A folder of policies: say what they answer, too.
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// The command, after `--`.
    #[arg(last = true, required = true, value_name = "TOOL ARG")]
    line: Vec<OsString>,
}

/// Runs the command. The code is 0 whatever the command would do.
pub fn run(args: &ExplainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (invocation, facts) = look(&args.line, args.stdin.clone(), args.tool_version.as_deref())?;
    let tool = tools::by_name(&invocation.tool).context("the tool is gone")?;
    let reading = tool.read(&invocation, &facts);
    let mut out = io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&reading)?)?;
    } else {
        out.write_all(readable(&reading).as_bytes())?;
    }
    if let Some(folder) = &args.policy {
        let set = policy::load(Some(folder))?.context("the policies do not load")?;
        let subject = Subject {
            id: "agent".to_owned(),
            name: "agent".to_owned(),
            kind: SubjectKind::Machine,
            groups: Vec::new(),
        };
        let verdict = set.decide(&Question { subject: &subject, invocation: &invocation, reading: &reading });
        let words = if global.json { format!("{}\n", answer(&verdict)) } else { said(&verdict) };
        out.write_all(words.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The command as the shim would meet it here, and what its reading needs of this machine.
pub(super) fn look(
    line: &[OsString],
    stdin_file: Option<PathBuf>,
    tool_version: Option<&str>,
) -> anyhow::Result<(Invocation, Facts)> {
    let mut words = line.iter().map(|word| Bytes(word.clone().into_vec()));
    let argv0 = words.next().unwrap_or_default();
    let name = argv0.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let shown = || visible::line(&argv0, SHOWN);
    let name = std::str::from_utf8(name).with_context(|| format!("no tool is called {}", shown()))?.to_owned();
    let tool = tools::by_name(&name).with_context(|| {
        let known: Vec<_> = tools::ALL.iter().map(|tool| tool.name()).collect();
        format!("no tool is called {}; known are {}", shown(), known.join(", "))
    })?;
    let stdin = if stdin_file.is_some() { StreamKind::File } else { stream_kind(io::stdin()) };
    let invocation = Invocation {
        id: InvocationId::from_ulid(0),
        tool: name.clone(),
        args: words.collect(),
        cwd: std::env::current_dir().ok().map(|folder| Bytes(folder.into_os_string().into_vec())),
        variables: variables(tool.variables()),
        streams: Streams { stdin, stdout: stream_kind(io::stdout()), stderr: stream_kind(io::stderr()) },
        parent: None,
        pin: Pin::Unpinned,
        argv0: argv0.clone(),
    };
    // Where there is no such tool, its questions have no answer, and the reading says what it lacks.
    let real = locate::on_path(&name).unwrap_or_default();
    let machine = Machine::new(real, Limits::default(), stdin_file);
    let mut facts = tool.gather(&invocation, &machine);
    if let Some(version) = tool_version {
        facts.version = Some(version.to_owned());
    }
    Ok((invocation, facts))
}

/// The caller's variables whose names the tool lists; a trailing `*` stands for any ending.
fn variables(names: &[&str]) -> BTreeMap<String, Bytes> {
    let listed = |name: &str| {
        names.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *pattern,
        })
    };
    let mut found = BTreeMap::new();
    for entry in caller::environment() {
        let entry = entry.into_vec();
        let Some(at) = entry.iter().position(|b| *b == b'=') else { continue };
        match std::str::from_utf8(&entry[..at]) {
            // Of duplicates, getenv(3) finds the first.
            Ok(name) if listed(name) => {
                found.entry(name.to_owned()).or_insert_with(|| Bytes::from(&entry[at + 1..]));
            }
            _ => {}
        }
    }
    found
}

/// What one of the standard descriptors is.
fn stream_kind(stream: impl AsFd) -> StreamKind {
    let Ok(stat) = rustix::fs::fstat(&stream) else { return StreamKind::Closed };
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    match FileType::from_raw_mode(stat.st_mode) {
        _ if rustix::termios::isatty(&stream) => StreamKind::Terminal,
        FileType::Fifo | FileType::Socket => StreamKind::Pipe,
        FileType::RegularFile => StreamKind::File,
        // null(4)
        FileType::CharacterDevice if device == (1, 3) => StreamKind::Null,
        _ => StreamKind::Other,
    }
}

/// The reading for eyes: operations as a table, then doubts, then what the tool's own words say.
fn readable(reading: &Reading) -> String {
    let version = reading.version.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
    let mut out = format!("{}{version}\n", reading.tool);
    let rows: Vec<[String; 3]> = reading.operations.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (effects, actions) = (width(0), width(1));
    for [effect, action, resource] in &rows {
        out.push_str(&format!("  {effect:effects$}  {action:actions$}  {resource}\n"));
    }
    if rows.is_empty() {
        out.push_str("  nothing that policy is asked about\n");
    }
    if !reading.doubts.is_empty() {
        out.push_str("doubts\n");
        for doubt in &reading.doubts {
            out.push_str(&format!("  {}: {}\n", doubt.kind, visible::line(doubt.detail.as_bytes(), SHOWN)));
        }
    }
    out.push_str("effective\n");
    for (key, value) in &reading.effective {
        out.push_str(&format!("  {key}: {}\n", visible::line(value.to_string().as_bytes(), SHOWN)));
    }
    out
}

fn row(operation: &Operation) -> [String; 3] {
    let effect = match operation.effect {
        Effect::Read => "read",
        Effect::Disclose => "disclose",
        Effect::Write => "write",
        Effect::Destroy => "destroy",
        Effect::Execute => "execute",
        Effect::Escalate => "escalate",
    };
    let context = match &operation.context {
        context if context.is_empty() => String::new(),
        context => format!(
            "  ({})",
            context.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect::<Vec<_>>().join(", ")
        ),
    };
    let resource = format!("{} {}{context}", operation.resource.kind, operation.resource.id);
    [effect.to_owned(), operation.action.clone(), visible::line(resource.as_bytes(), SHOWN)]
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The policies' answer as one JSON object.
fn answer(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Allow { terms, policies } => json!({ "decision": "allow", "terms": terms, "policies": policies }),
        Verdict::Ask { terms, needs, policies } => {
            let needs: Vec<_> =
                needs.iter().map(|need| json!({ "groups": need.groups, "approvers": need.approvers })).collect();
            json!({ "decision": "ask", "needs": needs, "terms": terms, "policies": policies })
        }
        Verdict::Deny(refusal) => json!({ "decision": "deny", "refusal": refusal }),
    }
}

/// The policies' answer for eyes.
fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow { terms, policies } => {
            let mut out = format!("allowed by {}\n", policies.join(", "));
            for (label, list) in [("masks", &terms.masks), ("credentials", &terms.grants)] {
                if !list.is_empty() {
                    out.push_str(&format!("  {label}: {}\n", list.join(", ")));
                }
            }
            out
        }
        Verdict::Ask { needs, policies, .. } => {
            let mut out = format!("waits for approval, for {}\n", policies.join(", "));
            for need in needs {
                out.push_str(&format!("  {} of {}\n", need.approvers, need.groups.join(", ")));
            }
            out
        }
        Verdict::Deny(refusal) => {
            let mut out = format!("refused: {}\n  why: {}\n", refusal.what, refusal.why);
            if let Some(hint) = &refusal.hint {
                out.push_str(&format!("  hint: {hint}\n"));
            }
            out
        }
    }
}
