//! Invocations: what was asked, what was answered, how it ended. One row each, which is also the session's.
//!
//! Every change runs in the store's writer, with its audit entry.

mod row;

use super::App;
use super::approvals::{self, Asking};
use super::audit::Event;
use super::http::error::Failure;
use super::question::Judged;
use super::store::{self, Plain, Tx};
use crate::model::{ApprovalId, Decision, Digest, InvocationId, Refusal, RefusalKind, Subject};
use crate::policy::Verdict;
use crate::wire::contract::{Answer, ApprovalState};
pub use row::{Decided, Row, find, list, owned, owned_in};

/// Writes down what was judged and answers. The same id again, by the same subject with the same digest, gets what it
/// got; with anything else, and after its end, it is a conflict, and that is in the audit log.
///
/// What lends nothing is answered before it is on the disk: it is the most of what agents run, and a disk takes as long
/// for its word as all the rest of the way.
pub async fn accept(app: &App, who: Subject, judged: Judged) -> Result<Answer, Failure> {
    if let Some(answer) = settled(&judged) {
        let decided = Decided::of(&answer.decision);
        let plain = Plain {
            row: row::new(app.now(), &who, &judged, &decided, None)?,
            events: vec![told(&who, &judged, &decided, None)],
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
    Some(Answer::new(judged.invocation.id.clone(), judged.digest, decision))
}

async fn record(tx: &mut Tx, who: Subject, judged: Judged) -> Result<Option<Answer>, Failure> {
    let id = judged.invocation.id.clone();
    if let Some(found) = row::find_in(tx.connection(), &id).await? {
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
    let row = row::new(tx.now(), &who, &judged, &decided, approval.as_ref())?;
    if row.run(tx.connection()).await? == 0 {
        return Err(Failure::internal(format!("{id} is there already")));
    }
    tx.audit(told(&who, &judged, &decided, approval.as_ref())).await?;
    Ok(Answer::new(id, judged.digest, decision))
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
                let found = owned_in(tx.connection(), &who, &id).await?;
                now(tx, found, in_force).await
            })
        })
        .await?;
    Ok(Answer { decision: approvals::with_url(app, answer.decision), ..answer })
}

/// The decision, where nothing has to be written: whoever waits costs the writer nothing.
async fn unchanged(app: &App, who: &Subject, id: &InvocationId) -> Result<Option<Answer>, Failure> {
    let Row { id, digest, decision, approval, .. } = owned(app, who, id).await?;
    let decision = match decision {
        Decided::Allow(terms) => Decision::Allow(terms),
        Decided::Deny(refusal) => Decision::Deny(refusal),
        Decided::Ask => {
            let Some(approval) = approval else { return Ok(None) };
            let mut connection = app.store.pool().acquire().await?;
            match approvals::waiting(&mut connection, &approval, app.now()).await? {
                Some(ticket) => Decision::Ask(ticket),
                None => return Ok(None),
            }
        }
    };
    Ok(Some(Answer::new(id, digest, decision)))
}

async fn now(tx: &mut Tx, row: Row, in_force: Option<Digest>) -> Result<Answer, Failure> {
    let judged_anew = (row.policy_set != in_force).then(|| judged_by_others(&row.command));
    let Row { id, digest, who, .. } = row;
    let approval = match (row.decision, row.approval) {
        (Decided::Allow(terms), _) => return Ok(Answer::new(id, digest, Decision::Allow(terms))),
        (Decided::Deny(refusal), _) => {
            return Ok(Answer::new(id, digest, Decision::Deny(refusal)));
        }
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
    Ok(Answer::new(id, digest, decision))
}
