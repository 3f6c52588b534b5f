//! Bytes, their order, and who notices when nobody reads.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use portcullis::model::{FrameKind, Terms};

use crate::gate::Gate;

#[test]
fn sixteen_mebibytes_of_any_bytes_pass_exactly() {
    let gate = Gate::new();
    let mut bytes = vec![0; 16 << 20];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    std::fs::write(gate.path("work/bytes"), &bytes).unwrap();
    let done = gate.same_script("cat bytes");
    assert!(done.stdout == bytes);
    let recorded: usize = gate
        .record
        .lock()
        .unwrap()
        .frames
        .iter()
        .map(|frame| match frame {
            FrameKind::Output(bytes) => bytes.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(recorded, bytes.len());
}

#[test]
fn bytes_pass_exactly_under_masks_too() {
    let gate = Gate::with(Terms { masks: vec!["secrets".to_owned(), "pii".to_owned()], ..Terms::default() });
    let mut bytes = Vec::new();
    for n in 0..200_000_u32 {
        bytes.extend_from_slice(&n.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    std::fs::write(gate.path("work/bytes"), &bytes).unwrap();
    gate.same_script("cat bytes");
}

#[test]
fn a_full_disk_is_the_tools_to_notice() {
    let gate = Gate::new();
    let done = gate.tool("exec yes").command().stdout(File::create("/dev/full").unwrap()).output();
    assert!(!done.unwrap().status.success());
}

#[test]
fn a_prompt_without_a_newline_appears_at_once() {
    let gate = Gate::with(Terms { masks: vec!["secrets".to_owned()], ..Terms::default() });
    let mut child = gate
        .tool("printf 'name? '; read x; echo hello $x")
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut prompt = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut prompt).unwrap();
    assert_eq!(&prompt, b"name? ");
    child.stdin.take().unwrap().write_all(b"ada\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"hello ada\n");
}

#[test]
fn a_slow_reader_holds_the_tool_back() {
    let gate = Gate::new();
    let mut child = gate.tool("head -c 64M /dev/zero").command().stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut total, mut most, mut chunk) = (0, 0, vec![0; 1 << 20]);
    loop {
        let n = out.read(&mut chunk).unwrap();
        if n == 0 {
            break;
        }
        total += n;
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let now = text
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .map_or(0, |kilobytes| kilobytes.trim().trim_end_matches(" kB").parse::<usize>().unwrap());
        most = most.max(now);
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(total, 64 << 20);
    assert!(most < 32 << 10, "the shim held {most} kB");
}

#[test]
fn what_is_masked_is_masked_for_caller_and_record_and_said_once() {
    let gate = Gate::with(Terms { masks: vec!["secrets".to_owned(), "pii".to_owned()], ..Terms::default() });
    let done = gate.tool("echo write to ada@example.com").command().output().unwrap();
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(!shown.contains("ada@"), "{shown}");
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "portcullis: masked: 1 email\n");
    let record = gate.record.lock().unwrap();
    assert!(record.frames.contains(&FrameKind::Output(shown.as_str().into())));
}

#[test]
fn an_input_that_policy_wants_recorded_reaches_both() {
    let gate = Gate::with(Terms { record_stdin: true, ..Terms::default() });
    let done = gate.tool("cat; echo end").same_caller("printf 'one\\ntwo\\n' | $git ./tool");
    assert_eq!(done.stdout, b"one\ntwo\nend\n");
    let record = gate.record.lock().unwrap();
    assert!(record.frames.contains(&FrameKind::Input("one\ntwo\n".into())));
}
