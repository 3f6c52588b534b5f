//! Short runs: a program that prints a line and exits at once, by pipes and at terminals. No line is lost, changed or
//! shown twice, and the server has a whole recording of each.

use std::ops::Range;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::setting;
use super::support::desk::Desk;
use super::support::site::Site;

const AT_ONCE: usize = 4;

/// env(1) stands in git's place, so that every line is a subcommand that nobody knows.
const POLICY: &str = r#"
@id("all") @mask("pii") permit(principal, action, resource);
@id("unknown") @mask("pii") permit(principal, action in [Doubt::Action::"unknown_command", Doubt::Action::"unknown_fact"], resource);
"#;

/// How many are made of each kind: `SHORT_RUNS` in the environment.
pub fn run(_: &Site) {
    let site = Site::start(POLICY);
    site.gate_anything();
    let runs = setting("SHORT_RUNS", 1000);
    for (name, body) in [("pipes", by_pipes as fn(&Site, Range<usize>)), ("a terminal", at_a_terminal)] {
        let began = Instant::now();
        let share = runs.div_ceil(AT_ONCE);
        std::thread::scope(|scope| {
            for n in 0..AT_ONCE {
                let (site, part) = (&site, (n * share).min(runs)..((n + 1) * share).min(runs));
                scope.spawn(move || body(site, part));
            }
        });
        let took = began.elapsed().as_secs_f64();
        println!("{runs} runs with {name}, {AT_ONCE} at once: no byte lost; {:.1} a second", runs as f64 / took);
    }
    let spool = || std::fs::read_dir(site.path("state/spool")).unwrap().count();
    while spool() > 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    let kept = Command::new("find").arg(site.path("data/recordings")).args(["-type", "f"]).output().unwrap();
    let kept = kept.stdout.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(kept, 2 * runs, "recordings are missing");
    println!("{kept} recordings");
}

fn by_pipes(site: &Site, part: Range<usize>) {
    for n in part {
        let line = format!("line {n}");
        let done = site.shim("git").args(["echo", &line]).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{n}: {}", done.stderr.escape_ascii());
        assert_eq!(done.stdout, format!("{line}\n").into_bytes());
    }
}

fn at_a_terminal(site: &Site, part: Range<usize>) {
    let shim = site.shim("git");
    let mut shell = Command::new("/bin/bash");
    let words = format!("for ((n = {}; n < {}; n++)); do \"$0\" echo line $n || exit; done", part.start, part.end);
    shell.args(["-c", &words]).arg(shim.get_program()).current_dir(site.path("work")).stdin(Stdio::null());
    shell.env_clear().envs(shim.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let left = Desk::sit(&shell).rest();
    assert!(left.status.success(), "{}", left.seen[left.seen.len().saturating_sub(300)..].escape_ascii());
    let wanted: String = part.map(|n| format!("line {n}\r\n")).collect();
    let seen = String::from_utf8(left.seen).unwrap();
    let first = seen.lines().zip(wanted.lines()).find(|(seen, wanted)| seen != wanted);
    assert!(seen == wanted, "{} of {} bytes, and the first that differ: {first:?}", seen.len(), wanted.len());
}
