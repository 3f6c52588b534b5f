//! The conversation with the keeper: one connection for one invocation.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::No;
use super::permit::{self, Answer, Permit};
use super::say::Say;
use crate::env;
use crate::model::{ApprovalTicket, Exit, Grant, HelperScope, InvocationId, Micros};
use crate::wire::frames::{self, Ending, Failure, FromKeeper, FromShim, Hello, Question};

/// How long the keeper may take for anything but a human's answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to accept a frame while the tool runs; past it, its record cannot be kept.
const FRAME_PATIENCE: Duration = Duration::from_secs(10);

const HEARTBEAT: Duration = Duration::from_secs(30);

/// A keeper that was greeted.
pub struct Keeper {
    socket: UnixStream,
    path: PathBuf,
    welcomed: bool,
}

impl Keeper {
    /// Greets, and does not wait for the answer: it comes while there is other work.
    pub fn greet(path: &Path) -> Result<Self, No> {
        let away = |error: &io::Error| {
            failure(
                format!("the keeper does not answer at {}", path.display()),
                error.to_string(),
                "start it: portcullis keeper; see portcullis doctor",
            )
        };
        let socket = UnixStream::connect(path).map_err(|error| away(&error))?;
        let mut keeper = Keeper { socket, path: path.to_owned(), welcomed: false };
        keeper.patience(PATIENCE).map_err(|error| away(&error))?;
        keeper
            .send(&FromShim::Hello(Hello { version: frames::VERSION, shim: env!("CARGO_PKG_VERSION").to_owned() }))?;
        Ok(keeper)
    }

    /// Says what the keeper is for, and takes its welcome if that has not come yet. A keeper that does not welcome us
    /// says why before it hangs up, which explains better than a message that could not be sent.
    fn begin(&mut self, message: &FromShim) -> Result<(), No> {
        let sent = self.send(message);
        if !self.welcomed {
            match self.receive()? {
                FromKeeper::Welcome { version: frames::VERSION, .. } => self.welcomed = true,
                FromKeeper::Welcome { version, keeper } => {
                    return Err(failure(
                        format!("the keeper {keeper} speaks version {version}, this shim speaks {}", frames::VERSION),
                        "shims and keeper are not of one release".to_owned(),
                        "install both from the same release",
                    ));
                }
                other => return Err(self.no(other)),
            }
        }
        sent
    }

    /// Asks, waits for humans where it must, and ends with a permit or with a no.
    pub fn ask(&mut self, question: Question, say: &Say) -> Result<(Permit, Question), No> {
        let id = question.invocation.id.clone();
        let message = FromShim::Ask(Box::new(question));
        self.begin(&message)?;
        let permit = match self.answer(&id)? {
            Answer::Permit(permit) => permit,
            Answer::Refused(refusal) => return Err(No::from(refusal)),
            Answer::NotTaken(refusal) => return Err(self.nothing_was_run(No::from(refusal))),
            Answer::Wait(ticket) => self.wait(ticket, &id, say)?,
        };
        match message {
            FromShim::Ask(question) => Ok((permit, *question)),
            _ => Err(self.no(FromKeeper::Done)),
        }
    }

