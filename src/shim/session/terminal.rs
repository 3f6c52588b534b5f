//! The caller's terminal while the tool has a pseudo-terminal: raw, so that each key reaches the tool's terminal and
//! is interpreted there, and put back on every way out.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::sys::terminal;

/// The caller's own terminal.
pub struct Terminal<'a> {
    fd: BorrowedFd<'a>,
    /// What to put back.
    saved: Option<Termios>,
    /// Whether keys are ours to relay.
    pub keys: bool,
}

impl<'a> Terminal<'a> {
    pub fn new(fd: BorrowedFd<'a>, keys: bool) -> Self {
        Terminal { fd, saved: None, keys }
    }

    pub fn size(&self) -> io::Result<Winsize> {
        Ok(tcgetwinsize(self.fd)?)
    }

    /// A pseudo-terminal like this one: the same size, the same modes.
    pub fn likeness(&self) -> io::Result<terminal::Pty> {
        let pty = terminal::open(self.size()?)?;
        let mut modes = tcgetattr(self.fd)?;
        if !self.keys {
            // This terminal stays as it is and turns each newline into two characters. Once is enough.
            modes.output_modes.remove(rustix::termios::OutputModes::OPOST);
        }
        tcsetattr(&pty.theirs, OptionalActions::Now, &modes)?;
        Ok(pty)
    }

    /// Raw, where keys are ours and nobody else is in front. One that is raw already is left alone.
    pub fn take(&mut self) -> io::Result<()> {
        if !self.keys || self.saved.is_some() || !terminal::in_foreground(self.fd) {
            return Ok(());
        }
        let modes = tcgetattr(self.fd)?;
        let mut raw = modes.clone();
        raw.make_raw();
        tcsetattr(self.fd, OptionalActions::Now, &raw)?;
        self.saved = Some(modes);
        Ok(())
    }

    /// As the caller had it. In the background it is another's by now, and was given back before.
    pub fn give_back(&mut self) {
        if let Some(modes) = self.saved.take()
            && terminal::in_foreground(self.fd)
        {
            let _ = tcsetattr(self.fd, OptionalActions::Now, &modes);
        }
    }

    /// Whether keys may be read now: in the background a read would stop us.
    pub fn in_front(&self) -> bool {
        self.keys && terminal::in_foreground(self.fd)
    }

    /// The tool's terminal gets this one's size; the kernel tells whoever is in its foreground.
    pub fn resize(&self, pty: impl AsFd) -> io::Result<Winsize> {
        let size = self.size()?;
        tcsetwinsize(pty, size)?;
        Ok(size)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}
