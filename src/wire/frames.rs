//! The unix socket between shim and keeper: length-prefixed messages, a version first.
//!
//! A message is a 4-byte big-endian length, then that many bytes: JSON, or, where the first byte is not a brace, a frame
//! of bytes as they are ([`FromShim::Frame`]): one byte for its kind, eight of big-endian microseconds, and the bytes.
//! A connection is one invocation's; when the shim's end closes without `End`, the shim is gone.
//!
//! A shim need not wait for [`FromKeeper::Welcome`]: a keeper that does not understand it says so and reads no further.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::contract::Answer;
use crate::model::{Bytes, Exit, Facts, Frame, FrameKind, Grant, HelperScope, Invocation, Micros, Refusal, Subject};

/// Said in a shim's [`Hello`]; raised when a message changes its meaning.
pub const VERSION: u32 = 3;

/// The longest message either side takes: room for 2 MiB of arguments and 64 MiB of contents in JSON.
pub const MAX: usize = 160 << 20;

/// Room that a message gets at once.
const USUAL: usize = 64 << 10;

/// What a shim says.
#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromShim {
    Hello(Hello),
    /// Ask the server. Answered by [`FromKeeper::Answer`], and again whenever it changes while it is `ask`.
    Ask(Box<Question>),
    /// Terms that lend something are accepted: open the recording and mint the grants. Answered by [`FromKeeper::Drawn`].
    /// Terms that lend nothing need no such word: their recording is open when the answer comes.
    Draw,
    /// Terms that want nobody beside the tool ([`Terms::wants_nobody`](crate::model::Terms::wants_nobody)) are accepted:
    /// this process goes on as the tool, in this role. Answered by [`FromKeeper::Done`].
    Becomes {
        #[serde(default)]
        role: Option<String>,
    },
    /// Started by a process of this tool, perhaps for itself: which is it? `by_shell`: with a shell between. Answered by
    /// [`FromKeeper::Above`].
    Above {
        tool: String,
        by_shell: bool,
    },
    /// It was: this process goes on as a part of that command, in this role, and is not asked about. Answered by
    /// [`FromKeeper::Done`].
    Passes {
        role: String,
        by_shell: bool,
    },
    /// The tool runs as this process; it and its descendants may use `helper`, once. What it starts for itself is known
    /// by `role`.
    Started {
        pid: i32,
        helper: Option<HelperScope>,
        #[serde(default)]
        role: Option<String>,
    },
    /// Something happened. The keeper writes it to the spool before it reads on, and says so with
    /// [`FromKeeper::Kept`]; what a frame holds is not shown to the caller before that.
    Frame(Frame),
    /// The last word, also of a shim that cannot take the terms. Answered by [`FromKeeper::Done`] once the end is in the
    /// spool.
    End(Ending),
    /// From a credential helper: what git asks for (gitcredentials(7)). Answered by [`FromKeeper::Credential`].
    Credential {
        protocol: String,
        host: String,
        path: String,
    },
    /// From the command line: about the keeper itself, no invocation.
    Control(Control),
}

/// What the command line asks of the keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Control {
    /// Sign in by the device grant. Answered by [`Controlled::Code`], then [`Controlled::SignedIn`]. For root, the
    /// keeper's own user and the operators of its configuration.
    Login,
    /// Revoke the login and forget it. For the same callers. Answered by [`FromKeeper::Done`].
    Logout,
    /// Answered by [`Controlled::Status`], for everybody: it holds no secret.
    Status,
}

/// What the keeper answers to that.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Controlled {
    /// Where a human confirms the login, and with which code (RFC 8628 section 3.2).
    Code {
        user_code: String,
        url: String,
        complete_url: Option<String>,
        /// Seconds until the code is void.
        expires_in: u64,
    },
    SignedIn {
        who: Subject,
        /// Where the refresh token is kept, in words.
        kept: String,
    },
    Status(Box<KeeperStatus>),
}

/// How a keeper is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeeperStatus {
    /// The keeper's version.
    pub keeper: String,
    pub pid: u32,
    /// The user it runs as; a keeper of the agent's own user can be read by the agent.
    pub uid: u32,
    pub server: String,
    /// Who is signed in, as the server says just now.
    pub who: Option<Subject>,
    /// Where the refresh token is kept, in words; null while nobody is signed in.
    pub kept: Option<String>,
    /// The server's version, when it answered.
    pub server_version: Option<String>,
    pub spool: SpoolStatus,
    /// What does not work as it should, in words; also what the server says of itself.
    pub troubles: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpoolStatus {
    /// Commands that run now.
    pub live: u64,
    /// Recordings that are not sealed by the server yet, those of running commands among them.
    pub waiting: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes they may take before new commands are refused.
    pub limit: u64,
    /// Recordings the server would not take, set aside.
    pub refused: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub shim: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub invocation: Invocation,
    pub facts: Facts,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Ending {
    pub exit: Exit,
    pub duration: Micros,
    pub bytes: u64,
    pub masked: Vec<(String, u64)>,
}

/// What the keeper says.
#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromKeeper {
    Welcome {
        version: u32,
        keeper: String,
    },
    Answer(Answer),
    Drawn {
        grants: Vec<Grant>,
    },
    /// The role of the process that started the asking one, where both are the tool's.
    Above {
        role: Option<String>,
    },
    /// So many frames of this session are in the spool by write(2), so that no end of the keeper loses them. Said once
    /// for all that came together.
    Kept {
        frames: u64,
    },
    Done,
    Credential {
        username: String,
        #[serde(
            serialize_with = "crate::model::Secret::onto_the_wire",
            deserialize_with = "crate::model::Secret::off_the_wire"
        )]
        password: crate::model::Secret,
    },
    /// No, in the same words as a server's refusal: exit 126.
    Refused(Refusal),
    /// The gate cannot do its work: exit 125.
    Failed(Failure),
    /// End the tool now: the session was ended by a human, or its record cannot be kept.
    Stop {
        why: String,
    },
    /// To the command line.
    Control(Controlled),
}

