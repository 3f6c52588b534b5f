//! The end of a run: its grants are taken back, and the log says how it went.

use super::App;
use super::audit::Event;
use super::http::error::Failure;
use super::invocations::{self, Decided};
use super::issuers;
use super::store::{self, Statement, Tx, Value};
use crate::model::{InvocationId, Micros, Subject, visible};
use crate::wire::contract::End;

/// Kinds of masked things one end may name, and characters of a name.
const KINDS: usize = 64;
const KIND: usize = 40;

/// Takes back the grants and writes the end down. Repeated, it only takes back again.
pub async fn end(app: &App, who: &Subject, id: &InvocationId, end: End) -> Result<(), Failure> {
    match invocations::owned(app, who, id).await?.decision {
        Decided::Allow(_) => {}
        Decided::Ask | Decided::Deny(_) => return Err(Failure::conflict("it was not allowed, so it cannot end")),
    }
    for minting in MINTING {
        let taken = Taken { back: taken_back(app, id).await, minting };
        let (who, id, end) = (who.clone(), id.clone(), end.clone());
        let write = app.store.write(move |tx| Box::pin(async move { record(tx, &who, &id, end, taken).await }));
        if write.await? {
            break;
        }
    }
    Ok(())
}

/// A grant may be minted just while its command ends. Once the end is written down there is none any more
/// ([`issuers::closed`]), so it is written down only where none has been lent since they were taken back. In the last try
/// it is written all the same, and what there is is left to the reaper: the clock may have been set back.
pub const MINTING: [Minting; 3] = [Minting::Waits, Minting::Waits, Minting::LeftToReaper];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minting {
    Waits,
    LeftToReaper,
}

/// What became of the grants.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// All that there were.
    pub back: bool,
    pub minting: Minting,
}

/// Whether the grants are; those that are not, the reaper tries again.
pub async fn taken_back(app: &App, id: &InvocationId) -> bool {
    let revoked = issuers::revoke(app, id).await;
    if let Err(failure) = &revoked {
        tracing::error!(invocation = %id, %failure, "grants were not taken back; the reaper tries again");
    }
    revoked.is_ok()
}

/// Writes the end down, once. False where a grant was lent meanwhile: it must be taken back first.
pub async fn record(tx: &mut Tx, who: &Subject, id: &InvocationId, end: End, taken: Taken) -> Result<bool, Failure> {
    if taken.minting == Minting::Waits && issuers::lent(tx, id).await? {
        return Ok(false);
    }
    let end = tidy(end);
    let mut values = values(tx.now(), &end)?;
    values.push(id.as_str().into());
    let ended = Statement {
        sql: "UPDATE invocations SET ended = $1, exit = $2, duration = $3, bytes = $4, masked = $5 \
              WHERE id = $6 AND ended IS NULL",
        values,
    };
    if ended.run(tx.connection()).await? > 0 {
        tx.audit(told(who, id, &end, taken.back)?).await?;
    }
    Ok(true)
}

/// What a keeper says of an end, within bounds.
pub fn tidy(mut end: End) -> End {
    end.masked.truncate(KINDS);
    for (kind, _) in &mut end.masked {
        *kind = visible::line(kind.as_bytes(), KIND);
    }
    end
}

/// Of the columns `ended`, `exit`, `duration`, `bytes` and `masked`.
pub fn values(now: Micros, end: &End) -> Result<Vec<Value>, store::Error> {
    Ok(vec![
        now.0.into(),
        serde_json::to_string(&end.exit)?.into(),
        end.duration.max(Micros(0)).0.into(),
        i64::try_from(end.bytes).unwrap_or(i64::MAX).into(),
        serde_json::to_string(&end.masked)?.into(),
    ])
}

/// What the log says of an end. `revoked`: nothing that was lent is left.
pub fn told(who: &Subject, id: &InvocationId, end: &End, revoked: bool) -> Result<Event, store::Error> {
    Ok(Event::new("end")
        .who(who)
        .invocation(id)
        .with("exit", serde_json::to_value(end.exit)?)
        .with("duration", end.duration.0)
        .with("bytes", end.bytes)
        .with("masked", serde_json::to_value(&end.masked)?)
        .with("revoked", revoked))
}
