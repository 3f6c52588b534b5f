//! Recordings on their way to the server: uploaded as they grow, ended, sealed, and only then removed here.
//!
//! One task a recording. What fails is tried again for as long as it takes; the server takes each step more than once.
//! Only a clear and lasting no sets a recording aside, and it is kept even then.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::sleep;
use tokio_util::bytes::Bytes;
use tokio_util::task::TaskTracker;

use super::link::Trouble;
use super::server::Server;
use super::spool::{Finished, Spool};
use crate::model::InvocationId;
use crate::wire::contract::{LARGEST_WHOLE, Whole};

/// Bytes sent at once.
const CHUNK: u64 = 1 << 20;
/// A short command's few frames travel together.
const GATHER: Duration = Duration::from_millis(200);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Requests under way at once, so that what gathered in an outage does not crowd out live commands.
const AT_ONCE: usize = 16;

pub struct Uploads {
    server: Arc<Server>,
    spool: Arc<Spool>,
    at_once: Semaphore,
    tasks: TaskTracker,
    woken: Notify,
}

/// What a session tells its upload: how long the file is, and its end.
pub type Growth = watch::Sender<Grown>;

#[derive(Default)]
pub struct Grown {
    pub length: u64,
    pub finished: Option<Finished>,
    /// Something was drawn that the end takes back.
    pub lent: bool,
}

enum Stop {
    /// The server will never take it.
    Refused(Trouble),
    Io(io::Error),
    /// The session went away without an end; recovery writes one.
    Abandoned,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

impl Uploads {
    pub fn new(server: Arc<Server>, spool: Arc<Spool>) -> Arc<Self> {
        Arc::new(Uploads {
            server,
            spool,
            at_once: Semaphore::new(AT_ONCE),
            tasks: TaskTracker::new(),
            woken: Notify::new(),
        })
    }

    /// Follows a recording that has begun.
    pub fn follow(self: &Arc<Self>, id: InvocationId) -> Growth {
        let (growth, grown) = watch::channel(Grown::default());
        self.start(id, grown);
        growth
    }

    /// Takes up what an earlier keeper left.
    pub fn resume(self: &Arc<Self>, finished: Finished) {
        let (id, length) = (finished.id.clone(), finished.seal.length);
        let (growth, grown) = watch::channel(Grown { length, finished: Some(finished), lent: true });
        self.start(id, grown);
        drop(growth);
    }

    /// What waits to be tried again is tried now.
    pub fn wake(&self) {
        self.woken.notify_waiters();
    }

    /// Waits until everything under way has arrived, or the time is over.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(patience, self.tasks.wait()).await.is_ok()
    }

    fn start(self: &Arc<Self>, id: InvocationId, grown: watch::Receiver<Grown>) {
        let uploads = self.clone();
        self.tasks.spawn(async move {
            let mut upload = Upload { id, grown, uploads, sent: 0 };
            match upload.run().await {
                Ok(()) => {}
                Err(Stop::Refused(trouble)) => {
                    tracing::error!(id = %upload.id, %trouble, "the server does not take a recording; it is kept under refused/");
                    let length = upload.grown.borrow().length;
                    upload.uploads.spool.set_aside(&upload.id, length);
                }
                Err(Stop::Io(error)) => tracing::error!(id = %upload.id, %error, "a recording cannot be read back"),
                Err(Stop::Abandoned) => match upload.uploads.spool.recover(&upload.id) {
                    Ok(finished) => upload.uploads.resume(finished),
                    Err(error) => tracing::error!(id = %upload.id, %error, "a recording has no end yet"),
                },
            }
        });
    }
}

struct Upload {
    id: InvocationId,
    grown: watch::Receiver<Grown>,
    uploads: Arc<Uploads>,
    /// Bytes the server has.
    sent: u64,
}

impl Upload {
    async fn run(&mut self) -> Result<(), Stop> {
        let file = File::open(self.uploads.spool.path(&self.id, "rec"))?;
        let mut ended = false;
        self.gathered().await;
        if let Some((length, finished)) = self.short() {
            self.whole(&file, length, &finished).await?;
            self.uploads.spool.remove(&self.id, length);
            return Ok(());
        }
        loop {
            let (length, finished) = {
                let grown = self.grown.borrow_and_update();
                (grown.length, grown.finished.is_some())
            };
            if finished && !ended {
                self.end().await?;
                ended = true;
            }
            if self.sent < length {
                self.append(&file, length).await?;
            } else if finished {
                self.seal().await?;
                self.uploads.spool.remove(&self.id, length);
                return Ok(());
            } else {
                self.grown.changed().await.map_err(|_| Stop::Abandoned)?;
                self.gathered().await;
            }
        }
    }

