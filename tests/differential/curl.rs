//! curl: lines are run where every name is this machine, and what they did is compared with the reading, field by field.
//!
//! `lines.txt` and `odd.txt` are the corpus, [`random`] makes more. What the real curl did comes from `oracle.py`, which needs a network
//! of its own: where `unshare` may not make one, or curl is another release, there is nothing to compare with.

mod random;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use portcullis::model::{
    Bytes, Content, ContentSource, Digest, Invocation, InvocationId, Pin, Reading, StreamKind, Streams,
};
use portcullis::tools::world::{Kind, Look};
use portcullis::tools::{Limits, World, by_name};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::twice;

/// The curl that is looked at: `PORTCULLIS_CURL=/opt/curl-8.14/bin/curl` for another one.
pub fn program() -> String {
    std::env::var("PORTCULLIS_CURL").unwrap_or_else(|_| "curl".to_owned())
}

/// One command, and how its work folder is prepared.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub setup: Vec<String>,
    pub stdin: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub args: Vec<String>,
}

impl Case {
    /// `curl …` in the words of a shell, assignments before it.
    fn words(&mut self, line: &str) {
        let mut words = shell_words::split(line).unwrap().into_iter();
        for word in words.by_ref() {
            match word.split_once('=') {
                _ if word == "curl" => break,
                Some((name, value)) => self.variables.insert(name.to_owned(), value.to_owned()),
                None => panic!("{line}: a line is VARIABLE=… curl …"),
            };
        }
        self.args = words.collect();
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.setup.iter().try_for_each(|line| writeln!(f, "$ {line}"))?;
        self.stdin.iter().try_for_each(|text| writeln!(f, "> {text}"))?;
        self.variables.iter().try_for_each(|(name, value)| write!(f, "{name}={} ", shell_words::quote(value)))?;
        write!(f, "curl {}", shell_words::join(&self.args))
    }
}

fn corpus() -> Vec<Case> {
    parsed(&[include_str!("curl/lines.txt"), include_str!("curl/odd.txt")])
}

fn parsed(texts: &[&str]) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = Case::default();
    for line in texts.iter().flat_map(|text| text.lines()) {
        match line.split_at_checked(2) {
            Some(("$ ", setup)) => case.setup.push(setup.to_owned()),
            Some(("> ", text)) => case.stdin = Some(text.to_owned()),
            Some((begin, _)) if !begin.starts_with('#') => {
                case.words(line);
                cases.push(std::mem::take(&mut case));
            }
            _ => {}
        }
    }
    cases
}

