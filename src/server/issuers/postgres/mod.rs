//! Kind `postgres`: a role made for one command, with just the privileges of what was read from it, dropped at its end.
//!
//! The issuer role is an ordinary one with CREATEROLE and whatever it may hand on; `setup.sql` beside this file makes
//! one, and says why each line is there. Two ways to let it hand privileges on: membership in the role that owns the
//! tables (needed for ALTER and DROP), or grants WITH GRANT OPTION on just some tables (then a role never gets more).
//!
//! **What a role gets.** SELECT, INSERT and UPDATE on the columns that the text names, where it names them; DELETE and
//! TRUNCATE on the table; USAGE on the schemas; CONNECT. It inherits nothing, and its password is known to nobody but
//! the command: PostgreSQL is given a SCRAM verifier, so not even its log has it.
//!
//! **ALTER and DROP** can only be done by an owner. Membership in the owner role would open all that this role owns, so
//! instead the one table changes its owner for the time of the command, and the owner becomes a member of the new role:
//! it goes on as before, and the command can touch nothing else. Who owned what is written on the role itself (its
//! comment), in the transaction that makes it, so it can be put back whatever else is lost. This works alike on
//! PostgreSQL 15 and on 16 and later, where a creator has only the ADMIN option on what it creates: the issuer grants
//! itself the rest.
//!
//! **CREATE** is a privilege on a schema, so while the command runs it could make other things there too; ALTER needs it
//! as well (keys, indexes, new names). What was made belongs to the schema's owner afterwards.
//!
//! **The end.** A role is written to our store before it is committed there. Revoking forbids logins first, then ends
//! the role's sessions, gives back what it owned, takes away its privileges, and drops it; each step may be repeated,
//! and [`reap`] repeats them until the role is gone. It also drops marked roles past their time that the store does not
//! know. A role whose server died can log in no longer than its VALID UNTIL.

mod mint;
mod scram;
mod takedown;
mod wants;

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tokio::sync::OwnedMutexGuard;
use zeroize::Zeroizing;

use super::{Draw, Error, secret};
use crate::model::{Grant, GrantKind, InvocationId, Micros, Secret};
use crate::server::App;
use crate::server::config::{Credential, CredentialKind};
use crate::server::http::error::Failure;
use crate::server::store::{self, Tx};

/// What every role of ours is called, and how its comment begins.
const PREFIX: &str = "pc_";
const MARK: &str = "portcullis ";

/// How often leftovers that the store does not know are looked for.
const LOOK: Micros = Micros::seconds(60);

/// For the whole connection to the issuer's database, the first answer included.
const CONNECT: Duration = Duration::from_secs(10);

/// One configured database and the role that mints in it.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    name: &'a str,
    host: &'a str,
    port: u16,
    database: &'a str,
    issuer: &'a str,
    password_file: Option<&'a Path>,
    ca_file: Option<&'a Path>,
    other_databases: bool,
}

impl<'a> Target<'a> {
    fn of(credential: &'a Credential) -> Option<Self> {
        match &credential.kind {
            CredentialKind::Postgres { host, port, database, role, password_file, ca_file, other_databases } => {
                Some(Target {
                    name: &credential.name,
                    host,
                    port: *port,
                    database,
                    issuer: role,
                    password_file: password_file.as_deref(),
                    ca_file: ca_file.as_deref(),
                    other_databases: *other_databases,
                })
            }
            CredentialKind::Token { .. } | CredentialKind::Kubernetes { .. } => None,
        }
    }

    /// PostgreSQL fails one of two transactions that grant on the same table at once ("tuple concurrently updated"), so
    /// ours take turns. Not by an advisory lock: any session could hold that, a minted role's too.
    async fn turn(&self, app: &App) -> OwnedMutexGuard<()> {
        let turns = {
            let mut turns = app.issuers.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(format!("{}:{}/{}", self.host, self.port, self.database)).or_default().clone()
        };
        turns.lock_owned().await
    }

    fn broken(&self, inside: impl ToString) -> Error {
        Error::Issuer { name: self.name.to_owned(), inside: inside.to_string() }
    }

    /// With PostgreSQL's own detail, which names what is in the way.
    fn failed(&self, error: sqlx::Error) -> Error {
        let detail = error
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
            .and_then(PgDatabaseError::detail);
        self.broken(detail.map_or_else(|| error.to_string(), |detail| format!("{error}: {detail}")))
    }

