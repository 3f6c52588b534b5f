//! `portcullis`: the command line of people, scripts and the keeper. One file a command.
//!
//! Exit codes: 0 done, 1 failed or found wanting, 2 not understood. Results go to standard output, everything else to
//! standard error; what quotes the agent is escaped first.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod approvals;
mod audit;
mod chain;
mod check;
mod completions;
mod control;
mod demo;
mod doctor;
mod explain;
mod explained;
mod findings;
mod keeper;
mod login;
mod logout;
mod own_programs;
mod person;
mod pin;
pub mod policy;
mod redact;
mod replay;
mod say;
mod sessions;
mod show;
mod status;

use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

pub use say::Complaint;

/// A gate in the path of each command that an AI agent runs.
///
/// git, kubectl, psql and curl are understood, decided, lent a credential for as long as they run, masked and recorded.
/// This program runs the keeper beside the agent and is how people sign in, approve, replay and look after the gate.
#[derive(Parser)]
#[command(name = "portcullis", version, max_term_width = 100, after_long_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const AFTER: &str = "\
Examples:
  portcullis status                     how is the gate on this machine?
  portcullis login                      sign this machine's keeper in
  portcullis login --self --server https://gate.example --ca ca.pem
                                        sign in as yourself, to approve and to look
  portcullis approvals list             what waits for a human
  portcullis doctor                     which ways round the gate are open here

Exit codes: 0 done, 1 failed, 2 not understood.";

/// What every command takes.
#[derive(Args, Clone, Default)]
pub struct Global {
    /// One JSON value on standard output, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Subcommand)]
enum Command {
    Status(status::StatusArgs),
    Login(login::LoginArgs),
    Logout(logout::LogoutArgs),
    Explain(explain::ExplainArgs),
    Approvals(approvals::ApprovalsArgs),
    Sessions(sessions::SessionsArgs),
    Audit(audit::AuditArgs),
    Policy(policy::PolicyArgs),
    Redact(redact::RedactArgs),
    Keeper(keeper::KeeperArgs),
    Check(check::CheckArgs),
    Doctor(doctor::DoctorArgs),
    Pin(pin::PinArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    Demo(demo::DemoArgs),
}

/// Everything: what `bin/portcullis.rs` calls.
pub fn main() -> ExitCode {
    // One provider for every connection; another one in the process would be a mistake of ours.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let global = cli.global;
    match run(cli.command, &global) {
        Ok(code) => code,
        Err(error) => say::failed(&error, global.json),
    }
}

fn run(command: Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Approvals(args) => approvals::run(&args, global),
        Command::Audit(args) => audit::run(&args, global),
        Command::Check(args) => check::run(&args, global),
        Command::Doctor(args) => doctor::run(&args, global),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
        Command::Pin(args) => pin::run(&args, global),
        Command::Sessions(args) => sessions::run(&args, global),
        Command::Explain(args) => explain::run(&args, global),
        Command::Demo(args) => demo::run(&args),
        Command::Keeper(args) => keeper::run(args),
        Command::Login(args) => login::run(&args, global),
        Command::Logout(args) => logout::run(&args, global),
        Command::Policy(args) => policy::run(args, global),
        Command::Redact(args) => redact::run(&args, global),
        Command::Status(args) => status::run(&args, global),
    }
}

/// The whole command tree, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

/// One thread is enough for a command that asks the server a few things.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
