//! `/oauth` and `/.well-known`: no routes yet.

use std::sync::Arc;

use axum::Router;

use crate::server::App;

pub fn router() -> Router<Arc<App>> {
    Router::new()
}
