//! The unix socket between shim and keeper: length-prefixed messages, a version first.
//!
//! A message is a 4-byte big-endian length, then that many bytes of JSON. A connection is one invocation's; when the
//! shim's end closes without `End`, the shim is gone.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{
    Decision, Digest, Exit, Facts, Frame, Grant, HelperScope, Invocation, InvocationId, Micros, Refusal,
};

/// Said in a shim's [`Hello`]; raised when a message changes its meaning.
pub const VERSION: u32 = 1;

/// The longest message either side takes: room for 2 MiB of arguments and 64 MiB of contents in JSON.
pub const MAX: usize = 160 << 20;

/// What a shim says.
#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromShim {
    Hello(Hello),
    /// Ask the server. Answered by [`FromKeeper::Answer`], and again whenever it changes while it is `ask`.
    Ask(Box<Question>),
    /// Terms are accepted: mint the grants and open the recording. Answered by [`FromKeeper::Drawn`].
    Draw,
    /// The tool runs as this process; it and its descendants may use `helper`, once.
    Started {
        pid: i32,
        helper: Option<HelperScope>,
    },
    /// Something happened. Not answered; the keeper writes it to the spool before it reads on.
    Frame(Frame),
    /// The last word. Answered by [`FromKeeper::Done`] once the end is in the spool.
    End(Ending),
    /// From a credential helper: what git asks for (gitcredentials(7)). Answered by [`FromKeeper::Credential`].
    Credential {
        protocol: String,
        host: String,
        path: String,
    },
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
    Answer {
        id: InvocationId,
        digest: Digest,
        decision: Decision,
    },
    Drawn {
        grants: Vec<Grant>,
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
}

/// Why the gate failed, in the three parts of every message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub what: String,
    pub why: String,
    pub hint: Option<String>,
}

/// Writes one message.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = encode(message)?;
    stream.write_all(&body)
}

/// Reads one message; `None` at a clean end of the stream. A length past [`MAX`] or a body that does not parse is an
/// error of kind `InvalidData`, and the connection must be given up.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
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
    // Grown as bytes arrive, so that a length alone costs nothing.
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode(&body).map(Some)
}

/// A message with its length before it.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut out = vec![0; 4];
    serde_json::to_writer(&mut out, message)?;
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

/// A body without its length.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
