//! Errors: what the caller is told, what the log is told, and the request id that joins the two.

use std::fmt;

use axum::Json;
use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::Instrument as _;

use crate::server::{store, ui};
use crate::wire::contract::{CANNOT_ENFORCE, Problem};

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
    /// How much of a recording is stored; part of the body.
    length: Option<u64>,
}

impl Failure {
    pub fn new(status: StatusCode, code: &'static str, outside: impl Into<String>) -> Self {
        Failure { status, code, outside: outside.into(), hint: None, inside: None, length: None }
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

    /// What policy asks for cannot be done with this command; the caller hears it as a refusal.
    pub fn cannot_enforce(outside: impl Into<String>) -> Self {
        Failure::new(StatusCode::FORBIDDEN, CANNOT_ENFORCE, outside)
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

    /// Bytes of the recording so far, for a caller that has to go on from there.
    #[must_use]
    pub fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
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
    let page = wants_a_page(&request);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    match response.extensions_mut().remove::<Failure>() {
        Some(failure) => {
            failure.log();
            let headers = std::mem::take(response.headers_mut());
            response = if page { ui::failure(&failure, &id) } else { failure.problem(&id) };
            response.headers_mut().extend(headers);
        }
        None => tracing::debug!(status = response.status().as_u16(), "done"),
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Whether a browser asks for something that is not the API's.
fn wants_a_page(request: &Request) -> bool {
    let path = request.uri().path();
    let api = ["/v1/", "/oauth/", "/.well-known/"].iter().any(|prefix| path.starts_with(prefix));
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !api && accept.contains("text/html")
}

/// The parts that may be shown, for a page.
impl Failure {
    pub fn outside(&self) -> (&str, Option<&str>) {
        (&self.outside, self.hint.as_deref())
    }

    fn log(&self) {
        let (status, outside) = (self.status.as_u16(), &self.outside);
        let inside = self.inside.as_deref().unwrap_or_default();
        if self.status.is_server_error() {
            tracing::error!(status, outside, inside, "failed");
        } else {
            tracing::info!(status, outside, inside, "not done");
        }
    }

    fn problem(self, request: &str) -> Response {
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            problem: Problem,
            #[serde(skip_serializing_if = "Option::is_none")]
            length: Option<u64>,
        }
        let problem =
            Problem { code: self.code.to_owned(), detail: self.outside, hint: self.hint, request: request.to_owned() };
        (self.status, Json(Body { problem, length: self.length })).into_response()
    }
}

/// Ours, never the caller's: an id that somebody else chose could be made to point at another's request.
fn new_request_id() -> String {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => format!("req_{:016x}", u64::from_be_bytes(bytes)),
        Err(_) => "req_none".to_owned(),
    }
}
