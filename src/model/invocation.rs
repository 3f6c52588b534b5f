//! What was typed, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bytes, InvocationId};

/// One call of one tool, as the shim met it. Everything here is claimed by the agent's side, but `parent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    pub id: InvocationId,
    /// The tool's name as the gate knows it: `git`, `kubectl`, `psql`, `curl`.
    pub tool: String,
    /// `argv[0]` as the caller gave it.
    pub argv0: Bytes,
    /// The arguments after `argv[0]`.
    pub args: Vec<Bytes>,
    /// The work folder; null when it was deleted or cannot be read.
    pub cwd: Option<Bytes>,
    /// The variables this tool's reading depends on (`Tool::variables`), where they are set.
    pub variables: BTreeMap<String, Bytes>,
    pub streams: Streams,
    /// The gated command that this one runs under. Set by the keeper from process ancestry, never by the shim.
    #[serde(default)]
    pub parent: Option<InvocationId>,
    /// What the shim knows of the real program.
    pub pin: Pin,
}

/// What each of the three standard descriptors is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    pub stdin: StreamKind,
    pub stdout: StreamKind,
    pub stderr: StreamKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    Terminal,
    /// A pipe or a socket: somebody may be holding the other end open.
    Pipe,
    File,
    /// `/dev/null`.
    Null,
    Closed,
    Other,
}

/// Whether the real program is the one that install wrote down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// Same path, device, inode, size and change time as written down.
    Pinned,
    /// Written down, but changed since.
    Changed,
    /// Found on PATH; nothing was written down.
    Unpinned,
}
