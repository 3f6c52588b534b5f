//! The store: one pool over SQLite or PostgreSQL, and one writer.
//!
//! Whatever is decided goes through [`Store::write`]: jobs that arrive together share one transaction and one fsync
//! (group commit), each inside its own savepoint, and nobody is answered before that commit is durable; but for the
//! decisions that lend nothing, which reach the disk a moment later ([`Store::write_soon`]). Jobs come one
//! after another, so a job may read, judge and write without another in between; with PostgreSQL several servers
//! take turns by the row of `audit_head`. Reading goes through [`Store::pool`].
//!
//! What every command waits for is neither a job nor a closure: one [`Statement`] to read ([`Store::first`]), one to
//! write ([`Store::add_soon`]), which SQLite runs where they are ([`direct`]).
//!
//! SQL here and in the modules that use it runs on both: `$1`, TEXT and BIGINT, RETURNING, ON CONFLICT.

mod changes;
mod direct;
mod plain;
mod schema;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyConnection, AnyPool, Executor as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::server::Clock;
pub use changes::{Changes, Waiter};
use direct::{Direct, Not};
pub use plain::{Plain, Statement, Value};
use writer::{Durable, Turns};
pub use writer::{Tx, Work};

/// Why the store did not do as asked. Inner words: for the log only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("store: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("store: migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("store: a stored value does not read back: {0}")]
    Value(String),
    #[error("store: the writer has ended")]
    Closed,
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Value(error.to_string())
    }
}

/// Which of the few differences between the two databases apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// A deferred transaction of SQLite that turns into a writing one fails at once, whatever the busy timeout.
    fn begin(self) -> &'static str {
        match self {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        }
    }
}

pub struct Store {
    pool: AnyPool,
    changes: Changes,
    relay: Option<JoinHandle<()>>,
    jobs: mpsc::Sender<Box<dyn writer::Job>>,
    direct: Option<Direct>,
    turns: Arc<Turns>,
    clock: Clock,
}

impl Store {
    /// Opens `sqlite:` (made where it is missing) or `postgres:`, and runs the migrations that are missing.
    pub async fn open(url: &str, clock: Clock) -> Result<Store, Error> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres };
        let pool = connect(url, engine, Durable::Now, 8).await?;
        schema::migrator().run(&pool).await?;
        let soon = match engine {
            Engine::Sqlite => connect(url, engine, Durable::Soon, 1).await?,
            Engine::Postgres => pool.clone(),
        };
        let (jobs, queue) = mpsc::channel(1024);
        let changes = Changes::new();
        let relay = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(tokio::spawn(changes::relay(url.to_owned(), changes.clone()))),
        };
        let direct = match engine {
            Engine::Sqlite => beside(url)?,
            Engine::Postgres => None,
        };
        let turns = Arc::new(Turns::new());
        let writer = writer::Writer {
            pool: pool.clone(),
            soon,
            engine,
            clock: clock.clone(),
            changes: changes.clone(),
            turns: turns.clone(),
        };
        tokio::spawn(writer.run(queue));
        Ok(Store { pool, changes, relay, jobs, direct, turns, clock })
    }

    /// For reading only: what is written past the writer is not in the audit log.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Where to wait for what [`Tx::announce`] tells.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query::<Any>("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Runs `work` in the writer's next transaction and answers once that is durable. An `Err` of `work` undoes all
    /// that it wrote, and nothing of its neighbours.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T, E> + Send + 'static,
    {
        self.enqueue(Durable::Now, work).await
    }

    /// The same, answered once it outlives the server's own end; a machine that loses its power within a moment may
    /// lose it. For what lends nothing and settles nothing, and is told by a recording as well.
    pub async fn write_soon<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T, E> + Send + 'static,
    {
        self.enqueue(Durable::Soon, work).await
    }

    /// The first row of what one statement reads.
    pub async fn first(&self, statement: &Statement) -> Result<Option<Vec<Value>>, Error> {
        match self.direct.as_ref().map(|direct| direct.first(statement)) {
            Some(Ok(row)) => Ok(row),
            Some(Err(Not::Done(error))) => Err(error),
            Some(Err(Not::Free)) | None => statement.first(&mut *self.pool.acquire().await?).await,
        }
    }

    /// Writes one row with its audit entries, and answers as [`Store::write_soon`] does; false where none was written.
    pub async fn add_soon(&self, plain: Plain) -> Result<bool, Error> {
        match self.directly(&plain).await? {
            Some(written) => Ok(written),
            None => self.write_soon(|tx| Box::pin(plain.run(tx))).await,
        }
    }

    /// The same, answered once it is on the disk. Nobody else waits for the disk meanwhile.
    pub async fn add(&self, plain: Plain) -> Result<bool, Error> {
        match self.directly(&plain).await? {
            Some(written) => self.on_disk().await.map(|()| written),
            None => self.write(|tx| Box::pin(plain.run(tx))).await,
        }
    }

    /// Waits until all that was answered so far is on the disk.
    pub async fn on_disk(&self) -> Result<(), Error> {
        self.turns.settled().await
    }

    /// `None` where it has to go the writer's way.
    async fn directly(&self, plain: &Plain) -> Result<Option<bool>, Error> {
        let Some(direct) = &self.direct else { return Ok(None) };
        let turn = self.turns.take().await;
        match direct.write(plain, (self.clock)()) {
            Ok(written) => {
                if written {
                    self.turns.owe(&turn);
                }
                Ok(Some(written))
            }
            Err(Not::Done(error)) => Err(error),
            Err(Not::Free) => Ok(None),
        }
    }

    async fn enqueue<T, E, F>(&self, durable: Durable, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T, E> + Send + 'static,
    {
        let (job, done) = writer::job(durable, work);
        self.jobs.send(job).await.map_err(|_| E::from(Error::Closed))?;
        done.await.unwrap_or_else(|_| Err(E::from(Error::Closed)))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(relay) = &self.relay {
            relay.abort();
        }
    }
}

/// The direct way to a database in a file. One in memory is sqlx's alone.
fn beside(url: &str) -> Result<Option<Direct>, Error> {
    let options: SqliteConnectOptions = url.parse()?;
    let path = options.get_filename();
    if path.is_file() { Direct::open(path).map(Some) } else { Ok(None) }
}

async fn connect(url: &str, engine: Engine, durable: Durable, most: u32) -> Result<AnyPool, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(10))
        // A file does not go away; asking each time before it is used costs as much as using it.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| Box::pin(prepare(connection, engine, durable)))
        .connect(url)
        .await
}

/// SQLite: readers beside the writer (WAL), and a commit that has reached the disk when it is answered (FULL), or the
/// operating system (NORMAL).
async fn prepare(connection: &mut AnyConnection, engine: Engine, durable: Durable) -> Result<(), sqlx::Error> {
    match engine {
        Engine::Sqlite => {
            let synchronous = match durable {
                Durable::Now => "PRAGMA synchronous = FULL",
                Durable::Soon => "PRAGMA synchronous = NORMAL",
            };
            for pragma in
                ["PRAGMA busy_timeout = 10000", "PRAGMA journal_mode = WAL", synchronous, "PRAGMA foreign_keys = ON"]
            {
                connection.execute(pragma).await?;
            }
        }
        Engine::Postgres => {}
    }
    Ok(())
}
