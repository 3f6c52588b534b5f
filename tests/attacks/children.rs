//! What git starts meets the gate too, unless git starts it for itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use portcullis::wire::frames::{FromKeeper, FromShim};

use crate::socket::Client;
use crate::support::site::{PERMIT_ALL, Site, words};

/// All but a push, and the gate's word on one is easily told.
const NO_PUSH: &str = r#"
@id("all") permit(principal, action, resource);
@id("no-push") @reason("nothing is pushed from here") forbid(principal, action == Action::"git.push", resource);
"#;

/// A repository in the work folder with one commit that its remote has not.
fn repository(site: &Site) {
    let work = site.path("work");
    bare(&work, &["init", "-q", "-b", "main"]);
    bare(&work, &["init", "-q", "--bare", "-b", "main", "../remote.git"]);
    bare(&work, &["remote", "add", "origin", "../remote.git"]);
    bare(&work, &["commit", "-q", "--allow-empty", "-m", "first"]);
    bare(&work, &["push", "-q", "-u", "origin", "main"]);
    bare(&work, &["commit", "-q", "--allow-empty", "-m", "second"]);
}

/// The real git, past the gate, to prepare and to look.
fn bare(folder: &Path, args: &[&str]) -> String {
    let mut git = Command::new("/usr/bin/git");
    for (name, value) in [("AUTHOR", "a"), ("COMMITTER", "c")] {
        git.env(format!("GIT_{name}_NAME"), value).env(format!("GIT_{name}_EMAIL"), "a@example.com");
    }
    let done = git.args(args).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", words(&done));
    String::from_utf8(done.stdout).unwrap()
}

fn git(site: &Site, args: &[&str]) -> Output {
    let mut git = site.shim("git");
    for name in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{name}_NAME"), "a").env(format!("GIT_{name}_EMAIL"), "a@example.com");
    }
    git.args(args).output().unwrap()
}

fn hook(site: &Site, name: &str, script: &str) {
    let path = site.path("work/.git/hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The remote has no more than it had, and the gate has said so.
fn was_refused(site: &Site, how: &str, done: &Output) {
    assert_eq!(bare(&site.path("remote.git"), &["log", "--format=%s", "main"]), "first\n", "{how}: {}", words(done));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("portcullis: refused: git "), "{how}: {}", words(done));
}

#[test]
fn a_push_by_whatever_git_starts() {
    let site = Site::start(NO_PUSH);
    repository(&site);
    was_refused(&site, "by itself", &git(&site, &["push"]));
    for script in [
        "git push",
        "exec git push",
        "git-push",
        "exec git-push origin main",
        "\"$(git --exec-path)/git\" push",
        "\"$(git --exec-path)/git-push\" origin main",
        "GIT_EXEC_PATH=/usr/lib/git-core git push",
        "unset GIT_EXEC_PATH; git push",
        "env -i PATH=\"$PATH\" HOME=\"$HOME\" git push",
        "sh -c 'exec git push'",
        "(setsid -w git push)",
        "git -c alias.x='!git' x push",
        "git -c alias.x='!git push' x",
        "GIT_EDITOR='git push #' git commit --allow-empty",
        "git rebase -q --exec 'git push origin HEAD:main' HEAD~1",
        "git bisect start HEAD HEAD~1; git bisect run git push; git bisect reset",
        "git submodule -q foreach 'git push'; git push",
    ] {
        hook(&site, "post-checkout", &format!("[ -z \"$ONCE\" ] || exit 0; ONCE=1; export ONCE\n{script}"));
        was_refused(&site, script, &git(&site, &["checkout", "-q", "main", "--"]));
    }
    hook(&site, "post-checkout", "exit 0");
    hook(&site, "post-merge", "exec git push origin HEAD:main");
    bare(&site.path("work"), &["branch", "-q", "other", "HEAD~1"]);
    bare(&site.path("work"), &["checkout", "-q", "other"]);
    was_refused(&site, "a hook of a part of pull", &git(&site, &["pull", "-q", ".", "main"]));
}

#[test]
fn a_client_that_says_it_is_a_part_of_another_command() {
    let site = Site::start(PERMIT_ALL);
    let mut client = Client::new(&site);
    client.say(&FromShim::Above { tool: "git".to_owned(), by_shell: false });
    assert!(matches!(client.hear(), Some(FromKeeper::Above { role: None })), "nothing of git's has started it");
    client.say(&FromShim::Passes { role: "pull".to_owned(), by_shell: true });
    assert!(!matches!(client.hear(), Some(FromKeeper::Done)));
}

/// The folder of git's own programs is a variable, and variables switch nothing off.
#[test]
fn a_variable_that_makes_a_command_look_like_a_part_of_another() {
    let site = Site::start(r#"@id("none") @reason("not here") forbid(principal, action, resource);"#);
    let own = site.path("lib/portcullis/own/git");
    assert!(own.join("git-remote-https").exists(), "the folder was laid out");
    for program in ["lib/portcullis/shims/git", "lib/portcullis/own/git/git"] {
        let mut git = Command::new(site.path(program));
        let done = git.env_clear().env("GIT_EXEC_PATH", &own).args(["rev-parse", "HEAD"]).output().unwrap();
        assert_eq!(done.status.code(), Some(126), "{}", words(&done));
    }
}
