//! The rows that any wrapper can be tried on are in `tests/conformance`, in one body each: here they hold for the shim.

use std::process::Command;

use crate::gate::Gate;

/// Each row by the name that it has there.
macro_rules! rows {
    ($($row:ident)*) => {
        $(#[test] fn $row() { holds(stringify!($row)); })*

        #[test]
        fn every_row_is_tried() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
            let mut there = Vec::new();
            for entry in std::fs::read_dir(folder).unwrap() {
                let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
                let rows = text.split("\n@row(").skip(1).filter_map(|row| row.split_once("\ndef ")?.1.split('(').next());
                there.extend(rows.map(str::to_owned));
            }
            let mut named = vec![$(stringify!($row)),*];
            named.sort_unstable();
            there.sort_unstable();
            assert_eq!(named, there);
        }
    };
}

rows! {
    apart arguments background broken_pipe broken_pipe_at_a_terminal broken_pipe_ignored bytes_in bytes_out characters
    children_ignored closed descriptors detached_grandchild dispositions each_stream early_signals exit_codes family
    fatal_signals flags half_close handled_interrupt hangup input_held_open input_is_left job_control jobserver
    keyboard_signals killed limits long_arguments many modes modes_last modes_seen no_polling nothing_added password
    prompt raw_keys short_runs short_runs_at_a_terminal signals_are_passed_on stop_and_continue stops_itself together
    trickle variables window work_folder
}

/// How many short runs row 8 makes.
fn runs() -> String {
    std::env::var("PORTCULLIS_TEST_RUNS").unwrap_or_else(|_| "1000".to_owned())
}

fn holds(row: &str) {
    // A program that starts what its arguments say, in its own place.
    let gate = Gate::around("/usr/bin/env");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/run");
    let tried = Command::new("python3")
        .args([program, "--row", row, "--runs", &runs(), "--patience", "600", "--wrapper"])
        .arg(gate.shim())
        .output()
        .unwrap();
    assert!(
        tried.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tried.stdout),
        String::from_utf8_lossy(&tried.stderr)
    );
}
