//! What git starts for itself is a part of the one command that was asked about.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::site::{Site, words};

const PERMIT: &str = r#"
@id("all") permit(principal, action, resource);
@id("modules") permit(principal, action == Doubt::Action::"unread_submodules", resource);
"#;

/// The real git, past the gate, to prepare.
fn bare(folder: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
    let done = Command::new("/usr/bin/git").args(identity).args(args).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", words(&done));
}

/// Runs it through the gate and gives the lines that were asked about meanwhile.
fn asked(site: &Site, folder: &str, args: &[&str]) -> Vec<String> {
    let before = lines(site).len();
    let mut git = site.shim("git");
    git.current_dir(site.path(folder)).env("GIT_CONFIG_COUNT", "1");
    git.env("GIT_CONFIG_KEY_0", "protocol.file.allow").env("GIT_CONFIG_VALUE_0", "always");
    let done = git.args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", words(&done));
    let mut lines = lines(site);
    lines.truncate(lines.len() - before);
    lines
}

/// What was asked about, newest first.
fn lines(site: &Site) -> Vec<String> {
    let listed = site.alice().args(["sessions", "list", "--json", "--limit", "500"]).output().unwrap();
    assert!(listed.status.success(), "{}", words(&listed));
    let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
    list["sessions"].as_array().unwrap().iter().map(|session| session["command"].to_string()).collect()
}

#[test]
fn a_command_that_git_does_in_many_parts_is_one_question() {
    let site = Site::start(PERMIT);
    let root = site.path(".");
    for name in ["upstream", "module"] {
        bare(&root, &["init", "-q", "-b", "main", name]);
        fs::write(root.join(name).join("file"), name).unwrap();
        bare(&root.join(name), &["add", "file"]);
        bare(&root.join(name), &["commit", "-q", "-m", "first"]);
    }
    let module = root.join("module").canonicalize().unwrap();
    bare(&root.join("upstream"), &["submodule", "-q", "add", module.to_str().unwrap(), "module"]);
    bare(&root.join("upstream"), &["commit", "-q", "-m", "with a module"]);

    let cloned = asked(&site, ".", &["clone", "-q", "upstream", "here"]);
    assert_eq!(cloned.len(), 1, "{cloned:#?}");
    let here = root.join("here");
    for (key, value) in
        [("user.name", "a"), ("user.email", "a@example.com"), ("gc.auto", "1"), ("gc.autoDetach", "false")]
    {
        bare(&here, &["config", key, value]);
    }
    let updated = asked(&site, "here", &["submodule", "update", "--init"]);
    assert_eq!(updated.len(), 1, "{updated:#?}");
    assert_eq!(fs::read_to_string(here.join("module/file")).unwrap(), "module");

    for n in 0..20 {
        bare(&root.join("upstream"), &["commit", "-q", "--allow-empty", "-m", &format!("upstream {n}")]);
        bare(&here, &["commit", "-q", "--allow-empty", "-m", &format!("here {n}")]);
    }
    let pulled = asked(&site, "here", &["pull", "-q", "--rebase"]);
    assert_eq!(pulled.len(), 1, "{pulled:#?}");
    let merged = asked(&site, "here", &["pull", "-q", "--no-rebase", "--no-edit"]);
    assert_eq!(merged.len(), 1, "{merged:#?}");
    let rebased = asked(&site, "here", &["rebase", "-q", "--force-rebase", "--rebase-merges", "HEAD~3"]);
    assert_eq!(rebased.len(), 1, "{rebased:#?}");
    let tidied = asked(&site, "here", &["gc", "--auto", "-q"]);
    assert_eq!(tidied.len(), 1, "{tidied:#?}");
    let stashed = asked(&site, "here", &["stash", "list"]);
    assert_eq!(stashed.len(), 1, "{stashed:#?}");
    let pushed = asked(&site, "here", &["push", "-q", "origin", "HEAD:refs/heads/other"]);
    assert_eq!(pushed.len(), 1, "{pushed:#?}");
}

/// A run of which policy wants no record: the shim is the tool by then, with the caller's own streams, and what it
/// starts is told from what anybody starts.
#[test]
fn a_run_without_a_record_is_the_tool_itself_and_still_the_parent_of_what_it_starts() {
    let site = Site::start(
        r#"
@id("all") @record("none") permit(principal, action, resource);
@id("aliases") @record("none") permit(principal, action == Doubt::Action::"shell_alias", resource);
"#,
    );
    let root = site.path(".");
    bare(&root, &["init", "-q", "-b", "main", "app"]);
    let mut git = site.shim("git");
    git.current_dir(root.join("app")).args(["cat-file", "--batch"]);
    let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = git.stdin.take().unwrap();
    writeln!(stdin, "nothing-of-this-name").unwrap();
    let mut answer = String::new();
    BufReader::new(git.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
    assert_eq!(answer, "nothing-of-this-name missing\n");
    let program = fs::read_link(format!("/proc/{}/exe", git.id())).unwrap();
    assert_eq!(program, Path::new("/usr/bin/git").canonicalize().unwrap());
    drop(stdin);
    assert!(git.wait().unwrap().success());

    let failed = site.shim("git").current_dir(root.join("app")).args(["rev-parse", "no-such-name"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(128), "{}", words(&failed));
    let both = ["-c", "alias.both=!git rev-parse --git-dir && git version", "both"];
    let done = site.shim("git").current_dir(root.join("app")).args(both).output().unwrap();
    assert!(done.status.success(), "{}", words(&done));

    let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 5, "{list:#}");
    for session in sessions {
        assert_eq!((&session["unrecorded"], &session["recorded"]), (&true.into(), &0.into()), "{session}");
    }
    let parent = |of: &str| {
        let found = sessions.iter().find(|session| session["command"].as_str().unwrap().contains(of));
        (found.unwrap()["id"].clone(), found.unwrap()["parent"].clone())
    };
    assert_eq!(parent("git version").1, parent("alias.both").0, "{list:#}");
    assert_eq!(parent("no-such-name").1, Value::Null);
}
