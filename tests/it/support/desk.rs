//! A terminal, seen from where its user sits: what is shown there, what is typed, its size and its modes.

use std::io::{Read as _, Write};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtyPair, PtySize, SlavePty, native_pty_system};

use super::process::PATIENCE;

pub struct Desk {
    master: Box<dyn MasterPty + Send>,
    /// Held, so that the terminal outlives the program and its modes can be looked at.
    slave: Option<Box<dyn SlavePty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    chunks: Receiver<Vec<u8>>,
    /// All that was shown.
    pub seen: Vec<u8>,
    /// How far [`Desk::until`] has come in it.
    at: usize,
    modes: String,
}

/// How a program left its terminal.
pub struct Left {
    pub status: ExitStatus,
    pub seen: Vec<u8>,
    /// `stty -g` before and after.
    pub modes: [String; 2],
}

impl Desk {
    /// Starts this at a terminal of its own, with the command's environment and nothing besides.
    pub fn sit(command: &Command) -> Desk {
        let PtyPair { slave, master } = native_pty_system().openpty(size(24, 80)).unwrap();
        let mut builder = CommandBuilder::new(command.get_program());
        builder.env_clear();
        builder.args(command.get_args());
        command.get_envs().filter_map(|(name, value)| Some((name, value?))).for_each(|(n, v)| builder.env(n, v));
        builder.cwd(command.get_current_dir().unwrap());
        let mut reader = master.try_clone_reader().unwrap();
        let (send, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            // EIO is a terminal's end.
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                if send.send(chunk[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let modes = modes(&*master);
        let child = slave.spawn_command(builder).unwrap();
        let keys = master.take_writer().unwrap();
        Desk { master, slave: Some(slave), child, keys, chunks, seen: Vec::new(), at: 0, modes }
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        self.master.resize(size(rows, columns)).unwrap();
    }

    /// Waits until these words have been shown, after those of the last call.
    pub fn until(&mut self, words: &str) {
        let end = Instant::now() + PATIENCE;
        let place = |seen: &[u8]| seen.windows(words.len()).position(|part| part == words.as_bytes());
        loop {
            if let Some(found) = place(&self.seen[self.at..]) {
                self.at += found + words.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(why) => panic!("{words:?} never came ({why}): {}", self.seen[self.at..].escape_ascii()),
            }
        }
    }

    /// Waits for the program's end, and for the last byte that was shown.
    pub fn rest(mut self) -> Left {
        let status = self.child.wait().unwrap();
        let after = modes(&*self.master);
        drop(self.slave.take());
        self.seen.extend(self.chunks.iter().flatten());
        Left { status, seen: std::mem::take(&mut self.seen), modes: [std::mem::take(&mut self.modes), after] }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn modes(master: &dyn MasterPty) -> String {
    let terminal = master.tty_name().unwrap();
    let done = Command::new("stty").arg("-F").arg(terminal).arg("-g").output().unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap()
}
