//! `/oauth` and its metadata (RFC 8414): the device grant (RFC 8628), refreshing (RFC 6749), a job's token for ours
//! (RFC 8693), revocation (RFC 7009).
//!
//! The one client is `portcullis`, public: it has no secret, so what it holds is what it proves. Errors are those of
//! RFC 6749 section 5.2; answers with tokens are never cached.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Failure;
use crate::model::visible;
use crate::server::App;
use crate::server::identity::device::{self, Asker, Polled};
use crate::server::identity::logins::{self, Issued, Rotated};
use crate::server::identity::workload;
use crate::wire::contract::path;

const CLIENT: &str = "portcullis";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Bytes of a form: a few short fields.
const MOST: usize = 16 << 10;
/// Characters of what a client may say of itself.
const MOST_NAME: usize = 64;

pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(path::METADATA, get(metadata))
        .route(path::DEVICE_AUTHORIZATION, post(device_authorization))
        .route(path::TOKEN, post(token))
        .route(path::REVOKE, post(revoke))
        .layer(DefaultBodyLimit::max(MOST))
}

/// The address a request came from, where the listener says so. Headers that claim another are not believed.
pub type From = Option<Extension<ConnectInfo<SocketAddr>>>;

/// The same in words, for people and for counting.
pub fn address(from: &From) -> String {
    from.as_ref().map_or_else(|| "unknown".to_owned(), |Extension(ConnectInfo(address))| address.ip().to_string())
}

async fn metadata(State(app): State<Arc<App>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", app.config.public_url);
    Json(json!({
        "issuer": app.config.public_url,
        "device_authorization_endpoint": at(path::DEVICE_AUTHORIZATION),
        "token_endpoint": at(path::TOKEN),
        "revocation_endpoint": at(path::REVOKE),
        "grant_types_supported": [DEVICE_CODE, "refresh_token", EXCHANGE],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
    }))
}

#[derive(Deserialize)]
struct DeviceAuthorization {
    client_id: String,
    /// Ours: which machine asks, in its own words.
    #[serde(default)]
    device_name: Option<String>,
}

async fn device_authorization(
    State(app): State<Arc<App>>,
    from: From,
    headers: HeaderMap,
    form: Result<Form<DeviceAuthorization>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else { return Ok(refused("invalid_request", "a form field is missing or twice there")) };
    if form.client_id != CLIENT {
        return Ok(refused("invalid_client", "the only client is portcullis"));
    }
    let agent = headers.get(header::USER_AGENT).map(|value| value.as_bytes());
    let said = form.device_name.as_deref().map(str::as_bytes).or(agent).unwrap_or(b"a client without a name");
    let asker = Asker { client: visible::line(said, MOST_NAME), address: address(&from) };
    let opened = app.store.write(move |tx| Box::pin(async move { device::open(tx, asker).await })).await?;
    let Some(opened) = opened else {
        return Ok(refused("slow_down", "too many logins were begun from this address; wait ten minutes"));
    };
    let page = format!("{}/device", app.config.public_url);
    Ok(never_cached(
        StatusCode::OK,
        json!({
            "device_code": opened.device_code.as_str(),
            "user_code": opened.user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={}", opened.user_code),
            "expires_in": opened.seconds,
            "interval": device::PAUSE.0 / 1_000_000,
        }),
    ))
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    device_code: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    subject_token: Option<String>,
    #[serde(default)]
    subject_token_type: Option<String>,
}

async fn token(
    State(app): State<Arc<App>>,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else { return Ok(refused("invalid_request", "a form field is missing or twice there")) };
    if form.client_id.as_deref() != Some(CLIENT) {
        return Ok(refused("invalid_client", "the only client is portcullis"));
    }
    if form.grant_type == EXCHANGE {
        return match (form.subject_token, form.subject_token_type.as_deref()) {
            (Some(token), Some(JWT | ID_TOKEN)) => exchange(&app, &token).await,
            _ => Ok(refused("invalid_request", "a subject_token that is a JWT")),
        };
    }
    match (form.grant_type.as_str(), form.device_code, form.refresh_token) {
        (DEVICE_CODE, Some(code), None) => {
            let polled = app.store.write(move |tx| Box::pin(async move { device::poll(tx, &code).await })).await?;
            Ok(answer_poll(&polled))
        }
        ("refresh_token", None, Some(refresh)) => {
            let rotated =
                app.store.write(move |tx| Box::pin(async move { logins::rotate(tx, &refresh).await })).await?;
            Ok(match rotated {
                Rotated::Issued(issued) => tokens(&issued),
                Rotated::Invalid => refused("invalid_grant", "the login is over"),
                Rotated::Reused => refused("invalid_grant", "the refresh token was used before; the login was ended"),
            })
        }
        (DEVICE_CODE | "refresh_token", _, _) => Ok(refused("invalid_request", "one grant, and what it needs")),
        _ => Ok(refused("unsupported_grant_type", "device code or refresh token")),
    }
}

/// A job's own token for ours.
async fn exchange(app: &App, token: &str) -> Result<Response, Failure> {
    let Some(subject) = workload::subject(app, token).await? else {
        return Ok(refused("invalid_request", "no workload that is configured has such a token"));
    };
    let issued = app.store.write(move |tx| Box::pin(async move { logins::begin_job(tx, &subject).await })).await?;
    let mut body = body(&issued);
    body["issued_token_type"] = ACCESS_TOKEN.into();
    Ok(never_cached(StatusCode::OK, body))
}

fn answer_poll(polled: &Polled) -> Response {
    match polled {
        Polled::Issued(issued) => tokens(issued),
        Polled::Pending => refused("authorization_pending", "nobody has answered yet"),
        Polled::SlowDown => refused("slow_down", "polled too fast: the pause is five seconds longer from now on"),
        Polled::Refused => refused("access_denied", "a person said no"),
        Polled::Expired => refused("expired_token", "nobody answered in time"),
        Polled::Unknown => refused("invalid_grant", "not a device code, or already used"),
    }
}

#[derive(Deserialize)]
struct Revocation {
    token: String,
}

/// Whoever has the token may end its login; an unknown token is answered alike.
async fn revoke(
    State(app): State<Arc<App>>,
    form: Result<Form<Revocation>, FormRejection>,
) -> Result<Response, Failure> {
    let Ok(Form(form)) = form else { return Ok(refused("invalid_request", "no token")) };
    app.store.write(move |tx| Box::pin(async move { logins::revoke(tx, &form.token).await })).await?;
    Ok(StatusCode::OK.into_response())
}

fn tokens(issued: &Issued) -> Response {
    never_cached(StatusCode::OK, body(issued))
}

fn body(issued: &Issued) -> Value {
    json!({
        "access_token": issued.access.as_str(),
        "token_type": "Bearer",
        "expires_in": issued.seconds,
        "refresh_token": issued.refresh.as_str(),
    })
}

fn refused(error: &str, description: &str) -> Response {
    never_cached(StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": description }))
}

fn never_cached(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}
