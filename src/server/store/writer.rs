//! The one writer: takes jobs as they come, and commits those that wait together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Any, AnyConnection, AnyPool, Row as _, Transaction};
use tokio::sync::{Mutex, MutexGuard, Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::changes::{CHANNEL, Changes};
use super::{Engine, Error};
use crate::model::{Digest, Micros};
use crate::server::Clock;
use crate::server::audit::{self, Event};

/// What a job's closure gives back: `Box::pin(async move { … })`.
pub type Work<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// As many jobs as share one commit, so that the first of a long queue is not kept waiting.
const TOGETHER: usize = 64;

/// How long what was committed as [`Durable::Soon`] may take to the disk.
pub const SOON: Duration = Duration::from_millis(50);

/// How long the disk is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The transaction a job writes in.
pub struct Tx {
    inner: Transaction<'static, Any>,
    head: Head,
    now: Micros,
    announced: Vec<String>,
}

#[derive(Clone, Copy)]
struct Head {
    seq: i64,
    hash: Digest,
}

impl Tx {
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// When this transaction began: one time for all that a job writes.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Adds an entry to the audit log, and gives its number. It stands or falls with the job.
    pub async fn audit(&mut self, event: Event) -> Result<i64, Error> {
        let entry = audit::entry(self.head.seq + 1, self.head.hash, self.now, &event);
        audit::written(&entry).run(&mut self.inner).await?;
        self.head = Head { seq: entry.seq, hash: entry.hash };
        Ok(entry.seq)
    }

    /// Tells whoever waits for this id, once it is committed.
    pub fn announce(&mut self, id: &str) {
        self.announced.push(id.to_owned());
    }

    async fn begin(pool: &AnyPool, engine: Engine, durable: Durable, now: Micros) -> Result<Tx, Error> {
        let mut inner = pool.begin_with(engine.begin()).await?;
        if (engine, durable) == (Engine::Postgres, Durable::Soon) {
            sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *inner).await?;
        }
        // An update, though nothing changes: on PostgreSQL it takes the row, so that servers take turns.
        let row = sqlx::query("UPDATE audit_head SET seq = seq WHERE one = 1 RETURNING seq, hash")
            .fetch_one(&mut *inner)
            .await?;
        let hash: String = row.try_get(1)?;
        let hash = Digest::parse(&hash).ok_or_else(|| Error::Value("audit_head.hash".to_owned()))?;
        Ok(Tx { inner, head: Head { seq: row.try_get(0)?, hash }, now, announced: Vec::new() })
    }

    /// Commits, and gives what is to be announced.
    async fn commit(mut self, engine: Engine) -> Result<Vec<String>, Error> {
        audit::ends(self.head.seq, self.head.hash).run(&mut self.inner).await?;
        if engine == Engine::Postgres {
            for id in &self.announced {
                let notify = sqlx::query("SELECT CAST(pg_notify($1, $2) AS TEXT)").bind(CHANNEL).bind(id);
                notify.execute(&mut *self.inner).await?;
            }
        }
        self.inner.commit().await?;
        Ok(self.announced)
    }

    /// Runs the only job of this transaction; false where nothing is to be committed.
    async fn alone(&mut self, job: &mut dyn Job) -> bool {
        job.run(self).await
    }

    /// Runs one job in a savepoint of its own.
    async fn attempt(&mut self, job: &mut dyn Job) -> Result<(), Error> {
        let (before, announced) = (self.head, self.announced.len());
        sqlx::query("SAVEPOINT job").execute(&mut *self.inner).await?;
        if !job.run(self).await {
            sqlx::query("ROLLBACK TO SAVEPOINT job").execute(&mut *self.inner).await?;
            self.head = before;
            self.announced.truncate(announced);
        }
        sqlx::query("RELEASE SAVEPOINT job").execute(&mut *self.inner).await?;
        Ok(())
    }
}

/// When what was committed outlives a machine that loses its power. It outlives the server's own end in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durable {
    /// A moment after it is answered ([`SOON`]).
    Soon,
    /// Before it is answered.
    Now,
}

/// A closure and the place its answer goes to.
pub trait Job: Send {
    fn durable(&self) -> Durable;

    /// Runs it; false where all that it wrote must be undone.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 't>>;

    /// Answers, after the commit or its failure.
    fn done(self: Box<Self>, committed: Result<(), String>);
}

struct Waiting<F, T, E> {
    durable: Durable,
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

pub fn job<T, E, F>(durable: Durable, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T, E> + Send + 'static,
{
    let (answer, done) = oneshot::channel();
    (Box::new(Waiting { durable, work: Some(work), result: None, answer }), done)
}

impl<F, T, E> Job for Waiting<F, T, E>
where
    T: Send,
    E: From<Error> + Send,
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T, E> + Send,
{
    fn durable(&self) -> Durable {
        self.durable
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            let result = work(tx).await;
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        })
    }

    fn done(self: Box<Self>, committed: Result<(), String>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            // What failed on its own keeps its own words, whether the others were committed or not.
            (Err(_), Some(Err(error))) => Err(error),
            (Err(why), _) => Err(E::from(Error::Value(format!("not committed: {why}")))),
            (Ok(()), None) => Err(E::from(Error::Closed)),
        };
        // Whoever asked may have gone; what was committed stays.
        let _ = self.answer.send(result);
    }
}

