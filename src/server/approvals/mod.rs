//! Approvals: a question put to humans, from the asking to the one run that uses the yes.
//!
//! ```text
//! pending -> approved -> consumed by one run
//!         -> refused
//!         -> expired
//! ```
//!
//! Bound to the digest of what was asked, to who asked, and to the terms and needs that policy gave. All that changes
//! a state runs in the store's one writer, so nothing happens in between; being in the store, it survives a restart.

mod answer;
mod row;

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

pub use answer::answer;
pub use row::{Approval, Body, answers, by_id, by_short, list};

use super::audit::Event;
use super::question::Judged;
use super::store::{self, Tx};
use super::{App, chance};
use crate::model::{
    ApprovalId, ApprovalTicket, Decision, Digest, InvocationId, Micros, Refusal, RefusalKind, Subject, SubjectKind,
    Terms, visible,
};
use crate::policy::{Need, words};
use crate::wire::contract::ApprovalState;

/// What one forbid wants before it is lifted, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    pub groups: Vec<String>,
    pub approvers: u32,
    pub policy: String,
    pub reason: Option<String>,
}

impl Want {
    /// Whether somebody may help to meet it.
    pub fn takes(&self, who: &Subject) -> bool {
        self.groups.iter().any(|group| who.groups.contains(group))
    }
}

/// What is asked for, on which terms.
pub struct Asking {
    pub terms: Terms,
    pub wants: Vec<Want>,
    pub policies: Vec<String>,
    pub expires_seconds: u64,
}

impl Asking {
    pub fn new(terms: Terms, needs: Vec<Need>, policies: Vec<String>) -> Asking {
        let expires_seconds = needs.iter().map(|need| need.expires_seconds).min().unwrap_or(0);
        let mut wants: Vec<Want> = Vec::new();
        for need in needs {
            // Two policies that ask the same people ask them once, the stricter number.
            match wants.iter_mut().find(|want| want.groups == need.groups) {
                Some(want) => want.approvers = want.approvers.max(need.approvers),
                None => wants.push(Want {
                    groups: need.groups,
                    approvers: need.approvers.max(1),
                    policy: need.policy,
                    reason: need.reason,
                }),
            }
        }
        Asking { terms, wants, policies, expires_seconds }
    }

    fn basis(&self) -> Result<Digest, store::Error> {
        Ok(Digest::of(&serde_json::to_vec(&(&self.terms, &self.wants))?))
    }
}

/// Takes up what was asked before with the same digest by the same asker on the same basis, or opens a new question.
pub async fn attach(
    tx: &mut Tx,
    who: &Subject,
    judged: &Judged,
    asking: Asking,
) -> Result<(Decision, ApprovalId), store::Error> {
    let basis = asking.basis()?;
    if let Some(found) = row::latest(tx.connection(), &who.id, judged.digest, basis).await?
        && let Some(decision) = standing(tx, &found, &judged.invocation.id).await?
    {
        return Ok((decision, found.id));
    }
    let body = Body {
        who: who.clone(),
        terms: asking.terms,
        wants: asking.wants,
        what: gist(judged),
        policies: asking.policies,
        command: judged.command.clone(),
        cwd: judged.cwd.clone(),
        operations: judged.operations.clone(),
        previews: judged.previews.clone(),
    };
    let span = i64::try_from(asking.expires_seconds).unwrap_or(i64::MAX / 2_000_000);
    open(tx, body, judged.digest, basis, &judged.invocation.id, Micros::seconds(span)).await
}

/// The question in one line: the command as typed, and where a script or a manifest decides what it does, the worst
/// of that.
fn gist(judged: &Judged) -> String {
    let command = visible::line(judged.command.as_bytes(), 200);
    match judged.reading.operations.iter().max_by_key(|operation| operation.effect) {
        Some(worst) if !judged.previews.is_empty() => {
            format!("{command} ({})", words::operation(&judged.tool, worst))
        }
        _ => command,
    }
}

/// What an approval means now for one invocation that waits on it.
pub async fn resolve(
    tx: &mut Tx,
    approval: Approval,
    invocation: &InvocationId,
) -> Result<(Decision, ApprovalId), store::Error> {
    if let Some(decision) = standing(tx, &approval, invocation).await? {
        return Ok((decision, approval.id));
    }
    if approval.state(tx.now()) == ApprovalState::Expired {
        return Ok((Decision::Deny(expired(&approval)), approval.id));
    }
    // The yes was used by another run, or lapsed: this one needs its own.
    let span = approval.expires.since(approval.asked);
    open(tx, approval.body, approval.digest, approval.basis, invocation, span).await
}

