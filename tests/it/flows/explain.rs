//! `portcullis explain`, as a policy's author reads it.

use std::process::{Command, Output};

const PORTCULLIS: &str = env!("CARGO_BIN_EXE_portcullis");

/// A clone of acme/app whose alias hides a forced push; the machine's own settings are out of sight.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for line in ["init -q .", "remote add origin https://github.com/acme/app", "config alias.tidy push\\ --force"] {
        let words = shell_words::split(line).unwrap();
        assert!(git(&folder).args(words).status().unwrap().success(), "{line}");
    }
    folder
}

fn git(folder: &tempfile::TempDir) -> Command {
    let mut git = Command::new("git");
    apart(&mut git, folder);
    git
}

fn apart(command: &mut Command, folder: &tempfile::TempDir) {
    command.current_dir(folder.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder.path());
}

fn explain(folder: &tempfile::TempDir, args: &[&str]) -> Output {
    let mut explain = Command::new(PORTCULLIS);
    apart(&mut explain, folder);
    explain.arg("explain").args(args).output().unwrap()
}

fn example(name: &str) -> String {
    format!("{}/policy-examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn it_says_what_git_makes_of_the_line_what_cedar_is_asked_and_which_policy_answers() {
    let folder = clone();
    let policy = example("protect-main");
    let args = ["--policy", &policy, "--group", "agents", "--", "git", "tidy", "origin", "main"];
    let out = explain(&folder, &args);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    for line in [
        "git tidy origin main",
        "  subcommand    push",
        "forbidden: git push --force to main of github.com/acme/app (git.force_push)",
        "    resource   Ref::\"github.com/acme/app:refs/heads/main\"",
        "    in         Host::\"github.com\", Repository::\"github.com/acme/app\"",
        "    permitted by work-on-branches",
        "    forbidden by protect-main",
        "verdict: deny",
        "    hint: push a branch and open a pull request",
    ] {
        assert!(text.lines().any(|said| said == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn without_policies_it_gives_no_verdict_and_a_doubt_says_what_it_costs() {
    let folder = clone();
    let text =
        String::from_utf8(explain(&folder, &["--", "kubectl", "apply", "-f", "https://host.example/all.yaml"]).stdout)
            .unwrap();
    assert!(!text.contains("verdict"), "{text}");
    assert!(text.contains("doubt: ") && text.contains("Doubt::Action::"), "{text}");
    assert!(text.contains("refused until a policy permits this doubt by its name"), "{text}");
}

#[test]
fn what_the_agent_wrote_is_never_shown_raw() {
    let folder = clone();
    let out = explain(&folder, &["--", "git", "push", "origin", "\u{1b}[2Jmain"]);
    assert!(!out.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(String::from_utf8_lossy(&out.stdout).contains("main"));
}

#[test]
fn where_there_is_no_psql_the_version_that_is_told_says_which_startup_file_it_would_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [(".psqlrc-15", "DELETE FROM users;\n"), (".psqlrc", "SELECT 1;\n")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut explain = Command::new(PORTCULLIS);
    apart(&mut explain, &folder);
    let line = ["explain", "--json", "--tool-version", "15.18", "--", "psql", "-d", "x", "-c", "SELECT 1"];
    let out = explain.env("PATH", folder.path()).args(line).output().unwrap();
    let reading: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(reading["effective"]["reads_files"], serde_json::json!([".psqlrc-15"]));
}
