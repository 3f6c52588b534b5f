//! `portcullis login`: signs this machine's keeper in, or a person.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::control::{Conversation, KeeperOption};
use super::person::Person;
use super::{Complaint, Global, show};
use crate::keeper;
use crate::model::{Subject, visible};
use crate::wire::frames::{Control, Controlled, FromKeeper};

/// Sign in through a browser, here or on any other machine.
///
/// Shows an address and a code; whoever signs in there and confirms the code decides as whom commands run from here.
/// Without options it signs in this machine's keeper, which root, the keeper's user and its operators may do.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  sudo portcullis login                                    this machine's keeper
  portcullis login --self --server https://gate.example --ca ca.pem
                                                           yourself, to approve and to look")]
pub struct LoginArgs {
    /// Sign in as yourself, on your own machine, instead of the keeper
    #[arg(long = "self", conflicts_with = "socket")]
    own: bool,
    /// The server's address; the last one by default
    #[arg(long, value_name = "URL", requires = "own")]
    server: Option<String>,
    /// PEM file of the authority that vouches for the server
    #[arg(long, value_name = "FILE", requires = "server", default_value = keeper::SYSTEM_AUTHORITIES)]
    ca: PathBuf,
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &LoginArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.own {
        return person(args, global);
    }
    let mut conversation = Conversation::open(&args.keeper.path(), Control::Login, Duration::from_secs(3700))?;
    loop {
        match conversation.next()? {
            FromKeeper::Control(Controlled::Code { user_code, url, complete_url, expires_in }) => {
                show_code(&user_code, &complete_url.unwrap_or(url), expires_in, global)?;
            }
            FromKeeper::Control(Controlled::SignedIn { who, kept }) => {
                show_signed_in(&who, &kept, global)?;
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(conversation.unexpected(other).into()),
        }
    }
}

fn person(args: &LoginArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let person = match &args.server {
        Some(server) => Person::new(server, &args.ca)?,
        None => Person::open()?,
    };
    let server = person.server();
    let signed_in = person.runtime().block_on(async {
        let device = keeper::device(&server.link).await?;
        let url = device.verification_uri_complete.as_ref().unwrap_or(&device.verification_uri);
        if let Err(error) = show_code(&device.user_code, url, device.expires_in, global) {
            return Ok(Err(error));
        }
        server.login.sign_in(keeper::wait_for(&server.link, &device).await?).await?;
        Ok(Ok((server.whoami().await?.subject, server.login.kept().await.unwrap_or_default())))
    });
    let (who, kept) = signed_in.map_err(|trouble| Complaint::trouble("signing in", &trouble))??;
    show_signed_in(&who, &kept, global)?;
    Ok(ExitCode::SUCCESS)
}

fn show_code(user_code: &str, url: &str, expires_in: u64, global: &Global) -> std::io::Result<()> {
    if global.json {
        return show::line(&json!({ "user_code": user_code, "url": url, "expires_in": expires_in }).to_string());
    }
    let (url, user_code) = (visible::line(url.as_bytes(), 2000), visible::line(user_code.as_bytes(), 100));
    show::text(&format!(
        "open   {url}\nenter  {user_code}\n\nwaiting for somebody to confirm it there, for {} minutes\n",
        expires_in.div_ceil(60)
    ))
}

fn show_signed_in(who: &Subject, kept: &str, global: &Global) -> std::io::Result<()> {
    if global.json {
        return show::line(&json!({ "signed_in": who, "kept": kept }).to_string());
    }
    let name = visible::line(who.name.as_bytes(), 200);
    show::line(&format!("signed in as {name} ({}); the login is kept in {kept}", visible::line(who.id.as_bytes(), 200)))
}