/// The writer's task.
pub struct Writer {
    pub pool: AnyPool,
    /// Whose commits are in the file and not on the disk yet; SQLite alone, PostgreSQL is told by transaction.
    pub soon: AnyPool,
    pub engine: Engine,
    pub clock: Clock,
    pub changes: Changes,
    pub turns: Arc<Turns>,
}

/// Who writes: one at a time, the writer or whoever goes the direct way. Waiting for SQLite's own lock would keep a thread.
pub struct Turns {
    turn: Mutex<()>,
    /// How often the direct way has committed, and up to which of them all are on the disk.
    committed: AtomicU64,
    settled: watch::Sender<u64>,
    /// The writer knows that some are not.
    owed: AtomicBool,
    told: Notify,
}

impl Turns {
    pub fn new() -> Self {
        Turns {
            turn: Mutex::new(()),
            committed: AtomicU64::new(0),
            settled: watch::Sender::new(0),
            owed: AtomicBool::new(false),
            told: Notify::new(),
        }
    }

    pub async fn take(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Something was committed in this turn: the writer has to see to the disk.
    pub fn owe(&self, _turn: &MutexGuard<'_, ()>) {
        self.committed.fetch_add(1, Ordering::AcqRel);
        if !self.owed.swap(true, Ordering::AcqRel) {
            self.told.notify_one();
        }
    }

    /// Waits until what was committed so far is on the disk.
    pub async fn settled(&self) -> Result<(), Error> {
        let committed = self.committed.load(Ordering::Acquire);
        let mut settled = self.settled.subscribe();
        match timeout(PATIENCE, settled.wait_for(|settled| *settled >= committed)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Value("what was written has not reached the disk".to_owned())),
        }
    }

    /// What is committed now counts as settled once `settle` is called with what this gave.
    fn begin(&self) -> u64 {
        self.owed.store(false, Ordering::Release);
        self.committed.load(Ordering::Acquire)
    }

    fn settle(&self, committed: u64) {
        self.settled.send_if_modified(|settled| {
            let later = committed > *settled;
            *settled = committed.max(*settled);
            later
        });
    }
}

impl Writer {
    /// Runs until the last sender is gone.
    pub async fn run(self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::new();
        // When the oldest commit that is not on the disk has to be.
        let mut owed: Option<Instant> = None;
        loop {
            let due = owed;
            tokio::select! {
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {
                    owed = self.settle().await;
                }
                () = self.turns.told.notified() => owed = owed.or_else(|| Some(Instant::now() + SOON)),
                came = queue.recv_many(&mut batch, TOGETHER) => {
                    if came == 0 {
                        break;
                    }
                    let durable = batch.iter().map(|job| job.durable()).max().unwrap_or(Durable::Now);
                    let committed = self.work_off(&mut batch, durable).await;
                    owed = match (self.engine, durable) {
                        (Engine::Sqlite, Durable::Soon) => owed.or_else(|| Some(Instant::now() + SOON)),
                        // SQLite's log is one file: what is synced with it takes along all that came before.
                        (Engine::Sqlite, Durable::Now) => owed.filter(|_| !committed),
                        (Engine::Postgres, _) => None,
                    };
                }
            }
        }
        if owed.is_some() || self.turns.owed.load(Ordering::Acquire) {
            self.settle().await;
        }
    }

    /// Whether it was committed.
    async fn work_off(&self, batch: &mut Vec<Box<dyn Job>>, durable: Durable) -> bool {
        let turn = self.turns.take().await;
        let committed = match self.together(batch, durable).await {
            Ok(announced) => {
                if durable == Durable::Now && self.engine == Engine::Sqlite {
                    self.turns.settle(self.turns.begin());
                }
                announced.into_iter().for_each(|id| self.changes.announce(id));
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, jobs = batch.len(), "a transaction was not committed");
                Err(error.to_string())
            }
        };
        drop(turn);
        for job in batch.drain(..) {
            job.done(committed.clone());
        }
        committed.is_ok()
    }

    async fn together(&self, batch: &mut [Box<dyn Job>], durable: Durable) -> Result<Vec<String>, Error> {
        let pool = if durable == Durable::Soon { &self.soon } else { &self.pool };
        let mut tx = Tx::begin(pool, self.engine, durable, (self.clock)()).await?;
        if let [job] = batch {
            if !tx.alone(job.as_mut()).await {
                tx.inner.rollback().await?;
                return Ok(Vec::new());
            }
            return tx.commit(self.engine).await;
        }
        for job in batch {
            tx.attempt(job.as_mut()).await?;
        }
        tx.commit(self.engine).await
    }

    /// Makes what was committed durable: a checkpoint waits for the log's way to the disk, and keeps no writer waiting.
    /// `Some`: when to try again, after a failure or behind a reader that was in its way.
    async fn settle(&self) -> Option<Instant> {
        let committed = self.turns.begin();
        let again = Some(Instant::now() + SOON);
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&self.pool).await;
        // Whether it was kept from working, how long the log is, and how much of it has been taken over.
        let read = checkpoint.and_then(|row| Ok((row.try_get::<i64, _>(1)?, row.try_get::<i64, _>(2)?)));
        match read {
            Ok((log, done)) if log == done => {
                self.turns.settle(committed);
                None
            }
            Ok(_) => again,
            Err(error) => {
                tracing::error!(%error, "decisions are not on the disk yet; trying again");
                again
            }
        }
    }
}
