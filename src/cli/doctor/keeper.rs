//! What of the keeper and of the installation this user can read or change.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::cli::findings::Finding;
use crate::keeper::{Config, default_path, prefix};
use crate::wire::frames::KeeperStatus;

const HOLE: &str = "keeper";

/// Its user, its memory, its state.
pub fn apart(uid: u32, status: &KeeperStatus) -> Vec<Finding> {
    let what = "the keeper runs as another user";
    let seen = format!("user {}", status.uid);
    let tried = "asked it, over its socket";
    if uid == 0 {
        let hint = "it needs no root: run it as a user of its own";
        return vec![Finding::when(what, status.uid != 0, seen, hint).by(HOLE, tried)];
    }
    let hint = "what runs as this user can read what the keeper holds: run it as a user of its own";
    let mut all = vec![Finding::when(what, status.uid != uid, seen, hint).by(HOLE, tried)];
    // A keeper in a container of its own is not seen under its pid.
    let process = Path::new("/proc").join(status.pid.to_string());
    let ours = fs::metadata(&process).is_ok_and(|metadata| metadata.uid() == status.uid);
    let open: Vec<&str> = ["mem", "environ", "maps", "fd"]
        .into_iter()
        .filter(|name| {
            let path = process.join(name);
            ours && if *name == "fd" { fs::read_dir(path).is_ok() } else { readable(&path) }
        })
        .collect();
    let seen = if open.is_empty() { "none of it opens".to_owned() } else { open.join(", ") };
    let tried = format!("opened mem, environ, maps and fd of {}", process.display());
    all.push(Finding::when("the keeper's memory cannot be read", open.is_empty(), seen, hint).by(HOLE, tried));
    if let Ok(config) = default_path().and_then(|path| Config::read(&path)) {
        all.push(state(&config.state));
    }
    all
}

/// For a file under /proc the permission is asked when it is opened, for some when it is read.
fn readable(path: &Path) -> bool {
    File::open(path).is_ok_and(|mut file| path.ends_with("mem") || std::io::Read::read(&mut file, &mut [0]).is_ok())
}

fn state(state: &Path) -> Finding {
    let names = ["login", "lock", "spool"].map(|name| state.join(name));
    let mut open: Vec<String> =
        names.iter().filter(|path| File::open(path).is_ok()).map(|path| path.display().to_string()).collect();
    if fs::read_dir(state).is_ok() {
        open.insert(0, state.display().to_string());
    }
    let what = "the keeper's state cannot be read";
    let seen = if open.is_empty() { "none of it opens".to_owned() } else { open.join(", ") };
    let hint = "its mode must be 0700 and its owner the keeper's user";
    let tried = format!("opened {} and what is in it", state.display());
    Finding::when(what, open.is_empty(), seen, hint).by("keeper_files", tried)
}

/// What decides which program runs, and which keeper is asked, must not be this user's to change.
pub fn not_writable(uid: u32, pins_file: &Path, socket: &Path) -> Vec<Finding> {
    if uid == 0 {
        return Vec::new();
    }
    let mut places = vec![pins_file.to_owned()];
    if let Ok(prefix) = prefix() {
        let names = [
            "bin/portcullis",
            "etc/portcullis/keeper.toml",
            "lib/portcullis/portcullis-shim",
            "lib/portcullis/shims/git",
            "lib/portcullis/own/git/git",
        ];
        places.extend(names.map(|name| prefix.join(name)));
    }
    let what = "shims and pins are not this user's to change";
    let hint = "install as root; an owner can change what is his";
    let tried = "access(2) for writing, and whose they are";
    let socket_what = "the keeper's socket cannot be replaced";
    let socket_hint = "its folder must belong to the keeper's user or to root, mode 0755";
    let folder = socket.parent().unwrap_or(Path::new("/")).to_owned();
    vec![
        held(uid, what, places.iter().flat_map(|path| [Some(path.clone()), path.parent().map(Path::to_owned)]), hint)
            .by("installation", tried),
        held(uid, socket_what, [Some(folder.clone()), folder.parent().map(Path::to_owned)].into_iter(), socket_hint)
            .by("keeper_files", tried),
    ]
}

fn held(uid: u32, what: &str, places: impl Iterator<Item = Option<PathBuf>>, hint: &str) -> Finding {
    let mut writable: Vec<String> = places
        .flatten()
        .filter(|path| fs::metadata(path).is_ok_and(|metadata| may_write(uid, path, &metadata)))
        .map(|path| path.display().to_string())
        .collect();
    writable.dedup();
    let seen = if writable.is_empty() { "none of it".to_owned() } else { writable.join(", ") };
    Finding::when(what, writable.is_empty(), seen, hint)
}

/// In a folder like /tmp nobody can remove what is another's (inode(7), the sticky bit).
fn may_write(uid: u32, path: &Path, metadata: &Metadata) -> bool {
    let sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    metadata.uid() == uid || (!sticky && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok())
}
