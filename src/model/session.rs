//! What happened during one run.

use serde::{Deserialize, Serialize};

use super::{Bytes, Micros};

/// One event of a session, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Since the session began, by a clock that does not jump.
    pub at: Micros,
    #[serde(flatten)]
    pub kind: FrameKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum FrameKind {
    /// What the caller got on standard output, after redaction.
    Output(Bytes),
    /// The same for standard error.
    Error(Bytes),
    /// What the tool was given on standard input, where policy says so; redacted too.
    Input(Bytes),
    /// The terminal's new size.
    Resize { columns: u16, rows: u16 },
    /// Something the gate did: `masked 2 email`, `signal INT`.
    Mark(String),
    /// The last frame of a whole recording.
    End(Exit),
}

/// How the tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
    /// Nobody saw the end: the shim was killed, or the keeper.
    Lost,
}
