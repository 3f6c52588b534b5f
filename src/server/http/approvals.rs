//! `/v1/approvals`: the list, one, and the two answers.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::auth::Caller;
use super::error::Failure;
use super::{body, id, limit};
use crate::model::{ApprovalId, Subject};
use crate::server::{App, approvals};
use crate::wire::contract::{Answering, ApprovalState, ApprovalView, Approvals, path};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(path::APPROVALS, get(list))
        .route(path::APPROVAL, get(show))
        .route(path::APPROVE, post(approve))
        .route(path::REFUSE, post(refuse))
}

#[derive(Deserialize)]
struct Page {
    state: Option<ApprovalState>,
    limit: Option<u32>,
    before: Option<ApprovalId>,
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Approvals>, Failure> {
    let approvals = visible(&app, &caller.subject, page.state, page.before, limit(page.limit)).await?;
    Ok(Json(Approvals { approvals }))
}

/// Pages read for one answer, at most: somebody who may see few of many gets a short list, not a slow one.
const PAGES: usize = 20;

/// The newest that `who` may see.
pub async fn visible(
    app: &App,
    who: &Subject,
    state: Option<ApprovalState>,
    mut before: Option<ApprovalId>,
    limit: i64,
) -> Result<Vec<ApprovalView>, Failure> {
    let mut connection = app.store.pool().acquire().await?;
    let mut views = Vec::new();
    for _ in 0..PAGES {
        let page = approvals::list(&mut connection, state, before.as_ref(), limit, app.now()).await?;
        let full = page.len() as i64 == limit;
        before = page.last().map(|approval| approval.id.clone());
        for approval in page.into_iter().filter(|approval| approvals::may_see(app, who, approval)) {
            let answers = approvals::answers(&mut connection, &approval.id).await?;
            views.push(approval.view(answers, &app.config.public_url, app.now()));
            if views.len() as i64 == limit {
                return Ok(views);
            }
        }
        if !full {
            break;
        }
    }
    Ok(views)
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
) -> Result<Json<ApprovalView>, Failure> {
    let id = id::<ApprovalId>(&raw)?;
    let mut connection = app.store.pool().acquire().await?;
    let found = approvals::by_id(&mut connection, &id)
        .await?
        .filter(|found| approvals::may_see(&app, &caller.subject, found))
        .ok_or_else(|| Failure::not_found("no such approval"))?;
    let answers = approvals::answers(&mut connection, &id).await?;
    Ok(Json(found.view(answers, &app.config.public_url, app.now())))
}

async fn approve(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<ApprovalView>, Failure> {
    answer(&app, &caller.subject, &raw, true, bytes).await
}

async fn refuse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<ApprovalView>, Failure> {
    answer(&app, &caller.subject, &raw, false, bytes).await
}

async fn answer(
    app: &App,
    who: &Subject,
    raw: &str,
    approved: bool,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<ApprovalView>, Failure> {
    let answering: Answering = body::parse(&body::bytes(bytes)?)?;
    approvals::answer(app, &id::<ApprovalId>(raw)?, who, approved, &answering.reason).await.map(Json)
}
