//! Frames into bytes to append.

use sha2::{Digest as _, Sha256};

use super::{AFTER, BEFORE, Header, Line};
use crate::model::{Digest, Frame, FrameKind};

/// Hexadecimal digits of a chain.
const CHAIN: usize = 64;

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

/// As `serde_json` writes a string (RFC 8259, section 7), by words instead of by bytes.
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

/// How many bytes stand before the first that must be escaped. Eight are looked at together: of a byte below a bound, the
/// subtraction borrows, and the lowest byte that borrows is one that is below.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & (ONES << 7);
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = below(word, b' ') | is(word, b'"') | is(word, b'\\');
        if special != 0 {
            return n * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

/// The chain after a line.
pub(super) fn link(previous: Digest, body: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update(previous.0).chain_update(body).finalize().into())
}
