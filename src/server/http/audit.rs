//! `/v1/audit`: the log and its signed head, for auditors.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::auth::Caller;
use super::error::Failure;
use super::limit;
use crate::server::{App, audit};
use crate::wire::contract::{AuditHead, AuditPage, path};

pub fn router() -> Router<Arc<App>> {
    Router::new().route(path::AUDIT, get(page)).route(path::AUDIT_HEAD, get(head))
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    after: i64,
    limit: Option<u32>,
}

async fn page(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(from): Query<From>,
) -> Result<Json<AuditPage>, Failure> {
    app.only_auditors(&caller.subject)?;
    let entries = audit::page(app.store.pool(), from.after, limit(from.limit)).await?;
    Ok(Json(AuditPage { entries }))
}

async fn head(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<AuditHead>, Failure> {
    app.only_auditors(&caller.subject)?;
    Ok(Json(app.signer.head(app.store.pool(), app.now()).await?))
}
