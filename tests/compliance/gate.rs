//! A shim installed in a folder of its own, and the keeper's end of its socket.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use portcullis::model::{Decision, Digest, FrameKind, Terms};
use portcullis::wire::contract::Answer;
use portcullis::wire::frames::{self, Ending, FromKeeper, FromShim};
use portcullis::wire::pins::{PinnedTool, Pins};
use tempfile::TempDir;

/// A keeper that records this is gone.
const LAST_WORDS: &str = "the keeper dies\n";

pub struct Gate {
    folder: TempDir,
    pub record: Arc<Mutex<Record>>,
    connections: Arc<Mutex<Vec<UnixStream>>>,
}

/// What the keeper was told of all runs.
#[derive(Default)]
pub struct Record {
    pub frames: Vec<FrameKind>,
    pub endings: Vec<Ending>,
}

impl Gate {
    pub fn new() -> Gate {
        Gate::with(Terms::default())
    }

    pub fn with(terms: Terms) -> Gate {
        Gate::of("/bin/bash", terms)
    }

    /// Another program than the shell.
    pub fn around(program: &str) -> Gate {
        Gate::of(program, Terms::default())
    }

    fn of(program: &str, terms: Terms) -> Gate {
        default_signals();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["lib/portcullis/shims", "etc/portcullis", "bare", "work"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        // By another process: a descriptor that writes a program, inherited by a child of another test for a moment,
        // makes its start fail with ETXTBSY.
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_portcullis-shim"))
            .arg(root.join("lib/portcullis/portcullis-shim"))
            .status();
        assert!(copied.unwrap().success());
        symlink("../portcullis-shim", root.join("lib/portcullis/shims/git")).unwrap();
        symlink(program, root.join("bare/git")).unwrap();
        let pinned = PinnedTool::of(program.into(), &fs::metadata(program).unwrap(), Digest([0; 32]));
        let socket = root.join("keeper.sock");
        let pins = Pins { version: 1, keeper: socket.clone(), tools: [("git".to_owned(), pinned)].into() };
        fs::write(root.join("etc/portcullis/shim.json"), serde_json::to_vec(&pins).unwrap()).unwrap();
        let record = Arc::<Mutex<Record>>::default();
        let listener = UnixListener::bind(socket).unwrap();
        let connections = Arc::<Mutex<Vec<UnixStream>>>::default();
        let (kept, connected) = (record.clone(), connections.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map(Result::unwrap) {
                connected.lock().unwrap().push(stream.try_clone().unwrap());
                let (kept, terms) = (kept.clone(), terms.clone());
                std::thread::spawn(move || {
                    keep(&mut stream, &terms, &kept);
                    // Its twin among the connections would keep it open.
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        Gate { folder, record, connections }
    }

    /// As a killed keeper does, it lets go of every connection.
    pub fn keeper_dies(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn shim(&self) -> PathBuf {
        self.path("lib/portcullis/shims/git")
    }

    pub fn bare(&self) -> PathBuf {
        self.path("bare/git")
    }

    /// The same body with each, in the same folder; both ends must be equal.
    pub fn same(&self, body: impl Fn(&Path) -> Command) -> Output {
        let run = |tool: &Path| body(tool).current_dir(self.path("work")).output().unwrap();
        let (bare, shim) = (run(&self.bare()), run(&self.shim()));
        assert_eq!(shim.status, bare.status, "{}", String::from_utf8_lossy(&shim.stderr));
        assert!(shim.stdout == bare.stdout, "{} and {}", cut(&shim.stdout), cut(&bare.stdout));
        assert!(shim.stderr == bare.stderr, "{} and {}", cut(&shim.stderr), cut(&bare.stderr));
        shim
    }

    /// What the tool does when it is called as `git ./tool`.
    pub fn tool(&self, script: &str) -> &Gate {
        fs::write(self.path("work/tool"), script).unwrap();
        self
    }

    /// The shim, about to run that.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.shim());
        command.arg("./tool").current_dir(self.path("work"));
        command
    }

    /// A script run by the tool itself.
    pub fn same_script(&self, script: &str) -> Output {
        self.tool(script).same_caller("exec $git ./tool")
    }

    /// A script of the caller's, in which `$git ./tool` runs the tool.
    pub fn same_caller(&self, script: &str) -> Output {
        self.same(|tool| {
            let mut command = Command::new("/bin/bash");
            command.args(["-c", script]).env("git", tool);
            command
        })
    }
}

pub fn begins_the_last_words(frame: &FrameKind) -> bool {
    matches!(frame, FrameKind::Output(bytes) if bytes.starts_with(LAST_WORDS.as_bytes()))
}

fn cut(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), bytes[..bytes.len().min(300)].escape_ascii())
}

fn keep(shim: &mut UnixStream, terms: &Terms, record: &Mutex<Record>) {
    let mut count = 0;
    while let Ok(Some(said)) = frames::read::<FromShim>(shim) {
        let answer = match said {
            FromShim::Hello(_) => FromKeeper::Welcome { version: frames::VERSION, keeper: "test".to_owned() },
            FromShim::Ask(question) => {
                let decision = Decision::Allow(terms.clone());
                FromKeeper::Answer(Answer::new(question.invocation.id, Digest([0; 32]), decision))
            }
            FromShim::Draw => FromKeeper::Drawn { grants: Vec::new() },
            FromShim::Frame(frame) => {
                let last = begins_the_last_words(&frame.kind);
                record.lock().unwrap().frames.push(frame.kind);
                if last {
                    return;
                }
                count += 1;
                FromKeeper::Kept { frames: count }
            }
            FromShim::End(ending) => {
                record.lock().unwrap().endings.push(ending);
                FromKeeper::Done
            }
            _ => continue,
        };
        // A shim that was killed meanwhile hears nothing.
        let _ = frames::write(shim, &answer);
    }
}

/// What these tests start must be able to trap signals, also when they run under nohup or in the background of a script:
/// a shell cannot trap what was ignored when it started (POSIX, trap).
fn default_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2] {
        // SAFETY: no handler is installed, only the default disposition.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
