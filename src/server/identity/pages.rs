//! The pages of signing in: `/device`, `/login`, `/logout`. No script; each form carries its token.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;

use super::browser::{self, Jar};
use super::device::{self, Found, Waiting};
use super::sign_in::{self, Answer};
use super::token::{self, Kind};
use super::{WebSession, oidc, picks_users};
use crate::model::{Micros, Subject};
use crate::server::App;
use crate::server::http::error::Failure;
use crate::server::http::oauth::{From, address};
use crate::server::ui;

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/device", get(device).post(answer_device))
        .route("/login", get(login).post(pick))
        .route(oidc::CALLBACK, get(callback))
        .route("/logout", get(logout_page).post(logout))
        .layer(DefaultBodyLimit::max(16 << 10))
}

#[derive(Template)]
#[template(path = "identity/pages/device_code.html")]
struct DeviceCode<'a> {
    name: &'a str,
    here: &'static str,
    trouble: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "identity/pages/device_confirm.html")]
struct DeviceConfirm<'a> {
    name: &'a str,
    here: &'static str,
    waiting: &'a Waiting,
    asked: String,
    users: &'a [Subject],
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "identity/pages/login.html")]
struct Login<'a> {
    name: &'static str,
    here: &'static str,
    users: &'a [Subject],
    next: &'a str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "identity/pages/logout.html")]
struct Logout<'a> {
    name: &'a str,
    here: &'static str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "identity/pages/done.html")]
struct Done<'a> {
    name: &'static str,
    here: &'static str,
    title: &'a str,
    text: &'a str,
}

fn page(status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
    Ok(ui::html(status, template.render().map_err(Failure::internal)?))
}

/// Who uses the page: a signed-in person, or with `--dev` anybody, known by a cookie that only ties forms to browsers.
struct Visitor {
    session: Option<WebSession>,
    csrf: String,
    /// To be set where the browser had none.
    cookie: Option<HeaderValue>,
}

impl Visitor {
    async fn of(app: &App, headers: &HeaderMap) -> Result<Visitor, Failure> {
        if let Some(session) = browser::web_session(app, headers).await {
            return Ok(Visitor { csrf: session.csrf.clone(), session: Some(session), cookie: None });
        }
        let (value, cookie) = form_cookie(app, headers)?;
        Ok(Visitor { session: None, csrf: browser::csrf(&value), cookie })
    }

    /// Whoever is signed in; else nothing.
    fn name(&self) -> &str {
        self.session.as_ref().map_or("", |session| session.subject.name.as_str())
    }

    fn counted_as(&self, from: &From) -> String {
        self.session.as_ref().map_or_else(|| address(from), |session| session.subject.id.clone())
    }

