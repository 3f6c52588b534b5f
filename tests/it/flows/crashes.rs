//! The keeper, killed at any moment: whatever the caller saw is in the recording that the next keeper has sealed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::process::PATIENCE;
use crate::support::site::{PERMIT_ALL, Setup, Site, words};

const KILLS: usize = 20;

/// A host that answers every request with numbered lines until nobody listens.
fn lines_without_end() -> String {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", host.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in host.incoming() {
            std::thread::spawn(move || number(connection.unwrap()));
        }
    });
    address
}

fn number(mut connection: TcpStream) {
    assert!(connection.read(&mut [0; 1024]).unwrap() > 0);
    let mut said = connection.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    let mut n = 0;
    while said.is_ok() {
        // One line at a time, and now and then many together.
        let together = if n % 50 == 0 { 400 } else { 1 };
        let lines: String = (n..n + together).map(|n| format!("this is line {n}\n")).collect();
        said = connection.write_all(lines.as_bytes());
        n += together;
    }
}

/// Another distance into the stream each time, from the first byte on.
fn moment(run: usize) -> usize {
    run.wrapping_mul(7919) % 6007 * run + 1
}

#[test]
fn what_the_caller_saw_of_a_stream_is_recorded_whenever_the_keeper_is_killed() {
    let mut site = Site::start(PERMIT_ALL);
    let host = lines_without_end();
    let mut seen = BTreeMap::new();
    for run in 0..KILLS {
        let url = format!("{host}/run-{run}.");
        let mut curl = site.shim("curl").args(["-sSN", &url]).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = curl.stdout.take().unwrap();
        let mut got = vec![0; moment(run)];
        out.read_exact(&mut got).unwrap();
        site.keeper.child().kill().unwrap();
        out.read_to_end(&mut got).unwrap();
        assert_eq!(curl.wait().unwrap().code(), Some(125));
        seen.insert(url, String::from_utf8(got).unwrap());
        site.restart_keeper();
    }
    let sealed = sealed(&site);
    for (url, seen) in seen {
        let id = sealed.iter().find(|(what, _)| what.contains(&url)).map(|(_, id)| id).unwrap();
        let text = site.alice().args(["sessions", "export", id, "--format", "text"]).output().unwrap();
        assert!(text.status.success(), "{}", words(&text));
        let recorded = String::from_utf8(text.stdout).unwrap();
        assert!(
            recorded.starts_with(&seen),
            "{url}: {} bytes were seen, and of {} recorded ones the last are {:?}",
            seen.len(),
            recorded.len(),
            recorded.lines().last()
        );
    }
}

#[test]
fn a_shim_that_is_killed_takes_its_tool_along_and_what_was_lent_is_taken_back_within_a_second() {
    let host = lines_without_end();
    let credential =
        format!("[[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{host}/\"\ntoken_file = \"data/token\"\n");
    let policy = r#"@id("api") @grant("api") permit(principal, action == Action::"http.get", resource);"#;
    let site = Site::with(&Setup { policy, server: &credential, ..Setup::default() });
    std::fs::write(site.path("data/token"), "a-token-q1w2e3r4t5z6").unwrap();
    let url = format!("{host}/endless");
    let mut curl = site.shim("curl").args(["-sSN", &url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = curl.stdout.take().unwrap();
    out.read_exact(&mut [0; 100]).unwrap();
    let killed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
    curl.kill().unwrap();
    curl.wait().unwrap();
    // The tool holds the other end, and is gone when the stream ends.
    out.read_to_end(&mut Vec::new()).unwrap();
    let until = Instant::now() + PATIENCE;
    let end = loop {
        if let Some(end) = site.audit().into_iter().find(|entry| entry["kind"] == "end") {
            break end;
        }
        assert!(Instant::now() < until, "it never ends");
    };
    assert_eq!((&end["exit"], &end["revoked"]), (&Value::from("lost"), &Value::Bool(true)), "{end:#}");
    let took = end["at"].as_i64().unwrap() - killed;
    assert!(took < 1_000_000, "{took} microseconds");
}

/// What was run and its id, of all sessions, once all are sealed.
fn sealed(site: &Site) -> Vec<(String, String)> {
    let until = Instant::now() + PATIENCE;
    loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let sessions = list["sessions"].as_array().unwrap();
        if sessions.iter().all(|session| !session["sealed"].is_null()) {
            return sessions
                .iter()
                .map(|session| (session.to_string(), session["id"].as_str().unwrap().to_owned()))
                .collect();
        }
        assert!(Instant::now() < until, "{list:#}");
    }
}
