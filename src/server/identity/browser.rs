//! Browsers: their cookies, and what keeps another site from posting forms in a person's name.
//!
//! A cookie is an opaque random string, its SHA-256 in the store. The token that forms carry is derived from the cookie,
//! so it needs no place of its own, and whoever does not have the cookie cannot make it.

use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use sqlx::Row as _;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::token::{self, Kind};
use super::{WebSession, read_subject, write_subject};
use crate::model::{Micros, Subject};
use crate::server::App;
use crate::server::http::error::Failure;
use crate::server::store::Tx;

const SESSION_LIFE: Micros = Micros::seconds(12 * 3600);

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// A signed-in person.
    Session,
    /// A browser that is not signed in, or on its way to be.
    Form,
}

/// The name of a cookie. Over TLS it has the prefix that keeps other hosts and plain http from setting it
/// (RFC 6265bis section 4.1.3.2).
fn name(app: &App, jar: Jar) -> &'static str {
    match (over_tls(app), jar) {
        (true, Jar::Session) => "__Host-portcullis",
        (true, Jar::Form) => "__Host-portcullis-form",
        (false, Jar::Session) => "portcullis",
        (false, Jar::Form) => "portcullis-form",
    }
}

fn over_tls(app: &App) -> bool {
    app.config.public_url.starts_with("https:")
}

/// The value of one of our cookies.
pub fn cookie(app: &App, headers: &HeaderMap, jar: Jar) -> Option<String> {
    CookieJar::from_headers(headers).get(name(app, jar)).map(|cookie| cookie.value().to_owned())
}

/// `Set-Cookie`; an empty value takes the cookie away.
pub fn set(app: &App, jar: Jar, value: &str) -> Result<HeaderValue, Failure> {
    let mut cookie = Cookie::build((name(app, jar), value))
        .path("/")
        .http_only(true)
        .secure(over_tls(app))
        .same_site(SameSite::Lax)
        .build();
    if value.is_empty() {
        cookie.make_removal();
    }
    HeaderValue::from_str(&cookie.to_string()).map_err(Failure::internal)
}

/// Whose browser sent these headers, by its session cookie.
pub async fn web_session(app: &App, headers: &HeaderMap) -> Option<WebSession> {
    let cookie = cookie(app, headers, Jar::Session)?;
    let row = sqlx::query("SELECT who FROM web_sessions WHERE cookie = $1 AND expires > $2")
        .bind(token::digest(&cookie))
        .bind(app.now().0)
        .fetch_optional(app.store.pool())
        .await
        .inspect_err(|error| tracing::error!(%error, "a browser's session cannot be looked up"))
        .ok()??;
    let subject = read_subject(row.try_get(0).ok()?).ok()?;
    Some(WebSession { subject, csrf: csrf(&cookie) })
}

/// Begins a session and gives its cookie: a new one at each sign-in, so none can be planted beforehand.
pub async fn begin(tx: &mut Tx, subject: &Subject) -> Result<Zeroizing<String>, Failure> {
    let (now, cookie) = (tx.now(), token::fresh(Kind::Session).map_err(Failure::internal)?);
    sqlx::query("DELETE FROM web_sessions WHERE expires < $1").bind(now.0).execute(tx.connection()).await?;
    sqlx::query("INSERT INTO web_sessions (cookie, who, expires) VALUES ($1, $2, $3)")
        .bind(token::digest(&cookie))
        .bind(write_subject(subject)?)
        .bind(now.plus(SESSION_LIFE).0)
        .execute(tx.connection())
        .await?;
    Ok(cookie)
}

pub async fn end(tx: &mut Tx, cookie: &str) -> Result<(), Failure> {
    sqlx::query("DELETE FROM web_sessions WHERE cookie = $1")
        .bind(token::digest(cookie))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// What forms of the browser with this cookie carry.
pub fn csrf(cookie: &str) -> String {
    token::digest(&format!("portcullis csrf v1\0{cookie}"))
}

/// Compares in constant time.
pub fn same(ours: &str, sent: &str) -> bool {
    ours.as_bytes().ct_eq(sent.as_bytes()).into()
}

/// Whether a browser says that a page of ours sent this request. Clients that are no browsers say nothing and pass: the
/// token in the form is what protects; this is the second lock.
pub fn same_origin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")) {
        return false;
    }
    match text(header::ORIGIN.as_str()) {
        None => true,
        Some(origin) if origin == app.config.public_url => true,
        Some(origin) => origin.split_once("://").map(|(_, host)| host) == text(header::HOST.as_str()),
    }
}

/// A path of ours to go on to after signing in; anything that could be another site becomes `/`.
pub fn next_path(next: Option<&str>) -> &str {
    let next = next.unwrap_or("/");
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 1024
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::next_path;

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(next_path(Some("/a/7f3k2m?x=1#y")), "/a/7f3k2m?x=1#y");
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\r\nb", "/\t/evil", "\\/e"]
        {
            assert_eq!(next_path(Some(bad)), "/", "{bad:?}");
        }
    }
}
