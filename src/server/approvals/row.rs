//! Approvals as rows.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::Want;
use crate::model::{ApprovalId, ApprovalTicket, Digest, InvocationId, Micros, Subject, Terms};
use crate::server::store::{self, Tx};
use crate::wire::contract::{ApprovalAnswer, ApprovalState, ApprovalView, Preview};

pub struct Approval {
    pub id: ApprovalId,
    /// The last part of its address.
    pub short: String,
    pub digest: Digest,
    pub(super) basis: Digest,
    pub invocation: InvocationId,
    pub body: Body,
    pub asked: Micros,
    pub expires: Micros,
    pub(super) stored: ApprovalState,
    pub(super) settled: Option<Micros>,
    /// The run that used the yes.
    pub consumed: Option<InvocationId>,
}

/// What does not change: who asked for what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    pub who: Subject,
    pub terms: Terms,
    pub wants: Vec<Want>,
    pub what: String,
    pub policies: Vec<String>,
    pub command: String,
    pub cwd: String,
    pub operations: Vec<String>,
    pub previews: Vec<Preview>,
}

impl Approval {
    /// The state as it is at `now`, also where nobody marked it expired yet.
    pub fn state(&self, now: Micros) -> ApprovalState {
        match self.stored {
            ApprovalState::Pending if now >= self.expires => ApprovalState::Expired,
            state => state,
        }
    }

    /// When a human settled it.
    pub fn settled(&self) -> Option<Micros> {
        self.settled
    }

    /// Approved, used by nobody, and not older than the question was allowed to be.
    pub(super) fn usable(&self, now: Micros) -> bool {
        let until = self.settled.unwrap_or(self.asked).plus(self.expires.since(self.asked));
        self.stored == ApprovalState::Approved && self.consumed.is_none() && now < until
    }

    pub(super) fn ticket_with(&self, answers: &[ApprovalAnswer]) -> ApprovalTicket {
        let mut groups: Vec<String> = self.body.wants.iter().flat_map(|want| want.groups.iter().cloned()).collect();
        groups.sort();
        groups.dedup();
        ApprovalTicket {
            id: self.id.clone(),
            what: self.body.what.clone(),
            groups,
            needed: self.body.wants.iter().map(|want| want.approvers).sum(),
            given: self.body.wants.iter().map(|want| given(want, answers)).sum(),
            url: self.short.clone(),
            expires: self.expires,
            policies: self.body.policies.clone(),
        }
    }

    /// Whether every want is met, each by different people of its own groups.
    pub(super) fn met(&self, answers: &[ApprovalAnswer]) -> bool {
        self.body.wants.iter().all(|want| given(want, answers) >= want.approvers)
    }

    /// What an approver sees.
    pub fn view(&self, answers: Vec<ApprovalAnswer>, public_url: &str, now: Micros) -> ApprovalView {
        let mut ticket = self.ticket_with(&answers);
        ticket.url = format!("{public_url}/a/{}", self.short);
        ApprovalView {
            ticket,
            state: self.state(now),
            asker: self.body.who.clone(),
            asked: self.asked,
            invocation: self.invocation.clone(),
            digest: self.digest,
            command: self.body.command.clone(),
            cwd: self.body.cwd.clone(),
            operations: self.body.operations.clone(),
            previews: self.body.previews.clone(),
            answers,
        }
    }
}

fn given(want: &Want, answers: &[ApprovalAnswer]) -> u32 {
    let approving = answers.iter().filter(|answer| answer.approved && want.takes(&answer.by)).count();
    u32::try_from(approving).unwrap_or(u32::MAX).min(want.approvers)
}

fn state_word(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "pending",
        ApprovalState::Approved => "approved",
        ApprovalState::Refused => "refused",
        ApprovalState::Expired => "expired",
    }
}

const COLUMNS: &str = "id, short, digest, basis, invocation, body, asked, expires, state, settled, consumed";

/// A query over [`COLUMNS`]: the parts are texts of this file, never a caller's.
macro_rules! select {
    ($rest:literal) => {
        sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM approvals {}", $rest)))
    };
}

fn from_row(row: &AnyRow) -> Result<Approval, store::Error> {
    let text = |index: usize| row.try_get::<String, _>(index);
    let wrong = |what: &str| store::Error::Value(format!("approvals.{what}"));
    Ok(Approval {
        id: ApprovalId::parse(&text(0)?).ok_or_else(|| wrong("id"))?,
        short: text(1)?,
        digest: Digest::parse(&text(2)?).ok_or_else(|| wrong("digest"))?,
        basis: Digest::parse(&text(3)?).ok_or_else(|| wrong("basis"))?,
        invocation: InvocationId::parse(&text(4)?).ok_or_else(|| wrong("invocation"))?,
        body: serde_json::from_str(&text(5)?)?,
        asked: Micros(row.try_get(6)?),
        expires: Micros(row.try_get(7)?),
        stored: match text(8)?.as_str() {
            "pending" => ApprovalState::Pending,
            "approved" => ApprovalState::Approved,
            "refused" => ApprovalState::Refused,
            "expired" => ApprovalState::Expired,
            _ => return Err(wrong("state")),
        },
        settled: row.try_get::<Option<i64>, _>(9)?.map(Micros),
        consumed: row.try_get::<Option<String>, _>(10)?.as_deref().and_then(InvocationId::parse),
    })
}

