//! One stream of the tool on its way to the caller: raw bytes in, clean bytes first to the record, then to the caller.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::io::ioctl_fionread;

use crate::model::{Bytes, Clean, FrameKind, Raw};
use crate::redact::{Masked, Redactor};
use crate::sys::terminal;

/// What one read takes; also what is held for a caller that does not keep up.
const CHUNK: usize = 64 << 10;

/// What one write to a descriptor that may block can take once it is writable (pipe(7), PIPE_BUF).
const ATOMIC: usize = 4096;

/// Where the clean bytes go: one of the caller's own descriptors.
pub struct Sink<'a> {
    fd: BorrowedFd<'a>,
    twin: Option<OwnedFd>,
    /// A file: it takes any write at once.
    file: bool,
    pending: Vec<u8>,
    at: usize,
}

impl<'a> Sink<'a> {
    pub fn new(fd: BorrowedFd<'a>) -> Self {
        let file = fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
        Sink { fd, twin: terminal::twin_that_does_not_block(fd), file, pending: Vec::new(), at: 0 }
    }

    /// Takes bytes that went through redaction, and no others. Only when nothing is pending.
    fn take(&mut self, clean: Clean) {
        self.pending = clean.into_vec();
        self.at = 0;
    }

    fn is_empty(&self) -> bool {
        self.at == self.pending.len()
    }

    /// Writes what it can without waiting.
    fn write(&mut self) -> io::Result<()> {
        while !self.is_empty() {
            let rest = &self.pending[self.at..];
            let written = match &self.twin {
                Some(twin) => rustix::io::write(twin, rest),
                None if self.file => rustix::io::write(self.fd, rest),
                None => rustix::io::write(self.fd, &rest[..rest.len().min(ATOMIC)]),
            };
            match written {
                Ok(n) => self.at += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if self.twin.is_none() && !self.file {
                // Whether it takes more without waiting, only poll(2) can tell.
                return Ok(());
            }
        }
        Ok(())
    }
}

/// One stream, from the tool's end of it to the caller's.
pub struct Relay<'a> {
    source: Option<OwnedFd>,
    sink: Sink<'a>,
    redactor: Option<Redactor>,
    kind: fn(Bytes) -> FrameKind,
    /// The pause was noticed already; nothing new has come since.
    paused: bool,
    /// Bytes that the tool had written when it ended and that must still pass.
    owed: u64,
    pub bytes: u64,
    pub masked: Masked,
}

impl<'a> Relay<'a> {
    pub fn new(source: OwnedFd, sink: Sink<'a>, redactor: Redactor, kind: fn(Bytes) -> FrameKind) -> Self {
        Relay {
            source: Some(source),
            sink,
            redactor: Some(redactor),
            kind,
            paused: true,
            owed: 0,
            bytes: 0,
            masked: Masked::default(),
        }
    }

    /// The tool's end, when there is room for what it says.
    pub fn wants_to_read(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().filter(|_| self.sink.is_empty()).map(AsFd::as_fd)
    }

    /// The caller's end, when something is pending for it.
    pub fn wants_to_write(&self) -> Option<BorrowedFd<'_>> {
        (!self.sink.is_empty()).then(|| self.sink.twin.as_ref().map_or(self.sink.fd, AsFd::as_fd))
    }

    /// Reads once; gives the frame for the record, if anything is clear by now.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Option<FrameKind> {
        let source = self.source.as_ref()?;
        buffer.resize(CHUNK, 0);
        match rustix::io::read(source, &mut buffer[..]) {
            Ok(0) => self.finish(),
            Ok(n) => {
                self.owed = self.owed.saturating_sub(n as u64);
                self.paused = false;
                let clean = self.redactor.as_mut()?.push(Raw(buffer[..n].to_vec()));
                self.pass(clean)
            }
            Err(Errno::INTR | Errno::AGAIN) => None,
            // EIO: nobody holds the other end of the pseudo-terminal any more (ioctl_tty(2), pty(7)).
            Err(_) => self.finish(),
        }
    }

    /// Whether bytes are held back that a pause would set free.
    pub fn waits_for_pause(&self) -> bool {
        !self.paused && self.sink.is_empty() && self.redactor.as_ref().is_some_and(Redactor::holds)
    }

    /// The stream has paused: a prompt must not wait for its newline.
    pub fn pause(&mut self) -> Option<FrameKind> {
        self.paused = true;
        let clean = self.redactor.as_mut()?.idle();
        self.pass(clean)
    }

    /// The stream has ended, or nobody waits for the rest of it.
    pub fn finish(&mut self) -> Option<FrameKind> {
        self.source = None;
        self.owed = 0;
        let (clean, masked) = self.redactor.take()?.finish();
        self.masked.add(&masked);
        self.pass(clean)
    }

    /// Writes to the caller. An error is the caller's end being gone: the tool's end is closed, so that the tool
    /// learns of it as it would have without us (SIGPIPE, or SIGHUP from its terminal).
    pub fn write(&mut self) {
        if self.sink.write().is_err() {
            self.abandon();
        }
    }

    /// Nothing more passes.
    pub fn abandon(&mut self) {
        self.source = None;
        self.owed = 0;
        self.sink.take(Clean::default());
        if let Some(redactor) = self.redactor.take() {
            self.masked.add(&redactor.finish().1);
        }
    }

    /// The tool has ended: what it wrote and we have not read is owed to the caller.
    pub fn owe_the_rest(&mut self) {
        self.owed = self.source.as_ref().and_then(|source| ioctl_fionread(source).ok()).unwrap_or(0);
    }

    pub fn owes(&self) -> bool {
        self.owed > 0 || !self.sink.is_empty()
    }

    pub fn is_over(&self) -> bool {
        self.source.is_none() && self.sink.is_empty()
    }

    fn pass(&mut self, clean: Clean) -> Option<FrameKind> {
        if clean.is_empty() {
            return None;
        }
        self.bytes += clean.as_slice().len() as u64;
        let frame = (self.kind)(clean.as_slice().into());
        self.sink.take(clean);
        Some(frame)
    }
}
