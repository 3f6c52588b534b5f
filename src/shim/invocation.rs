//! What was typed, and where.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{FileType, fstat};

use super::locate::Real;
use crate::model::{Bytes, Invocation, InvocationId, StreamKind, Streams};
use crate::sys::caller;
use crate::tools::Tool;

/// The device number of /dev/null (Linux, devices.txt).
const NULL: (u32, u32) = (1, 3);

/// The call as this process met it.
pub fn typed(tool: &dyn Tool, real: &Real) -> io::Result<Invocation> {
    let mut arguments = std::env::args_os().map(|argument| Bytes(argument.into_vec()));
    Ok(Invocation {
        id: InvocationId::from_ulid(ulid()?),
        tool: tool.name().to_owned(),
        argv0: arguments.next().unwrap_or_default(),
        args: arguments.collect(),
        cwd: std::env::current_dir().ok().map(|path| Bytes(path.into_os_string().into_vec())),
        variables: variables(tool.variables(), &caller::environment()),
        streams: streams(),
        parent: None,
        pin: real.pin,
    })
}

/// 48 bits of milliseconds, 80 bits of chance (the ULID specification).
fn ulid() -> io::Result<u128> {
    let mut chance = [0; 16];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(io::Error::other)?;
    Ok((now.as_millis() << 80) | (u128::from_be_bytes(chance) >> 48))
}

/// Those that the tool's reading depends on. Of duplicates the first, which is the one that getenv(3) finds.
fn variables(wanted: &[&str], environment: &[OsString]) -> BTreeMap<String, Bytes> {
    let mut found = BTreeMap::new();
    for entry in environment {
        let entry = entry.as_bytes();
        let Some(equals) = entry.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (&entry[..equals], &entry[equals + 1..]);
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let fits = |wanted: &&str| match wanted.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *wanted,
        };
        if wanted.iter().any(fits) {
            found.entry(name.to_owned()).or_insert_with(|| value.into());
        }
    }
    found
}

fn streams() -> Streams {
    Streams { stdin: kind(0, io::stdin()), stdout: kind(1, io::stdout()), stderr: kind(2, io::stderr()) }
}

fn kind(number: usize, fd: impl AsFd) -> StreamKind {
    if caller::closed(number) {
        return StreamKind::Closed;
    }
    if rustix::termios::isatty(&fd) {
        return StreamKind::Terminal;
    }
    let Ok(stat) = fstat(&fd) else { return StreamKind::Closed };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo | FileType::Socket => StreamKind::Pipe,
        FileType::RegularFile => StreamKind::File,
        FileType::CharacterDevice if (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)) == NULL => {
            StreamKind::Null
        }
        _ => StreamKind::Other,
    }
}

/// The name a shim was called by: the last part of `argv[0]`, without the dash of a login shell.
pub fn called_as(argv0: &OsStr) -> &[u8] {
    let name = argv0.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name.strip_prefix(b"-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStringExt;

    use super::{called_as, variables};

    #[test]
    fn only_the_variables_that_were_asked_for_leave_and_the_first_of_two_counts() {
        let environment: Vec<OsString> =
            [&b"GIT_DIR=a"[..], b"GIT_DIR=b", b"HOME=/h", b"GIT_X=\xff", b"AWS_SECRET=s", b"noise", b"\xff=1"]
                .iter()
                .map(|entry| OsString::from_vec(entry.to_vec()))
                .collect();
        let found = variables(&["GIT_*", "HOME"], &environment);
        assert_eq!(found["GIT_DIR"].as_slice(), b"a");
        assert_eq!(found["GIT_X"].as_slice(), b"\xff");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_login_shells_dash_and_the_folder_do_not_matter() {
        for argv0 in ["git", "-git", "/usr/lib/shims/git", "./-git"] {
            assert_eq!(called_as(OsStr::new(argv0)), b"git", "{argv0}");
        }
    }
}
