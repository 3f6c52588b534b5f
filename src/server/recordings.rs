//! Recordings: appended as they come, durable before that is said, sealed once.
//!
//! How much of a file counts is in the invocation's row, written after the bytes have reached the disk. What a crash
//! left behind that length was never acknowledged, and is overwritten.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use sha2::Digest as _;
use tokio::sync::{Mutex, MutexGuard};

use super::App;
use super::audit::Event;
use super::ending::{self, Taken};
use super::http::error::Failure;
use super::invocations::{self, Decided, Row};
use super::store::{self, Plain, Statement, Tx};
use crate::model::{Digest, InvocationId, Micros, Subject};
use crate::wire::contract::{End, Seal, Stored, Whole};

/// Where the files are, and who writes to one at a time.
pub struct Recordings {
    shelf: Shelf,
    /// A recording's turn is the one at its hash: few enough to keep, many enough not to wait for strangers.
    turns: Box<[Mutex<()>]>,
}

/// The kinds of places. An object store would be one more.
#[derive(Debug, Clone)]
enum Shelf {
    Folder(PathBuf),
}

impl Recordings {
    pub fn open(data: &Path) -> Result<Recordings, super::Error> {
        let folder = data.join("recordings");
        super::folder(&folder)?;
        let turns = (0..64).map(|_| Mutex::new(())).collect();
        Ok(Recordings { shelf: Shelf::Folder(folder), turns })
    }

    async fn turn(&self, id: &InvocationId) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        self.turns[(hash % self.turns.len() as u64) as usize].lock().await
    }
}

impl Shelf {
    fn path(&self, id: &InvocationId) -> PathBuf {
        let Shelf::Folder(folder) = self;
        // An id is a prefix and 26 letters and digits: it cannot leave the folder.
        folder.join(format!("{id}.jsonl"))
    }

