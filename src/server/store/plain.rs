//! What every command waits for, in the least words: one statement, and the audit entry of it.
//!
//! They are data rather than code, because two ways lead to the database: sqlx, and for SQLite the shorter one of
//! [`Direct`](super::direct::Direct).

use sqlx::any::{AnyArguments, AnyRow, AnyTypeInfoKind};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Column as _, Row as _, ValueRef as _};

use super::{Error, Tx};
use crate::server::audit::Event;

/// One statement and its values, for `$1` and what follows.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: &'static str,
    pub values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
    Null,
}

/// A statement that writes one row, and what the log says of it where it has written.
#[derive(Debug)]
pub struct Plain {
    pub row: Statement,
    pub events: Vec<Event>,
}

impl Plain {
    /// Whether it has written.
    pub async fn run(self, tx: &mut Tx) -> Result<bool, Error> {
        let written = self.row.run(tx.connection()).await? > 0;
        if written {
            for event in self.events {
                tx.audit(event).await?;
            }
        }
        Ok(written)
    }
}

impl Statement {
    /// How many rows it changed.
    pub async fn run(&self, connection: &mut AnyConnection) -> Result<u64, Error> {
        Ok(self.bound().execute(connection).await?.rows_affected())
    }

    /// Its first row.
    pub async fn first(&self, connection: &mut AnyConnection) -> Result<Option<Vec<Value>>, Error> {
        self.bound().fetch_optional(connection).await?.as_ref().map(values).transpose()
    }

    /// All of its rows.
    pub async fn all(&self, connection: &mut AnyConnection) -> Result<Vec<Vec<Value>>, Error> {
        self.bound().fetch_all(connection).await?.iter().map(values).collect()
    }

    fn bound(&self) -> Query<'_, Any, AnyArguments> {
        self.values.iter().fold(sqlx::query(self.sql), |query, value| match value {
            Value::Text(text) => query.bind(text.as_str()),
            Value::Number(number) => query.bind(number),
            Value::Null => query.bind(None::<String>),
        })
    }
}

fn values(row: &AnyRow) -> Result<Vec<Value>, Error> {
    (0..row.len()).map(|column| read(row, column)).collect()
}

fn read(row: &AnyRow, column: usize) -> Result<Value, Error> {
    if row.try_get_raw(column)?.is_null() {
        return Ok(Value::Null);
    }
    Ok(match row.column(column).type_info().kind() {
        AnyTypeInfoKind::Text => Value::Text(row.try_get(column)?),
        _ => Value::Number(row.try_get(column)?),
    })
}

impl Value {
    pub fn text(self) -> Result<String, Error> {
        self.maybe_text()?.ok_or_else(|| Error::Value("nothing where a text was stored".to_owned()))
    }

    pub fn number(self) -> Result<i64, Error> {
        self.maybe_number()?.ok_or_else(|| Error::Value("nothing where a number was stored".to_owned()))
    }

    pub fn maybe_text(self) -> Result<Option<String>, Error> {
        match self {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            Value::Number(_) => Err(Error::Value("a number where a text was stored".to_owned())),
        }
    }

    pub fn maybe_number(self) -> Result<Option<i64>, Error> {
        match self {
            Value::Number(number) => Ok(Some(number)),
            Value::Null => Ok(None),
            Value::Text(_) => Err(Error::Value("a text where a number was stored".to_owned())),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
