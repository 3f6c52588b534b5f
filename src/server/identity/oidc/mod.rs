//! Signing a person in at an OpenID Connect provider: authorization code with PKCE, state and nonce.
//!
//! The client keeps the provider's metadata and keys and nothing else; what belongs to one sign-in is [`Attempt`], which
//! the caller stores until the person comes back. Refused: an issuer that is not exactly the one configured, endpoints
//! without TLS (loopback apart), redirects, answers that are too long.

mod fetch;
mod provider;
pub mod verify;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::token::{self, Kind};
use crate::model::{Micros, Subject, SubjectKind};
use crate::server::config::Oidc;
use provider::Metadata;
pub use provider::Provider;
use verify::{Claims, Expected};

/// Where the provider sends the person back to, under our public address.
pub const CALLBACK: &str = "/login/callback";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file {0} cannot be read: {1}")]
    File(PathBuf, std::io::Error),
    #[error("{0}")]
    Fetch(#[from] fetch::Error),
    #[error("the provider calls itself {0:?}, not what is configured")]
    Issuer(String),
    #[error("the provider's metadata has no usable {0}")]
    Metadata(&'static str),
    #[error("the provider answered the code with {0}")]
    Refused(String),
    #[error("the ID token is not good: {0}")]
    Token(#[from] verify::Error),
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

/// One sign-in on its way. The state's digest is what it is found by.
pub struct Attempt {
    pub state: Zeroizing<String>,
    pub nonce: Zeroizing<String>,
    pub verifier: Zeroizing<String>,
    /// Where the person's browser goes now.
    pub url: String,
}

/// What the provider's answer and the stored attempt give.
pub struct Return<'a> {
    pub code: &'a str,
    /// The `iss` parameter, where there is one.
    pub issuer: Option<&'a str>,
    pub nonce: &'a str,
    pub verifier: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: String,
}

pub struct Client {
    settings: Oidc,
    secret: Option<Zeroizing<String>>,
    redirect_uri: String,
    provider: Provider,
}

impl Client {
    /// `public_url` is the server's own address as browsers see it.
    pub fn new(settings: Oidc, public_url: &str) -> Result<Self, Error> {
        let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(|error| Error::File(path.clone(), error));
        let secret = settings.client_secret_file.as_ref().map(read).transpose()?;
        let secret = secret.map(|text| Zeroizing::new(text.trim_end().to_owned()));
        let redirect_uri = format!("{}{CALLBACK}", public_url.trim_end_matches('/'));
        let provider = Provider::new(&settings.issuer, settings.ca_file.as_deref())?;
        Ok(Client { provider, settings, secret, redirect_uri })
    }

    /// Begins a sign-in.
    pub async fn begin(&self, now: Micros) -> Result<Attempt, Error> {
        let endpoint = self.provider.metadata(now).await?.authorization_endpoint;
        let (state, nonce, verifier) =
            (token::fresh(Kind::Once)?, token::fresh(Kind::Once)?, token::fresh(Kind::Once)?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(self.settings.scopes.iter().map(String::as_str));
        let mut url = fetch::secure(&endpoint).ok_or(Error::Metadata("authorization_endpoint"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Attempt { state, nonce, verifier, url: url.into() })
    }

    /// Ends a sign-in: the code becomes a person.
    pub async fn finish(&self, answer: &Return<'_>, now: Micros) -> Result<Subject, Error> {
        let metadata = self.provider.metadata(now).await?;
        match answer.issuer {
            Some(issuer) if issuer != self.settings.issuer => return Err(Error::Issuer(issuer.to_owned())),
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(Error::Refused("no issuer".to_owned()));
            }
            _ => {}
        }
        let tokens = self.exchange(&metadata, answer).await?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            audience: &self.settings.client_id,
            nonce: Some(answer.nonce),
            access_token: Some(&tokens.access_token),
        };
        let mut claims = self.provider.verified(&tokens.id_token, &expected, now).await?;
        if let Some(endpoint) = metadata.userinfo_endpoint.filter(|_| !claims.contains_key(&self.settings.groups_claim))
        {
            self.add_userinfo(&endpoint, &tokens.access_token, &mut claims).await?;
        }
        Ok(self.subject(&claims))
    }

    /// Many providers keep all but `sub` out of the ID token; they tell it here. Only about the same subject, and only
    /// what the token does not say itself (Core section 5.3.2).
    async fn add_userinfo(&self, endpoint: &str, access_token: &str, claims: &mut Claims) -> Result<(), Error> {
        let told = self.provider.fetch.get_as(endpoint, access_token).await?;
        let Value::Object(told) = told else { return Err(Error::Refused("no user information".to_owned())) };
        if told.get("sub") != claims.get("sub") {
            return Err(verify::Error::Claim("sub").into());
        }
        for (claim, value) in told {
            claims.entry(claim).or_insert(value);
        }
        Ok(())
    }

    async fn exchange(&self, metadata: &Metadata, answer: &Return<'_>) -> Result<Tokens, Error> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", answer.verifier),
        ];
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        let credentials = match &self.secret {
            Some(secret) if basic => Some((self.settings.client_id.as_str(), secret.as_str())),
            Some(secret) => {
                form.push(("client_id", &self.settings.client_id));
                form.push(("client_secret", secret));
                None
            }
            None => {
                form.push(("client_id", &self.settings.client_id));
                None
            }
        };
        let body = self.provider.fetch.post_form(&metadata.token_endpoint, &form, credentials).await?;
        if let Some(error) = body.get("error") {
            return Err(Error::Refused(error.to_string()));
        }
        serde_json::from_value(body).map_err(|_| Error::Refused("no ID token".to_owned()))
    }

    fn subject(&self, claims: &Claims) -> Subject {
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = text("sub").unwrap_or_default();
        let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email")).unwrap_or(id);
        let groups: Vec<String> = match claims.get(&self.settings.groups_claim) {
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let machine = groups.iter().any(|group| self.settings.machine_groups.contains(group));
        let kind = if machine { SubjectKind::Machine } else { SubjectKind::Person };
        Subject { id: id.to_owned(), name: name.to_owned(), kind, groups }
    }
}
