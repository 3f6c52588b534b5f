//! The daemon beside the agent: it holds the login and the grants, asks the server for the shims, and keeps what they
//! record until the server has it.
//!
//! ```text
//! shim -> messages -> session: asked -> decided -> drawn -> running -> end
//!                        |        \________ server (link, login, oauth, keep)
//!                        |                     spool -> upload -> server
//!                        `-> sessions: ancestry, credential helpers
//! command line -> messages -> control
//! ```
//!
//! It knows its callers by peer credentials alone and decides nothing: without the server's word nothing is drawn.

mod config;
mod control;
mod credential;
mod keep;
mod link;
mod listen;
mod login;
mod messages;
mod oauth;
mod server;
mod session;
mod sessions;
mod spool;
mod upload;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{Config, KeepIn, LogConfig, LogFormat, SYSTEM_AUTHORITIES, default_path, number_of, origin, prefix};
pub use keep::{Keep, private_folder, write_private};
pub use link::{Link, Trouble};
pub use login::Login;
pub use oauth::{Device, Tokens, device, wait_for};
pub use server::Server;

use crate::model::Micros;
use crate::sys::peer::Peer;
use crate::wire::contract::path;
use crate::wire::frames::{self, FromKeeper, FromShim};
use credential::Asked;
use messages::{Budget, Messages};
use session::{Broken, Session, unexpected};
use sessions::{Distrust, Sessions};
use spool::Spool;
use upload::Uploads;

/// Longest first message, before anybody is known.
const LONGEST_HELLO: usize = 4096;
const HELLO_PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at the connection and the access token.
const WARM: Duration = Duration::from_secs(20);
/// How long running commands, and then uploads, are waited for when the keeper is told to stop.
const LAST_WAIT: Duration = Duration::from_secs(8);

