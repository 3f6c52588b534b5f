//! The row of an invocation, which is also its session's: read whole, written in a few ways.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::model::{ApprovalId, Decision, Digest, Exit, InvocationId, Micros, Reading, Refusal, Subject, Terms};
use crate::server::App;
use crate::server::http::error::Failure;
use crate::server::question::Judged;
use crate::server::store::{self, Statement, Value};
use crate::wire::contract::SessionView;

/// A row.
pub struct Row {
    pub id: InvocationId,
    pub who: Subject,
    pub tool: String,
    pub command: String,
    pub digest: Digest,
    pub began: Micros,
    pub parent: Option<InvocationId>,
    pub decision: Decided,
    pub approval: Option<ApprovalId>,
    pub reading: Reading,
    pub drawn: Option<Micros>,
    pub ended: Option<Micros>,
    pub exit: Option<Exit>,
    pub duration: Option<Micros>,
    pub bytes: Option<u64>,
    pub masked: Vec<(String, u64)>,
    pub recorded: u64,
    pub sealed: Option<Digest>,
    /// The policies it was judged by; `None` where none loaded.
    pub policy_set: Option<Digest>,
}

/// What the row says; what an `ask` means now is the approval's to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    Allow(Terms),
    Ask,
    Deny(Refusal),
}

impl Decided {
    pub fn word(&self) -> &'static str {
        match self {
            Decided::Allow(_) => "allow",
            Decided::Ask => "ask",
            Decided::Deny(_) => "deny",
        }
    }

    pub fn of(decision: &Decision) -> Decided {
        match decision {
            Decision::Allow(terms) => Decided::Allow(terms.clone()),
            Decision::Ask(_) => Decided::Ask,
            Decision::Deny(refusal) => Decided::Deny(refusal.clone()),
        }
    }
}

/// Texts of SQL that give whole rows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, who, tool, command, digest, began, parent, decision, approval, reading, drawn, ended, exit, ",
            "duration, bytes, masked, recorded, sealed, policy_set FROM invocations ",
            $rest
        )
    };
}

fn by_id(id: &InvocationId) -> Statement {
    Statement { sql: select!("WHERE id = $1"), values: vec![id.as_str().into()] }
}

/// The row, as it was committed last.
pub async fn find(app: &App, id: &InvocationId) -> Result<Option<Row>, store::Error> {
    app.store.first(&by_id(id)).await?.map(from_values).transpose()
}

/// The row, as a job sees it.
pub async fn find_in(connection: &mut AnyConnection, id: &InvocationId) -> Result<Option<Row>, store::Error> {
    by_id(id).first(connection).await?.map(from_values).transpose()
}

/// The caller's own row. That of somebody else is not there.
pub async fn owned(app: &App, who: &Subject, id: &InvocationId) -> Result<Row, Failure> {
    of(who, find(app, id).await?)
}

/// The caller's own row, as a job sees it.
pub async fn owned_in(connection: &mut AnyConnection, who: &Subject, id: &InvocationId) -> Result<Row, Failure> {
    of(who, find_in(connection, id).await?)
}

fn of(who: &Subject, found: Option<Row>) -> Result<Row, Failure> {
    found.filter(|row| row.who.id == who.id).ok_or_else(|| Failure::not_found("no such invocation"))
}

/// The newest first, older than `before`; of one subject, or of all.
pub async fn list(
    connection: &mut AnyConnection,
    of: Option<&str>,
    before: Option<&InvocationId>,
    limit: i64,
) -> Result<Vec<Row>, store::Error> {
    // Past every id in any collation: the alphabet of ids ends with Z.
    let before = before.map_or("inv_zz", InvocationId::as_str);
    let wanted = match of {
        Some(subject) => Statement {
            sql: select!("WHERE subject = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
            values: vec![subject.into(), before.into(), limit.into()],
        },
        None => Statement {
            sql: select!("WHERE id < $1 ORDER BY id DESC LIMIT $2"),
            values: vec![before.into(), limit.into()],
        },
    };
    wanted.all(connection).await?.into_iter().map(from_values).collect()
}

fn from_values(values: Vec<Value>) -> Result<Row, store::Error> {
    let wrong = |what: &str| store::Error::Value(format!("invocations.{what}"));
    let [
        id,
        who,
        tool,
        command,
        digest,
        began,
        parent,
        decision,
        approval,
        reading,
        drawn,
        ended,
        exit,
        duration,
        bytes,
        masked,
        recorded,
        sealed,
        policy_set,
    ] = <[Value; 19]>::try_from(values).map_err(|_| wrong("*"))?;
    let time = |value: Value| value.maybe_number().map(|number| number.map(Micros));
    let digest_of = |value: Value| value.maybe_text().map(|text| text.as_deref().and_then(Digest::parse));
    Ok(Row {
        id: InvocationId::parse(&id.text()?).ok_or_else(|| wrong("id"))?,
        who: serde_json::from_str(&who.text()?)?,
        tool: tool.text()?,
        command: command.text()?,
        digest: Digest::parse(&digest.text()?).ok_or_else(|| wrong("digest"))?,
        began: Micros(began.number()?),
        parent: parent.maybe_text()?.as_deref().and_then(InvocationId::parse),
        decision: serde_json::from_str(&decision.text()?)?,
        approval: approval.maybe_text()?.as_deref().and_then(ApprovalId::parse),
        reading: serde_json::from_str(&reading.text()?)?,
        drawn: time(drawn)?,
        ended: time(ended)?,
        exit: exit.maybe_text()?.map(|text| serde_json::from_str(&text)).transpose()?,
        duration: time(duration)?,
        bytes: bytes.maybe_number()?.map(i64::unsigned_abs),
        masked: masked.maybe_text()?.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
        recorded: recorded.number()?.unsigned_abs(),
        sealed: digest_of(sealed)?,
        policy_set: digest_of(policy_set)?,
    })
}

/// Writes a new row; none where the id is there.
pub fn new(
    began: Micros,
    who: &Subject,
    judged: &Judged,
    decided: &Decided,
    approval: Option<&ApprovalId>,
) -> Result<Statement, store::Error> {
    Ok(Statement {
        sql: "INSERT INTO invocations \
              (id, subject, who, tool, command, digest, began, parent, decision, approval, reading, policy_set) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
        values: vec![
            judged.invocation.id.as_str().into(),
            who.id.as_str().into(),
            serde_json::to_string(who)?.into(),
            judged.tool.as_str().into(),
            judged.command.as_str().into(),
            judged.digest.to_string().into(),
            began.0.into(),
            judged.invocation.parent.as_ref().map(InvocationId::as_str).into(),
            serde_json::to_string(decided)?.into(),
            approval.map(ApprovalId::as_str).into(),
            serde_json::to_string(&judged.reading)?.into(),
            judged.policies.map(|set| set.to_string()).into(),
        ],
    })
}

impl Row {
    pub fn view(self) -> SessionView {
        SessionView {
            id: self.id,
            tool: self.tool,
            command: self.command,
            who: self.who,
            began: self.began,
            unrecorded: matches!(&self.decision, Decided::Allow(terms) if terms.unrecorded),
            decision: self.decision.word().to_owned(),
            approval: self.approval,
            parent: self.parent,
            exit: self.exit,
            duration: self.duration,
            bytes: self.bytes,
            masked: self.masked,
            recorded: self.recorded,
            sealed: self.sealed,
        }
    }
}
