//! The leader of the tool's own session, where the tool has a pseudo-terminal: a process between shim and tool.
//!
//! A session's leader is in an orphaned group and cannot be stopped by ^Z, so the tool must not be the leader. The
//! monitor starts it in a group of its own in the foreground, tells the shim when it stops or ends, and continues it
//! when the shim was continued.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, PidfdFlags, getpgrp, pidfd_open};
use rustix::termios::tcsetpgrp;

use crate::sys::spawn::{self, Child, Program, Status};
use crate::sys::{signals, terminal};

/// What the monitor tells, in five bytes: a kind and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Started { pid: i32 },
    NotStarted { errno: i32 },
    Changed(Status),
}

/// The shim's side.
pub struct Monitor {
    socket: UnixStream,
    process: Child,
    /// The tool itself.
    tool: OwnedFd,
    pub pid: i32,
}

impl Monitor {
    /// Forks the monitor, which starts the program; returns when the program runs.
    pub fn start(program: &Program<'_>, pty: BorrowedFd<'_>) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let process = spawn::fork_into(|| match lead(program, pty, theirs) {
            Ok(()) => 0,
            Err(_) => 127,
        })?;
        let mut socket = ours;
        match hear(&mut socket)? {
            Told::Started { pid } => {
                let named = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
                let tool = pidfd_open(named, PidfdFlags::empty());
                // It may have ended already, and been reaped: then the end is what comes next, and signals go nowhere.
                let tool = tool.or_else(|_| rustix::io::fcntl_dupfd_cloexec(process.handle(), 3))?;
                Ok(Monitor { socket, process, tool, pid })
            }
            Told::NotStarted { errno } => Err(io::Error::from_raw_os_error(errno)),
            Told::Changed(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Called when the socket is readable. A monitor that is gone without a word was killed, and took the tool along.
    pub fn status(&mut self) -> io::Result<Status> {
        match hear(&mut self.socket) {
            Ok(Told::Changed(status)) => {
                if !matches!(status, Status::Stopped(_)) {
                    self.process.wait(false)?;
                }
                Ok(status)
            }
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(_) => self.process.wait(false),
        }
    }

    /// Lets a stopped tool go on, in the foreground.
    pub fn go_on(&mut self) -> io::Result<()> {
        self.socket.write_all(&[1])
    }

    pub fn signal(&self, signal: i32) {
        spawn::signal_by_handle(self.tool.as_fd(), signal);
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The monitor's whole life.
fn lead(program: &Program<'_>, pty: BorrowedFd<'_>, mut shim: UnixStream) -> io::Result<()> {
    signals::block_all()?;
    if let Err(error) = terminal::lead_session(pty) {
        return tell(&mut shim, Told::NotStarted { errno: error.raw_os_error().unwrap_or(unknown_error()) });
    }
    let tool = match program.start() {
        Ok(tool) => tool,
        Err(error) => {
            return tell(&mut shim, Told::NotStarted { errno: error.raw_os_error().unwrap_or(unknown_error()) });
        }
    };
    tell(&mut shim, Told::Started { pid: tool.pid })?;
    // Were our ends of its pipes held here as well, the tool would never learn that nobody reads them.
    spawn::close_all_but([pty, tool.handle(), shim.as_fd()])?;
    let group = Pid::from_raw(tool.pid).ok_or(io::ErrorKind::InvalidData)?;
    loop {
        let status = tool.wait(true)?;
        if !matches!(status, Status::Stopped(_)) {
            // The leader's end sends SIGHUP to the group in front. That must not be what the tool left behind.
            let _ = tcsetpgrp(pty, getpgrp());
            return tell(&mut shim, Told::Changed(status));
        }
        tell(&mut shim, Told::Changed(status))?;
        shim.read_exact(&mut [0])?;
        let _ = tcsetpgrp(pty, group);
        signals::to_group(tool.pid, rustix::process::Signal::CONT.as_raw());
    }
}

fn unknown_error() -> i32 {
    rustix::io::Errno::IO.raw_os_error()
}

fn tell(socket: &mut UnixStream, told: Told) -> io::Result<()> {
    let (kind, number) = match told {
        Told::Started { pid } => (0, pid),
        Told::NotStarted { errno } => (1, errno),
        Told::Changed(Status::Code(code)) => (2, code),
        Told::Changed(Status::Signal(signal)) => (3, signal),
        Told::Changed(Status::Stopped(signal)) => (4, signal),
    };
    let mut message = [kind, 0, 0, 0, 0];
    message[1..].copy_from_slice(&number.to_ne_bytes());
    socket.write_all(&message)
}

fn hear(socket: &mut UnixStream) -> io::Result<Told> {
    let mut message = [0; 5];
    socket.read_exact(&mut message)?;
    let [kind, number @ ..] = message;
    let number = i32::from_ne_bytes(number);
    match kind {
        0 => Ok(Told::Started { pid: number }),
        1 => Ok(Told::NotStarted { errno: number }),
        2 => Ok(Told::Changed(Status::Code(number))),
        3 => Ok(Told::Changed(Status::Signal(number))),
        4 => Ok(Told::Changed(Status::Stopped(number))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::{Told, hear, tell};
    use crate::sys::spawn::Status;

    #[test]
    fn what_the_monitor_tells_is_what_the_shim_hears() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        for told in [
            Told::Started { pid: 77 },
            Told::NotStarted { errno: 2 },
            Told::Changed(Status::Code(255)),
            Told::Changed(Status::Signal(9)),
            Told::Changed(Status::Stopped(20)),
        ] {
            tell(&mut theirs, told).unwrap();
            assert_eq!(hear(&mut ours).unwrap(), told);
        }
    }
}
