//! Frames into bytes to append.

use sha2::{Digest as _, Sha256};

use super::{AFTER, BEFORE, Header, Line};
use crate::model::{Digest, Frame};

/// Gives each line's bytes; the caller appends them in this order and nothing else.
pub struct Writer {
    chain: Digest,
}

impl Writer {
    /// The writer and the first line.
    pub fn begin(header: &Header) -> (Self, Vec<u8>) {
        let mut writer = Writer { chain: Digest([0; 32]) };
        let line = writer.line(&Line::Header(header));
        (writer, line)
    }

    /// Goes on after a line whose chain is known.
    pub(super) fn after(chain: Digest) -> Self {
        Writer { chain }
    }

    pub fn frame(&mut self, frame: &Frame) -> Vec<u8> {
        self.line(&Line::Frame(frame))
    }

    fn line(&mut self, line: &Line<'_>) -> Vec<u8> {
        // Plain data of ours: every map key is text, so there is nothing that could fail to be written.
        let body = serde_json::to_vec(line).unwrap_or_default();
        self.chain = link(self.chain, &body);
        let mut out = Vec::with_capacity(body.len() + 80);
        out.extend_from_slice(BEFORE);
        out.extend_from_slice(self.chain.to_string().as_bytes());
        out.extend_from_slice(AFTER);
        out.extend_from_slice(body.get(1..).unwrap_or_default());
        out.push(b'\n');
        out
    }
}

/// The chain after a line.
pub(super) fn link(previous: Digest, body: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update(previous.0).chain_update(body).finalize().into())
}
