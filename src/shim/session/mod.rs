//! One run of one tool: its streams, its signals, its end. One thread, one poll(2), and everything that can happen is
//! in its set: what the tool writes, what the caller types, signals, the keeper, the tool's end.

mod feed;
mod ledger;
mod monitor;
mod relay;
mod signals;
mod streams;
mod terminal;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::No;
use super::ask::{self, Keeper};
use super::deliver::{self, Command};
use super::permit::{Lenses, Permit};
use crate::model::{Exit, Frame, FrameKind, Micros, Refusal, RefusalKind};
use crate::redact::Masked;
use crate::sys::memory::UntilClosed;
use crate::sys::signals::Arrivals;
use crate::sys::spawn::{Child, Group, Program, Status};
use crate::wire::frames::{Ending, FromKeeper, FromShim};
use feed::Feed;
use ledger::Ledger;
use monitor::Monitor;
use relay::Relay;
use streams::Streams;
use terminal::Terminal;

/// After this long without a byte, an unfinished line is shown as far as it is clear.
const PAUSE: Duration = Duration::from_millis(20);

/// From the polite signal to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long after the tool's end whoever it left behind is listened to, while it writes and in all.
const QUIET: Duration = Duration::from_millis(200);
const LINGER: Duration = Duration::from_secs(5);

/// A tool that runs.
pub struct Session {
    tool: Tool,
    relays: Vec<Relay<'static>>,
    feed: Option<Feed<'static>>,
    screen: Option<Terminal<'static>>,
    arrivals: Arrivals,
    /// Files that hold what was lent until the tool has read it.
    emptied: Vec<UntilClosed>,
    keeper: Keeper,
    ledger: Ledger,
    began: Instant,
    /// When policy ends it, and when it is killed.
    limit: Option<(u64, Instant)>,
    kill: Option<Instant>,
    /// Why it is being ended, where that was not its own doing.
    broken: Option<No>,
    ended: Option<(Status, Instant)>,
    /// When a stream last moved.
    moved: Instant,
    buffer: Vec<u8>,
}

enum Tool {
    /// A child of ours, in the caller's session and group.
    Direct(Child),
    /// In a session of its own, with a pseudo-terminal.
    Led(Monitor),
}

/// How it went.
pub struct Ended {
    pub keeper: Keeper,
    pub ending: Ending,
    /// Why the exit is not the tool's own.
    pub broken: Option<No>,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Signal,
    Keeper,
    Tool,
    Read(usize),
    Write(usize),
    Keys,
    Feed,
    /// A file was read.
    Closed,
}

impl Session {
    /// Starts what was permitted. Signals are ours before the tool exists, so none is lost between.
    pub fn start(permit: Permit, command: Command, lenses: Lenses, mut keeper: Keeper) -> Result<Self, No> {
        let failed = |error: io::Error| deliver::not_started(&command.path, &error);
        let terms = permit.terms();
        let mut streams = Streams::lay_out(command.stdin, lenses).map_err(failed)?;
        let arrivals = Arrivals::of(&signals::ours(streams.screen.is_some(), streams.led)).map_err(failed)?;
        let (screen, pty) = streams.screen.take().unzip();
        let pty = pty.filter(|_| streams.led);
        let in_front = screen.as_ref().is_some_and(Terminal::in_front);
        let program = Program {
            path: command.path.clone(),
            arguments: command.arguments,
            environment: command.environment,
            streams: streams.for_the_tool(),
            keep: command.files.iter().map(AsFd::as_fd).collect(),
            alone: false,
            mask: arrivals.before(),
            group: match &pty {
                Some(pty) if in_front => Group::InFrontOf(pty.as_fd()),
                Some(_) => Group::Own,
                None => Group::Ours,
            },
        };
        let began = Instant::now();
        let tool = match &pty {
            Some(pty) => Tool::Led(Monitor::start(&program, pty.as_fd()).map_err(failed)?),
            None => Tool::Direct(program.start().map_err(failed)?),
        };
        drop(program);
        keeper.started(tool.pid(), command.helper, command.role)?;
        Ok(Session {
            tool,
            relays: streams.relays,
            feed: streams.feed,
            screen,
            arrivals,
            emptied: command.emptied,
            keeper,
            ledger: Ledger::default(),
            began,
            limit: terms.limit_seconds.map(|seconds| (seconds, began + Duration::from_secs(seconds))),
            kill: None,
            broken: None,
            ended: None,
            moved: began,
            buffer: Vec::new(),
        })
    }

