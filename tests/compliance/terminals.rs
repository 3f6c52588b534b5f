//! Terminals: per stream, the right size, and job control as without us.

use std::io::{Read, Write};
use std::path::Path;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::gate::Gate;

const SIZE: PtySize = PtySize { rows: 41, cols: 97, pixel_width: 0, pixel_height: 0 };

/// A caller at a terminal, which is the test.
struct Desk {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Box<dyn Read + Send>,
    caller: Box<dyn Child + Send + Sync>,
    seen: Vec<u8>,
}

impl Desk {
    /// The caller's shell runs this, with `$git` being the tool.
    fn new(gate: &Gate, tool: &Path, arguments: &[&str]) -> Desk {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(arguments);
        command.env("git", tool);
        command.env("PS1", "> ");
        command.cwd(gate.path("work"));
        let caller = pair.slave.spawn_command(command).unwrap();
        let (keys, screen) = (pair.master.take_writer().unwrap(), pair.master.try_clone_reader().unwrap());
        Desk { master: pair.master, keys, screen, caller, seen: Vec::new() }
    }

    fn kind(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Reads the screen until these words are there, and forgets what came before.
    fn until(&mut self, words: &str) {
        let mut chunk = [0; 4096];
        loop {
            let found = self.seen.windows(words.len()).position(|window| window == words.as_bytes());
            if let Some(at) = found {
                self.seen.drain(..at + words.len());
                return;
            }
            let n = self.screen.read(&mut chunk).unwrap_or(0);
            assert!(n > 0, "{words:?} never came: {}", self.seen.escape_ascii());
            self.seen.extend_from_slice(&chunk[..n]);
        }
    }

    fn rest(mut self) -> String {
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = self.screen.read(&mut chunk) {
            self.seen.extend_from_slice(&chunk[..n]);
        }
        let _ = self.caller.wait();
        String::from_utf8(self.seen).unwrap()
    }
}

/// The screen after a script of the caller's, the same with both.
fn same(gate: &Gate, script: &str) -> String {
    let [bare, shim] = [gate.bare(), gate.shim()].map(|tool| Desk::new(gate, &tool, &["-c", script]).rest());
    assert_eq!(shim, bare);
    shim
}

#[test]
fn each_stream_is_a_terminal_exactly_where_the_callers_is() {
    let gate = Gate::new();
    gate.tool("for n in 0 1 2; do [ -t $n ]; echo $n $?; done");
    assert!(same(&gate, "$git ./tool; echo end").contains("0 0\r\n1 0\r\n2 0"));
    assert!(same(&gate, "$git ./tool | cat").contains("0 0\r\n1 1\r\n2 0"));
    assert!(same(&gate, "$git ./tool </dev/null").contains("0 1\r\n1 0\r\n2 0"));
    assert!(same(&gate, "$git ./tool 2>err").contains("0 0\r\n1 0\r\n2 1"));
}

#[test]
fn the_window_has_the_callers_size_and_follows_it() {
    let gate = Gate::new();
    assert!(same(gate.tool("stty size"), "$git ./tool").contains("41 97"));
    gate.tool("trap 'stty size; exit' WINCH; echo ready; while :; do read -t 1 x; done");
    let mut desk = Desk::new(&gate, &gate.shim(), &["-c", "$git ./tool"]);
    desk.until("ready");
    desk.master.resize(PtySize { rows: 12, cols: 34, ..SIZE }).unwrap();
    desk.until("12 34");
}

#[test]
fn a_reader_that_has_enough_ends_the_tool_at_a_terminal_too() {
    let gate = Gate::new();
    assert!(same(gate.tool("exec yes"), "$git ./tool | head -1; echo ${PIPESTATUS[0]}").contains("141"));
}

#[test]
fn control_c_ends_the_tool_and_the_terminal_is_as_before() {
    let gate = Gate::new();
    let mut desk = Desk::new(&gate, &gate.shim(), &["--norc", "--noprofile", "-i"]);
    desk.until("> ");
    gate.tool("echo ready; read x");
    desk.kind("stty -g >before; $git ./tool\n");
    desk.until("ready");
    desk.kind("\x03");
    desk.until("> ");
    desk.kind("echo code $?; stty -g >after\n");
    desk.until("code 130");
    desk.kind("cmp before after && echo sa''me\n");
    desk.until("same");
    desk.kind("exit\n");
    desk.rest();
}

#[test]
fn control_z_stops_the_job_and_fg_continues_it() {
    let gate = Gate::new();
    let mut desk = Desk::new(&gate, &gate.shim(), &["--norc", "--noprofile", "-i"]);
    desk.until("> ");
    gate.tool("echo ready; read x; echo got $x");
    desk.kind("$git ./tool\n");
    desk.until("ready");
    desk.kind("\x1a");
    desk.until("Stopped");
    desk.until("> ");
    desk.kind("fg\n");
    desk.until("$git");
    desk.kind("hello\n");
    desk.until("got hello");
    desk.until("> ");
    desk.kind("exit\n");
    desk.rest();
}