    fn with_cookie(self, mut response: Response) -> Response {
        if let Some(cookie) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// The browser's form cookie, made where it has none.
fn form_cookie(app: &App, headers: &HeaderMap) -> Result<(String, Option<HeaderValue>), Failure> {
    if let Some(value) = browser::cookie(app, headers, Jar::Form) {
        return Ok((value, None));
    }
    let value = token::fresh(Kind::Once).map_err(Failure::internal)?.to_string();
    let cookie = browser::set(app, Jar::Form, &value)?;
    Ok((value, Some(cookie)))
}

fn genuine(app: &App, headers: &HeaderMap, ours: &str, sent: &str) -> Result<(), Failure> {
    if browser::same_origin(app, headers) && browser::same(ours, sent) {
        return Ok(());
    }
    Err(Failure::forbidden("this form does not come from a page of ours, or the page is old")
        .hint("open the page again"))
}

fn form<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Failure> {
    form.map(|Form(form)| form).map_err(|error| Failure::bad_request("the form is not complete").inside(error))
}

#[derive(Deserialize)]
struct DeviceQuery {
    #[serde(default)]
    user_code: Option<String>,
}

async fn device(
    State(app): State<Arc<App>>,
    from: From,
    headers: HeaderMap,
    query: Result<Query<DeviceQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let typed = query.ok().and_then(|Query(query)| query.user_code).filter(|code| !code.trim().is_empty());
    let visitor = Visitor::of(&app, &headers).await?;
    if visitor.session.is_none() && !picks_users(&app) {
        // Only a code that reads as one goes on in the address.
        let code = typed.as_deref().and_then(token::read_user_code);
        let next = code.map_or_else(|| "/device".to_owned(), |code| format!("/device?user_code={code}"));
        return to_login(&next);
    }
    let Some(typed) = typed else {
        return page(StatusCode::OK, &DeviceCode { name: visitor.name(), here: "", trouble: None });
    };
    let found = find(&app, typed, visitor.counted_as(&from)).await?;
    let waiting = match found {
        Found::Waiting(waiting) => waiting,
        other => return not_found(&other),
    };
    let users: &[Subject] = if picks_users(&app) { &app.config.users } else { &[] };
    let response = page(
        StatusCode::OK,
        &DeviceConfirm {
            waiting: &waiting,
            asked: ago(app.now().since(waiting.asked)),
            name: visitor.name(),
            here: "",
            users,
            csrf: &visitor.csrf,
        },
    )?;
    Ok(visitor.with_cookie(response))
}

async fn find(app: &App, typed: String, by: String) -> Result<Found, Failure> {
    app.store.write(move |tx| Box::pin(async move { device::find(tx, &typed, &by).await })).await
}

fn not_found(found: &Found) -> Result<Response, Failure> {
    match found {
        Found::Limited => page(
            StatusCode::TOO_MANY_REQUESTS,
            &DeviceCode {
                name: "",
                here: "",
                trouble: Some("Too many wrong codes. Wait ten minutes, then begin a new login."),
            },
        ),
        _ => page(
            StatusCode::NOT_FOUND,
            &DeviceCode {
                name: "",
                here: "",
                trouble: Some("No login waits for this code, or not any more. Codes last ten minutes."),
            },
        ),
    }
}

#[derive(Deserialize)]
struct DeviceAnswer {
    csrf: String,
    user_code: String,
    answer: String,
    #[serde(default)]
    user: Option<String>,
}

async fn answer_device(
    State(app): State<Arc<App>>,
    from: From,
    headers: HeaderMap,
    sent: Result<Form<DeviceAnswer>, FormRejection>,
) -> Result<Response, Failure> {
    let sent = form(sent)?;
    let visitor = Visitor::of(&app, &headers).await?;
    genuine(&app, &headers, &visitor.csrf, &sent.csrf)?;
    let subject = match (&visitor.session, &sent.user) {
        (_, Some(user)) => picked(&app, user)?,
        (Some(session), None) => session.subject.clone(),
        (None, None) => return to_login("/device"),
    };
    let waiting = match find(&app, sent.user_code, visitor.counted_as(&from)).await? {
        Found::Waiting(waiting) => waiting,
        other => return not_found(&other),
    };
    let yes = match sent.answer.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Failure::bad_request("the answer is yes or no")),
    };
    let done = app
        .store
        .write(move |tx| Box::pin(async move { device::answer(tx, &waiting, &subject, yes.then_some(&subject)).await }))
        .await?;
    match (done, yes) {
        (true, true) => page(
            StatusCode::OK,
            &Done {
                name: "",
                here: "",
                title: "Logged in",
                text: "Go back to your terminal. This page can be closed.",
            },
        ),
        (true, false) => page(
            StatusCode::OK,
            &Done {
                name: "",
                here: "",
                title: "Not logged in",
                text: "The device was told no. This page can be closed.",
            },
        ),
        (false, _) => not_found(&Found::Nothing),
    }
}

