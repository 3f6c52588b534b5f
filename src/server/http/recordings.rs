//! `/v1/invocations/{id}/recording`: appending and sealing.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::Deserialize;

use super::auth::Caller;
use super::error::Failure;
use super::{body, id};
use crate::model::InvocationId;
use crate::server::{App, recordings};
use crate::wire::contract::{Seal, Stored, Whole, path};

/// Bytes of one append.
const LARGEST_PIECE: usize = 16 << 20;

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(path::RECORDING, put(append).layer(DefaultBodyLimit::max(LARGEST_PIECE)))
        .route(path::SEAL, post(seal))
        .route(path::WHOLE, put(whole).layer(DefaultBodyLimit::max(LARGEST_PIECE)))
}

#[derive(Deserialize)]
struct At {
    offset: u64,
}

async fn append(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    Query(At { offset }): Query<At>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<Stored>, Failure> {
    let id = id::<InvocationId>(&raw)?;
    recordings::append(&app, &caller.subject, &id, offset, body::bytes(bytes)?).await.map(Json)
}

async fn seal(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let sealing: Seal = body::parse(&body::bytes(bytes)?)?;
    recordings::seal(&app, &caller.subject, &id::<InvocationId>(&raw)?, sealing).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn whole(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let whole: Whole = body::parse(&body::bytes(bytes)?)?;
    recordings::whole(&app, &caller.subject, &id::<InvocationId>(&raw)?, whole).await?;
    Ok(StatusCode::NO_CONTENT)
}
