//! The facts and contents that a tool's reading needs, from the real machine: read-only, bounded in bytes and time.
//!
//! Nothing here can hang: a pipe that its writer holds open for hours is given up after the time limit, and the words
//! for it are kept for the caller.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::locate;
use crate::env;
use crate::model::{Bytes, Content, ContentSource, Digest};
use crate::sys::{caller, signals::Mask, spawn};
use crate::tools::world::{Kind, Look};
use crate::tools::{Limits, World};

/// What a question to the real tool may take.
const TOOL_TIME: Duration = Duration::from_secs(5);
const TOOL_BYTES: usize = 8 << 20;

/// git(1): a question about an object that is not here must not go to the remote that promised it.
const FETCHES_NOTHING: &str = "GIT_NO_LAZY_FETCH=1";

/// Names listed of one folder.
const MOST_NAMES: usize = 4096;

/// The real machine, as the caller sees it.
pub struct Machine {
    tool: PathBuf,
    limits: Limits,
    stdin: Option<PathBuf>,
    files: Cell<usize>,
    /// Standard input, once it was read.
    taken: RefCell<Option<Content>>,
    notes: RefCell<Vec<String>>,
    /// What the tool said when it was pinned.
    said: BTreeMap<String, String>,
}

impl Machine {
    /// `tool` answers [`World::ask_tool`]; `stdin`, where given, is a file that stands in for standard input.
    pub fn new(tool: PathBuf, limits: Limits, stdin: Option<PathBuf>) -> Self {
        let (files, taken, notes, said) = Default::default();
        Machine { tool, limits, stdin, files, taken, notes, said }
    }

    /// Answers these questions without asking the tool.
    #[must_use]
    pub fn knowing(mut self, said: BTreeMap<String, String>) -> Self {
        self.said = said;
        self
    }

    /// What went otherwise than the caller may think (standard input was still open), in words.
    pub fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Whether standard input was read, so that it must be given back.
    pub fn took_stdin(&self) -> bool {
        self.taken.borrow().is_some()
    }

    fn open(&self, path: &[u8]) -> Option<File> {
        if self.files.get() >= self.limits.files {
            return None;
        }
        self.files.set(self.files.get() + 1);
        // Where a file stands for standard input it does so under each of its names.
        let names: [&[u8]; 3] = [b"/dev/stdin", b"/dev/fd/0", b"/proc/self/fd/0"];
        if let Some(stdin) = self.stdin.as_ref().filter(|_| names.contains(&path)) {
            return File::open(stdin).ok();
        }
        // A named pipe without a writer must not hang us; on a file the flag means nothing. This is our own open
        // file, so the caller's descriptors are not touched.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).ok()?;
        OpenOptions::new().read(true).custom_flags(flags).open(OsStr::from_bytes(path)).ok()
    }

    fn read_stdin(&self) -> Option<Content> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.stdin_millis);
        let (bytes, end) = match &self.stdin {
            Some(path) => bounded(&File::open(path).ok()?, self.limits.content, deadline)?,
            None if caller::closed(0) || rustix::termios::isatty(io::stdin()) => return None,
            None => bounded(&io::stdin(), self.limits.content, deadline)?,
        };
        match end {
            End::Reached => {}
            End::TooLong => {
                self.notes.borrow_mut().push(format!("standard input is longer than {} bytes", self.limits.content));
            }
            End::TooLate => {
                let seconds = self.limits.stdin_millis / 1000;
                self.notes.borrow_mut().push(format!("standard input was still open after {seconds} s"));
            }
        }
        Some(content(ContentSource::Stdin, bytes, end))
    }
}

