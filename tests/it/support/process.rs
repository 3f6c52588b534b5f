//! A program that runs beside a test: its words are read as they come, and it is ended with the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take before a test is given up. Waits end by an event; this is for what never comes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Process {
    child: Child,
    words: Arc<Words>,
}

#[derive(Default)]
struct Words {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Process {
    /// Starts it with both outputs read line by line.
    pub fn start(command: &mut Command) -> Process {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let words = Arc::new(Words::default());
        listen(child.stdout.take().unwrap(), &words);
        listen(child.stderr.take().unwrap(), &words);
        Process { child, words }
    }

    /// The first line, said already or still to come, that `wanted` takes.
    pub fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.words.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| wanted(line)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it never came; this was said:\n{}", lines.join("\n"));
            lines = self.words.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    pub fn said(&self) -> String {
        self.words.lines.lock().unwrap().join("\n")
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stream: impl Read + Send + 'static, words: &Arc<Words>) {
    let words = Arc::clone(words);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            words.lines.lock().unwrap().push(line);
            words.more.notify_all();
        }
    });
}
