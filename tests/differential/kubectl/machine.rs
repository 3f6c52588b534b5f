//! A throwaway machine for one line: its home, its work folder, and the real kubectl under strace(1).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portcullis::model::{
    Bytes, Content, ContentSource, Digest, Invocation, InvocationId, Pin, Reading, StreamKind, Streams,
};
use portcullis::tools::world::{Kind, Look};
use portcullis::tools::{Limits, World, by_name};

use super::apiserver::{ApiServer, TOKEN};

/// Programs that a line may start; each only ends well.
const PLANTED: [&str; 9] = [
    "vi",
    "ed",
    "login",
    "differ",
    "helm",
    "kubectl-frob",
    "kubectl-frob-deep_er",
    "kubectl-create-thing",
    "kubectl-get",
];

pub struct Machine<'a> {
    root: tempfile::TempDir,
    kubectl: &'a Path,
    environment: BTreeMap<String, String>,
    stdin: String,
}

/// What one run of kubectl did to the machine that it ran on.
#[derive(Debug, Default)]
pub struct Ran {
    pub code: Option<i32>,
    pub stderr: String,
    pub programs: BTreeSet<String>,
    pub reads: BTreeSet<String>,
    pub writes: BTreeSet<String>,
    pub listens: BTreeSet<String>,
}

