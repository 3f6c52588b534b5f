//! The read-only questions that a tool's `gather` may ask of the machine. The shim answers them from the real one,
//! tests from a table.

use crate::model::{Bytes, Content};

/// How much `gather` may take in, in all. Past it, contents are marked truncated and the reading doubts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one content (a script, a manifest, a config file).
    pub content: usize,
    /// Files read for one line.
    pub files: usize,
    /// Milliseconds to wait for the end of stdin, where the reading needs it.
    pub stdin_millis: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { content: 16 << 20, files: 256, stdin_millis: 10_000 }
    }
}

/// Read-only, bounded, and as the agent's user: whatever it answers is a claim.
///
/// Relative paths are relative to the invocation's work folder.
pub trait World {
    fn limits(&self) -> Limits;

    /// The file's bytes as a content named `path`; `None` where it cannot be read. Regular files, and pipes that the
    /// line names (`/dev/fd/63` of a process substitution is consumed: the snapshot is then its only copy).
    fn file(&self, path: &[u8]) -> Option<Content>;

    /// Standard input to its end, within the limits. `None` where it is a terminal or closed; `truncated` where it
    /// had not ended in time or size. Consumed: [`Delivery::stdin`](crate::model::Delivery) must give it back.
    fn stdin(&self) -> Option<Content>;

    /// Names in a folder, sorted; `None` where it cannot be listed.
    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>>;

    fn is_file(&self, path: &[u8]) -> bool;

    fn is_dir(&self, path: &[u8]) -> bool;

    /// A file that the caller may execute (access(2)). Whoever cannot tell takes every file for one.
    fn is_program(&self, path: &[u8]) -> bool {
        self.is_file(path)
    }

    /// Absolute path of a program on the caller's PATH, shims not counted.
    fn program(&self, name: &str) -> Option<Bytes>;

    /// Runs the real tool (never a shim) with these arguments, in the caller's environment and work folder, stdin
    /// empty, bounded in time and size; its standard output where it exited 0. For questions only: `git config
    /// --list -z`, `TOOL --version`. git fetches nothing for an answer, and no file that `GIT_CONFIG` names
    /// stands for its configuration.
    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>>;

    /// The caller's home folder as the tool would see it.
    fn home(&self) -> Option<Bytes>;

    /// A variable of the caller's, also one that is not in `Tool::variables` (its value does not leave the machine).
    fn variable(&self, name: &str) -> Option<Bytes>;

    /// What lstat(2) says of an absolute path.
    fn look(&self, _path: &[u8]) -> Look {
        Look::Unknown
    }

    /// An absolute path without links, `.` and `..` (realpath(3)).
    fn real(&self, _path: &[u8]) -> Option<Bytes> {
        None
    }

    /// What the real tool said to one of [`Tool::constants`](super::Tool::constants) when it was pinned, where it is
    /// still the program that was pinned.
    fn said(&self, _question: &[&str]) -> Option<Vec<u8>> {
        None
    }
}

/// The fields of the entry that belongs to the process' effective user id, as getpwuid(3) finds it in passwd(5).
pub fn account(world: &dyn World) -> Option<Vec<String>> {
    let status = world.file(b"/proc/self/status")?;
    let ids = status.bytes.text()?.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // Real, effective, saved, file system.
    let id = ids.split_whitespace().nth(1)?.to_owned();
    let users = world.file(b"/etc/passwd")?;
    let mut entries = users.bytes.text()?.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
    entries.find(|entry| entry.get(2) == Some(&id))
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Nothing,
    There {
        kind: Kind,
        device: u64,
        /// It belongs to the user whom the caller runs as.
        own: bool,
    },
    /// It cannot be told.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    /// A link, a pipe, a device.
    Other,
}
