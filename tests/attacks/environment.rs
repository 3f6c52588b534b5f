//! Variables, files and copies that an agent can make.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::site::{PERMIT_ALL, Site, words};

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
    let policy = r#"@id("reads") permit(principal, action in [Action::"git.read", Action::"git.change"], resource);"#;
    let site = Site::start(policy);
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
