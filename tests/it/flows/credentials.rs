//! What is lent to a command, how it gets there, and that it is gone afterwards.

use std::fs;
use std::process::Command;

use crate::support::hosts::{API_TOKEN, GIT_TOKEN, Hosts};
use crate::support::site::{Setup, Site, words};

const POLICY: &str = r#"
@id("local") permit(principal, action, resource) unless {
  action in [Action::"git.fetch", Action::"git.push", Action::"git.force_push", Action::"http.get", Action::"http.send"]
};
@id("git-host") @grant("git-host") permit(principal, action in [Action::"git.fetch", Action::"git.push"], resource);
@id("api") @grant("api") @mask("pii") permit(principal, action == Action::"http.get", resource);
"#;

fn site(hosts: &Hosts) -> Site {
    Site::with(&Setup { policy: POLICY, server: &hosts.server_toml(), ..Setup::default() })
}

#[test]
fn git_pushes_with_a_token_that_is_in_no_argument_no_variable_and_no_file_of_the_agent() {
    let hosts = Hosts::start();
    let site = site(&hosts);
    let url = format!("{}/acme/app.git", hosts.git);
    let run = |arguments: &[&str]| {
        let done = site.shim("git").args(arguments).output().unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", words(&done));
        done
    };
    run(&["init", "-q", "-b", "main"]);
    fs::write(site.path("work/a"), "a\n").unwrap();
    run(&["add", "a"]);
    run(&["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "a"]);
    run(&["remote", "add", "origin", &url]);
    run(&["push", "-q", "origin", "main"]);
    let listed = run(&["ls-remote", "--heads", "origin"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("refs/heads/main"), "{}", words(&listed));
    // A pull is many programs, and the one that needs the token is far below the one that was lent it.
    run(&["pull", "-q", "origin", "main"]);
    // Whatever the agent can read in its folders, the token is not in it.
    let found =
        Command::new("grep").args(["-rlF", GIT_TOKEN]).args([site.path("work"), site.path("agent")]).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", words(&found));
    // And without the gate, git can do nothing there.
    let bare = Command::new("/usr/bin/git").args(["ls-remote", &url]).env("GIT_TERMINAL_PROMPT", "0").output().unwrap();
    assert!(!bare.status.success());
}

#[test]
fn curl_is_lent_a_header_and_what_comes_back_is_masked() {
    let hosts = Hosts::start();
    let site = site(&hosts);
    let got = site.shim("curl").args(["-sS", &format!("{}/v1/customers", hosts.api)]).output().unwrap();
    assert!(got.status.success(), "{}", words(&got));
    let body = String::from_utf8(got.stdout.clone()).unwrap();
    assert!(body.contains("[masked:email") && !body.contains("ada@example.com") && !body.contains("AKIA"), "{body}");
    let json: serde_json::Value = serde_json::from_str(&body).expect("JSON stays JSON");
    assert_eq!(json["customers"][0]["name"], "Ada");
}

#[test]
fn a_credential_is_not_lent_to_a_line_that_would_show_or_carry_it_elsewhere() {
    let hosts = Hosts::start();
    let site = site(&hosts);
    let url = format!("{}/v1/customers", hosts.api);
    let elsewhere = format!("{}/v1/customers", hosts.git);
    let lines: [&[&str]; 5] = [
        &["-sSv", &url],
        &["-sS", "--trace-ascii", "-", &url],
        &["-sS", "-x", "http://127.0.0.1:9", &url],
        &["-sS", &url, &elsewhere],
        &["-sS", "--connect-to", "::127.0.0.1:9", &url],
    ];
    for line in lines {
        let refused = site.shim("curl").args(line).output().unwrap();
        assert_eq!(refused.status.code(), Some(126), "curl {line:?}: {}", words(&refused));
        let all = words(&refused);
        assert!(!all.contains(API_TOKEN), "curl {line:?}: {all}");
        for part in ["refused: ", "why: ", "hint: ", "id: "] {
            assert!(all.contains(&format!("portcullis: {part}")), "curl {line:?}: {all}");
        }
        if line.iter().any(|word| word.contains("127.0.0.1:9")) {
            assert!(all.contains(&format!("the connection to {url} goes through 127.0.0.1:9")), "curl {line:?}: {all}");
        }
    }
}
