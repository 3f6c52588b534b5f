//! What the fuzz targets of the readers share: a machine that is made of the fuzzer's bytes, and what must hold of
//! every reading on it.
//!
//! An input has sections, each ended by a byte 0xff, which is in no seed: the arguments (one a line), the variables
//! (`NAME=value`, one a line), standard input, what the tool itself answers (`git config --list -z …`), and then
//! contents of files. A path asked for is given the content that its own name picks.

use std::collections::BTreeMap;

use portcullis::model::{
    Bytes, Content, ContentSource, Digest, Invocation, InvocationId, Pin, StreamKind, Streams, Terms,
};
use portcullis::tools::world::{Kind, Look};
use portcullis::tools::{self, Limits, World};

/// Doubts, operations and contents are for a human's eyes and a policy's loop; a line of the fuzzer's size has no use
/// for more of them than it has bytes, but for the patterns of curl, which may stand for 2,000 requests with what each of
/// them reads and writes.
const PER_BYTE: usize = 4;
const PATTERNS: usize = 8_000;

/// Gathers, reads and delivers one line, and checks what must hold of each.
pub fn read(tool: &str, input: &[u8]) {
    let machine = Machine::new(input);
    let tool = tools::by_name(tool).expect("the target names a tool");
    let invocation = machine.invocation(tool.name(), tool.variables());
    let facts = tool.gather(&invocation, &machine);
    let taken: usize = facts.contents.iter().map(|content| content.bytes.0.len()).sum();
    assert!(taken <= machine.limits().content * (machine.limits().files + 1), "gather took in {taken} bytes");
    let reading = tool.read(&invocation, &facts);
    let bound = 64 + PER_BYTE * (input.len() + taken);
    assert!(reading.operations.len() <= bound + PATTERNS, "{} operations", reading.operations.len());
    assert!(reading.doubts.len() <= bound, "{} doubts", reading.doubts.len());
    assert!(tool.read(&invocation, &facts) == reading, "two readings of one line differ");
    let _ = tool.deliver(&invocation, facts, &Terms::default(), Vec::new());
}

struct Machine<'a> {
    args: Vec<&'a [u8]>,
    variables: BTreeMap<&'a str, &'a [u8]>,
    stdin: &'a [u8],
    answer: &'a [u8],
    files: Vec<&'a [u8]>,
}

impl<'a> Machine<'a> {
    fn new(input: &'a [u8]) -> Self {
        let mut sections = input.split(|byte| *byte == 0xff);
        let mut next = || sections.next().unwrap_or_default();
        let lines = |section: &'a [u8]| section.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let args = lines(next()).collect();
        let variables = lines(next())
            .filter_map(|line| {
                let at = line.iter().position(|byte| *byte == b'=')?;
                Some((std::str::from_utf8(&line[..at]).ok()?, &line[at + 1..]))
            })
            .collect();
        let (stdin, answer) = (next(), next());
        Machine { args, variables, stdin, answer, files: sections.collect() }
    }

    fn invocation(&self, tool: &str, listed: &[&str]) -> Invocation {
        let counts = |name: &str| {
            listed.iter().any(|listed| match listed.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == *listed,
            })
        };
        let stream = if self.stdin.is_empty() { StreamKind::Null } else { StreamKind::Pipe };
        Invocation {
            id: InvocationId::from_ulid(0),
            tool: tool.to_owned(),
            argv0: Bytes(tool.as_bytes().to_vec()),
            args: self.args.iter().map(|arg| Bytes(arg.to_vec())).collect(),
            cwd: Some(Bytes(b"/home/agent/app".to_vec())),
            variables: self
                .variables
                .iter()
                .filter(|(name, _)| counts(name))
                .map(|(name, value)| ((*name).to_owned(), Bytes(value.to_vec())))
                .collect(),
            streams: Streams { stdin: stream, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
            parent: None,
            pin: Pin::Pinned,
        }
    }

    /// The content that a path's own bytes pick, one of `files` or none.
    fn picked(&self, path: &[u8]) -> Option<&'a [u8]> {
        let sum = path.iter().fold(path.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.files.get(sum % (self.files.len() + 1)).copied()
    }
}

fn content(source: ContentSource, bytes: &[u8]) -> Content {
    Content { source, sha256: Digest::of(bytes), bytes: Bytes(bytes.to_vec()), truncated: false }
}

impl World for Machine<'_> {
    fn limits(&self) -> Limits {
        Limits { content: 1 << 20, files: 16, stdin_millis: 1 }
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        Some(content(ContentSource::File(Bytes(path.to_vec())), self.picked(path)?))
    }

    fn stdin(&self) -> Option<Content> {
        (!self.stdin.is_empty()).then(|| content(ContentSource::Stdin, self.stdin))
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let names = self.picked(path)?.split(|byte| *byte == b'\n').filter(|name| !name.is_empty());
        Some(names.take(64).map(|name| Bytes(name.to_vec())).collect())
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.picked(path).is_some()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        path.len().is_multiple_of(3)
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        self.picked(name.as_bytes()).map(|_| Bytes(format!("/usr/bin/{name}").into_bytes()))
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        (args.len() != 1).then(|| self.answer.to_vec())
    }

    fn home(&self) -> Option<Bytes> {
        Some(Bytes(b"/home/agent".to_vec()))
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.variables.get(name).map(|value| Bytes(value.to_vec()))
    }

    fn look(&self, path: &[u8]) -> Look {
        let kind = match (self.is_dir(path), self.is_file(path)) {
            (true, _) => Kind::Folder,
            (false, true) => Kind::File,
            (false, false) => return Look::Nothing,
        };
        Look::There { kind, device: 1, own: true }
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        Some(Bytes(path.to_vec()))
    }
}
