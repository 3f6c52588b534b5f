//! Taking a role down, step by step. Each step may find its work done: by a run that was cut short, or by another server.

use sqlx::{Connection as _, PgConnection};

use super::super::Error;
use super::mint::Note;
use super::{MARK, PREFIX, Target, run};
use crate::server::App;

/// How often its sessions are ended before it is left to the next round. A login that was under way when logins were
/// forbidden may still appear once.
const ROUNDS: usize = 5;

/// Drops the role. Done when it is not there.
pub async fn take_down(app: &App, target: &Target<'_>, role: &str) -> Result<(), Error> {
    let mut connection = target.connect().await?;
    let done = steps(app, target, &mut connection, role).await.map_err(|error| target.failed(error));
    let _ = connection.close().await;
    done
}

async fn steps(app: &App, target: &Target<'_>, connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    if !exists(connection, role).await? {
        return Ok(());
    }
    run(connection, "ALTER ROLE %I NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '-infinity'", &[role]).await?;
    end_sessions(connection, role).await?;
    let _turn = target.turn(app).await;
    if !exists(connection, role).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    let note = note(&mut transaction, role).await?;
    for (oid, owner) in &note.owners {
        give_back(&mut transaction, role, *oid, owner).await?;
    }
    match &note.heir {
        Some(heir) => run(&mut transaction, "REASSIGN OWNED BY %I TO %I", &[role, heir]).await?,
        None => run(&mut transaction, "REASSIGN OWNED BY %I TO CURRENT_USER", &[role]).await?,
    }
    revoke_each(&mut transaction, role).await?;
    run(&mut transaction, "DROP OWNED BY %I", &[role]).await?;
    run(&mut transaction, "DROP ROLE %I", &[role]).await?;
    transaction.commit().await
}

async fn exists(connection: &mut PgConnection, role: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)").bind(role).fetch_one(connection).await
}

/// Ends them and waits until they are gone: a session outlives the end of its privileges only as far as its plans do.
async fn end_sessions(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    for _ in 0..ROUNDS {
        let ended: Vec<bool> =
            sqlx::query_scalar("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1")
                .bind(role)
                .fetch_all(&mut *connection)
                .await?;
        if ended.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

/// What was written on the role when it was made. A comment that does not read is no reason to leave the role alive.
async fn note(connection: &mut PgConnection, role: &str) -> Result<Note, sqlx::Error> {
    let comment: Option<String> =
        sqlx::query_scalar("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1")
            .bind(role)
            .fetch_one(connection)
            .await?;
    Ok(read(comment.as_deref().unwrap_or_default()))
}

fn read(comment: &str) -> Note {
    comment.strip_prefix(MARK).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// A lent table goes back to its owner, if the command left it there.
async fn give_back(connection: &mut PgConnection, role: &str, oid: i64, owner: &str) -> Result<(), sqlx::Error> {
    let found: Option<(String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = $1::oid AND pg_get_userbyid(c.relowner) = $2",
    )
    .bind(oid)
    .bind(role)
    .fetch_optional(&mut *connection)
    .await?;
    match found {
        Some((schema, name)) => run(connection, "ALTER TABLE %I.%I OWNER TO %I", &[&schema, &name, owner]).await,
        None => Ok(()),
    }
}

/// Takes privileges away as those who gave them. DROP OWNED alone takes them as whoever could have given *all* of the
/// object's privileges, and leaves what another gave: an issuer with grant options that is the owner's member as well.
/// One privilege at a time, for the same reason.
async fn revoke_each(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let grants: Vec<(String, String, String, String, String)> =
        sqlx::query_as(GRANTS).bind(role).fetch_all(&mut *connection).await?;
    for (kind, schema, name, grantor, verb) in &grants {
        run(connection, "SET LOCAL ROLE %I", &[grantor]).await?;
        match kind.as_str() {
            "DATABASE" => run(connection, "REVOKE %s ON DATABASE %I FROM %I", &[verb, name, role]).await?,
            "SCHEMA" => run(connection, "REVOKE %s ON SCHEMA %I FROM %I", &[verb, name, role]).await?,
            "SEQUENCE" => run(connection, "REVOKE %s ON SEQUENCE %I.%I FROM %I", &[verb, schema, name, role]).await?,
            // The privileges of its columns go with it.
            _ => run(connection, "REVOKE %s ON TABLE %I.%I FROM %I", &[verb, schema, name, role]).await?,
        }
        run(connection, "RESET ROLE", &[]).await?;
    }
    Ok(())
}

/// What a role was granted in this database: kind, schema, name, who granted it, and the privilege.
const GRANTS: &str = "\
    WITH r AS (SELECT oid FROM pg_roles WHERE rolname = $1), g(kind, schema, name, acl) AS ( \
        SELECT 'DATABASE', '', datname::text, datacl FROM pg_database WHERE datname = current_database() \
        UNION ALL SELECT 'SCHEMA', '', nspname::text, nspacl FROM pg_namespace \
        UNION ALL SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname::text, c.relname::text, x.acl \
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
            CROSS JOIN LATERAL (SELECT c.relacl UNION ALL \
                SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL) AS x(acl)) \
    SELECT DISTINCT g.kind, g.schema, g.name, pg_get_userbyid(e.grantor)::text, e.privilege_type \
    FROM g CROSS JOIN LATERAL aclexplode(g.acl) AS e JOIN r ON r.oid = e.grantee";

/// Marked roles past their time. They are taken down whoever made them; one that is still in time is somebody's.
pub async fn leftovers(target: &Target<'_>) -> Result<Vec<String>, Error> {
    let mut connection = target.connect().await?;
    let found: Result<Vec<(String, String)>, sqlx::Error> = sqlx::query_as(
        "SELECT rolname::text, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE starts_with(rolname, $1) \
         AND rolvaliduntil < clock_timestamp() AND starts_with(shobj_description(oid, 'pg_authid'), $2)",
    )
    .bind(PREFIX)
    .bind(MARK)
    .fetch_all(&mut connection)
    .await;
    let _ = connection.close().await;
    let ours = |comment: &str| read(comment).database == target.database;
    let found = found.map_err(|error| target.failed(error))?;
    Ok(found.into_iter().filter(|(_, comment)| ours(comment)).map(|(role, _)| role).collect())
}
