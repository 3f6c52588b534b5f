//! A whole installation for one test: server, keeper and shims in a folder of their own, with the agent signed in.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::process::Process;
use super::sign_in::Browser;

pub struct Site {
    folder: TempDir,
    pub url: String,
    pub server: Process,
    pub keeper: Process,
}

/// What a test may have otherwise.
#[derive(Default)]
pub struct Setup<'a> {
    pub policy: &'a str,
    /// `masks.toml` beside the policy.
    pub masks: &'a str,
    /// Added to the server's TOML: credentials, users.
    pub server: &'a str,
    /// Added to the keeper's TOML.
    pub keeper: &'a str,
    /// Leave the keeper without a login.
    pub signed_out: bool,
}

/// A policy that permits all that can be read, and lends nothing.
pub const PERMIT_ALL: &str = r#"@id("all") permit(principal, action, resource);"#;

impl Site {
    /// With one policy file.
    pub fn start(policy: &str) -> Site {
        Site::with(&Setup { policy, ..Setup::default() })
    }

    pub fn with(setup: &Setup<'_>) -> Site {
        let folder = tempfile::Builder::new().prefix("site").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = folder.path();
        for name in [
            "bin",
            "lib/portcullis/shims",
            "etc/portcullis",
            "run",
            "state",
            "data",
            "policy",
            "work",
            "agent",
            "alice",
        ] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::hard_link(program("portcullis"), root.join("bin/portcullis")).unwrap();
        fs::hard_link(program("portcullis-shim"), root.join("lib/portcullis/portcullis-shim")).unwrap();
        std::os::unix::fs::symlink("portcullis-shim", root.join("lib/portcullis/git-credential-portcullis")).unwrap();
        for tool in ["git", "kubectl", "psql", "curl"] {
            std::os::unix::fs::symlink("../portcullis-shim", root.join("lib/portcullis/shims").join(tool)).unwrap();
        }
        fs::write(root.join("policy/policy.cedar"), setup.policy).unwrap();
        fs::write(root.join("policy/masks.toml"), setup.masks).unwrap();
        fs::write(root.join("server.toml"), setup.server).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("https://127.0.0.1:{port}");
        let server = start_server(root, port);
        let keeper_toml = format!(
            "server = \"{url}\"\nca = \"{root}/data/ca.pem\"\nsocket = \"{root}/run/keeper.sock\"\nstate = \"{root}/state\"\n{}",
            setup.keeper,
            root = root.display()
        );
        fs::write(root.join("etc/portcullis/keeper.toml"), keeper_toml).unwrap();
        let keeper = start_keeper(root);
        let gate = Site { url, server, keeper, folder };
        let pinned = gate
            .cli()
            .args(["pin", "--keeper"])
            .arg(gate.path("run/keeper.sock"))
            .arg("--out")
            .arg(gate.path("etc/portcullis/shim.json"))
            .output()
            .unwrap();
        assert!(pinned.status.success(), "{}", words(&pinned));
        if !setup.signed_out {
            gate.sign_in(&["login"], "agent");
        }
        gate
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A tool's shim, as the agent would start it: in the work folder, with nothing in its environment but this.
    pub fn shim(&self, tool: &str) -> Command {
        let mut command = Command::new(self.path("lib/portcullis/shims").join(tool));
        command.current_dir(self.path("work")).env_clear().stdin(Stdio::null());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("lib/portcullis/shims").display()));
        command.env("HOME", self.path("agent")).env("LANG", "C.UTF-8").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// The tool itself, in the same place and environment, past the gate.
    pub fn bare(&self, tool: &str) -> Command {
        let shim = self.shim(tool);
        let mut command = Command::new(Path::new("/usr/bin").join(tool));
        command.current_dir(self.path("work")).env_clear().stdin(Stdio::null());
        command.envs(shim.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// `portcullis` with no login of a person.
    pub fn cli(&self) -> Command {
        let mut command = Command::new(self.path("bin/portcullis"));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("agent"))
            .stdin(Stdio::null());
        command
    }

    /// `portcullis` as alice, who signs in at the first use.
    pub fn alice(&self) -> Command {
        if !self.path("alice/signed-in").exists() {
            let ca = self.path("data/ca.pem");
            self.sign_in(&["login", "--self", "--server", &self.url, "--ca", ca.to_str().unwrap()], "alice");
            fs::write(self.path("alice/signed-in"), "").unwrap();
        }
        let mut command = self.cli();
        command.env("HOME", self.path("alice"));
        command
    }

    /// env(1) in git's place, so that what is gated is whatever the arguments say.
    pub fn gate_anything(&self) {
        std::os::unix::fs::symlink("/usr/bin/env", self.path("bin/git")).unwrap();
        let mut pin = self.cli();
        pin.env("PATH", self.path("bin")).args(["pin", "--keeper"]).arg(self.path("run/keeper.sock"));
        let pinned = pin.arg("--out").arg(self.path("etc/portcullis/shim.json")).output().unwrap();
        assert!(pinned.status.success(), "{}", words(&pinned));
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.path("data/ca.pem")).unwrap()
    }

