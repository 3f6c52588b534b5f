//! A work folder in which lines are read and run.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use portcullis::model::{
    Bytes, Content, ContentSource, Digest, Facts, Invocation, InvocationId, Part, Pin, Reading, StreamKind, Streams,
    Word,
};
use portcullis::tools::{Limits, World, by_name};

use super::Line;
use super::server::server;

/// A work folder on this machine, which is its own home.
pub struct Machine {
    pub folder: tempfile::TempDir,
    pub stdin: String,
    env: Vec<(String, String)>,
}

impl Machine {
    pub fn new(line: &Line) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &line.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine { folder, stdin: line.stdin.clone(), env: line.env.clone() }
    }

    pub fn path(&self, path: &[u8]) -> PathBuf {
        self.folder.path().join(std::str::from_utf8(path).unwrap())
    }

    pub fn home(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    pub fn invocation(&self, args: Vec<Bytes>, variables: &[(String, String)]) -> Invocation {
        let variables = variables.iter().map(|(name, value)| (name.clone(), Bytes::from(value.as_str())));
        Invocation {
            id: InvocationId::from_ulid(7),
            tool: "psql".into(),
            argv0: "psql".into(),
            args,
            cwd: Some(self.home().into()),
            variables: variables.chain([("HOME".to_owned(), self.home().into())]).collect(),
            streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
            parent: None,
            pin: Pin::Pinned,
        }
    }
}

impl World for Machine {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        if path == b"/dev/stdin" {
            let stdin = self.stdin()?;
            return Some(Content { source: ContentSource::File(path.into()), ..stdin });
        }
        let bytes = Bytes::from(fs::read(self.path(path)).ok()?);
        Some(Content { source: ContentSource::File(path.into()), sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn stdin(&self) -> Option<Content> {
        let bytes = Bytes::from(self.stdin.as_str());
        Some(Content { source: ContentSource::Stdin, sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let names = fs::read_dir(self.path(path)).ok()?;
        Some(names.map(|entry| Bytes::from(entry.unwrap().file_name().to_str().unwrap())).collect())
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.path(path).is_file()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.path(path).is_dir()
    }

    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let args = args.iter().map(|arg| std::str::from_utf8(arg).unwrap());
        Some(Command::new(server().cluster.program("psql")).args(args).output().unwrap().stdout)
    }

    fn home(&self) -> Option<Bytes> {
        Some(self.home().into())
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str().into())
    }
}

/// Runs psql with these words; `start` makes the command that psql's program becomes a part of.
pub fn run(
    machine: &Machine,
    args: &[Word],
    paths: &[PathBuf],
    stdin: &[u8],
    start: impl FnOnce(PathBuf) -> Command,
) -> Output {
    let mut command = start(server().cluster.program("psql"));
    command.current_dir(machine.folder.path()).env("PATH", "/usr/bin:/bin").env("HOME", machine.home());
    command.args(args.iter().map(|word| spell(word, paths)));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // psql may end before it has read all; that is no failure.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// Memory files stand on disk here; what matters is that psql takes them by name.
pub fn spell(word: &Word, paths: &[PathBuf]) -> String {
    let part = |part: &Part| match part {
        Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
        Part::File(index) => paths[*index].to_str().unwrap().to_owned(),
        Part::Helper => panic!("psql takes no helper"),
    };
    word.0.iter().map(part).collect()
}

pub fn variables(database: &str, user: &str) -> Vec<(String, String)> {
    let port = server().cluster.port.to_string();
    let pairs = [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGDATABASE", database), ("PGUSER", user)];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

pub fn read(invocation: &Invocation, machine: &Machine) -> (Facts, Reading) {
    let psql = by_name("psql").unwrap();
    let facts = psql.gather(invocation, machine);
    let reading = psql.read(invocation, &facts);
    (facts, reading)
}