    /// Until the tool has ended and what it wrote has passed.
    pub fn run(mut self) -> Result<Ended, No> {
        if let Some(terminal) = &mut self.screen {
            let _ = terminal.take();
        }
        self.resized();
        while !self.is_over() {
            let events = self.wait().map_err(|error| {
                ask::failure("the session broke".to_owned(), error.to_string(), "run portcullis doctor")
            })?;
            if events.is_empty() {
                self.paused();
            }
            for event in events {
                self.handle(event);
            }
            self.keep_time();
        }
        Ok(self.end())
    }

    fn is_over(&mut self) -> bool {
        let Some((_, at)) = self.ended else { return false };
        let now = Instant::now();
        if !self.relays.iter().any(Relay::owes) && (now >= self.moved.max(at) + QUIET || now >= at + LINGER) {
            for n in 0..self.relays.len() {
                let frame = self.relays[n].finish(self.ledger.next());
                self.record_of(n, frame);
            }
        }
        self.relays.iter().all(Relay::is_over)
    }

    fn wait(&self) -> io::Result<Vec<Event>> {
        let set = self.poll_set();
        let mut fds: Vec<_> = set.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let timeout = self.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let ready = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(set.iter().zip(ready).filter(|(_, ready)| *ready).map(|((event, ..), _)| *event).collect())
    }

    fn poll_set(&self) -> Vec<(Event, BorrowedFd<'_>, PollFlags)> {
        let mut set = Vec::with_capacity(8);
        // The keeper comes first: a stop, which a signal or the tool tells of, waits for its word ([`Session::settle`]),
        // and nothing would be left to read where it was seen to be readable.
        if !matches!(self.broken, Some(No::Failed(_))) {
            set.push((Event::Keeper, self.keeper.as_fd(), PollFlags::IN));
        }
        set.push((Event::Signal, self.arrivals.as_fd(), PollFlags::IN));
        set.extend(self.emptied.iter().map(|file| (Event::Closed, file.as_fd(), PollFlags::IN)));
        if self.ended.is_none() {
            set.push((Event::Tool, self.tool.as_fd(), PollFlags::IN));
        }
        for (n, relay) in self.relays.iter().enumerate() {
            let source = relay.wants_to_read().filter(|_| self.ledger.has_room());
            set.extend(source.map(|fd| (Event::Read(n), fd, PollFlags::IN)));
            set.extend(relay.wants_to_write().map(|fd| (Event::Write(n), fd, PollFlags::OUT)));
        }
        if let Some(feed) = &self.feed
            && self.ended.is_none()
        {
            let may_read = self.screen.as_ref().is_none_or(Terminal::in_front);
            let may_read = may_read && self.ledger.has_room();
            set.extend(feed.wants_to_read().filter(|_| may_read).map(|fd| (Event::Keys, fd, PollFlags::IN)));
            set.extend(feed.wants_to_write().map(|fd| (Event::Feed, fd, PollFlags::OUT)));
        }
        set
    }

    fn next_deadline(&self) -> Option<Instant> {
        let pause = self.relays.iter().any(Relay::waits_for_pause).then(|| self.moved + PAUSE);
        let drained = self.ended.filter(|_| !self.relays.iter().any(Relay::owes));
        let drained = drained.map(|(_, at)| (self.moved.max(at) + QUIET).min(at + LINGER));
        let limit = self.limit.filter(|_| self.ended.is_none()).map(|(_, at)| at);
        let kill = self.kill.filter(|_| self.ended.is_none());
        [pause, drained, limit, kill, self.overdue()].into_iter().flatten().min()
    }

