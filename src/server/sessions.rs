//! Who may look at a session: whoever ran it, whoever may answer its approval, auditors. Looking at somebody else's
//! recording is itself in the audit log.

use std::io::{self, BufReader, Write};
use std::sync::Arc;

use super::audit::Event;
use super::http::error::Failure;
use super::invocations::{self, Row};
use super::{App, approvals, recordings};
use crate::model::{InvocationId, Subject};
use crate::recording::{self, Reader};

/// The row, where `who` may see it; otherwise it is not there.
pub async fn find(app: &App, who: &Subject, id: &InvocationId) -> Result<Row, Failure> {
    let missing = || Failure::not_found("no such session");
    let row = invocations::find(app, id).await?.ok_or_else(missing)?;
    if row.who.id == who.id || app.is_auditor(who) {
        return Ok(row);
    }
    let Some(approval) = &row.approval else { return Err(missing()) };
    let mut connection = app.store.pool().acquire().await?;
    let approval = approvals::by_id(&mut connection, approval).await?.ok_or_else(missing)?;
    match approvals::may_see(app, who, &approval) {
        true => Ok(row),
        false => Err(missing()),
    }
}

/// Opens the recording for `who`. That somebody else looks is written down before a byte is given.
pub async fn recording(app: &App, who: &Subject, id: &InvocationId) -> Result<recordings::Stretch, Failure> {
    let row = find(app, who, id).await?;
    let stretch = recordings::read(app, &row).await?;
    if row.who.id != who.id {
        let event = Event::new("recording.read").who(who).invocation(id).with("of", row.who.id);
        app.store.write(move |tx| Box::pin(async move { tx.audit(event).await })).await?;
    }
    Ok(stretch)
}

/// What the session's caller saw, as text, and what is to be said about it.
pub struct Transcript {
    pub text: String,
    /// There is more than is shown.
    pub cut: bool,
    /// Why it could not be read to its end.
    pub trouble: Option<String>,
}

/// Bytes of a transcript on one page.
const TRANSCRIPT: usize = 1 << 20;

pub async fn transcript(app: &Arc<App>, who: &Subject, id: &InvocationId) -> Result<Transcript, Failure> {
    let stretch = recording(app, who, id).await?;
    let read = move || {
        let mut page = Page { bytes: Vec::new(), cut: false };
        let read =
            Reader::open(BufReader::new(stretch.file)).and_then(|reader| recording::transcript(reader, &mut page));
        let trouble = match read {
            Err(error) if !page.cut => Some(error.to_string()),
            Err(_) | Ok(()) => None,
        };
        // Cut at a byte, perhaps within a character: what is left of that one is not shown.
        let text = match String::from_utf8(page.bytes) {
            Ok(text) => text,
            Err(error) => {
                let whole = error.utf8_error().valid_up_to();
                let mut bytes = error.into_bytes();
                bytes.truncate(whole);
                String::from_utf8(bytes).unwrap_or_default()
            }
        };
        Transcript { text, cut: page.cut, trouble }
    };
    tokio::task::spawn_blocking(read).await.map_err(Failure::internal)
}

/// Takes as much as a page shows, then no more.
struct Page {
    bytes: Vec<u8>,
    cut: bool,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = TRANSCRIPT - self.bytes.len();
        if room == 0 && !bytes.is_empty() {
            self.cut = true;
            return Err(io::Error::other("the page is full"));
        }
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
