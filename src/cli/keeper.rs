//! `portcullis keeper`: runs the daemon beside the agent.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::Complaint;
use crate::keeper::{self, Config, LogConfig, LogFormat};

/// Run the keeper: it holds the login and the grants, asks the server, and keeps recordings until the server has them.
///
/// It runs in the foreground until SIGTERM and logs to standard error. Run it as a user of its own: what runs as the
/// agent's user can be read by the agent.
#[derive(Args)]
#[command(after_long_help = AFTER)]
pub struct KeeperArgs {
    /// Configuration file [default: PREFIX/etc/portcullis/keeper.toml, where this program is PREFIX/bin/portcullis]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER: &str = "\
Examples:
  portcullis keeper
  portcullis keeper --config /etc/portcullis/keeper.toml

keeper.toml:
  server = \"https://gate.example:7443\"      # https only
  ca = \"ca.pem\"                             # PEM; no other authority is believed [the system's]
  socket = \"/run/portcullis/keeper.sock\"    # shims connect here
  group = \"agents\"                          # who may connect [everybody]
  operators = [\"ops\"]                       # who may sign in and out [root, the keeper's user]
  state = \"/var/lib/portcullis/keeper\"      # 0700: the login, recordings under way
  [login]
  keep = \"auto\"                             # or \"file\": never a keyring
  [spool]
  limit_mib = 8192                          # waiting recordings; more refuses new commands
  reserve_mib = 16                          # kept free on the disk
  [log]
  filter = \"info\"
  format = \"text\"                           # or \"json\"";

pub fn run(args: KeeperArgs) -> anyhow::Result<ExitCode> {
    let what = "the keeper cannot start";
    let config = args.config.map_or_else(keeper::default_path, Ok).and_then(|path| Config::read(&path));
    let config =
        config.map_err(|error| Complaint { what: what.to_owned(), why: error.to_string(), hint: error.hint() })?;
    log(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    let served = runtime.block_on(keeper::run(config));
    // A call into a secret service that hangs must not keep us.
    runtime.shutdown_background();
    served.map_err(|error| Complaint { what: what.to_owned(), why: error.to_string(), hint: error.hint() })?;
    Ok(ExitCode::SUCCESS)
}

fn log(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| Complaint::new("the keeper cannot start", format!("log.filter: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
    }
    Ok(())
}
