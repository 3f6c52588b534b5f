//! Making a role and giving it what its command needs, in one transaction of the target database.

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row as _};

use super::super::Error;
use super::wants::{Columns, Need, Want};
use super::{MARK, PREFIX, Target, run};
use crate::model::InvocationId;
use tables::{Resolved, Table};

/// A command opens one connection, or a few.
const CONNECTIONS: &str = "4";

pub struct Order<'a> {
    pub role: &'a str,
    pub verifier: &'a str,
    /// Until the role can no longer log in, from now.
    pub seconds: i64,
    pub invocation: &'a InvocationId,
    pub wants: &'a BTreeSet<Want>,
}

/// What is written on a role: all that is needed to take it down.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Note {
    pub invocation: String,
    /// Where its privileges and tables are: only from there can it be taken down.
    pub database: String,
    /// Tables that the role owns for now, by OID, with the owner they go back to.
    pub owners: BTreeMap<i64, String>,
    /// Who gets what the role makes.
    pub heir: Option<String>,
}

pub async fn mint(connection: &mut PgConnection, target: &Target<'_>, order: &Order<'_>) -> Result<(), Error> {
    let resolved = tables::resolve(connection, target, order.wants).await?;
    let broken = |error: sqlx::Error| refused(target, error);
    create(connection, target, order, &resolved.path).await.map_err(broken)?;
    for table in &resolved.tables {
        give(connection, target, order.role, table).await?;
    }
    let (invocation, database) = (order.invocation.to_string(), target.database.to_owned());
    let mut note = Note { invocation, database, ..Note::default() };
    for schema in &resolved.create_in {
        open_schema(connection, target, order.role, schema).await?;
        note.heir = tables::heir(connection, schema).await.map_err(broken)?;
    }
    lend_ownership(connection, target, order.role, &resolved, &mut note).await?;
    let comment = format!("{MARK}{}", serde_json::to_string(&note).map_err(|error| target.broken(error))?);
    run(connection, "COMMENT ON ROLE %I IS %L", &[order.role, &comment]).await.map_err(broken)?;
    nothing_else(connection, target, order.role).await
}

/// The role itself, and how its sessions begin. Whatever they set, it has no more privileges than it was given.
async fn create(
    connection: &mut PgConnection,
    target: &Target<'_>,
    order: &Order<'_>,
    path: &[String],
) -> Result<(), sqlx::Error> {
    let until: String = sqlx::query_scalar("SELECT (clock_timestamp() + make_interval(secs => $1))::text")
        .bind(order.seconds as f64)
        .fetch_one(&mut *connection)
        .await?;
    let made = "CREATE ROLE %I LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT %s PASSWORD %L VALID UNTIL %L";
    run(connection, made, &[order.role, CONNECTIONS, order.verifier, &until]).await?;
    // To end its sessions and take back what it owns one must be a member of it; PostgreSQL 16 gives a creator less.
    run(connection, "GRANT %I TO CURRENT_USER", &[order.role]).await?;
    let database = target.database;
    for (setting, value) in
        [("statement_timeout", order.seconds * 1000), ("idle_in_transaction_session_timeout", 60_000)]
    {
        let value = value.to_string();
        run(connection, "ALTER ROLE %I IN DATABASE %I SET %I = %L", &[order.role, database, setting, &value]).await?;
    }
    // Unqualified names must mean to the session what they meant to us.
    let quoted: String =
        sqlx::query_scalar("SELECT coalesce(string_agg(quote_ident(s), ', ' ORDER BY n), '''''') FROM unnest($1::text[]) WITH ORDINALITY AS p(s, n)")
            .bind(path.to_vec())
            .fetch_one(&mut *connection)
            .await?;
    run(connection, "ALTER ROLE %I IN DATABASE %I SET search_path = %s", &[order.role, database, &quoted]).await?;
    let may: bool = sqlx::query_scalar("SELECT has_database_privilege($1, current_database(), 'CONNECT')")
        .bind(order.role)
        .fetch_one(&mut *connection)
        .await?;
    if !may {
        run(connection, "GRANT CONNECT ON DATABASE %I TO %I", &[database, order.role]).await?;
    }
    Ok(())
}

/// Privileges on one table, checked afterwards: an issuer that may not hand one on gets a warning, not an error.
async fn give(connection: &mut PgConnection, target: &Target<'_>, role: &str, table: &Table) -> Result<(), Error> {
    let broken = |error: sqlx::Error| refused(target, error);
    let (schema, name) = (table.schema.as_str(), table.name.as_str());
    let may: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'USAGE')")
        .bind(role)
        .bind(schema)
        .fetch_one(&mut *connection)
        .await
        .map_err(broken)?;
    if !may {
        run(connection, "GRANT USAGE ON SCHEMA %I TO %I", &[schema, role]).await.map_err(broken)?;
    }
    for need in &table.needs {
        let (verb, columns) = match need {
            Need::Select(columns) => ("SELECT", Some(columns)),
            Need::Insert(columns) => ("INSERT", Some(columns)),
            Need::Update(columns) => ("UPDATE", Some(columns)),
            Need::Delete => ("DELETE", None),
            Need::Truncate => ("TRUNCATE", None),
            Need::Own | Need::Replace | Need::Make | Need::Room => continue,
        };
        let named = match columns {
            Some(Columns::Named(named)) => Some(tables::columns(connection, table, named).await.map_err(broken)?),
            Some(Columns::All) | None => None,
        };
        grant(connection, role, table, verb, named.as_deref()).await.map_err(broken)?;
        if !tables::has(connection, role, table, verb, named.as_deref()).await.map_err(broken)? {
            return Err(Error::CannotEnforce {
                why: format!("the issuer of {} may not hand on {verb} on {schema}.{name}", target.name),
                hint: "grant it to the issuer role WITH GRANT OPTION, or make the issuer a member of the table's owner",
            });
        }
        if verb == "INSERT" {
            tables::give_sequences(connection, role, table).await.map_err(broken)?;
        }
    }
    Ok(())
}

