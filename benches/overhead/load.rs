//! Many at once, and how much memory that takes.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::support::process::PATIENCE;
use super::support::site::Site;
use super::{milliseconds, setting, tool};

pub fn run(site: &Site) {
    let many = setting("AT_ONCE", 200);
    let (bare, gated) = (finish(site, many, false), finish(site, many, true));
    println!("{many} of git --version at once: bare {bare:.0} ms, gated {gated:.0} ms, ratio {:.2}", gated / bare);
    let keeper = keeper(site);
    let before = resident(keeper);
    let mut open: Vec<Child> = (0..many).map(|_| waits(site)).collect();
    let until = Instant::now() + PATIENCE;
    while fs::read_dir(site.path("state/spool")).unwrap().count() < many {
        assert!(Instant::now() < until, "not all of them run");
        std::thread::sleep(Duration::from_millis(20));
    }
    let shims: Vec<u64> = open.iter().map(|child| peak(child.id())).collect();
    println!("keeper resident: {before} KiB idle, {} KiB with {many} sessions", resident(keeper));
    println!("shim resident at most: {} KiB", shims.iter().max().unwrap());
    for child in &mut open {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    println!("shim file: {} KiB", fs::metadata(super::support::site::program("portcullis-shim")).unwrap().len() / 1024);
}

/// Milliseconds until all have ended.
fn finish(site: &Site, many: usize, gated: bool) -> f64 {
    let began = Instant::now();
    let start = |_| tool(site, "git", gated).arg("--version").stdout(Stdio::null()).spawn().unwrap();
    let children: Vec<Child> = (0..many).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    milliseconds(began.elapsed())
}

/// A command that runs until its input ends.
fn waits(site: &Site) -> Child {
    let mut command = tool(site, "git", true);
    let mut child =
        command.args(["hash-object", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child
}

fn keeper(site: &Site) -> u32 {
    let status = site.cli().args(["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    u32::try_from(status["pid"].as_u64().unwrap()).unwrap()
}

/// In KiB.
fn resident(pid: u32) -> u64 {
    field(pid, "VmRSS:")
}

fn peak(pid: u32) -> u64 {
    field(pid, "VmHWM:")
}

fn field(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
