//! A pod on loopback, as `kubectl exec` sees one: an API server's discovery, and behind `…/exec` a program that really
//! runs on this machine, its streams in a WebSocket as Kubernetes' remotecommand lays them out (v5.channel.k8s.io:
//! k8s.io/apimachinery/pkg/util/remotecommand, k8s.io/client-go/tools/remotecommand/websocket.go).

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_lc_rs::digest;
use base64::Engine as _;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

/// RFC 6455: a frame's kind, in the low half of its first byte.
const BINARY: u8 = 2;
const HANG_UP: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Serves until this process ends; gives the server's address.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A caller that goes away in the middle is its own business.
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut head = BTreeMap::new();
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            let (name, value) = line.split_once(':').unwrap_or_default();
            head.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            line.clear();
        }
        let target = request.split(' ').nth(1).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(key) = head.get("sec-websocket-key").filter(|_| path.ends_with("/exec")) {
            return exec(stream, reader, key, query);
        }
        let body = answer(path);
        let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length:");
        write!(stream, "{head} {}\r\n\r\n{body}", body.len())?;
    }
}

fn answer(path: &str) -> &'static str {
    match path {
        "/version" => r#"{"major":"1","minor":"32","gitVersion":"v1.32.4"}"#,
        "/api" => r#"{"kind":"APIVersions","versions":["v1"]}"#,
        "/apis" => r#"{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"#,
        "/api/v1" => {
            r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"]}]}"#
        }
        path if path.ends_with("/pods/web") => {
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default"},"spec":{"containers":[{"name":"app"}]},"status":{"phase":"Running"}}"#
        }
        _ => "",
    }
}

fn exec(mut stream: TcpStream, reader: BufReader<TcpStream>, key: &str, query: &str) -> io::Result<()> {
    // The constant is RFC 6455's, section 1.3.
    let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let accept = base64::engine::general_purpose::STANDARD.encode(accept);
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    )?;
    let words: Vec<String> = query.split('&').filter_map(|part| part.strip_prefix("command=")).map(decoded).collect();
    let has_input = query.split('&').any(|part| part == "stdin=true");
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdin(if has_input { Stdio::piped() } else { Stdio::null() }).spawn()?;
    let out = Arc::new(Mutex::new(stream));
    let (input, answers) = (child.stdin.take(), Arc::clone(&out));
    thread::spawn(move || from_caller(reader, input, &answers));
    thread::scope(|scope| {
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        scope.spawn(|| to_caller(&out, STDOUT, stdout));
        scope.spawn(|| to_caller(&out, STDERR, stderr));
    });
    let status = child.wait()?;
    send(&out, BINARY, STATUS, ended(status).as_bytes())?;
    // 1000: a normal end.
    send(&out, HANG_UP, 0x03, &[0xe8])
}

fn to_caller(out: &Mutex<TcpStream>, channel: u8, mut from: impl Read) -> io::Result<()> {
    let mut chunk = vec![0; 16 << 10];
    loop {
        let n = from.read(&mut chunk)?;
        if n == 0 {
            return Ok(());
        }
        send(out, BINARY, channel, &chunk[..n])?;
    }
}

fn from_caller(mut reader: impl Read, mut input: Option<impl Write>, out: &Mutex<TcpStream>) -> io::Result<()> {
    loop {
        let mut head = [0; 2];
        reader.read_exact(&mut head)?;
        let mut length = [0; 8];
        match head[1] & 0x7f {
            126 => reader.read_exact(&mut length[6..])?,
            127 => reader.read_exact(&mut length)?,
            short => length[7] = short,
        }
        let mut mask = [0; 4];
        reader.read_exact(&mut mask)?;
        let mut payload = vec![0; usize::try_from(u64::from_be_bytes(length)).unwrap()];
        reader.read_exact(&mut payload)?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        match (head[0] & 0x0f, payload.split_first()) {
            (HANG_UP, _) => return Ok(()),
            (PING, first) => {
                let (first, rest) = first.unwrap_or((&0, &[]));
                send(out, PONG, *first, rest)?;
            }
            (_, Some((&STDIN, bytes))) => {
                // A program that does not read to the end.
                let gone = input.as_mut().is_none_or(|input| input.write_all(bytes).is_err());
                input = input.filter(|_| !gone);
            }
            (_, Some((&CLOSE, [STDIN]))) => input = None,
            _ => {}
        }
    }
}

fn send(out: &Mutex<TcpStream>, kind: u8, first: u8, rest: &[u8]) -> io::Result<()> {
    let length = rest.len() + 1;
    let mut frame = vec![0x80 | kind];
    match u16::try_from(length) {
        Ok(short @ 0..126) => frame.push(short as u8),
        Ok(length) => frame.extend([&[126], &length.to_be_bytes()[..]].concat()),
        Err(_) => frame.extend([&[127], &(length as u64).to_be_bytes()[..]].concat()),
    }
    frame.push(first);
    frame.extend(rest);
    out.lock().unwrap().write_all(&frame)
}

/// As the kubelet says it: an object of the kind Status.
fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => r#"{"metadata":{},"status":"Success"}"#.to_owned(),
        code => format!(
            r#"{{"metadata":{{}},"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{{"causes":[{{"reason":"ExitCode","message":"{}"}}]}}}}"#,
            code.unwrap_or(137)
        ),
    }
}

/// A query's value: `+` is a space, and a percent sign begins a byte.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
