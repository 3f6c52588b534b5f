//! `portcullis policy check | test | explain`: the policy author's tools. They need no server and start nothing.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::explain::{Asker, look};
use super::explained;
use crate::model::{Facts, Invocation, InvocationId, Pin, Reading, StreamKind, Streams, visible};
use crate::policy::suite::Suite;
use crate::policy::{LoadError, PolicySet, Question};
use crate::tools;

/// Check, test and explain policies.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Read every policy of a folder and check it against the schema.
    Check {
        /// The folder with *.cedar and masks.toml; without it the policies that ship with Portcullis.
        folder: Option<PathBuf>,
    },
    /// Run the cases of one or more folders (cases.toml beside the policies); exit 1 where one fails.
    Test {
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// Say what each policy answers to a command.
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The folder with the policies; without it the policies that ship with Portcullis.
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    asker: Asker,
    /// A reading as `portcullis explain --json` prints it, from a file or `-`, instead of a command.
    #[arg(long, value_name = "FILE", conflicts_with = "line")]
    reading: Option<PathBuf>,
    /// The command, after `--`. Nothing of it is run; it is read as `portcullis explain` reads it here.
    #[arg(last = true, value_name = "TOOL ARG")]
    line: Vec<OsString>,
}

/// Runs the command; the code is 1 where a policy or a case is wrong.
pub fn run(args: PolicyArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match args.command {
        PolicyCommand::Check { folder } => check(folder.as_deref(), global.json),
        PolicyCommand::Test { folders } => test(&folders, global.json),
        PolicyCommand::Explain(args) => explain(&args, global.json),
    }
}

