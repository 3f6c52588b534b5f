//! `portcullis doctor --fix`: what can be put right without a choice of anybody's. Each thing done is said.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::cli::{findings, own_programs, pin};
use crate::keeper::{Config, default_path};
use crate::wire::pins::{PinnedTool, Pins};

/// Pins again, lays out the tools' own programs again, takes back rights that nobody should have. Gives what was done,
/// and what was left.
pub fn everything(pins_file: &Path, socket: &Path) -> anyhow::Result<Vec<String>> {
    let before = findings::read_pins(pins_file).ok();
    let mut done = Vec::new();
    // First: what is written anew has its rights already.
    close(pins_file, 0o022, &mut done);
    let mut pins = Pins { keeper: socket.to_owned(), ..pin::make(socket.to_owned())? };
    if let Some(before) = &before {
        keep_places(&mut pins, before)?;
    }
    untrusted(&mut pins, before.as_ref(), &mut done);
    if before.as_ref() != Some(&pins) {
        pin::write(pins_file, &pins)?;
        done.extend(changes(before.as_ref(), &pins));
    }
    own_programs::lay_out(&pins)?;
    if let Ok(config) = default_path().and_then(|path| Config::read(&path)) {
        close(&config.state, 0o077, &mut done);
        if let Some(folder) = config.socket.parent() {
            close(folder, 0o022, &mut done);
        }
    }
    Ok(done)
}

/// A tool stays where it was pinned, whatever PATH this command was started with.
fn keep_places(pins: &mut Pins, before: &Pins) -> anyhow::Result<()> {
    for (name, old) in &before.tools {
        let moved = pins.tools.get(name).is_none_or(|new| new.path != old.path);
        let stays = moved && old.path.is_file() && !pin::is_shim(&old.path);
        let again = if stays { pin::again(name, old.path.clone())? } else { None };
        pins.tools.extend(again.map(|again| (name.clone(), again)));
    }
    Ok(())
}

/// As root, a program that somebody else can write is not called the real one: what was pinned before stays, and so stays
/// "changed" until a human has looked.
fn untrusted(pins: &mut Pins, before: Option<&Pins>, done: &mut Vec<String>) {
    if rustix::process::geteuid().as_raw() != 0 {
        return;
    }
    let theirs = |path: &Path| fs::metadata(path).is_ok_and(|it| it.uid() != 0 || it.mode() & 0o022 != 0);
    let bad: Vec<String> = pins
        .tools
        .iter()
        .filter(|(_, tool)| {
            let real = fs::canonicalize(&tool.path).unwrap_or_else(|_| tool.path.clone());
            theirs(&real) || real.parent().is_some_and(theirs)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in bad {
        let old = before.and_then(|before| before.tools.get(&name)).cloned();
        let new = pins.tools.remove(&name);
        let unchanged = old == new;
        if let Some(old) = old {
            pins.tools.insert(name.clone(), old);
        }
        if let Some(path) = new.filter(|_| !unchanged).map(|tool| tool.path) {
            let path = path.display();
            done.push(format!("left alone: {name}: others than root can write {path}; pin it by hand if it is meant"));
        }
    }
}

fn changes(before: Option<&Pins>, pins: &Pins) -> Vec<String> {
    let was = |name: &str| before.and_then(|before| before.tools.get(name));
    let mut all: Vec<String> = pins
        .tools
        .iter()
        .filter(|(name, now)| was(name) != Some(now))
        .map(|(name, now)| match was(name) {
            None => format!("pinned {name}: {} for the first time", now.path.display()),
            Some(old) => format!("pinned {name} again: {} {}", now.path.display(), how(old, now)),
        })
        .collect();
    for old in before.iter().flat_map(|before| before.tools.keys()).filter(|name| !pins.tools.contains_key(*name)) {
        all.push(format!("let go of {old}: there is no such program any more"));
    }
    if all.is_empty() {
        all.push("wrote the file of pins anew".to_owned());
    }
    all
}

fn how(old: &PinnedTool, now: &PinnedTool) -> String {
    match (old.path == now.path, old.sha256 == now.sha256) {
        (false, _) => format!("in place of {}", old.path.display()),
        (true, false) => "has other contents".to_owned(),
        (true, true) => "is another file with the same contents".to_owned(),
    }
}

/// Takes rights away where this user may.
fn close(path: &Path, rights: u32, done: &mut Vec<String>) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let mode = metadata.mode() & 0o7777;
    if mode & rights == 0 || mode & 0o1000 != 0 {
        return;
    }
    let closed = mode & !rights;
    if fs::set_permissions(path, fs::Permissions::from_mode(closed)).is_ok() {
        done.push(format!("set the mode of {} from {mode:04o} to {closed:04o}", path.display()));
    }
}
