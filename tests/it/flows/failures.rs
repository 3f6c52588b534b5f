//! What is away, broken or full: each a clear no, and nothing lost.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::process::{PATIENCE, Process};
use crate::support::site::{PERMIT_ALL, Setup, Site, words};

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn no_server_is_125_and_says_which_address_does_not_answer() {
    let mut site = Site::start(PERMIT_ALL);
    site.server.child().kill().unwrap();
    site.server.wait();
    let failed = site.shim("git").arg("--version").output().unwrap();
    assert_eq!(failed.status.code(), Some(125), "{}", words(&failed));
    assert!(said(&failed).contains(&site.url), "{}", words(&failed));
    assert!(failed.stdout.is_empty());
}

#[test]
fn no_keeper_is_125_and_says_how_to_start_it() {
    let mut site = Site::start(PERMIT_ALL);
    site.keeper.child().kill().unwrap();
    site.keeper.wait();
    let failed = site.shim("git").arg("--version").output().unwrap();
    assert_eq!(failed.status.code(), Some(125), "{}", words(&failed));
    assert!(said(&failed).contains("portcullis: hint: "), "{}", words(&failed));
}

#[test]
fn nobody_signed_in_says_portcullis_login() {
    let site = Site::with(&Setup { policy: PERMIT_ALL, signed_out: true, ..Setup::default() });
    let refused = site.shim("git").arg("--version").output().unwrap();
    assert!(matches!(refused.status.code(), Some(125 | 126)), "{}", words(&refused));
    assert!(said(&refused).contains("portcullis login"), "{}", words(&refused));
}

#[test]
fn a_server_with_another_authoritys_certificate_is_not_spoken_to() {
    let mut site = Site::start(PERMIT_ALL);
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(site.path("other.pem"), other.cert.pem()).unwrap();
    let toml = fs::read_to_string(site.path("etc/portcullis/keeper.toml")).unwrap();
    fs::write(site.path("etc/portcullis/keeper.toml"), toml.replace("data/ca.pem", "other.pem")).unwrap();
    site.restart_keeper();
    let failed = site.shim("git").arg("--version").output().unwrap();
    assert_eq!(failed.status.code(), Some(125), "{}", words(&failed));
    assert!(said(&failed).contains("certificate"), "{}", words(&failed));
}

#[test]
fn a_policy_that_does_not_parse_refuses_everything_and_says_where() {
    let site = Site::start("@id(\"broken\")\npermit(principal, action\n");
    let refused = site.shim("git").arg("--version").output().unwrap();
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
    assert!(said(&refused).contains("policy.cedar"), "{}", words(&refused));
}

#[test]
fn a_policy_broken_by_an_edit_leaves_the_old_one_in_force_and_status_says_so() {
    let site = Site::start(PERMIT_ALL);
    assert!(site.shim("git").arg("--version").output().unwrap().status.success());
    fs::write(site.path("policy/policy.cedar"), "permit(").unwrap();
    site.server.signal(rustix::process::Signal::HUP);
    site.server.line(|line| line.contains("policy.cedar"));
    let still = site.shim("git").arg("--version").output().unwrap();
    assert!(still.status.success(), "{}", words(&still));
    let status = site.alice().args(["status"]).output().unwrap();
    let shown = String::from_utf8_lossy(&status.stdout).into_owned() + &said(&status);
    assert!(shown.contains("policy.cedar"), "{}", words(&status));
}

#[test]
fn a_keeper_killed_in_mid_run_ends_the_tool_and_the_recording_is_sealed_by_the_next_one() {
    let mut site = Site::start(PERMIT_ALL);
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", host.local_addr().unwrap());
    let mut running = Process::start(site.shim("curl").args(["-sSN", &address]));
    let (mut connection, _) = host.accept().unwrap();
    assert!(connection.read(&mut [0; 1024]).unwrap() > 0);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first line\n").unwrap();
    running.line(|line| line == "the first line");
    site.keeper.child().kill().unwrap();
    site.keeper.wait();
    assert_eq!(running.wait().code(), Some(125), "{}", running.said());
    // The tool is gone: it hung up.
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(connection.read(&mut [0; 16]).unwrap_or(0), 0);

    site.restart_keeper();
    let until = std::time::Instant::now() + PATIENCE;
    let sealed = loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let session = list["sessions"].as_array().unwrap().iter().find(|s| s["tool"] == "curl").unwrap().clone();
        if !session["sealed"].is_null() {
            break session;
        }
        assert!(std::time::Instant::now() < until, "{session:#}");
    };
    let id = sealed["id"].as_str().unwrap();
    let exported = site.alice().args(["sessions", "export", id, "--format", "text"]).output().unwrap();
    assert!(String::from_utf8_lossy(&exported.stdout).contains("the first line"), "{}", words(&exported));
}
