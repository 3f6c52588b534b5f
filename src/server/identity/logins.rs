//! Logins and their tokens: short access tokens, refresh tokens that are used once.
//!
//! A refresh token that comes a second time was copied; which of the two is the thief cannot be told, so the whole
//! login ends (RFC 9700 section 4.14.2). One exception, because an answer can be lost on its way: the token that was
//! replaced last is taken once more within [`AGAIN`], and what it was replaced by, which nobody has used, is void from
//! then on. If a thief had it, the owner's next request ends the login. Ending a login ends all its tokens at once.

use sqlx::Row as _;
use zeroize::Zeroizing;

use super::token::{self, Kind};
use super::{read_subject, write_subject};
use crate::model::{Micros, Subject};
use crate::server::audit::Event;
use crate::server::http::error::Failure;
use crate::server::store::Tx;

const ACCESS: Micros = Micros::seconds(600);
/// A refresh token that nobody used this long is dead.
const IDLE: Micros = Micros::seconds(30 * 86_400);
/// How long after its use a refresh token may come again, when its answer was lost: longer than a client waits for one.
const AGAIN: Micros = Micros::seconds(30);
/// However busy, a login ends; groups and names are read anew at the next one.
const LONGEST: Micros = Micros::seconds(90 * 86_400);
/// A job's login ends with the day, if nobody ended it with the job.
const JOB: Micros = Micros::seconds(86_400);

/// The two tokens of an answer of the token endpoint.
pub struct Issued {
    pub access: Zeroizing<String>,
    pub refresh: Zeroizing<String>,
    /// Life of the access token.
    pub seconds: i64,
}

/// What became of a refresh token.
pub enum Rotated {
    Issued(Issued),
    /// Unknown, over, or of an ended login.
    Invalid,
    /// Used before: the login has been ended.
    Reused,
}

/// Begins a login of `subject` on `client` (words for humans: which machine).
pub async fn begin(tx: &mut Tx, subject: &Subject, client: &str) -> Result<Issued, Failure> {
    begin_for(tx, subject, client, LONGEST).await
}

/// The same for a job.
pub async fn begin_job(tx: &mut Tx, subject: &Subject) -> Result<Issued, Failure> {
    begin_for(tx, subject, "a job", JOB).await
}

async fn begin_for(tx: &mut Tx, subject: &Subject, client: &str, longest: Micros) -> Result<Issued, Failure> {
    let now = tx.now();
    let id = token::fresh(Kind::Once).map_err(Failure::internal)?;
    sqlx::query("DELETE FROM login_tokens WHERE expires < $1").bind(now.0).execute(tx.connection()).await?;
    sqlx::query("INSERT INTO logins (id, who, client, began, expires) VALUES ($1, $2, $3, $4, $5)")
        .bind(id.as_str())
        .bind(write_subject(subject)?)
        .bind(client)
        .bind(now.0)
        .bind(now.plus(longest).0)
        .execute(tx.connection())
        .await?;
    tx.audit(Event::new("login.began").who(subject).with("client", client)).await?;
    issue(tx, &id, now.plus(longest), None).await
}

/// Trades a refresh token for the next pair.
pub async fn rotate(tx: &mut Tx, refresh: &str) -> Result<Rotated, Failure> {
    let (now, digest) = (tx.now(), token::digest(refresh));
    let found = sqlx::query(
        "SELECT t.login, t.used, t.again, t.expires, l.expires, l.revoked FROM login_tokens t JOIN logins l ON l.id = t.login \
         WHERE t.digest = $1 AND t.kind = 'refresh'",
    )
    .bind(&digest)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = found else { return Ok(Rotated::Invalid) };
    let (login, used, again): (String, Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (expires, ends, revoked): (i64, i64, Option<i64>) = (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    if revoked.is_some() {
        return Ok(Rotated::Invalid);
    }
    if let Some(used) = used {
        let soon = again.is_none() && now.since(Micros(used)) < AGAIN;
        if !soon || !give_up_successor(tx, &digest).await? {
            end(tx, &login, "login.refresh_reused").await?;
            return Ok(Rotated::Reused);
        }
    }
    if expires <= now.0 || ends <= now.0 {
        return Ok(Rotated::Invalid);
    }
    let seen = match used {
        Some(_) => "UPDATE login_tokens SET again = $1 WHERE digest = $2",
        None => "UPDATE login_tokens SET used = $1 WHERE digest = $2",
    };
    sqlx::query(seen).bind(now.0).bind(&digest).execute(tx.connection()).await?;
    Ok(Rotated::Issued(issue(tx, &login, Micros(ends), Some(&digest)).await?))
}

/// Makes void what was issued for a refresh token; false where its refresh token was used by now. Whoever comes with the
/// void one has read an answer that was said to be lost: to [`rotate`] it is one that was used long ago.
async fn give_up_successor(tx: &mut Tx, parent: &str) -> Result<bool, Failure> {
    let given_up = sqlx::query(
        "UPDATE login_tokens SET used = $1, again = $1 WHERE parent = $2 AND kind = 'refresh' AND used IS NULL",
    )
    .bind(tx.now().0)
    .bind(parent)
    .execute(tx.connection())
    .await?;
    if given_up.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM login_tokens WHERE parent = $1 AND kind = 'access'")
        .bind(parent)
        .execute(tx.connection())
        .await?;
    Ok(true)
}

/// Ends the login that a token of either kind belongs to. A token that nobody knows is no error (RFC 7009 section 2.2).
pub async fn revoke(tx: &mut Tx, token: &str) -> Result<(), Failure> {
    let row = sqlx::query("SELECT login FROM login_tokens WHERE digest = $1")
        .bind(token::digest(token))
        .fetch_optional(tx.connection())
        .await?;
    match row {
        Some(row) => end(tx, &row.try_get::<String, _>(0)?, "login.ended").await,
        None => Ok(()),
    }
}

async fn end(tx: &mut Tx, login: &str, kind: &'static str) -> Result<(), Failure> {
    let now = tx.now();
    let row = sqlx::query("UPDATE logins SET revoked = $1 WHERE id = $2 AND revoked IS NULL RETURNING who, client")
        .bind(now.0)
        .bind(login)
        .fetch_optional(tx.connection())
        .await?;
    if let Some(row) = row {
        let (who, client): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        tx.audit(Event::new(kind).who(&read_subject(who)?).with("client", client)).await?;
    }
    Ok(())
}

/// `parent` is the digest of the refresh token that the pair is issued for.
async fn issue(tx: &mut Tx, login: &str, ends: Micros, parent: Option<&str>) -> Result<Issued, Failure> {
    let now = tx.now();
    let access = token::fresh(Kind::Access).map_err(Failure::internal)?;
    let refresh = token::fresh(Kind::Refresh).map_err(Failure::internal)?;
    let until = |life: Micros| now.plus(life).min(ends);
    for (text, kind, expires) in [(&access, "access", until(ACCESS)), (&refresh, "refresh", until(IDLE))] {
        sqlx::query("INSERT INTO login_tokens (digest, login, kind, expires, parent) VALUES ($1, $2, $3, $4, $5)")
            .bind(token::digest(text))
            .bind(login)
            .bind(kind)
            .bind(expires.0)
            .bind(parent)
            .execute(tx.connection())
            .await?;
    }
    Ok(Issued { access, refresh, seconds: until(ACCESS).since(now).0 / 1_000_000 })
}
