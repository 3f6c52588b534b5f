//! One stream of the tool on its way to the caller: raw bytes in, clean bytes first to the record, and to the caller once
//! the record has them.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::io::ioctl_fionread;

use crate::model::{Bytes, Clean, FrameKind, Raw};
use crate::redact::{Found, Masked, Redactor};
use crate::sys::terminal;

/// What one read takes; as much as a pipe holds unless it is told otherwise (pipe(7)).
const CHUNK: usize = 64 << 10;

/// A read that gave this much may not have given all there is: a terminal gives 4 KiB at a time, however much waits.
const MORE: usize = 1024;

/// What a pipe is told to hold once it was found full: then the tool is not stopped by each of our breaths.
const WIDE: usize = 1 << 20;

/// What one write to a descriptor that may block can take once it is writable (pipe(7), PIPE_BUF).
const ATOMIC: usize = 4096;

/// About how long the record's word about what was masked gets, in bytes; the keeper takes 4096.
const LONGEST_MARK: usize = 2048;

/// Where the clean bytes go: one of the caller's own descriptors.
pub struct Sink<'a> {
    fd: BorrowedFd<'a>,
    twin: Option<OwnedFd>,
    /// A file: it takes any write at once.
    file: bool,
    /// Bytes that are on their way to the record, each with the number of the frame that holds them.
    held: VecDeque<(u64, Vec<u8>)>,
    /// Bytes that the record has, and how many of them the caller has too.
    pending: Vec<u8>,
    at: usize,
}

impl<'a> Sink<'a> {
    pub fn new(fd: BorrowedFd<'a>) -> Self {
        let file = fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
        Sink {
            fd,
            twin: terminal::twin_that_does_not_block(fd),
            file,
            held: VecDeque::new(),
            pending: Vec::new(),
            at: 0,
        }
    }

    /// Takes bytes that went through redaction, and no others.
    fn hold(&mut self, frame: u64, clean: Clean) {
        self.held.push_back((frame, clean.into_vec()));
    }

    /// Frames up to this one are in the record.
    fn release(&mut self, kept: u64) {
        while let Some((_, bytes)) = self.held.pop_front_if(|(frame, _)| *frame <= kept) {
            if self.keeps_up() {
                self.pending = bytes;
                self.at = 0;
            } else {
                self.pending.extend_from_slice(&bytes);
            }
        }
    }

    /// The caller has all that it may have by now.
    fn keeps_up(&self) -> bool {
        self.at == self.pending.len()
    }

    fn is_empty(&self) -> bool {
        self.keeps_up() && self.held.is_empty()
    }

    /// Without asking poll(2) first.
    fn never_blocks(&self) -> bool {
        self.twin.is_some() || self.file
    }

    fn clear(&mut self) {
        self.held.clear();
        self.pending.clear();
        self.at = 0;
    }

