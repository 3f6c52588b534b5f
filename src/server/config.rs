//! The configuration: one TOML file, each scalar key also a variable of [`crate::env::SERVER`], and `--dev`, which
//! needs neither.
//!
//! An unknown key is an error: a misspelt one would leave a control silently off.

mod file;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::env;
use crate::model::{Secret, Subject};
use file::File;

/// Every key, with what it means: what `portcullis-server --example` prints.
pub const EXAMPLE: &str = include_str!("example.toml");

/// How the server is set up, after file, variables and command line were put together.
pub struct Config {
    /// No identity provider: the login page lets one pick among [`Config::users`].
    pub dev: bool,
    pub listen: SocketAddr,
    /// `https://gate.example`, without a slash at the end.
    pub public_url: String,
    pub data: PathBuf,
    /// `sqlite:…` or `postgres:…`.
    pub store: String,
    /// `None`: the set that ships with the program.
    pub policy: Option<PathBuf>,
    /// `None` only with `dev`: then a certificate of our own.
    pub tls: Option<TlsFiles>,
    /// Groups that see every session and the audit log.
    pub auditors: Vec<String>,
    pub log: String,
    pub log_json: bool,
    pub oidc: Option<Oidc>,
    pub users: Vec<Subject>,
    pub credentials: Vec<Credential>,
    pub workloads: Vec<Workload>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `[oidc]`: the provider that signs people in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    /// Absent for a public client (PKCE alone).
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// PEM file of the authorities to trust for the provider; the system's where absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whoever is in one of these groups signs in as a machine: it can ask, and never approve.
    #[serde(default)]
    pub machine_groups: Vec<String>,
}

fn groups_claim() -> String {
    "groups".to_owned()
}

/// `[[workload]]`: jobs that log in with the token their platform gives them, without a person; always machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// What the gate calls it: `ci-app` signs in as `workload/ci-app`.
    pub name: String,
    /// As the platform writes it in its tokens, to the letter.
    pub issuer: String,
    /// What the job must ask its token for: best this server's own address.
    pub audience: String,
    /// Claims and what they must be, to the letter; at least one, or every job of the platform could log in.
    pub claims: BTreeMap<String, String>,
    #[serde(default)]
    pub groups: Vec<String>,
    /// PEM file of the authorities to trust for the issuer; the system's where absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// `[[credential]]`: what a command may be lent, by the name that policy draws (`@grant("orders-ro")`).
///
/// Unknown keys are refused by the kind, which sees all that is not named here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Credential {
    pub name: String,
    /// How long a grant lives at most.
    #[serde(default = "lifetime")]
    pub seconds: u32,
    #[serde(flatten)]
    pub kind: CredentialKind,
}

fn lifetime() -> u32 {
    900
}

/// Secrets are named by file, never written here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialKind {
    /// Roles are minted with the issuer role's login.
    Postgres {
        host: String,
        #[serde(default = "postgres_port")]
        port: u16,
        database: String,
        /// The issuer role: CREATEROLE, and the privileges to hand on.
        role: String,
        #[serde(default)]
        password_file: Option<PathBuf>,
        /// PEM file of the authorities to trust for the database; the public ones where absent.
        #[serde(default)]
        ca_file: Option<PathBuf>,
        /// A minted role may also connect to other databases of the cluster, because PUBLIC may. Else it is a refusal.
        #[serde(default)]
        other_databases: bool,
    },
    /// A token for hosts and paths under `url`.
    Token {
        url: String,
        #[serde(default)]
        username: Option<String>,
        token_file: PathBuf,
    },
    /// A bearer token for one cluster.
    Kubernetes {
        server: String,
        #[serde(default)]
        ca_file: Option<PathBuf>,
        #[serde(default)]
        namespace: Option<String>,
        token_file: PathBuf,
    },
}

fn postgres_port() -> u16 {
    5432
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub dev: bool,
    pub config: Option<PathBuf>,
    pub policy: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
}

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {path}: {why}", path = .path.display())]
    Read { path: PathBuf, why: std::io::Error },
    #[error("{path}: {why}", path = .path.display())]
    Parse { path: PathBuf, why: toml::de::Error },
    #[error("{key}: {why}")]
    Value { key: String, why: String },
    #[error("{key} is not set")]
    Missing { key: &'static str },
}

impl Error {
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Missing { .. } => "give --config FILE (--example prints one), or try it with --dev",
            Error::Read { .. } | Error::Parse { .. } | Error::Value { .. } => {
                "portcullis-server --example prints every key with what it means"
            }
        }
    }
}

impl Config {
    /// File, then variables, then command line; the later wins.
    pub fn load(options: Options) -> Result<Config, Error> {
        Self::assemble(options, env::text)
    }

    /// Credentials whose files cannot be read: commands that need one will be refused.
    pub fn troubles(&self) -> Vec<String> {
        let missing = |credential: &Credential| {
            let file = match &credential.kind {
                CredentialKind::Postgres { password_file, .. } => password_file.as_ref(),
                CredentialKind::Token { token_file, .. } | CredentialKind::Kubernetes { token_file, .. } => {
                    Some(token_file)
                }
            }?;
            let why = std::fs::File::open(file).err()?;
            Some(format!("the credential {} cannot be lent: its file cannot be read: {why}", credential.name))
        };
        self.credentials.iter().filter_map(missing).collect()
    }

