//! A signed-in person at a page; anybody else is sent to sign in and comes back.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::server::http::error::Failure;
use crate::server::identity::{self, WebSession};
use crate::server::{App, identity::same_origin};

pub struct Visit(pub WebSession);

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match identity::web_session(app, &parts.headers).await {
            Some(session) => Ok(Visit(session)),
            None => Err(Redirect::to(&format!("/login?next={}", back(parts.uri.path()))).into_response()),
        }
    }
}

/// The address to come back to: one of ours, of letters that need no quoting.
fn back(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte));
    if plain && !path.ends_with("/approve") && !path.ends_with("/refuse") { path } else { "/approvals" }
}

impl Visit {
    /// Whether a form was sent from a page of this session.
    pub fn genuine(&self, app: &App, headers: &HeaderMap, csrf: &str) -> Result<(), Failure> {
        if same_origin(app, headers) && self.0.sent(csrf) {
            return Ok(());
        }
        Err(Failure::forbidden("this form does not come from a page of ours, or the page is old")
            .hint("open the page again"))
    }
}
