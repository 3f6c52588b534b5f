//! A command that runs: its record, what it was lent, its process.

use std::time::Duration;

use tokio::time::Instant;

use super::{Broken, cannot_record};
use crate::keeper::credential::Credential;
use crate::keeper::spool::{Finished, Record};
use crate::keeper::upload::Growth;
use crate::model::{Frame, FrameKind, Grant, HelperScope, InvocationId, Micros};
use crate::sys::process::Process;
use crate::wire::contract::End;
use crate::wire::frames::Ending;

/// Longest mark, in bytes.
const LONGEST_MARK: usize = 4096;
/// How far a shim's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(10);

/// A command between draw and end.
pub struct Running {
    pub id: InvocationId,
    /// Of the tool, and what was typed.
    pub name: String,
    pub line: String,
    began: Instant,
    record: Option<Record>,
    pub growth: Growth,
    pub grants: Vec<Grant>,
    pub tool: Option<Process>,
    /// Frames of the shim that are in the spool.
    pub kept: u64,
    /// The disk was full; what comes now is not kept, and the tool was told to stop.
    full: bool,
}

impl Running {
    pub fn new(id: InvocationId, record: Record, growth: Growth) -> Self {
        let running = Running {
            id,
            name: String::new(),
            line: String::new(),
            began: Instant::now(),
            record: Some(record),
            growth,
            grants: Vec::new(),
            tool: None,
            kept: 0,
            full: false,
        };
        running.grew();
        running
    }

    fn grew(&self) {
        if let Some(record) = &self.record {
            self.growth.send_modify(|grown| grown.length = record.length());
        }
    }

    /// `Ok(Err(why))` where the record cannot be kept any more and the tool has to stop.
    pub fn frame(&mut self, frame: &Frame) -> Result<Result<(), String>, Broken> {
        let Some(record) = self.record.as_mut().filter(|_| !self.full) else { return Ok(Ok(())) };
        let latest = Micros(i64::try_from((self.began.elapsed() + AHEAD).as_micros()).unwrap_or(i64::MAX));
        if frame.at < record.last() || frame.at > latest {
            return Err(Broken::Unexpected("a frame whose time cannot be"));
        }
        match &frame.kind {
            FrameKind::End(_) => return Err(Broken::Unexpected("an end as a frame")),
            FrameKind::Mark(text) if text.len() > LONGEST_MARK => return Err(Broken::Unexpected("a mark without end")),
            FrameKind::Mark(_)
            | FrameKind::Output(_)
            | FrameKind::Error(_)
            | FrameKind::Input(_)
            | FrameKind::Resize { .. } => {}
        }
        let stop = match record.frame(frame) {
            Ok(()) => {
                self.kept += 1;
                Ok(())
            }
            Err(error) => {
                tracing::error!(id = %self.id, %error, "a recording cannot go on");
                record.note_full("the recording ends here: there was no room for more");
                self.full = true;
                Err(cannot_record(&error))
            }
        };
        self.grew();
        Ok(stop)
    }

    /// Takes the grant that a credential helper may be told out of the session's.
    pub fn credential(&mut self, scope: &HelperScope) -> Option<Credential> {
        let index = self.grants.iter().position(|grant| grant.name == scope.grant)?;
        match Credential::new(self.grants.swap_remove(index), &scope.url) {
            Ok(credential) => Some(credential),
            Err(why) => {
                tracing::warn!(id = %self.id, %why, "a shim asked for a credential helper it may not have");
                None
            }
        }
    }

    /// Writes the end and hands the recording over to its upload; `None` where nobody saw the end.
    pub fn finish(&mut self, ending: Option<Ending>) {
        let Some(record) = self.record.take() else { return };
        self.grants.clear();
        let spool = record.spool();
        let finished = match ending {
            Some(Ending { exit, duration, bytes, masked }) => record.end(End { exit, duration, bytes, masked }),
            None => record.lost(Micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX))),
        };
        // A file that could not take its end is read back and given one.
        match finished.or_else(|_| spool.recover(&self.id)) {
            Ok(finished) => self.hand_over(finished),
            Err(error) => tracing::error!(id = %self.id, %error, "a recording could not be ended"),
        }
    }

    fn hand_over(&self, finished: Finished) {
        self.growth.send_modify(|grown| {
            grown.length = finished.seal.length;
            grown.finished = Some(finished);
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A task that was cut off leaves no session behind that nobody ends.
        self.finish(None);
    }
}
