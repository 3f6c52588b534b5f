//! A throwaway machine for one line: folders that vanish, an environment of its own, and the real tool.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portcullis::model::{Bytes, Content, ContentSource, Digest, Invocation, InvocationId, Pin, StreamKind, Streams};
use portcullis::tools::world::{Kind, Look};
use portcullis::tools::{Limits, Tool, World};

pub struct Machine {
    pub root: tempfile::TempDir,
    pub environment: BTreeMap<String, String>,
    /// What the tool finds on its standard input.
    pub stdin: Vec<u8>,
    tool: &'static str,
}

impl Machine {
    pub fn new(tool: &'static str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "tree", "bin"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let mut environment = BTreeMap::new();
        // Another git than the installed one: the folder of its program.
        let other = std::env::var("DIFFERENTIAL_GIT").map(|folder| format!("{folder}:")).unwrap_or_default();
        let path = format!("{}:{other}/usr/local/bin:/usr/bin:/bin", root.path().join("bin").display());
        for (name, value) in
            [("PATH", path.as_str()), ("LANG", "C.UTF-8"), ("TERM", "dumb"), ("GIT_CONFIG_NOSYSTEM", "1")]
        {
            environment.insert(name.to_owned(), value.to_owned());
        }
        environment.insert("HOME".to_owned(), root.path().join("home").display().to_string());
        Machine { root, environment, stdin: Vec::new(), tool }
    }

    /// Takes over what another machine has in its folders.
    pub fn copy_of(&self, other: &Path) {
        let from = format!("{}/.", other.display());
        let output = Command::new("cp").args(["-a", &from]).arg(self.root.path()).output().unwrap();
        assert!(output.status.success(), "{}", output.stderr.escape_ascii());
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// `@/` stands for the folder of all.
    pub fn spelled(&self, text: &str) -> String {
        text.replace("@/", &format!("{}/", self.root.path().display()))
    }

    pub fn shell(&self, script: &str) {
        self.try_shell(script).unwrap();
    }

    pub fn try_shell(&self, script: &str) -> Result<(), String> {
        let output = self.command("sh", &["-ec", script]).output().unwrap();
        let why = || format!("{script}: {}", output.stderr.escape_ascii());
        output.status.success().then_some(()).ok_or_else(why)
    }

    /// The real tool, as the caller would have run it.
    pub fn run(&self, args: &[String]) -> Output {
        let mut command = self.command(self.tool, args);
        if !self.stdin.is_empty() {
            let path = self.path("stdin");
            std::fs::write(&path, &self.stdin).unwrap();
            command.stdin(std::fs::File::open(path).unwrap());
        }
        command.output().unwrap()
    }

    /// A question about one of the machine's repositories.
    pub fn git_in(&self, folder: &str, args: &[&str]) -> String {
        let folder = self.path(folder).display().to_string();
        let words: Vec<&str> = ["-C", &folder].into_iter().chain(args.iter().copied()).collect();
        let output = self.command(self.tool, &words).env_remove("GIT_DIR").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn command<S: AsRef<OsStr>>(&self, program: &str, args: &[S]) -> Command {
        // A line that waits for something that never comes must not hold up the others.
        let mut command = Command::new("timeout");
        command
            .args(["-k", "1", "10"])
            .arg(program)
            .args(args)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.path("tree"))
            .stdin(Stdio::null());
        command
    }

    pub fn invocation(&self, tool: &dyn Tool, args: &[String]) -> Invocation {
        let wanted = |name: &&String| {
            tool.variables().iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name.as_str() == *pattern,
            })
        };
        let variables = self.environment.iter().filter(|(name, _)| wanted(name));
        Invocation {
            id: InvocationId::parse("inv_01J9Z3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            tool: self.tool.into(),
            argv0: self.tool.into(),
            args: args.iter().map(|a| Bytes::from(a.as_str())).collect(),
            cwd: Some(self.path("tree").display().to_string().into()),
            variables: variables.map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
            streams: Streams {
                stdin: if self.stdin.is_empty() { StreamKind::Null } else { StreamKind::Pipe },
                stdout: StreamKind::Pipe,
                stderr: StreamKind::Pipe,
            },
            parent: None,
            pin: Pin::Pinned,
        }
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        self.path("tree").join(Path::new(OsStr::from_bytes(path)))
    }
}

impl World for Machine {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let bytes = std::fs::read(self.at(path)).ok()?;
        let sha256 = Digest::of(&bytes);
        Some(Content { source: ContentSource::File(path.into()), sha256, bytes: bytes.into(), truncated: false })
    }

    fn stdin(&self) -> Option<Content> {
        let (source, bytes) = (ContentSource::Stdin, Bytes::from(self.stdin.as_slice()));
        (!bytes.is_empty()).then(|| Content { source, sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let entries = std::fs::read_dir(self.at(path)).ok()?;
        let mut names: Vec<Bytes> = entries.map(|e| e.unwrap().file_name().as_bytes().into()).collect();
        names.sort();
        Some(names)
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.at(path).is_file()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.at(path).is_dir()
    }

    fn is_program(&self, path: &[u8]) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.at(path)).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        let folders = self.environment["PATH"].split(':');
        let found = folders
            .map(|folder| format!("{}/{name}", if folder.is_empty() { "." } else { folder }))
            .find(|path| self.at(path.as_bytes()).is_file())?;
        Some(found.as_str().into())
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let args: Vec<&OsStr> = args.iter().map(|a| OsStr::from_bytes(a)).collect();
        let mut question = self.command(self.tool, &args);
        let output = question.env("GIT_NO_LAZY_FETCH", "1").env_remove("GIT_CONFIG").output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn home(&self) -> Option<Bytes> {
        self.variable("HOME")
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.environment.get(name).map(|value| value.as_str().into())
    }

    fn look(&self, path: &[u8]) -> Look {
        let metadata = match std::fs::symlink_metadata(self.at(path)) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Look::Nothing,
            Err(_) => return Look::Unknown,
        };
        let kind = if metadata.is_file() {
            Kind::File
        } else if metadata.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        };
        let own = metadata.uid() == rustix::process::geteuid().as_raw();
        Look::There { kind, device: metadata.dev(), own }
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        let path = std::fs::canonicalize(self.at(path)).ok()?;
        Some(path.display().to_string().into())
    }

    fn said(&self, question: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new(self.tool);
        let output = command.args(question).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
        output.status.success().then_some(output.stdout)
    }
}
