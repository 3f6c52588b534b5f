//! A tool's own children meet the shim as well, since the folder of its own programs holds the shim in their place: git
//! puts that folder first on the PATH of all that it starts, hooks and aliases among them.
//!
//! What the tool starts for itself is part of what was allowed and goes on as the real program, in this very process.
//! Who that is says the keeper, by the process right above; variables only say when it is worth asking.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::ask::Keeper;
use super::locate::{Install, Real};
use super::{No, machine_failed};
use crate::model::{Bytes, Invocation};
use crate::sys::{caller, spawn};
use crate::tools::{self, OwnPrograms, Tool};
use crate::wire::pins;

/// The tool that a name is an own program of, and which one: `git-submodule` is git's `submodule`.
pub fn called(name: &[u8]) -> Option<(&'static dyn Tool, &[u8])> {
    tools::ALL.iter().find_map(|tool| {
        let word = name.strip_prefix(tool.own_programs()?.prefix().as_bytes())?;
        (!word.is_empty()).then_some((*tool, word))
    })
}

/// The folder of shims that stands in for the one of the tool's own programs.
pub fn folder(tool: &dyn Tool, install: &Install) -> PathBuf {
    install.folder.join(pins::OWN).join(tool.name())
}

/// Becomes the real program, where the tool started this line for itself. Returns where it did not, and the line has to
/// be asked about like any other; with the connection to the keeper, where there is one by now.
pub fn pass(
    tool: &'static dyn Tool,
    own: Option<&[u8]>,
    install: &Install,
    real: &Real,
    invocation: &Invocation,
) -> Result<Option<Keeper>, No> {
    let Some(programs) = tool.own_programs() else { return Ok(None) };
    let ours = folder(tool, install);
    let below = variable(programs).is_some_and(|value| Path::new(&value) == ours);
    let Some(role) = programs.role(&invocation.args).filter(|_| below) else { return Ok(None) };
    let Some(path) = place(programs, own, real) else { return Ok(None) };
    let mut keeper = Keeper::greet(&install.pins.keeper)?;
    let by_shell = own.is_some_and(|word| programs.by_shell().iter().any(|name| name.as_bytes() == word));
    match keeper.above(tool.name(), by_shell)? {
        Some(above) if programs.starts(&above, own.is_some(), &invocation.args) => {}
        _ => return Ok(Some(keeper)),
    }
    keeper.passes(role, by_shell)?;
    Err(machine_failed(become_it(&path)))
}

/// The real program.
fn place(programs: &dyn OwnPrograms, own: Option<&[u8]>, real: &Real) -> Option<PathBuf> {
    let Some(word) = own else { return Some(real.path.clone()) };
    let folder = real.said.get(&programs.folder_question().join(" "))?;
    let name = [programs.prefix().as_bytes(), word].concat();
    Some(Path::new(folder.trim_end_matches('\n')).join(OsStr::from_bytes(&name)))
}

fn become_it(path: &Path) -> std::io::Error {
    let start = || {
        let arguments = std::env::args_os().map(spawn::c_string).collect::<Result<_, _>>()?;
        let environment = caller::environment().iter().map(spawn::c_string).collect::<Result<_, _>>()?;
        Ok(spawn::Program::in_our_place(spawn::c_string(path)?, arguments, environment)?.replace_us())
    };
    start().unwrap_or_else(|error| error)
}

fn variable(programs: &dyn OwnPrograms) -> Option<OsString> {
    let entries = caller::environment();
    let value = |entry: &OsString| {
        let value = entry.as_bytes().strip_prefix(programs.variable().as_bytes())?.strip_prefix(b"=")?;
        Some(OsString::from_vec(value.to_vec()))
    };
    entries.iter().find_map(value)
}

/// The line as the caller meant it: without the variable that we set ourselves, and with the name of an own program
/// that is called by itself where it stands when the tool is called.
pub fn as_meant(tool: &dyn Tool, own: Option<&[u8]>, install: &Install, invocation: &mut Invocation) {
    let Some(programs) = tool.own_programs() else { return };
    let ours = folder(tool, install);
    let is_ours = |value: &mut Bytes| value.as_slice() == ours.as_os_str().as_bytes();
    invocation.variables.extract_if(.., |name, value| name == programs.variable() && is_ours(value)).for_each(drop);
    if let Some(word) = own {
        invocation.args.insert(0, word.into());
        invocation.argv0 = tool.name().into();
    }
}

/// What the tool is to find its own programs by: the variable and our folder, where the caller named none.
pub fn moved(tool: &dyn Tool, install: &Install) -> Option<(&'static str, PathBuf)> {
    let programs = tool.own_programs()?;
    let ours = folder(tool, install);
    let free = variable(programs).is_none_or(|value| value.is_empty());
    (free && ours.is_dir()).then(|| (programs.variable(), ours))
}
