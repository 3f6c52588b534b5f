//! What stands in place of what is masked, from one command to the next.

use std::process::Command;

use super::super::support::site::{Setup, Site};

const POLICY: &str = r#"@id("all") @mask("pii") permit(principal, action, resource);"#;

/// The marks of a list of people, as curl shows it.
fn marks(site: &Site, people: &str) -> Vec<String> {
    let list = site.path("work/people");
    std::fs::write(&list, people).unwrap();
    let mut curl: Command = site.shim("curl");
    let done = curl.args(["-s", &format!("file://{}", list.display())]).output().unwrap();
    assert!(done.status.success(), "{}", done.stderr.escape_ascii());
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(shown.lines().all(|line| line.starts_with("[masked:email:") && line.len() == 19), "{shown}");
    shown.lines().map(str::to_owned).collect()
}

#[test]
fn rows_of_two_commands_are_joined_by_their_marks() {
    let mut site = Site::start(POLICY);
    let first = marks(&site, "ada@example.com\nbob@example.org\n");
    assert_ne!(first[0], first[1]);
    let second = marks(&site, "eve@example.net\nada@example.com\n");
    assert_eq!(first[0], second[1]);
    site.restart_server();
    assert_eq!(first, marks(&site, "ada@example.com\nbob@example.org\n"));
}

#[test]
fn marks_of_a_run_say_nothing_about_another() {
    let site = Site::with(&Setup { policy: POLICY, masks: "pseudonyms = \"run\"\n", ..Setup::default() });
    let list: String = (0..8).map(|n| format!("user{n}@example.com\n")).collect();
    let (first, second) = (marks(&site, &list), marks(&site, &list));
    let same = first.iter().zip(&second).filter(|(a, b)| a == b).count();
    assert!(same < 4, "{first:?} {second:?}");
}