    fn handle(&mut self, event: Event) {
        let mut buffer = std::mem::take(&mut self.buffer);
        match event {
            Event::Signal => self.signalled(),
            Event::Keeper => self.heard(),
            Event::Tool => self.changed(),
            Event::Closed => {
                for file in self.emptied.drain(..) {
                    let _ = file.empty();
                }
            }
            Event::Read(n) => {
                self.moved = Instant::now();
                let frame = self.relays[n].read(&mut buffer, self.ledger.next());
                self.record_of(n, frame);
            }
            Event::Write(n) => {
                self.moved = Instant::now();
                self.relays[n].write();
            }
            Event::Keys => {
                let frame = self.feed.as_mut().and_then(|feed| feed.read(&mut buffer));
                self.record(frame);
            }
            Event::Feed => {
                if let Some(feed) = &mut self.feed {
                    feed.write();
                }
            }
        }
        self.buffer = buffer;
    }

    /// Nothing has moved for a moment: what is held back and clear is shown.
    fn paused(&mut self) {
        for n in 0..self.relays.len() {
            if self.relays[n].waits_for_pause() && self.moved.elapsed() >= PAUSE {
                let frame = self.relays[n].pause(self.ledger.next());
                self.record_of(n, frame);
            }
        }
    }

    /// What came of a stream: to the record as the caller's terminal shows it, which may add a return to each newline. The
    /// terminal's stream is the first ([`Streams::lay_out`]).
    fn record_of(&mut self, n: usize, frame: Option<FrameKind>) {
        self.record(match (frame, &self.screen) {
            (Some(FrameKind::Output(bytes)), Some(screen)) if n == 0 => Some(FrameKind::Output(screen.as_shown(bytes))),
            (frame, _) => frame,
        });
        let masked = self.relays[n].masked_since();
        self.record(masked);
    }

