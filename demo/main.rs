//! The demo: a small world of hosts, a server and a keeper on this machine, and an agent whose commands pass the gate.
//! `install.sh --demo` builds and starts it; `portcullis demo stop` ends what it left running.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

/// Prints a line. A reader that went away (`… | head`) is no reason to leave processes behind.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod browser;
mod play;
mod postgres;
mod processes;
mod stage;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgAction, Parser};

/// Shows the gate at work with real commands against real hosts on this machine.
#[derive(Parser)]
#[command(name = "portcullis-demo", version)]
enum Arguments {
    /// Start the world, show each stage, and end it again.
    Run {
        /// Where install.sh installed.
        #[arg(long)]
        prefix: PathBuf,
        /// Leave everything running afterwards.
        #[arg(long, action = ArgAction::Set, value_parser = ["yes", "no"], default_value = "no")]
        keep: String,
    },
    /// End everything that an earlier run left, and remove its data.
    Stop {
        #[arg(long)]
        prefix: PathBuf,
    },
    /// The git host and the API (started by `run`).
    #[command(hide = true)]
    World {
        #[arg(long)]
        repositories: PathBuf,
        /// A file with the git host's token in its first line and the API's in its second.
        #[arg(long)]
        tokens: PathBuf,
    },
}

fn main() -> ExitCode {
    match act(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: Arguments) -> Result<()> {
    // A second provider in the process would make rustls panic; there is none, so this cannot fail.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match arguments {
        Arguments::Run { prefix, keep } => run(prefix, keep == "yes"),
        Arguments::Stop { prefix } => {
            let ended = stage::stop(&prefix)?;
            say!("{}", if ended { "The demo has ended; no process of it is left." } else { "No demo is running." });
            Ok(())
        }
        Arguments::World { repositories, tokens } => {
            let tokens = std::fs::read_to_string(tokens).context("the tokens cannot be read")?;
            let mut lines = tokens.lines().map(str::to_owned);
            let (git_token, api_token) = lines.next().zip(lines.next()).context("two tokens are needed")?;
            runtime()?.block_on(world::serve(world::World { repositories, git_token, api_token }))
        }
    }
}

/// Sets up, plays, and ends; whatever fails, nothing of it is left running.
fn run(prefix: PathBuf, keep: bool) -> Result<()> {
    stage::stop(&prefix).context("an earlier demo could not be ended")?;
    end_on_signals(prefix.clone())?;
    let played = stage::set(&prefix).and_then(|stage| {
        play::all(&stage)?;
        Ok(stage)
    });
    match played {
        Ok(stage) if keep => {
            stage.write_env()?;
            stage.say_what_is_left();
            Ok(())
        }
        Ok(_) => {
            stage::stop(&prefix)?;
            say!("\nEverything has been ended. To look around in it yourself: ./install.sh --demo --keep");
            Ok(())
        }
        Err(error) => {
            let logs = stage::save_logs(&prefix);
            stage::stop(&prefix).context("and what was started could not all be ended")?;
            Err(error.context(format!("the demo failed, and has been ended; its logs are in {}", logs.display())))
        }
    }
}

/// Whoever interrupts the demo leaves nothing of it running.
fn end_on_signals(prefix: PathBuf) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = runtime()?;
    let (mut interrupt, mut terminate, mut hangup) = runtime.block_on(async {
        anyhow::Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?))
    })?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
        });
        eprintln!("portcullis-demo: interrupted; ending what was started");
        let ended = stage::stop(&prefix);
        std::process::exit(if ended.is_ok() { 130 } else { 1 });
    });
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")
}
