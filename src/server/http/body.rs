//! Bodies: bounded, and refused in our own words.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use serde::de::DeserializeOwned;

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
