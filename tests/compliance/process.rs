//! What a process inherits.

use std::ffi::{CString, OsStr};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use portcullis::sys::signals::Mask;
use portcullis::sys::spawn::{Program, Stream, c_string};

use crate::gate::Gate;

#[test]
fn arguments_that_are_not_text_arrive_exactly() {
    let gate = Gate::new();
    let done = gate.tool(r#"printf '%s|' "$@""#).same(|tool| {
        let mut command = Command::new(tool);
        command.args(["./tool", "", "a b", "\n"]).arg(OsStr::from_bytes(b"\xff\xfe"));
        command
    });
    assert_eq!(done.stdout, b"|a b|\n|\xff\xfe|");
}

#[test]
fn nearly_two_mebibytes_of_arguments_arrive_exactly() {
    let gate = Gate::new();
    let long: Vec<String> = (0..18).map(|n| n.to_string().repeat(100_000)[..100_000].to_owned()).collect();
    let done = gate.tool(r#"printf %s "$@""#).same(|tool| {
        let mut command = Command::new(tool);
        command.arg("./tool").args(&long);
        command
    });
    assert_eq!(done.stdout.len(), 1_800_000);
}

#[test]
fn every_variable_arrives_also_twice_and_not_text() {
    let gate = Gate::new();
    let script = gate.tool("cat /proc/$$/environ; true").path("work/tool");
    let run = |tool: &Path| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let entry = |bytes: &[u8]| CString::new(bytes).unwrap();
        let program = Program {
            path: c_string(tool).unwrap(),
            arguments: [OsStr::new("git"), script.as_os_str()].map(|word| c_string(word).unwrap()).to_vec(),
            environment: vec![
                entry(b"A=1"),
                entry(b"A=2"),
                entry(b"B=\xff"),
                entry(b"noise"),
                entry(b"PATH=/usr/bin:/bin"),
            ],
            streams: [Stream::From(null.as_fd()), Stream::From(writer.as_fd()), Stream::From(writer.as_fd())],
            keep: Vec::new(),
            alone: false,
            mask: Mask::current().unwrap(),
            foreground_of: None,
        };
        let child = program.start().unwrap();
        drop(program);
        drop(writer);
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        child.wait(false).unwrap();
        out
    };
    let (bare, shim) = (run(&gate.bare()), run(&gate.shim()));
    assert_eq!(bare, b"A=1\0A=2\0B=\xff\0noise\0PATH=/usr/bin:/bin\0", "{}", bare.escape_ascii());
    assert_eq!(shim.escape_ascii().to_string(), bare.escape_ascii().to_string());
}

#[test]
fn a_deleted_work_folder_a_umask_and_limits_are_the_callers() {
    let gate = Gate::new();
    // The script is elsewhere, since the folder is gone.
    let script = gate.tool("ls -di . | wc -l; readlink /proc/$$/cwd | grep -c deleted").path("work/tool");
    gate.same_caller(&format!("mkdir gone && cd gone && rmdir ../gone && exec $git {}", script.display()));
    gate.tool("umask; ulimit -n; ulimit -c; nice")
        .same_caller("umask 027; ulimit -n 123; ulimit -c 0; exec nice -n 3 $git ./tool");
}

#[test]
fn descriptors_above_two_are_the_callers_and_no_others() {
    let gate = Gate::new();
    let done = gate
        .tool("cat <&7; echo nine >&9; for f in /proc/$$/fd/*; do echo ${f##*/}; done")
        // Not its standard output: what a tool writes past us has no order with what passes through us.
        .same_caller("exec 7</etc/hostname 9>nine; $git ./tool; cat nine");
    assert!(String::from_utf8(done.stdout).unwrap().contains("nine\n"));
}

#[test]
fn ignored_and_blocked_signals_are_the_callers() {
    let gate = Gate::new();
    let show = "exec grep -E \"^Sig(Blk|Ign)\" /proc/self/status";
    gate.tool(show).same_caller("exec $git ./tool");
    gate.same_caller("trap '' HUP INT PIPE USR1; exec $git ./tool");
    gate.same_caller("exec nohup $git ./tool </dev/null");
}

#[test]
fn the_tool_stays_in_the_callers_group_and_session_without_a_terminal() {
    let gate = Gate::new();
    gate.tool("read -r _ _ _ parent group session rest </proc/$$/stat; [ $session = $(ps -o sid= $$) ]; echo $?")
        .same_caller("$git ./tool");
}
