//! A person's way to the OpenID provider and back: what is kept meanwhile, and that the browser that comes back is the
//! one that was sent (RFC 9700 section 4.7: else a stranger's code could be slipped to somebody).

use sqlx::Row as _;
use zeroize::Zeroizing;

use super::oidc::{self, Client, Return};
use super::{Identity, browser, token};
use crate::model::{Micros, Subject};
use crate::server::App;
use crate::server::audit::Event;
use crate::server::http::error::Failure;
use axum::http::StatusCode;

/// The person has this long at the provider.
const LIFE: Micros = Micros::seconds(600);

/// The provider's parameters on the way back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Debug, serde::Deserialize)]
pub struct Answer {
    pub state: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub iss: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
}

impl Identity {
    async fn provider(&self, app: &App) -> Result<&Client, Failure> {
        let settings =
            app.config.oidc.clone().ok_or_else(|| Failure::not_found("no identity provider is configured"))?;
        self.provider
            .get_or_try_init(|| async { Client::new(settings, &app.config.public_url) })
            .await
            .map_err(unavailable)
    }
}

/// Where the browser with this form cookie goes to sign in.
pub async fn begin(app: &App, browser_cookie: &str, next: &str) -> Result<String, Failure> {
    let attempt = app.identity.provider(app).await?.begin(app.now()).await.map_err(unavailable)?;
    let (browser, next) = (token::digest(browser_cookie), next.to_owned());
    let oidc::Attempt { state, nonce, verifier, url } = attempt;
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                sqlx::query("DELETE FROM sign_ins WHERE expires < $1").bind(now.0).execute(tx.connection()).await?;
                sqlx::query(
                    "INSERT INTO sign_ins (state, browser, nonce, verifier, next, expires) \
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(token::digest(&state))
                .bind(browser)
                .bind(nonce.as_str())
                .bind(verifier.as_str())
                .bind(next)
                .bind(now.plus(LIFE).0)
                .execute(tx.connection())
                .await?;
                Ok::<_, Failure>(())
            })
        })
        .await?;
    Ok(url)
}

/// The session cookie of whoever came back, and where they were going. A state serves once, whatever comes of it.
pub async fn finish(
    app: &App,
    browser_cookie: Option<&str>,
    answer: Answer,
) -> Result<(Zeroizing<String>, String), Failure> {
    let state = token::digest(&answer.state);
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let row = sqlx::query(
                    "DELETE FROM sign_ins WHERE state = $1 AND expires > $2 RETURNING browser, nonce, verifier, next",
                )
                .bind(state)
                .bind(now.0)
                .fetch_optional(tx.connection())
                .await?;
                Ok::<_, Failure>(row)
            })
        })
        .await?
        .ok_or_else(|| Failure::bad_request("this sign-in is over or was not begun here").hint("begin again"))?;
    let (browser, nonce): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (verifier, next): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    if !browser_cookie.is_some_and(|cookie| browser::same(&browser, &token::digest(cookie))) {
        return Err(Failure::bad_request("this sign-in was begun in another browser").hint("begin again"));
    }
    let code = match (answer.code, answer.error) {
        (Some(code), None) => code,
        (_, error) => {
            return Err(
                Failure::forbidden("the identity provider did not sign you in").inside(error.unwrap_or_default())
            );
        }
    };
    let returned = Return { code: &code, issuer: answer.iss.as_deref(), nonce: &nonce, verifier: &verifier };
    let subject = app.identity.provider(app).await?.finish(&returned, app.now()).await.map_err(rejected)?;
    Ok((enter(app, subject).await?, next))
}

/// Begins a browser's session for somebody who has just proved, or with `--dev` said, who they are.
pub async fn enter(app: &App, subject: Subject) -> Result<Zeroizing<String>, Failure> {
    app.store
        .write(move |tx| {
            Box::pin(async move {
                tx.audit(Event::new("browser.signed_in").who(&subject)).await?;
                browser::begin(tx, &subject).await
            })
        })
        .await
}

fn unavailable(error: oidc::Error) -> Failure {
    Failure::new(StatusCode::BAD_GATEWAY, "internal", "the identity provider cannot be used").inside(error)
}

fn rejected(error: oidc::Error) -> Failure {
    match error {
        oidc::Error::Fetch(_) | oidc::Error::Metadata(_) | oidc::Error::File(..) => unavailable(error),
        oidc::Error::Issuer(_) | oidc::Error::Refused(_) | oidc::Error::Token(_) | oidc::Error::Random(_) => {
            Failure::forbidden("the identity provider's answer is not good").inside(error)
        }
    }
}
