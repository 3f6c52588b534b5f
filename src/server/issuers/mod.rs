//! Credentials, by kind and never by tool: what a command may be lent, minted or handed out for it alone.
//!
//! A credential fits its command or is not drawn: every operation of its kind must be on the configured target
//! ([`target`]), and at least one must be, so that a credential goes nowhere else and is not given for nothing. What was
//! minted is taken back when the command ends ([`revoke`]), and by [`reap`] where nobody says that it ended.

mod kubernetes;
mod postgres;
mod static_token;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;

use crate::model::{Grant, InvocationId, Micros, Reading, Secret, Terms};
use crate::server::App;
use crate::server::config::{self, Credential, CredentialKind};
use crate::server::http::error::Failure;
use crate::server::store::{self, Tx};

/// What issuers keep in memory.
#[derive(Default)]
pub struct Issuers {
    /// One minting or taking down at a time in each database.
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// When leftovers were last looked for, in microseconds.
    looked: AtomicI64,
}

/// What a grant is minted for: an allowed command, as it was read.
pub struct Drawing<'a> {
    pub invocation: &'a InvocationId,
    pub reading: &'a Reading,
    pub terms: &'a Terms,
}

/// Why a credential was not drawn. The command does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("policy draws the credential {0}, and none of that name is configured")]
    Unknown(String),
    #[error("the credential {name} is for {target}, and the command also goes to {elsewhere}")]
    Elsewhere { name: String, target: String, elsewhere: String },
    #[error("the credential {name} is for {target}, and the connection to {id} goes through {through}")]
    Bent { name: String, target: String, id: String, through: String },
    #[error("the credential {name} is for {target}, and nothing in the command goes there")]
    Unused { name: String, target: String },
    #[error("{why}")]
    CannotEnforce { why: String, hint: &'static str },
    #[error("the credential {name} cannot be had from its issuer")]
    Issuer { name: String, inside: String },
    #[error("the command ended before its credential {0} was made")]
    Ended(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let outside = error.to_string();
        match error {
            Error::Unknown(_) => Failure::cannot_enforce(outside).hint("ask whoever runs the server to configure it"),
            Error::Elsewhere { .. } => Failure::cannot_enforce(outside).hint("use one command for each place"),
            Error::Bent { .. } => Failure::cannot_enforce(outside).hint("let it connect to that host itself"),
            Error::Unused { .. } => {
                Failure::cannot_enforce(outside).hint("the policy draws a credential that does not fit")
            }
            Error::CannotEnforce { hint, .. } => Failure::cannot_enforce(outside).hint(hint),
            Error::Issuer { inside, .. } => {
                Failure::new(StatusCode::BAD_GATEWAY, "internal", outside).hint("try again later").inside(inside)
            }
            Error::Ended(_) => Failure::conflict(outside),
            Error::Store(error) => error.into(),
        }
    }
}

/// One credential on its way to one command.
struct Draw<'a> {
    credential: &'a Credential,
    drawing: &'a Drawing<'a>,
    now: Micros,
    expires: Micros,
}

/// Mints every credential that the terms name, or none.
pub async fn draw(app: &App, drawing: &Drawing<'_>) -> Result<Vec<Grant>, Failure> {
    let names: BTreeSet<&String> = drawing.terms.grants.iter().collect();
    let mut grants = Vec::new();
    for name in names {
        match one(app, drawing, name).await {
            Ok(grant) => grants.push(grant),
            Err(error) => {
                if let Err(failure) = revoke(app, drawing.invocation).await {
                    tracing::error!(?failure, "what was already drawn is left to the reaper");
                }
                return Err(error.into());
            }
        }
    }
    Ok(grants)
}

async fn one(app: &App, drawing: &Drawing<'_>, name: &str) -> Result<Grant, Error> {
    let found = app.config.credentials.iter().find(|credential| credential.name == name);
    let credential = found.ok_or_else(|| Error::Unknown(name.to_owned()))?;
    target::fits(credential, drawing.reading)?;
    let now = app.now();
    let most = i64::from(credential.seconds);
    // A command that policy ends sooner needs its credential no longer, a few seconds for its start apart.
    let limit = drawing.terms.limit_seconds.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(most);
    let expires = now.plus(Micros::seconds(most.min(limit.saturating_add(30))));
    let draw = Draw { credential, drawing, now, expires };
    match &credential.kind {
        CredentialKind::Postgres { .. } => postgres::issue(app, &draw).await,
        CredentialKind::Token { url, username, token_file } => static_token::issue(&draw, url, username, token_file),
        CredentialKind::Kubernetes { server, ca_file, namespace, token_file } => {
            kubernetes::issue(&draw, server, ca_file.as_deref(), namespace, token_file)
        }
    }
}

/// Takes back what was drawn. May be repeated; nothing to take back is no error, and what cannot be taken back now is
/// logged and left to [`reap`].
pub async fn revoke(app: &App, invocation: &InvocationId) -> Result<(), Failure> {
    postgres::revoke(app, invocation).await
}

/// Whether the command's end is written down: nothing may be lent to it any more.
pub async fn closed(tx: &mut Tx, invocation: &InvocationId) -> Result<bool, store::Error> {
    alone(tx, invocation).await?;
    let ended: Option<Option<i64>> = sqlx::query_scalar("SELECT ended FROM invocations WHERE id = $1")
        .bind(invocation.as_str())
        .fetch_optional(tx.connection())
        .await?;
    Ok(ended.flatten().is_some())
}

/// Whether something is lent to it that nobody has begun to take back.
pub async fn lent(tx: &mut Tx, invocation: &InvocationId) -> Result<bool, store::Error> {
    alone(tx, invocation).await?;
    postgres::lent(tx, invocation).await
}

/// Whoever else asks the same, also another server, waits for this transaction: a grant and the end come one behind the
/// other.
async fn alone(tx: &mut Tx, invocation: &InvocationId) -> Result<(), store::Error> {
    let row = sqlx::query("UPDATE invocations SET drawn = drawn WHERE id = $1").bind(invocation.as_str());
    row.execute(tx.connection()).await?;
    Ok(())
}

/// Takes back whatever is past its time, also what another run of the server drew.
pub async fn reap(app: &App) -> Result<(), Failure> {
    postgres::reap(app).await
}

/// A secret that the configuration names by file, read anew each time, so that it can be rotated under us.
fn secret(name: &str, path: &std::path::Path) -> Result<Secret, Error> {
    config::secret_file(path).map_err(|error| Error::Issuer { name: name.to_owned(), inside: error.to_string() })
}
