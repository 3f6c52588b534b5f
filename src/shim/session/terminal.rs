//! The caller's terminal while the tool has a pseudo-terminal: raw, so that each key reaches the tool's terminal and
//! is interpreted there, and put back on every way out.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::termios::{OptionalActions, OutputModes, Termios, Winsize};
use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::model::Bytes;
use crate::sys::terminal;

/// The caller's own terminal, and the tool's that is like it.
pub struct Terminal<'a> {
    fd: BorrowedFd<'a>,
    /// Our end of the tool's.
    pty: OwnedFd,
    /// What to put back.
    saved: Option<Termios>,
    /// Whether keys are ours to relay.
    keys: bool,
    /// The tool's terminal turns no newline into two characters, because the caller's does that already.
    plain: bool,
}

impl<'a> Terminal<'a> {
    /// With a pseudo-terminal for the tool: the same size, the same modes. Gives the tool's end of it.
    pub fn new(fd: BorrowedFd<'a>, keys: bool) -> io::Result<(Self, OwnedFd)> {
        let terminal::Pty { ours, theirs } = terminal::open(tcgetwinsize(fd)?)?;
        tcsetattr(&theirs, OptionalActions::Now, &tcgetattr(fd)?)?;
        let mut new = Terminal { fd, pty: ours, saved: None, keys, plain: false };
        if !new.in_front() {
            new.plain()?;
        }
        Ok((new, theirs))
    }

    /// Our end of the tool's terminal, once more.
    pub fn ours(&self) -> io::Result<OwnedFd> {
        Ok(fcntl_dupfd_cloexec(&self.pty, 3)?)
    }

    /// Raw, where keys are ours and nobody else is in front. One that is raw already is left alone.
    pub fn take(&mut self) -> io::Result<()> {
        if self.saved.is_some() || !self.in_front() {
            return Ok(());
        }
        let modes = tcgetattr(self.fd)?;
        let mut raw = modes.clone();
        raw.make_raw();
        tcsetattr(self.fd, OptionalActions::Now, &raw)?;
        self.saved = Some(modes);
        if std::mem::take(&mut self.plain) {
            let mut modes = tcgetattr(&self.pty)?;
            modes.output_modes.insert(OutputModes::OPOST);
            tcsetattr(&self.pty, OptionalActions::Now, &modes)?;
        }
        Ok(())
    }

    /// As the caller had it. In the background it is another's by now, and was given back before.
    pub fn give_back(&mut self) {
        if let Some(modes) = self.saved.take()
            && self.in_front()
        {
            let _ = tcsetattr(self.fd, OptionalActions::Now, &modes);
            let _ = self.plain();
        }
    }

    /// As the tool left its own, which is what it would have done to the caller's.
    pub fn give_back_as_it_is_left(&mut self) {
        if let (Some(saved), Ok(left)) = (&mut self.saved, tcgetattr(&self.pty)) {
            *saved = left;
        }
        self.give_back();
    }

    fn plain(&mut self) -> io::Result<()> {
        let mut modes = tcgetattr(&self.pty)?;
        if modes.output_modes.contains(OutputModes::OPOST) {
            modes.output_modes.remove(OutputModes::OPOST);
            tcsetattr(&self.pty, OptionalActions::Now, &modes)?;
            self.plain = true;
        }
        Ok(())
    }

    /// What the caller's terminal makes of the bytes: where the tool's turns no newline into two characters, that one does
    /// (termios(3), ONLCR).
    pub fn as_shown(&self, bytes: Bytes) -> Bytes {
        let both = OutputModes::OPOST | OutputModes::ONLCR;
        if !self.plain || !tcgetattr(self.fd).is_ok_and(|modes| modes.output_modes.contains(both)) {
            return bytes;
        }
        let mut shown = Vec::with_capacity(bytes.0.len() + bytes.0.len() / 16);
        for byte in bytes.0 {
            shown.extend((byte == b'\n').then_some(b'\r'));
            shown.push(byte);
        }
        Bytes(shown)
    }

    /// Whether keys may be read now: in the background a read would stop us.
    pub fn in_front(&self) -> bool {
        self.keys && terminal::in_foreground(self.fd)
    }

    /// The tool's terminal gets this one's size; the kernel tells whoever is in its foreground.
    pub fn resize(&self) -> io::Result<Winsize> {
        let size = tcgetwinsize(self.fd)?;
        tcsetwinsize(&self.pty, size)?;
        Ok(size)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}