    /// As the issuer role. Names are looked up in `pg_catalog` alone, so nothing in the database can stand in for what
    /// we call. Off this machine, only over TLS with the server's name checked.
    async fn connect(&self) -> Result<PgConnection, Error> {
        let local = matches!(self.host, "localhost" | "127.0.0.1" | "::1") || self.host.starts_with('/');
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(self.host)
            .port(self.port)
            .database(self.database)
            .username(self.issuer)
            .application_name("portcullis-server")
            .ssl_mode(if local && self.ca_file.is_none() { PgSslMode::Prefer } else { PgSslMode::VerifyFull })
            .options([
                ("search_path", "pg_catalog"),
                ("lock_timeout", "3s"),
                ("statement_timeout", "15s"),
                ("idle_in_transaction_session_timeout", "60s"),
            ])
            .disable_statement_logging();
        if let Some(ca) = self.ca_file {
            options = options.ssl_root_cert(ca);
        }
        if let Some(path) = self.password_file {
            let password = secret(self.name, path)?;
            let password =
                std::str::from_utf8(password.expose()).map_err(|_| self.broken("the password is no text"))?;
            options = options.password(password);
        }
        match tokio::time::timeout(CONNECT, PgConnection::connect_with(&options)).await {
            Ok(connection) => connection.map_err(|error| self.failed(error)),
            Err(_) => Err(self.broken("no connection in time")),
        }
    }
}

pub async fn issue(app: &App, draw: &Draw<'_>) -> Result<Grant, Error> {
    let target = Target::of(draw.credential)
        .ok_or_else(|| Error::Issuer { name: draw.credential.name.clone(), inside: "not of this kind".to_owned() })?;
    let wants = wants::of(draw.drawing.reading)?;
    let role = new_role_name().map_err(|error| target.broken(error))?;
    let password = new_password().map_err(|error| target.broken(error))?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| target.broken(error))?;
    let order = mint::Order {
        role: &role,
        verifier: &scram::verifier(&password, &salt),
        seconds: draw.expires.since(draw.now).0 / 1_000_000,
        invocation: draw.drawing.invocation,
        wants: &wants,
    };
    let mut connection = target.connect().await?;
    let turn = target.turn(app).await;
    let mut transaction = connection.begin().await.map_err(|error| target.failed(error))?;
    mint::mint(&mut transaction, &target, &order).await?;
    // From here on the role may exist: known to the store first, so that it is found again whatever happens.
    if !remember(app, &target, &role, draw).await? {
        return Err(Error::Ended(target.name.to_owned()));
    }
    transaction.commit().await.map_err(|error| target.failed(error))?;
    drop(turn);
    // Whoever hangs up here leaves a session behind that PostgreSQL ends by itself.
    let _ = connection.close().await;
    let (host, database) = (target.host.to_owned(), target.database.to_owned());
    Ok(Grant {
        name: target.name.to_owned(),
        kind: GrantKind::Postgres { host, port: target.port, database, role },
        secret: Secret::new(password.as_bytes().to_vec()),
        expires: draw.expires,
    })
}

/// 80 random bits. Ours, not the invocation's id: the agent's side chose that, and could choose another command's.
fn new_role_name() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(PREFIX.to_owned(), |name, byte| format!("{name}{byte:02x}")))
}

/// 256 random bits, in letters that need no escaping in a password file.
fn new_password() -> Result<Zeroizing<String>, getrandom::Error> {
    use base64::Engine as _;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    Ok(Zeroizing::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

/// False where the command has ended.
async fn remember(app: &App, target: &Target<'_>, role: &str, draw: &Draw<'_>) -> Result<bool, store::Error> {
    let (credential, role) = (target.name.to_owned(), role.to_owned());
    let (invocation, due) = (draw.drawing.invocation.clone(), draw.expires);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if super::closed(tx, &invocation).await? {
                    return Ok(false);
                }
                sqlx::query("INSERT INTO lent (credential, role, invocation, due) VALUES ($1, $2, $3, $4)")
                    .bind(credential)
                    .bind(role)
                    .bind(invocation.as_str())
                    .bind(due.0)
                    .execute(tx.connection())
                    .await?;
                Ok::<_, store::Error>(true)
            })
        })
        .await
}

