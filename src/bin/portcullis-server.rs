//! The deciding side: parse, call the library, exit.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use portcullis::server::config::{Config, EXAMPLE, Options};
use portcullis::server::{self, App};
use tracing_subscriber::EnvFilter;

/// The deciding side of Portcullis: identity, policy, approvals, credentials, recordings, audit.
///
/// Every key of the configuration file is a variable too: listen is PORTCULLIS_SERVER_LISTEN.
#[derive(Parser)]
#[command(name = "portcullis-server", version)]
struct Arguments {
    /// Needs no configuration: a SQLite file, a certificate of its own, and users anybody can sign in as
    #[arg(long)]
    dev: bool,
    /// The configuration, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of *.cedar files and masks.toml; without it, the policies that ship with the program
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Where the server keeps what it must not lose
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Print a configuration with every key and what it means, and exit
    #[arg(long)]
    example: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "portcullis-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    // First of all: whatever speaks TLS later finds its one provider.
    let provider = rustls::crypto::aws_lc_rs::default_provider().install_default();
    provider.map_err(|_| anyhow::anyhow!("another TLS provider is installed"))?;
    let Arguments { dev, config, policy, data, listen, example } = Arguments::parse();
    if example {
        return std::io::stdout().write_all(EXAMPLE.as_bytes()).context("standard output");
    }
    let config = Config::load(Options { dev, config, policy, data, listen })
        .map_err(|error| anyhow::anyhow!("{error}\nportcullis-server: hint: {}", error.hint()))?;
    let filter = EnvFilter::try_new(&config.log).context("log")?;
    let colours = std::io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match config.log_json {
        true => logs.json().init(),
        false => logs.init(),
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(config))
}

async fn serve(mut config: Config) -> anyhow::Result<()> {
    if config.dev {
        tracing::warn!("development mode: anybody who reaches this server can sign in as any of its users");
    }
    let listener = server::bind(&mut config).await?;
    let app = App::open(config, server::wall_clock()).await?;
    let running = server::start(app.clone(), listener).await?;
    tracing::info!(address = %running.address, url = app.config.public_url, "listening");
    server::until_asked_to_stop(&app).await?;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}
