//! `portcullis logout`: revokes a login and forgets it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::control::{Conversation, KeeperOption};
use super::person::Person;
use super::{Complaint, Global, show};
use crate::wire::frames::{Control, FromKeeper};

/// Revoke the login at the server and forget it here
#[derive(Args)]
pub struct LogoutArgs {
    /// Your own login, not the keeper's
    #[arg(long = "self", conflicts_with = "socket")]
    own: bool,
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &LogoutArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.own {
        let person = Person::open()?;
        let signed_out = person.runtime().block_on(person.server().login.sign_out());
        signed_out
            .map_err(|trouble| Complaint::trouble("the login is forgotten, but could not be revoked", &trouble))?;
    } else {
        let mut conversation = Conversation::open(&args.keeper.path(), Control::Logout, Duration::from_secs(60))?;
        match conversation.next()? {
            FromKeeper::Done => {}
            other => return Err(conversation.unexpected(other).into()),
        }
    }
    match global.json {
        true => show::json(&json!({ "signed_in": null }))?,
        false => show::line("signed out: the login is revoked and forgotten")?,
    }
    Ok(ExitCode::SUCCESS)
}