    fn open(&self, id: &InvocationId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Makes what is said durable: the bytes, and at the first ones the file's name.
    fn write(&self, id: &InvocationId, at: u64, bytes: &[u8]) -> io::Result<()> {
        let Shelf::Folder(folder) = self;
        let path = self.path(id);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        file.write_all_at(bytes, at)?;
        file.sync_data()?;
        if at == 0 {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn holds(&self, id: &InvocationId, at: u64, bytes: &[u8]) -> io::Result<bool> {
        let mut there = vec![0; bytes.len()];
        self.open(id)?.read_exact_at(&mut there, at)?;
        Ok(there == bytes)
    }

    /// Cuts what a crash left behind.
    fn cut(&self, id: &InvocationId, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(id))?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
            file.sync_all()?;
        }
        Ok(())
    }

    /// Cuts what a crash left, and gives the digest of the rest.
    fn close(&self, id: &InvocationId, length: u64) -> io::Result<Digest> {
        let path = self.path(id);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        file.set_len(length)?;
        file.sync_all()?;
        let mut hash = sha2::Sha256::new();
        let mut left = file.take(length);
        let mut piece = vec![0; 1 << 20];
        loop {
            match left.read(&mut piece)? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        Ok(Digest(hash.finalize().into()))
    }
}

/// Appends, where `offset` is where the recording ends; bytes that are there already may come again.
///
/// # Errors
/// 409 for a gap (with the length so far), for other bytes where some are, and after the seal; 507 on a full disk.
pub async fn append(
    app: &Arc<App>,
    who: &Subject,
    id: &InvocationId,
    offset: u64,
    bytes: Bytes,
) -> Result<Stored, Failure> {
    let _turn = app.recordings.turn(id).await;
    let row = of_allowed(app, who, id).await?;
    let recorded = row.recorded;
    if row.sealed.is_some() {
        return Err(Failure::conflict("the recording is sealed").length(recorded));
    }
    if offset > recorded {
        return Err(
            Failure::conflict(format!("{recorded} bytes are stored; the next have to begin there")).length(recorded)
        );
    }
    let known = usize::try_from(recorded - offset).unwrap_or(usize::MAX).min(bytes.len());
    let (shelf, of) = (app.recordings.shelf.clone(), id.clone());
    let new = bytes.len() - known;
    let same = blocking(move || {
        if known > 0 && !shelf.holds(&of, offset, &bytes[..known])? {
            return Ok(false);
        }
        if new > 0 {
            shelf.write(&of, recorded, &bytes[known..])?;
        }
        Ok(true)
    })
    .await?;
    if !same {
        return Err(Failure::conflict("other bytes are stored there").length(recorded));
    }
    let length = recorded + new as u64;
    if new > 0 {
        let id = id.clone();
        app.store.write(move |tx| Box::pin(async move { lengthen(tx, &id, length).await })).await?;
    }
    Ok(Stored { length })
}

async fn lengthen(tx: &mut Tx, id: &InvocationId, length: u64) -> Result<(), Failure> {
    sqlx::query("UPDATE invocations SET recorded = $1 WHERE id = $2 AND sealed IS NULL")
        .bind(i64::try_from(length).map_err(Failure::internal)?)
        .bind(id.as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Seals, where length and digest are those of what is stored. May be repeated.
///
/// # Errors
/// 409 where they are not, which is in the audit log, and where another seal is there.
pub async fn seal(app: &Arc<App>, who: &Subject, id: &InvocationId, seal: Seal) -> Result<(), Failure> {
    let _turn = app.recordings.turn(id).await;
    let row = of_allowed(app, who, id).await?;
    if let Some(sealed) = row.sealed {
        return match sealed == seal.sha256 && row.recorded == seal.length {
            true => Ok(()),
            false => Err(Failure::conflict("the recording is sealed with another digest").length(row.recorded)),
        };
    }
    let stored = match row.recorded == seal.length {
        true => {
            let (shelf, of) = (app.recordings.shelf.clone(), id.clone());
            Some(blocking(move || shelf.close(&of, seal.length)).await?)
        }
        false => None,
    };
    let (who, id, recorded) = (who.clone(), id.clone(), row.recorded);
    let good = stored == Some(seal.sha256);
    app.store.write(move |tx| Box::pin(async move { mark(tx, &who, &id, &seal, recorded, good).await })).await?;
    match good {
        true => Ok(()),
        false => Err(Failure::conflict("length and digest are not those of what is stored").length(recorded)),
    }
}

/// Ends, stores and seals in one step what has not been begun to be stored; step by step what has.
///
/// # Errors
/// As those of [`append`] and [`seal`].
pub async fn whole(app: &Arc<App>, who: &Subject, id: &InvocationId, whole: Whole) -> Result<(), Failure> {
    let Whole { end, seal: wanted, recording } = whole;
    let length = recording.len() as u64;
    let fits = length > 0 && wanted.length == length && wanted.sha256 == Digest::of(&recording);
    if !fits || !store_whole(app, who, id, &end, wanted.sha256, &recording).await? {
        ending::end(app, who, id, end).await?;
        append(app, who, id, 0, recording.0.into()).await?;
        seal(app, who, id, wanted).await?;
    }
    Ok(())
}

/// False where something else of it is stored.
async fn store_whole(
    app: &Arc<App>,
    who: &Subject,
    id: &InvocationId,
    end: &End,
    sha256: Digest,
    recording: &[u8],
) -> Result<bool, Failure> {
    let _turn = app.recordings.turn(id).await;
    let row = of_allowed(app, who, id).await?;
    let length = recording.len() as u64;
    if row.recorded > 0 || row.sealed.is_some() {
        let same = row.ended.is_some() && row.recorded == length && row.sealed == Some(sha256);
        if same {
            app.store.on_disk().await?;
        }
        return Ok(same);
    }
    let (shelf, of, bytes) = (app.recordings.shelf.clone(), id.clone(), recording.to_vec());
    blocking(move || {
        shelf.write(&of, 0, &bytes)?;
        shelf.cut(&of, length)
    })
    .await?;
    let seal = Seal { length, sha256 };
    if row.drawn.is_none() && app.store.add(all_of_it(app.now(), who, id, end.clone(), &seal)?).await? {
        return Ok(true);
    }
    for minting in ending::MINTING {
        let taken = Taken { back: ending::taken_back(app, id).await, minting };
        let (who, id, end) = (who.clone(), id.clone(), end.clone());
        let seal = Seal { length, sha256 };
        let mark =
            app.store.write(move |tx| Box::pin(async move { mark_whole(tx, &who, &id, end, &seal, taken).await }));
        if mark.await? {
            break;
        }
    }
    Ok(true)
}

/// False as [`ending::record`] says it.
async fn mark_whole(
    tx: &mut Tx,
    who: &Subject,
    id: &InvocationId,
    end: End,
    seal: &Seal,
    taken: Taken,
) -> Result<bool, Failure> {
    if !ending::record(tx, who, id, end, taken).await? {
        return Ok(false);
    }
    lengthen(tx, id, seal.length).await?;
    mark(tx, who, id, seal, seal.length, true).await?;
    Ok(true)
}

async fn mark(
    tx: &mut Tx,
    who: &Subject,
    id: &InvocationId,
    seal: &Seal,
    recorded: u64,
    good: bool,
) -> Result<(), store::Error> {
    if !good {
        tx.audit(told("recording.mismatch", who, id, seal).with("stored", recorded)).await?;
        return Ok(());
    }
    sqlx::query("UPDATE invocations SET sealed = $1 WHERE id = $2")
        .bind(seal.sha256.to_string())
        .bind(id.as_str())
        .execute(tx.connection())
        .await?;
    tx.audit(told("recording.sealed", who, id, seal)).await?;
    Ok(())
}

fn told(kind: &'static str, who: &Subject, id: &InvocationId, seal: &Seal) -> Event {
    Event::new(kind).who(who).invocation(id).with("length", seal.length).with("sha256", seal.sha256.to_string())
}

/// End, length and seal of a command to which nothing was lent, nor can be once it has ended: nothing is to be taken back.
fn all_of_it(now: Micros, who: &Subject, id: &InvocationId, end: End, seal: &Seal) -> Result<Plain, Failure> {
    let end = ending::tidy(end);
    let mut values = ending::values(now, &end)?;
    values.push(i64::try_from(seal.length).map_err(Failure::internal)?.into());
    values.push(seal.sha256.to_string().into());
    values.push(id.as_str().into());
    Ok(Plain {
        row: Statement {
            sql: "UPDATE invocations SET ended = $1, exit = $2, duration = $3, bytes = $4, masked = $5, recorded = $6, \
                  sealed = $7 WHERE id = $8 AND ended IS NULL AND drawn IS NULL AND recorded = 0 AND sealed IS NULL",
            values,
        },
        events: vec![ending::told(who, id, &end, true)?, told("recording.sealed", who, id, seal)],
    })
}

/// The row, where a recording of it may be written.
async fn of_allowed(app: &App, who: &Subject, id: &InvocationId) -> Result<Row, Failure> {
    let row = invocations::owned(app, who, id).await?;
    match row.decision {
        Decided::Allow(_) => Ok(row),
        Decided::Ask | Decided::Deny(_) => Err(Failure::conflict("it was not allowed, so there is nothing to record")),
    }
}

/// A stored recording, as far as it is stored.
pub struct Stretch {
    pub file: io::Take<File>,
    pub length: u64,
}

/// Opens a recording to be read. The caller has asked [`sessions::may_see`](super::sessions) first.
pub async fn read(app: &App, row: &Row) -> Result<Stretch, Failure> {
    let (shelf, id, length) = (app.recordings.shelf.clone(), row.id.clone(), row.recorded);
    if length == 0 {
        return Err(Failure::not_found("nothing is recorded of it"));
    }
    let file = blocking(move || shelf.open(&id)).await?;
    Ok(Stretch { file: file.take(length), length })
}

/// Files off the async threads; a full disk is said, anything else is ours alone.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Failure::internal)?;
    done.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::new(StatusCode::INSUFFICIENT_STORAGE, "internal", "the server has no room left for recordings")
                .inside(error)
        }
        _ => Failure::internal(format!("recordings: {error}")),
    })
}
