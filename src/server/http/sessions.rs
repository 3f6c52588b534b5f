//! `/v1/sessions`: the list, one, and its recording's bytes.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;

use super::auth::Caller;
use super::error::Failure;
use super::{id, limit};
use crate::model::{InvocationId, Subject};
use crate::server::recordings::Stretch;
use crate::server::{App, invocations, sessions};
use crate::wire::contract::{SessionView, Sessions, path};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(path::SESSIONS, get(list))
        .route(path::SESSION, get(show))
        .route(path::SESSION_RECORDING, get(recording))
}

#[derive(Deserialize)]
struct Page {
    limit: Option<u32>,
    before: Option<InvocationId>,
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Sessions>, Failure> {
    let sessions = visible(&app, &caller.subject, page.before.as_ref(), limit(page.limit)).await?;
    Ok(Json(Sessions { sessions }))
}

/// The newest: an auditor's list has all, anybody else's their own.
pub async fn visible(
    app: &App,
    who: &Subject,
    before: Option<&InvocationId>,
    limit: i64,
) -> Result<Vec<SessionView>, Failure> {
    let of = (!app.is_auditor(who)).then_some(who.id.as_str());
    let mut connection = app.store.pool().acquire().await?;
    let rows = invocations::list(&mut connection, of, before, limit).await?;
    Ok(rows.into_iter().map(invocations::Row::view).collect())
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
) -> Result<Json<SessionView>, Failure> {
    let row = sessions::find(&app, &caller.subject, &id::<InvocationId>(&raw)?).await?;
    Ok(Json(row.view()))
}

async fn recording(State(app): State<Arc<App>>, caller: Caller, Path(raw): Path<String>) -> Result<Response, Failure> {
    let stretch = sessions::recording(&app, &caller.subject, &id::<InvocationId>(&raw)?).await?;
    let headers = [(CONTENT_TYPE, "application/jsonl".to_owned()), (CONTENT_LENGTH, stretch.length.to_string())];
    Ok((headers, Body::from_stream(stream(stretch))).into_response())
}

/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// The file's bytes, read as the caller takes them.
fn stream(stretch: Stretch) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::try_unfold(stretch.file, async |mut file| {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::new();
            file.by_ref().take(PIECE as u64).read_to_end(&mut piece).map(|_| (piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    })
}
