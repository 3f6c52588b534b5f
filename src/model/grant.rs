//! What is lent to one command.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::Micros;

/// Bytes that cannot be printed, cloned or compared by accident; wiped when dropped.
///
/// [`Secret::expose`] is the one door; a test counts the files that use it.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Secret(Zeroizing::new(bytes))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// For `#[serde(serialize_with)]` on the two channels that must carry a secret: server to keeper, keeper to shim.
    pub fn onto_the_wire<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(secret.expose())))
    }

    pub fn off_the_wire<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        STANDARD.decode(text.as_bytes()).map(Secret::new).map_err(de::Error::custom)
    }
}

/// What the pseudonyms in marks are made with: the same value has the same one in all that one login runs.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pseudonyms(
    #[serde(serialize_with = "Secret::onto_the_wire", deserialize_with = "Secret::off_the_wire")] pub Secret,
);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

/// A credential that fits one permit.
#[derive(Serialize, Deserialize)]
pub struct Grant {
    /// The name by which policy draws it (`@grant("orders-ro")`).
    pub name: String,
    pub kind: GrantKind,
    #[serde(serialize_with = "Secret::onto_the_wire", deserialize_with = "Secret::off_the_wire")]
    pub secret: Secret,
    pub expires: Micros,
}

/// What kind of credential it is and where it fits. How it reaches a tool is the tool's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GrantKind {
    /// A PostgreSQL role made for this command; the secret is its password.
    Postgres { host: String, port: u16, database: String, role: String },
    /// A token for hosts and paths under `url` (scheme, host, port, path prefix): `https://git.example/acme/`.
    /// git and curl send it as HTTP Basic where `username` is given, else curl sends `Authorization: Bearer`.
    Token { url: String, username: Option<String> },
    /// A bearer token for one cluster; `ca` is its PEM certificate authority.
    Kubernetes { server: String, ca: Option<String>, namespace: Option<String> },
}
