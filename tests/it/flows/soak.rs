//! Many commands of all kinds, killed at any moment: when all is over, nothing of them is left.
//!
//! `PORTCULLIS_SOAK=10000 cargo test --test it soak` for as many.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::process::PATIENCE;
use crate::support::site::{Setup, Site, words};

const COMMANDS: usize = 40;
const AT_ONCE: usize = 4;

/// All is permitted, and the host is lent a token.
const POLICY: &str = r#"
@id("all") permit(principal, action, resource) unless { action in [Action::"http.get"] };
@id("api") @grant("api") @mask("secrets") permit(principal, action in [Action::"http.get"], resource);
"#;

/// Answers a line, or lines without end.
fn host() -> String {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", host.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in host.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let mut said = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na line\n");
                while head.contains("/endless") && said.is_ok() {
                    said = stream.write_all(&[b'x'; 1000]);
                }
            });
        }
    });
    address
}

/// A sequence that looks like chance and is the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn command(site: &Site, host: &str, chance: &mut Chance) -> Command {
    let shell = |script: &str| {
        let mut command = Command::new("bash");
        let like = site.shim("git");
        command.args(["-c", script]).env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(site.path("work")).stdin(Stdio::null());
        command
    };
    let mut command = match chance.below(7) {
        0 => shell("git --version"),
        1 => shell("git status"),
        2 => shell("git log | head -1"),
        3 => shell("git pull -q"),
        4 => shell(&format!("curl -sS {host}/line")),
        5 => shell(&format!("curl -sSN {host}/endless | head -c 100000")),
        _ => shell(&format!("exec curl -sSN -m 2 {host}/endless")),
    };
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Processes that were started with our mark in their environment, or that belong to the shims.
fn marked(mark: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark.as_bytes())
    };
    processes.filter(has).collect()
}

fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn repository(site: &Site) {
    let git = |folder: &Path, args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let done = Command::new("/usr/bin/git").args(identity).args(args).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
    };
    let work = site.path("work");
    git(&work, &["init", "-q", "-b", "main", "../upstream"]);
    for n in 0..50 {
        git(&site.path("upstream"), &["commit", "-q", "--allow-empty", "-m", &format!("commit {n}")]);
    }
    git(&work, &["clone", "-q", "../upstream", "."]);
}

#[test]
fn after_many_commands_that_were_killed_at_any_moment_nothing_is_left() {
    let host = host();
    let server =
        format!("[[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{host}/\"\ntoken_file = \"data/token\"\n");
    let mut site = Site::with(&Setup { policy: POLICY, server: &server, ..Setup::default() });
    fs::write(site.path("data/token"), "a-token-q1w2e3r4t5z6").unwrap();
    repository(&site);
    let commands = std::env::var("PORTCULLIS_SOAK").map_or(COMMANDS, |text| text.parse().unwrap());
    let mark = format!("SOAK={}", site.path("").display());
    let keeper = site.keeper.child().id();
    let (mut chance, mut running) = (Chance(0x9e37_79b9_7f4a_7c15), Vec::<Child>::new());
    // The first opens what is opened once.
    assert!(site.shim("curl").args(["-sS", &format!("{host}/line")]).output().unwrap().status.success());
    until("a recording was not sent", || waiting(&site) == 0);
    let before = open_files(keeper);
    for _ in 0..commands {
        let mut command = command(&site, &host, &mut chance);
        command.env("SOAK", site.path(""));
        running.push(command.spawn().unwrap());
        if running.len() >= AT_ONCE {
            std::thread::sleep(Duration::from_millis(chance.below(60)));
            strike(&mark, &mut chance);
        }
        while running.len() >= AT_ONCE {
            running.retain_mut(|child| child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    for mut child in running {
        child.wait().unwrap();
    }
    until("a process is left", || marked(&mark).is_empty());
    until("a recording was not sent", || waiting(&site) == 0);
    until("the keeper holds a descriptor", || open_files(keeper) <= before);
    let files =
        fs::read_dir(format!("/proc/{keeper}/fd")).unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    assert_eq!(files.filter(|file| file.starts_with("/memfd:")).count(), 0);
    nothing_is_half_recorded(&site, commands);
}

/// Something happens to one of the processes: a shim, a tool or whatever a tool has started.
fn strike(mark: &str, chance: &mut Chance) {
    let signal = match chance.below(4) {
        0 => return,
        1 => Signal::TERM,
        _ => Signal::KILL,
    };
    let there = marked(mark);
    if there.is_empty() {
        return;
    }
    let victim = there[chance.below(there.len() as u64) as usize];
    let _ = kill_process(Pid::from_raw(victim).unwrap(), signal);
}

/// Recordings that the keeper still has.
fn waiting(site: &Site) -> u64 {
    let socket = site.path("run/keeper.sock");
    let status = site.cli().args(["status", "--json", "--socket"]).arg(socket).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_else(|_| panic!("{}", words(&status)));
    status["spool"]["waiting"].as_u64().unwrap() + status["spool"]["live"].as_u64().unwrap()
}

fn nothing_is_half_recorded(site: &Site, commands: usize) {
    let listed = site.alice().args(["sessions", "list", "--json", "--limit", "500"]).output().unwrap();
    let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let sessions = list["sessions"].as_array().unwrap();
    assert!(sessions.len() >= commands.min(500) / 2, "most commands were asked about");
    for session in sessions {
        // One whose shim was killed before it drew was never run.
        let drawn = session["recorded"].as_u64().unwrap() > 0;
        assert!(!drawn || (!session["sealed"].is_null() && !session["exit"].is_null()), "{session:#}");
    }
    let lent: Vec<Value> = site.audit();
    for entry in lent.iter().filter(|entry| entry["kind"] == "end") {
        assert_ne!(entry["revoked"], Value::Bool(false), "{entry:#}");
    }
    for folder in ["spool", "refused"] {
        let left = fs::read_dir(site.path("state").join(folder)).map_or(0, |entries| entries.count());
        assert_eq!(left, 0, "{folder} is not empty");
    }
}
