//! `portcullis completions` and `portcullis man`: what shells and man(1) want to know of this program.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::{command, show};

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_long_help = "Example:\n  portcullis completions bash > /etc/bash_completion.d/portcullis")]
pub struct CompletionsArgs {
    shell: Shell,
}

/// Write manual pages, one for each command
#[derive(Args)]
#[command(after_long_help = "Example:\n  portcullis man --out /usr/local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "portcullis", &mut script);
    show::text(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&args.out)?;
    clap_mangen::generate_to(command(), &args.out)?;
    Ok(ExitCode::SUCCESS)
}
