//! `portcullis demo`: hands over to the demo's own program, where `install.sh --demo` put it.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::Complaint;

/// Run or end the demo that `install.sh --demo` installed
#[derive(Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Start the demo's world, show each stage, and leave it up
    Run,
    /// End everything the demo left running, and remove its data
    Stop,
}

/// Does not come back where the demo is installed.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let prefix = prefix()?;
    let program = prefix.join("lib/portcullis/portcullis-demo");
    if !program.exists() {
        let complaint = Complaint::new("the demo is not installed here", format!("there is no {}", program.display()));
        return Err(complaint.hint("in a checkout of the project: ./install.sh --demo").into());
    }
    #[allow(clippy::disallowed_methods, reason = "nothing of the agent's is started, and nothing of ours goes on")]
    let mut command = Command::new(&program);
    match args.what {
        What::Run => command.args(["run", "--keep", "yes", "--prefix"]),
        What::Stop => command.args(["stop", "--prefix"]),
    };
    Err(command.arg(prefix).exec()).with_context(|| format!("{} does not start", program.display()))
}

/// PREFIX of PREFIX/bin/portcullis.
fn prefix() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("this program's own place is not known")?;
    program.parent().and_then(|bin| bin.parent()).map(PathBuf::from).context("this program stands in no PREFIX/bin")
}