impl<'a> Machine<'a> {
    pub fn new(server: &ApiServer, kubectl: &'a Path) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home/.kube", "bin"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let world = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/kubectl/world");
        assert!(Command::new("cp").args(["-r", world]).arg(root.path().join("tree")).status().unwrap().success());
        for name in PLANTED {
            let path = root.path().join("bin").join(name);
            let text = match name {
                "login" => {
                    "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"administrator-of-this-run\"}}'\n"
                }
                // It changes something in every object that it is given.
                "vi" | "ed" => {
                    "#!/bin/sh\nsed -i -e '/generateName/d' -e 's/^metadata:$/&\\n  generateName: e-'$$'/' -e 's/^    \"metadata\": {$/&\"generateName\": \"e-'$$'\",/' \"$1\"\n"
                }
                _ => "#!/bin/sh\nexit 0\n",
            };
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut machine = Machine { kubectl, environment: BTreeMap::new(), stdin: String::new(), root };
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", machine.path("bin").display());
        let home = machine.path("home").display().to_string();
        for (name, value) in [("PATH", path.as_str()), ("HOME", &home), ("LANG", "C.UTF-8"), ("TERM", "dumb")] {
            machine.environment.insert(name.to_owned(), value.to_owned());
        }
        let config = machine.kubeconfig(server, "dev");
        fs::write(machine.path("home/.kube/config"), config).unwrap();
        fs::write(machine.path("tree/other.yaml"), machine.kubeconfig(server, "prod")).unwrap();
        machine
    }

    fn kubeconfig(&self, server: &ApiServer, current: &str) -> String {
        let (port, ca) = (server.port, server.ca().display().to_string());
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {current}\nclusters:\n\
             - {{name: dev, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: {ca}}}}}\n\
             - {{name: prod, cluster: {{server: \"https://localhost:{port}\", certificate-authority: {ca}}}}}\n\
             contexts:\n- {{name: dev, context: {{cluster: dev, user: admin}}}}\n\
             - {{name: prod, context: {{cluster: prod, user: admin, namespace: payments}}}}\n\
             - {{name: plug, context: {{cluster: dev, user: plug, namespace: prod}}}}\n\
             - {{name: acting, context: {{cluster: dev, user: acting}}}}\n\
             users:\n- {{name: admin, user: {{token: {TOKEN}}}}}\n\
             - {{name: acting, user: {{token: {TOKEN}, as: ann, as-groups: [wheel], as-uid: \"7\"}}}}\n\
             - {{name: plug, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}}}}}}\n"
        )
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// `@ROOT@` and `@SERVER@` in a line's words.
    pub fn spelled(&self, text: &str, server: &ApiServer) -> String {
        text.replace("@ROOT@", &self.root.path().display().to_string()).replace("@SERVER@", &server.address())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub fn give(&mut self, stdin: String) {
        self.stdin = stdin;
    }

    /// kubectl, for at most `seconds`: some lines wait for what never comes here.
    pub fn run(&self, args: &[String], seconds: u32) -> Ran {
        let trace = self.path("trace");
        let mut command = Command::new("timeout");
        command.args(["-s", "INT", "-k", "2", &seconds.to_string()]);
        command.args([
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-s",
            "4096",
            "-e",
            "trace=execve,openat,bind,listen,mkdirat",
            "-o",
        ]);
        command.arg(&trace).arg(self.kubectl).args(args).env_clear().envs(&self.environment);
        command.current_dir(self.path("tree")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end before it has read all; that is no failure.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut ran = Ran { code: output.status.code(), stderr: text(&output.stderr), ..Ran::default() };
        self.traced(&text(&fs::read(&trace).unwrap_or_default()), &mut ran);
        ran
    }

    fn traced(&self, trace: &str, ran: &mut Ran) {
        let mut first = true;
        let mut bound: BTreeMap<String, String> = BTreeMap::new();
        for call in whole_calls(trace) {
            let failed = call.contains(" = -1 ");
            if let Some(rest) = call.strip_prefix("execve(\"") {
                if !std::mem::take(&mut first) && !failed {
                    ran.programs.extend(rest.split('"').next().map(str::to_owned));
                }
            } else if let Some(rest) = call.strip_prefix("openat(").filter(|_| !failed) {
                let path = rest.split('"').nth(1).unwrap_or_default();
                let Some(path) = self.named(path) else { continue };
                let written = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| rest.contains(flag));
                if written {
                    ran.writes.insert(path);
                } else if !rest.contains("O_DIRECTORY") && !self.path("tree").join(&path).is_dir() {
                    ran.reads.insert(path);
                }
            } else if let Some(rest) = call.strip_prefix("bind(").filter(|_| !failed) {
                let Some((descriptor, rest)) = rest.split_once(',') else { continue };
                let quoted: Vec<&str> = rest.split('"').collect();
                let port = rest.split("htons(").nth(1).and_then(|rest| rest.split(')').next());
                let address = match port {
                    Some(port) => format!("{}:{port}", quoted.get(1).unwrap_or(&"")),
                    None => format!("unix:{}", quoted.get(1).unwrap_or(&"")),
                };
                bound.insert(descriptor.to_owned(), address);
            } else if let Some(rest) = call.strip_prefix("listen(").filter(|_| !failed) {
                ran.listens.extend(rest.split(',').next().and_then(|descriptor| bound.get(descriptor).cloned()));
            }
        }
    }

    /// A path as a reading says it: in the work folder or the home; `None` for caches and the system's own files.
    pub fn named(&self, path: &str) -> Option<String> {
        let (work, home) = (self.path("tree").display().to_string(), self.path("home").display().to_string());
        let below = |root: &str| path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
        let path = match (below(&work), below(&home)) {
            // A kubeconfig and its lock.
            (Some(path), _) if path.starts_with("other.yaml") || path.starts_with("kc/") => return None,
            (Some(path), _) => path,
            (None, Some(path)) if path.starts_with(".kube/") => return None,
            (None, Some(path)) => format!("~/{path}"),
            (None, None) if path == "/etc/hostname" => return Some(path.to_owned()),
            (None, None) if path.starts_with('/') => return None,
            (None, None) if ["[", "other.yaml", "kc/"].iter().any(|start| path.starts_with(start)) => return None,
            (None, None) => path.to_owned(),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "." | "" => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        (!parts.is_empty()).then(|| parts.join("/"))
    }

    pub fn read(&self, args: &[String], version: &str) -> Reading {
        let kubectl = by_name("kubectl").unwrap();
        let variables = self.environment.iter().filter(|(name, _)| kubectl.variables().contains(&name.as_str()));
        let invocation = Invocation {
            id: InvocationId::from_ulid(9),
            tool: "kubectl".into(),
            argv0: "kubectl".into(),
            args: args.iter().map(|arg| Bytes::from(arg.as_str())).collect(),
            cwd: Some(self.path("tree").display().to_string().into()),
            variables: variables.map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
            // All of it is there from the start.
            streams: Streams { stdin: StreamKind::File, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
            parent: None,
            pin: Pin::Pinned,
        };
        let mut facts = kubectl.gather(&invocation, self);
        facts.version = Some(version.to_owned());
        kubectl.read(&invocation, &facts)
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        self.path("tree").join(Path::new(OsStr::from_bytes(path)))
    }
}

impl World for Machine<'_> {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let bytes = Bytes::from(fs::read(self.at(path)).ok()?);
        Some(Content { source: ContentSource::File(path.into()), sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn stdin(&self) -> Option<Content> {
        let bytes = Bytes::from(self.stdin.as_str());
        Some(Content { source: ContentSource::Stdin, sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let entries = fs::read_dir(self.at(path)).ok()?;
        let mut names: Vec<Bytes> = entries.map(|entry| entry.unwrap().file_name().as_bytes().into()).collect();
        names.sort();
        Some(names)
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.at(path).is_file()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.at(path).is_dir()
    }

    fn look(&self, path: &[u8]) -> Look {
        let Ok(metadata) = fs::symlink_metadata(self.at(path)) else { return Look::Unknown };
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::Other,
        };
        Look::There { kind, device: 0, own: true }
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        let path = fs::canonicalize(self.at(path)).ok()?;
        Some(path.as_os_str().as_bytes().into())
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        let mut folders = self.environment["PATH"].split(':');
        let found = folders.find_map(|folder| Some(Path::new(folder).join(name)).filter(|path| path.is_file()))?;
        Some(found.display().to_string().into())
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let args: Vec<&OsStr> = args.iter().map(|arg| OsStr::from_bytes(arg)).collect();
        let mut command = Command::new(self.kubectl);
        command.args(args).env_clear().envs(&self.environment).current_dir(self.path("tree")).stdin(Stdio::null());
        let output = command.output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn home(&self) -> Option<Bytes> {
        self.variable("HOME")
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.environment.get(name).map(|value| value.as_str().into())
    }
}

/// The calls of a trace in the order they began, each with its end: another thread's call may stand between the two.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    let mut begun: BTreeMap<&str, usize> = BTreeMap::new();
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            begun.insert(pid, calls.len());
            calls.push(start.to_owned());
        } else if call.starts_with("<... ") {
            let end = call.split_once(" resumed>").map_or("", |(_, end)| end);
            if let Some(at) = begun.remove(pid) {
                calls[at].push_str(end);
            }
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

#[test]
fn a_call_that_another_threads_call_interrupts_is_read_whole() {
    let trace = "7  openat(AT_FDCWD, \"a\", O_RDONLY <unfinished ...>\n\
                 8  openat(AT_FDCWD, \"b\", O_RDONLY) = 3\n\
                 7  <... openat resumed>) = -1 ENOENT (No such file or directory)\n";
    let calls = whole_calls(trace);
    assert_eq!(calls.len(), 2);
    assert!(calls[0].starts_with("openat(AT_FDCWD, \"a\"") && calls[0].contains(" = -1 ENOENT"));
}