/// With `--dev` alone: one of the configured users, by name.
fn picked(app: &App, user: &str) -> Result<Subject, Failure> {
    if !picks_users(app) {
        return Err(Failure::forbidden("users are picked in development only"));
    }
    let found = app.config.users.iter().find(|known| known.id == user);
    found.cloned().ok_or_else(|| Failure::bad_request("no such user"))
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: Option<String>,
}

async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<Next>, QueryRejection>,
) -> Result<Response, Failure> {
    let next = query.ok().and_then(|Query(query)| query.next);
    let next = browser::next_path(next.as_deref());
    if browser::web_session(&app, &headers).await.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let (value, cookie) = form_cookie(&app, &headers)?;
    let mut response = if picks_users(&app) {
        page(
            StatusCode::OK,
            &Login { name: "", here: "", users: &app.config.users, next, csrf: &browser::csrf(&value) },
        )?
    } else {
        Redirect::to(&sign_in::begin(&app, &value, next).await?).into_response()
    };
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct Pick {
    csrf: String,
    user: String,
    #[serde(default)]
    next: Option<String>,
}

async fn pick(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    sent: Result<Form<Pick>, FormRejection>,
) -> Result<Response, Failure> {
    let sent = form(sent)?;
    let subject = picked(&app, &sent.user)?;
    let visitor = Visitor::of(&app, &headers).await?;
    genuine(&app, &headers, &visitor.csrf, &sent.csrf)?;
    let cookie = sign_in::enter(&app, subject).await?;
    signed_in(&app, &cookie, browser::next_path(sent.next.as_deref()))
}

async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<Answer>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(answer) = query.map_err(|error| Failure::bad_request("the answer is not complete").inside(error))?;
    let browser_cookie = browser::cookie(&app, &headers, Jar::Form);
    let (cookie, next) = sign_in::finish(&app, browser_cookie.as_deref(), answer).await?;
    signed_in(&app, &cookie, browser::next_path(Some(&next)))
}

fn signed_in(app: &App, cookie: &str, next: &str) -> Result<Response, Failure> {
    let mut response = Redirect::to(next).into_response();
    response.headers_mut().append(header::SET_COOKIE, browser::set(app, Jar::Session, cookie)?);
    response.headers_mut().append(header::SET_COOKIE, browser::set(app, Jar::Form, "")?);
    Ok(response)
}

async fn logout_page(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    match browser::web_session(&app, &headers).await {
        Some(session) => page(StatusCode::OK, &Logout { name: &session.subject.name, here: "", csrf: &session.csrf }),
        None => page(StatusCode::OK, &Done { name: "", here: "", title: "Signed out", text: "You are not signed in." }),
    }
}

#[derive(Deserialize)]
struct Leave {
    csrf: String,
}

async fn logout(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    sent: Result<Form<Leave>, FormRejection>,
) -> Result<Response, Failure> {
    let sent = form(sent)?;
    let Some(cookie) = browser::cookie(&app, &headers, Jar::Session) else { return to_login("/") };
    genuine(&app, &headers, &browser::csrf(&cookie), &sent.csrf)?;
    app.store.write(move |tx| Box::pin(async move { browser::end(tx, &cookie).await })).await?;
    let mut response =
        page(StatusCode::OK, &Done { name: "", here: "", title: "Signed out", text: "This page can be closed." })?;
    response.headers_mut().append(header::SET_COOKIE, browser::set(&app, Jar::Session, "")?);
    Ok(response)
}

fn to_login(next: &str) -> Result<Response, Failure> {
    // `next` is a path of ours in plain letters; only what separates parameters needs escaping.
    let next = next.replace('%', "%25").replace('&', "%26").replace('?', "%3F").replace('=', "%3D").replace('#', "%23");
    Ok(Redirect::to(&format!("/login?next={next}")).into_response())
}

fn ago(span: Micros) -> String {
    match span.0 / 1_000_000 {
        seconds if seconds < 60 => format!("{seconds} seconds ago"),
        seconds => format!("{} minutes ago", seconds / 60),
    }
}
