//! curl: lines are run against a listener, and its log and the files that appeared are compared with the reading.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use portcullis::model::{Bytes, Content, ContentSource, Digest, Invocation, InvocationId, Pin, StreamKind, Streams};
use portcullis::tools::{Limits, World, by_name};

/// Each of them, behind a config that sends every connection to the listener.
const LINES: &[&str] = &[
    "http://h/x",
    "-XDELETE http://h/v1/users/7",
    "-X get http://h/",
    "-d a=1 -d b=2 http://h/form",
    "-d @f http://h/form",
    "--json {} http://h/j",
    "-G -d a=1 --data-urlencode q=x+y http://h/find?z",
    "-G -I -d a=1 http://h/",
    "--url-query a=b+c --url-query +x%20y http://h/p",
    "-I http://h/x",
    "-I -d a http://h/x",
    "-d a -F b=c http://h/x",
    "-F a=@f -F b=c http://h/x",
    "-T f http://h",
    "-T f http://h/d/",
    "-T f http://h/d?x=/",
    "-T f http://h/1 http://h/2",
    "-T {f,g} http://h/d/",
    "-T f -d a http://h/x",
    "-T f -X POST http://h/d/",
    "http://h/{a,b}/[1-3:2]",
    "http://h/[08-10] http://h/[a-c]",
    "http://h/[3-1] http://h/{} http://h/a]",
    "-g http://h/x{a}",
    "http:/h/x http:///h/y http:////h/z h/w //h/v",
    "HTTP://H.Example.COM./x",
    "http://0x7f.1/x http://2130706433/y http://%68ost/z",
    "http://u:p@h/x http://h?q@r http://h#f http://h:/x http://h:080/y",
    "http://[::FFFF:1.2.3.4]:8080/x",
    "http://h/a%20b/../c/./d http://h/%2e%2e/x http://h/../../x/..",
    "--path-as-is http://h/a/../b",
    "--request-target /admin http://h/x",
    "--request-t /admin --HEAD http://h/x",
    "--no-head http://h/x",
    "-d x http://h/1 --next -X PUT http://h/2",
    "-d x http://h/1 -: http://h/2",
    "-o out http://h/x",
    "-o o#1#2 http://h/{a,b}",
    "-o x -O http://h/a http://h/b?q",
    "--remote-name-all -o q http://h/a http://h/b",
    "-O http://h/a/ http://h/b",
    "-o -d -X POST http://h/x",
    "--output=x http://h/x",
    "-D head -c jar --trace-ascii t --libcurl l http://h/x",
    "--stderr e -v http://h/x",
    "-sKc.cfg http://h/own",
    "-K c.cfg -K d.cfg",
    "-d email=a@b.example --data-raw @f http://h/x",
    "-H @f -b f http://h/x",
    "-- http://h/x -d",
    "-z 2020-01-01 -e http://r/ -A agent http://h/x",
    "--bogus http://h/x",
    "--re http://h/x",
    "-f -s -S -L --max-redirs 3 http://h/x",
];

