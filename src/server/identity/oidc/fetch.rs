//! Requests to the provider: over TLS, without redirects or proxies, bounded in time and size.

use std::time::Duration;

use reqwest::{Certificate, Url};
use serde_json::Value;

const TIME: Duration = Duration::from_secs(10);
const MOST: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is not an https address")]
    Address(String),
    #[error("the provider cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the provider's answer is too long")]
    TooLong,
    #[error("the provider's answer ({0}) is not the JSON it should be")]
    NotJson(u16),
}

pub struct Fetch(reqwest::Client);

impl Fetch {
    /// `ca` is PEM: trusted instead of the system's authorities.
    pub fn new(ca: Option<&str>) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME)
            .user_agent(concat!("portcullis-server/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = ca {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem.as_bytes())?);
        }
        Ok(Fetch(builder.build()?))
    }

    pub async fn get(&self, url: &str) -> Result<Value, Error> {
        answered(self.0.get(checked(url)?).send().await?).await
    }

    pub async fn get_as(&self, url: &str, access_token: &str) -> Result<Value, Error> {
        answered(self.0.get(checked(url)?).bearer_auth(access_token).send().await?).await
    }

    /// An error status with a JSON body is an answer too (RFC 6749 section 5.2).
    pub async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<Value, Error> {
        let mut request = self.0.post(checked(url)?).form(form).header("accept", "application/json");
        if let Some((user, password)) = basic {
            // RFC 6749 section 2.3.1: both are form encoded before they are joined.
            request = request.basic_auth(form_encoded(user), Some(form_encoded(password)));
        }
        body(request.send().await?).await
    }
}

/// An address we may talk to: https, or http to this very machine.
pub fn secure(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then_some(url)
}

fn checked(url: &str) -> Result<Url, Error> {
    secure(url).ok_or_else(|| Error::Address(url.to_owned()))
}

async fn answered(answer: reqwest::Response) -> Result<Value, Error> {
    let status = answer.status();
    if !status.is_success() {
        return Err(Error::NotJson(status.as_u16()));
    }
    body(answer).await
}

async fn body(mut answer: reqwest::Response) -> Result<Value, Error> {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST {
            return Err(Error::TooLong);
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| Error::NotJson(status))
}

fn form_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
