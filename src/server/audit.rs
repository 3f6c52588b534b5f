//! The audit log: a chain of hashes over lines of JSON, and a signed head.
//!
//! Entries are written only by [`Tx::audit`](crate::server::store::Tx::audit), in the transaction of what they tell.

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Map, Value};
use sha2::Digest as _;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

use super::store::{self, Statement};
use crate::model::{Digest, InvocationId, Micros, Subject};
use crate::wire::contract::{AuditEntry, AuditHead};

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
pub fn entry(seq: i64, previous: Digest, at: Micros, event: &Event) -> AuditEntry {
    let mut object = Map::new();
    object.insert("at".to_owned(), at.0.into());
    object.insert("kind".to_owned(), event.kind.into());
    object.insert("who".to_owned(), event.who.as_deref().into());
    object.insert("invocation".to_owned(), event.invocation.as_ref().map(InvocationId::as_str).into());
    for (key, value) in &event.more {
        object.entry(key).or_insert_with(|| value.clone());
    }
    let text = Value::Object(object).to_string();
    AuditEntry { seq, previous, hash: link(previous, &text), text }
}

/// Writes an entry down.
pub fn written(entry: &AuditEntry) -> Statement {
    let AuditEntry { seq, previous, hash, text } = entry;
    Statement {
        sql: "INSERT INTO audit (seq, previous, hash, text) VALUES ($1, $2, $3, $4)",
        values: vec![(*seq).into(), previous.to_string().into(), hash.to_string().into(), text.as_str().into()],
    }
}

/// Makes an entry the end of the chain.
pub fn ends(seq: i64, hash: Digest) -> Statement {
    Statement {
        sql: "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1",
        values: vec![seq.into(), hash.to_string().into()],
    }
}

/// The hash of a line: over the one before it and its own bytes.
pub fn link(previous: Digest, text: &str) -> Digest {
    let mut hash = sha2::Sha256::new();
    hash.update(previous.0);
    hash.update(text.as_bytes());
    Digest(hash.finalize().into())
}

/// Entries after a number, in rising order.
pub async fn page(pool: &AnyPool, after: i64, limit: i64) -> Result<Vec<AuditEntry>, store::Error> {
    let rows = sqlx::query("SELECT seq, previous, hash, text FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Entries before a number, the newest first.
pub async fn before(pool: &AnyPool, before: i64, limit: i64) -> Result<Vec<AuditEntry>, store::Error> {
    let rows = sqlx::query("SELECT seq, previous, hash, text FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
        .bind(before)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<AuditEntry, store::Error> {
    let digest = |text: String| Digest::parse(&text).ok_or_else(|| store::Error::Value("audit.hash".to_owned()));
    Ok(AuditEntry {
        seq: row.try_get(0)?,
        previous: digest(row.try_get(1)?)?,
        hash: digest(row.try_get(2)?)?,
        text: row.try_get(3)?,
    })
}

/// Signs the head, so that a log that was shortened or written anew shows to whoever remembers the key.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// Takes the key from the file, or makes one.
    pub fn open(path: &Path) -> Result<Signer, super::Error> {
        let made = || Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok().map(|made| made.as_ref().to_vec());
        super::key_file(path, made, |pkcs8| Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Signer))
    }

    /// The newest entry, signed at `now`.
    pub async fn head(&self, pool: &AnyPool, now: Micros) -> Result<AuditHead, store::Error> {
        let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE one = 1").fetch_one(pool).await?;
        let seq: i64 = row.try_get(0)?;
        let hash: String = row.try_get(1)?;
        let hash = Digest::parse(&hash).ok_or_else(|| store::Error::Value("audit_head.hash".to_owned()))?;
        let signed = format!("portcullis audit head v1\n{seq}\n{hash}\n{}\n", now.0);
        Ok(AuditHead {
            seq,
            hash,
            at: now,
            signature: hexadecimal(self.0.sign(signed.as_bytes()).as_ref()),
            key: hexadecimal(self.0.public_key().as_ref()),
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
