//! A command that waits for a human.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::process::Process;
use crate::support::site::{Site, words};

/// Everything is permitted, and anything that changes the work tree needs one of the approvers.
const ASK: &str = r#"
@id("all") permit(principal, action, resource);
@id("changes-need-a-human")
@approval("approvers") @approvers("1") @expires("30m") @reason("changes that nobody looked at")
forbid(principal, action == Action::"git.change", resource);
"#;

fn init(site: &Site) -> Command {
    let mut command = site.shim("git");
    command.args(["init", "-q", "-b", "main"]);
    command
}

fn pending(site: &Site) -> Vec<String> {
    let listed = site.alice().args(["approvals", "list", "--json"]).output().unwrap();
    assert!(listed.status.success(), "{}", words(&listed));
    let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let all = list["approvals"].as_array().unwrap();
    all.iter().filter(|a| a["state"] == "pending").map(|a| a["id"].as_str().unwrap().to_owned()).collect()
}

fn answer(site: &Site, how: &str, id: &str) -> Output {
    site.alice().args(["approvals", how, id, "--reason", "looked at it"]).output().unwrap()
}

#[test]
fn pending_is_124_and_the_same_command_runs_once_it_is_approved_and_only_once() {
    let site = Site::start(ASK);
    let waited = init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert_eq!(waited.status.code(), Some(124), "{}", words(&waited));
    let said = String::from_utf8(waited.stderr.clone()).unwrap();
    assert!(said.contains("portcullis: waiting: git init"), "{}", words(&waited));
    assert!(said.contains("not refused, nobody has answered yet"), "{}", words(&waited));
    assert!(!site.path("work/.git").exists());

    let again = init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert_eq!(again.status.code(), Some(124), "{}", words(&again));
    let open = pending(&site);
    assert_eq!(open.len(), 1, "the same command asks one question");

    let approved = answer(&site, "approve", &open[0]);
    assert!(approved.status.success(), "{}", words(&approved));
    let ran = init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert!(ran.status.success(), "{}", words(&ran));
    assert!(site.path("work/.git").exists());

    let third = init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert_eq!(third.status.code(), Some(124), "one approval is one run: {}", words(&third));
}

#[test]
fn a_waiting_command_goes_on_by_itself_when_it_is_approved() {
    let site = Site::start(ASK);
    let mut waiting = Process::start(&mut init(&site));
    waiting.line(|line| line.contains("portcullis: waiting: "));
    let id = pending(&site).remove(0);
    assert!(answer(&site, "approve", &id).status.success());
    assert!(waiting.wait().success(), "{}", waiting.said());
    assert!(site.path("work/.git").exists());
}

#[test]
fn a_refusal_by_a_human_is_126_and_says_so() {
    let site = Site::start(ASK);
    let mut waiting = Process::start(&mut init(&site));
    waiting.line(|line| line.contains("portcullis: waiting: "));
    let id = pending(&site).remove(0);
    assert!(answer(&site, "refuse", &id).status.success());
    assert_eq!(waiting.wait().code(), Some(126), "{}", waiting.said());
    waiting.line(|line| line.contains("portcullis: refused: "));
    assert!(!site.path("work/.git").exists());
}

#[test]
fn whoever_asks_cannot_approve() {
    let site = Site::start(ASK);
    assert_eq!(init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap().status.code(), Some(124));
    let id = pending(&site).remove(0);
    // The agent signs in for itself too, with its own name.
    let ca = site.path("data/ca.pem");
    site.sign_in(&["login", "--self", "--server", &site.url, "--ca", ca.to_str().unwrap()], "agent");
    let tried = site.cli().args(["approvals", "approve", &id, "--reason", "trust me"]).output().unwrap();
    assert!(!tried.status.success(), "{}", words(&tried));
    assert_eq!(init(&site).env("PORTCULLIS_WAIT", "0s").output().unwrap().status.code(), Some(124));
}

#[test]
fn a_server_that_dies_while_a_command_waits_loses_neither_the_question_nor_the_command() {
    let mut site = Site::start(ASK);
    let mut waiting = Process::start(&mut init(&site));
    waiting.line(|line| line.contains("portcullis: waiting: "));
    let id = pending(&site).remove(0);
    site.restart_server();
    assert!(answer(&site, "approve", &id).status.success());
    assert!(waiting.wait().success(), "{}", waiting.said());
    assert!(site.path("work/.git").exists());
}