impl World for Machine {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let file = self.open(path)?;
        if file.metadata().ok()?.is_dir() {
            return None;
        }
        let deadline = Instant::now() + Duration::from_millis(self.limits.stdin_millis);
        let (bytes, end) = bounded(&file, self.limits.content, deadline)?;
        Some(content(ContentSource::File(path.into()), bytes, end))
    }

    fn stdin(&self) -> Option<Content> {
        if self.taken.borrow().is_none() {
            *self.taken.borrow_mut() = self.read_stdin();
        }
        self.taken.borrow().clone()
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(OsStr::from_bytes(path)).ok()? {
            // A folder that is not listed whole is not listed: nothing may be concluded from a part.
            if names.len() == MOST_NAMES {
                return None;
            }
            names.push(Bytes(entry.ok()?.file_name().into_vec()));
        }
        names.sort();
        Some(names)
    }

    fn is_file(&self, path: &[u8]) -> bool {
        Path::new(OsStr::from_bytes(path)).is_file()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        Path::new(OsStr::from_bytes(path)).is_dir()
    }

    fn is_program(&self, path: &[u8]) -> bool {
        self.is_file(path) && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        let found = locate::on_path(name).ok().or_else(|| locate::on_path_from_here(name));
        found.map(|path| Bytes(path.into_os_string().into_vec()))
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let words: Option<Vec<&str>> = args.iter().map(|arg| str::from_utf8(arg).ok()).collect();
        if let Some(answer) = words.and_then(|words| self.said(&words)) {
            return Some(answer);
        }
        let mut environment = caller::environment();
        // `git config` alone would list the file that GIT_CONFIG names, and every other command reads its own.
        let changes: [&[u8]; 2] = [b"GIT_NO_LAZY_FETCH=", b"GIT_CONFIG="];
        environment.retain(|variable| !changes.iter().any(|name| variable.as_bytes().starts_with(name)));
        environment.push(FETCHES_NOTHING.into());
        ask(&self.tool, args, &environment).ok().flatten()
    }

    fn home(&self) -> Option<Bytes> {
        env::home().map(|home| Bytes(home.into_vec()))
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        env::raw(name).map(|value| Bytes(value.into_vec()))
    }

    fn look(&self, path: &[u8]) -> Look {
        let metadata = match fs::symlink_metadata(OsStr::from_bytes(path)) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Look::Nothing,
            Err(_) => return Look::Unknown,
        };
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        let own = metadata.uid() == rustix::process::geteuid().as_raw();
        Look::There { kind, device: metadata.dev(), own }
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        fs::canonicalize(OsStr::from_bytes(path)).ok().map(|path| Bytes(path.into_os_string().into_vec()))
    }

    fn said(&self, question: &[&str]) -> Option<Vec<u8>> {
        self.said.get(&question.join(" ")).map(|answer| answer.clone().into_bytes())
    }
}

/// What a program says to these words in an environment that says nothing; `None` where it fails, or says what is no
/// text.
pub fn ask_alone(tool: &Path, question: &[&str]) -> Option<String> {
    let args: Vec<&[u8]> = question.iter().map(|word| word.as_bytes()).collect();
    let said = ask(tool, &args, &[OsString::from("PATH=/usr/local/bin:/usr/bin:/bin")]).ok()??;
    String::from_utf8(said).ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Reached,
    TooLong,
    TooLate,
}

fn content(source: ContentSource, bytes: Vec<u8>, end: End) -> Content {
    Content { source, sha256: Digest::of(&bytes), bytes: Bytes(bytes), truncated: end != End::Reached }
}

/// Reads to the end, to `most` bytes or to the deadline. Waits by poll(2), never by a flag on the descriptor.
fn bounded(fd: &impl AsFd, most: usize, deadline: Instant) -> Option<(Vec<u8>, End)> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some((bytes, End::TooLate));
        }
        let timeout = Timespec::try_from(left).ok()?;
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Some((bytes, End::TooLate)),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
        }
        // One more than fits, so that a source of exactly `most` bytes is not called too long.
        let room = (most + 1 - bytes.len()).min(chunk.len());
        match rustix::io::read(fd, &mut chunk[..room]) {
            Ok(0) => return Some((bytes, End::Reached)),
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(_) => return None,
        }
        if bytes.len() > most {
            bytes.truncate(most);
            return Some((bytes, End::TooLong));
        }
    }
}