    /// The port that was taken, where the configuration asked for any.
    pub fn listening_on(&mut self, address: SocketAddr) {
        if self.listen.port() == 0 && self.public_url == format!("https://{}", self.listen) {
            self.public_url = format!("https://{address}");
        }
        self.listen = address;
    }

    fn assemble(options: Options, variable: impl Fn(&env::Variable) -> Option<String>) -> Result<Config, Error> {
        let mut file = match &options.config {
            Some(path) => file::read(path)?,
            None => File::default(),
        };
        for known in env::SERVER {
            if let Some(value) = variable(known) {
                file.set(known.name, value)?;
            }
        }
        file.finish(options)
    }
}

/// A secret that the configuration names by file; one newline at its end is not part of it.
pub fn secret_file(path: &Path) -> Result<Secret, Error> {
    let mut bytes = std::fs::read(path).map_err(|why| Error::Read { path: path.to_owned(), why })?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Config, CredentialKind, Error, Options};
    use crate::env::SERVER;

    fn load(text: &str, dev: bool, variables: &[(&str, &str)]) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        std::fs::write(&path, text).unwrap();
        let options = Options { dev, config: Some(path), ..Options::default() };
        Config::assemble(options, |known| {
            variables.iter().find(|(name, _)| *name == known.name).map(|(_, value)| (*value).to_owned())
        })
    }

    const WHOLE: &str = r#"
        listen = "0.0.0.0:443"
        public_url = "https://gate.example/"
        data = "/var/lib/portcullis"
        store = "postgres://portcullis@db.example/portcullis"
        policy = "/etc/portcullis/policy"
        tls_certificate = "/etc/portcullis/tls.pem"
        tls_key = "/etc/portcullis/tls.key"
        auditors = ["security"]
        log = "portcullis=debug"
        log_format = "json"
        [oidc]
        issuer = "https://login.example"
        client_id = "portcullis"
        [[credential]]
        name = "orders-ro"
        kind = "postgres"
        host = "db.example"
        database = "orders"
        role = "issuer"
        seconds = 60
        [[credential]]
        name = "acme"
        kind = "token"
        url = "https://git.example/acme/"
        username = "x-access-token"
        token_file = "/run/secrets/acme"
    "#;

    #[test]
    fn every_key_of_the_file_is_read() {
        let config = load(WHOLE, false, &[]).unwrap();
        assert_eq!((config.public_url.as_str(), config.log_json), ("https://gate.example", true));
        assert_eq!(config.oidc.unwrap().groups_claim, "groups");
        assert!(config.users.is_empty(), "nobody is made up");
        let names: Vec<_> = config.credentials.iter().map(|one| (one.name.as_str(), one.seconds)).collect();
        assert_eq!(names, [("orders-ro", 60), ("acme", 900)]);
        let CredentialKind::Postgres { port, .. } = config.credentials[0].kind else { panic!() };
        assert_eq!(port, 5432);
    }

    #[test]
    fn the_example_is_read_and_has_every_key() {
        let config = load(super::EXAMPLE, false, &[]).unwrap();
        assert_eq!(config.credentials.len(), 3);
        for known in SERVER {
            let key = known.name.trim_start_matches("PORTCULLIS_SERVER_").trim_start_matches("OIDC_").to_lowercase();
            assert!(super::EXAMPLE.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
        }
    }

    #[test]
    fn a_variable_wins_over_the_file_and_every_documented_one_is_read() {
        for known in SERVER {
            let value = match known.name {
                "PORTCULLIS_SERVER_LISTEN" => "127.0.0.1:9",
                "PORTCULLIS_SERVER_LOG_FORMAT" => "text",
                _ => "other",
            };
            assert!(load(WHOLE, false, &[(known.name, value)]).is_ok(), "{}", known.name);
        }
        let config = load(WHOLE, false, &[("PORTCULLIS_SERVER_POLICY", "/elsewhere")]).unwrap();
        assert_eq!(config.policy, Some(PathBuf::from("/elsewhere")));
    }

    #[test]
    fn a_misspelt_key_is_an_error_also_within_a_credential() {
        assert!(matches!(load("polcy = \"x\"", true, &[]), Err(Error::Parse { .. })));
        let credential = "[[credential]]\nname = \"a\"\nkind = \"token\"\nurl = \"https://x/\"\ntoken_file = \"/t\"\n";
        assert!(load(credential, true, &[]).is_ok());
        let misspelt = format!("{credential}usrname = \"u\"\n");
        assert!(matches!(load(&misspelt, true, &[]), Err(Error::Parse { .. })));
    }

    #[test]
    fn without_dev_nothing_that_keeps_the_gate_closed_has_a_default() {
        for key in ["public_url", "data", "tls_certificate", "tls_key", "issuer", "client_id"] {
            let without: String =
                WHOLE.lines().filter(|line| !line.trim().starts_with(key)).map(|l| format!("{l}\n")).collect();
            assert!(load(&without, false, &[]).is_err(), "{key}");
        }
        assert!(load("", true, &[]).is_ok());
    }
}
