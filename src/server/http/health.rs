//! `/healthz`: the process lives. `/readyz`: the store answers and policies are loaded. `/v1/whoami`: who the caller
//! is, and what does not work as it should.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use super::auth::Caller;
use crate::server::App;
use crate::wire::contract::{Whoami, path};

pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready)).route(path::WHOAMI, get(whoami))
}

/// Says which part is not ready, and not why: this answer needs no login.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    if let Err(error) = app.store.ping().await {
        tracing::error!(%error, "not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n");
    }
    if *app.stopping().borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match app.policies_now().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(why) => {
            tracing::warn!(why, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "no policies are loaded: every command is refused\n")
        }
    }
}

async fn whoami(State(app): State<Arc<App>>, caller: Caller) -> Json<Whoami> {
    // Looks at the folder, so that a trouble of this moment is told.
    let _ = app.policies_now().await;
    let (policies, for_files) = (app.policies.trouble(), app.clone());
    let files = tokio::task::spawn_blocking(move || for_files.config.troubles()).await.unwrap_or_default();
    Json(Whoami {
        subject: caller.subject,
        expires: caller.expires,
        server: app.describe(),
        troubles: policies.into_iter().chain(files).collect(),
    })
}
