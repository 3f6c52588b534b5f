//! How a tool ends, and how the caller ends it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portcullis::model::{Exit, Terms};

use crate::gate::{Gate, begins_the_last_words};

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

#[test]
fn a_silent_tool_whose_keeper_is_gone_is_ended_at_once_and_the_caller_is_told() {
    let gate = Gate::new();
    let mut command = gate.tool("echo $$; exec sleep 60").command();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let began = Instant::now();
    gate.keeper_dies();
    assert_eq!(child.wait().unwrap().code(), Some(125));
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("portcullis: failed: the keeper at "), "{said}");
    assert!(!std::path::Path::new("/proc").join(line.trim()).exists(), "the tool goes on");
}

/// The rest of row 17: a wrapper that takes a program's path as its argument has no say in this.
#[test]
fn the_tool_has_the_name_that_the_caller_gave_it() {
    let gate = Gate::around("/bin/cat");
    let done = gate.same(|tool| {
        let mut command = Command::new("/bin/bash");
        command.args(["-c", "exec -a './any place/git' $git /proc/self/cmdline"]).env("git", tool);
        command
    });
    assert_eq!(done.stdout, b"./any place/git\0/proc/self/cmdline\0");
}
