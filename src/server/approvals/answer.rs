//! A human's yes or no, from whichever door it comes: the command line or the page.

use super::{Approval, barred, may_see, row};
use crate::model::{ApprovalId, Subject, visible};
use crate::server::App;
use crate::server::audit::Event;
use crate::server::http::error::Failure;
use crate::server::store::Tx;
use crate::wire::contract::{ApprovalAnswer, ApprovalState, ApprovalView};

/// Characters of a reason.
const REASON: usize = 1_000;

/// Records an answer and gives the approval as it is then.
///
/// # Errors
/// 404 where there is none that `by` may see, 403 where `by` can never answer it (and the try is in the audit log),
/// 409 where it is settled or `by` answered before.
pub async fn answer(
    app: &App,
    id: &ApprovalId,
    by: &Subject,
    approved: bool,
    reason: &str,
) -> Result<ApprovalView, Failure> {
    let (found, answerer) = (find(app, id, by).await?, by.clone());
    let answer = Given {
        id: found.id.clone(),
        by: by.clone(),
        approved,
        reason: visible::line(reason.trim().as_bytes(), REASON),
    };
    let outcome = app.store.write(move |tx| Box::pin(async move { record(tx, answer).await })).await?;
    match outcome {
        Outcome::Taken(approval, answers) => Ok(approval.view(answers, &app.config.public_url, app.now())),
        Outcome::Barred(why) => {
            tracing::warn!(approval = %found.id, by = answerer.id, why, "an answer was not taken");
            Err(Failure::forbidden(why))
        }
    }
}

async fn find(app: &App, id: &ApprovalId, by: &Subject) -> Result<Approval, Failure> {
    let mut connection = app.store.pool().acquire().await?;
    let found = row::by_id(&mut connection, id).await?;
    found.filter(|found| may_see(app, by, found)).ok_or_else(|| Failure::not_found("no such approval"))
}

struct Given {
    id: ApprovalId,
    by: Subject,
    approved: bool,
    reason: String,
}

/// A barred try is a result, not an error: its audit entry must stay.
enum Outcome {
    Taken(Box<Approval>, Vec<ApprovalAnswer>),
    Barred(&'static str),
}

async fn record(tx: &mut Tx, given: Given) -> Result<Outcome, Failure> {
    let Given { id, by, approved, reason } = given;
    let now = tx.now();
    let mut approval = row::by_id(tx.connection(), &id).await?.ok_or_else(|| Failure::not_found("no such approval"))?;
    let event = |kind| {
        Event::new(kind)
            .who(&by)
            .invocation(&approval.invocation)
            .with("approval", id.as_str())
            .with("digest", approval.digest.to_string())
            .with("reason", reason.as_str())
    };
    if let Some(why) = barred(&by, &approval) {
        tx.audit(event("approval.barred").with("approved", approved).with("why", why)).await?;
        return Ok(Outcome::Barred(why));
    }
    match approval.state(now) {
        ApprovalState::Pending => {}
        ApprovalState::Approved => return Err(Failure::conflict("it was approved already")),
        ApprovalState::Refused => return Err(Failure::conflict("it was refused already")),
        ApprovalState::Expired => return Err(Failure::conflict("it has expired")),
    }
    let mut answers = row::answers(tx.connection(), &id).await?;
    if answers.iter().any(|answer| answer.by.id == by.id) {
        return Err(Failure::conflict("you answered it already"));
    }
    let answer = ApprovalAnswer { by: by.clone(), approved, reason: reason.clone(), at: now };
    row::insert_answer(tx.connection(), &id, &answer).await?;
    answers.push(answer);
    tx.announce(id.as_str());
    tx.audit(event(if approved { "approval.approved" } else { "approval.refused" })).await?;
    let settled = match approved {
        false => Some(ApprovalState::Refused),
        true if approval.met(&answers) => Some(ApprovalState::Approved),
        true => None,
    };
    if let Some(state) = settled {
        row::settle(tx.connection(), &id, state, now).await?;
        approval.stored = state;
        approval.settled = Some(now);
    }
    Ok(Outcome::Taken(Box::new(approval), answers))
}
