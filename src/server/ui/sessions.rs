//! The sessions: a list, and one with its transcript.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::visit::Visit;
use super::{ended, page, span, time};
use crate::model::InvocationId;
use crate::server::App;
use crate::server::http::error::Failure;
use crate::server::http::sessions::visible;
use crate::server::sessions::{self, Transcript};
use crate::wire::contract::SessionView;

pub fn router() -> Router<Arc<App>> {
    Router::new().route("/sessions", get(list)).route("/sessions/{id}", get(show))
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    before: Option<InvocationId>,
}

/// Rows of one page.
const ROWS: i64 = 50;

/// A session in the words of a page.
struct Shown {
    began: String,
    ended: String,
    took: String,
    view: SessionView,
}

impl Shown {
    fn new(view: SessionView) -> Shown {
        let ended = match view.decision.as_str() {
            "allow" if view.unrecorded => "not recorded".to_owned(),
            "allow" => ended(view.exit),
            _ => String::new(),
        };
        let took = view.duration.map(span).unwrap_or_default();
        Shown { began: time(view.began), ended, took, view }
    }
}

#[derive(Template)]
#[template(path = "ui/sessions.html")]
struct List<'a> {
    name: &'a str,
    here: &'static str,
    sessions: Vec<Shown>,
    older: Option<String>,
}

async fn list(
    State(app): State<Arc<App>>,
    Visit(session): Visit,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(from) = from.map_err(|_| Failure::bad_request("this address does not name a list"))?;
    let views = visible(&app, &session.subject, from.before.as_ref(), ROWS).await?;
    let older = (views.len() as i64 == ROWS).then(|| views.last().map(|view| view.id.to_string())).flatten();
    let sessions = views.into_iter().map(Shown::new).collect();
    page(&List { name: &session.subject.name, here: "sessions", sessions, older })
}

#[derive(Template)]
#[template(path = "ui/session.html")]
struct Detail<'a> {
    name: &'a str,
    here: &'static str,
    shown: Shown,
    transcript: Option<Transcript>,
}

async fn show(
    State(app): State<Arc<App>>,
    Visit(session): Visit,
    Path(raw): Path<String>,
) -> Result<Response, Failure> {
    let id = InvocationId::parse(&raw).ok_or_else(|| Failure::not_found("no such session"))?;
    let view = sessions::find(&app, &session.subject, &id).await?.view();
    let transcript = match view.recorded {
        0 => None,
        _ => Some(sessions::transcript(&app, &session.subject, &id).await?),
    };
    page(&Detail { name: &session.subject.name, here: "sessions", shown: Shown::new(view), transcript })
}
