//! The audit log, newest first.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::visit::Visit;
use super::{page, time};
use crate::model::{Micros, visible};
use crate::server::App;
use crate::server::audit;
use crate::server::http::error::Failure;
use crate::wire::contract::AuditEntry;

pub fn router() -> Router<Arc<App>> {
    Router::new().route("/audit", get(list))
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    before: Option<i64>,
}

/// Rows of one page.
const ROWS: i64 = 50;

struct Shown {
    seq: i64,
    at: String,
    kind: String,
    who: String,
    invocation: Option<String>,
    more: Vec<(String, String)>,
}

impl Shown {
    fn new(entry: AuditEntry) -> Shown {
        let mut object: Map<String, Value> = serde_json::from_str(&entry.text).unwrap_or_default();
        let mut text = |key: &str| object.remove(key).as_ref().map(shown).unwrap_or_default();
        let (kind, who, invocation) = (text("kind"), text("who"), text("invocation"));
        let at = object.remove("at").and_then(|at| at.as_i64());
        Shown {
            seq: entry.seq,
            at: at.map(|at| time(Micros(at))).unwrap_or_default(),
            kind,
            who,
            invocation: Some(invocation).filter(|id| id.starts_with("inv_")),
            more: object
                .iter()
                .map(|(key, value)| (key.clone(), shown(value)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    };
    visible::line(text.as_bytes(), 500)
}

#[derive(Template)]
#[template(path = "ui/audit.html")]
struct List<'a> {
    name: &'a str,
    here: &'static str,
    entries: Vec<Shown>,
    older: Option<i64>,
}

async fn list(
    State(app): State<Arc<App>>,
    Visit(session): Visit,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Response, Failure> {
    app.only_auditors(&session.subject)?;
    let Query(from) = from.map_err(|_| Failure::bad_request("this address does not name a list"))?;
    let entries = audit::before(app.store.pool(), from.before.unwrap_or(i64::MAX), ROWS).await?;
    let older = entries.last().map(|entry| entry.seq).filter(|seq| *seq > 1);
    let entries = entries.into_iter().map(Shown::new).collect();
    page(&List { name: &session.subject.name, here: "audit", entries, older })
}
