//! How a tool ends, and how the caller ends it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use portcullis::model::{Exit, Terms};
use rustix::process::{Pid, Signal, kill_process};

use crate::gate::{Gate, begins_the_last_words};

#[test]
fn every_exit_code_is_exact() {
    let gate = Gate::new();
    for code in [0, 1, 2, 42, 124, 125, 126, 127, 128, 200, 255] {
        assert_eq!(gate.same_script(&format!("exit {code}")).status.code(), Some(code));
    }
}

#[test]
fn a_tool_that_dies_of_a_signal_is_mirrored_by_the_same_signal() {
    let gate = Gate::new();
    for signal in [1, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 24, 31] {
        // Whoever runs the tests may have some of them ignored.
        let reset = format!("use POSIX; sigaction({signal}, POSIX::SigAction->new(q(DEFAULT)))");
        let done = gate.same_script(&format!("exec perl -e '{reset}; kill {signal}, $$; sleep 9'"));
        assert_eq!(done.status.signal(), Some(signal));
    }
}

#[test]
fn a_signal_to_the_shim_reaches_the_tool_once_and_its_answer_is_the_exit() {
    let gate = Gate::new();
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::USR2, "USR2"), (Signal::HUP, "HUP"), (Signal::USR1, "USR1")]
    {
        let script =
            format!("n=0; trap 'n=$((n+1)); echo got' {name}; echo ready; while read x; do :; done; exit $((40+n))");
        let mut child = gate.tool(&script).command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), signal).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "got");
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(41), "{name}");
    }
}

#[test]
fn a_tool_is_taken_down_with_its_shim() {
    let gate = Gate::new();
    let mut child = gate.tool("echo $$; exec sleep 60").command().stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let tool = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    // Readable when it has ended; it may have been reaped already.
    if let Ok(handle) = rustix::process::pidfd_open(tool, rustix::process::PidfdFlags::empty()) {
        let mut fds = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
        let time = rustix::event::Timespec { tv_sec: 10, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut fds, Some(&time)), Ok(1));
    }
}

#[test]
fn a_grandchild_that_holds_the_output_does_not_hang_the_caller() {
    let gate = Gate::new();
    let began = std::time::Instant::now();
    let done = gate.tool("sleep 30 & echo done").command().output().unwrap();
    assert_eq!(done.stdout, b"done\n");
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn the_last_byte_of_a_short_run_is_never_lost() {
    let gate = Gate::new();
    for _ in 0..50 {
        let done = gate.tool("printf x").command().output().unwrap();
        assert_eq!(done.stdout, b"x");
    }
    let endings = gate.record.lock().unwrap();
    assert!(endings.endings.iter().all(|ending| ending.exit == Exit::Code(0) && ending.bytes == 1));
}

#[test]
fn a_time_limit_ends_the_tool_and_the_words_say_so() {
    let gate = Gate::with(Terms { limit_seconds: Some(1), ..Terms::default() });
    let done = gate.tool("exec sleep 30").command().output().unwrap();
    assert_eq!(done.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&done.stderr).contains("policy allows this command 1 s"));
}

#[test]
fn a_tool_whose_keeper_is_gone_is_ended_and_nothing_more_is_shown() {
    let gate = Gate::new();
    let script = "trap '' TERM; echo the keeper dies; while :; do echo more; sleep 0.1; done";
    let done = gate.tool(script).command().output().unwrap();
    assert_eq!(done.status.code(), Some(125));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.starts_with("portcullis: failed: the keeper at "), "{said}");
    // Not even what the keeper was sent: it never said that it has kept it.
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "");
    assert!(gate.record.lock().unwrap().frames.iter().any(begins_the_last_words));
}