/// Why the gate failed, in the three parts of every message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub what: String,
    pub why: String,
    pub hint: Option<String>,
}

/// What travels in one message.
pub trait Message: Sized {
    /// Appends the body.
    fn write_body(&self, out: &mut Vec<u8>) -> io::Result<()>;

    fn read_body(body: &[u8]) -> io::Result<Self>;
}

impl Message for FromKeeper {
    fn write_body(&self, out: &mut Vec<u8>) -> io::Result<()> {
        Ok(serde_json::to_writer(out, self)?)
    }

    fn read_body(body: &[u8]) -> io::Result<Self> {
        json(body)
    }
}

impl Message for FromShim {
    fn write_body(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let FromShim::Frame(Frame { at, kind }) = self else { return Ok(serde_json::to_writer(out, self)?) };
        let (kind, bytes) = match kind {
            FrameKind::Output(bytes) => (OUTPUT, bytes),
            FrameKind::Error(bytes) => (ERROR, bytes),
            FrameKind::Input(bytes) => (INPUT, bytes),
            FrameKind::Resize { .. } | FrameKind::Mark(_) | FrameKind::End(_) => {
                return Ok(serde_json::to_writer(out, self)?);
            }
        };
        out.reserve(HEAD + bytes.len());
        out.push(kind);
        out.extend_from_slice(&at.0.to_be_bytes());
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn read_body(body: &[u8]) -> io::Result<Self> {
        let Some((head, bytes)) = body.split_first_chunk::<HEAD>() else { return json(body) };
        let [kind, at @ ..] = *head;
        let kind: fn(Bytes) -> FrameKind = match kind {
            OUTPUT => FrameKind::Output,
            ERROR => FrameKind::Error,
            INPUT => FrameKind::Input,
            _ => return json(body),
        };
        Ok(FromShim::Frame(Frame { at: Micros(i64::from_be_bytes(at)), kind: kind(bytes.into()) }))
    }
}

/// First bytes of the bodies that are no JSON, and how much stands before their bytes.
const OUTPUT: u8 = 1;
const ERROR: u8 = 2;
const INPUT: u8 = 3;
const HEAD: usize = 9;

fn json<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes one message.
pub fn write(stream: &mut impl Write, message: &impl Message) -> io::Result<()> {
    let body = encode(message)?;
    stream.write_all(&body)
}

/// Reads one message; `None` at a clean end of the stream. A length past [`MAX`] or a body that does not parse is an
/// error of kind `InvalidData`, and the connection must be given up.
pub fn read<T: Message>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0; 4];
    let mut got = 0;
    while got < prefix.len() {
        match stream.read(&mut prefix[got..]) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = checked_length(prefix)?;
    // Past a usual message it grows as bytes arrive, so that a length alone costs nothing.
    let mut body = Vec::with_capacity(length.min(USUAL));
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    T::read_body(&body).map(Some)
}

/// A message with its length before it.
pub fn encode(message: &impl Message) -> io::Result<Vec<u8>> {
    let mut out = vec![0; 4];
    message.write_body(&mut out)?;
    let length = out.len() - 4;
    if length > MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a message of {length} bytes is too long")));
    }
    out[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(out)
}

/// The length that a prefix announces, where it may be taken.
pub fn checked_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_be_bytes(prefix) as usize;
    if length > MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes is too long")));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::{FromShim, Message, encode, read};
    use crate::model::{Exit, Frame, FrameKind, Micros};

    #[test]
    fn a_frame_reads_back_whatever_its_bytes_are() {
        let kinds = [
            FrameKind::Output("{\"say\":1}".into()),
            FrameKind::Error((&b"\xff\0\x01"[..]).into()),
            FrameKind::Input(Vec::new().into()),
            FrameKind::Resize { columns: 80, rows: 24 },
            FrameKind::Mark("x".to_owned()),
            FrameKind::End(Exit::Code(0)),
        ];
        for kind in kinds {
            let frame = Frame { at: Micros(i64::MAX), kind };
            let bytes = encode(&FromShim::Frame(frame.clone())).unwrap();
            let Some(FromShim::Frame(again)) = read(&mut &bytes[..]).unwrap() else { panic!("no frame") };
            assert_eq!(again, frame);
        }
    }

    #[test]
    fn a_body_that_is_neither_is_an_error() {
        for body in
            [&b""[..], b"\x01", b"\x01\0\0\0\0\0\0\0", b"\x04\0\0\0\0\0\0\0\0x", b"{}", b"{\"say\":\"nothing\"}"]
        {
            assert!(FromShim::read_body(body).is_err(), "{body:?}");
        }
    }
}
