//! `portcullis status`: how this machine's keeper is.

use std::process::ExitCode;

use clap::Args;

use super::control::{self, KeeperOption};
use super::{Global, show};
use crate::model::{Subject, SubjectKind, visible};
use crate::wire::frames::KeeperStatus;

/// Show who is signed in, whether the server answers, and what waits in the spool.
///
/// Exit code 0 where commands can run: the keeper answers, the server answers, somebody is signed in.
#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &StatusArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let status = control::status(&args.keeper.path())?;
    if global.json {
        show::json(&status)?;
    } else {
        show::table(&[], &rows(&status))?;
    }
    Ok(if status.who.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rows(status: &KeeperStatus) -> Vec<Vec<String>> {
    let spool = &status.spool;
    let mut waits =
        format!("{} of {}, {} recordings wait", show::size(spool.bytes), show::size(spool.limit), spool.waiting);
    if spool.refused > 0 {
        waits.push_str(&format!(", {} the server refused", spool.refused));
    }
    let version = status.server_version.as_ref().map(|version| format!(", {version}")).unwrap_or_default();
    let mut rows = vec![
        row("keeper", format!("{}, process {}, user {}", status.keeper, status.pid, status.uid)),
        row("server", format!("{}{version}", status.server)),
        row("signed in", status.who.as_ref().map_or_else(|| "nobody".to_owned(), subject)),
        row("login", status.kept.clone().unwrap_or_else(|| "none".to_owned())),
        row("running", format!("{} commands", spool.live)),
        row("spool", waits),
    ];
    rows.extend(status.troubles.iter().map(|trouble| row("trouble", visible::line(trouble.as_bytes(), 500))));
    rows
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

/// A subject for people.
pub fn subject(who: &Subject) -> String {
    let kind = match who.kind {
        SubjectKind::Person => "person",
        SubjectKind::Machine => "machine",
    };
    let name = visible::line(format!("{} ({kind}", who.name).as_bytes(), 200);
    if who.groups.is_empty() { format!("{name})") } else { format!("{name}; groups {})", who.groups.join(", ")) }
}
