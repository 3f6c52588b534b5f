//! The leader of the tool's own session, where the tool has a pseudo-terminal: a process between shim and tool.
//!
//! A session's leader is in an orphaned group and cannot be stopped by ^Z, so the tool must not be the leader. The
//! monitor starts it in a group of its own, tells the shim when it stops or ends, and puts it in front of its terminal
//! or continues it when the shim was.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpgrp, pidfd_open};
use rustix::termios::tcsetpgrp;

use crate::sys::signals::{self, Arrivals};
use crate::sys::spawn::{self, Child, Program, Status};
use crate::sys::terminal;

/// What the monitor tells, in five bytes: a kind and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Started { pid: i32 },
    NotStarted { errno: i32 },
    Changed(Status),
}

/// An order: one byte.
const IN_FRONT: u8 = 1;
const GO_ON: u8 = 2;

/// The shim's side.
pub struct Monitor {
    socket: UnixStream,
    process: Child,
    /// The tool itself.
    tool: OwnedFd,
    pub pid: i32,
    /// It was ordered to let the tool go on, and the signal that continued us has not been seen yet.
    goes_on: bool,
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
                Ok(Monitor { socket, process, tool, pid, goes_on: false })
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
                    self.process.wait()?;
                }
                Ok(status)
            }
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(_) => self.process.wait(),
        }
    }

    /// Puts the tool in front of its terminal or away from there, and lets a stopped one go on.
    pub fn order(&mut self, in_front: bool, go_on: bool) -> io::Result<()> {
        self.goes_on |= go_on;
        self.socket.write_all(&[if in_front { IN_FRONT } else { 0 } | if go_on { GO_ON } else { 0 }])
    }

    /// Whether the tool went on with us when we were continued.
    pub fn went_on(&mut self) -> bool {
        std::mem::take(&mut self.goes_on)
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
    let changes = Arrivals::of(&[Signal::CHILD.as_raw()])?;
    loop {
        while changes.next().is_some() {}
        if let Some(signal) = tool.stopped() {
            tell(&mut shim, Told::Changed(Status::Stopped(signal)))?;
        }
        if let Some(status) = tool.ended() {
            // The leader's end sends SIGHUP to the group in front. That must not be what the tool left behind.
            let _ = tcsetpgrp(pty, getpgrp());
            return tell(&mut shim, Told::Changed(status));
        }
        let mut fds = [PollFd::new(&shim, PollFlags::IN), PollFd::new(&changes, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        if !fds[0].revents().is_empty() {
            let mut order = [0];
            shim.read_exact(&mut order)?;
            obey(order[0], &tool, pty)?;
        }
    }
}

fn obey(order: u8, tool: &Child, pty: BorrowedFd<'_>) -> io::Result<()> {
    let its = Pid::from_raw(tool.pid).ok_or(io::ErrorKind::InvalidData)?;
    let _ = tcsetpgrp(pty, if order & IN_FRONT != 0 { its } else { getpgrp() });
    if order & GO_ON != 0 {
        signals::to_group(tool.pid, Signal::CONT.as_raw());
    }
    Ok(())
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
