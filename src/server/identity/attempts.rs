//! Limits on guessing, counted in the store, so that they hold across servers.

use sqlx::Row as _;

use crate::model::Micros;
use crate::server::http::error::Failure;
use crate::server::store::Tx;

/// Counts start anew with each period of this length.
const PERIOD: Micros = Micros::seconds(600);

/// How often `who` did it in this period.
pub async fn count(tx: &mut Tx, who: &str) -> Result<i64, Failure> {
    let period = period(tx.now());
    let row = sqlx::query("SELECT count FROM attempts WHERE who = $1 AND period = $2")
        .bind(who)
        .bind(period)
        .fetch_optional(tx.connection())
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}

/// Counts one more, and gives how many that makes.
pub async fn add(tx: &mut Tx, who: &str) -> Result<i64, Failure> {
    let period = period(tx.now());
    sqlx::query("DELETE FROM attempts WHERE period < $1").bind(period - 1).execute(tx.connection()).await?;
    let row = sqlx::query(
        "INSERT INTO attempts (who, period, count) VALUES ($1, $2, 1) \
         ON CONFLICT (who, period) DO UPDATE SET count = attempts.count + 1 RETURNING count",
    )
    .bind(who)
    .bind(period)
    .fetch_one(tx.connection())
    .await?;
    Ok(row.try_get(0)?)
}

fn period(now: Micros) -> i64 {
    now.0 / PERIOD.0
}
