//! The deciding side: signs people and machines in, reads what they ask to run, decides by policy, asks humans where
//! policy says so, lends credentials, keeps recordings and the audit log.
//!
//! [`App`] is what every request shares; `http/` has one file a resource. Invariant: what is decided is in the audit
//! log, durably, before the answer leaves.

pub mod approvals;
pub mod audit;
mod chance;
pub mod config;
mod ending;
mod grants;
pub mod http;
pub mod identity;
mod invocations;
pub mod issuers;
mod marks;
mod policies;
mod question;
mod recordings;
mod run;
mod sessions;
pub mod store;
mod tls;
mod ui;
mod words;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::model::{Micros, Subject};
use crate::policy::PolicySet;
use config::Config;
use http::error::Failure;
use policies::Policies;
pub use run::{Running, bind, start, until_asked_to_stop};
use store::Store;

/// The wall clock, passed in so that tests can move it.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// What every request shares. Handlers take it as `State<Arc<App>>`.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub identity: identity::Identity,
    pub issuers: issuers::Issuers,
    policies: Policies,
    recordings: recordings::Recordings,
    signer: audit::Signer,
    pub marks: marks::Marks,
    clock: Clock,
    stopping: watch::Sender<bool>,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{path}: {why}", path = .path.display())]
    File { path: PathBuf, why: std::io::Error },
    #[error(
        "the key {path} cannot be used: it is not as it was written; bring it back from a copy, or move it away and \
         another is made, which nothing of the old one fits",
        path = .path.display()
    )]
    Key { path: PathBuf },
    #[error("tls: {0}")]
    Tls(String),
    #[error("cannot listen on {address}: {why}")]
    Listen { address: std::net::SocketAddr, why: std::io::Error },
}

impl App {
    /// Makes the data folder where it is missing, opens the store, and reads the policies.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>, Error> {
        folder(&config.data)?;
        let signer = audit::Signer::open(&config.data.join("audit.key"))?;
        let marks = marks::Marks::open(&config.data.join("marks.key"))?;
        let store = Store::open(&config.store, clock.clone()).await?;
        let policies = Policies::open(config.policy.clone());
        let recordings = recordings::Recordings::open(&config.data)?;
        let stopping = watch::Sender::new(false);
        let (identity, issuers) = (identity::Identity::default(), issuers::Issuers::default());
        Ok(Arc::new(App { config, store, identity, issuers, policies, recordings, signer, marks, clock, stopping }))
    }

    pub fn now(&self) -> Micros {
        (self.clock)()
    }

    /// Comes true once the server is asked to stop: long polls end, tasks finish.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Auditors see every session and the audit log. A machine is none, whatever its groups.
    pub fn is_auditor(&self, who: &Subject) -> bool {
        who.kind == crate::model::SubjectKind::Person
            && self.config.auditors.iter().any(|group| who.groups.contains(group))
    }

    fn only_auditors(&self, who: &Subject) -> Result<(), Failure> {
        match self.is_auditor(who) {
            true => Ok(()),
            false => Err(Failure::forbidden("the audit log is for auditors")
                .hint(format!("be a member of one of: {}", self.config.auditors.join(", ")))),
        }
    }

    /// The policies in force, or why there are none; off the async threads, because it may read files.
    async fn policies_now(self: &Arc<Self>) -> Result<Arc<PolicySet>, String> {
        let app = self.clone();
        let current = tokio::task::spawn_blocking(move || app.policies.current());
        current.await.unwrap_or_else(|_| Err("the policies could not be read".to_owned()))
    }

    /// Version and set-up, for `portcullis status`.
    fn describe(&self) -> String {
        let store = self.config.store.split(':').next().unwrap_or_default();
        let mode = if self.config.dev { ", development mode: anybody can sign in as anybody" } else { "" };
        format!("portcullis-server {} ({store}{mode})", env!("CARGO_PKG_VERSION"))
    }
}

/// A folder for the server's eyes only.
fn folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|why| Error::File { path: path.to_owned(), why })
}

/// The key that a file holds; where there is none, one is made and kept there.
fn key_file<K>(
    path: &Path,
    make: impl FnOnce() -> Option<Vec<u8>>,
    read: impl FnOnce(&[u8]) -> Option<K>,
) -> Result<K, Error> {
    let unusable = || Error::Key { path: path.to_owned() };
    let bytes = match std::fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = Zeroizing::new(make().ok_or_else(unusable)?);
            private_file(path, &made)?;
            made
        }
        Err(why) => return Err(Error::File { path: path.to_owned(), why }),
    };
    read(&bytes).ok_or_else(unusable)
}

/// Writes a file that only the server may read, whole or not at all.
fn private_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |why| Error::File { path: path.to_owned(), why };
    let half = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&half, path).map_err(failed)
}

/// The machine's clock.
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

#[cfg(test)]
mod tests;
