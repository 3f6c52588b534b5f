//! Drawing grants: once, by whoever was allowed, soon after.

use std::sync::Arc;

use super::App;
use super::audit::Event;
use super::http::error::Failure;
use super::invocations::{self, Decided};
use super::issuers::{self, Drawing};
use super::store::Tx;
use crate::model::{Grant, GrantKind, InvocationId, Micros, Reading, Subject, Terms};

/// An allowed command that draws nothing for this long is not one that is about to run.
const SOON: Micros = Micros::seconds(600);

/// Mints the grants that the terms name.
///
/// # Errors
/// 404 for an invocation of somebody else, 409 where it is not allowed, has drawn already, has ended, or is too old.
/// All tries are in the audit log.
pub async fn draw(app: &Arc<App>, who: &Subject, id: &InvocationId) -> Result<Vec<Grant>, Failure> {
    let (subject, wanted) = (who.clone(), id.clone());
    let claimed = app.store.write(move |tx| Box::pin(async move { claim(tx, &subject, &wanted).await })).await?;
    let Claim { reading, terms } = claimed.map_err(Failure::conflict)?;
    // The caller may go while a role is being made: finished anyway, so that nothing is made and forgotten.
    let (app, subject, id) = (app.clone(), who.clone(), id.clone());
    tokio::spawn(async move { mint(&app, &subject, &id, &reading, &terms).await }).await.map_err(Failure::internal)?
}

struct Claim {
    reading: Reading,
    terms: Terms,
}

/// Marks the invocation as drawn, before anything is minted. The inner `Err` is a no that stays in the log.
async fn claim(tx: &mut Tx, who: &Subject, id: &InvocationId) -> Result<Result<Claim, &'static str>, Failure> {
    let row = invocations::owned_in(tx.connection(), who, id).await?;
    let late = tx.now().since(allowed_at(tx, &row).await?) > SOON;
    let (drawn, ended, reading) = (row.drawn, row.ended, row.reading);
    let verdict = match row.decision {
        Decided::Deny(_) => Err("it was refused"),
        Decided::Ask => Err("it still waits for approval"),
        Decided::Allow(_) if ended.is_some() => Err("it has ended"),
        Decided::Allow(_) if drawn.is_some() => Err("its grants were drawn already"),
        Decided::Allow(_) if late => Err("it was allowed too long ago"),
        Decided::Allow(terms) => Ok(terms),
    };
    match verdict {
        Err(why) => {
            tx.audit(Event::new("grant.barred").who(who).invocation(id).with("why", why)).await?;
            Ok(Err(why))
        }
        Ok(terms) => {
            sqlx::query("UPDATE invocations SET drawn = $1 WHERE id = $2")
                .bind(tx.now().0)
                .bind(id.as_str())
                .execute(tx.connection())
                .await?;
            Ok(Ok(Claim { reading, terms }))
        }
    }
}

/// When the command became allowed: when it was asked, or when a human settled it.
async fn allowed_at(tx: &mut Tx, row: &invocations::Row) -> Result<Micros, Failure> {
    let Some(approval) = &row.approval else { return Ok(row.began) };
    let found = super::approvals::by_id(tx.connection(), approval).await?;
    Ok(found.and_then(|approval| approval.settled()).map_or(row.began, |settled| settled.max(row.began)))
}

async fn mint(
    app: &App,
    who: &Subject,
    id: &InvocationId,
    reading: &Reading,
    terms: &Terms,
) -> Result<Vec<Grant>, Failure> {
    let minted = issuers::draw(app, &Drawing { invocation: id, reading, terms }).await;
    let event = match &minted {
        Ok(grants) if grants.is_empty() => return minted,
        Ok(grants) => Event::new("grant.drawn").with("grants", grants.iter().map(told).collect::<Vec<_>>()),
        Err(failure) => {
            Event::new("grant.failed").with("grants", terms.grants.clone()).with("why", failure.to_string())
        }
    };
    let event = event.who(who).invocation(id);
    let written = app.store.write(move |tx| Box::pin(async move { tx.audit(event).await.map(|_| ()) })).await;
    if let Err(error) = written {
        // Unrecorded, so not handed out.
        issuers::revoke(app, id).await?;
        return Err(Failure::from(error));
    }
    minted
}

/// A grant as the log tells it: everything but the secret.
fn told(grant: &Grant) -> serde_json::Value {
    let target = match &grant.kind {
        GrantKind::Postgres { host, port, database, role } => format!("postgres {role}@{host}:{port}/{database}"),
        GrantKind::Token { url, .. } => format!("token {url}"),
        GrantKind::Kubernetes { server, .. } => format!("kubernetes {server}"),
    };
    serde_json::json!({ "name": grant.name, "target": target, "expires": grant.expires.0 })
}
