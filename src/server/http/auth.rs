//! Who calls: the version is ours, the token stands for somebody.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::error::Failure;
use crate::model::{Micros, Subject};
use crate::server::{App, identity};
use crate::wire::contract::{VERSION, VERSION_HEADER};

/// A caller of `/v1`, signed in by a bearer token.
#[derive(Debug)]
pub struct Caller {
    pub subject: Subject,
    /// When the token ends.
    pub expires: Micros,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        version(parts)?;
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(Failure::not_signed_in)?;
        let who = identity::authenticate_bearer(app, token).await?;
        Ok(Caller { subject: who.subject, expires: who.expires })
    }
}

fn version(parts: &Parts) -> Result<(), Failure> {
    let said = parts.headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok());
    if said.and_then(|text| text.parse().ok()) == Some(VERSION) {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::UPGRADE_REQUIRED,
        "version",
        format!("this server speaks version {VERSION}; the request said {}", said.map_or("none", |_| "another")),
    )
    .hint("install the same release on both sides"))
}
