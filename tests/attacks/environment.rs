//! Variables, files and copies that an agent can make.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::site::{PERMIT_ALL, Site, words};

/// Git may read and change, and start nothing.
const READS: &str = r#"@id("reads") permit(principal, action in [Action::"git.read", Action::"git.change", Action::"git.discard", Action::"git.fetch"], resource);"#;

/// Nothing is permitted: whatever runs got past the gate.
const NOTHING: &str = r#"@id("nothing") permit(principal == User::"nobody-at-all", action, resource);"#;

#[test]
fn variables_that_look_like_switches() {
    let site = Site::start(NOTHING);
    let tried = [
        ("PORTCULLIS_BYPASS", "1"),
        ("PORTCULLIS_DISABLE", "1"),
        ("PORTCULLIS_KEEPER", "/tmp/other.sock"),
        ("PORTCULLIS_CONFIG", "/tmp/other.json"),
        ("PORTCULLIS_SERVER_URL", "https://127.0.0.1:1"),
        ("PORTCULLIS_WAIT", "not a duration"),
        ("PORTCULLIS_MESSAGES", "\u{1b}[2J"),
        ("LD_PRELOAD", "/tmp/evil.so"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("SSL_CERT_FILE", "/dev/null"),
    ];
    for (name, value) in tried {
        let ran = site.shim("git").arg("--version").env(name, value).output().unwrap();
        assert!(matches!(ran.status.code(), Some(125 | 126)), "{name}={value}: {}", words(&ran));
        assert!(ran.stdout.is_empty(), "{name}={value}: {}", words(&ran));
    }
}

#[test]
fn another_program_of_the_tools_name_earlier_on_path() {
    let site = Site::start(PERMIT_ALL);
    let evil = site.path("evil");
    fs::create_dir(&evil).unwrap();
    fs::write(evil.join("git"), "#!/bin/sh\necho evil\n").unwrap();
    fs::set_permissions(evil.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran =
        site.shim("git").arg("--version").env("PATH", format!("{}:/usr/bin:/bin", evil.display())).output().unwrap();
    assert!(!words(&ran).contains("evil"), "the pinned program runs, not the first on PATH: {}", words(&ran));
}

#[test]
fn a_copy_of_the_shim_with_a_pin_file_of_the_agents_own() {
    let site = Site::start(NOTHING);
    // The agent lays out a prefix of its own, whose pin file names another keeper: nobody there lends it anything.
    let own = site.path("own");
    fs::create_dir_all(own.join("lib/portcullis/shims")).unwrap();
    fs::create_dir_all(own.join("etc/portcullis")).unwrap();
    fs::hard_link(site.path("lib/portcullis/portcullis-shim"), own.join("lib/portcullis/portcullis-shim")).unwrap();
    std::os::unix::fs::symlink("../portcullis-shim", own.join("lib/portcullis/shims/git")).unwrap();
    let pins = fs::read_to_string(site.path("etc/portcullis/shim.json")).unwrap();
    let elsewhere = pins.replace(site.path("run/keeper.sock").to_str().unwrap(), "/nonexistent/keeper.sock");
    assert_ne!(pins, elsewhere);
    fs::write(own.join("etc/portcullis/shim.json"), elsewhere).unwrap();
    fs::set_permissions(own.join("etc/portcullis/shim.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = Command::new(own.join("lib/portcullis/shims/git")).arg("--version").output().unwrap();
    assert_eq!(ran.status.code(), Some(125), "{}", words(&ran));
}

#[test]
fn a_program_named_by_configuration() {
    let site = Site::start(READS);
    assert!(site.shim("git").args(["init", "-q"]).output().unwrap().status.success());
    let marker = site.path("work/started");
    let touch = format!("touch {}", marker.display());
    let own = site.path("own-exec-path");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("git-frob"), format!("#!/bin/sh\n{touch}\n")).unwrap();
    fs::set_permissions(own.join("git-frob"), fs::Permissions::from_mode(0o755)).unwrap();
    let lines: [Vec<String>; 4] = [
        vec!["-c".into(), format!("core.fsmonitor={touch}"), "status".into()],
        vec!["-c".into(), format!("alias.x=!{touch}"), "x".into()],
        vec![format!("--exec-path={}", own.display()), "frob".into()],
        vec!["-c".into(), format!("diff.external={touch}"), "diff".into()],
    ];
    for line in lines {
        let refused = site.shim("git").args(&line).output().unwrap();
        assert_eq!(refused.status.code(), Some(126), "git {line:?}: {}", words(&refused));
        assert!(!marker.exists(), "git {line:?} started it");
    }
}

#[test]
fn a_program_that_attributes_bring_in_which_lie_nowhere() {
    let site = Site::start(READS);
    let work = site.path("work");
    let bare = |script: &str| {
        let who = "git config user.name a; git config user.email a@example.com;";
        let done = Command::new("sh").args(["-ec", &format!("{who} {script}")]).current_dir(&work).output().unwrap();
        assert!(done.status.success(), "{script}: {}", words(&done));
    };
    Command::new("git").args(["init", "-q", "-b", "main"]).current_dir(&work).output().unwrap();
    bare("echo a > a.txt; git add .; git commit -q -m a; git checkout -q -b at");
    bare("echo '*.txt filter=x' > .gitattributes; echo b > a.txt; git add .; git commit -q -m b");
    bare("git clone -q . ../src; git checkout -q main");
    let marker = work.join("started");
    let smudge = format!("filter.x.smudge=touch {}; cat", marker.display());
    let refused = |line: &[&str]| {
        let done = site.shim("git").args(["-c", &smudge]).args(line).output().unwrap();
        assert_eq!(done.status.code(), Some(126), "git {line:?}: {}", words(&done));
        assert!(!marker.exists(), "git {line:?} started it");
    };
    for line in [&["checkout", "at"][..], &["switch", "at"], &["reset", "--hard", "at"], &["merge", "at"]] {
        refused(line);
    }
    refused(&["clone", "-q", "../src", "../dst"]);
    // They are in the index, and the file is not there any more.
    bare("git checkout -q at; rm .gitattributes a.txt");
    refused(&["checkout", "--", "a.txt"]);
    refused(&["restore", "a.txt"]);
    // What meets no such attribute goes on.
    bare("git checkout -q -f main; git branch other");
    let done = site.shim("git").args(["-c", &smudge, "checkout", "-q", "other"]).output().unwrap();
    assert!(done.status.success(), "{}", words(&done));
}
