//! `portcullis logout`: revokes a login and forgets it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::control::{Conversation, KeeperOption};
use super::{Global, show};
use crate::wire::frames::{Control, FromKeeper};

/// Revoke the login at the server and forget it here
#[derive(Args)]
pub struct LogoutArgs {
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &LogoutArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut conversation = Conversation::open(&args.keeper.path(), Control::Logout, Duration::from_secs(60))?;
    match conversation.next()? {
        FromKeeper::Done if global.json => show::json(&json!({ "signed_in": null }))?,
        FromKeeper::Done => show::line("signed out: the login is revoked and forgotten")?,
        other => return Err(conversation.unexpected(other).into()),
    }
    Ok(ExitCode::SUCCESS)
}
