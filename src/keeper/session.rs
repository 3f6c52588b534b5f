//! One invocation on its way through the keeper: asked, decided, drawn, running, ended.
//!
//! Each stage takes what the one before it gave, so nothing is drawn that was not allowed and nothing is recorded that
//! was not drawn. Whatever breaks after the draw ends as a lost session: recorded, and its grants revoked.

mod running;

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Keeper;
use super::link::Trouble;
use super::messages::Messages;
use super::sessions::{Started, Starting};
use super::spool;
use crate::model::{Decision, HelperScope, Invocation, InvocationId, Refusal, Terms, visible};
use crate::recording::Header;
use crate::sys::peer::Peer;
use crate::wire::contract::{Answer, Ask};
use crate::wire::frames::{self, Ending, Failure, FromKeeper, FromShim, Question};
use running::Running;

/// Longest message of a running command.
const LONGEST_FRAME: usize = 8 << 20;
/// How often a line may be run below itself before the tool is taken for one that leads back to its shim.
const MOST_REPEATS: usize = 8;
/// Longest role of a tool's process, in bytes.
pub const LONGEST_ROLE: usize = 64;
/// How long a server that went away while humans decide is waited for.
const AWAY: Duration = Duration::from_secs(120);

/// Why a session's connection is given up.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the shim said {0}, which has no place here")]
    Unexpected(&'static str),
}

/// The one connection of the one invocation.
pub struct Session<'a> {
    pub keeper: &'a Keeper,
    pub messages: &'a mut Messages,
    pub peer: &'a Peer,
}

