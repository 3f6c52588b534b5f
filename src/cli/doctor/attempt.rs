//! One attempt: a program that is really started, with nothing to read and bounded in time and in what it may say.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::sys::signals::Mask;
use crate::sys::{caller, spawn};

/// What one attempt may take.
const TIME: Duration = Duration::from_secs(10);
const BYTES: usize = 64 << 10;

pub struct Attempt {
    program: PathBuf,
    words: Vec<OsString>,
    changed: Vec<(&'static str, OsString)>,
}

/// How it went.
pub struct Went {
    /// Both streams, as they came.
    pub said: Vec<u8>,
    pub code: Option<i32>,
}

impl Went {
    /// Whether it did what it was asked, and said something.
    pub fn well(&self) -> bool {
        self.code == Some(0) && !self.said.is_empty()
    }

    pub fn says(&self, words: &str) -> bool {
        memchr::memmem::find(&self.said, words.as_bytes()).is_some()
    }
}

impl Attempt {
    /// A program by its path; it is told that it was called like that.
    pub fn of(program: &Path) -> Self {
        Attempt { program: program.to_owned(), words: Vec::new(), changed: Vec::new() }
    }

    pub fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub fn words(self, words: &[&str]) -> Self {
        words.iter().fold(self, Attempt::word)
    }

    /// One variable otherwise than in the environment of the caller, which is the rest.
    pub fn with(mut self, variable: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.changed.push((variable, value.as_ref().to_owned()));
        self
    }

    pub fn make(&self) -> io::Result<Went> {
        let (answer, out) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let child = self.start(&out)?;
        drop(out);
        let (said, whole) = hear(&answer, Instant::now() + TIME)?;
        if !whole {
            child.signal(rustix::process::Signal::KILL.as_raw());
        }
        let code = match child.wait()? {
            spawn::Status::Code(code) => Some(code),
            spawn::Status::Signal(_) | spawn::Status::Stopped(_) => None,
        };
        Ok(Went { said, code })
    }

    /// Both its streams go there.
    pub fn start(&self, out: &impl AsFd) -> io::Result<spawn::Child> {
        let null: OwnedFd = OpenOptions::new().read(true).open("/dev/null")?.into();
        let path = spawn::c_string(&self.program)?;
        let words = self.words.iter().map(spawn::c_string);
        spawn::Program {
            arguments: std::iter::once(Ok(path.clone())).chain(words).collect::<io::Result<_>>()?,
            path,
            environment: self.environment().iter().map(spawn::c_string).collect::<io::Result<_>>()?,
            streams: [
                spawn::Stream::From(null.as_fd()),
                spawn::Stream::From(out.as_fd()),
                spawn::Stream::From(out.as_fd()),
            ],
            keep: Vec::new(),
            alone: true,
            mask: Mask::current()?,
            // Not the terminal's: a shell that wants to be in front of one must not stop this program.
            group: spawn::Group::Own,
        }
        .start()
    }

    fn environment(&self) -> Vec<OsString> {
        let kept = caller::environment().into_iter().filter(|entry| {
            let name = entry.as_encoded_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
            !self.changed.iter().any(|(changed, _)| changed.as_bytes() == name)
        });
        let changed = self.changed.iter().map(|(name, value)| {
            let mut entry = OsString::from(format!("{name}="));
            entry.push(value);
            entry
        });
        kept.chain(changed).collect()
    }
}

/// What comes until the end, and whether the end came in time.
fn hear(answer: &OwnedFd, until: Instant) -> io::Result<(Vec<u8>, bool)> {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(answer, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Ok((said, false)),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match rustix::io::read(answer, &mut piece)? {
            0 => return Ok((said, true)),
            n if said.len() < BYTES => said.extend_from_slice(&piece[..n]),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Attempt;

    #[test]
    fn an_attempt_hears_both_streams_and_sets_its_own_variables() {
        let script = "echo $PATH; echo two >&2; exit 3";
        let went = Attempt::of(Path::new("/bin/sh")).words(&["-c", script]).with("PATH", "/one").make().unwrap();
        assert!(went.says("/one\ntwo\n") && went.code == Some(3) && !went.well());
    }
}
