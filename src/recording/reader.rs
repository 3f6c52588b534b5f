//! A recording's bytes into frames, trusting nothing in them.

use std::io::{self, BufRead, Read};

use super::writer::link;
use super::{AFTER, BEFORE, Header, LONGEST, VERSION, Writer};
use crate::model::{Digest, Exit, Frame, FrameKind, Micros};

/// Why a recording cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    #[error("this is no recording: {0}")]
    NoRecording(&'static str),
    #[error("the recording is of format {0}, and this program reads format {VERSION}")]
    Version(u32),
    #[error("line {line} is not what was written: {why}")]
    Altered { line: u64, why: &'static str },
    #[error("line {0} is longer than any that is written")]
    TooLong(u64),
}

impl Error {
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Altered { .. } => Some("frames before that line are good; compare the file with its seal"),
            Error::Version(_) => Some("read it with the newer of the two programs"),
            Error::Io(_) | Error::NoRecording(_) | Error::TooLong(_) => None,
        }
    }
}

/// Frames in order, each checked against the chain.
pub struct Reader<R> {
    lines: Lines<R>,
    header: Header,
    ended: bool,
}

/// Whole lines, each checked against the one before it.
struct Lines<R> {
    source: R,
    chain: Digest,
    count: u64,
    whole: u64,
    torn: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn open(source: R) -> Result<Self, Error> {
        let mut lines = Lines { source, chain: Digest([0; 32]), count: 0, whole: 0, torn: 0 };
        let body = match lines.next() {
            Ok(body) => body.ok_or(Error::NoRecording("it has no whole first line"))?,
            Err(Error::Altered { .. }) => return Err(Error::NoRecording("its first line is of another kind")),
            Err(error) => return Err(error),
        };
        let header: Header =
            serde_json::from_slice(&body).map_err(|_| Error::NoRecording("its first line is no header"))?;
        if header.version != VERSION {
            return Err(Error::Version(header.version));
        }
        Ok(Reader { lines, header, ended: false })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the whole lines read so far.
    pub fn whole(&self) -> u64 {
        self.lines.whole
    }

    /// Bytes of half a line at the end; known once the frames have run out.
    pub fn torn(&self) -> u64 {
        self.lines.torn
    }

    /// Whether the last frame was the end.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// A writer that goes on after the last line read. Read all frames first, and cut the file to [`Reader::whole`].
    pub fn into_writer(self) -> Writer {
        Writer::after(self.lines.chain)
    }

    /// The next frame; `None` at the end, be it whole or torn.
    pub fn frame(&mut self) -> Result<Option<Frame>, Error> {
        let Some(body) = self.lines.next()? else { return Ok(None) };
        let altered = |why| Error::Altered { line: self.lines.count, why };
        if self.ended {
            return Err(altered("it stands after the end"));
        }
        let frame: Frame = serde_json::from_slice(&body).map_err(|_| altered("it is no frame"))?;
        self.ended = matches!(frame.kind, FrameKind::End(_));
        Ok(Some(frame))
    }
}

impl<R: BufRead> Lines<R> {
    /// The next whole line as it was before its chain was put in.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut line = Vec::new();
        (&mut self.source).take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
        if line.len() > LONGEST {
            return Err(Error::TooLong(self.count + 1));
        }
        if line.pop_if(|last| *last == b'\n').is_none() {
            self.torn = line.len() as u64;
            return Ok(None);
        }
        self.count += 1;
        let altered = |why| Error::Altered { line: self.count, why };
        let (chain, rest) = split(&line).ok_or_else(|| altered("it carries no chain"))?;
        let mut body = Vec::with_capacity(rest.len() + 1);
        body.push(b'{');
        body.extend_from_slice(rest);
        if link(self.chain, &body) != chain {
            return Err(altered("its chain does not fit the line before it"));
        }
        self.chain = chain;
        self.whole += line.len() as u64 + 1;
        Ok(Some(body))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.frame().transpose()
    }
}

/// A line's chain and what follows it.
fn split(line: &[u8]) -> Option<(Digest, &[u8])> {
    let rest = line.strip_prefix(BEFORE)?;
    let (digits, rest) = rest.split_at_checked(64)?;
    let chain = Digest::parse(std::str::from_utf8(digits).ok()?)?;
    Some((chain, rest.strip_prefix(AFTER)?))
}

/// A recording in a few figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub header: Header,
    pub frames: u64,
    /// Bytes that the caller got on standard output and standard error.
    pub output: u64,
    pub error: u64,
    /// Bytes of recorded input.
    pub input: u64,
    pub duration: Micros,
    /// `None`: the recording breaks off, or its session still runs.
    pub exit: Option<Exit>,
    /// Bytes of half a line at the end.
    pub torn: u64,
}

/// Reads a whole recording and checks its chain.
pub fn summary(source: impl BufRead) -> Result<Summary, Error> {
    let mut reader = Reader::open(source)?;
    let mut summary = Summary {
        header: reader.header().clone(),
        frames: 0,
        output: 0,
        error: 0,
        input: 0,
        duration: Micros(0),
        exit: None,
        torn: 0,
    };
    while let Some(frame) = reader.frame()? {
        summary.frames += 1;
        summary.duration = summary.duration.max(frame.at);
        match frame.kind {
            FrameKind::Output(bytes) => summary.output += bytes.len() as u64,
            FrameKind::Error(bytes) => summary.error += bytes.len() as u64,
            FrameKind::Input(bytes) => summary.input += bytes.len() as u64,
            FrameKind::End(exit) => summary.exit = Some(exit),
            FrameKind::Resize { .. } | FrameKind::Mark(_) => {}
        }
    }
    summary.torn = reader.torn();
    Ok(summary)
}
