//! HTTPS: one file a resource. Paths and bodies are those of [`crate::wire::contract`].

pub mod approvals;
mod audit;
pub mod auth;
mod body;
pub mod error;
mod health;
mod invocations;
pub mod oauth;
mod recordings;
pub mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;

use crate::model::{ApprovalId, InvocationId};
use crate::server::{App, identity, ui};
use error::Failure;

/// Bytes of a body, where a route does not say otherwise.
const LARGEST_BODY: usize = 256 << 10;

/// All routes, with the layers that every request passes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(health::router())
        .merge(oauth::router())
        .merge(identity::router())
        .merge(approvals::router())
        .merge(audit::router())
        .merge(invocations::router())
        .merge(recordings::router())
        .merge(sessions::router())
        .merge(ui::router())
        .fallback(async || Failure::not_found("no such path"))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(error::finish))
        .with_state(app)
}

/// An id of the kind that a path wants. Anything else is not there.
fn id<T: Id>(raw: &str) -> Result<T, Failure> {
    T::read(raw).ok_or_else(|| Failure::not_found("no such id"))
}

trait Id: Sized {
    fn read(raw: &str) -> Option<Self>;
}

impl Id for InvocationId {
    fn read(raw: &str) -> Option<Self> {
        InvocationId::parse(raw)
    }
}

impl Id for ApprovalId {
    fn read(raw: &str) -> Option<Self> {
        ApprovalId::parse(raw)
    }
}

/// Rows of one page.
pub fn limit(asked: Option<u32>) -> i64 {
    i64::from(asked.unwrap_or(100).clamp(1, 1_000))
}
