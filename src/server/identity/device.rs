//! The device grant (RFC 8628): a keeper or command line asks, a person says yes or no on a page, the asker polls.
//!
//! A grant is pending until it is answered or its time is over, and tokens are given for it once.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use zeroize::Zeroizing;

use super::token::{self, Kind};
use super::{attempts, logins, read_subject, write_subject};
use crate::model::{Micros, Subject};
use crate::server::audit::Event;
use crate::server::http::error::Failure;
use crate::server::store::Tx;

const LIFE: Micros = Micros::seconds(600);
/// The pause between two polls that the asker is told to keep.
pub const PAUSE: Micros = Micros::seconds(2);
/// Added to the pause whenever it is not kept (RFC 8628 section 3.5).
const SLOWER: Micros = Micros::seconds(5);
/// A poll may come this much too early without being called fast.
const TOLERANCE: Micros = Micros(250_000);

/// Devices that one address may start, and wrong codes that one person or address may enter, in ten minutes.
const MOST_STARTED: i64 = 100;
const MOST_WRONG: i64 = 10;

/// A grant that was just opened.
pub struct Opened {
    pub device_code: Zeroizing<String>,
    /// As shown: `WDJB-MJHT`.
    pub user_code: String,
    pub seconds: i64,
}

/// Who asks, as far as it can be told. Both are shown to the person who must say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// What the asker says of itself, already made safe for eyes.
    pub client: String,
    /// The address the request came from.
    pub address: String,
}

/// A grant that waits, as a person sees it.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// As shown.
    pub user_code: String,
    pub asker: Asker,
    pub asked: Micros,
    pub expires: Micros,
}

pub enum Found {
    Waiting(Waiting),
    /// No such code, or not any more.
    Nothing,
    /// Too many wrong codes: even the right one is not looked at.
    Limited,
}

pub enum Polled {
    Pending,
    SlowDown,
    Refused,
    Expired,
    /// Never given out, or already traded.
    Unknown,
    Issued(logins::Issued),
}

/// Opens a grant; `None` where this address opened too many.
pub async fn open(tx: &mut Tx, asker: Asker) -> Result<Option<Opened>, Failure> {
    if attempts::add(tx, &format!("device {}", asker.address)).await? > MOST_STARTED {
        return Ok(None);
    }
    let now = tx.now();
    // Answers stay known for one more lifetime, so that a late poll hears `expired_token` and not a riddle.
    sqlx::query("DELETE FROM device_grants WHERE expires < $1")
        .bind(now.since(LIFE).0)
        .execute(tx.connection())
        .await?;
    let device_code = token::fresh(Kind::Device).map_err(Failure::internal)?;
    let user_code = token::fresh_user_code().map_err(Failure::internal)?;
    sqlx::query(
        "INSERT INTO device_grants (device, user_code, client, address, asked, expires, pause, polled, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'pending')",
    )
    .bind(token::digest(&device_code))
    .bind(&user_code)
    .bind(asker.client)
    .bind(asker.address)
    .bind(now.0)
    .bind(now.plus(LIFE).0)
    .bind(PAUSE.0)
    .execute(tx.connection())
    .await?;
    Ok(Some(Opened { device_code, user_code: token::spaced_user_code(&user_code), seconds: LIFE.0 / 1_000_000 }))
}

/// The grant of a code that a person typed. `by` is who is counted against: the person, or the address.
pub async fn find(tx: &mut Tx, typed: &str, by: &str) -> Result<Found, Failure> {
    let by = format!("code {by}");
    if attempts::count(tx, &by).await? >= MOST_WRONG {
        return Ok(Found::Limited);
    }
    let now = tx.now();
    let row = match token::read_user_code(typed) {
        Some(code) => {
            sqlx::query(
                "SELECT user_code, client, address, asked, expires FROM device_grants \
                 WHERE user_code = $1 AND state = 'pending' AND expires > $2",
            )
            .bind(code)
            .bind(now.0)
            .fetch_optional(tx.connection())
            .await?
        }
        None => None,
    };
    match row {
        Some(row) => Ok(Found::Waiting(waiting(&row)?)),
        None => {
            attempts::add(tx, &by).await?;
            Ok(Found::Nothing)
        }
    }
}

fn waiting(row: &AnyRow) -> Result<Waiting, Failure> {
    Ok(Waiting {
        user_code: token::spaced_user_code(&row.try_get::<String, _>(0)?),
        asker: Asker { client: row.try_get(1)?, address: row.try_get(2)? },
        asked: Micros(row.try_get(3)?),
        expires: Micros(row.try_get(4)?),
    })
}

/// A person's answer: `Some(subject)` is yes, as that subject. False where the grant no longer waits.
pub async fn answer(tx: &mut Tx, waiting: &Waiting, by: &Subject, as_whom: Option<&Subject>) -> Result<bool, Failure> {
    let now = tx.now();
    let who = as_whom.map(write_subject).transpose()?;
    let state = if who.is_some() { "approved" } else { "refused" };
    let changed = sqlx::query(
        "UPDATE device_grants SET state = $1, who = $2 WHERE user_code = $3 AND state = 'pending' AND expires > $4",
    )
    .bind(state)
    .bind(who)
    .bind(token::read_user_code(&waiting.user_code))
    .bind(now.0)
    .execute(tx.connection())
    .await?
    .rows_affected();
    if changed == 1 {
        let event = Event::new("login.answered").who(by).with("answer", state);
        let event = event.with("client", waiting.asker.client.as_str());
        tx.audit(event.with("address", waiting.asker.address.as_str())).await?;
    }
    Ok(changed == 1)
}

/// The asker polls. Polling faster than told makes the pause longer, for good.
pub async fn poll(tx: &mut Tx, device_code: &str) -> Result<Polled, Failure> {
    let (now, device) = (tx.now(), token::digest(device_code));
    let row = sqlx::query("SELECT state, expires, pause, polled, who, client FROM device_grants WHERE device = $1")
        .bind(&device)
        .fetch_optional(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(Polled::Unknown) };
    let (state, expires): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    if expires <= now.0 {
        return Ok(Polled::Expired);
    }
    match state.as_str() {
        "pending" => pause(tx, &device, Micros(row.try_get(2)?), Micros(row.try_get(3)?)).await,
        "refused" => Ok(Polled::Refused),
        "approved" => {
            sqlx::query("UPDATE device_grants SET state = 'used' WHERE device = $1")
                .bind(&device)
                .execute(tx.connection())
                .await?;
            let subject = read_subject(row.try_get(4)?)?;
            let client: String = row.try_get(5)?;
            Ok(Polled::Issued(logins::begin(tx, &subject, &client).await?))
        }
        _ => Ok(Polled::Unknown),
    }
}

async fn pause(tx: &mut Tx, device: &str, pause: Micros, polled: Micros) -> Result<Polled, Failure> {
    let now = tx.now();
    let fast = now.since(polled).plus(TOLERANCE) < pause;
    let pause = if fast { pause.plus(SLOWER) } else { pause };
    sqlx::query("UPDATE device_grants SET polled = $1, pause = $2 WHERE device = $3")
        .bind(now.0)
        .bind(pause.0)
        .bind(device)
        .execute(tx.connection())
        .await?;
    Ok(if fast { Polled::SlowDown } else { Polled::Pending })
}
