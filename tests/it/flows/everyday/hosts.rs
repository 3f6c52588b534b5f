//! curl and kubectl as agents use them: answers that come in pieces, bytes that are not text, a program in a pod.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};

use super::{POLICY, fed, same};
use crate::support::pod;
use crate::support::process::PATIENCE;
use crate::support::site::{Site, words};

/// Parts of a chunked answer, each sent when the test says so. The middle one ends in the middle of a line.
const PARTS: [&str; 3] = ["first line\n", "half of a li", "ne, and the end\n"];

fn host(go: Receiver<()>) -> String {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", host.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in host.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                line.clear();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n").unwrap();
            for part in PARTS {
                if go.recv().is_err() {
                    return;
                }
                write!(stream, "{:x}\r\n{part}\r\n", part.len()).unwrap();
            }
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
    });
    address
}

#[test]
fn each_part_of_an_answer_arrives_before_the_next_is_sent() {
    let site = Site::start(POLICY);
    let (send, go) = mpsc::channel();
    let url = host(go);
    same(&site, "curl", |mut curl| {
        let curl = curl.args(["-sSN", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = curl.spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut stdout = Vec::new();
        for part in PARTS {
            send.send(()).unwrap();
            let (arrived, came) = mpsc::channel();
            let reading = std::thread::spawn(move || {
                let mut got = vec![0; part.len()];
                out.read_exact(&mut got).unwrap();
                arrived.send(()).unwrap();
                (out, got)
            });
            came.recv_timeout(PATIENCE).expect("it is held back until more comes");
            let got;
            (out, got) = reading.join().unwrap();
            assert_eq!(got, part.as_bytes());
            stdout.extend(got);
        }
        out.read_to_end(&mut stdout).unwrap();
        let rest = child.wait_with_output().unwrap();
        Output { stdout, ..rest }
    });
}

#[test]
fn bytes_that_are_not_text_errors_and_progress_are_curls_own() {
    let site = Site::start(POLICY);
    let mut bytes = vec![0; 8 << 20];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    fs::write(site.path("work/bytes"), &bytes).unwrap();
    let url = format!("file://{}", site.path("work/bytes").display());
    let got = same(&site, "curl", |mut curl| curl.args(["-sS", "-o", "-", &url]).output().unwrap());
    assert!(got.stdout == bytes);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = |mut curl: Command| curl.args(["-s", &format!("http://{closed}/")]).output().unwrap();
    assert_eq!(same(&site, "curl", refused).status.code(), Some(7));
    same(&site, "curl", |mut curl| curl.args(["-sS", "file:///nowhere"]).output().unwrap());
}

/// There is no node and no kubelet here: the program runs behind a listener that speaks their protocol.
#[test]
fn a_program_in_a_pod_keeps_its_streams_and_its_exit_code_without_a_terminal() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        return; // tests/run.sh says that it is skipped
    }
    let site = Site::start(POLICY);
    let server = format!("--server={}", pod::start());
    let exec = |arguments: &[&str], input: &[u8]| {
        same(&site, "kubectl", |mut kubectl| fed(kubectl.args([&server, "exec"]).args(arguments), input))
    };
    let done = exec(&["web", "--", "sh", "-c", "echo out; echo err >&2; exit 7"], b"");
    assert_eq!((done.status.code(), &*done.stdout), (Some(7), &b"out\n"[..]), "{}", words(&done));
    assert!(done.stderr.starts_with(b"err\n"), "{}", words(&done));

    let mut bytes = vec![0; 3 << 20];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    fs::write(site.path("work/bytes"), &bytes).unwrap();
    let file = site.path("work/bytes");
    let done = exec(&["web", "--", "cat", file.to_str().unwrap()], b"");
    assert!(done.status.success() && done.stdout == bytes, "{}", super::cut(&done.stdout));
    let done = exec(&["-i", "web", "--", "cat"], &bytes);
    assert!(done.status.success() && done.stdout == bytes, "{}", super::cut(&done.stdout));
    // Without -i what is on standard input stays there.
    assert_eq!(exec(&["web", "--", "cat"], b"not for the pod").stdout, b"");
}
