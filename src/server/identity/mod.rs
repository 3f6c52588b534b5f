//! Who asks: logins of keepers and command lines (RFC 8628 device grant, bearer tokens), and of people's browsers.
//!
//! A keeper logs in through the device page, where a person says yes; the page in turn signs that person in at the
//! OpenID provider, or, with `--dev`, lets one pick among the configured users. Tokens and cookies are random strings
//! that mean nothing without the store, so that ending a login takes effect at the next request.
//!
//! What a subject may do is not decided here; but a machine is marked as one here, and machines never approve.

mod attempts;
mod browser;
pub mod device;
pub mod logins;
mod oidc;
mod pages;
mod sign_in;
mod token;
pub mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use tokio::sync::{Mutex, OnceCell};

use crate::model::{Micros, Subject};
use crate::server::App;
use crate::server::http::error::Failure;
use crate::server::store::{Statement, Value};
pub use browser::{same_origin, web_session};

/// What identity keeps in memory: the provider's metadata and keys, once they were needed.
#[derive(Default)]
pub struct Identity {
    provider: OnceCell<oidc::Client>,
    /// Issuers of workload tokens, by the workload's name.
    issuers: Mutex<BTreeMap<String, Arc<oidc::Provider>>>,
}

/// Whom a bearer token stands for, and until when.
#[derive(Debug, Clone)]
pub struct Authenticated {
    pub subject: Subject,
    pub expires: Micros,
}

/// A person's signed-in browser.
#[derive(Debug, Clone)]
pub struct WebSession {
    pub subject: Subject,
    /// What each form must send back in its field `csrf`.
    pub csrf: String,
}

impl WebSession {
    /// Whether a form's `csrf` is this session's; compared in constant time.
    pub fn sent(&self, csrf: &str) -> bool {
        browser::same(&self.csrf, csrf)
    }
}

/// Whom the token of `Authorization: Bearer` stands for; [`Failure::not_signed_in`] where it stands for nobody.
pub async fn authenticate_bearer(app: &App, token: &str) -> Result<Authenticated, Failure> {
    let signed_in = Statement {
        sql: "SELECT t.expires, l.who FROM login_tokens t JOIN logins l ON l.id = t.login \
              WHERE t.digest = $1 AND t.kind = 'access' AND t.expires > $2 AND l.revoked IS NULL",
        values: vec![token::digest(token).into(), app.now().0.into()],
    };
    let row = app.store.first(&signed_in).await?.ok_or_else(Failure::not_signed_in)?;
    let [expires, who] = <[Value; 2]>::try_from(row).map_err(|_| Failure::internal("a login's columns"))?;
    Ok(Authenticated { expires: Micros(expires.number()?), subject: read_subject(who.text()?)? })
}

/// `/login`, `/logout` and the device page.
pub fn router() -> Router<Arc<App>> {
    pages::router()
}

/// With `--dev` and no provider, whoever reaches the server picks whom to be.
fn picks_users(app: &App) -> bool {
    app.config.dev && app.config.oidc.is_none()
}

fn read_subject(json: String) -> Result<Subject, Failure> {
    serde_json::from_str(&json).map_err(|error| Failure::internal(format!("a stored subject: {error}")))
}

fn write_subject(subject: &Subject) -> Result<String, Failure> {
    serde_json::to_string(subject).map_err(Failure::internal)
}
