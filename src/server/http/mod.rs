//! HTTPS: one file a resource. Paths and bodies are those of [`crate::wire::contract`].

pub mod auth;
pub mod error;
pub mod oauth;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;

use crate::server::{App, identity};

/// All routes, with the layers that every request passes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(oauth::router())
        .merge(identity::router())
        .fallback(async || error::Failure::not_found("no such path"))
        .layer(from_fn(error::finish))
        .with_state(app)
}