async fn grant(
    connection: &mut PgConnection,
    role: &str,
    table: &Table,
    verb: &'static str,
    named: Option<&[String]>,
) -> Result<(), sqlx::Error> {
    let (schema, name) = (table.schema.as_str(), table.name.as_str());
    match named {
        None => run(connection, "GRANT %s ON %I.%I TO %I", &[verb, schema, name, role]).await,
        Some(columns) => {
            for column in columns {
                run(connection, "GRANT %s (%I) ON %I.%I TO %I", &[verb, column, schema, name, role]).await?;
            }
            Ok(())
        }
    }
}

async fn open_schema(
    connection: &mut PgConnection,
    target: &Target<'_>,
    role: &str,
    schema: &str,
) -> Result<(), Error> {
    run(connection, "GRANT USAGE, CREATE ON SCHEMA %I TO %I", &[schema, role])
        .await
        .map_err(|error| refused(target, error))?;
    let may: Result<bool, sqlx::Error> = sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'CREATE')")
        .bind(role)
        .bind(schema)
        .fetch_one(connection)
        .await;
    if may.map_err(|error| refused(target, error))? {
        return Ok(());
    }
    Err(Error::CannotEnforce {
        why: format!("the issuer of {} may not let a role create in schema {schema}", target.name),
        hint: "make the issuer a member of the schema's owner",
    })
}

/// The tables to alter or drop change hands, and their owner becomes a member of the new one: it keeps what it had.
async fn lend_ownership(
    connection: &mut PgConnection,
    target: &Target<'_>,
    role: &str,
    resolved: &Resolved,
    note: &mut Note,
) -> Result<(), Error> {
    let broken = |error: sqlx::Error| refused(target, error);
    for table in &resolved.owned {
        if table.owner.starts_with(PREFIX) {
            return Err(Error::CannotEnforce {
                why: format!("another command may alter or drop {}.{} right now", table.schema, table.name),
                hint: "try again when it is over",
            });
        }
        if !table.issuer_owns {
            return Err(Error::CannotEnforce {
                why: format!(
                    "the issuer of {} is no member of {}, who owns {}.{}",
                    target.name, table.owner, table.schema, table.name
                ),
                hint: "to alter or drop, make the issuer a member of the table's owner",
            });
        }
        let (schema, name) = (table.schema.as_str(), table.name.as_str());
        let member =
            if resolved.version >= 160_000 { "GRANT %I TO %I WITH INHERIT TRUE, SET FALSE" } else { "GRANT %I TO %I" };
        run(connection, member, &[role, &table.owner]).await.map_err(broken)?;
        run(connection, "GRANT USAGE, CREATE ON SCHEMA %I TO %I", &[schema, role]).await.map_err(broken)?;
        run(connection, "ALTER TABLE %I.%I OWNER TO %I", &[schema, name, role]).await.map_err(broken)?;
        // A new owner must be able to create in the schema at that moment, and not any longer.
        if !resolved.create_in.contains(&table.schema) {
            run(connection, "REVOKE CREATE ON SCHEMA %I FROM %I", &[schema, role]).await.map_err(broken)?;
        }
        note.owners.insert(table.oid, table.owner.clone());
    }
    Ok(())
}

/// PUBLIC may connect to every database unless somebody took that away: then the role would have more than its command.
async fn nothing_else(connection: &mut PgConnection, target: &Target<'_>, role: &str) -> Result<(), Error> {
    if target.other_databases {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT datname::text FROM pg_database WHERE datallowconn AND datname <> current_database() \
         AND has_database_privilege($1, oid, 'CONNECT') ORDER BY datname",
    )
    .bind(role)
    .fetch_all(connection)
    .await
    .map_err(|error| refused(target, error))?;
    let open: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(Error::CannotEnforce {
        why: format!("a role of {} could also connect to the databases {}", target.name, open.join(", ")),
        hint: "REVOKE CONNECT ON DATABASE … FROM PUBLIC there, or set other_databases = true for the credential",
    })
}

/// What PostgreSQL refused the issuer. Its words go to the log; the two that a person can mend are told.
fn refused(target: &Target<'_>, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    match code.as_deref() {
        Some("42501") => Error::CannotEnforce {
            why: format!("the issuer of {} lacks a privilege that the command needs", target.name),
            hint: "the server's log says which; see the set-up of the issuer role",
        },
        Some("55P03") => Error::CannotEnforce {
            why: format!("a table of {} is in use by a long transaction", target.name),
            hint: "try again when it is over",
        },
        _ => target.failed(error),
    }
}
