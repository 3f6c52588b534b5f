//! The real program, never ourselves.
//!
//! One file says which it is: `PREFIX/etc/portcullis/shim.json`, found from where this program lies and from nothing
//! else, so that no variable and no folder of the caller's has a say.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::env;
use crate::model::Pin;
use crate::wire::pins::{self, PinnedTool, Pins};

/// The largest pins file that is taken.
const MOST: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this program cannot find itself: {0}")]
    Ourselves(io::Error),
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} must be a regular file or its folder, owned by root or by the shim's owner, not writable by others", .0.display())]
    Unsafe(PathBuf),
    #[error("{} is not what `portcullis pin` writes: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
    #[error("no real {tool} on PATH")]
    NotFound { tool: String },
}

impl Error {
    pub fn hint(&self) -> &'static str {
        match self {
            Error::NotFound { .. } => "install it, or run `portcullis pin` if it is elsewhere",
            Error::Ourselves(_) => "is /proc mounted?",
            Error::Unreadable { .. } | Error::Malformed { .. } => "run `portcullis pin` as whoever installed the shims",
            Error::Unsafe(_) => "give it back to root: chown root, chmod go-w",
        }
    }
}

/// Where we are installed, and what install wrote down.
pub struct Install {
    /// The folder of the shim program itself.
    pub folder: PathBuf,
    pub pins: Pins,
}

/// The real program.
pub struct Real {
    pub path: PathBuf,
    pub pin: Pin,
    /// What it said when it was pinned; nothing where it is not that program any more.
    pub said: BTreeMap<String, String>,
}

impl Install {
    pub fn find() -> Result<Self, Error> {
        let exe = fs::read_link("/proc/self/exe").map_err(Error::Ourselves)?;
        let owner = fs::metadata("/proc/self/exe").map_err(Error::Ourselves)?.uid();
        let folder = exe.parent().unwrap_or(Path::new("/")).to_owned();
        let prefix = folder.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let pins = read(&prefix.join(pins::FILE), owner)?;
        Ok(Install { folder, pins })
    }

    /// The pinned program as it is now; where none was written down, the first on PATH that is not a shim.
    pub fn tool(&self, name: &str) -> Result<Real, Error> {
        match self.pins.tools.get(name) {
            Some(pinned) => pinned_tool(name, pinned),
            None => Ok(Real { path: on_path(name)?, pin: Pin::Unpinned, said: BTreeMap::new() }),
        }
    }

    /// Absolute path of the credential helper that git is told of.
    pub fn helper(&self) -> PathBuf {
        self.folder.join(super::helper::NAME)
    }
}

fn pinned_tool(name: &str, pinned: &PinnedTool) -> Result<Real, Error> {
    let missing = || Error::NotFound { tool: name.to_owned() };
    if !pinned.path.is_absolute() {
        return Err(missing());
    }
    let metadata = fs::metadata(&pinned.path).map_err(|_| missing())?;
    if ourselves().contains(&identity(&metadata)) {
        return Err(missing());
    }
    let pin = if pinned.matches(&metadata) { Pin::Pinned } else { Pin::Changed };
    let said = if pin == Pin::Pinned { pinned.said.clone() } else { BTreeMap::new() };
    Ok(Real { path: pinned.path.clone(), pin, said })
}

/// The first executable file of that name on the caller's PATH that is not a shim. Empty and relative entries are not
/// looked at: what they name depends on where the caller stands.
pub fn on_path(name: &str) -> Result<PathBuf, Error> {
    let shims = ourselves();
    let path = env::path().unwrap_or_default();
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|folder| Path::new(OsStr::from_bytes(folder)))
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| {
            fs::metadata(candidate).is_ok_and(|metadata| {
                metadata.is_file()
                    && metadata.permissions().mode() & 0o111 != 0
                    && !shims.contains(&identity(&metadata))
            })
        })
        .ok_or_else(|| Error::NotFound { tool: name.to_owned() })
}

/// A program in a folder of PATH that is named from the work folder (an empty name is that folder itself): never a real
/// tool for us, but execvp(3) starts it.
pub fn on_path_from_here(name: &str) -> Option<PathBuf> {
    let path = env::path()?;
    let folders = path.as_bytes().split(|byte| *byte == b':').map(|folder| Path::new(OsStr::from_bytes(folder)));
    let runs = |program: &PathBuf| {
        fs::metadata(program).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    folders.filter(|folder| !folder.is_absolute()).map(|folder| Path::new(".").join(folder).join(name)).find(runs)
}

/// Device and inode of the shim, seen from the shim itself or from `PREFIX/bin/portcullis`.
fn ourselves() -> Vec<(u64, u64)> {
    let Ok(exe) = fs::read_link("/proc/self/exe") else { return Vec::new() };
    let folder = exe.parent().unwrap_or(Path::new("/"));
    [exe.clone(), folder.join("portcullis-shim"), folder.join("../lib/portcullis/portcullis-shim")]
        .iter()
        .filter_map(|path| fs::metadata(path).ok())
        .map(|metadata| identity(&metadata))
        .collect()
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn read(path: &Path, owner: u32) -> Result<Pins, Error> {
    let unreadable = |error| Error::Unreadable { path: path.to_owned(), error };
    let file = fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || !trusted(&metadata, owner) {
        return Err(Error::Unsafe(path.to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    if !trusted(&fs::metadata(folder).map_err(unreadable)?, owner) {
        return Err(Error::Unsafe(folder.to_owned()));
    }
    let malformed = |why: String| Error::Malformed { path: path.to_owned(), why };
    if metadata.len() > MOST {
        return Err(malformed(format!("it is longer than {MOST} bytes")));
    }
    let mut text = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    io::Read::read_to_end(&mut io::Read::take(file, MOST), &mut text).map_err(unreadable)?;
    let pins: Pins = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    if pins.version != pins::VERSION {
        return Err(malformed(format!("version {} is not known here", pins.version)));
    }
    Ok(pins)
}

/// Whether nobody but root and the shim's owner can have written it.
fn trusted(metadata: &Metadata, owner: u32) -> bool {
    (metadata.uid() == 0 || metadata.uid() == owner) && metadata.mode() & 0o022 == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{Error, read};

    #[test]
    fn a_pins_file_that_others_may_write_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shim.json");
        std::fs::write(&path, r#"{"version":1,"keeper":"/run/k"}"#).unwrap();
        let us = rustix::process::getuid().as_raw();
        let mode = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        mode(&path, 0o644);
        assert!(read(&path, us).is_ok());
        mode(&path, 0o664);
        assert!(matches!(read(&path, us), Err(Error::Unsafe(_))));
        mode(&path, 0o644);
        mode(folder.path(), 0o777);
        assert!(matches!(read(&path, us), Err(Error::Unsafe(_))));
        mode(folder.path(), 0o755);
        std::fs::write(&path, r#"{"version":2,"keeper":"/run/k"}"#).unwrap();
        assert!(matches!(read(&path, us), Err(Error::Malformed { .. })));
    }
}