    fn wait(&mut self, mut ticket: ApprovalTicket, id: &InvocationId, say: &Say) -> Result<Permit, No> {
        let (began, patience) = (Instant::now(), env::wait());
        let mut beat = HEARTBEAT;
        say.waiting(&ticket);
        let end = loop {
            let waited = began.elapsed();
            if waited >= patience {
                break Err(No::NotInTime { ticket: Box::new(ticket), waited });
            }
            if waited >= beat {
                say.still_waiting(&ticket, waited);
                beat += HEARTBEAT;
            }
            let rest = patience.min(beat).saturating_sub(began.elapsed());
            match self.readable_within(rest) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(error) => break Err(self.lost(&error)),
            }
            match self.answer(id) {
                Ok(Answer::Permit(permit)) => break Ok(permit),
                Ok(Answer::Refused(refusal)) => break Err(No::from(refusal)),
                Ok(Answer::NotTaken(refusal)) => break Err(self.nothing_was_run(No::from(refusal))),
                Ok(Answer::Wait(now)) => {
                    if now.given != ticket.given {
                        say.waiting(&now);
                    }
                    ticket = now;
                }
                Err(no) => break Err(no),
            }
        };
        say.answered();
        end
    }

    fn answer(&mut self, asked: &InvocationId) -> Result<Answer, No> {
        match self.receive()? {
            FromKeeper::Answer(answer) if answer.id == *asked => Ok(permit::answer(answer.decision, answer.marks)),
            other => Err(self.no(other)),
        }
    }

    /// Accepts the terms: mints what they lend. Where they lend nothing there is nothing to say, and the record is open.
    pub fn draw(&mut self, permit: &Permit) -> Result<Vec<Grant>, No> {
        let grants = if permit.terms().lends() {
            self.send(&FromShim::Draw)?;
            match self.receive()? {
                FromKeeper::Drawn { grants } => grants,
                other => return Err(self.no(other)),
            }
        } else {
            Vec::new()
        };
        self.patience(FRAME_PATIENCE).map_err(|error| self.lost(&error))?;
        Ok(grants)
    }

    /// Accepts terms that want nobody beside the tool.
    pub fn becomes(mut self, role: Option<String>) -> Result<(), No> {
        self.send(&FromShim::Becomes { role })?;
        match self.receive()? {
            FromKeeper::Done => Ok(()),
            other => Err(self.no(other)),
        }
    }

    pub fn started(&mut self, pid: i32, helper: Option<HelperScope>, role: Option<String>) -> Result<(), No> {
        self.send(&FromShim::Started { pid, helper, role })
    }

    /// The role of the process that started us, where it is one of this tool.
    pub fn above(&mut self, tool: &str, by_shell: bool) -> Result<Option<String>, No> {
        self.begin(&FromShim::Above { tool: tool.to_owned(), by_shell })?;
        match self.receive()? {
            FromKeeper::Above { role } => Ok(role),
            other => Err(self.no(other)),
        }
    }

    /// We go on as the tool itself, in this role.
    pub fn passes(&mut self, role: String, by_shell: bool) -> Result<(), No> {
        self.begin(&FromShim::Passes { role, by_shell })?;
        match self.receive()? {
            FromKeeper::Done => Ok(()),
            other => Err(self.no(other)),
        }
    }

    /// The last word; returns when the keeper has it on disk.
    pub fn end(&mut self, ending: Ending) -> Result<(), No> {
        self.send(&FromShim::End(ending))?;
        loop {
            match self.receive()? {
                FromKeeper::Done => return Ok(()),
                // They crossed our own end.
                FromKeeper::Kept { .. } | FromKeeper::Stop { .. } => {}
                other => return Err(self.no(other)),
            }
        }
    }

    /// The last word where the command cannot be run as it was allowed: what was drawn is given back at once.
    pub fn nothing_was_run(&mut self, no: No) -> No {
        let ending = Ending { exit: Exit::Code(no.code()), duration: Micros(0), bytes: 0, masked: Vec::new() };
        // A keeper that is gone revokes by itself; the caller hears why nothing was run.
        let _ = self.end(ending);
        no
    }

    /// What git's credential helper is told.
    pub fn credential(&mut self, protocol: String, host: String, path: String) -> Result<FromKeeper, No> {
        self.begin(&FromShim::Credential { protocol, host, path })?;
        match self.receive()? {
            credential @ FromKeeper::Credential { .. } => Ok(credential),
            other => Err(self.no(other)),
        }
    }

    pub fn send(&mut self, message: &FromShim) -> Result<(), No> {
        frames::write(&mut self.socket, message).map_err(|error| self.lost(&error))
    }

    pub fn receive(&mut self) -> Result<FromKeeper, No> {
        match frames::read(&mut self.socket) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.lost(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.lost(&error)),
        }
    }

    /// What a message that is not the answer means.
    fn no(&self, message: FromKeeper) -> No {
        match message {
            FromKeeper::Refused(refusal) => No::from(refusal),
            FromKeeper::Failed(failure) => No::Failed(failure),
            FromKeeper::Stop { why } => failure("the session was ended".to_owned(), why, "ask whoever ended it"),
            FromKeeper::Welcome { .. }
            | FromKeeper::Answer(_)
            | FromKeeper::Drawn { .. }
            | FromKeeper::Kept { .. }
            | FromKeeper::Above { .. }
            | FromKeeper::Done
            | FromKeeper::Control(_)
            | FromKeeper::Credential { .. } => failure(
                format!("the keeper at {} answered out of turn", self.path.display()),
                "shims and keeper do not fit together".to_owned(),
                "install both from the same release",
            ),
        }
    }

    fn lost(&self, error: &io::Error) -> No {
        failure(
            format!("the keeper at {} is gone", self.path.display()),
            error.to_string(),
            "start it again: portcullis keeper; see portcullis doctor",
        )
    }

    fn patience(&self, time: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(time))?;
        self.socket.set_write_timeout(Some(time))
    }

    fn readable_within(&self, time: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        Ok(rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout)))? > 0)
    }
}

impl AsFd for Keeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

pub fn failure(what: String, why: String, hint: &str) -> No {
    No::Failed(Failure { what, why, hint: Some(hint.to_owned()) })
}
