//! What a role must be able to do for a reading's operations, before the database is asked about anything. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::Error;
use crate::model::{Operation, Reading, visible};

/// The columns of a privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Columns {
    All,
    /// Names as the text has them, folded. Which table each belongs to was not known, so some may be another's.
    Named(BTreeSet<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    Select(Columns),
    Insert(Columns),
    Update(Columns),
    Delete,
    Truncate,
    /// To alter or drop it: PostgreSQL lets only an owner do that.
    Own,
    /// The same, where the object is there already; to make it, where it is not.
    Replace,
    /// To make it.
    Make,
    /// To make something else in its schema: an index, a key, its new name.
    Room,
}

/// One privilege on one table, view, sequence or index. `schema` is empty where the text names none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    pub schema: String,
    pub name: String,
    pub need: Need,
}

impl Want {
    /// Whether the command makes this very thing, so that it need not be there yet.
    pub fn makes(&self, schema: &str, name: &str) -> bool {
        let same = self.schema == schema || self.schema.is_empty() || schema.is_empty();
        self.need == Need::Make && self.name == name && same
    }
}

/// All that a reading wants, each once.
pub fn of(reading: &Reading) -> Result<BTreeSet<Want>, Error> {
    let mut wants = BTreeSet::new();
    for operation in reading.operations.iter().filter(|operation| operation.action.starts_with("sql.")) {
        let Some(needs) = needs(operation)? else { continue };
        let text = |key: &str| operation.resource.attributes.get(key).and_then(Value::as_str).unwrap_or_default();
        let (schema, name) = (text("schema").to_owned(), text("name").to_owned());
        if name.is_empty() || name == "*" {
            return Err(cannot(operation, "it does not name its tables", "name the tables in the statement"));
        }
        wants.extend(needs.into_iter().map(|need| Want { schema: schema.clone(), name: name.clone(), need }));
    }
    Ok(wants)
}

/// `None`: any role that may connect can do it.
fn needs(operation: &Operation) -> Result<Option<Vec<Need>>, Error> {
    let on_table = operation.resource.kind == "Table";
    let columns = columns(operation);
    let mut needs = match operation.action.as_str() {
        // Functions are open to everybody in PostgreSQL unless somebody closed them; policy let this one pass by name.
        "sql.connect" | "sql.session" | "sql.call" => return Ok(None),
        "sql.select" if !on_table => return Ok(None),
        "sql.select" | "sql.disclose" => vec![Need::Select(columns)],
        "sql.insert" => vec![Need::Insert(written(columns))],
        "sql.update" => vec![Need::Update(written(columns))],
        "sql.delete" => vec![Need::Delete],
        "sql.truncate" => vec![Need::Truncate],
        "sql.drop" if on_table => vec![Need::Own],
        // A new name, a key or an index takes room in the schema; an owner has that too.
        "sql.alter" if on_table => vec![Need::Own, Need::Room],
        "sql.create" if on_table => create(operation),
        _ => {
            let hint = "do it as a database administrator, outside the gate's roles";
            return Err(cannot(operation, "no role can be limited to it", hint));
        }
    };
    // Columns of WHERE, ORDER BY and the like are read too.
    let outside = strings(operation, "outside").filter(|outside| !outside.is_empty());
    if let Some(outside) = outside {
        needs.push(Need::Select(Columns::Named(outside)));
    }
    Ok(Some(needs))
}

fn create(operation: &Operation) -> Vec<Need> {
    match operation.context.get("kind").and_then(Value::as_str).unwrap_or_default() {
        // Part of a table that is there.
        "CREATE INDEX" | "CREATE STATISTICS" | "CREATE TRIGGER" | "CREATE RULE" | "CREATE POLICY" => {
            vec![Need::Own, Need::Room]
        }
        "CREATE VIEW" => vec![Need::Replace, Need::Make],
        _ => vec![Need::Make],
    }
}

fn columns(operation: &Operation) -> Columns {
    match strings(operation, "columns") {
        Some(named) if !named.contains("*") => Columns::Named(named),
        _ => Columns::All,
    }
}

/// A write that names no column may write each.
fn written(columns: Columns) -> Columns {
    match columns {
        Columns::Named(named) if named.is_empty() => Columns::All,
        other => other,
    }
}

/// A set of names; of `t.c` only the column.
fn strings(operation: &Operation, key: &str) -> Option<BTreeSet<String>> {
    let all = operation.context.get(key)?.as_array()?;
    Some(
        all.iter()
            .filter_map(Value::as_str)
            .map(|name| name.rsplit_once('.').map_or(name, |(_, column)| column).to_owned())
            .collect(),
    )
}

fn cannot(operation: &Operation, why: &str, hint: &'static str) -> Error {
    let what = visible::line(operation.resource.id.as_bytes(), 120);
    Error::CannotEnforce { why: format!("{} on {what}: {why}", operation.action), hint }
}
