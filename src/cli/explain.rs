//! `portcullis explain`: what the gate understands of a command, without a server and without running it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use rustix::fs::FileType;

use super::explained::{self, Shown};
use super::{Global, policy, show};
use crate::model::{Bytes, Facts, Invocation, InvocationId, Pin, StreamKind, Streams, Subject, SubjectKind, visible};
use crate::policy::{PolicySet, Question};
use crate::shim::{Machine, locate};
use crate::sys::caller;
use crate::tools::{self, Limits};

/// Longest name of a tool that an error repeats, in characters.
const SHOWN: usize = 200;

/// Say what a command would do: what its tool makes of it, each operation and doubt, and the Cedar request that each
/// becomes. Nothing of it is run; only read-only questions are asked of this machine.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  portcullis explain -- git push --force origin main
  portcullis explain --policy policy-examples/protect-main --group agents -- git push --force origin main
  portcullis explain --stdin fix.sql -- psql orders
  portcullis explain --json -- kubectl delete pods --all | jq .effective.calls")]
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
    #[command(flatten)]
    asker: Asker,
    /// The command, after `--`.
    #[arg(last = true, required = true, value_name = "TOOL ARG")]
    line: Vec<OsString>,
}

/// Who is asking, as far as policies care.
#[derive(Debug, Args)]
pub(super) struct Asker {
    /// Who asks
    #[arg(long, default_value = "agent", value_name = "NAME")]
    user: String,
    /// A group of who asks; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A person asks, not a machine
    #[arg(long)]
    person: bool,
}

impl Asker {
    pub(super) fn subject(&self) -> Subject {
        let kind = if self.person { SubjectKind::Person } else { SubjectKind::Machine };
        Subject { id: self.user.clone(), name: self.user.clone(), kind, groups: self.groups.clone() }
    }
}

/// Runs the command. The code is 0 whatever the command would do.
pub fn run(args: &ExplainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (invocation, facts) = look(&args.line, args.stdin.clone(), args.tool_version.as_deref())?;
    let tool = tools::by_name(&invocation.tool).context("the tool is gone")?;
    let reading = tool.read(&invocation, &facts);
    let set = match &args.policy {
        Some(folder) => Some(policy::load(Some(folder))?.context("the policies do not load")?),
        None => None,
    };
    let subject = args.asker.subject();
    let question = Question { subject: &subject, invocation: &invocation, reading: &reading };
    if global.json {
        show::line(&serde_json::to_string(&reading)?)?;
        if let Some(set) = &set {
            show::line(&explained::verdict_json(&set.decide(&question)).to_string())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    show::text(&explained::reading(&question))?;
    // What Cedar is asked does not hang on the policies, so without any the shipped ones carry the question.
    let asked = set.as_ref().map_or_else(|| PolicySet::shipped().explain(&question), |set| set.explain(&question));
    let shown = if set.is_some() { Shown::Everything } else { Shown::Requests };
    show::text(&explained::steps(&asked, shown))?;
    if let Some(set) = &set {
        show::text(&explained::verdict(&set.decide(&question)))?;
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
    let real = locate::on_path(&name).ok();
    let told = tool_version.filter(|_| real.is_none()).into_iter().flat_map(|version| told(&name, version));
    let machine = Machine::new(real.unwrap_or_default(), Limits::default(), stdin_file).knowing(told.collect());
    let mut facts = tool.gather(&invocation, &machine);
    if let Some(version) = tool_version {
        facts.version = Some(version.to_owned());
    }
    Ok((invocation, facts))
}

/// What the tool would say of its version: psql looks for files that bear it (`~/.psqlrc-15`).
fn told(name: &str, version: &str) -> Option<(String, String)> {
    (name == "psql").then(|| ("--version".to_owned(), format!("psql (PostgreSQL) {version}")))
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
