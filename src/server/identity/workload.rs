//! Jobs that log in without a person: the token that their platform signed for them is exchanged for ours (RFC 8693).
//!
//! A job is always a machine. It must match every claim that the configuration names; which configuration is tried is
//! chosen by the token's issuer and audience, and the issuer's signature is checked before anything else is believed.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::oidc::verify::Expected;
use super::oidc::{self, Provider};
use crate::model::{Subject, SubjectKind};
use crate::server::App;
use crate::server::config::Workload;
use crate::server::http::error::Failure;

/// Bytes of a token that is looked at.
const MOST: usize = 8 << 10;

/// Whom a job's token stands for; `None` where it stands for nobody.
pub async fn subject(app: &App, token: &str) -> Result<Option<Subject>, Failure> {
    let Some(issuer) = claimed_issuer(token) else { return Ok(None) };
    for workload in app.config.workloads.iter().filter(|workload| workload.issuer == issuer) {
        let provider = provider(app, workload).await?;
        let expected =
            Expected { issuer: &workload.issuer, audience: &workload.audience, nonce: None, access_token: None };
        match provider.verified(token, &expected, app.now()).await {
            Ok(claims) if matches(workload, &claims) => return Ok(Some(named(workload))),
            Ok(_) => {}
            Err(oidc::Error::Token(error)) => {
                tracing::info!(workload = workload.name, %error, "a job's token is not good")
            }
            Err(error) => {
                let outside = "the issuer of the job's token cannot be used";
                return Err(Failure::new(StatusCode::BAD_GATEWAY, "internal", outside).inside(error));
            }
        }
    }
    Ok(None)
}

/// Before any signature is checked: only to choose whose keys to check it with.
fn claimed_issuer(token: &str) -> Option<String> {
    let body = token.split('.').nth(1).filter(|_| token.len() <= MOST)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// The issuer's keys, kept between tokens.
async fn provider(app: &App, workload: &Workload) -> Result<Arc<Provider>, Failure> {
    let mut known = app.identity.issuers.lock().await;
    if let Some(provider) = known.get(&workload.name) {
        return Ok(provider.clone());
    }
    let made = Provider::new(&workload.issuer, workload.ca_file.as_deref()).map_err(Failure::internal)?;
    let made = Arc::new(made);
    known.insert(workload.name.clone(), made.clone());
    Ok(made)
}

fn matches(workload: &Workload, claims: &oidc::verify::Claims) -> bool {
    !workload.claims.is_empty()
        && workload.claims.iter().all(|(claim, must)| claims.get(claim).and_then(Value::as_str) == Some(must))
}

fn named(workload: &Workload) -> Subject {
    Subject {
        id: format!("workload/{}", workload.name),
        name: workload.name.clone(),
        kind: SubjectKind::Machine,
        groups: workload.groups.clone(),
    }
}
