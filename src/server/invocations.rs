//! Invocations: what was asked, what was answered, how it ended. One row each, which is also the session's.
//!
//! Every change runs in the store's writer, with its audit entry.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::App;
use super::approvals::{self, Asking};
use super::audit::Event;
use super::http::error::Failure;
use super::question::Judged;
use super::store::{self, Plain, Statement, Tx};
use crate::model::{
    ApprovalId, Decision, Digest, Exit, InvocationId, Micros, Reading, Refusal, RefusalKind, Subject, Terms,
};
use crate::policy::Verdict;
use crate::wire::contract::{Answer, ApprovalState, SessionView};

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
    fn word(&self) -> &'static str {
        match self {
            Decided::Allow(_) => "allow",
            Decided::Ask => "ask",
            Decided::Deny(_) => "deny",
        }
    }

    fn of(decision: &Decision) -> Decided {
        match decision {
            Decision::Allow(terms) => Decided::Allow(terms.clone()),
            Decision::Ask(_) => Decided::Ask,
            Decision::Deny(refusal) => Decided::Deny(refusal.clone()),
        }
    }
}

/// Writes down what was judged and answers. The same id again, by the same subject with the same digest, gets what it
/// got; with anything else, and after its end, it is a conflict, and that is in the audit log.
///
/// What lends nothing is answered before it is on the disk: it is the most of what agents run, and a disk takes as long
/// for its word as all the rest of the way.
pub async fn accept(app: &App, who: Subject, judged: Judged) -> Result<Answer, Failure> {
    if let Some(answer) = settled(&judged) {
        let decided = Decided::of(&answer.decision);
        let plain = Plain {
            row: row(app.now(), &who, &judged, &decided, None)?,
            event: told(&who, &judged, &decided, None),
        };
        if app.store.add_soon(plain).await? {
            return Ok(answer);
        }
        // The id was seen before: what there is to say may settle something, and must last.
    }
    let outcome = app.store.write(move |tx| Box::pin(async move { record(tx, who, judged).await })).await?;
    let answer = outcome.ok_or_else(|| {
        Failure::conflict("this invocation id was used already").hint("every command needs an id of its own")
    })?;
    Ok(Answer { decision: approvals::with_url(app, answer.decision), ..answer })
}

/// The answer, where it asks nobody and lends nothing.
fn settled(judged: &Judged) -> Option<Answer> {
    let decision = match &judged.verdict {
        Verdict::Allow { terms, .. } if !terms.lends() => Decision::Allow(terms.clone()),
        Verdict::Deny(refusal) => Decision::Deny(refusal.clone()),
        Verdict::Allow { .. } | Verdict::Ask { .. } => return None,
    };
    Some(Answer { id: judged.invocation.id.clone(), digest: judged.digest, decision })
}

async fn record(tx: &mut Tx, who: Subject, judged: Judged) -> Result<Option<Answer>, Failure> {
    let id = judged.invocation.id.clone();
    if let Some(found) = by_id(tx.connection(), &id).await? {
        if found.who.id == who.id && found.digest == judged.digest && found.ended.is_none() {
            return Ok(Some(now(tx, found, judged.policies).await?));
        }
        let event = Event::new("invocation.conflict").who(&who).invocation(&id);
        tx.audit(event.with("digest", judged.digest.to_string()).with("command", judged.command)).await?;
        return Ok(None);
    }
    decide(tx, who, judged).await.map(Some)
}

/// Writes a new row, and its entry in the audit log.
async fn decide(tx: &mut Tx, who: Subject, judged: Judged) -> Result<Answer, Failure> {
    let id = judged.invocation.id.clone();
    let (decision, approval) = match judged.verdict.clone() {
        Verdict::Allow { terms, .. } => (Decision::Allow(terms), None),
        Verdict::Deny(refusal) => (Decision::Deny(refusal), None),
        Verdict::Ask { terms, needs, policies } => {
            let asking = Asking::new(terms, needs, policies);
            let (decision, approval) = approvals::attach(tx, &who, &judged, asking).await?;
            (decision, Some(approval))
        }
    };
    let decided = Decided::of(&decision);
    let row = row(tx.now(), &who, &judged, &decided, approval.as_ref())?;
    if row.run(tx.connection()).await? == 0 {
        return Err(Failure::internal(format!("{id} is there already")));
    }
    tx.audit(told(&who, &judged, &decided, approval.as_ref())).await?;
    Ok(Answer { id, digest: judged.digest, decision })
}

