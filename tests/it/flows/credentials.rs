//! What is lent to a command, how it gets there, and that it is gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::Process;
use crate::support::site::{Setup, Site, words};

const POLICY: &str = r#"
@id("local") permit(principal, action, resource) unless {
  action in [Action::"git.fetch", Action::"git.push", Action::"git.force_push", Action::"http.get", Action::"http.send"]
};
@id("git-host") @grant("git-host") permit(principal, action in [Action::"git.fetch", Action::"git.push"], resource);
@id("api") @grant("api") @mask("pii") permit(principal, action == Action::"http.get", resource);
"#;

/// The demo's git host and API, with tokens of this test's own.
struct Hosts {
    _world: Process,
    git: String,
    api: String,
    folder: PathBuf,
}

const GIT_TOKEN: &str = "a-token-for-the-git-host-a8s7d6f5";
const API_TOKEN: &str = "a-token-for-the-api-q1w2e3r4t5";

impl Hosts {
    fn start() -> Hosts {
        let folder = tempfile::Builder::new().prefix("hosts").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        let bare = folder.join("acme/app.git");
        git(&folder, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        git(&bare, &["config", "http.receivepack", "true"]);
        fs::write(folder.join("tokens"), format!("{GIT_TOKEN}\n{API_TOKEN}\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-demo"));
        command.arg("world").arg("--repositories").arg(&folder).arg("--tokens").arg(folder.join("tokens"));
        let world = Process::start(&mut command);
        let line = world.line(|line| line.starts_with("git "));
        let words: Vec<&str> = line.split(' ').collect();
        Hosts {
            git: format!("http://127.0.0.1:{}", words[1]),
            api: format!("http://127.0.0.1:{}", words[3]),
            _world: world,
            folder,
        }
    }

    fn server_toml(&self) -> String {
        fs::write(self.folder.join("git"), GIT_TOKEN).unwrap();
        fs::write(self.folder.join("api"), API_TOKEN).unwrap();
        format!(
            "[[credential]]\nname = \"git-host\"\nkind = \"token\"\nurl = \"{}/\"\nusername = \"portcullis\"\ntoken_file = \"{folder}/git\"\n\
             [[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{}/\"\ntoken_file = \"{folder}/api\"\n",
            self.git,
            self.api,
            folder = self.folder.display()
        )
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("/usr/bin/git").current_dir(folder).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", words(&done));
}

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
