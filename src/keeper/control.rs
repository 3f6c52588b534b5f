//! What the command line asks of the keeper itself: sign in, sign out, how are you.
//!
//! Whoever can reach the socket may look; signing in and out is for root, the keeper's own user and the operators,
//! because a login decides as whom the agent's commands run.

use super::Keeper;
use super::link::Trouble;
use super::messages::Messages;
use super::oauth;
use super::session::Broken;
use crate::sys::peer::Peer;
use crate::wire::frames::{Control, Controlled, Failure, FromKeeper, KeeperStatus, SpoolStatus};

pub async fn serve(keeper: &Keeper, messages: &mut Messages, peer: &Peer, control: Control) -> Result<(), Broken> {
    let answer = match control {
        Control::Status => FromKeeper::Control(Controlled::Status(Box::new(status(keeper).await))),
        Control::Login | Control::Logout if !keeper.operators.contains(&peer.uid) => not_yours(keeper, peer),
        Control::Logout => match keeper.server.login.sign_out().await {
            Ok(()) => FromKeeper::Done,
            Err(trouble) => FromKeeper::Failed(Failure {
                what: "the login is forgotten here, but could not be revoked".to_owned(),
                why: trouble.to_string(),
                hint: Some("it ends on its own; an administrator can revoke it at the server".to_owned()),
            }),
        },
        Control::Login => {
            // A person who gives up waiting closes the connection, and the grant is left to run out.
            match login(keeper, messages).await? {
                Ok(signed_in) => FromKeeper::Control(signed_in),
                Err(trouble) => FromKeeper::Failed(trouble.failure("signing in")),
            }
        }
    };
    messages.say(answer).await?;
    Ok(())
}

async fn login(keeper: &Keeper, messages: &mut Messages) -> Result<Result<Controlled, Trouble>, Broken> {
    let Ok(_one) = keeper.logging_in.try_lock() else {
        return Ok(Err(Trouble::Setup("somebody else is signing this keeper in just now".to_owned())));
    };
    let link = &keeper.server.link;
    let device = match oauth::device(link).await {
        Ok(device) => device,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let code = Controlled::Code {
        user_code: device.user_code.clone(),
        url: device.verification_uri.clone(),
        complete_url: device.verification_uri_complete.clone(),
        expires_in: device.expires_in,
    };
    messages.say(FromKeeper::Control(code)).await?;
    let tokens = tokio::select! {
        tokens = oauth::wait_for(link, &device) => tokens,
        gone = messages.next() => {
            return match gone? {
                None => Err(Broken::Unexpected("nothing more")),
                Some(message) => Err(super::session::unexpected(&message)),
            };
        }
    };
    Ok(finish(keeper, tokens).await)
}

async fn finish(keeper: &Keeper, tokens: Result<oauth::Tokens, Trouble>) -> Result<Controlled, Trouble> {
    keeper.server.login.sign_in(tokens?).await?;
    let who = keeper.server.whoami().await?.subject;
    tracing::info!(who = who.id, "signed in");
    keeper.uploads.wake();
    Ok(Controlled::SignedIn { who, kept: keeper.server.login.kept().await.unwrap_or_default() })
}

fn not_yours(keeper: &Keeper, peer: &Peer) -> FromKeeper {
    FromKeeper::Failed(Failure {
        what: "this keeper's login".to_owned(),
        why: format!("user {} may not sign it in or out", peer.uid),
        hint: Some(format!(
            "run it as root or as user {}, or name yourself under operators in keeper.toml",
            keeper.uid
        )),
    })
}

async fn status(keeper: &Keeper) -> KeeperStatus {
    let mut troubles = Vec::new();
    let whoami = match keeper.server.whoami().await {
        Ok(whoami) => Some(whoami),
        Err(trouble) => {
            let hint = trouble.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            troubles.push(format!("{trouble}{hint}"));
            None
        }
    };
    troubles.extend(whoami.iter().flat_map(|whoami| whoami.troubles.clone()));
    let spool = &keeper.spool;
    if spool.bytes() >= spool.limit() {
        troubles.push("the spool is full: new commands are refused until the server has taken some of it".to_owned());
    }
    KeeperStatus {
        keeper: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uid: keeper.uid,
        server: keeper.server.link.server().to_owned(),
        kept: keeper.server.login.kept().await,
        server_version: whoami.as_ref().map(|whoami| whoami.server.clone()),
        who: whoami.map(|whoami| whoami.subject),
        spool: SpoolStatus {
            live: keeper.sessions.live(),
            waiting: spool.waiting(),
            bytes: spool.bytes(),
            limit: spool.limit(),
            refused: spool.refused(),
        },
        troubles,
    }
}
