//! Errors: what the caller is told, what the log is told, and the request id that joins the two.

use std::fmt;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use crate::server::store;
use crate::wire::contract::Problem;

/// The header that carries a request's id, ours on every answer.
pub const REQUEST_ID: &str = "x-request-id";

/// A request that was not done. `outside` is shown to the caller and names no inner working.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    outside: String,
    hint: Option<String>,
    inside: Option<String>,
}

impl Failure {
    pub fn new(status: StatusCode, code: &'static str, outside: impl Into<String>) -> Self {
        Failure { status, code, outside: outside.into(), hint: None, inside: None }
    }

    pub fn not_signed_in() -> Self {
        Failure::new(StatusCode::UNAUTHORIZED, "not_signed_in", "not signed in, or no longer")
            .hint("run: portcullis login")
    }

    pub fn not_found(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::NOT_FOUND, "not_found", outside)
    }

    pub fn forbidden(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::FORBIDDEN, "forbidden", outside)
    }

    pub fn conflict(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::CONFLICT, "conflict", outside)
    }

    pub fn bad_request(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::BAD_REQUEST, "bad_request", outside)
    }

    pub fn too_large(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", outside)
    }

    /// Something of ours did not work; `inside` goes to the log only.
    pub fn internal(inside: impl ToString) -> Self {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server could not do this").inside(inside)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Words for the server's log.
    #[must_use]
    pub fn inside(mut self, inside: impl ToString) -> Self {
        self.inside = Some(inside.to_string());
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// For the log: both messages.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outside)?;
        self.inside.iter().try_for_each(|inside| write!(f, " ({inside})"))
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Failure::internal(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Failure::internal(error)
    }
}

impl IntoResponse for Failure {
    /// Only the status; [`finish`] adds the body, because it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every request an id, logs how it ended, and writes the body of a [`Failure`].
pub async fn finish(request: Request, next: Next) -> Response {
    let id = new_request_id();
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let inside = failure.inside.as_deref().unwrap_or("");
        if failure.status.is_server_error() {
            tracing::error!(status = failure.status.as_u16(), outside = failure.outside, inside, "failed");
        } else {
            tracing::info!(status = failure.status.as_u16(), outside = failure.outside, inside, "not done");
        }
        let problem =
            Problem { code: failure.code.to_owned(), detail: failure.outside, hint: failure.hint, request: id.clone() };
        response = (failure.status, Json(problem)).into_response();
    } else {
        tracing::debug!(status = response.status().as_u16(), "done");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Ours, never the caller's: an id that somebody else chose could be made to point at another's request.
fn new_request_id() -> String {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => format!("req_{:016x}", u64::from_be_bytes(bytes)),
        Err(_) => "req_none".to_owned(),
    }
}