#[test]
fn every_line_does_what_was_read_of_it() {
    let Ok(output) = Command::new("curl").args(["-q", "--version"]).output() else { return };
    if !output.stdout.starts_with(b"curl 7.88.") {
        return; // another version has another grammar
    }
    let (port, log) = listener();
    let mut wrong = Vec::new();
    for line in LINES {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("f", "content=f");
        put("g", "g");
        put("c.cfg", "# one\nrequest PATCH\nurl = http://h/cfg\nheader = \"A: b\" junk\nbogus = 1\n");
        // The group that a config begins needs the way to the listener again.
        let there = format!("connect-to = \"::127.0.0.1:{port}\"\n");
        let text = format!("-X PUT\nnext\n{there}url: \"http://h/\\x2\"\n--request=POST\n  silent yes\n");
        put("d.cfg", &text);
        let args: Vec<&str> = line.split(' ').collect();
        let read = reading(&args, folder.path());
        let did = done(&args, folder.path(), port, &log);
        if read != did {
            wrong.push(format!("curl {line}\n  read {read:?}\n  did  {did:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Requests as `METHOD host path` and files written, both sorted.
type Done = (Vec<String>, Vec<String>);

fn reading(args: &[&str], folder: &Path) -> Done {
    let invocation = Invocation {
        id: InvocationId::from_ulid(0),
        tool: "curl".into(),
        argv0: "curl".into(),
        args: args.iter().map(|arg| Bytes::from(*arg)).collect(),
        cwd: None,
        variables: BTreeMap::new(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    };
    let tool = by_name("curl").unwrap();
    let facts = tool.gather(&invocation, &Folder(folder.to_owned()));
    let reading = tool.read(&invocation, &facts);
    assert!(reading.doubts.is_empty(), "{args:?}: {:?}", reading.doubts);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let requests = reading.effective["requests"].as_array().unwrap();
    let mut requests: Vec<String> =
        requests.iter().map(|r| format!("{} {} {}", text(&r["method"]), text(&r["host"]), text(&r["path"]))).collect();
    requests.sort();
    let files = reading.effective["writes_files"].as_array().unwrap().iter().map(text).collect();
    (requests, files)
}

fn done(args: &[&str], folder: &Path, port: u16, log: &Receiver<String>) -> Done {
    let names = || fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let before: Vec<String> = names().collect();
    // Each group between --next needs the way to the listener again.
    let there = ["--connect-to".to_owned(), format!("::127.0.0.1:{port}")];
    let mut line: Vec<String> = ["-q", "-m", "5"].map(String::from).to_vec();
    line.extend(there.clone());
    for arg in args {
        line.push((*arg).to_owned());
        if matches!(*arg, "--next" | "-:") {
            line.extend(there.clone());
        }
    }
    let mut command = Command::new("curl");
    command.args(&line).current_dir(folder).env_clear().env("HOME", folder);
    command.output().unwrap();
    let mut requests: Vec<String> = log.try_iter().collect();
    requests.sort();
    let mut files: Vec<String> = names().filter(|name| !before.contains(name)).collect();
    files.sort();
    (requests, files)
}

/// Answers every request with 200 and says what it was, before the answer leaves.
fn listener() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (say, log) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if let Some(request) = serve(stream.unwrap()) {
                say.send(request.0).unwrap();
                let _ = (&request.1).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                // Bodies that still come would reset the connection.
                let _ = request.1.shutdown(std::net::Shutdown::Write);
                let _ = (&request.1).take(1 << 20).read_to_end(&mut Vec::new());
            }
        }
    });
    (port, log)
}

fn serve(mut stream: TcpStream) -> Option<(String, TcpStream)> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    }
    let text = String::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let first = lines.next()?.strip_suffix(" HTTP/1.1")?;
    let host = lines.find_map(|line| line.strip_prefix("Host: "))?.to_ascii_lowercase();
    let (method, target) = first.rsplit_once(' ')?;
    let path = target.strip_prefix("http://").map_or(target, |rest| &rest[rest.find('/').unwrap_or(0)..]);
    // The port and the brackets are not part of the host's name.
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.split(']').next()?.to_owned(),
        None => host.split(':').next()?.trim_end_matches('.').to_owned(),
    };
    Some((format!("{method} {host} {path}"), stream))
}

/// The folder's files as curl run in it would see them; its home is the folder too.
struct Folder(PathBuf);

impl World for Folder {
    fn limits(&self) -> Limits {
        Limits::default()
    }
    fn file(&self, path: &[u8]) -> Option<Content> {
        let bytes = fs::read(self.0.join(std::str::from_utf8(path).ok()?)).ok()?;
        let (source, sha256) = (ContentSource::File(path.into()), Digest::of(&bytes));
        Some(Content { source, sha256, bytes: Bytes(bytes), truncated: false })
    }
    fn stdin(&self) -> Option<Content> {
        None
    }
    fn list(&self, _path: &[u8]) -> Option<Vec<Bytes>> {
        None
    }
    fn is_file(&self, path: &[u8]) -> bool {
        std::str::from_utf8(path).is_ok_and(|path| self.0.join(path).is_file())
    }
    fn is_dir(&self, _path: &[u8]) -> bool {
        false
    }
    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }
    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        let args = args.iter().map(|arg| std::str::from_utf8(arg).unwrap());
        Some(Command::new("curl").args(args).output().ok()?.stdout)
    }
    fn home(&self) -> Option<Bytes> {
        self.variable("HOME")
    }
    fn variable(&self, name: &str) -> Option<Bytes> {
        (name == "HOME").then(|| Bytes::from(self.0.to_str().unwrap()))
    }
}
