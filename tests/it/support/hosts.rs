//! Hosts that want a credential: what a gated command is lent is proved on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Process;
use super::site::words;

/// The demo's git host and API, with tokens of this test's own.
pub struct Hosts {
    _world: Process,
    /// `http://127.0.0.1:PORT`, no slash.
    pub git: String,
    pub api: String,
    folder: PathBuf,
}

pub const GIT_TOKEN: &str = "a-token-for-the-git-host-a8s7d6f5";
pub const API_TOKEN: &str = "a-token-for-the-api-q1w2e3r4t5";

impl Hosts {
    pub fn start() -> Hosts {
        let folder = tempfile::Builder::new().prefix("hosts").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        let bare = folder.join("acme/app.git");
        git(&folder, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        git(&bare, &["config", "http.receivepack", "true"]);
        fs::write(folder.join("tokens"), format!("{GIT_TOKEN}\n{API_TOKEN}\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-demo"));
        command.arg("world").arg("--repositories").arg(&folder).arg("--tokens").arg(folder.join("tokens"));
        let world = Process::start(&mut command);
        let line = world.line(|line| line.starts_with("git "));
        let words: Vec<&str> = line.split(' ').collect();
        Hosts {
            git: format!("http://127.0.0.1:{}", words[1]),
            api: format!("http://127.0.0.1:{}", words[3]),
            _world: world,
            folder,
        }
    }

    /// The server's part: both tokens as credentials `git-host` and `api`.
    pub fn server_toml(&self) -> String {
        fs::write(self.folder.join("git"), GIT_TOKEN).unwrap();
        fs::write(self.folder.join("api"), API_TOKEN).unwrap();
        format!(
            "[[credential]]\nname = \"git-host\"\nkind = \"token\"\nurl = \"{}/\"\nusername = \"portcullis\"\ntoken_file = \"{folder}/git\"\n\
             [[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{}/\"\ntoken_file = \"{folder}/api\"\n",
            self.git,
            self.api,
            folder = self.folder.display()
        )
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The real git, in a folder of its own.
pub fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("/usr/bin/git").current_dir(folder).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", words(&done));
}
