//! `masks.toml`: which columns belong to a mask set.
//!
//! ```toml
//! [pii]
//! columns = ["orders.email", "hr.people.ssn", "*.phone"]
//! ```
//!
//! Masking is undone by a predicate (`WHERE ssn LIKE '1%'`), so a masked column used outside the select list asks for
//! `sql.disclose` on its table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::load::LoadError;
use super::rule::MASK_SETS;
use crate::model::{Effect, Operation};

/// Columns by mask set.
#[derive(Debug, Default)]
pub(super) struct Masks {
    sets: BTreeMap<String, Vec<Column>>,
}

/// `schema.table.column`; `None` stands for any.
#[derive(Debug, PartialEq, Eq)]
struct Column {
    schema: Option<String>,
    table: Option<String>,
    column: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    columns: Vec<String>,
}

impl Masks {
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), LoadError> {
        let hint = Some("for example: [pii] columns = [\"orders.email\", \"*.ssn\"]");
        let at = |offset, why: &str| LoadError::at(name, text, offset, why, hint);
        let sets: BTreeMap<String, Set> =
            toml::from_str(text).map_err(|error| at(error.span().map_or(0, |span| span.start), error.message()))?;
        for (set, Set { columns }) in sets {
            if !MASK_SETS.contains(&set.as_str()) {
                let why = format!("no mask set is called {set:?}; there are {MASK_SETS:?}");
                return Err(at(text.find(&set).unwrap_or(0), &why));
            }
            for column in columns {
                let parsed = Column::parse(&column).ok_or_else(|| {
                    at(
                        text.find(&column).unwrap_or(0),
                        &format!("{column:?} is not table.column or schema.table.column"),
                    )
                })?;
                self.sets.entry(set.clone()).or_default().push(parsed);
            }
        }
        Ok(())
    }

    /// The `sql.disclose` that `operation` also asks for, where it is permitted under these mask sets.
    pub fn disclosed(&self, operation: &Operation, masks: &[String]) -> Option<Operation> {
        if operation.resource.kind != "Table" || operation.effect == Effect::Disclose {
            return None;
        }
        let text = |key: &str| operation.resource.attributes.get(key).and_then(Value::as_str).unwrap_or_default();
        let (schema, table) = (text("schema"), text("name"));
        let outside = operation.context.get("outside").and_then(Value::as_array)?;
        let columns: Vec<&Column> =
            masks.iter().filter_map(|set| self.sets.get(set)).flatten().filter(|c| c.is_in(schema, table)).collect();
        let used: Vec<Value> = outside
            .iter()
            // What is not text cannot be compared, so it counts as used.
            .filter(|used| used.as_str().is_none_or(|used| columns.iter().any(|column| column.is_used_as(used))))
            .cloned()
            .collect();
        if columns.is_empty() || used.is_empty() {
            return None;
        }
        let resource = operation.resource.clone();
        let mut disclose = Operation::new("sql.disclose", Effect::Disclose, resource).with("columns", used);
        if let Some(claimed) = operation.context.get("claimed") {
            disclose.context.insert("claimed".to_owned(), claimed.clone());
        }
        Some(disclose)
    }
}

impl Column {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').map(str::trim).collect();
        let any = |part: &str| (part != "*").then(|| part.to_lowercase());
        let (schema, table, column) = match parts.as_slice() {
            [table, column] => (None, any(table), *column),
            [schema, table, column] => (any(schema), any(table), *column),
            _ => return None,
        };
        let written = parts.iter().all(|part| !part.is_empty()) && column != "*";
        written.then(|| Column { schema, table, column: column.to_lowercase() })
    }

    /// Generous: an unnamed schema may be any, and `*` is a table that the text does not show.
    fn is_in(&self, schema: &str, table: &str) -> bool {
        let fits = |wanted: &Option<String>, given: &str| {
            given.is_empty() || given == "*" || wanted.as_ref().is_none_or(|wanted| *wanted == given.to_lowercase())
        };
        fits(&self.schema, schema) && fits(&self.table, table)
    }

    fn is_used_as(&self, used: &str) -> bool {
        let last = used.rsplit('.').next().unwrap_or(used);
        last == "*" || last.to_lowercase() == self.column
    }
}
