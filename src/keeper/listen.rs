//! The keeper's socket: where it stands, who can reach it, and how many callers it takes.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::UnixListener;
use tokio_util::task::TaskTracker;

use super::Keeper;
use super::config::{Config, number_of};

/// Connections of one user at a time; more are closed at once, so that one user cannot use up every descriptor.
const MOST_OF_ONE_USER: usize = 8192;

/// One keeper for one state folder; held as long as the file is open.
pub fn lock(state: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(state.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens the socket in a folder that nobody else can put another one into. One that an earlier keeper left is replaced.
pub fn bind(config: &Config) -> io::Result<UnixListener> {
    let folder = config.socket.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let meta = fs::metadata(folder)?;
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&meta.uid());
    if !ours || meta.mode() & 0o022 != 0 {
        let why = format!("others may write to its folder {}", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    if UnixStream::connect(&config.socket).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another keeper answers there"));
    }
    match fs::remove_file(&config.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&config.socket)?;
    let mode = match &config.group {
        Some(group) => {
            std::os::unix::fs::chown(&config.socket, None, Some(number_of(group, "/etc/group")?))?;
            0o660
        }
        None => 0o666,
    };
    fs::set_permissions(&config.socket, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Takes callers for ever.
pub async fn accept(listener: UnixListener, keeper: Arc<Keeper>, connections: &TaskTracker) {
    let callers = Arc::new(Callers::default());
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely no descriptors are left; some will be.
                tracing::error!(%error, "a caller cannot be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(peer) = crate::sys::peer::Peer::of(&stream) else { continue };
        let Some(place) = callers.place(peer.uid) else {
            tracing::warn!(uid = peer.uid, "too many connections of one user");
            continue;
        };
        let keeper = keeper.clone();
        connections.spawn(async move {
            super::serve(keeper, stream, peer).await;
            drop(place);
        });
    }
}

/// How many connections each user has.
#[derive(Default)]
struct Callers(Mutex<HashMap<u32, usize>>);

struct Place {
    callers: Arc<Callers>,
    uid: u32,
}

impl Callers {
    fn place(self: &Arc<Self>, uid: u32) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(uid).or_default();
        if *count >= MOST_OF_ONE_USER {
            return None;
        }
        *count += 1;
        Some(Place { callers: self.clone(), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.callers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}

/// As many descriptors as the system lets us have: two a connection, one a recording.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
