//! Which of the tool's streams is what, decided per stream: a pseudo-terminal only where the caller's descriptor is
//! its own terminal, a pipe where output is redacted and recorded, which is always; otherwise as the caller gave it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio;

use super::feed::Feed;
use super::relay::{Relay, Sink};
use super::terminal::Terminal;
use crate::model::FrameKind;
use crate::shim::permit::Lenses;
use crate::sys::{caller, spawn, terminal};

/// The tool's ends, to be closed here once it runs, and ours.
pub struct Streams {
    /// What becomes 0, 1 and 2 of the tool; none: as the caller gave it.
    pub theirs: [Option<OwnedFd>; 3],
    /// The caller's terminal, and the tool's end of its own, where it has one.
    pub screen: Option<(Terminal<'static>, OwnedFd)>,
    /// That terminal is the controlling one of a session of the tool's own.
    pub led: bool,
    pub relays: Vec<Relay<'static>>,
    pub feed: Option<Feed<'static>>,
}

impl Streams {
    /// `stdin` is what the reading consumed; a lens for the input lets it pass through us.
    ///
    /// Where the caller sits at both ends of the tool, the tool gets a session and terminal of its own. Where only an
    /// output is a terminal (`git log | less`), somebody else may be reading the keys: then the tool stays in the
    /// caller's session and its pseudo-terminal is but a stream.
    pub fn lay_out(stdin: Option<OwnedFd>, lenses: Lenses) -> io::Result<Self> {
        let callers = [stdio::stdin(), stdio::stdout(), stdio::stderr()];
        let own = [0, 1, 2].map(|n| !caller::closed(n) && terminal::is_own(callers[n]));
        let led = own[0] && own[1] && stdin.is_none();
        let screen = [1, 2].into_iter().find(|n| own[*n]);
        let screen = screen.map(|n| Terminal::new(callers[n], led)).transpose()?;
        let mut streams = Streams { theirs: [None, None, None], screen, led, relays: Vec::new(), feed: None };
        streams.outputs(callers, own, lenses.output, lenses.error)?;
        match stdin {
            Some(given) => streams.theirs[0] = Some(given),
            None if led => streams.keys(lenses.input)?,
            None if lenses.input.is_some() && !caller::closed(0) => streams.recorded_input(lenses.input)?,
            None => {}
        }
        Ok(streams)
    }

    fn outputs(
        &mut self,
        callers: [BorrowedFd<'static>; 3],
        own: [bool; 3],
        output: crate::redact::Redactor,
        error: crate::redact::Redactor,
    ) -> io::Result<()> {
        let mut lenses = [Some(output), Some(error)];
        if let Some((terminal, theirs)) = &self.screen {
            let n = if own[1] { 1 } else { 2 };
            if let Some(lens) = lenses[n - 1].take() {
                self.relays.push(Relay::new(
                    terminal.ours()?,
                    Sink::new(callers[n]),
                    lens.on_terminal(),
                    FrameKind::Output,
                ));
            }
            for n in [1, 2].into_iter().filter(|n| own[*n]) {
                self.theirs[n] = Some(fcntl_dupfd_cloexec(theirs, 3)?);
                lenses[n - 1] = None;
            }
        }
        let piped: Vec<usize> = [1, 2].into_iter().filter(|n| !own[*n] && !caller::closed(*n)).collect();
        let shared = piped.len() == 2 && terminal::same_open_file(callers[1], callers[2]);
        for n in piped {
            if n == 2 && shared {
                self.theirs[2] = self.theirs[1].as_ref().map(|fd| fcntl_dupfd_cloexec(fd, 3)).transpose()?;
                continue;
            }
            let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
            do_not_block(&ours)?;
            let kind = if n == 1 { FrameKind::Output } else { FrameKind::Error };
            if let Some(lens) = lenses[n - 1].take() {
                self.relays.push(Relay::new(ours, Sink::new(callers[n]), lens, kind));
            }
            self.theirs[n] = Some(theirs);
        }
        Ok(())
    }

    fn keys(&mut self, record: Option<crate::redact::Redactor>) -> io::Result<()> {
        if let Some((terminal, theirs)) = &self.screen {
            self.theirs[0] = Some(fcntl_dupfd_cloexec(theirs, 3)?);
            self.feed = Some(Feed::new(stdio::stdin(), terminal.ours()?, true, record));
        }
        Ok(())
    }

    fn recorded_input(&mut self, record: Option<crate::redact::Redactor>) -> io::Result<()> {
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
        do_not_block(&ours)?;
        self.theirs[0] = Some(theirs);
        self.feed = Some(Feed::new(stdio::stdin(), ours, false, record));
        Ok(())
    }

    pub fn for_the_tool(&self) -> [spawn::Stream<'_>; 3] {
        [0, 1, 2].map(|n| match &self.theirs[n] {
            Some(fd) => spawn::Stream::From(fd.as_fd()),
            None => spawn::Stream::Inherited,
        })
    }
}

/// For an open file that is ours alone.
fn do_not_block(fd: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}
