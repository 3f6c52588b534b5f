//! `/v1/invocations`: asking, waiting, drawing grants, ending.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::auth::Caller;
use super::error::Failure;
use super::{body, id};
use crate::model::{Decision, InvocationId, Micros, Subject};
use crate::server::{App, ending, grants, invocations, question};
use crate::wire::contract::{Answer, Ask, Drawn, End, path};

/// 64 MiB of contents as base64 in JSON, and the arguments.
const LARGEST_ASK: usize = 112 << 20;

/// Bytes of a question that is read and judged where it came in: everyday commands, a few hundred microseconds. Longer
/// ones go to a thread that nobody waits for; the way there and back takes as long as reading a short one.
const AT_ONCE: usize = 8 << 10;

/// The longest a decision is waited for in one request.
const LONGEST_WAIT: u64 = 60;

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(path::INVOCATIONS, post(ask))
        .route(path::DECISION, get(decision))
        .route(path::GRANTS, post(draw))
        .route(path::END, post(end))
}

async fn ask(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Json<Answer>, Failure> {
    let body = body::large(request, LARGEST_ASK).await?;
    let judged = if body.bytes.len() <= AT_ONCE {
        judge(&app, &caller.subject, &body.bytes)?
    } else {
        let (app, who) = (app.clone(), caller.subject.clone());
        let judged = tokio::task::spawn_blocking(move || judge(&app, &who, &body.bytes));
        judged.await.map_err(Failure::internal)??
    };
    let answer = invocations::accept(&app, caller.subject.clone(), judged).await?;
    Ok(marked(&app, &caller.subject, answer))
}

/// A yes goes with what the login's pseudonyms are made with.
fn marked(app: &App, who: &Subject, answer: Answer) -> Json<Answer> {
    Json(Answer { marks: app.marks.of(who, &answer.decision), ..answer })
}

fn judge(app: &App, who: &Subject, body: &[u8]) -> Result<question::Judged, Failure> {
    let ask: Ask = body::parse(body)?;
    question::judge(&app.policies, who, ask).map_err(Failure::bad_request)
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

async fn decision(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    Query(Wait { wait }): Query<Wait>,
) -> Result<Json<Answer>, Failure> {
    let id = id::<InvocationId>(&raw)?;
    let until = Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let mut stopping = app.stopping();
    // Before the first look, so that nothing falls between looking and listening.
    let mut changes = app.store.changes().subscribe();
    let mut answer = invocations::decision(&app, &caller.subject, &id).await?;
    let Decision::Ask(first) = answer.decision.clone() else { return Ok(marked(&app, &caller.subject, answer)) };
    let mut bound = first.clone();
    while Instant::now() < until && !*stopping.borrow() {
        let expires = Instant::now() + left(bound.expires.since(app.now()));
        let woken = tokio::select! {
            woken = timeout_at(until.min(expires), changes.changed(bound.id.as_str())) => woken.is_ok() || expires <= until,
            _ = stopping.wait_for(|stopping| *stopping) => false,
        };
        if !woken {
            break;
        }
        answer = invocations::decision(&app, &caller.subject, &id).await?;
        match &answer.decision {
            Decision::Ask(ticket) if ticket.id == first.id && ticket.given == first.given => bound = ticket.clone(),
            Decision::Ask(_) | Decision::Allow(_) | Decision::Deny(_) => break,
        }
    }
    Ok(marked(&app, &caller.subject, answer))
}

fn left(span: Micros) -> Duration {
    Duration::from_micros(u64::try_from(span.0).unwrap_or(0))
}

async fn draw(State(app): State<Arc<App>>, caller: Caller, Path(raw): Path<String>) -> Result<Json<Drawn>, Failure> {
    let id = id::<InvocationId>(&raw)?;
    grants::draw(&app, &caller.subject, &id).await.map(|grants| Json(Drawn { grants }))
}

async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(raw): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Failure> {
    let end: End = body::parse(&body::bytes(bytes)?)?;
    ending::end(&app, &caller.subject, &id::<InvocationId>(&raw)?, end).await?;
    Ok(StatusCode::NO_CONTENT)
}