/// Everything that the connections share.
pub struct Keeper {
    server: Arc<Server>,
    sessions: Sessions,
    spool: Arc<Spool>,
    uploads: Arc<Uploads>,
    /// Users who may sign in and out, by number.
    operators: BTreeSet<u32>,
    /// The user we run as.
    uid: u32,
    logging_in: tokio::sync::Mutex<()>,
    budget: Budget,
    closing: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Config(#[from] config::Error),
    #[error("{0}")]
    Link(#[from] Trouble),
    #[error("the state folder {0} cannot be used: {1}")]
    State(PathBuf, #[source] io::Error),
    #[error("the socket {0} cannot be opened: {1}")]
    Socket(PathBuf, #[source] io::Error),
    #[error("another keeper uses the state folder {0}")]
    Taken(PathBuf),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Error {
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Config(error) => error.hint(),
            Error::Link(trouble) => trouble.hint(),
            Error::State(folder, _) => {
                Some(format!("{} must belong to the keeper's own user, and so must what is in it", folder.display()))
            }
            Error::Socket(..) => Some("its folder must be writable by the keeper and by nobody else".to_owned()),
            Error::Taken(_) => Some("stop it first; portcullis status shows its process id".to_owned()),
            Error::Io(_) => None,
        }
    }
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(config: Config) -> Result<(), Error> {
    let state = |error| Error::State(config.state.clone(), error);
    private_folder(&config.state).map_err(state)?;
    let _lock = listen::lock(&config.state).map_err(state)?.ok_or_else(|| Error::Taken(config.state.clone()))?;
    listen::raise_descriptor_limit();
    let keeper = open(&config).await?;
    let listener = listen::bind(&config).map_err(|error| Error::Socket(config.socket.clone(), error))?;
    tracing::info!(socket = %config.socket.display(), server = config.server, "the keeper listens");

    let background = CancellationToken::new();
    let tasks = TaskTracker::new();
    let spool = keeper.spool.clone();
    tasks.spawn(background.clone().run_until_cancelled_owned(async move { spool.sync().await }));
    tasks.spawn(background.clone().run_until_cancelled_owned(warm(keeper.clone())));
    recover(&keeper);

    let connections = TaskTracker::new();
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = listen::accept(listener, keeper.clone(), &connections) => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("the keeper is being stopped");
    let _ = std::fs::remove_file(&config.socket);
    keeper.closing.cancel();
    connections.close();
    let _ = timeout(LAST_WAIT, connections.wait()).await;
    if !keeper.uploads.drain(LAST_WAIT).await {
        tracing::warn!(waiting = keeper.spool.waiting(), "recordings wait in the spool for the next start");
    }
    background.cancel();
    keeper.spool.sync_now().await;
    Ok(())
}

async fn open(config: &Config) -> Result<Arc<Keeper>, Error> {
    let link = Arc::new(Link::new(&config.server, &config.authorities()?)?);
    let state = |error| Error::State(config.state.clone(), error);
    let keep = Keep::choose(config.login.keep, &format!("keeper {}", config.server), &config.state).await;
    let login = Login::open(link.clone(), keep).await.map_err(state)?;
    let server = Arc::new(Server { link, login });
    let spool = Spool::open(&config.state, config.spool.limit_mib << 20, config.spool.reserve_mib << 20);
    let spool = spool.map_err(state)?;
    let uploads = Uploads::new(server.clone(), spool.clone());
    let uid = rustix::process::geteuid().as_raw();
    let mut operators = BTreeSet::from([0, uid]);
    for name in &config.operators {
        operators.insert(number_of(name, "/etc/passwd")?);
    }
    Ok(Arc::new(Keeper {
        server,
        sessions: Sessions::default(),
        spool,
        uploads,
        operators,
        uid,
        logging_in: tokio::sync::Mutex::new(()),
        budget: messages::budget(),
        closing: CancellationToken::new(),
    }))
}

/// What an earlier keeper left gets its end and goes on its way.
fn recover(keeper: &Arc<Keeper>) {
    let left = match keeper.spool.left() {
        Ok(left) => left,
        Err(error) => return tracing::error!(%error, "the spool cannot be listed"),
    };
    let keeper = keeper.clone();
    // Reading back may take a while and is not waited for; new commands have other ids.
    tokio::task::spawn_blocking(move || {
        for id in left {
            match keeper.spool.recover(&id) {
                Ok(finished) => keeper.uploads.resume(finished),
                Err(error) => {
                    tracing::error!(%id, %error, "a recording in the spool is damaged; it is kept under refused/");
                    let length = std::fs::metadata(keeper.spool.path(&id, "rec")).map_or(0, |meta| meta.len());
                    keeper.spool.set_aside(&id, length);
                }
            }
        }
    });
}

/// Keeps the connection open and the access token young, so that a command meets neither handshake nor renewal.
async fn warm(keeper: Arc<Keeper>) {
    let mut was_away = false;
    loop {
        let link = &keeper.server.link;
        let answered = link.send(link.request(reqwest::Method::GET, path::HEALTH)).await;
        match &answered {
            Err(trouble) if !was_away => tracing::warn!(%trouble, "no connection"),
            Ok(_) if was_away => {
                tracing::info!("the server is back");
                keeper.uploads.wake();
            }
            Ok(_) | Err(_) => {}
        }
        was_away = answered.is_err();
        if !was_away && let Err(trouble) = keeper.server.login.access().await {
            tracing::debug!(%trouble, "no access token");
        }
        sleep(WARM).await;
    }
}

/// One connection, from its greeting to its end. What goes wrong on it stays on it.
async fn serve(keeper: Arc<Keeper>, stream: UnixStream, peer: Peer) {
    let mut messages = Messages::new(stream, keeper.budget.clone(), LONGEST_HELLO);
    if let Err(broken) = converse(&keeper, &mut messages, &peer).await {
        tracing::debug!(pid = peer.pid, uid = peer.uid, %broken, "a connection was given up");
        let failure = frames::Failure {
            what: "the conversation with the keeper".to_owned(),
            why: broken.to_string(),
            hint: None,
        };
        let _ = messages.say(FromKeeper::Failed(failure)).await;
    }
}

async fn converse(keeper: &Keeper, messages: &mut Messages, peer: &Peer) -> Result<(), Broken> {
    let hello = match timeout(HELLO_PATIENCE, messages.next()).await {
        Ok(hello) => hello?,
        Err(_) => return Err(Broken::Unexpected("nothing")),
    };
    match hello {
        Some(FromShim::Hello(hello)) if hello.version == frames::VERSION => {}
        Some(FromShim::Hello(hello)) => {
            let why = format!("it speaks version {} and this keeper version {}", hello.version, frames::VERSION);
            let hint = Some("install shims and keeper of the same release".to_owned());
            messages
                .say(FromKeeper::Failed(frames::Failure { what: "the shim's greeting".to_owned(), why, hint }))
                .await?;
            return Ok(());
        }
        Some(other) => return Err(unexpected(&other)),
        None => return Ok(()),
    }
    let keeper_version = env!("CARGO_PKG_VERSION").to_owned();
    messages.say(FromKeeper::Welcome { version: frames::VERSION, keeper: keeper_version }).await?;
    messages.allow(session::LONGEST_QUESTION);
    let next = async |messages: &mut Messages| {
        tokio::select! {
            next = messages.next() => next,
            () = keeper.closing.cancelled() => Ok(None),
        }
    };
    let mut first = next(messages).await?;
    if let Some(FromShim::Above { tool, by_shell }) = first {
        let said = match keeper.sessions.settle(peer).await {
            Ok(()) => FromKeeper::Above { role: keeper.sessions.above(peer, &tool, by_shell) },
            Err(why) => distrusted("a part of another command", why),
        };
        messages.say(said).await?;
        first = next(messages).await?;
    }
    match first {
        None => Ok(()),
        Some(FromShim::Ask(question)) => Session { keeper, messages, peer }.run(*question).await,
        Some(FromShim::Passes { role, by_shell }) if role.len() <= session::LONGEST_ROLE => {
            let said = match keeper.sessions.passes(peer, role, by_shell) {
                Ok(()) => FromKeeper::Done,
                Err(why) => distrusted("a part of another command", why),
            };
            messages.say(said).await?;
            Ok(())
        }
        Some(FromShim::Control(control)) => control::serve(keeper, messages, peer, control).await,
        Some(FromShim::Credential { protocol, host, path }) => {
            let asked = Asked { protocol: &protocol, host: &host, path: &path };
            let said = match keeper.sessions.settle(peer).await {
                Ok(()) => credential(keeper, peer, &asked),
                Err(why) => distrusted("a credential", why),
            };
            messages.say(said).await?;
            Ok(())
        }
        Some(other) => Err(unexpected(&other)),
    }
}

fn credential(keeper: &Keeper, peer: &Peer, asked: &Asked<'_>) -> FromKeeper {
    match keeper.sessions.credential(peer, asked) {
        Ok((id, username, password)) => {
            tracing::info!(%id, "a credential helper was answered");
            FromKeeper::Credential { username, password }
        }
        Err(why) => {
            tracing::warn!(pid = peer.pid, uid = peer.uid, %why, "a credential helper was not answered");
            distrusted("a credential", why)
        }
    }
}

fn distrusted(what: &str, why: Distrust) -> FromKeeper {
    FromKeeper::Failed(frames::Failure { what: what.to_owned(), why: why.to_string(), hint: None })
}

/// Wall-clock time.
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
