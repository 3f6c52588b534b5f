//! Allowed, refused, masked, recorded.

use std::process::Output;

use crate::support::site::{PERMIT_ALL, Site, words};

const PROTECT_MAIN: &str = r#"
@id("git") permit(principal, action, resource);
@id("protect-main")
@reason("force pushes to main")
@hint("push a branch and open a pull request")
forbid(principal, action == Action::"git.force_push", resource) when { resource.name == "refs/heads/main" };
"#;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn run(site: &Site, tool: &str, arguments: &[&str]) -> Output {
    site.shim(tool).args(arguments).output().unwrap()
}

#[test]
fn an_allowed_command_gives_the_tools_own_bytes_and_not_a_word_of_ours() {
    let site = Site::start(PERMIT_ALL);
    let bare = std::process::Command::new("/usr/bin/git").arg("--version").output().unwrap();
    let ours = run(&site, "git", &["--version"]);
    assert_eq!(ours, bare, "{}", words(&ours));
}

#[test]
fn a_forced_push_to_main_is_refused_in_words_an_agent_can_act_on() {
    let site = Site::start(PROTECT_MAIN);
    for arguments in
        [&["init", "-q", "-b", "main"][..], &["remote", "add", "origin", "https://github.com/acme/app.git"]]
    {
        let done = run(&site, "git", arguments);
        assert!(done.status.success(), "{}", words(&done));
    }
    let refused = run(&site, "git", &["push", "--force", "origin", "HEAD:main"]);
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
    assert!(refused.stdout.is_empty());
    let lines: Vec<&str> = text(&refused.stderr).lines().collect();
    assert!(lines[0].starts_with("portcullis: refused: git push --force"), "{}", words(&refused));
    assert!(lines[0].contains("main of github.com/acme/app"), "{}", words(&refused));
    assert_eq!(lines[1], "portcullis: why: policy protect-main forbids force pushes to main");
    assert_eq!(lines[2], "portcullis: hint: push a branch and open a pull request");
    assert!(lines[3].starts_with("portcullis: id: inv_"), "{}", words(&refused));
}

#[test]
fn messages_are_one_json_object_a_line_where_that_is_asked_for() {
    let site = Site::start(r#"@id("none") permit(principal == User::"nobody", action, resource);"#);
    let refused = site.shim("git").arg("--version").env("PORTCULLIS_MESSAGES", "json").output().unwrap();
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
    for line in text(&refused.stderr).lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object.is_object());
    }
}

#[test]
fn a_statement_that_cannot_be_parsed_is_a_doubt_and_a_doubt_closes_the_gate() {
    let site = Site::start(PERMIT_ALL);
    let refused = run(&site, "psql", &["-h", "127.0.0.1", "-c", "SELEC 1"]);
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
}

#[test]
fn every_decision_is_in_the_audit_log_and_the_log_verifies() {
    let site = Site::start(PROTECT_MAIN);
    assert!(run(&site, "git", &["--version"]).status.success());
    let audit = site.audit();
    assert!(audit.iter().any(|entry| entry["kind"] == "decision"), "{audit:#?}");
    let verified = site.alice().args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", words(&verified));
}

#[test]
fn what_the_terminal_got_is_in_the_recording_and_nothing_else() {
    let site = Site::start(r#"@id("all") @mask("pii") permit(principal, action, resource);"#);
    assert!(run(&site, "git", &["init", "-q", "-b", "main"]).status.success());
    std::fs::write(site.path("work/note.txt"), "write to ada@example.com\n").unwrap();
    for arguments in
        [&["add", "."][..], &["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "note"]]
    {
        let done = run(&site, "git", arguments);
        assert!(done.status.success(), "{}", words(&done));
    }
    let shown = run(&site, "git", &["show", "HEAD:note.txt"]);
    assert!(text(&shown.stdout).contains("write to [masked:email"), "{}", words(&shown));
    assert!(text(&shown.stderr).contains("masked: 1 email"), "{}", words(&shown));
    let id = session(&site, "HEAD:note.txt");
    let exported = site.alice().args(["sessions", "export", &id, "--format", "text"]).output().unwrap();
    assert!(text(&exported.stdout).contains("write to [masked:email"), "{}", words(&exported));
    assert!(!text(&exported.stdout).contains("ada@example.com"), "{}", words(&exported));
    let cast = site.alice().args(["sessions", "export", &id, "--format", "asciicast"]).output().unwrap();
    let header: serde_json::Value = serde_json::from_str(text(&cast.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(header["version"], 3);
}

/// The id of the one session whose command has these words, once its recording is sealed.
fn session(site: &Site, command: &str) -> String {
    let until = std::time::Instant::now() + crate::support::process::PATIENCE;
    loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let all = list["sessions"].as_array().unwrap();
        let found =
            all.iter().find(|s| s["command"].as_str().unwrap().contains(command)).expect("the session is listed");
        if !found["sealed"].is_null() {
            return found["id"].as_str().unwrap().to_owned();
        }
        assert!(std::time::Instant::now() < until, "it is never sealed");
    }
}
