//! Recordings on this machine, from their first byte until the server has sealed them.
//!
//! Every frame is written to its file before the shim hears that it is kept, and shows it; so a killed keeper loses
//! nothing that somebody saw. The files are made durable together, about a second later. A full disk is noticed before
//! a command runs; room is kept aside so that the end of a running one can still be written.
//!
//! Files: `ID.rec` is the recording, `ID.end` its end ([`End`]) once there is one.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::keep::private_folder;
use crate::model::{Digest, Exit, Frame, FrameKind, InvocationId, Micros};
use crate::recording::{self, Header, Reader, Writer};
use crate::wire::contract::{End, Seal};

/// Frames written within this time are made durable together.
const TOGETHER: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("recordings that wait for the server take {0} bytes here, as many as they may")]
    Full(u64),
    #[error("the disk under {0} is full")]
    Disk(PathBuf),
    #[error("there is a recording of that id already")]
    Exists,
    #[error("the recording cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("the recording cannot be read: {0}")]
    Unreadable(#[from] recording::Error),
}

impl Error {
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Full(_) => Some(
                "bring the server back, or raise spool.limit_mib in keeper.toml; portcullis status shows the spool"
                    .to_owned(),
            ),
            Error::Disk(folder) => Some(format!("make room on the disk that holds {}", folder.display())),
            Error::Exists | Error::Io(_) | Error::Unreadable(_) => None,
        }
    }
}

pub struct Spool {
    folder: PathBuf,
    limit: u64,
    reserve: u64,
    bytes: AtomicU64,
    waiting: AtomicU64,
    dirty: Mutex<HashMap<InvocationId, Arc<File>>>,
    written: Notify,
}

impl Spool {
    /// Opens the folder `spool` under `state`. `limit` and `reserve` are bytes.
    pub fn open(state: &Path, limit: u64, reserve: u64) -> io::Result<Arc<Self>> {
        let folder = state.join("spool");
        private_folder(state)?;
        private_folder(&folder)?;
        private_folder(&state.join("refused"))?;
        let spool = Spool {
            folder,
            limit,
            reserve,
            bytes: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            dirty: Mutex::default(),
            written: Notify::new(),
        };
        for id in spool.left()? {
            spool.bytes.fetch_add(fs::metadata(spool.path(&id, "rec"))?.len(), Relaxed);
            spool.waiting.fetch_add(1, Relaxed);
        }
        if let Err(error) = spool.keep_room() {
            tracing::warn!(%error, "no room can be kept aside on the spool's disk");
        }
        Ok(Arc::new(spool))
    }

