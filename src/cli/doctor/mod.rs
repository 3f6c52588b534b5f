//! `portcullis doctor`: which ways round the gate are open to whoever runs it. Run it as the agent's user.
//!
//! Each way is really tried, with attempts that do no harm: a version is asked for, a file is opened. No value of a
//! credential is ever shown.

mod attempt;
pub mod fix;
mod keeper;
mod lying;
mod processes;
mod programs;
mod switches;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::control::KeeperOption;
use super::findings::{self, Finding, State};
use super::{Global, pin, show};
use crate::tools;
use lying::Lying;

/// Try to get round the gate, way by way, and say which are open.
///
/// Run it as the agent's user, in the agent's environment: what is tried is what that user can do. Every attempt is really
/// made and does no harm: programs are asked for their version (through the shims too, so the gate records it), files are
/// opened for reading, and no value of a credential is shown. "closed": it did not work. "open": it did. "open but
/// worthless": a real tool was reached past its shim, as whoever may run programs always can, but no credential is there
/// for it. Exit code 0 where nothing is open.
#[derive(Args)]
#[command(after_long_help = "\
With --json: {\"version\": 1, \"open\": NUMBER, \"user\": UID, \"fixed\": [TEXT...], \"findings\": [{\"hole\": WORD, \"what\": TEXT,
\"state\": \"closed\" | \"open\" | \"worthless\", \"tried\": TEXT, \"seen\": TEXT, \"hint\": TEXT or null}...]}. `what` is good where it
is so; `hint` says how to close it; `hole` is one of absolute_path, exec_path, copied_binary, loader, environment, path,
login_shell, default_path, shell_hash, credentials, process_environment, descriptors, keeper, keeper_files, installation,
changed_tool, trace, setup.

Examples:
  portcullis doctor
  portcullis doctor --json | jq '.findings[] | select(.state == \"open\")'
  sudo portcullis doctor --fix      # the tools were upgraded: pin them again")]
pub struct DoctorArgs {
    /// Put right first what can be without a choice: pin the real tools as they are now, take back rights that nobody
    /// should have. Says what it did
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &DoctorArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let pins_file = pin::default_file()?;
    let socket = findings::socket(&pins_file, &args.keeper);
    let fixed = if args.fix { fix::everything(&pins_file, &socket)? } else { Vec::new() };
    let uid = rustix::process::geteuid().as_raw();
    report(&look(uid, &pins_file, &socket), &fixed, uid, global)
}

/// Everything, in the order in which somebody would try it.
fn look(uid: u32, pins_file: &Path, socket: &Path) -> Vec<Finding> {
    let (environments, descriptors) = (processes::environments(), processes::descriptors());
    let mut all: Vec<Finding> = tools::ALL.iter().map(|tool| first_on_path(tool.name())).collect();
    let mut lying = lying::look();
    all.extend(credentials("credentials", "no credential lies around", "the usual files and variables", &lying));
    let what = "no environment of another process holds a credential";
    all.extend(credentials("process_environment", what, "/proc/PID/environ of every process", &environments));
    let what = "no open descriptor leads to a credential";
    all.extend(credentials("descriptors", what, "/proc/PID/fd of every process", &descriptors));
    lying.extend(environments);
    lying.extend(descriptors);
    let pins = findings::read_pins(pins_file);
    for tool in tools::ALL {
        if let Some(pinned) = pins.as_ref().ok().and_then(|pins| pins.tools.get(tool.name())) {
            all.extend(programs::Quarry { name: tool.name(), pinned, lying: &lying }.hunt());
        }
    }
    all.extend(switches::hunt(&lying));
    all.push(findings::pins(pins_file).by("changed_tool", "read each and compared its digest"));
    all.extend(keeper::not_writable(uid, pins_file, socket));
    let (gate, status) = findings::gate(socket);
    all.extend(gate.into_iter().map(|finding| finding.by("setup", "asked the keeper")));
    all.extend(status.iter().flat_map(|status| keeper::apart(uid, status)));
    all.push(processes::memory());
    all
}

fn report(all: &[Finding], fixed: &[String], uid: u32, global: &Global) -> anyhow::Result<ExitCode> {
    let open = all.iter().filter(|finding| finding.state == State::Open).count();
    if global.json {
        show::json(&json!({ "version": 1, "open": open, "user": uid, "fixed": fixed, "findings": all }))?;
        return Ok(code(open));
    }
    for words in fixed {
        show::line(&format!("fixed: {words}"))?;
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|finding| {
            let Finding { what, seen, tried, .. } = finding;
            vec![finding.state.word().to_owned(), what.clone(), seen.clone(), tried.clone()]
        })
        .collect();
    show::table(&["STATE", "HOLE", "SEEN", "TRIED"], &rows)?;
    let mut said: Vec<&str> = Vec::new();
    for finding in all.iter().filter(|finding| finding.state != State::Closed) {
        let Some(hint) = finding.hint.as_deref().filter(|hint| !said.contains(hint)) else { continue };
        said.push(hint);
        show::line(&format!("hint: {}: {hint}", finding.what))?;
    }
    if uid == 0 {
        show::line("note: this is root's view; run it as the agent's user to see the agent's")?;
    }
    Ok(code(open))
}

fn code(open: usize) -> ExitCode {
    if open == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a bare `git` would start.
fn first_on_path(name: &str) -> Finding {
    let what = format!("{name} on PATH is the shim");
    let found = pin::folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0));
    match found {
        None => Finding::closed(what, "there is none"),
        Some(path) => {
            let hint = "put the folder of the shims, PREFIX/lib/portcullis/shims, first on PATH";
            Finding::when(&what, pin::is_shim(&path), path.display().to_string(), hint)
        }
    }
    .by("path", "looked it up on PATH")
}

fn credentials(hole: &'static str, what: &str, where_: &str, lying: &[Lying]) -> Vec<Finding> {
    let tried = format!("read {where_}");
    if lying.is_empty() {
        return vec![Finding::closed(what, "none").by(hole, tried)];
    }
    let hint = "remove it and let the server lend it: see the credentials of the server's configuration";
    lying.iter().map(|lying| Finding::open(what, lying.seen.clone(), hint).by(hole, tried.clone())).collect()
}
