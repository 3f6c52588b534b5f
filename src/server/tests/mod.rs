//! The server's parts against a real store, with a clock that the test moves.

mod approvals;
mod audit;
mod grants;
mod http;
mod invocations;
mod pages;
mod policies;
mod recordings;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tempfile::TempDir;

use super::App;
use super::config::{Config, Options};
use super::question::Judged;
use super::words::Words;
use crate::model::{
    Decision, Digest, Invocation, InvocationId, Micros, Pin, Reading, Refusal, RefusalKind, StreamKind, Streams,
    Subject, SubjectKind, Terms,
};
use crate::policy::{Need, PolicySet, Verdict};

/// A server without a socket.
pub struct Gate {
    pub app: Arc<App>,
    clock: Arc<AtomicI64>,
    data: TempDir,
}

impl Gate {
    pub async fn open() -> Gate {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(super::wall_clock()().0));
        let app = Self::on(&data, &clock).await;
        Gate { app, clock, data }
    }

    async fn on(data: &TempDir, clock: &Arc<AtomicI64>) -> Arc<App> {
        let read = clock.clone();
        let options = Options { dev: true, data: Some(data.path().to_owned()), ..Options::default() };
        App::open(Config::load(options).unwrap(), Arc::new(move || Micros(read.load(Ordering::SeqCst)))).await.unwrap()
    }

    /// The same folder, opened anew, as after a crash.
    pub async fn reopen(self) -> Gate {
        drop(self.app);
        let app = Self::on(&self.data, &self.clock).await;
        Gate { app, ..self }
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub async fn asks(&self, judged: Judged) -> Decision {
        super::invocations::accept(&self.app, agent(), judged).await.unwrap().decision
    }

    /// Allows one and gives its id.
    pub async fn allowed(&self) -> InvocationId {
        let judged = judged("status", allow());
        let id = judged.invocation.id.clone();
        assert!(matches!(self.asks(judged).await, Decision::Allow(_)));
        id
    }

    /// Kinds of the audit entries, in order.
    pub async fn log(&self) -> Vec<String> {
        let entries = super::audit::page(self.app.store.pool(), 0, 10_000).await.unwrap();
        let kind = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            value["kind"].as_str().unwrap().to_owned()
        };
        entries.iter().map(|entry| kind(&entry.text)).collect()
    }
}

pub fn subject(id: &str, kind: SubjectKind, groups: &[&str]) -> Subject {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    Subject { id: id.to_owned(), name: id.to_owned(), kind, groups }
}

pub fn agent() -> Subject {
    subject("agent", SubjectKind::Machine, &["agents"])
}

pub fn alice() -> Subject {
    subject("alice", SubjectKind::Person, &["approvers", "database-owners"])
}

pub fn bob() -> Subject {
    subject("bob", SubjectKind::Person, &["approvers"])
}

/// `git WORD`, judged. Each has its own id; the digest is that of the word.
pub fn judged(word: &str, verdict: Verdict) -> Judged {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let none = StreamKind::Null;
    let invocation = Invocation {
        id: InvocationId::from_ulid(u128::from(NEXT.fetch_add(1, Ordering::SeqCst))),
        tool: "git".to_owned(),
        argv0: "git".into(),
        args: vec![word.into()],
        cwd: Some("/home/agent/app".into()),
        variables: BTreeMap::new(),
        streams: Streams { stdin: none, stdout: none, stderr: none },
        parent: None,
        pin: Pin::Pinned,
    };
    let reading = Reading {
        tool: "git".to_owned(),
        version: None,
        effective: BTreeMap::new(),
        operations: Vec::new(),
        doubts: Vec::new(),
    };
    Judged {
        digest: Digest::of(word.as_bytes()),
        tool: invocation.tool.clone(),
        command: Words::new().command(&invocation),
        cwd: Words::new().cwd(&invocation),
        operations: Vec::new(),
        previews: Vec::new(),
        policies: Some(PolicySet::shipped().digest()),
        invocation,
        reading,
        verdict,
    }
}

pub fn allow() -> Verdict {
    Verdict::Allow { terms: Terms::default(), policies: vec!["all".to_owned()] }
}

pub fn deny() -> Verdict {
    Verdict::Deny(Refusal {
        kind: RefusalKind::Forbidden,
        what: "it".to_owned(),
        why: "because".to_owned(),
        hint: None,
        policies: Vec::new(),
    })
}

/// Asks `approvers` of one group, for ten minutes.
pub fn ask(group: &str, approvers: u32) -> Verdict {
    Verdict::Ask { terms: Terms::default(), needs: vec![need(group, approvers)], policies: vec!["careful".to_owned()] }
}

pub fn need(group: &str, approvers: u32) -> Need {
    Need { groups: vec![group.to_owned()], approvers, expires_seconds: 600, policy: "careful".to_owned(), reason: None }
}
