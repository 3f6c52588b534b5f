//! `portcullis login`: signs this machine's keeper in, or a person.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::control::{Conversation, KeeperOption};
use super::{Global, show};
use crate::model::Subject;
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
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &LoginArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut conversation = Conversation::open(&args.keeper.path(), Control::Login, Duration::from_secs(3700))?;
    loop {
        match conversation.next()? {
            FromKeeper::Control(Controlled::Code { user_code, url, complete_url, expires_in }) => {
                let url = complete_url.unwrap_or(url);
                show_code(&user_code, &url, expires_in, global)?;
            }
            FromKeeper::Control(Controlled::SignedIn { who, kept }) => {
                show_signed_in(&who, &kept, global)?;
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(conversation.unexpected(other).into()),
        }
    }
}

fn show_code(user_code: &str, url: &str, expires_in: u64, global: &Global) -> std::io::Result<()> {
    if global.json {
        return show::line(&json!({ "user_code": user_code, "url": url, "expires_in": expires_in }).to_string());
    }
    show::text(&format!(
        "open   {url}\nenter  {user_code}\n\nwaiting for somebody to confirm it there, for {} minutes\n",
        expires_in.div_ceil(60)
    ))
}

fn show_signed_in(who: &Subject, kept: &str, global: &Global) -> std::io::Result<()> {
    if global.json {
        return show::line(&json!({ "signed_in": who, "kept": kept }).to_string());
    }
    show::line(&format!("signed in as {} ({}); the login is kept in {kept}", who.name, who.id))
}