/// What the log says of a new row.
fn told(who: &Subject, judged: &Judged, decided: &Decided, approval: Option<&ApprovalId>) -> Event {
    let policies = match &judged.verdict {
        Verdict::Allow { policies, .. } | Verdict::Ask { policies, .. } => policies,
        Verdict::Deny(refusal) => &refusal.policies,
    };
    let event = decision_event(who, &judged.invocation.id, judged.digest, decided, approval)
        .with("tool", judged.tool.as_str())
        .with("command", judged.command.as_str())
        .with("cwd", judged.cwd.as_str())
        .with("operations", judged.operations.clone())
        .with("policies", policies.clone())
        .with("policy_set", judged.policies.map(|digest| digest.to_string()));
    match &judged.invocation.parent {
        Some(parent) => event.with("parent", parent.as_str()),
        None => event,
    }
}

/// A yes to what other policies asked for says nothing under those in force: the same command again is judged by them,
/// and finds its yes where they still ask for the same.
fn judged_by_others(command: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::NotPermitted,
        what: command.to_owned(),
        why: "the policies changed while it waited".to_owned(),
        hint: Some("run the same command again: it is judged anew, and what was approved stays approved".to_owned()),
        policies: Vec::new(),
    }
}

fn decision_event(
    who: &Subject,
    id: &InvocationId,
    digest: Digest,
    decided: &Decided,
    approval: Option<&ApprovalId>,
) -> Event {
    let mut event = Event::new("decision")
        .who(who)
        .invocation(id)
        .with("decision", decided.word())
        .with("digest", digest.to_string());
    if let Some(approval) = approval {
        event = event.with("approval", approval.as_str());
    }
    match decided {
        Decided::Allow(terms) => event
            .with("masks", terms.masks.clone())
            .with("grants", terms.grants.clone())
            .with("limit_seconds", terms.limit_seconds)
            .with("unrecorded", terms.unrecorded),
        Decided::Deny(refusal) => event.with("why", refusal.why.as_str()),
        Decided::Ask => event,
    }
}

/// The decision as it is now; what its approval brought about since is written down.
pub async fn decision(app: &App, who: &Subject, id: &InvocationId) -> Result<Answer, Failure> {
    if let Some(answer) = unchanged(app, who, id).await? {
        return Ok(Answer { decision: approvals::with_url(app, answer.decision), ..answer });
    }
    let (who, id) = (who.clone(), id.clone());
    let in_force = app.policies.current().ok().map(|set| set.digest());
    let answer = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let found = owned(tx.connection(), &who, &id).await?;
                now(tx, found, in_force).await
            })
        })
        .await?;
    Ok(Answer { decision: approvals::with_url(app, answer.decision), ..answer })
}

/// The decision, where nothing has to be written: whoever waits costs the writer nothing.
async fn unchanged(app: &App, who: &Subject, id: &InvocationId) -> Result<Option<Answer>, Failure> {
    let mut connection = app.store.pool().acquire().await?;
    let Row { id, digest, decision, approval, .. } = owned(&mut connection, who, id).await?;
    let decision = match decision {
        Decided::Allow(terms) => Decision::Allow(terms),
        Decided::Deny(refusal) => Decision::Deny(refusal),
        Decided::Ask => {
            let Some(approval) = approval else { return Ok(None) };
            match approvals::waiting(&mut connection, &approval, app.now()).await? {
                Some(ticket) => Decision::Ask(ticket),
                None => return Ok(None),
            }
        }
    };
    Ok(Some(Answer { id, digest, decision }))
}