    /// Begins a recording; refuses, before anything has run, where it could not be kept.
    pub fn begin(self: &Arc<Self>, header: &Header) -> Result<Record, Error> {
        let taken = self.bytes.load(Relaxed);
        if taken >= self.limit {
            return Err(Error::Full(taken));
        }
        if self.keep_room().is_err() || self.free()? < self.reserve {
            return Err(Error::Disk(self.folder.clone()));
        }
        let path = self.path(&header.id, "rec");
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists,
            io::ErrorKind::StorageFull => Error::Disk(self.folder.clone()),
            _ => Error::Io(error),
        })?;
        let (writer, line) = Writer::begin(header);
        let mut record = Record {
            id: header.id.clone(),
            file: Arc::new(file),
            writer,
            length: 0,
            sha256: Sha256::new(),
            last: Micros(0),
            output: 0,
            owed: None,
            spool: self.clone(),
        };
        self.waiting.fetch_add(1, Relaxed);
        if let Err(error) = record.append(line) {
            record.length = 0;
            self.remove(&header.id, 0);
            return Err(error);
        }
        Ok(record)
    }

    /// Ids of recordings in the folder.
    pub fn left(&self) -> io::Result<Vec<InvocationId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".rec")).and_then(InvocationId::parse) {
                ids.push(id);
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// What a keeper before us left: half a line is cut off, a missing end is written as lost.
    pub fn recover(self: &Arc<Self>, id: &InvocationId) -> Result<Finished, Error> {
        let path = self.path(id, "rec");
        let file = OpenOptions::new().read(true).append(true).open(&path)?;
        let before = file.metadata()?.len();
        let mut reader = Reader::open(BufReader::new(&file))?;
        let (mut last, mut output, mut exit) = (Micros(0), 0, None);
        while let Some(frame) = reader.frame()? {
            last = last.max(frame.at);
            output += shown(&frame);
            if let FrameKind::End(how) = frame.kind {
                exit = Some(how);
            }
        }
        let (whole, torn) = (reader.whole(), reader.torn());
        let writer = reader.into_writer();
        if torn > 0 {
            tracing::warn!(%id, torn, "a recording broke off in the middle of a line");
            file.set_len(whole)?;
        }
        self.bytes.fetch_sub(before - whole, Relaxed);
        let mut record = Record {
            id: id.clone(),
            file: Arc::new(file),
            writer,
            length: whole,
            sha256: digest(&path)?,
            last,
            output,
            owed: None,
            spool: self.clone(),
        };
        if exit.is_none() {
            if torn > 0 {
                record.mark(&format!("{torn} bytes of an unfinished line were cut off"))?;
            }
            return record.lost(last);
        }
        let end = self.read_end(id).unwrap_or(End {
            exit: exit.unwrap_or(Exit::Lost),
            duration: last,
            bytes: output,
            masked: Vec::new(),
        });
        Ok(record.finished(end))
    }

    fn read_end(&self, id: &InvocationId) -> Option<End> {
        serde_json::from_slice(&fs::read(self.path(id, "end")).ok()?).ok()
    }

    /// The server has it: it is not needed here any more.
    pub fn remove(&self, id: &InvocationId, length: u64) {
        for kind in ["rec", "end"] {
            if let Err(error) = fs::remove_file(self.path(id, kind))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%id, %error, "a recording that the server has cannot be removed");
            }
        }
        self.gone(id, length);
    }

    /// The server will never take it: kept for people, out of the way.
    pub fn set_aside(&self, id: &InvocationId, length: u64) {
        let aside = self.folder.with_file_name("refused");
        for kind in ["rec", "end"] {
            let from = self.path(id, kind);
            let to = aside.join(format!("{id}.{kind}"));
            if let Err(error) = fs::rename(&from, &to)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%id, %error, "a recording that the server refuses cannot be set aside");
            }
        }
        self.gone(id, length);
    }

    pub fn refused(&self) -> u64 {
        let recordings = fs::read_dir(self.folder.with_file_name("refused")).into_iter().flatten().flatten();
        recordings.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "rec")).count() as u64
    }

    fn gone(&self, id: &InvocationId, length: u64) {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.bytes.fetch_sub(length, Relaxed);
        self.waiting.fetch_sub(1, Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    pub fn path(&self, id: &InvocationId, kind: &str) -> PathBuf {
        self.folder.join(format!("{id}.{kind}"))
    }

    /// Makes what was written durable, in groups, for ever.
    pub async fn sync(&self) {
        loop {
            self.written.notified().await;
            tokio::time::sleep(TOGETHER).await;
            self.sync_now().await;
        }
    }

    pub async fn sync_now(&self) {
        let files = std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner));
        let synced = tokio::task::spawn_blocking(move || {
            for (id, file) in files {
                if let Err(error) = file.sync_data() {
                    tracing::error!(%id, %error, "a recording cannot be made durable");
                }
            }
        });
        if synced.await.is_err() {
            tracing::error!("making recordings durable failed");
        }
    }

    fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn room(&self) -> PathBuf {
        self.folder.with_file_name("room")
    }

    /// Sets blocks aside that [`Spool::use_room`] gives back.
    fn keep_room(&self) -> io::Result<()> {
        let path = self.room();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == self.reserve) || self.reserve == 0 {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        fallocate(&file, FallocateFlags::empty(), 0, self.reserve).map_err(|error| {
            let _ = fs::remove_file(&path);
            error.into()
        })
    }

    fn use_room(&self) {
        let _ = fs::remove_file(self.room());
    }
}

/// A recording that grows.
pub struct Record {
    id: InvocationId,
    file: Arc<File>,
    writer: Writer,
    length: u64,
    sha256: Sha256,
    last: Micros,
    output: u64,
    /// A line that did not fit on the disk.
    owed: Option<Vec<u8>>,
    spool: Arc<Spool>,
}

