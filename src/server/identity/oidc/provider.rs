//! What is known of an issuer: its metadata and keys, fetched when they are needed and again when they are old.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::Error;
use super::fetch::Fetch;
use super::verify::{self, Claims, Expected};
use crate::model::Micros;

/// An unknown key id makes us fetch the keys again, but not more often than this.
const REFETCH: Micros = Micros::seconds(30);

/// Metadata and keys are fetched anew after this.
const STALE: Micros = Micros::seconds(3600);

/// OpenID Connect Discovery 1.0 section 3, what we use of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    issuer: String,
    /// Not every issuer of workload tokens signs people in.
    #[serde(default)]
    pub authorization_endpoint: String,
    #[serde(default)]
    pub token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207: the answer names its issuer, so that one provider's code cannot be brought to another.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

struct Known {
    metadata: Metadata,
    keys: JwkSet,
    fetched: Micros,
}

pub struct Provider {
    issuer: String,
    pub fetch: Fetch,
    known: Mutex<Option<Known>>,
}

impl Provider {
    /// `ca_file` is PEM: trusted instead of the system's authorities.
    pub fn new(issuer: &str, ca_file: Option<&Path>) -> Result<Self, Error> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| Error::File(PathBuf::from(path), error));
        let fetch = Fetch::new(ca_file.map(read).transpose()?.as_deref())?;
        Ok(Provider { issuer: issuer.to_owned(), fetch, known: Mutex::new(None) })
    }

    /// Checks a token; where its key is unknown, once more with fresh keys.
    pub async fn verified(&self, id_token: &str, expected: &Expected<'_>, now: Micros) -> Result<Claims, Error> {
        self.metadata(now).await?;
        let mut known = self.known.lock().await;
        let keys = known.as_ref().map(|known| &known.keys).ok_or(Error::Metadata("jwks_uri"))?;
        match verify::id_token(id_token, keys, expected, now) {
            Err(verify::Error::UnknownKey) => {}
            other => return Ok(other?),
        }
        if known.as_ref().is_some_and(|known| now.since(known.fetched) < REFETCH) {
            return Err(verify::Error::UnknownKey.into());
        }
        let fresh = self.discover(now).await?;
        let claims = verify::id_token(id_token, &fresh.keys, expected, now);
        *known = Some(fresh);
        Ok(claims?)
    }

    pub async fn metadata(&self, now: Micros) -> Result<Metadata, Error> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now.since(known.fetched) < STALE) {
            return Ok(known.metadata.clone());
        }
        let fresh = self.discover(now).await?;
        let metadata = fresh.metadata.clone();
        *known = Some(fresh);
        Ok(metadata)
    }

    async fn discover(&self, now: Micros) -> Result<Known, Error> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata =
            serde_json::from_value(self.fetch.get(&url).await?).map_err(|_| Error::Metadata("endpoints"))?;
        if metadata.issuer != self.issuer {
            return Err(Error::Issuer(metadata.issuer));
        }
        let keys = read_keys(&self.fetch.get(&metadata.jwks_uri).await?);
        Ok(Known { metadata, keys, fetched: now })
    }
}

/// The keys that can be read; one key of a kind we do not know must not lock everybody out.
fn read_keys(body: &Value) -> JwkSet {
    let all = body.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    JwkSet { keys: all.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() }
}
