//! Standard input on its way to the tool, where it passes through us: keys to the tool's terminal, or an input that
//! policy wants recorded.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::model::{FrameKind, Raw};
use crate::redact::Redactor;

pub struct Feed<'a> {
    from: Option<BorrowedFd<'a>>,
    to: Option<OwnedFd>,
    /// The tool's end is a terminal, which has no end of file to pass on.
    terminal: bool,
    pending: Vec<u8>,
    /// Makes the recorded form; the tool gets the bytes themselves.
    record: Option<Redactor>,
}

impl<'a> Feed<'a> {
    /// `to` is ours alone and does not block.
    pub fn new(from: BorrowedFd<'a>, to: OwnedFd, terminal: bool, record: Option<Redactor>) -> Self {
        Feed { from: Some(from), to: Some(to), terminal, pending: Vec::new(), record }
    }

    pub fn wants_to_read(&self) -> Option<BorrowedFd<'_>> {
        self.from.filter(|_| self.pending.is_empty())
    }

    pub fn wants_to_write(&self) -> Option<BorrowedFd<'_>> {
        self.to.as_ref().filter(|_| !self.pending.is_empty()).map(AsFd::as_fd)
    }

    /// Reads once; gives the frame for the record.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Option<FrameKind> {
        buffer.resize(16 << 10, 0);
        match rustix::io::read(self.from?, &mut buffer[..]) {
            Ok(0) => self.end(),
            Ok(n) => {
                self.pending.extend_from_slice(&buffer[..n]);
                let clean = self.record.as_mut()?.push(Raw(self.pending.clone()));
                (!clean.is_empty()).then(|| FrameKind::Input(clean.as_slice().into()))
            }
            Err(Errno::INTR | Errno::AGAIN) => None,
            Err(_) => self.end(),
        }
    }

    /// Passes on what the tool takes. One that does not read any more ends the feed.
    pub fn write(&mut self) {
        let Some(to) = &self.to else { return };
        match rustix::io::write(to, &self.pending) {
            Ok(n) => {
                self.pending.drain(..n);
            }
            Err(Errno::INTR | Errno::AGAIN) => return,
            Err(_) => {
                self.pending.clear();
                self.from = None;
            }
        }
        if self.pending.is_empty() && self.from.is_none() {
            self.to = None;
        }
    }

    fn end(&mut self) -> Option<FrameKind> {
        self.from = None;
        if self.pending.is_empty() && !self.terminal {
            self.to = None;
        }
        let (clean, _) = self.record.take()?.finish();
        (!clean.is_empty()).then(|| FrameKind::Input(clean.as_slice().into()))
    }
}