    /// Waits a moment for more, so that most commands travel whole. A grant is taken back without it.
    async fn gathered(&mut self) {
        let lent = |grown: &Grown| grown.finished.is_some() && grown.lent;
        // Also over when the session has gone: then what there is is all there is.
        let _ = tokio::time::timeout(GATHER, self.grown.wait_for(lent)).await;
    }

    /// A command that has ended and whose recording travels in one request.
    fn short(&self) -> Option<(u64, Finished)> {
        let grown = self.grown.borrow();
        let finished = grown.finished.clone().filter(|_| grown.length <= LARGEST_WHOLE)?;
        Some((grown.length, finished))
    }

    async fn whole(&mut self, file: &File, length: u64, finished: &Finished) -> Result<(), Stop> {
        let mut recording = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut recording, 0)?;
        let (end, seal) = (finished.end.clone(), finished.seal.clone());
        let whole = Whole { end, seal, recording: recording.into() };
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = {
                let _turn = self.uploads.at_once.acquire().await;
                self.uploads.server.whole(&self.id, &whole).await
            };
            match sent {
                Ok(()) => return Ok(()),
                Err(trouble) => pause = self.again(trouble, pause).await?,
            }
        }
    }

    async fn append(&mut self, file: &File, length: u64) -> Result<(), Stop> {
        let size = (length - self.sent).min(CHUNK);
        let mut chunk = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        file.read_exact_at(&mut chunk, self.sent)?;
        let chunk = Bytes::from(chunk);
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = {
                let _turn = self.uploads.at_once.acquire().await;
                self.uploads.server.append(&self.id, self.sent, chunk.clone()).await
            };
            match sent {
                // Also less than we thought, after a server that lost its tail: go on from there.
                Ok(has) if has <= length && has != self.sent => {
                    self.sent = has;
                    return Ok(());
                }
                Ok(has) => {
                    let why = format!("it has {has} bytes of this recording and took none of ours");
                    return Err(Stop::Refused(Trouble::Setup(why)));
                }
                Err(trouble) => pause = self.again(trouble, pause).await?,
            }
        }
    }

    async fn end(&mut self) -> Result<(), Stop> {
        let mut pause = FIRST_PAUSE;
        loop {
            let end = self.grown.borrow().finished.as_ref().map(|finished| finished.end.clone());
            let Some(end) = end else { return Err(Stop::Abandoned) };
            match self.uploads.server.end(&self.id, &end).await {
                Ok(()) => return Ok(()),
                Err(trouble) => match self.again(trouble, pause).await {
                    Ok(longer) => pause = longer,
                    // The server may have ended it on its own; the recording is wanted all the same.
                    Err(Stop::Refused(trouble)) => {
                        tracing::warn!(id = %self.id, %trouble, "the server does not take an end");
                        return Ok(());
                    }
                    Err(stop) => return Err(stop),
                },
            }
        }
    }

    async fn seal(&mut self) -> Result<(), Stop> {
        let mut pause = FIRST_PAUSE;
        loop {
            let seal = self.grown.borrow().finished.as_ref().map(|finished| finished.seal.clone());
            let Some(seal) = seal else { return Err(Stop::Abandoned) };
            let sealed = {
                let _turn = self.uploads.at_once.acquire().await;
                self.uploads.server.seal(&self.id, &seal).await
            };
            match sealed {
                Ok(()) => return Ok(()),
                Err(trouble) => pause = self.again(trouble, pause).await?,
            }
        }
    }

    /// Waits before the next try; the next pause is twice as long. A lasting no ends the upload.
    async fn again(&self, trouble: Trouble, pause: Duration) -> Result<Duration, Stop> {
        if matches!(trouble.status(), Some(400 | 404 | 409 | 410 | 413 | 422)) {
            return Err(Stop::Refused(trouble));
        }
        tracing::debug!(id = %self.id, %trouble, "an upload waits");
        tokio::select! {
            () = sleep(pause) => {}
            () = self.uploads.woken.notified() => {}
        }
        Ok((pause * 2).min(LONGEST_PAUSE))
    }
}
