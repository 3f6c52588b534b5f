//! A session's frames as a file, and back: the format, its chain, and two exports. Invariant: pure; the caller owns
//! files, clock and network, and gives only bytes that were redacted.
//!
//! # The file
//!
//! Lines of JSON, each ended by one newline; `jq` reads them. The first is the [`Header`], every other one a
//! [`Frame`]; the last of a whole recording is a frame of kind `end`:
//!
//! ```text
//! {"chain":"9f86…","portcullis":1,"id":"inv_01J9…","command":"git status","began":1763970000000000,"columns":80,…}
//! {"chain":"60fd…","at":1520,"kind":"output","data":"On branch main\n"}
//! {"chain":"8a1b…","at":2210,"kind":"output","data":{"b64":"/w=="}}
//! {"chain":"01ba…","at":3000,"kind":"end","data":{"code":0}}
//! ```
//!
//! `chain` is SHA-256 over the previous line's chain (32 bytes; for the first line, 32 zeros) and the bytes of this
//! line as they would stand without their `"chain":"…",` and newline. So a line that was changed, removed or moved
//! shows; a file that was shortened shows by its missing `end`, and by the seal, which is the plain SHA-256 of the
//! whole file. Bytes that are not UTF-8 are kept exactly ([`Bytes`](crate::model::Bytes)).
//!
//! A crash may leave half a line. [`Reader`] stops before it and says how long it is; [`Reader::into_writer`] goes on
//! from the last whole line once the caller has cut the file to [`Reader::whole`] bytes.

mod export;
mod reader;
mod writer;

pub use export::{asciicast, transcript};
pub use reader::{Error, Reader, Summary, summary};
pub use writer::Writer;

use serde::{Deserialize, Serialize};

use crate::model::{Frame, InvocationId, Micros};

/// Raised when a line changes its meaning.
pub const VERSION: u32 = 1;

/// The longest line that is read, in bytes: a frame of 64 MiB in base64.
pub const LONGEST: usize = 96 << 20;

/// What is known when a recording begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    #[serde(rename = "portcullis")]
    pub version: u32,
    pub id: InvocationId,
    /// The command for a human's eyes; escaped already.
    pub command: String,
    pub began: Micros,
    /// The terminal's size; 80 by 24 where there is none.
    pub columns: u16,
    pub rows: u16,
    /// `TERM`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

impl Header {
    pub fn new(id: InvocationId, command: String, began: Micros) -> Self {
        Header { version: VERSION, id, command, began, columns: 80, rows: 24, term: None }
    }
}

/// A line without its chain.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Header(&'a Header),
    Frame(&'a Frame),
}

/// What stands before the chain and after it.
const BEFORE: &[u8] = b"{\"chain\":\"";
const AFTER: &[u8] = b"\",";

#[cfg(test)]
mod tests;