async fn now(tx: &mut Tx, row: Row, in_force: Option<Digest>) -> Result<Answer, Failure> {
    let judged_anew = (row.policy_set != in_force).then(|| judged_by_others(&row.command));
    let Row { id, digest, who, .. } = row;
    let approval = match (row.decision, row.approval) {
        (Decided::Allow(terms), _) => return Ok(Answer { id, digest, decision: Decision::Allow(terms) }),
        (Decided::Deny(refusal), _) => return Ok(Answer { id, digest, decision: Decision::Deny(refusal) }),
        (Decided::Ask, Some(approval)) => approval,
        (Decided::Ask, None) => return Err(Failure::internal("an invocation asks without an approval")),
    };
    let found = approvals::by_id(tx.connection(), &approval)
        .await?
        .ok_or_else(|| Failure::internal(format!("{approval} is gone")))?;
    let (decision, now_bound) = match judged_anew {
        Some(refusal) if found.state(tx.now()) == ApprovalState::Approved => {
            (Decision::Deny(refusal), approval.clone())
        }
        Some(_) | None => approvals::resolve(tx, found, &id).await?,
    };
    let decided = Decided::of(&decision);
    if decided != Decided::Ask || now_bound != approval {
        sqlx::query("UPDATE invocations SET decision = $1, approval = $2 WHERE id = $3")
            .bind(serde_json::to_string(&decided).map_err(store::Error::from)?)
            .bind(now_bound.as_str())
            .bind(id.as_str())
            .execute(tx.connection())
            .await?;
        tx.audit(decision_event(&who, &id, digest, &decided, Some(&now_bound))).await?;
    }
    Ok(Answer { id, digest, decision })
}

/// The caller's own row. That of somebody else is not there.
pub async fn owned(connection: &mut AnyConnection, who: &Subject, id: &InvocationId) -> Result<Row, Failure> {
    let found = by_id(connection, id).await?;
    found.filter(|row| row.who.id == who.id).ok_or_else(|| Failure::not_found("no such invocation"))
}

const COLUMNS: &str = "id, who, tool, command, digest, began, parent, decision, approval, reading, drawn, ended, exit, \
    duration, bytes, masked, recorded, sealed, policy_set";

pub async fn by_id(connection: &mut AnyConnection, id: &InvocationId) -> Result<Option<Row>, store::Error> {
    let sql = format!("SELECT {COLUMNS} FROM invocations WHERE id = $1");
    // The text is put together from constants of this file.
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(from_row).transpose()
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
    let rows = match of {
        Some(subject) => {
            let sql =
                format!("SELECT {COLUMNS} FROM invocations WHERE subject = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(subject).bind(before).bind(limit);
            query.fetch_all(connection).await?
        }
        None => {
            let sql = format!("SELECT {COLUMNS} FROM invocations WHERE id < $1 ORDER BY id DESC LIMIT $2");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before).bind(limit).fetch_all(connection).await?
        }
    };
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<Row, store::Error> {
    let text = |index: usize| row.try_get::<String, _>(index);
    let maybe = |index: usize| row.try_get::<Option<String>, _>(index);
    let number = |index: usize| row.try_get::<Option<i64>, _>(index);
    let wrong = |what: &str| store::Error::Value(format!("invocations.{what}"));
    Ok(Row {
        id: InvocationId::parse(&text(0)?).ok_or_else(|| wrong("id"))?,
        who: serde_json::from_str(&text(1)?)?,
        tool: text(2)?,
        command: text(3)?,
        digest: Digest::parse(&text(4)?).ok_or_else(|| wrong("digest"))?,
        began: Micros(row.try_get(5)?),
        parent: maybe(6)?.as_deref().and_then(InvocationId::parse),
        decision: serde_json::from_str(&text(7)?)?,
        approval: maybe(8)?.as_deref().and_then(ApprovalId::parse),
        reading: serde_json::from_str(&text(9)?)?,
        drawn: number(10)?.map(Micros),
        ended: number(11)?.map(Micros),
        exit: maybe(12)?.map(|text| serde_json::from_str(&text)).transpose()?,
        duration: number(13)?.map(Micros),
        bytes: number(14)?.map(i64::unsigned_abs),
        masked: maybe(15)?.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
        recorded: row.try_get::<i64, _>(16)?.unsigned_abs(),
        sealed: maybe(17)?.as_deref().and_then(Digest::parse),
        policy_set: maybe(18)?.as_deref().and_then(Digest::parse),
    })
}

/// Writes a new row; none where the id is there.
fn row(
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