/// With `PORTCULLIS_LINES=FILE`, the lines of that file instead.
#[test]
fn every_line_does_what_was_read_of_it() {
    let Some(mut oracle) = Oracle::start() else { return };
    let own = std::env::var("PORTCULLIS_LINES").ok().and_then(|path| fs::read_to_string(path).ok());
    let cases = own.map_or_else(corpus, |text| parsed(&[&text]));
    let wrong: Vec<String> = cases.iter().filter_map(|case| twice(|| oracle.compare(case))).collect();
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

/// `PORTCULLIS_CURL_LINES=5000 PORTCULLIS_CURL_SEED=7` for a night of others.
#[test]
fn lines_made_at_random_do_what_was_read_of_them() {
    let Some(mut oracle) = Oracle::start() else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let lines = number("PORTCULLIS_CURL_LINES").unwrap_or(150);
    let mut random = random::Random::new(number("PORTCULLIS_CURL_SEED").unwrap_or(1));
    let options = random::options();
    let wrong: Vec<String> = (0..lines)
        .filter_map(|_| {
            let case = random.case(&options);
            twice(|| oracle.compare(&case))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {lines} lines:\n{}", wrong.len(), wrong.join("\n"));
}

/// What curl did with a line.
#[derive(Debug, Deserialize)]
struct Did {
    requests: Vec<Value>,
    uploads: Vec<String>,
    writes: Vec<String>,
    /// Files of the work folder and the home that were read.
    opened: Vec<String>,
    code: i32,
    error: String,
}

struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    root: tempfile::TempDir,
    version: String,
}

impl Oracle {
    fn start() -> Option<Oracle> {
        let version = Command::new(program()).args(["-q", "--version"]).output().ok()?;
        let version = String::from_utf8(version.stdout).ok()?.split(' ').nth(1)?.to_owned();
        if !["7.88.", "8.14."].iter().any(|release| version.starts_with(release)) {
            return None; // another release has other ways
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/curl/oracle.py");
        let root = tempfile::tempdir().unwrap();
        let mut child = Command::new("unshare")
            .args(["--map-root-user", "--net", "--mount", "python3"])
            .args([script.as_path(), root.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (input, output) = (child.stdin.take()?, child.stdout.take()?);
        let mut oracle = Oracle { child, input, output: BufReader::new(output), root, version };
        if oracle.line() != "\"ready\"" {
            return None; // no namespace of our own can be made here
        }
        Some(oracle)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn run(&mut self, case: &Case, folder: &Folder) -> Did {
        let line = json!({
            "program": program(), "argv": case.args, "cwd": folder.work(), "home": folder.home(), "env": folder.environment(case),
            "stdin": case.stdin,
        });
        writeln!(self.input, "{line}").unwrap();
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Says in which fields reading and doing differ; `None` where they agree.
    fn compare(&mut self, case: &Case) -> Option<String> {
        let folder = Folder::new(self.root.path(), case);
        let reading = folder.reading(case, &self.version);
        let did = self.run(case, &folder);
        let mut differences = folder.differences(case, &reading, &did);
        if !self.version.starts_with("7.88.") {
            differences.retain(|_| folder.is_less(&reading, &did));
        }
        let last = did.error.trim().lines().last().unwrap_or_default();
        let why = |all: Vec<String>| format!("{case}\n  {}\n  exit {}: {last}", all.join("\n  "), did.code);
        (!differences.is_empty()).then(|| why(differences))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A work folder and a home, as curl run there would see them.
struct Folder {
    root: PathBuf,
    variables: BTreeMap<String, String>,
    stdin: Option<String>,
}

impl Folder {
    fn new(root: &Path, case: &Case) -> Folder {
        let root = root.join("world");
        let _ = fs::remove_dir_all(&root);
        let mut folder = Folder { root, variables: BTreeMap::new(), stdin: case.stdin.clone() };
        folder.variables = folder.environment(case);
        fs::create_dir_all(folder.work()).unwrap();
        fs::create_dir_all(folder.home()).unwrap();
        for name in ["secret.env", "data.json", "id_rsa"] {
            fs::write(folder.work().join(name), format!("MARK:{name};\n")).unwrap();
        }
        for line in &case.setup {
            let mut shell = Command::new("sh");
            shell.args(["-ec", line]).current_dir(folder.work()).env_clear().envs(folder.environment(case));
            assert!(shell.status().unwrap().success(), "{line}");
        }
        folder
    }

    fn work(&self) -> PathBuf {
        self.root.join("app")
    }

    fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    fn environment(&self, case: &Case) -> BTreeMap<String, String> {
        let home = self.home().to_str().unwrap().to_owned();
        let mut variables = BTreeMap::from([("HOME".to_owned(), home), ("LANG".to_owned(), "C.UTF-8".to_owned())]);
        variables.insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        variables.extend(case.variables.clone());
        variables
    }

    fn reading(&self, case: &Case, version: &str) -> Reading {
        let variables = self.variables.iter().map(|(name, value)| (name.clone(), Bytes::from(value.as_str())));
        let invocation = Invocation {
            id: InvocationId::from_ulid(0),
            tool: "curl".into(),
            argv0: "curl".into(),
            args: case.args.iter().map(|arg| Bytes::from(arg.as_str())).collect(),
            cwd: self.work().to_str().map(Into::into),
            variables: variables.collect(),
            streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
            parent: None,
            pin: Pin::Pinned,
        };
        let tool = by_name("curl").unwrap();
        let mut facts = tool.gather(&invocation, self);
        facts.version = Some(version.to_owned());
        tool.read(&invocation, &facts)
    }

    fn differences(&self, case: &Case, reading: &Reading, did: &Did) -> Vec<String> {
        let mut out = Vec::new();
        let mut differ = |what: &str, read: Value, did: Value| {
            if read != did {
                out.push(format!("{what}: read {read}, did {did}"));
            }
        };
        let list = |key: &str| reading.effective[key].as_array().unwrap().clone();
        let paths = |key: &str| list(key).iter().map(|path| self.shown(path.as_str().unwrap())).collect::<Vec<_>>();
        // glibc resolves no name that begins with a dash or holds a star; curl asks for it all the same.
        let odd = |request: &Value| {
            let place = request["connect"].as_str().or(request["host"].as_str());
            place.is_some_and(|place| place.starts_with(['-', '*', '%']))
        };
        let requests: Vec<Value> = list("requests").into_iter().filter(|request| !odd(request)).collect();
        let gone = requests.len() < list("requests").len();
        // What a server that speaks in its own way would have sent is not written.
        let partly = gone || did.requests.iter().any(|request| request["method"].is_null());
        // curl gives up where a file to send is not there; where a file cannot be written it may even crash.
        let asks = !requests.is_empty() || !list("writes_files").is_empty();
        let nowhere = did.error.contains("no transfer performed") && case.args.iter().any(|arg| arg == "--etag-save");
        let broke = did.code == -11 || nowhere || (did.code == 26 && asks);
        let splits = reading.doubts.iter().any(|doubt| doubt.kind == "unreadable_content");
        if broke || splits {
            return out;
        }
        differ("requests", sorted(requests.iter().cloned().map(bare)), sorted(did.requests.iter().cloned().map(bare)));
        // A file that is not there is asked for all the same: it may be there in a moment.
        let there = |path: &String| self.at(path.as_bytes()).exists();
        let met = |read: Vec<String>, did: &[String]| match partly && did.iter().all(|path| read.contains(path)) {
            true => sorted(did.to_vec()),
            false => sorted(read),
        };
        let uploads = paths("uploads_files").into_iter().filter(there).collect();
        differ("uploads", met(uploads, &did.uploads), sorted(did.uploads.clone()));
        let folder_there = |path: &String| {
            let creates = case.args.iter().any(|arg| arg == "--create-dirs");
            // Outside of the world nothing can be written.
            let inside = path == "*" || self.at(path.as_bytes()).starts_with(&self.root);
            inside && (creates || path == "*" || self.at(path.as_bytes()).parent().is_some_and(Path::is_dir))
        };
        let writes = paths("writes_files").into_iter().filter(folder_there).collect();
        differ("writes", met(writes, &did.writes), sorted(did.writes.clone()));
        let implicit = |path: &&String| path.ends_with("curlrc");
        let configs = paths("reads_config");
        let read = configs.iter().filter(|path| *path != "-" && !did.opened.contains(path));
        let unread = did.opened.iter().filter(implicit).filter(|path| !configs.contains(path));
        differ("configs", sorted(read.cloned()), sorted(unread.cloned()));
        // A redirect may lead to a host for which the line says another address.
        let led = !did.requests.is_empty()
            && reading.effective["follows_redirects"] == true
            && case.args.iter().any(|arg| arg.starts_with("--resolve") || arg.starts_with("--connect-to"));
        let elsewhere = did.requests.iter().any(|request| !request["connect"].is_null()) || led;
        let by_https = case.args.iter().any(|arg| arg == "--doh-url") && !did.requests.is_empty();
        if !gone {
            differ("bypass_dns", reading.effective["bypass_dns"].clone(), json!(elsewhere || by_https));
        }
        differ("doubts", sorted(reading.doubts.iter().map(|doubt| doubt.detail.clone())), json!([]));
        out
    }

    /// Of another release than the one that is read exactly: whether it did what was neither read nor doubted.
    fn is_less(&self, reading: &Reading, did: &Did) -> bool {
        let read = |key: &str| reading.effective[key].as_array().unwrap().iter().cloned().map(bare).collect::<Vec<_>>();
        let paths = |key: &str| read(key).iter().map(|path| self.shown(path.as_str().unwrap())).collect::<Vec<_>>();
        let requests = read("requests");
        let more = did.requests.iter().cloned().map(bare).any(|request| !requests.contains(&request))
            || did.uploads.iter().any(|path| !paths("uploads_files").contains(path))
            || did.writes.iter().any(|path| !paths("writes_files").contains(path));
        more && reading.doubts.is_empty()
    }

    fn shown(&self, path: &str) -> String {
        let path = path.strip_prefix("./").unwrap_or(path);
        let under = |folder: PathBuf| Path::new(path).strip_prefix(folder).ok().map(|rest| rest.to_str().unwrap());
        match (under(self.work()), under(self.home())) {
            (Some(rest), _) => rest.to_owned(),
            (_, Some(rest)) => format!("~/{rest}"),
            _ => path.to_owned(),
        }
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        let path = String::from_utf8(path.to_vec()).unwrap();
        match path.strip_prefix("~/") {
            Some(rest) => self.home().join(rest),
            None => self.work().join(path),
        }
    }
}

fn sorted<T: Into<Value>>(all: impl IntoIterator<Item = T>) -> Value {
    let mut all: Vec<Value> = all.into_iter().map(Into::into).collect();
    all.sort_by_key(Value::to_string);
    Value::from(all)
}

/// Of schemes without methods, the listener only sees the connection.
fn bare(mut request: Value) -> Value {
    if request["scheme"] == "ws" {
        request["scheme"] = json!("http");
    }
    if request.is_object() && request["method"].is_null() {
        (request["scheme"], request["path"]) = (Value::Null, Value::Null);
    }
    request
}

impl World for Folder {
    fn limits(&self) -> Limits {
        Limits::default()
    }
    fn file(&self, path: &[u8]) -> Option<Content> {
        let bytes = fs::read(self.at(path)).ok()?;
        let (source, sha256) = (ContentSource::File(path.into()), Digest::of(&bytes));
        Some(Content { source, sha256, bytes: Bytes(bytes), truncated: false })
    }
    fn stdin(&self) -> Option<Content> {
        let bytes = Bytes::from(self.stdin.clone().unwrap_or_default().as_str());
        Some(Content { source: ContentSource::Stdin, sha256: Digest::of(&bytes), bytes, truncated: false })
    }
    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let names = fs::read_dir(self.at(path)).ok()?.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        Some(names.map(|name| Bytes::from(name.as_str())).collect())
    }
    fn is_file(&self, path: &[u8]) -> bool {
        self.at(path).is_file()
    }
    fn is_dir(&self, path: &[u8]) -> bool {
        self.at(path).is_dir()
    }
    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }
    fn look(&self, path: &[u8]) -> Look {
        let Ok(metadata) = fs::symlink_metadata(self.at(path)) else { return Look::Unknown };
        let kind = if metadata.is_dir() { Kind::Folder } else { Kind::Other };
        Look::There { kind, device: 0, own: true }
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let args = args.iter().map(|arg| std::str::from_utf8(arg).unwrap());
        Some(Command::new(program()).args(args).env_clear().output().ok()?.stdout)
    }
    fn home(&self) -> Option<Bytes> {
        self.variable("HOME")
    }
    fn variable(&self, name: &str) -> Option<Bytes> {
        self.variables.get(name).map(|value| Bytes::from(value.as_str()))
    }
}