impl Session<'_> {
    pub async fn run(mut self, question: Question) -> Result<(), Broken> {
        let what = one_line(&question.invocation);
        let name = question.invocation.tool.clone();
        if let Err(why) = self.keeper.sessions.settle(self.peer).await {
            let hint = Some("run it again: the machine was too busy".to_owned());
            self.fail::<()>(failure(&what, &why.to_string(), hint)).await?;
            return Ok(());
        }
        if self.keeper.sessions.repeats(self.peer, &what) >= MOST_REPEATS {
            let hint =
                format!("does the real {name} start {name} by PATH? pin the program that it means: portcullis pin");
            let why = format!("it was started by itself {MOST_REPEATS} times, one below the other");
            self.fail::<()>(failure(&what, &why, Some(hint))).await?;
            return Ok(());
        }
        let Some(answer) = self.asked(question, &what).await? else { return Ok(()) };
        let Some((answer, terms)) = self.decided(answer, &what).await? else { return Ok(()) };
        let starting = self.keeper.sessions.starting(self.peer);
        self.messages.allow(LONGEST_FRAME);
        let running = if terms.wants_nobody() {
            return self.left_alone(answer, (&name, &what)).await;
        } else if terms.lends() {
            self.drawn(answer, &what).await?
        } else {
            self.opened(answer, &what).await?
        };
        let Some(mut running) = running else { return Ok(()) };
        (running.name, running.line) = (name, what);
        self.running(running, starting).await
    }

    /// Puts the question to the server, with the parent that the kernel vouches for.
    async fn asked(&mut self, question: Question, what: &str) -> Result<Option<Answer>, Broken> {
        let Question { mut invocation, facts } = question;
        invocation.parent = self.keeper.sessions.parent_of(self.peer);
        let ask = Ask { invocation, facts };
        let answer = tokio::select! {
            answer = self.keeper.server.ask(&ask) => answer,
            gone = self.messages.next() => return expect_end(gone),
        };
        match answer {
            Ok(answer) if answer.id == ask.invocation.id => Ok(Some(answer)),
            Ok(_) => self.fail(failure(what, "the server answered about another command", None)).await,
            Err(trouble) => self.trouble(&trouble, what).await,
        }
    }

    /// Tells the shim, and goes on telling it while humans decide; but for a yes, which the shim hears once what it needs
    /// is there.
    async fn decided(&mut self, mut answer: Answer, what: &str) -> Result<Option<(Answer, Terms)>, Broken> {
        loop {
            if let Decision::Allow(terms) = &answer.decision {
                let terms = terms.clone();
                return Ok(Some((answer, terms)));
            }
            let (id, decision) = (answer.id.clone(), answer.decision.clone());
            self.tell(answer).await?;
            if matches!(decision, Decision::Deny(_)) {
                return Ok(None);
            }
            let keeper = self.keeper;
            let changed = tokio::select! {
                changed = another(keeper, &id, &decision) => changed,
                () = keeper.closing.cancelled() => {
                    let hint = "the question stays open: the same command again goes on waiting".to_owned();
                    return self.fail(failure(what, "the keeper is being stopped", Some(hint))).await;
                }
                gone = self.messages.next() => return expect_end(gone),
            };
            answer = match changed {
                Ok(answer) => answer,
                Err(trouble) => {
                    let hint = "the question stays open: the same command again goes on waiting".to_owned();
                    return self.fail(Failure { hint: Some(hint), ..trouble.failure(what) }).await;
                }
            };
        }
    }

    /// Terms that want nobody beside the tool: the shim goes on as the tool, and nothing is recorded.
    async fn left_alone(&mut self, answer: Answer, tool: (&str, &str)) -> Result<(), Broken> {
        let id = answer.id.clone();
        self.tell(answer).await?;
        match self.messages.next().await? {
            Some(FromShim::Becomes { role }) => {
                self.became(&id, tool, role);
                self.messages.say(FromKeeper::Done).await?;
                Ok(())
            }
            Some(FromShim::End(_)) | None => Ok(()),
            Some(other) => Err(unexpected(&other)),
        }
    }

    /// The shim is the tool from here on. Who runs below it is known until its end.
    fn became(&self, id: &InvocationId, (name, line): (&str, &str), role: Option<String>) {
        let role = role.filter(|role| role.len() <= LONGEST_ROLE);
        if let Err(why) = self.keeper.sessions.became(self.peer, id, (name, line), role) {
            tracing::warn!(%id, %why, "a tool's process cannot be vouched for");
        }
    }

    /// Terms that lend nothing: the recording is open when the shim hears of them, and it has nothing more to ask.
    async fn opened(&mut self, answer: Answer, what: &str) -> Result<Option<Running>, Broken> {
        let Some(mut running) = self.recording(&answer.id, what).await? else { return Ok(None) };
        if let Err(broken) = self.tell(answer).await {
            running.finish(None);
            return Err(broken);
        }
        Ok(Some(running))
    }

    async fn tell(&mut self, answer: Answer) -> Result<(), Broken> {
        self.messages.say(FromKeeper::Answer(answer)).await?;
        Ok(())
    }

    async fn recording(&mut self, id: &InvocationId, what: &str) -> Result<Option<Running>, Broken> {
        let header = Header::new(id.clone(), what.to_owned(), super::now());
        match self.keeper.spool.begin(&header) {
            Ok(record) => Ok(Some(Running::new(id.clone(), record, self.keeper.uploads.follow(id.clone())))),
            Err(error) => self.fail(failure(what, &cannot_record(&error), error.hint())).await,
        }
    }

    /// Terms that lend something: once they are accepted, opens the recording first and mints the grants then.
    async fn drawn(&mut self, answer: Answer, what: &str) -> Result<Option<Running>, Broken> {
        let id = answer.id.clone();
        self.tell(answer).await?;
        match self.messages.next().await? {
            Some(FromShim::Draw) => {}
            Some(FromShim::End(_)) | None => return Ok(None),
            Some(other) => return Err(unexpected(&other)),
        }
        let Some(mut running) = self.recording(&id, what).await? else { return Ok(None) };
        running.growth.send_modify(|grown| grown.lent = true);
        let grants = self.keeper.server.draw(&running.id).await.map(|drawn| drawn.grants);
        let said = match grants {
            Ok(grants) => self.messages.say(FromKeeper::Drawn { grants }).await,
            Err(trouble) => {
                // The server may have minted all the same: the end revokes.
                running.finish(None);
                return self.trouble(&trouble, what).await;
            }
        };
        match said {
            Ok(FromKeeper::Drawn { grants }) => running.grants = grants,
            Ok(_) => {}
            Err(error) => {
                running.finish(None);
                return Err(error.into());
            }
        }
        Ok(Some(running))
    }

    /// Writes down what happens until the end, or until the shim is gone.
    async fn running(&mut self, mut running: Running, starting: Option<Starting<'_>>) -> Result<(), Broken> {
        let ended = self.record(&mut running, starting).await;
        if let Some(tool) = running.tool {
            self.keeper.sessions.ended(tool);
        }
        match ended {
            Ok(Some(ending)) => {
                running.finish(Some(ending));
                self.messages.say(FromKeeper::Done).await?;
                Ok(())
            }
            Ok(None) => {
                running.finish(None);
                Ok(())
            }
            Err(broken) => {
                running.finish(None);
                Err(broken)
            }
        }
    }

    async fn record(
        &mut self,
        running: &mut Running,
        mut starting: Option<Starting<'_>>,
    ) -> Result<Option<Ending>, Broken> {
        let (mut told, mut said) = (false, 0);
        loop {
            let message = tokio::select! {
                message = self.messages.next() => message?,
                () = self.keeper.closing.cancelled(), if !told => {
                    told = true;
                    self.messages.say(FromKeeper::Stop { why: "the keeper is being stopped".to_owned() }).await?;
                    continue;
                }
            };
            match message {
                None => return Ok(None),
                Some(FromShim::End(ending)) => return Ok(Some(ending)),
                Some(FromShim::Started { pid, helper, role }) if running.tool.is_none() => {
                    self.started(running, pid, helper, role);
                    drop(starting.take());
                }
                Some(FromShim::Frame(frame)) => {
                    if let Err(why) = running.frame(&frame)? {
                        self.messages.say(FromKeeper::Stop { why }).await?;
                    }
                }
                Some(other) => return Err(unexpected(&other)),
            }
            if running.kept > said && !self.messages.has_next() {
                said = running.kept;
                self.messages.say(FromKeeper::Kept { frames: said }).await?;
            }
        }
    }

    fn started(&self, running: &mut Running, pid: i32, helper: Option<HelperScope>, role: Option<String>) {
        let credential = helper.and_then(|scope| running.credential(&scope));
        let role = role.filter(|role| role.len() <= LONGEST_ROLE);
        let started = Started { pid, id: &running.id, name: &running.name, line: &running.line, role, credential };
        match self.keeper.sessions.started(self.peer, started) {
            Ok(tool) => running.tool = Some(tool),
            // The tool runs on; only what rests on ancestry is not to be had.
            Err(why) => tracing::warn!(id = %running.id, pid, %why, "a tool's process cannot be vouched for"),
        }
    }

    async fn trouble<T>(&mut self, trouble: &Trouble, what: &str) -> Result<Option<T>, Broken> {
        tracing::warn!(%trouble, "a command was not let through");
        let Some(kind) = trouble.refusal() else { return self.fail(trouble.failure(what)).await };
        let (why, hint) = (trouble.to_string(), trouble.hint());
        let refusal = Refusal { kind, what: what.to_owned(), why, hint, policies: Vec::new() };
        self.messages.say(FromKeeper::Refused(refusal)).await?;
        Ok(None)
    }

    async fn fail<T>(&mut self, failure: Failure) -> Result<Option<T>, Broken> {
        self.messages.say(FromKeeper::Failed(failure)).await?;
        Ok(None)
    }
}

