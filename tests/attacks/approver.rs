//! What the human who approves gets to see, and what runs after.

use std::fs;

use serde_json::Value;

use crate::support::process::Process;
use crate::support::site::{Site, words};

const ASK: &str = r#"
@id("all") permit(principal, action, resource);
@id("changes-need-a-human") @approval("approvers") @approvers("1") @expires("30m")
forbid(principal, action == Action::"git.change", resource);
"#;

fn pending(site: &Site) -> Value {
    let listed = site.alice().args(["approvals", "list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
    list["approvals"][0].clone()
}

#[test]
fn escapes_that_redraw_the_approvers_terminal() {
    let site = Site::start(ASK);
    let folder = "x\u{1b}[2J\u{202e}\nportcullis: approved";
    let waited = site.shim("git").args(["init", folder]).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert_eq!(waited.status.code(), Some(124), "{}", words(&waited));
    assert!(!waited.stderr.contains(&0x1b));
    let id = pending(&site)["id"].as_str().unwrap().to_owned();
    let shown = site.alice().args(["approvals", "show", &id]).output().unwrap();
    let text = String::from_utf8(shown.stdout.clone()).unwrap();
    assert!(shown.status.success() && text.contains("\\x1b[2J"), "{}", words(&shown));
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("\nportcullis: approved"),
        "{text:?}"
    );
}

#[test]
fn another_command_after_the_approval() {
    let site = Site::start(ASK);
    let ask =
        |folder: &str| site.shim("git").args(["init", "-q", folder]).env("PORTCULLIS_WAIT", "0s").output().unwrap();
    assert_eq!(ask("harmless").status.code(), Some(124));
    let id = pending(&site)["id"].as_str().unwrap().to_owned();
    let approved = site.alice().args(["approvals", "approve", &id, "--reason", "fine"]).output().unwrap();
    assert!(approved.status.success(), "{}", words(&approved));
    assert_eq!(ask("another").status.code(), Some(124), "the approval is for one command line");
    // The same words in another folder are another command.
    fs::create_dir(site.path("work/sub")).unwrap();
    let elsewhere = site
        .shim("git")
        .args(["init", "-q", "harmless"])
        .current_dir(site.path("work/sub"))
        .env("PORTCULLIS_WAIT", "0s")
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(124), "{}", words(&elsewhere));
    assert!(ask("harmless").status.success());
}

#[test]
fn a_wait_that_outlives_the_policy_it_was_asked_under() {
    let site = Site::start(ASK);
    let mut init = site.shim("git");
    init.args(["init", "-q", "x"]);
    let mut waiting = Process::start(&mut init);
    waiting.line(|line| line.contains("portcullis: waiting: "));
    let id = pending(&site)["id"].as_str().unwrap().to_owned();
    let forbidden = format!("{ASK}\n@id(\"freeze\") forbid(principal, action == Action::\"git.change\", resource);");
    fs::write(site.path("policy/policy.cedar"), forbidden).unwrap();
    site.server.signal(rustix::process::Signal::HUP);
    site.server.line(|line| line.contains("policies loaded again"));
    let approved = site.alice().args(["approvals", "approve", &id, "--reason", "before the freeze"]).output().unwrap();
    assert!(approved.status.success(), "{}", words(&approved));
    assert_eq!(waiting.wait().code(), Some(126), "{}", waiting.said());
    assert!(!site.path("work/x").exists());
    let again = init.output().unwrap();
    assert_eq!(again.status.code(), Some(126), "{}", words(&again));
}

#[test]
fn an_answer_typed_into_the_agents_own_input() {
    let site = Site::start(ASK);
    let mut child = site
        .shim("git")
        .args(["init", "-q", "x"])
        .env("PORTCULLIS_WAIT", "1s")
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"y\nyes\napprove\n").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(124), "{}", words(&ended));
}

#[test]
fn the_one_statement_that_matters_behind_a_hundred_others() {
    let site = Site::start(
        r#"
@id("all") permit(principal, action, resource);
@id("destruction-needs-a-human") @approval("approvers") forbid(principal, action in Action::"destroy", resource);
"#,
    );
    let script: String = (0..300).map(|n| format!("SELECT * FROM harmless{n};\n")).collect();
    fs::write(site.path("work/script"), script + "DROP TABLE customers;\n").unwrap();
    let waited = site
        .shim("psql")
        .args(["-X", "-h", "127.0.0.1", "-p", "9", "-U", "a", "-d", "shop"])
        .stdin(fs::File::open(site.path("work/script")).unwrap())
        .env("PORTCULLIS_WAIT", "0s")
        .output()
        .unwrap();
    assert_eq!(waited.status.code(), Some(124), "{}", words(&waited));
    let asked = pending(&site);
    let lines: Vec<&str> = asked["operations"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lines[0].starts_with("destroy: sql.drop") && lines[0].contains("customers"), "{lines:#?}");
    assert!(lines.last().unwrap().ends_with("more"), "{lines:#?}");
}
