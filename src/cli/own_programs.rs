//! The folders in which a tool finds the shim in the place of its own programs: `PREFIX/lib/portcullis/own/git` is to
//! git what its exec path is (git(1), GIT_EXEC_PATH), so that hooks and aliases, which git starts with that folder first on
//! their PATH, meet the gate.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::Complaint;
use crate::keeper::prefix;
use crate::tools;
use crate::wire::pins::{OWN, Pins};

/// Makes them anew for every pinned tool that has such programs.
pub fn lay_out(pins: &Pins) -> anyhow::Result<()> {
    let shims = prefix()?.join("lib/portcullis");
    if !shims.join("portcullis-shim").exists() {
        return Ok(());
    }
    for tool in tools::ALL {
        let Some(programs) = tool.own_programs() else { continue };
        let folder = shims.join(OWN).join(tool.name());
        let question = programs.folder_question().join(" ");
        let real = pins.tools.get(tool.name()).and_then(|pinned| pinned.said.get(&question));
        let made = match real {
            Some(real) => replace(&folder, Path::new(real.trim_end_matches('\n'))),
            // Without a word of where they are, the tool goes on finding them by itself.
            None => remove(&folder),
        };
        made.map_err(|error| {
            Complaint::new(format!("{} cannot be written", folder.display()), error.to_string())
                .hint("run it as whoever owns the shims")
        })?;
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Programs become links to the shim; what is read (a library of shell functions) stays what it is.
fn replace(folder: &Path, real: &Path) -> io::Result<()> {
    let new = folder.with_extension("new");
    remove(&new)?;
    fs::create_dir_all(&new)?;
    for entry in fs::read_dir(real)? {
        let entry = entry?;
        let metadata = fs::metadata(entry.path());
        let program = metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        let target = if program { Path::new("../../portcullis-shim").to_owned() } else { entry.path() };
        symlink(target, new.join(entry.file_name()))?;
    }
    remove(folder)?;
    fs::rename(new, folder)
}
