//! What a caller may give that no everyday caller gives.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use crate::support::site::{PERMIT_ALL, Site, words};

#[test]
fn arguments_that_are_not_text_arrive_as_they_are() {
    let site = Site::start(PERMIT_ALL);
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    assert!(site.shim("git").args(["init", "-q"]).output().unwrap().status.success());
    std::fs::write(site.path("work").join(name), "").unwrap();
    let added = site.shim("git").arg("add").arg(name).output().unwrap();
    assert!(added.status.success(), "{}", words(&added));
    let listed = site.shim("git").args(["ls-files", "-z"]).output().unwrap();
    assert_eq!(listed.stdout, b"caf\xe9.txt\0", "{}", words(&listed));
}

#[test]
fn two_mebibytes_of_arguments_arrive_whole() {
    let site = Site::start(PERMIT_ALL);
    // One argument can hold 128 KiB (MAX_ARG_STRLEN, execve(2)); all of them together 2 MiB and more.
    let mut words_of_it = vec!["rev-parse".to_owned(), "--sq-quote".to_owned()];
    words_of_it.extend((0..18).map(|i| format!("{i}").repeat(100_000).split_off(0)[..100_000].to_owned()));
    let ours = site.shim("git").args(&words_of_it).output().unwrap();
    let bare = std::process::Command::new("/usr/bin/git").args(&words_of_it).output().unwrap();
    assert!(bare.status.success());
    assert_eq!(ours.status.code(), Some(0), "{}", String::from_utf8_lossy(&ours.stderr));
    assert!(ours.stdout == bare.stdout, "{} and {} bytes", ours.stdout.len(), bare.stdout.len());
}

#[test]
fn a_deleted_work_folder_is_the_tools_own_affair() {
    let site = Site::start(PERMIT_ALL);
    let gone = site.path("gone");
    std::fs::create_dir(&gone).unwrap();
    let shim = site.path("lib/portcullis/shims/git");
    let script = format!("rmdir {0} && exec {1} --version", gone.display(), shim.display());
    let mut shell = std::process::Command::new("sh");
    let ran = shell.arg("-c").arg(script).current_dir(&gone).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(ran.status.success(), "{}", words(&ran));
}

#[test]
fn a_stdin_that_is_held_open_for_ever_ends_in_clear_words() {
    let site = Site::start(PERMIT_ALL);
    let mut psql = site.shim("psql");
    psql.args(["-h", "127.0.0.1"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    // Held, and never closed, until the shim has given up by itself.
    let held = child.stdin.take();
    let ended = child.wait_with_output().unwrap();
    drop(held);
    assert!(matches!(ended.status.code(), Some(125 | 126)), "{}", words(&ended));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("standard input"), "{}", words(&ended));
}

#[test]
fn a_tool_that_is_not_there_is_127() {
    let site = Site::start(PERMIT_ALL);
    let pins = site.path("etc/portcullis/shim.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&pins).unwrap()).unwrap();
    json["tools"].as_object_mut().unwrap().remove("kubectl");
    std::fs::write(&pins, json.to_string()).unwrap();
    let missing = site.shim("kubectl").arg("version").env("PATH", site.path("lib/portcullis/shims")).output().unwrap();
    assert_eq!(missing.status.code(), Some(127), "{}", words(&missing));
}

#[test]
fn a_shim_under_an_unknown_name_does_nothing() {
    let site = Site::start(PERMIT_ALL);
    std::os::unix::fs::symlink("../portcullis-shim", site.path("lib/portcullis/shims/frob")).unwrap();
    let odd = site.shim("frob").output().unwrap();
    assert_eq!(odd.status.code(), Some(125), "{}", words(&odd));
    assert!(String::from_utf8_lossy(&odd.stderr).contains("frob"), "{}", words(&odd));
}

#[test]
fn a_pin_file_that_others_can_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::start(PERMIT_ALL);
    let pins = site.path("etc/portcullis/shim.json");
    std::fs::set_permissions(&pins, std::fs::Permissions::from_mode(0o666)).unwrap();
    let refused = site.shim("git").arg("--version").output().unwrap();
    assert_eq!(refused.status.code(), Some(125), "{}", words(&refused));
}