    /// To the record first; what the record does not have is not shown.
    fn record(&mut self, kind: Option<FrameKind>) {
        let Some(kind) = kind else { return };
        let at = Micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX));
        if matches!(self.broken, Some(No::Failed(_))) {
            self.silence();
        } else {
            match self.keeper.send(&FromShim::Frame(Frame { at, kind })) {
                Ok(()) => self.ledger.sent(Instant::now()),
                Err(no) => self.stop(no),
            }
        }
    }

    /// Waits until the record has all that it was given, for a moment in which we do not run.
    fn settle(&mut self) {
        while self.overdue().is_some() {
            self.heard();
        }
    }

    fn overdue(&self) -> Option<Instant> {
        self.ledger.overdue().filter(|_| !matches!(self.broken, Some(No::Failed(_))))
    }

    fn silence(&mut self) {
        self.relays.iter_mut().for_each(Relay::abandon);
    }

    /// Ends the tool, politely and then not. Without a keeper nothing more is shown, because nothing is recorded.
    fn stop(&mut self, why: No) {
        if matches!(why, No::Failed(_)) {
            self.silence();
        }
        if self.broken.is_none() {
            self.tool.signal(Signal::TERM.as_raw());
            // A stopped tool would not notice.
            self.tool.signal(Signal::CONT.as_raw());
            self.kill = Some(Instant::now() + GRACE);
        }
        self.broken = Some(why);
    }

    fn keep_time(&mut self) {
        let now = Instant::now();
        if let Some((seconds, _)) = self.limit.take_if(|(_, at)| now >= *at)
            && self.ended.is_none()
        {
            self.stop(No::from(Refusal {
                kind: RefusalKind::Forbidden,
                what: "to run any longer".to_owned(),
                why: format!("policy allows this command {seconds} s, and they are over"),
                hint: Some("what it did until then is done; look before running it again".to_owned()),
                policies: Vec::new(),
            }));
        }
        if self.overdue().is_some_and(|at| now >= at) {
            let why = format!("its keeper has kept nothing for {} s", ledger::PATIENCE.as_secs());
            self.stop(ask::failure("the session cannot be recorded".to_owned(), why, "run portcullis doctor"));
        }
        if self.kill.take_if(|at| now >= *at).is_some() && self.ended.is_none() {
            self.tool.signal(Signal::KILL.as_raw());
        }
    }

    fn heard(&mut self) {
        match self.keeper.receive() {
            Ok(FromKeeper::Kept { frames }) if self.ledger.kept(frames, Instant::now()) => {
                self.relays.iter_mut().for_each(|relay| relay.kept(frames));
            }
            Ok(FromKeeper::Stop { why }) => {
                self.stop(ask::failure("the session was ended".to_owned(), why, "ask whoever ended it"));
            }
            Ok(FromKeeper::Failed(failure)) => self.stop(No::Failed(failure)),
            Ok(FromKeeper::Refused(refusal)) => self.stop(No::from(refusal)),
            Ok(_) => {
                let why = "it said something that has no place here".to_owned();
                self.stop(ask::failure("the keeper is not understood".to_owned(), why, "run portcullis doctor"));
            }
            Err(no) => self.stop(no),
        }
    }

    fn changed(&mut self) {
        match self.tool.status() {
            Ok(Status::Stopped(signal)) => self.stopped(signal),
            Ok(status) => self.has_ended(status),
            // Its end was not seen; there is none to mirror.
            Err(error) => {
                self.stop(ask::failure(
                    "the tool's end was lost".to_owned(),
                    error.to_string(),
                    "run portcullis doctor",
                ));
                self.has_ended(Status::Signal(Signal::KILL.as_raw()));
            }
        }
    }

    fn has_ended(&mut self, status: Status) {
        self.ended = Some((status, Instant::now()));
        self.relays.iter_mut().for_each(Relay::owe_the_rest);
    }

    fn end(mut self) -> Ended {
        if let Some(terminal) = self.screen.as_mut().filter(|_| self.broken.is_none()) {
            terminal.give_back_as_it_is_left();
        }
        self.screen = None;
        // Those that came for a tool that is gone must not end us in its stead.
        while self.arrivals.next().is_some() {}
        let mut masked = Masked::default();
        self.relays.iter().for_each(|relay| masked.add(&relay.masked));
        let exit = match self.ended {
            Some((Status::Code(code), _)) => Exit::Code(code),
            Some((Status::Signal(signal) | Status::Stopped(signal), _)) => Exit::Signal(signal),
            None => Exit::Lost,
        };
        let ending = Ending {
            exit,
            duration: Micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX)),
            bytes: self.relays.iter().map(|relay| relay.bytes).sum(),
            masked: masked.into_vec(),
        };
        Ended { keeper: self.keeper, ending, broken: self.broken }
    }
}

impl Tool {
    fn pid(&self) -> i32 {
        match self {
            Tool::Direct(child) => child.pid,
            Tool::Led(monitor) => monitor.pid,
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Tool::Direct(child) => child.handle(),
            Tool::Led(monitor) => monitor.as_fd(),
        }
    }

    fn status(&mut self) -> io::Result<Status> {
        match self {
            Tool::Direct(child) => child.wait(),
            Tool::Led(monitor) => monitor.status(),
        }
    }

    /// Whether it was continued with us, as a whole group is.
    fn went_on(&mut self) -> bool {
        match self {
            Tool::Direct(child) => child.continued(),
            Tool::Led(monitor) => monitor.went_on(),
        }
    }

    fn signal(&self, signal: i32) {
        match self {
            Tool::Direct(child) => child.signal(signal),
            Tool::Led(monitor) => monitor.signal(signal),
        }
    }
}
