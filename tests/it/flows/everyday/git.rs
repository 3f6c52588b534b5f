//! git as agents use it: a log that nobody reads to its end, a pager, editors, and packs of a hundred mebibytes.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{POLICY, same, same_at_a_desk, sit};
use crate::support::hosts::{GIT_TOKEN, Hosts};
use crate::support::site::{Site, words};

const COMMITS: usize = 3000;

/// Random bytes, which no packer makes smaller.
const MEBIBYTES: u64 = 100;

/// A repository in the work folder, with more history than a pipe holds.
fn history() -> Site {
    let site = Site::start(POLICY);
    run(site.bare("git").args(["init", "-q", "-b", "main"]));
    for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.com"), ("commit.gpgsign", "false")] {
        run(site.bare("git").args(["config", key, value]));
    }
    let mut import = site.bare("git").args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stream = String::new();
    for n in 0..COMMITS {
        let words = format!("commit number {n}\n\nwith a body of its own\n");
        stream += &format!("commit refs/heads/main\ncommitter Ada <ada@host> {} +0000\n", 1_700_000_000 + n);
        stream += &format!("data {}\n{words}\n", words.len());
    }
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    site
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", words(&done));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_log_whose_reader_has_enough_ends_by_sigpipe() {
    let site = history();
    let whole = same(&site, "git", |mut git| git.arg("log").output().unwrap());
    assert!(whole.stdout.len() > 1 << 18);
    let done = same(&site, "git", |git| {
        let mut shell = Command::new("/bin/bash");
        shell.args(["-c", "\"$0\" log | head -1; echo ${PIPESTATUS[0]}"]).arg(git.get_program());
        shell.current_dir(site.path("work")).output().unwrap()
    });
    assert!(done.stdout.ends_with(b"\n141\n"), "{}", words(&done));
}

#[test]
fn a_pager_is_left_by_q_and_the_terminal_is_as_before() {
    let site = history();
    same_at_a_desk(&site, "git", |mut git| {
        git.env("TERM", "xterm").env("GIT_PAGER", "less -R -X").env("LESSHISTFILE", "-");
        let mut desk = sit(git.args(["--no-replace-objects", "log"]));
        desk.until("commit number 2999");
        desk.until("\n:\x1b[K");
        desk.type_keys(" ");
        desk.until("commit number 2996");
        desk.until("\n:\x1b[K");
        desk.type_keys("q");
        desk.rest()
    });
    // What fits on a screen is printed, and nobody has to leave anything.
    same_at_a_desk(&site, "git", |mut git| {
        git.env("TERM", "xterm").env("GIT_PAGER", "less -F -X").env("LESSHISTFILE", "-");
        let mut desk = sit(git.args(["log", "-1"]));
        desk.until("commit number 2999");
        desk.rest()
    });
}

#[test]
fn editors_write_the_message_of_a_commit() {
    let site = history();
    let editors = [
        // Keys one by one in raw mode, and lines in cooked mode.
        ("vi -u NONE", "\x1b", &["ggO", "by vi", "\x1b:wq\r"][..], "/usr/bin/vi"),
        ("ed -s", "", &["0a\n", "by ed\n", ".\n", "w\nq\n"][..], "/usr/bin/ed"),
        ("sed -i '1s/^/by sed/'", "", &[][..], "/usr/bin/sed"),
    ];
    for (editor, sign, keys, program) in editors {
        if !Path::new(program).exists() {
            continue; // tests/run.sh installs them
        }
        same_at_a_desk(&site, "git", |mut git| {
            git.env("TERM", "xterm").env("GIT_EDITOR", editor);
            let mut desk = sit(git.args(["commit", "--allow-empty"]));
            if !sign.is_empty() {
                desk.until(sign);
            }
            keys.iter().for_each(|keys| desk.type_keys(keys));
            desk.rest()
        });
        let name = editor.split(' ').next().unwrap();
        let subjects = run(site.bare("git").args(["log", "-2", "--format=%s"]));
        assert_eq!(subjects, format!("by {name}\nby {name}"));
    }
}

/// A file that no compression shrinks, committed in a repository of its own below the work folder.
fn large(site: &Site) -> String {
    let folder = site.path("work/large");
    run(site.bare("git").args(["init", "-q", "-b", "main", "large"]));
    let mut file = File::create(folder.join("bytes")).unwrap();
    std::io::copy(&mut File::open("/dev/urandom").unwrap().take(MEBIBYTES << 20), &mut file).unwrap();
    for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.com"), ("core.compression", "0")] {
        run(site.bare("git").current_dir(&folder).args(["config", key, value]));
    }
    run(site.bare("git").current_dir(&folder).args(["add", "bytes"]));
    run(site.bare("git").current_dir(&folder).args(["commit", "-q", "-m", "large"]));
    run(site.bare("git").current_dir(&folder).args(["rev-parse", "HEAD:bytes"]))
}

/// Pushes what is in `large` to a new branch there and clones that, both with progress on a pipe.
fn there_and_back(site: &Site, url: &str, blob: &str) {
    for (name, tool) in [("bare", site.bare("git")), ("shim", site.shim("git"))] {
        let git = || {
            let mut git = Command::new(tool.get_program());
            git.env_clear().envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
            git
        };
        let push = git().current_dir(site.path("work/large")).args(["push", url, &format!("HEAD:{name}")]).output();
        let push = push.unwrap();
        assert!(push.status.success(), "{}", words(&push));
        assert!(words(&push).contains("[new branch]"), "{}", words(&push));
        let clone =
            git().current_dir(site.path("work")).args(["clone", "--progress", "-b", name, url, "back"]).output();
        let clone = clone.unwrap();
        assert!(clone.status.success(), "{}", words(&clone));
        assert!(words(&clone).contains("100% ("), "{}", words(&clone));
        assert_eq!(run(site.bare("git").args(["hash-object", "back/bytes"])), blob);
        fs::remove_dir_all(site.path("work/back")).unwrap();
        run(site.bare("git").args(["push", "-q", url, &format!(":{name}")]).current_dir(site.path("work/large")));
    }
}

#[test]
fn a_hundred_mebibytes_are_pushed_and_cloned_by_file_and_by_http() {
    let hosts = Hosts::start();
    let site = Site::start(POLICY);
    let blob = large(&site);
    run(site.bare("git").args(["init", "-q", "--bare", "-b", "main", "remote.git"]));
    there_and_back(&site, &format!("file://{}", site.path("work/remote.git").display()), &blob);
    let http = hosts.git.replace("http://", &format!("http://portcullis:{GIT_TOKEN}@"));
    there_and_back(&site, &format!("{http}/acme/app.git"), &blob);
}
