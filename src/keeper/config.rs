//! `keeper.toml`: which server, whom it trusts, where its socket and its state are.
//!
//! The file belongs to whoever installed the keeper. A key that is not known is an error: a misspelt one must not
//! leave a default in force unnoticed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `https://gate.example:7443`; nothing but https.
    pub server: String,
    /// PEM file of the authorities that may vouch for the server; no other is believed.
    #[serde(default = "default_authorities")]
    pub ca: PathBuf,
    /// Where shims and the command line reach the keeper.
    #[serde(default = "default_socket")]
    pub socket: PathBuf,
    /// Only members of this group may connect; everybody where it is absent.
    #[serde(default)]
    pub group: Option<String>,
    /// Names of users who may sign the keeper in and out, besides root and the keeper's own user.
    #[serde(default)]
    pub operators: Vec<String>,
    /// The keeper's own folder (0700): the login, and recordings until the server has them.
    #[serde(default = "default_state")]
    pub state: PathBuf,
    #[serde(default)]
    pub login: LoginConfig,
    #[serde(default)]
    pub spool: SpoolConfig,
    #[serde(default)]
    pub log: LogConfig,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginConfig {
    #[serde(default)]
    pub keep: KeepIn,
}

/// Where the refresh token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepIn {
    /// A secret service where one answers, else a file.
    #[default]
    Auto,
    /// A 0600 file in the state folder.
    File,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// Mebibytes that waiting recordings may take before new commands are refused.
    pub limit_mib: u64,
    /// Mebibytes that must be free on the disk for a new command, and that are kept aside for the ends of running ones.
    pub reserve_mib: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        SpoolConfig { limit_mib: 8192, reserve_mib: 16 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// In tracing's filter form: `info`, `portcullis=debug`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where Debian and its kin keep the public authorities; the default where no file is named.
pub const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

fn default_authorities() -> PathBuf {
    PathBuf::from(SYSTEM_AUTHORITIES)
}

fn default_socket() -> PathBuf {
    PathBuf::from("/run/portcullis/keeper.sock")
}

fn default_state() -> PathBuf {
    PathBuf::from("/var/lib/portcullis/keeper")
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}: {1}")]
    Read(PathBuf, #[source] io::Error),
    #[error("{0}: {1}")]
    Form(PathBuf, #[source] Box<toml::de::Error>),
    #[error("{0}: server is {1:?}, and only https:// addresses without a path are taken")]
    Server(PathBuf, String),
    #[error("this program's own place is not known: {0}")]
    Place(#[source] io::Error),
}

impl Error {
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Read(path, error) if error.kind() == io::ErrorKind::NotFound => Some(format!(
                "write {} with at least: server = \"https://gate.example\" and, for a private authority, ca = \"/path/ca.pem\"",
                path.display()
            )),
            Error::Read(..) | Error::Form(..) | Error::Server(..) | Error::Place(_) => None,
        }
    }
}

impl Config {
    /// Reads a configuration. Relative paths in it start at its own folder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::Read(path.to_owned(), error))?;
        let mut config: Config =
            toml::from_str(&text).map_err(|error| Error::Form(path.to_owned(), Box::new(error)))?;
        let whole = std::path::absolute(path).map_err(|error| Error::Read(path.to_owned(), error))?;
        let folder = whole.parent().unwrap_or(Path::new("/"));
        for path in [&mut config.ca, &mut config.socket, &mut config.state] {
            *path = folder.join(&path);
        }
        config.server = origin(&config.server).ok_or_else(|| Error::Server(path.to_owned(), config.server.clone()))?;
        Ok(config)
    }

    pub fn authorities(&self) -> Result<Vec<u8>, Error> {
        fs::read(&self.ca).map_err(|error| Error::Read(self.ca.clone(), error))
    }
}

/// The address without a slash at its end, where it is https and names nothing but a host and a port.
pub fn origin(server: &str) -> Option<String> {
    let url = reqwest::Url::parse(server).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (url.scheme() == "https" && url.has_host() && bare && anonymous)
        .then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// `PREFIX/etc/portcullis/keeper.toml` for a program that stands in `PREFIX/bin`.
pub fn default_path() -> Result<PathBuf, Error> {
    Ok(prefix()?.join("etc/portcullis/keeper.toml"))
}

/// The folder this program was installed under.
pub fn prefix() -> Result<PathBuf, Error> {
    let program = fs::read_link("/proc/self/exe").map_err(Error::Place)?;
    let prefix = program.parent().and_then(Path::parent).map(Path::to_owned);
    prefix.ok_or_else(|| Error::Place(io::ErrorKind::NotFound.into()))
}

/// The number of a user or a group by name, from the local files alone (passwd(5), group(5): the third field).
pub fn number_of(name: &str, file: &str) -> io::Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(file)?;
    text.lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
        })
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is not in {file}")))
}

#[cfg(test)]
mod tests {
    use super::{Config, origin};

    #[test]
    fn only_a_bare_https_address_is_a_server() {
        assert_eq!(origin("https://gate.example/").as_deref(), Some("https://gate.example"));
        assert_eq!(origin("https://127.0.0.1:7443").as_deref(), Some("https://127.0.0.1:7443"));
        for bad in ["http://gate.example", "https://gate.example/x", "https://a:b@gate.example", "gate.example", ""] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_misspelt_key_is_an_error_and_paths_start_at_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keeper.toml");
        std::fs::write(&path, "server = \"https://g\"\nca = \"ca.pem\"\nsokcet = \"/x\"\n").unwrap();
        assert!(Config::read(&path).unwrap_err().to_string().contains("sokcet"));
        std::fs::write(&path, "server = \"https://g\"\nca = \"ca.pem\"\n").unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!(config.ca, folder.path().join("ca.pem"));
        assert_eq!(config.spool.limit_mib, 8192);
    }
}