pub async fn by_id(connection: &mut AnyConnection, id: &ApprovalId) -> Result<Option<Approval>, store::Error> {
    let row = select!("WHERE id = $1").bind(id.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(from_row).transpose()
}

pub async fn by_short(connection: &mut AnyConnection, short: &str) -> Result<Option<Approval>, store::Error> {
    let row = select!("WHERE short = $1").bind(short).fetch_optional(connection).await?;
    row.as_ref().map(from_row).transpose()
}

pub(super) async fn latest(
    connection: &mut AnyConnection,
    subject: &str,
    digest: Digest,
    basis: Digest,
) -> Result<Option<Approval>, store::Error> {
    let row = select!("WHERE subject = $1 AND digest = $2 AND basis = $3 ORDER BY asked DESC, id DESC LIMIT 1")
        .bind(subject)
        .bind(digest.to_string())
        .bind(basis.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The newest first, older than `before`.
pub async fn list(
    connection: &mut AnyConnection,
    state: Option<ApprovalState>,
    before: Option<&ApprovalId>,
    limit: i64,
    now: Micros,
) -> Result<Vec<Approval>, store::Error> {
    // Past every id in any collation: the alphabet of ids ends with Z.
    let before = before.map_or("apr_zz", ApprovalId::as_str);
    let rows = match state {
        None => {
            select!("WHERE id < $1 ORDER BY id DESC LIMIT $2").bind(before).bind(limit).fetch_all(connection).await?
        }
        Some(state) => {
            // What expired a moment ago and is not marked yet is no longer pending.
            let alive = if state == ApprovalState::Pending { now.0 } else { i64::MIN };
            select!("WHERE state = $1 AND id < $2 AND expires > $3 ORDER BY id DESC LIMIT $4")
                .bind(state_word(state))
                .bind(before)
                .bind(alive)
                .bind(limit)
                .fetch_all(connection)
                .await?
        }
    };
    rows.iter().map(from_row).collect()
}

pub(super) async fn insert(connection: &mut AnyConnection, approval: &Approval) -> Result<(), store::Error> {
    sqlx::query(
        "INSERT INTO approvals (id, short, subject, digest, basis, invocation, body, asked, expires, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending')",
    )
    .bind(approval.id.as_str())
    .bind(&approval.short)
    .bind(&approval.body.who.id)
    .bind(approval.digest.to_string())
    .bind(approval.basis.to_string())
    .bind(approval.invocation.as_str())
    .bind(serde_json::to_string(&approval.body)?)
    .bind(approval.asked.0)
    .bind(approval.expires.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses the yes for one run. An error where another run was first, so that none starts twice on one yes.
pub(super) async fn consume(
    connection: &mut AnyConnection,
    id: &ApprovalId,
    invocation: &InvocationId,
) -> Result<(), store::Error> {
    let done =
        sqlx::query("UPDATE approvals SET consumed = $1 WHERE id = $2 AND consumed IS NULL AND state = 'approved'")
            .bind(invocation.as_str())
            .bind(id.as_str())
            .execute(connection)
            .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(store::Error::Value(format!("approval {id} was used already"))),
    }
}

pub(super) async fn settle(
    connection: &mut AnyConnection,
    id: &ApprovalId,
    state: ApprovalState,
    now: Micros,
) -> Result<(), store::Error> {
    sqlx::query("UPDATE approvals SET state = $1, settled = $2 WHERE id = $3 AND state = 'pending'")
        .bind(state_word(state))
        .bind(now.0)
        .bind(id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks every pending one whose time is over.
pub(super) async fn expire(tx: &mut Tx) -> Result<Vec<ApprovalId>, store::Error> {
    let now = tx.now().0;
    let rows = sqlx::query(
        "UPDATE approvals SET state = 'expired', settled = expires WHERE state = 'pending' AND expires <= $1 RETURNING id",
    )
    .bind(now)
    .fetch_all(tx.connection())
    .await?;
    let mut gone = Vec::with_capacity(rows.len());
    for row in rows {
        gone.extend(ApprovalId::parse(&row.try_get::<String, _>(0)?));
    }
    Ok(gone)
}

pub async fn answers(connection: &mut AnyConnection, id: &ApprovalId) -> Result<Vec<ApprovalAnswer>, store::Error> {
    let rows = sqlx::query("SELECT who, approved, reason, at FROM approval_answers WHERE approval = $1 ORDER BY at")
        .bind(id.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ApprovalAnswer {
                by: serde_json::from_str(&row.try_get::<String, _>(0)?)?,
                approved: row.try_get::<i64, _>(1)? == 1,
                reason: row.try_get(2)?,
                at: Micros(row.try_get(3)?),
            })
        })
        .collect()
}

pub(super) async fn insert_answer(
    connection: &mut AnyConnection,
    id: &ApprovalId,
    answer: &ApprovalAnswer,
) -> Result<(), store::Error> {
    sqlx::query(
        "INSERT INTO approval_answers (approval, subject, who, approved, reason, at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.as_str())
    .bind(&answer.by.id)
    .bind(serde_json::to_string(&answer.by)?)
    .bind(i64::from(answer.approved))
    .bind(&answer.reason)
    .bind(answer.at.0)
    .execute(connection)
    .await?;
    Ok(())
}