/// Runs the real tool with nothing to read and takes what it prints; `None` where it failed or took too much.
fn ask(tool: &Path, args: &[&[u8]], environment: &[OsString]) -> io::Result<Option<Vec<u8>>> {
    let null: OwnedFd = OpenOptions::new().read(true).write(true).open("/dev/null")?.into();
    let (answer, out) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let path = spawn::c_string(tool)?;
    let arguments = args.iter().map(|arg| spawn::c_string(OsStr::from_bytes(arg)));
    let child = spawn::Program {
        arguments: std::iter::once(Ok(path.clone())).chain(arguments).collect::<io::Result<_>>()?,
        path,
        environment: environment.iter().map(spawn::c_string).collect::<io::Result<_>>()?,
        streams: [
            spawn::Stream::From(null.as_fd()),
            spawn::Stream::From(out.as_fd()),
            spawn::Stream::From(null.as_fd()),
        ],
        keep: Vec::new(),
        alone: true,
        mask: Mask::current()?,
        group: spawn::Group::Ours,
    }
    .start()?;
    drop(out);
    let taken = bounded(&answer, TOOL_BYTES, Instant::now() + TOOL_TIME);
    let whole = taken.filter(|(_, end)| *end == End::Reached).map(|(bytes, _)| bytes);
    if whole.is_none() {
        child.signal(rustix::process::Signal::KILL.as_raw());
    }
    let status = child.wait()?;
    Ok(whole.filter(|_| status == spawn::Status::Code(0)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{End, Machine, bounded};
    use crate::tools::{Limits, World};

    fn machine(tool: &str) -> Machine {
        Machine::new(tool.into(), Limits { content: 8, files: 4, stdin_millis: 50 }, None)
    }

    #[test]
    fn a_pipe_that_is_held_open_is_given_up_in_time() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let deadline = Instant::now() + Duration::from_millis(30);
        assert_eq!(bounded(&reader, 8, deadline), Some((Vec::new(), End::TooLate)));
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_whole_and_a_longer_one_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let name = path.as_os_str().as_encoded_bytes();
        std::fs::write(&path, "12345678").unwrap();
        let content = machine("/bin/true").file(name).unwrap();
        assert!(!content.truncated && content.bytes.as_slice() == b"12345678");
        std::fs::write(&path, "123456789").unwrap();
        let content = machine("/bin/true").file(name).unwrap();
        assert!(content.truncated && content.bytes.as_slice() == b"12345678");
    }

    #[test]
    fn a_named_pipe_without_a_writer_does_not_hang() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        machine("/bin/true").file(path.as_os_str().as_encoded_bytes());
    }

    #[test]
    fn a_question_makes_git_fetch_nothing() {
        let sh = machine("/bin/sh");
        assert_eq!(sh.ask_tool(&[b"-c", b"printf $GIT_NO_LAZY_FETCH"]), Some(b"1".to_vec()));
    }

    #[test]
    fn the_real_tool_is_asked_and_a_failure_is_no_answer() {
        let sh = machine("/bin/sh");
        assert_eq!(sh.ask_tool(&[b"-c", b"printf hello"]), Some(b"hello".to_vec()));
        assert_eq!(sh.ask_tool(&[b"-c", b"printf hello; exit 1"]), None);
        assert_eq!(sh.ask_tool(&[b"-c", b"cat"]), Some(Vec::new()), "it has nothing to read");
        let (_reader, writer) = std::io::pipe().unwrap();
        rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).unwrap();
        let open = format!("[ -e /proc/$$/fd/{} ] && echo open; true", std::os::fd::AsRawFd::as_raw_fd(&writer));
        assert_eq!(sh.ask_tool(&[b"-c", open.as_bytes()]), Some(Vec::new()), "nor is anything of the caller's open");
        assert_eq!(machine("/does/not/exist").ask_tool(&[]), None);
        let said = [("--version".to_owned(), "it 1.0".to_owned())].into();
        let pinned = machine("/does/not/exist").knowing(said);
        assert_eq!(pinned.ask_tool(&[b"--version"]), Some(b"it 1.0".to_vec()), "asked when it was pinned");
        assert_eq!(pinned.ask_tool(&[b"--help"]), None);
    }
}