fn check(folder: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    match load(folder)? {
        Ok(set) if json => {
            say(&json!({ "ok": true, "policies": set.len(), "digest": set.digest() }).to_string());
            Ok(ExitCode::SUCCESS)
        }
        Ok(set) => {
            say(&format!("{} policies are good, digest {}", set.len(), set.digest()));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            complain(&error, json);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn test(folders: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    for folder in folders {
        let name = shown(folder);
        let path = folder.join("cases.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", shown(&path)))?;
        let outcomes = match load(Some(folder))?.and_then(|set| Ok((Suite::parse("cases.toml", &text)?, set))) {
            Ok((suite, set)) => suite.run(&set, &read),
            Err(error) => {
                failed = true;
                complain(&error, json);
                continue;
            }
        };
        let failures = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
        failed |= failures > 0;
        if json {
            say(&json!({ "folder": name, "failed": failures, "cases": outcomes }).to_string());
            continue;
        }
        for outcome in outcomes.iter().filter(|outcome| !outcome.failures.is_empty()) {
            say(&format!("{name}: FAILED {}", outcome.name));
            for failure in &outcome.failures {
                say(&format!("    {}", visible::line(failure.as_bytes(), 2_000)));
            }
        }
        say(&format!("{name}: {} cases, {failures} failed", outcomes.len()));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn explain(args: &ExplainArgs, json: bool) -> anyhow::Result<ExitCode> {
    let set = match load(args.policy.as_deref())? {
        Ok(set) => set,
        Err(error) => {
            complain(&error, json);
            return Ok(ExitCode::FAILURE);
        }
    };
    let (invocation, reading) = match &args.reading {
        Some(path) => {
            let text = if path.as_os_str() == "-" {
                io::read_to_string(io::stdin()).context("cannot read standard input")?
            } else {
                fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))?
            };
            let reading: Reading =
                serde_json::from_str(&text).context("that is no reading as `portcullis explain --json` prints it")?;
            (invocation(&reading.tool), reading)
        }
        None => {
            anyhow::ensure!(!args.line.is_empty(), "give a command after --, or a reading with --reading FILE");
            let (invocation, facts) = look(&args.line, None, None)?;
            let reading = read(&invocation, &facts).context("the tool is gone")?;
            (invocation, reading)
        }
    };
    let subject = args.asker.subject();
    let question = Question { subject: &subject, invocation: &invocation, reading: &reading };
    let explanation = set.explain(&question);
    if json {
        say(&serde_json::to_string(&explanation)?);
    } else {
        say(explained::steps(&explanation, explained::Shown::Answers).trim_end());
        say(explained::verdict(&set.decide(&question)).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// The policies of a folder, or the shipped ones. The outer error is the folder's, the inner one a policy's.
pub(super) fn load(folder: Option<&Path>) -> anyhow::Result<Result<PolicySet, LoadError>> {
    let Some(folder) = folder else { return Ok(Ok(PolicySet::shipped())) };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", shown(folder)))? {
        let path = entry.with_context(|| format!("cannot list {}", shown(folder)))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name == "masks.toml" || name.ends_with(".cedar") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", shown(&path)))?;
            files.push((name, text));
        }
    }
    anyhow::ensure!(files.iter().any(|(name, _)| name.ends_with(".cedar")), "no *.cedar in {}", shown(folder));
    files.sort();
    Ok(PolicySet::load(&files))
}

/// The tool's own reading.
fn read(invocation: &Invocation, facts: &Facts) -> Option<Reading> {
    tools::by_name(&invocation.tool).map(|tool| tool.read(invocation, facts))
}

/// For a reading that came without its command.
fn invocation(tool: &str) -> Invocation {
    Invocation {
        id: InvocationId::from_ulid(0),
        tool: tool.to_owned(),
        argv0: tool.into(),
        args: Vec::new(),
        cwd: None,
        variables: Default::default(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

fn complain(error: &LoadError, json: bool) {
    if json {
        let place = json!({ "file": error.file, "line": error.line, "column": error.column });
        say(&json!({ "ok": false, "place": place, "why": error.why, "hint": error.hint }).to_string());
    } else {
        say(&error.to_string());
    }
}

fn shown(path: &Path) -> String {
    visible::line(path.as_os_str().as_encoded_bytes(), 400)
}

/// One line on standard output: what the command was asked for. A reader that went away is no failure.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy-examples");
        let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.retain(|path| path.is_dir());
        all.sort();
        all
    }

    #[test]
    fn every_example_is_whole_and_answers_as_its_cases_say() {
        let mut names = Vec::new();
        for folder in examples() {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(folder.join("README.md").is_file(), "{name} has no README.md");
            let set = load(Some(&folder)).unwrap().unwrap();
            let text = fs::read_to_string(folder.join("cases.toml")).unwrap();
            let outcomes = Suite::parse("cases.toml", &text).unwrap().run(&set, &read);
            let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).collect();
            assert!(failed.is_empty(), "{name}: {failed:#?}");
            names.push(name);
        }
        for expected in ["protect-main", "read-only-analyst", "prod-needs-a-human"] {
            assert!(names.iter().any(|name| name == expected), "{names:?}");
        }
    }

    #[test]
    fn a_failing_case_and_a_broken_policy_exit_1() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("p.cedar", "@id(\"a\") permit (principal, action == Action::\"tool.info\", resource);");
        write("cases.toml", "[[case]]\nname = \"meant to fail\"\noperations = []\nexpect = \"deny\"\n");
        let code = |result: anyhow::Result<ExitCode>| format!("{:?}", result.unwrap());
        let folders = [folder.path().to_owned()];
        assert_eq!(code(test(&folders, false)), format!("{:?}", ExitCode::FAILURE));
        write("cases.toml", "[[case]]\nname = \"nothing\"\noperations = []\nexpect = \"allow\"\n");
        assert_eq!(code(test(&folders, true)), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(check(Some(folder.path()), true)), format!("{:?}", ExitCode::SUCCESS));
        write("q.cedar", "permit (principal, action, resource);");
        assert_eq!(code(check(Some(folder.path()), false)), format!("{:?}", ExitCode::FAILURE));
    }
}