    pub fn sign_in(&self, arguments: &[&str], who: &str) {
        let mut login = self.cli();
        if who == "alice" {
            login.env("HOME", self.path("alice"));
        }
        let mut login = Process::start(login.args(arguments));
        let line = login.line(|line| line.contains("user_code="));
        let address = line.split_whitespace().find(|word| word.contains("user_code=")).unwrap().to_owned();
        self.browser().confirm_device(&address, who).unwrap();
        assert!(login.wait().success(), "{}", login.said());
    }

    /// The audit log, oldest first, each entry's text parsed.
    pub fn audit(&self) -> Vec<Value> {
        let listed = self.alice().args(["audit", "list", "--json"]).output().unwrap();
        assert!(listed.status.success(), "{}", words(&listed));
        let page: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let entries = page["entries"].as_array().unwrap().iter();
        entries.map(|entry| serde_json::from_str(entry["text"].as_str().unwrap()).unwrap()).collect()
    }

    pub fn restart_server(&mut self) {
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        let _ = self.server.child().kill();
        let _ = self.server.wait();
        self.server = start_server(self.folder.path(), port);
    }

    pub fn restart_keeper(&mut self) {
        let _ = self.keeper.child().kill();
        let _ = self.keeper.wait();
        self.keeper = start_keeper(self.folder.path());
    }
}

/// Cargo's, or those of the folder that a bench was told to measure.
pub fn program(name: &str) -> PathBuf {
    let ours = match name {
        "portcullis" => env!("CARGO_BIN_EXE_portcullis"),
        "portcullis-shim" => env!("CARGO_BIN_EXE_portcullis-shim"),
        "portcullis-server" => env!("CARGO_BIN_EXE_portcullis-server"),
        other => panic!("{other} is no program of ours"),
    };
    std::env::var_os("PORTCULLIS_BENCH_PROGRAMS").map_or_else(|| ours.into(), |folder| Path::new(&folder).join(name))
}

fn start_server(root: &Path, port: u16) -> Process {
    let mut command = Command::new(program("portcullis-server"));
    command.env_clear().current_dir(root).args(["--dev", "--listen", &format!("127.0.0.1:{port}")]);
    command.args(["--data", "data", "--config", "server.toml", "--policy", "policy"]);
    let server = Process::start(&mut command);
    server.line(|line| line.contains("listening"));
    server
}

fn start_keeper(root: &Path) -> Process {
    let mut command = Command::new(root.join("bin/portcullis"));
    command
        .env_clear()
        .env("HOME", root.join("agent"))
        .arg("keeper")
        .arg("--config")
        .arg(root.join("etc/portcullis/keeper.toml"));
    let keeper = Process::start(&mut command);
    keeper.line(|line| line.contains("listens"));
    keeper
}

/// Everything a command said, for an assertion's message.
pub fn words(output: &Output) -> String {
    format!("{}\n{}{}", output.status, output.stdout.escape_ascii(), String::from_utf8_lossy(&output.stderr))
}
