//! The policies in force: read from a folder, read again when it changes.
//!
//! A set that does not load at the start leaves none: every question is refused with the file and line. One that does
//! not load later leaves the old set in force, and a trouble that `portcullis status` shows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::policy::PolicySet;

/// How often the folder is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// More than any reasonable set; keeps a wrong folder from being read into memory.
const LARGEST: u64 = 16 << 20;

pub struct Policies {
    /// `None`: the set that ships with the program.
    folder: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    /// The set in force, or why there is none.
    set: Result<Arc<PolicySet>, String>,
    /// Why the folder as it is now is not what is in force.
    trouble: Option<String>,
    stamp: Stamp,
    looked: Instant,
}

/// What a change shows in: names, times of change and lengths.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Policies {
    pub fn open(folder: Option<PathBuf>) -> Policies {
        let (set, stamp) = match &folder {
            None => (Ok(Arc::new(PolicySet::shipped())), Stamp::new()),
            Some(folder) => (load(folder), stamp(folder)),
        };
        match &set {
            Ok(set) => tracing::info!(digest = %set.digest(), policies = set.len(), "policies loaded"),
            Err(why) => tracing::error!(%why, "no policies: every command will be refused"),
        }
        let trouble = set.as_ref().err().cloned();
        Policies { folder, state: Mutex::new(State { set, trouble, stamp, looked: Instant::now() }) }
    }

    /// The set in force, or why there is none. Looks at the folder, so it may block for a moment.
    pub fn current(&self) -> Result<Arc<PolicySet>, String> {
        let mut state = self.lock();
        if state.looked.elapsed() >= LOOK_EVERY {
            self.look(&mut state, false);
        }
        state.set.clone()
    }

    /// Reads the folder again, changed or not (SIGHUP).
    pub fn reload(&self) {
        self.look(&mut self.lock(), true);
    }

    /// What is wrong with the folder as it is now.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    fn look(&self, state: &mut State, anyway: bool) {
        state.looked = Instant::now();
        let Some(folder) = &self.folder else { return };
        let now = stamp(folder);
        if now == state.stamp && !anyway {
            return;
        }
        state.stamp = now;
        match load(folder) {
            Ok(set) => {
                tracing::info!(digest = %set.digest(), policies = set.len(), "policies loaded again");
                state.set = Ok(set);
                state.trouble = None;
            }
            Err(why) if state.set.is_ok() => {
                tracing::error!(%why, "policies did not load: the old ones stay in force");
                state.trouble = Some(format!("{why} (the policies loaded before stay in force)"));
            }
            Err(why) => {
                tracing::error!(%why, "policies did not load: every command is still refused");
                state.trouble = Some(why.clone());
                state.set = Err(why);
            }
        }
    }

    /// A thread that panicked while it held the lock left a whole state behind: it is only ever replaced field by field.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(folder: &Path) -> Result<Arc<PolicySet>, String> {
    let mut files = Vec::new();
    for path in names(folder).map_err(|why| format!("{}: {why}", folder.display()))? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let length = fs::metadata(&path).map_err(|why| format!("{name}: {why}"))?.len();
        if length > LARGEST {
            return Err(format!("{name}: {length} bytes are too many for a policy"));
        }
        files.push((name.clone(), fs::read_to_string(&path).map_err(|why| format!("{name}: {why}"))?));
    }
    if files.is_empty() {
        return Err(format!("{}: holds no *.cedar file", folder.display()));
    }
    PolicySet::load(&files).map(Arc::new).map_err(|error| error.to_string())
}

/// `*.cedar` and `masks.toml`, sorted.
fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let wanted = path.extension().is_some_and(|ending| ending == "cedar")
            || path.file_name().is_some_and(|name| name == "masks.toml");
        if wanted {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// An unreadable folder has an empty stamp: it counts as a change once, and once more when it is back.
fn stamp(folder: &Path) -> Stamp {
    let of = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok();
        let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        (path, changed, metadata.map_or(0, |metadata| metadata.len()))
    };
    names(folder).map(|names| names.into_iter().map(of).collect()).unwrap_or_default()
}