/// Whether the command has a role that is not due.
pub async fn lent(tx: &mut Tx, invocation: &InvocationId) -> Result<bool, store::Error> {
    let now = tx.now().0;
    let found = sqlx::query("SELECT 1 FROM lent WHERE invocation = $1 AND due > $2")
        .bind(invocation.as_str())
        .bind(now)
        .fetch_optional(tx.connection())
        .await?;
    Ok(found.is_some())
}

/// The roles of one command: due at once, and taken down now if that can be done.
pub async fn revoke(app: &App, invocation: &InvocationId) -> Result<(), Failure> {
    let id = invocation.clone();
    let lent = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let rows = sqlx::query(
                    "UPDATE lent SET due = CASE WHEN due < $1 THEN due ELSE $1 END WHERE invocation = $2 \
                     RETURNING credential, role",
                )
                .bind(now.0)
                .bind(id.as_str())
                .fetch_all(tx.connection())
                .await?;
                let pair = |row: &sqlx::any::AnyRow| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?));
                Ok::<Vec<(String, String)>, Failure>(rows.iter().map(pair).collect::<Result<_, _>>()?)
            })
        })
        .await?;
    take_down_all(app, lent).await
}

/// Whatever is due, and marked roles past their time that nobody remembers.
pub async fn reap(app: &App) -> Result<(), Failure> {
    let rows = sqlx::query("SELECT credential, role FROM lent WHERE due <= $1")
        .bind(app.now().0)
        .fetch_all(app.store.pool())
        .await?;
    let pair = |row: &sqlx::any::AnyRow| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?));
    let mut due: Vec<(String, String)> = rows.iter().map(pair).collect::<Result<_, _>>()?;
    let looked = app.issuers.looked.load(Ordering::Relaxed);
    let now = app.now().0;
    let look = now.saturating_sub(looked) >= LOOK.0;
    if look {
        app.issuers.looked.store(now, Ordering::Relaxed);
    }
    for target in app.config.credentials.iter().filter_map(Target::of).filter(|_| look) {
        match takedown::leftovers(&target).await {
            Ok(roles) => due.extend(roles.into_iter().map(|role| (target.name.to_owned(), role))),
            Err(error) => {
                tracing::warn!(credential = target.name, error = told(&error), "leftovers were not looked for")
            }
        }
    }
    due.sort();
    due.dedup();
    take_down_all(app, due).await
}

/// Takes down what it can, and says at the end what it could not.
async fn take_down_all(app: &App, roles: Vec<(String, String)>) -> Result<(), Failure> {
    let mut left = Vec::new();
    for (credential, role) in roles {
        let target = app.config.credentials.iter().filter(|c| c.name == credential).find_map(Target::of);
        let done = match target {
            Some(target) => takedown::take_down(app, &target, &role).await,
            None => Err(Error::Unknown(credential.clone())),
        };
        match done {
            Ok(()) => forget(app, credential, role).await?,
            Err(error) => left.push(format!("{role} of {credential}: {}", told(&error))),
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(Failure::internal(format!("roles were not dropped: {}", left.join("; "))))
}

async fn forget(app: &App, credential: String, role: String) -> Result<(), store::Error> {
    app.store
        .write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM lent WHERE credential = $1 AND role = $2")
                    .bind(credential)
                    .bind(role)
                    .execute(tx.connection())
                    .await?;
                Ok::<_, store::Error>(())
            })
        })
        .await
}

/// An error with its inner words, for the log.
fn told(error: &Error) -> String {
    match error {
        Error::Issuer { inside, .. } => format!("{error}: {inside}"),
        other => other.to_string(),
    }
}

/// Runs a statement whose names and literals PostgreSQL itself quotes: `%I` and `%L` of format(), in order.
async fn run(connection: &mut PgConnection, template: &'static str, words: &[&str]) -> Result<(), sqlx::Error> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let statement: String = sqlx::query_scalar("SELECT pg_catalog.format($1, VARIADIC $2::text[])")
        .bind(template)
        .bind(words)
        .fetch_one(&mut *connection)
        .await?;
    // Safe: the template is a constant, and every word in it was quoted by the server that reads it.
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}
