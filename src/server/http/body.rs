//! Bodies: bounded, and refused in our own words.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_LENGTH;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Failure;

/// The body, or why it was not taken whole.
pub fn bytes(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Failure> {
    body.map_err(|rejection| match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => Failure::too_large("the body is too large"),
        _ => Failure::bad_request("the body was not received whole"),
    })
}

/// JSON of a known shape. The caller is told where it is wrong: it is the caller's own text.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::bad_request(format!("the body does not parse: {error}")))
}

/// The bodies of more than [`SMALL`] that are taken at once. Others wait, before a byte of theirs is read.
static LARGE: Semaphore = Semaphore::const_new(4);
const SMALL: u64 = 1 << 20;
/// How long one may take: a caller that dawdles must not keep a place from the others.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body that may be large, and the place it takes until it is dropped.
pub struct Large {
    pub bytes: Bytes,
    _place: Option<SemaphorePermit<'static>>,
}

/// Reads a body of at most `most` bytes.
pub async fn large(request: Request, most: usize) -> Result<Large, Failure> {
    let said = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let place = match said {
        Some(length) if length <= SMALL => None,
        Some(length) if length > most as u64 => return Err(Failure::too_large("the body is too large")),
        Some(_) | None => Some(LARGE.acquire().await.map_err(Failure::internal)?),
    };
    let bytes = tokio::time::timeout(PATIENCE, axum::body::to_bytes(request.into_body(), most))
        .await
        .map_err(|_| Failure::bad_request("the body took too long"))?
        .map_err(|error| Failure::bad_request("the body was not received whole, or is too large").inside(error))?;
    Ok(Large { bytes, _place: place })
}