    /// Writes what it can without waiting.
    fn write(&mut self) -> io::Result<()> {
        while !self.keeps_up() {
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
            if !self.never_blocks() {
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
    /// Bulk came, and the pipe was told to hold more.
    wide: bool,
    /// The pause was noticed already; nothing new has come since.
    paused: bool,
    /// Bytes that the tool had written when it ended and that must still pass.
    owed: u64,
    pub bytes: u64,
    pub masked: Masked,
    /// Not in the record yet.
    found: Vec<Found>,
}

impl<'a> Relay<'a> {
    pub fn new(source: OwnedFd, sink: Sink<'a>, redactor: Redactor, kind: fn(Bytes) -> FrameKind) -> Self {
        Relay {
            source: Some(source),
            sink,
            redactor: Some(redactor),
            kind,
            wide: false,
            paused: true,
            owed: 0,
            bytes: 0,
            masked: Masked::default(),
            found: Vec::new(),
        }
    }

    /// The tool's end, when there is room for what it says.
    pub fn wants_to_read(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().filter(|_| self.sink.keeps_up()).map(AsFd::as_fd)
    }

    /// The caller's end, when something is pending for it.
    pub fn wants_to_write(&self) -> Option<BorrowedFd<'_>> {
        (!self.sink.keeps_up()).then(|| self.sink.twin.as_ref().map_or(self.sink.fd, AsFd::as_fd))
    }

    /// Reads what is there, to a bound; gives the frame for the record, if anything is clear by now. It gets the number
    /// `frame`.
    pub fn read(&mut self, buffer: &mut Vec<u8>, frame: u64) -> Option<FrameKind> {
        let source = self.source.as_ref()?;
        buffer.resize(CHUNK, 0);
        match read(source, buffer) {
            Ok(0) => self.finish(frame),
            Ok(n) => {
                if n == CHUNK && !self.wide {
                    self.wide = true;
                    // More than this user may have, or no pipe at all: it goes on as it is.
                    let _ = rustix::pipe::fcntl_setpipe_size(source, WIDE);
                }
                self.owed = self.owed.saturating_sub(n as u64);
                self.paused = false;
                let redactor = self.redactor.as_mut()?;
                let clean = redactor.push(Raw(buffer[..n].to_vec()));
                self.found.extend(redactor.found());
                self.pass(clean, frame)
            }
            Err(Errno::INTR | Errno::AGAIN) => None,
            // EIO: nobody holds the other end of the pseudo-terminal any more (ioctl_tty(2), pty(7)).
            Err(_) => self.finish(frame),
        }
    }

    /// Whether bytes are held back that a pause would set free.
    pub fn waits_for_pause(&self) -> bool {
        !self.paused && self.sink.keeps_up() && self.redactor.as_ref().is_some_and(Redactor::holds)
    }

    /// The stream has paused: a prompt must not wait for its newline.
    pub fn pause(&mut self, frame: u64) -> Option<FrameKind> {
        self.paused = true;
        let redactor = self.redactor.as_mut()?;
        let clean = redactor.idle();
        self.found.extend(redactor.found());
        self.pass(clean, frame)
    }

    /// What was masked since the last frame, for the record: rules and places in what the caller gets, never values. A
    /// return that the caller's terminal adds to a newline is not counted.
    pub fn masked_since(&mut self) -> Option<FrameKind> {
        let found = std::mem::take(&mut self.found);
        if found.is_empty() {
            return None;
        }
        let stream = if matches!((self.kind)(Bytes::default()), FrameKind::Error(_)) { "error" } else { "output" };
        let mut text = format!("masked on {stream}:");
        for (n, Found { kind, at, .. }) in found.iter().enumerate() {
            if text.len() > LONGEST_MARK {
                let _ = write!(text, " and {} more", found.len() - n);
                break;
            }
            let _ = write!(text, "{} {kind} at {at}", if n == 0 { "" } else { "," });
        }
        Some(FrameKind::Mark(text))
    }

    /// The stream has ended, or nobody waits for the rest of it.
    pub fn finish(&mut self, frame: u64) -> Option<FrameKind> {
        self.source = None;
        self.owed = 0;
        let mut redactor = self.redactor.take()?;
        let clean = redactor.end();
        self.masked.add(redactor.masked());
        self.found.extend(redactor.found());
        self.pass(clean, frame)
    }

    /// The record has all frames up to this one: what they hold is the caller's.
    pub fn kept(&mut self, frames: u64) {
        self.sink.release(frames);
        if self.sink.never_blocks() {
            self.write();
        }
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
        self.sink.clear();
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

    fn pass(&mut self, clean: Clean, number: u64) -> Option<FrameKind> {
        if clean.is_empty() {
            return None;
        }
        self.bytes += clean.as_slice().len() as u64;
        let frame = (self.kind)(clean.as_slice().into());
        self.sink.hold(number, clean);
        Some(frame)
    }
}

/// Reads until nothing is left or the buffer is full. An end or an error behind some bytes comes again at the next read.
fn read(source: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    let mut length = rustix::io::read(source, &mut *buffer)?;
    let mut last = length;
    while last >= MORE && length < buffer.len() {
        last = rustix::io::read(source, &mut buffer[length..]).unwrap_or(0);
        length += last;
    }
    Ok(length)
}
