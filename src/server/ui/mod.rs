//! Pages for people: approvals, sessions, the audit log. Rendered here, no script, readable on a telephone.
//!
//! Whatever the agent chose was escaped by `words` for eyes, and is escaped again by the templates for HTML.

mod approvals;
mod audit;
mod sessions;
mod visit;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::model::{Exit, Micros};
use crate::server::App;
use crate::server::http::error::Failure;

/// Nothing but our style sheet is loaded, nothing frames us, forms go nowhere else.
const CSP: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || Redirect::to("/approvals")))
        .route("/ui/style.css", get(style))
        .merge(approvals::router())
        .merge(sessions::router())
        .merge(audit::router())
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "max-age=3600")], include_str!("style.css"))
}

fn page(template: &impl Template) -> Result<Response, Failure> {
    Ok(html(StatusCode::OK, template.render().map_err(Failure::internal)?))
}

/// A page, with the headers that every page has.
pub fn html(status: StatusCode, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}

#[derive(Template)]
#[template(path = "ui/failure.html")]
struct FailurePage<'a> {
    name: &'static str,
    here: &'static str,
    title: &'static str,
    what: &'a str,
    hint: Option<&'a str>,
    request: &'a str,
}

/// A failure as a page.
pub fn failure(failure: &Failure, request: &str) -> Response {
    let (what, hint) = failure.outside();
    let title = match failure.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT => "Not any more",
        status if status.is_server_error() => "That did not work",
        _ => "Not done",
    };
    let page = FailurePage { name: "", here: "", title, what, hint, request };
    match page.render() {
        Ok(text) => html(failure.status(), text),
        Err(_) => failure.status().into_response(),
    }
}

/// `2026-11-24 07:18:03 UTC`.
fn time(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at.0)
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_else(|_| format!("{} µs", at.0))
}

/// `1.5 s`, `3 min 20 s`.
fn span(span: Micros) -> String {
    match span.0 / 1_000 {
        millis @ ..1_000 => format!("{millis} ms"),
        millis @ 1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        millis => format!("{} min {} s", millis / 60_000, millis / 1_000 % 60),
    }
}

fn ended(exit: Option<Exit>) -> String {
    match exit {
        Some(Exit::Code(code)) => format!("exit {code}"),
        Some(Exit::Signal(signal)) => format!("signal {signal}"),
        Some(Exit::Lost) => "end not seen".to_owned(),
        None => "no end yet".to_owned(),
    }
}
