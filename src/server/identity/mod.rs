//! Who asks. Nobody is signed in yet: every token is refused.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;

use crate::model::{Micros, Subject};
use crate::server::App;
use crate::server::http::error::Failure;

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

/// Whom the token of `Authorization: Bearer` stands for; [`Failure::not_signed_in`] where it stands for nobody.
pub async fn authenticate_bearer(_app: &App, _token: &str) -> Result<Authenticated, Failure> {
    Err(Failure::not_signed_in())
}

/// Whose browser sent these headers, by its session cookie.
pub async fn web_session(_app: &App, _headers: &HeaderMap) -> Option<WebSession> {
    None
}

/// `/login` and the device page.
pub fn router() -> Router<Arc<App>> {
    Router::new()
}
