//! A recording for other programs: asciicast v3, and plain text. Here, and nowhere before, bytes that are not UTF-8
//! are lost: they come out as U+FFFD.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

use super::{Error, Reader};
use crate::model::{Exit, FrameKind, Micros, visible};

/// The recording as asciicast v3 (<https://docs.asciinema.org/manual/asciicast/v3/>): a header, then
/// `[seconds since the last event, code, data]`. Standard output and standard error are both `o`, as a terminal shows
/// them; an end that nobody saw is a marker, because the format's `x` is a status.
///
/// A session that ran in a terminal begins with its size, and its bytes are those of a terminal. Elsewhere the tool
/// wrote plain lines, and a player needs the return before each newline that a terminal would have added.
pub fn asciicast<R: BufRead>(mut reader: Reader<R>, out: &mut impl Write) -> Result<(), Error> {
    let header = reader.header();
    let mut term = json!({ "cols": header.columns, "rows": header.rows });
    if let Some(name) = &header.term {
        term["type"] = json!(name);
    }
    let first = json!({
        "version": 3,
        "term": term,
        "timestamp": header.began.0.div_euclid(1_000_000),
        "command": header.command,
        "title": header.command,
        "tags": ["portcullis", header.id.as_str()],
    });
    line(out, &first)?;
    let mut cast =
        Cast { out, last: Micros(0), output: Text::default(), error: Text::default(), plain: true, returned: false };
    while let Some(frame) = reader.frame()? {
        cast.event(frame.at, frame.kind)?;
    }
    cast.rest()?;
    Ok(())
}

struct Cast<'a, W> {
    out: &'a mut W,
    last: Micros,
    output: Text,
    error: Text,
    /// No size was seen: the tool wrote to pipes.
    plain: bool,
    /// The last character that was shown is a return.
    returned: bool,
}

impl<W: Write> Cast<'_, W> {
    fn event(&mut self, at: Micros, kind: FrameKind) -> io::Result<()> {
        let (code, data) = match kind {
            FrameKind::Output(bytes) => ("o", self.output.push(&bytes)),
            FrameKind::Error(bytes) => ("o", self.error.push(&bytes)),
            FrameKind::Input(bytes) => ("i", Text::all(&bytes)),
            FrameKind::Resize { columns, rows } => {
                self.plain = false;
                ("r", format!("{columns}x{rows}"))
            }
            FrameKind::Mark(text) => ("m", text),
            FrameKind::End(exit) => {
                self.rest()?;
                match exit {
                    Exit::Code(code) => ("x", code.to_string()),
                    // As a shell reports it.
                    Exit::Signal(signal) => ("x", (128 + signal).to_string()),
                    Exit::Lost => ("m", "the end was not seen".to_owned()),
                }
            }
        };
        if data.is_empty() && code == "o" {
            return Ok(());
        }
        let since = at.since(self.last).0.max(0);
        self.last = self.last.max(at);
        self.write(since, code, &data)
    }

    /// Beginnings of characters whose rest never came.
    fn rest(&mut self) -> io::Result<()> {
        for text in [self.output.finish(), self.error.finish()] {
            if !text.is_empty() {
                self.write(0, "o", &text)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, micros: i64, code: &str, data: &str) -> io::Result<()> {
        let data = Value::from(if code == "o" { self.shown(data) } else { data.to_owned() });
        writeln!(self.out, "[{}.{:06},\"{code}\",{data}]", micros / 1_000_000, micros % 1_000_000)
    }
}

impl<W> Cast<'_, W> {
    fn shown(&mut self, data: &str) -> String {
        let mut out = String::with_capacity(data.len());
        for c in data.chars() {
            if self.plain && c == '\n' && !self.returned {
                out.push('\r');
            }
            self.returned = c == '\r';
            out.push(c);
        }
        out
    }
}

fn line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{value}")
}

/// Bytes into text, over the edges of frames: a character that two frames share is one character.
#[derive(Default)]
struct Text {
    begun: Vec<u8>,
}

impl Text {
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let keep = begun(&all);
        self.begun = all.split_off(all.len() - keep);
        Text::all(&all)
    }

    fn finish(&mut self) -> String {
        Text::all(&std::mem::take(&mut self.begun))
    }

    fn all(bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                out.push('\u{fffd}');
            }
        }
        out
    }
}

/// How many bytes at the end are the beginning of a character.
fn begun(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(3))
        .find(|n| {
            let tail = &bytes[bytes.len() - n..];
            tail[0] >= 0xc0 && matches!(std::str::from_utf8(tail), Err(e) if e.error_len().is_none())
        })
        .unwrap_or(0)
}

/// What a reader of the session saw, as plain text: both outputs in order, escape sequences of terminals left out,
/// other control characters escaped. Input and the gate's marks are not in it.
pub fn transcript<R: BufRead>(mut reader: Reader<R>, out: &mut impl Write) -> Result<(), Error> {
    let (mut output, mut error) = (Plain::default(), Plain::default());
    while let Some(frame) = reader.frame()? {
        let text = match frame.kind {
            FrameKind::Output(bytes) => output.push(&bytes),
            FrameKind::Error(bytes) => error.push(&bytes),
            FrameKind::Input(_) | FrameKind::Resize { .. } | FrameKind::Mark(_) | FrameKind::End(_) => continue,
        };
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Text without what drives a terminal (ECMA-48: `ESC [ … final`, `ESC ] … BEL or ST`, and two-byte escapes).
#[derive(Default)]
struct Plain {
    text: Text,
    state: State,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Ground,
    Escape,
    Control,
    Command,
    CommandEscape,
}

impl Plain {
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut kept = String::new();
        for c in self.text.push(bytes).chars() {
            self.state = match (self.state, c) {
                (State::Ground, '\x1b') => State::Escape,
                // A return before a newline is a terminal's way to end a line; alone it begins the line again.
                (State::Ground, '\r') => State::Ground,
                (State::Ground, c) => {
                    kept.push(c);
                    State::Ground
                }
                (State::Escape, '[') => State::Control,
                (State::Escape, ']' | 'P' | 'X' | '^' | '_') => State::Command,
                (State::Escape, ' '..='/') => State::Escape,
                (State::Escape, _) => State::Ground,
                (State::Control, '\x40'..='\x7e') => State::Ground,
                (State::Control, _) => State::Control,
                (State::Command, '\x07') => State::Ground,
                (State::Command, '\x1b') => State::CommandEscape,
                (State::Command, _) => State::Command,
                (State::CommandEscape, _) => State::Ground,
            };
        }
        visible::text(kept.as_bytes(), usize::MAX)
    }
}
