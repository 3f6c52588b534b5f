//! What the names of a command mean in the target database.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row as _};

use super::super::super::Error;
use super::super::Target;
use super::super::wants::{Need, Want};
use super::refused;
use crate::model::visible;

/// A table, view, sequence or the like that is there.
#[derive(Debug, Clone)]
pub struct Table {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    pub owner: String,
    /// Whether the issuer has the owner's rights.
    pub issuer_owns: bool,
    pub needs: BTreeSet<Need>,
}

pub struct Resolved {
    /// The schemas in which unqualified names are looked up, in order.
    pub path: Vec<String>,
    /// With at least one privilege to give.
    pub tables: Vec<Table>,
    /// To be altered or dropped, with all that inherits from them.
    pub owned: Vec<Table>,
    pub create_in: BTreeSet<String>,
    /// `server_version_num`.
    pub version: i32,
}

const ROW: &str = "SELECT c.oid::bigint, n.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text, \
    pg_has_role(c.relowner, 'USAGE'), c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ";

/// Tables that everybody may read anyway: nothing is given there, and nothing else may be done.
const CATALOGS: [&str; 2] = ["pg_catalog", "information_schema"];

pub async fn resolve(
    connection: &mut PgConnection,
    target: &Target<'_>,
    wants: &BTreeSet<Want>,
) -> Result<Resolved, Error> {
    let broken = |error: sqlx::Error| refused(target, error);
    let path = path(connection).await.map_err(broken)?;
    let version = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut *connection)
        .await
        .map_err(broken)?;
    let mut resolved = Resolved { path, tables: Vec::new(), owned: Vec::new(), create_in: BTreeSet::new(), version };
    for ((schema, name), needs) in by_name(wants) {
        let found = find(connection, schema, name, &resolved.path).await.map_err(broken)?;
        let there = found.as_ref().filter(|_| needs.contains(&Need::Room)).map(|table| table.schema.clone());
        let place = match there {
            None if needs.contains(&Need::Make) && schema.is_empty() => resolved.path.first().cloned(),
            None if needs.contains(&Need::Make) => Some(schema.to_owned()),
            there => there,
        };
        resolved.create_in.extend(place);
        match found {
            Some(table) => take(connection, target, &mut resolved, Table { needs, ..table }).await?,
            // Made by the same command, which then owns it.
            None if wants.iter().any(|want| want.makes(schema, name)) => {}
            None => return Err(missing(target, schema, name)),
        }
    }
    Ok(resolved)
}

async fn take(
    connection: &mut PgConnection,
    target: &Target<'_>,
    resolved: &mut Resolved,
    table: Table,
) -> Result<(), Error> {
    if CATALOGS.contains(&table.schema.as_str()) {
        if table.needs.iter().all(|need| matches!(need, Need::Select(_))) {
            return Ok(());
        }
        return Err(Error::CannotEnforce {
            why: format!("{}.{} belongs to PostgreSQL itself", table.schema, table.name),
            hint: "only reading it can be done through the gate",
        });
    }
    if table.needs.contains(&Need::Own) || table.needs.contains(&Need::Replace) {
        let family = family(connection, table.oid).await.map_err(|error| refused(target, error))?;
        resolved.owned.extend(family);
    }
    resolved.tables.push(table);
    Ok(())
}

fn by_name(wants: &BTreeSet<Want>) -> BTreeMap<(&str, &str), BTreeSet<Need>> {
    let mut out: BTreeMap<(&str, &str), BTreeSet<Need>> = BTreeMap::new();
    for want in wants {
        out.entry((&want.schema, &want.name)).or_default().insert(want.need.clone());
    }
    out
}

fn missing(target: &Target<'_>, schema: &str, name: &str) -> Error {
    let full = if schema.is_empty() { name.to_owned() } else { format!("{schema}.{name}") };
    let full = visible::line(full.as_bytes(), 120);
    Error::CannotEnforce {
        why: format!("there is no {full} in the database {}", target.database),
        hint: "check the name; unqualified names are looked up in the database's own search_path",
    }
}

