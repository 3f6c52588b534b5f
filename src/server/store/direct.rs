//! SQLite in the calling thread, for what every command waits for. sqlx gives each statement to a thread of its own and
//! waits for it; where a statement takes microseconds, the way there and back is nearly all of its cost.
//!
//! A connection of its own beside sqlx's. It waits for nobody: what another program keeps it from goes sqlx's way.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, ToSql, TransactionBehavior};

use super::Error;
use super::plain::{Plain, Statement, Value};
use crate::model::{Digest, Micros};
use crate::server::audit;

pub struct Direct(Mutex<Connection>);

/// Why it was not done this way.
pub enum Not {
    /// Somebody else has the database just now.
    Free,
    Done(Error),
}

impl From<rusqlite::Error> for Not {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Not::Free,
            _ => Not::Done(Error::Value(error.to_string())),
        }
    }
}

impl Direct {
    /// Opens a file that sqlx has made. What it commits has reached the operating system; the writer sees to the disk.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(Duration::ZERO)?;
            // Taking the log over into the database is the writer's work: it waits for the disk.
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
                 PRAGMA wal_autocheckpoint = 0;",
            )?;
            Ok(connection)
        };
        let opened = open().map_err(|error: rusqlite::Error| Error::Value(format!("{}: {error}", path.display())))?;
        Ok(Direct(Mutex::new(opened)))
    }

    /// The first row.
    pub fn first(&self, statement: &Statement) -> Result<Option<Vec<Value>>, Not> {
        let connection = self.lock();
        let mut prepared = connection.prepare_cached(statement.sql)?;
        let values = rusqlite::params_from_iter(&statement.values);
        Ok(prepared.query_row(values, read).optional()?)
    }

    /// False, and nothing is written, where no row was.
    pub fn write(&self, plain: &Plain, now: Micros) -> Result<bool, Not> {
        let mut connection = self.lock();
        // Dropped before its end, it is rolled back.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = {
            let mut prepared = tx.prepare_cached(plain.row.sql)?;
            prepared.execute(rusqlite::params_from_iter(&plain.row.values))?
        };
        if written == 0 {
            return Ok(false);
        }
        let (mut seq, hash) = {
            let mut head = tx.prepare_cached("SELECT seq, hash FROM audit_head WHERE one = 1")?;
            head.query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
        };
        let mut hash = Digest::parse(&hash).ok_or_else(|| Not::Done(Error::Value("audit_head.hash".to_owned())))?;
        let mut statements = Vec::with_capacity(plain.events.len() + 1);
        for event in &plain.events {
            let entry = audit::entry(seq + 1, hash, now, event);
            statements.push(audit::written(&entry));
            (seq, hash) = (entry.seq, entry.hash);
        }
        statements.push(audit::ends(seq, hash));
        for statement in statements {
            tx.prepare_cached(statement.sql)?.execute(rusqlite::params_from_iter(&statement.values))?;
        }
        tx.commit()?;
        Ok(true)
    }

    /// A thread that panicked rolled its transaction back as it unwound.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    let columns = row.as_ref().column_count();
    (0..columns)
        .map(|column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Integer(number) => Value::Number(number),
                ValueRef::Null => Value::Null,
                other => Value::Text(other.as_str()?.to_owned()),
            })
        })
        .collect()
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Number(number) => ValueRef::Integer(*number),
            Value::Null => ValueRef::Null,
        }))
    }
}
