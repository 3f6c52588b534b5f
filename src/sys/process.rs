//! Who descends from whom, by /proc: process ids that cannot be mistaken for a later process's.
//!
//! A pid alone means nothing once its process is gone. A [`Process`] carries the start time as well, and a [`Handle`]
//! (pidfd_open(2)) says whether the very process is still there.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Longest line of ancestors that is followed.
const MOST_ANCESTORS: usize = 512;

/// One process, told from a later one with the same pid by its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: i32,
    /// Clock ticks since boot (field 22 of proc_pid_stat(5)).
    pub started: u64,
}

/// Reads a process and its parent's pid from `/proc/PID/stat`.
pub fn look(pid: i32) -> io::Result<(Process, i32)> {
    // Fields are cut at 64 bytes for the name and about 20 for each number: more than this it never is.
    let mut stat = [0; 2048];
    let length = fs::File::open(format!("/proc/{pid}/stat"))?.read(&mut stat)?;
    parse(pid, &stat[..length])
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat has another form"))
}

/// The process itself, its parent, and so on upwards. Ends early where one cannot be seen, or where a "parent" is
/// younger than its child (the pid was taken over while we looked).
pub fn line(pid: i32) -> Vec<Process> {
    Upwards { next: pid, youngest: u64::MAX }.take(MOST_ANCESTORS).collect()
}

/// The same, up to and including the first with this pid, and no further.
pub fn line_up_to(pid: i32, ancestor: i32) -> Vec<Process> {
    let mut line = Vec::new();
    for process in (Upwards { next: pid, youngest: u64::MAX }).take(MOST_ANCESTORS) {
        line.push(process);
        if process.pid == ancestor {
            break;
        }
    }
    line
}

struct Upwards {
    next: i32,
    youngest: u64,
}

impl Iterator for Upwards {
    type Item = Process;

    fn next(&mut self) -> Option<Process> {
        let (process, parent) = look(self.next).ok().filter(|_| self.next > 0)?;
        if process.started > self.youngest {
            return None;
        }
        (self.next, self.youngest) = (parent, process.started);
        Some(process)
    }
}

// The second field is the program's name in parentheses and may hold anything, so fields are counted from the last `)`.
fn parse(pid: i32, stat: &[u8]) -> Option<(Process, i32)> {
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some((Process { pid, started }, parent))
}

/// A process held by descriptor: it names the same process for ever, whatever becomes of the pid.
pub struct Handle(OwnedFd);

impl Handle {
    pub fn open(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Handle(pidfd_open(pid, PidfdFlags::empty())?))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> Self {
        Handle(fd)
    }

    /// Whether it has not ended yet: a pidfd becomes readable when its process ends.
    pub fn alive(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0))
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::process::Command;

    use super::{Handle, Process, line, line_up_to, look, parse};

    #[test]
    fn a_program_named_like_the_rest_of_its_line_does_not_shift_the_fields() {
        let stat = b"7 (a) R 1 2) S 42 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9988 1 1";
        assert_eq!(parse(7, stat), Some((Process { pid: 7, started: 9988 }, 42)));
        assert_eq!(parse(7, b"7 (a) S"), None);
    }

    #[test]
    fn a_grandchild_descends_from_us_and_its_handle_notices_its_end() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let handle = Handle::open(pid).unwrap();
        let (us, _) = look(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(line(pid).contains(&us));
        assert_eq!(line_up_to(pid, us.pid).last(), Some(&us));
        assert_eq!(line_up_to(pid, -1), line(pid), "nobody is passed over");
        assert!(handle.alive());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!handle.alive());
        assert!(line(pid).is_empty(), "a reaped process has no line");
    }
}
