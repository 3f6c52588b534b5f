//! Variables that somebody may hope to pass the gate with. Each is set for a real call of the shim: what is called is
//! asked for its version, which the gate may refuse.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::attempt::Attempt;
use super::lying::{self, Lying};
use super::programs::Folder;
use crate::cli::findings::Finding;
use crate::env;
use crate::keeper::prefix;
use crate::tools;

/// What a program of ours says when it was started in the place of the real one.
const MARK: &str = "started in the place of the real tool";

const HOLE: &str = "environment";

/// All of them; one finding that says so where there are no shims to call.
pub fn hunt(lying: &[Lying]) -> Vec<Finding> {
    let shims = prefix().map(|prefix| prefix.join("lib/portcullis")).unwrap_or_default();
    let mut all = Vec::new();
    if shims.join("portcullis-shim").exists() {
        all.extend(tools::ALL.iter().map(|tool| other_path(shims.join("shims").join(tool.name()), tool.name())));
        all.push(exec_path(shims.join("shims/git")));
        all.push(preload(shims.join("portcullis-shim")));
    } else {
        let seen = format!("no shim at {}", shims.display());
        let hint = "install with install.sh, and run the portcullis that it installed";
        all.push(Finding::open("variables do not pass the gate", seen, hint).by(HOLE, "looked for the shim"));
    }
    all.extend(lying::NAMING.iter().map(|naming| brought(naming.variable, lying)));
    all
}

fn told(what: String, tried: String, went: io::Result<bool>, hint: &str) -> Finding {
    match went {
        Ok(true) => Finding::open(what, "it passed the gate", hint),
        Ok(false) => Finding::closed(what, "the gate held"),
        Err(error) => {
            Finding::open(what, format!("it could not be tried: {error}"), "run it where programs can be started")
        }
    }
    .by(HOLE, tried)
}

/// A folder with a program of this name that says that it was started.
fn decoy(name: &str) -> io::Result<Folder> {
    let folder = Folder::anywhere()?;
    let decoy = folder.0.join(name);
    fs::write(&decoy, format!("#!/bin/sh\necho {MARK}\n"))?;
    fs::set_permissions(&decoy, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

fn other_path(shim: PathBuf, name: &str) -> Finding {
    let passed = || -> io::Result<bool> {
        let folder = decoy(name)?;
        let attempt = Attempt::of(&shim).word("--version").with("PATH", &folder.0).with("PORTCULLIS_WAIT", "0s");
        Ok(attempt.make()?.says(MARK))
    };
    let what = format!("PATH does not say which {name} the shim starts");
    let tried = format!("PATH=FOLDER-WITH-ANOTHER-{name} SHIM --version");
    told(what, tried, passed(), "pin it: portcullis doctor --fix, as whoever installed the shims")
}

/// git's submodule is no part of its one program, so it is looked for there.
fn exec_path(shim: PathBuf) -> Finding {
    let passed = || -> io::Result<bool> {
        let folder = decoy("git-submodule")?;
        let attempt = Attempt::of(&shim).words(&["submodule", "status"]).with("GIT_EXEC_PATH", &folder.0);
        Ok(attempt.with("PORTCULLIS_WAIT", "0s").make()?.says(MARK))
    };
    let what = "GIT_EXEC_PATH does not say which programs git starts";
    let hint = "the policy permits programs that a line brings along: forbid this agent the actions in execute";
    told(what.to_owned(), "GIT_EXEC_PATH=FOLDER SHIM submodule status".to_owned(), passed(), hint)
}

/// A loader that cannot find what it is to load first says so; a static program has no loader.
fn preload(shim: PathBuf) -> Finding {
    let passed = || -> io::Result<bool> {
        let missing = "/nonexistent/portcullis-doctor.so";
        let went = Attempt::of(&shim).with("LD_PRELOAD", missing).make()?;
        Ok(went.says(missing))
    };
    let what = "LD_PRELOAD does not get into the shim";
    let hint = "install a static shim: install.sh builds one";
    told(what.to_owned(), "LD_PRELOAD=MISSING SHIM".to_owned(), passed(), hint)
}

/// A variable that names a file in which a credential may be.
fn brought(variable: &'static str, lying: &[Lying]) -> Finding {
    let what = format!("{variable} names no credential");
    let tried = "opened what it names, and looked for one".to_owned();
    match lying.iter().find(|lying| lying.by == Some(variable)) {
        Some(found) => Finding::open(what, found.seen.clone(), "unset it, and remove the file"),
        None if env::raw(variable).is_none() => Finding::closed(what, "it is not set"),
        None => Finding::closed(what, "none is in what it names"),
    }
    .by(HOLE, tried)
}
