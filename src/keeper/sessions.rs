//! The commands that run now: who descends from which tool, and whose credential helper may be answered.
//!
//! Ancestry is the kernel's word (pids with start times); what a shim says of pids is checked against it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::credential::{Asked, Credential};
use crate::model::{InvocationId, Secret};
use crate::sys::peer::Peer;
use crate::sys::process::{self, Process};

/// How long whoever runs below a shim is kept waiting for that shim's word of which process its tool is.
/// Past it nothing is run: a part of that command that is taken for a stranger has its output masked, which
/// breaks what two processes of a tool say to each other.
const SOON: Duration = Duration::from_secs(30);

/// Every command whose tool has started.
#[derive(Default)]
pub struct Sessions {
    tools: Mutex<HashMap<Process, Tool>>,
    /// Shims whose tool may run already, though they have not said yet as which process.
    starting: Mutex<HashMap<Process, usize>>,
    settled: Notify,
}

/// A shim is about to start its tool; dropped once it has said which process that is, or says nothing any more.
pub struct Starting<'a> {
    sessions: &'a Sessions,
    shim: Process,
}

struct Tool {
    id: InvocationId,
    uid: u32,
    /// Which tool, and what this process of it is to those that it starts for itself.
    name: String,
    role: Option<String>,
    /// What was typed.
    line: String,
    credential: Option<Credential>,
    /// Not what was asked about, but started by it as a part of that.
    inner: bool,
    /// Nobody stays beside it, so its end is seen by this.
    alone: Option<process::Handle>,
}

impl Tool {
    fn gone(&self) -> bool {
        self.alone.as_ref().is_some_and(|process| !process.alive())
    }
}

/// A tool that has started, as its shim says.
pub struct Started<'a> {
    pub pid: i32,
    pub id: &'a InvocationId,
    pub name: &'a str,
    pub line: &'a str,
    pub role: Option<String>,
    pub credential: Option<Credential>,
}

/// Why a process was not believed or a helper not answered; for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("the caller cannot be seen from here or has ended")]
    Unseen,
    #[error("the command that it runs under has not said within {} s which process it is", SOON.as_secs())]
    Unsettled,
    #[error("process {0} does not descend from the shim that named it")]
    NoDescendant(i32),
    #[error("the caller does not run under a gated command that has a credential to give")]
    NotUnderACommand,
    #[error("the command belongs to another user")]
    OtherUser,
    #[error("the address is not the one this command was granted a credential for")]
    OutOfScope,
    #[error("the grant is of no kind that a credential helper gives")]
    NoToken,
}