/// What follows from an approval for `invocation`; `None` where it says nothing about it any more.
async fn standing(
    tx: &mut Tx,
    approval: &Approval,
    invocation: &InvocationId,
) -> Result<Option<Decision>, store::Error> {
    let now = tx.now();
    match approval.state(now) {
        ApprovalState::Pending => Ok(Some(Decision::Ask(approval.ticket(tx.connection()).await?))),
        ApprovalState::Approved if approval.consumed.as_ref() == Some(invocation) => {
            Ok(Some(Decision::Allow(approval.body.terms.clone())))
        }
        ApprovalState::Approved if approval.usable(now) => {
            row::consume(tx.connection(), &approval.id, invocation).await?;
            let event = Event::new("approval.consumed").who(&approval.body.who).invocation(invocation);
            tx.audit(event.with("approval", approval.id.as_str())).await?;
            Ok(Some(Decision::Allow(approval.body.terms.clone())))
        }
        // A no holds until the question would have expired: asking again does not wear people down.
        ApprovalState::Refused if now < approval.expires => Ok(Some(Decision::Deny(refused(tx, approval).await?))),
        ApprovalState::Approved | ApprovalState::Refused | ApprovalState::Expired => Ok(None),
    }
}

/// The ticket of an approval that is still pending, without its address; `None` once there is something to settle.
pub async fn waiting(
    connection: &mut AnyConnection,
    id: &ApprovalId,
    now: Micros,
) -> Result<Option<ApprovalTicket>, store::Error> {
    match by_id(connection, id).await? {
        Some(found) if found.state(now) == ApprovalState::Pending => found.ticket(connection).await.map(Some),
        Some(_) | None => Ok(None),
    }
}

async fn open(
    tx: &mut Tx,
    body: Body,
    digest: Digest,
    basis: Digest,
    invocation: &InvocationId,
    span: Micros,
) -> Result<(Decision, ApprovalId), store::Error> {
    let asked = tx.now();
    let approval = Approval {
        id: ApprovalId::from_ulid(chance::ulid(asked)?),
        short: chance::short()?,
        digest,
        basis,
        invocation: invocation.clone(),
        body,
        asked,
        expires: asked.plus(span),
        stored: ApprovalState::Pending,
        settled: None,
        consumed: None,
    };
    row::insert(tx.connection(), &approval).await?;
    let ticket = approval.ticket(tx.connection()).await?;
    tx.audit(
        Event::new("approval.asked")
            .who(&approval.body.who)
            .invocation(invocation)
            .with("approval", approval.id.as_str())
            .with("digest", digest.to_string())
            .with("what", ticket.what.as_str())
            .with("groups", ticket.groups.clone())
            .with("needed", ticket.needed)
            .with("expires", ticket.expires.0)
            .with("policies", ticket.policies.clone()),
    )
    .await?;
    Ok((Decision::Ask(ticket), approval.id))
}

async fn refused(tx: &mut Tx, approval: &Approval) -> Result<Refusal, store::Error> {
    let answers = answers(tx.connection(), &approval.id).await?;
    let no = answers.iter().find(|answer| !answer.approved);
    let (by, reason) = no.map_or(("somebody", ""), |no| (no.by.name.as_str(), no.reason.as_str()));
    Ok(Refusal {
        kind: RefusalKind::Refused,
        what: approval.body.what.clone(),
        why: match reason {
            "" => format!("{by} refused it"),
            reason => format!("{by} refused it: {reason}"),
        },
        hint: Some("do not try another way to the same end; ask the people who refused it".to_owned()),
        policies: approval.body.policies.clone(),
    })
}

fn expired(approval: &Approval) -> Refusal {
    Refusal {
        kind: RefusalKind::Expired,
        what: approval.body.what.clone(),
        why: "nobody answered before the question expired".to_owned(),
        hint: Some("not refused by anybody; run the same command again to ask anew".to_owned()),
        policies: approval.body.policies.clone(),
    }
}

/// Who may look at an approval: the asker, whoever may answer it, auditors.
pub fn may_see(app: &App, who: &Subject, approval: &Approval) -> bool {
    who.id == approval.body.who.id || app.is_auditor(who) || approval.body.wants.iter().any(|want| want.takes(who))
}

/// Why somebody can never answer this one; `None` where they can.
pub fn barred(who: &Subject, approval: &Approval) -> Option<&'static str> {
    if who.kind != SubjectKind::Person {
        return Some("a machine can never answer an approval");
    }
    if who.id == approval.body.who.id {
        return Some("whoever asked can never answer the approval");
    }
    if !approval.body.wants.iter().any(|want| want.takes(who)) {
        return Some("only members of the named groups can answer this approval");
    }
    None
}

/// Marks what has expired, so that lists and the log show it although nobody asks again.
pub async fn expire(app: &App) -> Result<(), store::Error> {
    app.store
        .write(|tx| {
            Box::pin(async move {
                for id in row::expire(tx).await? {
                    tx.audit(Event::new("approval.expired").with("approval", id.as_str())).await?;
                    tx.announce(id.as_str());
                }
                Ok(())
            })
        })
        .await
}

impl Approval {
    /// What the asker is shown while it waits; `url` is filled in by [`with_url`].
    async fn ticket(&self, connection: &mut AnyConnection) -> Result<ApprovalTicket, store::Error> {
        Ok(self.ticket_with(&answers(connection, &self.id).await?))
    }
}

/// The ticket with the address where a human answers: the store knows only the last part of it.
pub fn with_url(app: &App, decision: Decision) -> Decision {
    match decision {
        Decision::Ask(ticket) => {
            let url = format!("{}/a/{}", app.config.public_url, ticket.url);
            Decision::Ask(ApprovalTicket { url, ..ticket })
        }
        Decision::Allow(_) | Decision::Deny(_) => decision,
    }
}
