//! The approver's pages: what waits, one of them in full, yes or no.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

use super::visit::Visit;
use super::{page, time};
use crate::model::{ApprovalId, Subject};
use crate::server::App;
use crate::server::approvals::{self, Approval};
use crate::server::http::approvals::visible;
use crate::server::http::error::Failure;
use crate::wire::contract::{ApprovalState, ApprovalView};

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/approvals", get(list))
        .route("/a/{short}", get(show))
        .route("/a/{short}/approve", post(approve))
        .route("/a/{short}/refuse", post(refuse))
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    before: Option<ApprovalId>,
}

/// The filters, by the word in the address; the first is where a visitor begins.
const TABS: [(&str, &str, Option<ApprovalState>); 5] = [
    ("pending", "Waiting", Some(ApprovalState::Pending)),
    ("approved", "Approved", Some(ApprovalState::Approved)),
    ("refused", "Refused", Some(ApprovalState::Refused)),
    ("expired", "Expired", Some(ApprovalState::Expired)),
    ("all", "All", None),
];

/// Rows of one page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "ui/approvals.html")]
struct List<'a> {
    name: &'a str,
    here: &'static str,
    tab: &'static str,
    tabs: &'static [(&'static str, &'static str, Option<ApprovalState>)],
    approvals: Vec<Shown>,
    older: Option<String>,
}

/// An approval in the words of a page.
struct Shown {
    address: String,
    state: &'static str,
    asked: String,
    expires: String,
    view: ApprovalView,
}

impl Shown {
    fn new(view: ApprovalView) -> Shown {
        Shown {
            address: format!("/a/{}", view.ticket.url.rsplit('/').next().unwrap_or_default()),
            state: word(view.state),
            asked: time(view.asked),
            expires: time(view.ticket.expires),
            view,
        }
    }
}

fn word(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "waiting",
        ApprovalState::Approved => "approved",
        ApprovalState::Refused => "refused",
        ApprovalState::Expired => "expired",
    }
}

async fn list(
    State(app): State<Arc<App>>,
    Visit(session): Visit,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(filter) = filter.map_err(|_| Failure::bad_request("this address does not name a list"))?;
    let wanted = filter.state.unwrap_or_default();
    let (tab, _, state) = TABS.into_iter().find(|(tab, _, _)| *tab == wanted).unwrap_or(TABS[0]);
    let views = visible(&app, &session.subject, state, filter.before, ROWS).await?;
    let older = (views.len() as i64 == ROWS).then(|| views.last().map(|view| view.ticket.id.to_string())).flatten();
    let approvals = views.into_iter().map(Shown::new).collect();
    page(&List { name: &session.subject.name, here: "approvals", tab, tabs: &TABS, approvals, older })
}

#[derive(Template)]
#[template(path = "ui/approval.html")]
struct Detail<'a> {
    name: &'a str,
    here: &'static str,
    csrf: &'a str,
    shown: Shown,
    wants: &'a [approvals::Want],
    answers: Vec<(String, &'static str, String, String)>,
    consumed: Option<String>,
    /// Why this visitor cannot answer; `None` where they can.
    barred: Option<String>,
}

async fn show(
    State(app): State<Arc<App>>,
    Visit(session): Visit,
    Path(short): Path<String>,
) -> Result<Response, Failure> {
    let approval = find(&app, &session.subject, &short).await?;
    let mut connection = app.store.pool().acquire().await?;
    let answers = approvals::answers(&mut connection, &approval.id).await?;
    let answered = answers.iter().any(|answer| answer.by.id == session.subject.id);
    let shown = Shown::new(approval.view(answers.clone(), &app.config.public_url, app.now()));
    let barred = match approvals::barred(&session.subject, &approval) {
        Some(why) => Some(why.to_owned()),
        None if shown.view.state != ApprovalState::Pending => Some(format!("This question is {}.", shown.state)),
        None if answered => Some("You have answered; others have to as well.".to_owned()),
        None => None,
    };
    let answers = answers
        .into_iter()
        .map(|answer| {
            let what = if answer.approved { "approved" } else { "refused" };
            (answer.by.name, what, time(answer.at), answer.reason)
        })
        .collect();
    page(&Detail {
        name: &session.subject.name,
        here: "approvals",
        csrf: &session.csrf,
        wants: &approval.body.wants,
        answers,
        consumed: approval.consumed.as_ref().map(ToString::to_string),
        barred,
        shown,
    })
}

async fn find(app: &App, who: &Subject, short: &str) -> Result<Approval, Failure> {
    let mut connection = app.store.pool().acquire().await?;
    let found = approvals::by_short(&mut connection, short).await?;
    found
        .filter(|approval| approvals::may_see(app, who, approval))
        .ok_or_else(|| Failure::not_found("there is no such approval, or it is not yours to see"))
}

#[derive(Deserialize)]
struct Sent {
    csrf: String,
    #[serde(default)]
    reason: String,
}

type SentForm = Result<Form<Sent>, FormRejection>;

async fn approve(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(short): Path<String>,
    headers: HeaderMap,
    form: SentForm,
) -> Result<Response, Failure> {
    answer(&app, &visit, &short, &headers, form, true).await
}

async fn refuse(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(short): Path<String>,
    headers: HeaderMap,
    form: SentForm,
) -> Result<Response, Failure> {
    answer(&app, &visit, &short, &headers, form, false).await
}

async fn answer(
    app: &App,
    visit: &Visit,
    short: &str,
    headers: &HeaderMap,
    form: SentForm,
    approved: bool,
) -> Result<Response, Failure> {
    let Form(sent) = form.map_err(|_| Failure::bad_request("the form is not complete"))?;
    visit.genuine(app, headers, &sent.csrf)?;
    let who = &visit.0.subject;
    let approval = find(app, who, short).await?;
    approvals::answer(app, &approval.id, who, approved, &sent.reason).await?;
    Ok(Redirect::to(&format!("/a/{}", approval.short)).into_response())
}