impl Sessions {
    /// From now on whoever runs below this shim is waited for by [`Sessions::settle`]. Nothing for a shim that cannot
    /// be seen: who runs below it cannot be told either.
    pub fn starting(&self, shim: &Peer) -> Option<Starting<'_>> {
        let shim = *line_of(shim).ok()?.first()?;
        *lock(&self.starting).entry(shim).or_default() += 1;
        Some(Starting { sessions: self, shim })
    }

    /// Waits until every shim above this peer has said which process its tool is. A tool runs before its shim can say so,
    /// and what it starts at once may be here first: it is neither turned away nor taken for a stranger.
    pub async fn settle(&self, peer: &Peer) -> Result<(), Distrust> {
        self.settled_within(peer, SOON).await
    }

    async fn settled_within(&self, peer: &Peer, patience: Duration) -> Result<(), Distrust> {
        if lock(&self.starting).is_empty() {
            return Ok(());
        }
        let settled = async {
            loop {
                let mut changed = pin!(self.settled.notified());
                changed.as_mut().enable();
                let Ok(line) = line_of(peer) else { return };
                let waits = {
                    let starting = lock(&self.starting);
                    line.iter().skip(1).any(|process| starting.contains_key(process))
                };
                if !waits {
                    return;
                }
                changed.await;
            }
        };
        timeout(patience, settled).await.map_err(|_| Distrust::Unsettled)
    }

    /// The nearest gated command that this peer runs under.
    pub fn parent_of(&self, peer: &Peer) -> Option<InvocationId> {
        let line = line_of(peer).ok()?;
        let tools = self.tools();
        line.iter().find_map(|process| tools.get(process)).map(|tool| tool.id.clone())
    }

    /// How many of the commands that this peer runs under are this very line.
    pub fn repeats(&self, peer: &Peer, line: &str) -> usize {
        let Ok(ancestors) = line_of(peer) else { return 0 };
        let tools = self.tools();
        ancestors
            .iter()
            .filter(|process| tools.get(process).is_some_and(|tool| !tool.inner && tool.line == line))
            .count()
    }

    /// The role of the process that started this peer, where it is one of that tool and of the same user. `by_shell`:
    /// the one above that.
    pub fn above(&self, peer: &Peer, name: &str, by_shell: bool) -> Option<String> {
        let line = line_of(peer).ok()?;
        let tools = self.tools();
        let tool = tools.get(line.get(if by_shell { 2 } else { 1 })?)?;
        tool.role.clone().filter(|_| tool.name == name && tool.uid == peer.uid && !tool.gone())
    }

    /// Notes that this peer goes on as a part of the command that started it.
    pub fn passes(&self, peer: &Peer, role: String, by_shell: bool) -> Result<(), Distrust> {
        let line = line_of(peer)?;
        let mut tools = self.tools();
        let above = line
            .get(if by_shell { 2 } else { 1 })
            .and_then(|above| tools.get(above))
            .filter(|above| above.uid == peer.uid && !above.gone());
        let above = above.ok_or(Distrust::NotUnderACommand)?;
        let inner = Tool {
            id: above.id.clone(),
            uid: peer.uid,
            name: above.name.clone(),
            role: Some(role),
            line: String::new(),
            credential: None,
            inner: true,
            alone: None,
        };
        tools.insert(line[0], inner);
        Ok(())
    }

    /// Notes that `pid` is the tool of this session, after making sure that it descends from the shim.
    pub fn started(&self, peer: &Peer, started: Started<'_>) -> Result<Process, Distrust> {
        let Started { pid, id, name, line: typed, role, credential } = started;
        let shim = peer.living_pid().ok_or(Distrust::Unseen)?;
        // Held while we look, so that the pid cannot pass to another process half way.
        let handle = process::Handle::open(pid).map_err(|_| Distrust::Unseen)?;
        let line = process::line_up_to(pid, shim);
        let tool = *line.first().ok_or(Distrust::Unseen)?;
        if !line.iter().skip(1).any(|process| process.pid == shim) {
            return Err(Distrust::NoDescendant(pid));
        }
        if !handle.alive() || peer.living_pid().is_none() {
            return Err(Distrust::Unseen);
        }
        let (id, name, line) = (id.clone(), name.to_owned(), typed.to_owned());
        self.tools().insert(tool, Tool { id, uid: peer.uid, name, role, line, credential, inner: false, alone: None });
        Ok(tool)
    }

    /// Notes that this peer goes on as the tool, with nobody beside it to say when it ends. It is forgotten some time
    /// after that: until then it is nobody's ancestor.
    pub fn became(
        &self,
        peer: &Peer,
        id: &InvocationId,
        (name, line): (&str, &str),
        role: Option<String>,
    ) -> Result<(), Distrust> {
        let pid = peer.living_pid().ok_or(Distrust::Unseen)?;
        let alone = Some(process::Handle::open(pid).map_err(|_| Distrust::Unseen)?);
        let process = line_of(peer)?[0];
        let gone: Vec<Process> = self.tools().iter().filter(|(_, tool)| tool.gone()).map(|(tool, _)| *tool).collect();
        gone.into_iter().for_each(|tool| self.ended(tool));
        let (id, name, line) = (id.clone(), name.to_owned(), line.to_owned());
        let tool = Tool { id, uid: peer.uid, name, role, line, credential: None, inner: false, alone };
        self.tools().insert(process, tool);
        Ok(())
    }

    /// It has, and what was a part of it is a part of nothing.
    pub fn ended(&self, tool: Process) {
        let mut tools = self.tools();
        if let Some(ended) = tools.remove(&tool) {
            tools.retain(|_, other| !other.inner || other.id != ended.id);
        }
    }

    /// Gives a helper the credential of the nearest command above it that has one, and never again.
    pub fn credential(&self, peer: &Peer, asked: &Asked<'_>) -> Result<(InvocationId, String, Secret), Distrust> {
        let line = line_of(peer)?;
        let mut tools = self.tools();
        let nearest = line.iter().find(|process| tools.get(process).is_some_and(|tool| tool.credential.is_some()));
        let tool = nearest.and_then(|process| tools.get_mut(process)).ok_or(Distrust::NotUnderACommand)?;
        if tool.uid != peer.uid {
            return Err(Distrust::OtherUser);
        }
        match tool.credential.take() {
            Some(credential) if credential.is_for(asked) => {
                let (username, secret) = credential.told();
                Ok((tool.id.clone(), username, secret))
            }
            kept => {
                tool.credential = kept;
                Err(Distrust::OutOfScope)
            }
        }
    }

    /// How many tools run.
    pub fn live(&self) -> u64 {
        self.tools().values().filter(|tool| !tool.inner && !tool.gone()).count() as u64
    }

    fn tools(&self) -> MutexGuard<'_, HashMap<Process, Tool>> {
        lock(&self.tools)
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        let mut starting = lock(&self.sessions.starting);
        if let Some(count) = starting.get_mut(&self.shim) {
            *count -= 1;
            if *count == 0 {
                starting.remove(&self.shim);
            }
        }
        drop(starting);
        self.sessions.settled.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line_of(peer: &Peer) -> Result<&[Process], Distrust> {
    peer.line().ok_or(Distrust::Unseen)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::process::{Child, Command};

    use super::super::credential::tests::grant;
    use super::super::credential::{Asked, Credential};
    use super::{Distrust, Sessions, Started};
    use crate::model::InvocationId;
    use crate::sys::peer::Peer;

    fn asked<'a>(protocol: &'a str, host: &'a str, path: &'a str) -> Asked<'a> {
        Asked { protocol, host, path }
    }

    fn peer() -> (Peer, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Peer::of(&ours).unwrap(), theirs)
    }

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_credential_goes_only_to_descendants_of_the_tool_and_once() {
        let (us, _open) = peer();
        let sessions = Sessions::default();
        let id = InvocationId::from_ulid(7);
        let tool = sleeper();
        let pid = i32::try_from(tool.id()).unwrap();
        let credential = Credential::new(grant("https://git.example/"), "https://git.example/").unwrap();
        let started = Started { pid, id: &id, name: "git", line: "git pull", role: None, credential: Some(credential) };
        sessions.started(&us, started).unwrap();
        let wanted = asked("https", "git.example", "acme/app.git");
        // We are the tool's parent, not its child.
        assert_eq!(sessions.credential(&us, &wanted).err(), Some(Distrust::NotUnderACommand));
        assert_eq!(sessions.parent_of(&us), None);
        end(tool);
    }

    #[test]
    fn a_process_under_the_tool_has_it_as_parent_and_gets_its_credential_once() {
        let (us, _open) = peer();
        let sessions = Sessions::default();
        let id = InvocationId::from_ulid(8);
        // The test itself stands for the helper, the process that started it for the tool.
        let pid = us.pid.unwrap();
        let above = crate::sys::process::line(pid)[1];
        let credential = Credential::new(grant("https://git.example/"), "https://git.example/").unwrap();
        let tool = super::Tool {
            id: id.clone(),
            uid: us.uid,
            name: "git".to_owned(),
            role: Some("pull".to_owned()),
            line: "git pull".to_owned(),
            credential: Some(credential),
            inner: false,
            alone: None,
        };
        sessions.tools().insert(above, tool);
        assert_eq!(sessions.parent_of(&us), Some(id.clone()));
        let outside = asked("https", "evil.test", "acme/app.git");
        assert_eq!(sessions.credential(&us, &outside).err(), Some(Distrust::OutOfScope));
        let wanted = asked("https", "git.example", "acme/app.git");
        let (of, _, secret) = sessions.credential(&us, &wanted).unwrap();
        assert_eq!((of, secret.expose()), (id, &b"s3cret"[..]));
        assert_eq!(sessions.credential(&us, &wanted).err(), Some(Distrust::NotUnderACommand));
        sessions.ended(above);
        assert_eq!(sessions.parent_of(&us), None);
    }

    #[test]
    fn a_tool_that_does_not_descend_from_its_shim_is_not_believed() {
        let (us, _open) = peer();
        let sessions = Sessions::default();
        let id = InvocationId::from_ulid(9);
        let started = Started { pid: 1, id: &id, name: "git", line: "git pull", role: None, credential: None };
        assert_eq!(sessions.started(&us, started).err(), Some(Distrust::NoDescendant(1)));
    }

    #[tokio::test]
    async fn whoever_runs_below_a_shim_that_says_nothing_is_turned_away() {
        let (us, _open) = peer();
        let sessions = Sessions::default();
        let settle = || sessions.settled_within(&us, std::time::Duration::from_millis(20));
        assert_eq!(settle().await, Ok(()));
        let above = crate::sys::process::line(us.pid.unwrap())[1];
        super::lock(&sessions.starting).insert(above, 1);
        assert_eq!(settle().await, Err(Distrust::Unsettled));
        drop(super::Starting { sessions: &sessions, shim: above });
        assert_eq!(settle().await, Ok(()));
    }

    #[test]
    fn only_the_process_right_above_says_what_is_a_part_of_it() {
        let (us, _open) = peer();
        let sessions = Sessions::default();
        let id = InvocationId::from_ulid(10);
        let line = crate::sys::process::line(us.pid.unwrap());
        let tool = |role: &str, inner| super::Tool {
            id: id.clone(),
            uid: us.uid,
            name: "git".to_owned(),
            role: Some(role.to_owned()),
            line: String::new(),
            credential: None,
            inner,
            alone: None,
        };
        sessions.tools().insert(line[2], tool("pull", false));
        assert_eq!(sessions.above(&us, "git", false), None, "another process is between");
        assert_eq!(sessions.passes(&us, "fetch".to_owned(), false).err(), Some(Distrust::NotUnderACommand));
        assert_eq!(sessions.above(&us, "git", true).as_deref(), Some("pull"));
        sessions.tools().insert(line[1], tool("fetch", true));
        assert_eq!(sessions.above(&us, "git", false).as_deref(), Some("fetch"));
        assert_eq!(sessions.above(&us, "psql", false), None);
        sessions.passes(&us, "rev-list".to_owned(), false).unwrap();
        assert_eq!(sessions.live(), 1);
        sessions.ended(line[2]);
        assert!(sessions.tools().is_empty(), "nothing outlives the command that it was a part of");

        let mut child = Command::new("true").spawn().unwrap();
        let alone = crate::sys::process::Handle::open(i32::try_from(child.id()).unwrap()).unwrap();
        child.wait().unwrap();
        sessions.tools().insert(line[1], super::Tool { alone: Some(alone), ..tool("pull", false) });
        assert_eq!(sessions.above(&us, "git", false), None, "it has ended, with nobody to say so");
        assert_eq!(sessions.passes(&us, "fetch".to_owned(), false).err(), Some(Distrust::NotUnderACommand));
        assert_eq!(sessions.live(), 0);
    }
}
