//! The audit log: a chain of hashes over lines of JSON, and a signed head.
//!
//! Entries are written only by [`Tx::audit`](crate::server::store::Tx::audit), in the transaction of what they tell.

use serde_json::{Map, Value};
use sha2::Digest as _;

use crate::model::{Digest, InvocationId, Micros, Subject};
use crate::wire::contract::AuditEntry;

/// What happened, before it has a number and a hash.
#[derive(Debug)]
pub struct Event {
    kind: &'static str,
    who: Option<String>,
    invocation: Option<InvocationId>,
    more: Map<String, Value>,
}

impl Event {
    /// `kind` is a closed set of words: `decision`, `approval.asked`, `approval.answered`, `grant.drawn` …
    pub fn new(kind: &'static str) -> Self {
        Event { kind, who: None, invocation: None, more: Map::new() }
    }

    #[must_use]
    pub fn who(mut self, subject: &Subject) -> Self {
        self.who = Some(subject.id.clone());
        self
    }

    #[must_use]
    pub fn invocation(mut self, id: &InvocationId) -> Self {
        self.invocation = Some(id.clone());
        self
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }
}

/// The entry that follows `previous`.
pub fn entry(seq: i64, previous: Digest, at: Micros, event: Event) -> AuditEntry {
    let mut object = event.more;
    object.insert("at".to_owned(), at.0.into());
    object.insert("kind".to_owned(), event.kind.into());
    object.insert("who".to_owned(), event.who.into());
    object.insert("invocation".to_owned(), event.invocation.map(|id| id.to_string()).into());
    let text = Value::Object(object).to_string();
    AuditEntry { seq, previous, hash: link(previous, &text), text }
}

/// The hash of a line: over the one before it and its own bytes.
pub fn link(previous: Digest, text: &str) -> Digest {
    let mut hash = sha2::Sha256::new();
    hash.update(previous.0);
    hash.update(text.as_bytes());
    Digest(hash.finalize().into())
}
