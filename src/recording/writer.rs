//! Frames into bytes to append.

use sha2::{Digest as _, Sha256};

use super::{AFTER, BEFORE, Header, Line};
use crate::model::{Digest, Frame, FrameKind};

/// Hexadecimal digits of a chain.
const CHAIN: usize = 64;

/// Bytes of a string that are looked at together.
const STRIDE: usize = 16;

const HEX: &[u8; 16] = b"0123456789abcdef";

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

    /// The body is written where it will stand; its brace holds the place of the comma that ends [`AFTER`].
    fn line(&mut self, line: &Line<'_>) -> Vec<u8> {
        let head = BEFORE.len() + CHAIN + AFTER.len();
        let mut out = Vec::new();
        match text(line) {
            Some((frame, kind, text)) => {
                out.reserve(head + text.len() + text.len() / 16 + 80);
                out.resize(head - 1, 0);
                out.extend_from_slice(format!("{{\"at\":{},\"kind\":\"{kind}\",\"data\":", frame.at.0).as_bytes());
                write_string(&mut out, text);
                out.push(b'}');
            }
            None => {
                out.resize(head - 1, 0);
                // Plain data of ours: every map key is text, so there is nothing that could fail to be written.
                let _ = serde_json::to_writer(&mut out, line);
            }
        }
        self.chain = link(self.chain, &out[head - 1..]);
        let chain = self.chain.to_string();
        out[..head].copy_from_slice(&[BEFORE, chain.as_bytes(), AFTER].concat());
        out.push(b'\n');
        out
    }
}

/// Of a frame that is a stream's text: what its kind is called and the text. All that is bulk comes this way.
fn text<'a>(line: &Line<'a>) -> Option<(&'a Frame, &'static str, &'a str)> {
    let Line::Frame(frame) = line else { return None };
    let (kind, bytes) = match &frame.kind {
        FrameKind::Output(bytes) => ("output", bytes),
        FrameKind::Error(bytes) => ("error", bytes),
        FrameKind::Input(bytes) => ("input", bytes),
        FrameKind::Resize { .. } | FrameKind::Mark(_) | FrameKind::End(_) => return None,
    };
    Some((frame, kind, bytes.text()?))
}

/// As `serde_json` writes a string (RFC 8259, section 7), by strides instead of by bytes.
fn write_string(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    out.push(b'"');
    loop {
        let (plain, after) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            byte => {
                let digit = |half: u8| HEX[usize::from(half & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(*byte)]);
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes stand before the first that must be escaped.
fn plain(bytes: &[u8]) -> usize {
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let whole = bytes.chunks_exact(STRIDE).take_while(|stride| !stride.iter().fold(false, |any, b| any | special(b)));
    let at = whole.count() * STRIDE;
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
}

/// The chain after a line.
pub(super) fn link(previous: Digest, body: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update(previous.0).chain_update(body).finalize().into())
}