/// The next answer that is not the one we have. A server that is away for a moment is asked again.
async fn another(keeper: &Keeper, id: &InvocationId, known: &Decision) -> Result<Answer, Trouble> {
    let mut away_since = None;
    loop {
        let asked = Instant::now();
        match keeper.server.decision(id).await {
            Ok(answer) if answer.decision != *known => return Ok(answer),
            Ok(_) => away_since = None,
            Err(trouble @ (Trouble::Unreachable { .. } | Trouble::Garbled { .. })) => {
                let since: Instant = *away_since.get_or_insert(asked);
                if since.elapsed() > AWAY {
                    return Err(trouble);
                }
            }
            Err(trouble) if trouble.status().is_some_and(|status| status >= 500) => {
                away_since.get_or_insert(asked);
            }
            Err(trouble) => return Err(trouble),
        }
        // An answer that came at once and says nothing new is not asked for again at once.
        sleep(Duration::from_secs(1).saturating_sub(asked.elapsed())).await;
    }
}

fn one_line(invocation: &Invocation) -> String {
    let words = std::iter::once(invocation.tool.as_bytes()).chain(invocation.args.iter().map(|arg| arg.as_slice()));
    let mut line = String::new();
    for word in words {
        if line.len() > 2000 {
            line.push_str(" …");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shell_words::quote(&visible::line(word, 1000)));
    }
    line
}

fn cannot_record(error: &spool::Error) -> String {
    format!("its session cannot be recorded: {error}")
}

fn failure(what: &str, why: &str, hint: Option<String>) -> Failure {
    Failure { what: what.to_owned(), why: why.to_owned(), hint }
}

/// While the keeper works, the shim may only hang up.
fn expect_end<T>(gone: io::Result<Option<FromShim>>) -> Result<Option<T>, Broken> {
    match gone? {
        None => Ok(None),
        Some(message) => Err(unexpected(&message)),
    }
}

pub fn unexpected(message: &FromShim) -> Broken {
    Broken::Unexpected(match message {
        FromShim::Hello(_) => "hello",
        FromShim::Ask(_) => "ask",
        FromShim::Draw => "draw",
        FromShim::Becomes { .. } => "becomes",
        FromShim::Above { .. } => "above",
        FromShim::Passes { .. } => "passes",
        FromShim::Started { .. } => "started",
        FromShim::Frame(_) => "frame",
        FromShim::End(_) => "end",
        FromShim::Credential { .. } => "credential",
        FromShim::Control(_) => "control",
    })
}

/// The longest question that is taken.
pub const LONGEST_QUESTION: usize = frames::MAX;