/// A recording with its end; nothing is added to it.
#[derive(Debug, Clone)]
pub struct Finished {
    pub id: InvocationId,
    pub end: End,
    pub seal: Seal,
}

impl Record {
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn spool(&self) -> Arc<Spool> {
        self.spool.clone()
    }

    pub fn last(&self) -> Micros {
        self.last
    }

    /// Appends a frame with write(2). After an error the file ends with the last whole line, and the frame is owed.
    pub fn frame(&mut self, frame: &Frame) -> Result<(), Error> {
        self.settle()?;
        let line = self.writer.frame(frame);
        self.last = self.last.max(frame.at);
        self.output += shown(frame);
        self.append(line)
    }

    pub fn mark(&mut self, text: &str) -> Result<(), Error> {
        self.frame(&Frame { at: self.last, kind: FrameKind::Mark(text.to_owned()) })
    }

    /// Writes the end, out of the room kept aside where the disk is full.
    pub fn end(mut self, end: End) -> Result<Finished, Error> {
        let at = end.duration.max(self.last);
        let line = self.writer.frame(&Frame { at, kind: FrameKind::End(end.exit) });
        if self.settle().and_then(|()| self.append(line)).is_err() {
            self.spool.use_room();
            self.settle()?;
        }
        let file = self.spool.path(&self.id, "end");
        // Not fsynced: where it is lost or torn, the recording's own last frame serves.
        let body = serde_json::to_vec(&end).map_err(io::Error::from)?;
        if write_end(&file, &body).is_err() {
            self.spool.use_room();
            write_end(&file, &body)?;
        }
        Ok(self.finished(end))
    }

    /// The end of a command that nobody saw end.
    pub fn lost(self, duration: Micros) -> Result<Finished, Error> {
        let end = End { exit: Exit::Lost, duration, bytes: self.output, masked: Vec::new() };
        self.end(end)
    }

    /// After a failed append: gives the room kept aside back, so that why it ended can be written.
    pub fn note_full(&mut self, why: &str) {
        self.spool.use_room();
        if let Err(error) = self.settle().and_then(|()| self.mark(why)) {
            tracing::error!(id = %self.id, %error, "a recording cannot say why it ends");
        }
    }

    /// Writes the line that could not be written before: the chain goes on from it.
    fn settle(&mut self) -> Result<(), Error> {
        match self.owed.take() {
            Some(line) => self.append(line),
            None => Ok(()),
        }
    }

    fn append(&mut self, line: Vec<u8>) -> Result<(), Error> {
        if let Err(error) = (&*self.file).write_all(&line) {
            self.owed = Some(line);
            // Half a line may be there; nothing may come after it.
            self.file.set_len(self.length)?;
            let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            return Err(if full { Error::Disk(self.spool.folder.clone()) } else { Error::Io(error) });
        }
        self.length += line.len() as u64;
        self.sha256.update(&line);
        self.spool.bytes.fetch_add(line.len() as u64, Relaxed);
        let mut dirty = self.spool.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        dirty.entry(self.id.clone()).or_insert_with(|| self.file.clone());
        self.spool.written.notify_one();
        Ok(())
    }

    fn finished(self, end: End) -> Finished {
        let sha256 = Digest(self.sha256.finalize().into());
        Finished { id: self.id, end, seal: Seal { length: self.length, sha256 } }
    }
}

fn write_end(path: &Path, body: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(body)
}

/// Bytes the caller got.
fn shown(frame: &Frame) -> u64 {
    match &frame.kind {
        FrameKind::Output(bytes) | FrameKind::Error(bytes) => bytes.len() as u64,
        FrameKind::Input(_) | FrameKind::Resize { .. } | FrameKind::Mark(_) | FrameKind::End(_) => 0,
    }
}

fn digest(path: &Path) -> io::Result<Sha256> {
    let mut sha256 = Sha256::new();
    let mut file = File::open(path)?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        match io::Read::read(&mut file, &mut chunk)? {
            0 => return Ok(sha256),
            n => sha256.update(&chunk[..n]),
        }
    }
}

#[cfg(test)]
mod tests;
