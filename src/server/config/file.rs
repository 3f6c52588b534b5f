//! The file of the configuration as it is written, and what it comes to once variables and command line are added.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Config, Credential, Error, Oidc, Options, TlsFiles, Workload, groups_claim};
use crate::model::{Subject, SubjectKind};

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    data: Option<PathBuf>,
    store: Option<String>,
    policy: Option<PathBuf>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    auditors: Option<Vec<String>>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    oidc: Option<Oidc>,
    #[serde(default)]
    user: Vec<User>,
    #[serde(default)]
    credential: Vec<Credential>,
    #[serde(default)]
    workload: Vec<Workload>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogFormat {
    Text,
    Json,
}

/// `[[user]]`: whom the login page of `--dev` offers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    #[serde(default)]
    name: Option<String>,
    kind: SubjectKind,
    #[serde(default)]
    groups: Vec<String>,
}

pub fn read(path: &Path) -> Result<File, Error> {
    let text = std::fs::read_to_string(path).map_err(|why| Error::Read { path: path.to_owned(), why })?;
    toml::from_str(&text).map_err(|why| Error::Parse { path: path.to_owned(), why })
}

impl File {
    pub fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        let wrong = |why: String| Error::Value { key: name.to_owned(), why };
        match name.strip_prefix("PORTCULLIS_SERVER_").unwrap_or(name) {
            "LISTEN" => self.listen = Some(value.parse().map_err(|why| wrong(format!("{why}")))?),
            "PUBLIC_URL" => self.public_url = Some(value),
            "DATA" => self.data = Some(value.into()),
            "STORE" => self.store = Some(value),
            "POLICY" => self.policy = Some(value.into()),
            "TLS_CERTIFICATE" => self.tls_certificate = Some(value.into()),
            "TLS_KEY" => self.tls_key = Some(value.into()),
            "AUDITORS" => self.auditors = Some(value.split(',').map(|group| group.trim().to_owned()).collect()),
            "LOG" => self.log = Some(value),
            "LOG_FORMAT" => {
                self.log_format = Some(match value.as_str() {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => return Err(wrong("text or json".to_owned())),
                });
            }
            "OIDC_ISSUER" => self.oidc().issuer = value,
            "OIDC_CLIENT_ID" => self.oidc().client_id = value,
            "OIDC_CLIENT_SECRET_FILE" => self.oidc().client_secret_file = Some(value.into()),
            "OIDC_GROUPS_CLAIM" => self.oidc().groups_claim = value,
            _ => return Err(wrong("documented, but not read".to_owned())),
        }
        Ok(())
    }

    fn oidc(&mut self) -> &mut Oidc {
        self.oidc.get_or_insert_with(|| Oidc {
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: None,
            groups_claim: groups_claim(),
            scopes: Vec::new(),
            ca_file: None,
            machine_groups: Vec::new(),
        })
    }

    pub fn finish(self, options: Options) -> Result<Config, Error> {
        let dev = options.dev;
        let data = match options.data.or(self.data) {
            Some(data) => data,
            None if dev => PathBuf::from("portcullis-data"),
            None => return Err(Error::Missing { key: "data" }),
        };
        let listen = options.listen.or(self.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7443)));
        let public_url = match self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if dev => format!("https://{listen}"),
            None => return Err(Error::Missing { key: "public_url" }),
        };
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) if dev => None,
            (None, _) => return Err(Error::Missing { key: "tls_certificate" }),
            (_, None) => return Err(Error::Missing { key: "tls_key" }),
        };
        let oidc = self.oidc.map(checked).transpose()?;
        if let Some(open) = self.workload.iter().find(|workload| workload.claims.is_empty()) {
            let why = "names no claim, so every job of its issuer could log in".to_owned();
            return Err(Error::Value { key: format!("workload {}", open.name), why });
        }
        if oidc.is_none() && !dev {
            return Err(Error::Missing { key: "oidc.issuer" });
        }
        let mut users: Vec<Subject> = self.user.into_iter().map(User::subject).collect();
        if dev && users.is_empty() {
            users = dev_users();
        }
        Ok(Config {
            dev,
            listen,
            public_url,
            store: self.store.unwrap_or_else(|| format!("sqlite:{}?mode=rwc", data.join("portcullis.db").display())),
            data,
            policy: options.policy.or(self.policy),
            tls,
            auditors: self.auditors.unwrap_or_else(|| vec!["auditors".to_owned()]),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            log_json: self.log_format == Some(LogFormat::Json),
            oidc,
            users,
            credentials: self.credential,
            workloads: self.workload,
        })
    }
}

fn checked(oidc: Oidc) -> Result<Oidc, Error> {
    if oidc.issuer.is_empty() {
        return Err(Error::Missing { key: "oidc.issuer" });
    }
    if oidc.client_id.is_empty() {
        return Err(Error::Missing { key: "oidc.client_id" });
    }
    Ok(oidc)
}

impl User {
    fn subject(self) -> Subject {
        Subject {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            kind: self.kind,
            groups: self.groups,
        }
    }
}

/// An agent, and a person who may answer it.
fn dev_users() -> Vec<Subject> {
    let user = |id: &str, kind, groups: &[&str]| Subject {
        id: id.to_owned(),
        name: id.to_owned(),
        kind,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    vec![
        user("agent", SubjectKind::Machine, &["agents"]),
        user("alice", SubjectKind::Person, &["approvers", "release-managers", "database-owners", "auditors"]),
    ]
}
