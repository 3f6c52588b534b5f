//! What the keeper holds on to: recordings through an outage of the server, and callers that do not play along.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use portcullis::model::{Exit, Frame, FrameKind, Micros};
use portcullis::wire::frames::{self, Control, Controlled, FromKeeper, FromShim, Hello};
use serde_json::Value;

use crate::support::process::{PATIENCE, Process};
use crate::support::site::{PERMIT_ALL, Site, words};

fn connect(site: &Site) -> UnixStream {
    let stream = UnixStream::connect(site.path("run/keeper.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn greet(stream: &mut UnixStream) {
    let hello = Hello { version: frames::VERSION, shim: "test".to_owned() };
    frames::write(stream, &FromShim::Hello(hello)).unwrap();
    assert!(matches!(frames::read(stream).unwrap(), Some(FromKeeper::Welcome { .. })));
}

/// The one session of a tool, once the server has sealed its recording.
fn sealed(site: &Site, tool: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: Value = serde_json::from_slice(&listed.stdout).unwrap_or_default();
        let mut all = list["sessions"].as_array().into_iter().flatten();
        if let Some(session) = all.find(|session| session["tool"] == tool && !session["sealed"].is_null()) {
            return session.clone();
        }
        assert!(Instant::now() < until, "{list:#} {}", words(&listed));
    }
}

#[test]
fn what_ran_while_the_server_was_away_is_recorded_whole_when_it_is_back() {
    let mut site = Site::start(PERMIT_ALL);
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", host.local_addr().unwrap());
    let mut running = Process::start(site.shim("curl").args(["-sSN", &address]));
    let (mut connection, _) = host.accept().unwrap();
    assert!(connection.read(&mut [0; 1024]).unwrap() > 0);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\nthe first line\n").unwrap();
    running.line(|line| line == "the first line");
    site.server.child().kill().unwrap();
    site.server.wait();
    connection.write_all(b"and another one\n").unwrap();
    drop(connection);
    assert!(running.wait().success(), "{}", running.said());
    // Killed as well, while the recording waits for a server.
    site.restart_keeper();
    site.restart_server();
    let session = sealed(&site, "curl");
    assert_eq!(session["exit"]["code"], 0, "the end that was written outlives the keeper: {session:#}");
    let id = session["id"].as_str().unwrap();
    let exported = site.alice().args(["sessions", "export", id, "--format", "text"]).output().unwrap();
    assert_eq!(exported.stdout, b"the first line\nand another one\n", "{}", words(&exported));
    let verified = site.alice().args(["audit", "verify", "--recordings", "all"]).output().unwrap();
    assert!(verified.status.success(), "{}", words(&verified));
}

#[test]
fn a_thousand_idle_callers_and_one_that_lies_do_not_keep_a_command_waiting() {
    let site = Site::start(PERMIT_ALL);
    let idle: Vec<UnixStream> = (0..1000).map(|_| connect(&site)).collect();
    let mut liar = connect(&site);
    greet(&mut liar);
    // Frames of a session that was never asked for.
    let kind = FrameKind::End(Exit::Code(0));
    frames::write(&mut liar, &FromShim::Frame(Frame { at: Micros(0), kind })).unwrap();
    assert!(matches!(frames::read(&mut liar).unwrap(), Some(FromKeeper::Failed(_))));
    assert!(frames::read::<FromKeeper>(&mut liar).unwrap().is_none(), "and it is hung up on");
    let mut endless = connect(&site);
    endless.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let ran = site.shim("git").arg("--version").output().unwrap();
    assert!(ran.status.success(), "{}", words(&ran));
    drop(idle);
}

#[test]
fn a_login_can_be_asked_for_only_by_who_may_and_status_by_everybody() {
    let site = Site::start(PERMIT_ALL);
    let mut stream = connect(&site);
    greet(&mut stream);
    frames::write(&mut stream, &FromShim::Control(Control::Status)).unwrap();
    let Some(FromKeeper::Control(Controlled::Status(status))) = frames::read(&mut stream).unwrap() else {
        panic!("another answer");
    };
    assert_eq!(status.who.unwrap().id, "agent");
    assert!(status.troubles.is_empty(), "{:?}", status.troubles);

    let out = site.cli().args(["logout"]).output().unwrap();
    assert!(out.status.success(), "{}", words(&out));
    let status = site.cli().args(["status", "--json"]).output().unwrap();
    assert_eq!(status.status.code(), Some(1));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert!(status["who"].is_null() && status["kept"].is_null(), "{status:#}");
    assert!(!site.path("state/login").exists());
}

#[test]
fn check_is_good_where_all_is_set_up_and_names_what_is_not() {
    let mut site = Site::start(PERMIT_ALL);
    let good = site.cli().args(["check"]).output().unwrap();
    assert!(good.status.success(), "{}", words(&good));
    site.keeper.child().kill().unwrap();
    site.keeper.wait();
    let wrong = site.cli().args(["check", "--json"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let wrong: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    let keeper =
        wrong["checks"].as_array().unwrap().iter().find(|check| check["what"] == "the keeper answers").unwrap();
    assert_eq!((&keeper["good"], &wrong["good"]), (&Value::Bool(false), &Value::Bool(false)));
}