/// The database's own `search_path` (not the issuer's): that is what a new role's sessions begin with. `$user` stands
/// for a schema of the role's own name, which no role of ours has.
async fn path(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let set: Option<String> = sqlx::query_scalar(
        "SELECT substr(c, 13) FROM pg_db_role_setting s, unnest(s.setconfig) AS c, pg_database d \
         WHERE d.datname = current_database() AND s.setdatabase = d.oid AND s.setrole = 0 \
         AND starts_with(c, 'search_path=')",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let own = sqlx::query("SELECT current_setting('search_path')").fetch_one(&mut *connection).await?;
    let set = set.unwrap_or_else(|| "public".to_owned());
    sqlx::query("SELECT set_config('search_path', $1, true)").bind(set).execute(&mut *connection).await?;
    // By its full name, because for this one statement the path is not ours.
    let schemas: Vec<String> = sqlx::query_scalar("SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query("SELECT pg_catalog.set_config('search_path', $1, true)")
        .bind(own.try_get::<String, _>(0)?)
        .execute(&mut *connection)
        .await?;
    let issuer: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(connection).await?;
    Ok(schemas.into_iter().filter(|schema| *schema != issuer).collect())
}

/// The first of that name along the path; `pg_catalog` comes first where the path does not name it.
async fn find(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
    path: &[String],
) -> Result<Option<Table>, sqlx::Error> {
    let mut schemas: Vec<String> = path.to_vec();
    if !schema.is_empty() {
        schemas = vec![schema.to_owned()];
    } else if !path.iter().any(|schema| schema == "pg_catalog") {
        schemas.insert(0, "pg_catalog".to_owned());
    }
    let query = format!(
        "{ROW} WHERE c.relname = $1 AND n.nspname = ANY($2) ORDER BY array_position($2, n.nspname::text) LIMIT 1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(name).bind(schemas).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    // An index is its table's: whoever may alter one may alter the other.
    if matches!(row.try_get::<String, _>(5)?.as_str(), "i" | "I") {
        let query = format!("{ROW} JOIN pg_index x ON x.indrelid = c.oid WHERE x.indexrelid = $1::oid");
        let index: i64 = row.try_get(0)?;
        let of = sqlx::query(sqlx::AssertSqlSafe(query)).bind(index).fetch_one(connection).await?;
        return table(&of).map(Some);
    }
    table(&row).map(Some)
}

fn table(row: &sqlx::postgres::PgRow) -> Result<Table, sqlx::Error> {
    Ok(Table {
        oid: row.try_get(0)?,
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        owner: row.try_get(3)?,
        issuer_owns: row.try_get(4)?,
        needs: BTreeSet::new(),
    })
}

/// A table and all that inherits from it, partitions among them: ALTER goes down to each.
async fn family(connection: &mut PgConnection, oid: i64) -> Result<Vec<Table>, sqlx::Error> {
    let query = format!(
        "WITH RECURSIVE f(oid) AS (SELECT $1::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN f ON i.inhparent = f.oid) \
         {ROW} JOIN f ON f.oid = c.oid ORDER BY c.oid"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(oid).fetch_all(connection).await?;
    rows.iter().map(table).collect()
}

/// Of the names in the text, the table's own columns. Where none is (`SELECT count(*)`), PostgreSQL still wants SELECT on
/// one: the key's first column, or the first of all, is the least that can be given.
pub async fn columns(
    connection: &mut PgConnection,
    table: &Table,
    named: &BTreeSet<String>,
) -> Result<Vec<String>, sqlx::Error> {
    let named: Vec<String> = named.iter().cloned().collect();
    let own: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::oid AND NOT attisdropped AND attname = ANY($2) \
         ORDER BY attnum",
    )
    .bind(table.oid)
    .bind(named)
    .fetch_all(&mut *connection)
    .await?;
    if !own.is_empty() {
        return Ok(own);
    }
    sqlx::query_scalar(
        "SELECT a.attname::text FROM pg_attribute a \
         LEFT JOIN pg_index x ON x.indrelid = a.attrelid AND x.indisprimary AND a.attnum = ANY(x.indkey) \
         WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY x.indexrelid IS NULL, a.attnum LIMIT 1",
    )
    .bind(table.oid)
    .fetch_all(connection)
    .await
}

/// Whether the role really has it: on the table, or on each of the columns.
pub async fn has(
    connection: &mut PgConnection,
    role: &str,
    table: &Table,
    verb: &str,
    named: Option<&[String]>,
) -> Result<bool, sqlx::Error> {
    match named {
        None => {
            sqlx::query_scalar("SELECT has_table_privilege($1, $2::oid, $3)")
                .bind(role)
                .bind(table.oid)
                .bind(verb)
                .fetch_one(connection)
                .await
        }
        Some(columns) => sqlx::query_scalar(
            "SELECT coalesce(bool_and(has_column_privilege($1, $2::oid, c, $3)), true) FROM unnest($4::text[]) AS c",
        )
        .bind(role)
        .bind(table.oid)
        .bind(verb)
        .bind(columns.to_vec())
        .fetch_one(connection)
        .await,
    }
}

/// Inserting draws defaults from the sequences that belong to the table's columns (serial; identity needs nothing).
pub async fn give_sequences(connection: &mut PgConnection, role: &str, owner: &Table) -> Result<(), sqlx::Error> {
    let query = format!(
        "{ROW} JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a' \
         WHERE c.relkind = 'S' AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(owner.oid).fetch_all(&mut *connection).await?;
    for row in &rows {
        let sequence = table(row)?;
        let words = [sequence.schema.as_str(), sequence.name.as_str(), role];
        super::run(connection, "GRANT USAGE ON SEQUENCE %I.%I TO %I", &words).await?;
    }
    Ok(())
}

/// Who owns a schema, where the issuer may give things to that role.
pub async fn heir(connection: &mut PgConnection, schema: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = $1 AND pg_has_role(nspowner, 'USAGE')",
    )
    .bind(schema)
    .fetch_optional(connection)
    .await
}
