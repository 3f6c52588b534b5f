//! `portcullis doctor` at the agent's seat: each way round the gate where it is open, and where it is closed.
//!
//! Where the tests run as root, the agent is the user 65534 and the keeper is not. Elsewhere both are one user, which is a
//! hole of its own, and some ways cannot be closed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::process::Process;
use crate::support::site::{PERMIT_ALL, Site, words};
use crate::support::static_shim::static_shim;

/// Nothing that starts programs of the agent's own.
const NO_PROGRAMS: &str = r#"
@id("all") permit(principal, action, resource);
@id("none-of-its-own") forbid(principal, action in Action::"execute", resource);
"#;

const AGENT: u32 = 65534;

fn root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn site() -> Site {
    let site = Site::start(NO_PROGRAMS);
    fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    site
}

/// Without the largest of the tools, where it is not the matter: each look reads all that is pinned.
fn small() -> Site {
    let site = site();
    unpin(&site, "kubectl");
    site
}

fn unpin(site: &Site, tool: &str) {
    let pins = site.path("etc/portcullis/shim.json");
    let mut text: Value = serde_json::from_slice(&fs::read(&pins).unwrap()).unwrap();
    text["tools"].as_object_mut().unwrap().remove(tool);
    fs::write(&pins, serde_json::to_vec(&text).unwrap()).unwrap();
}

/// A program as the agent starts it.
fn agent(site: &Site, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    if root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]);
    }
    command.arg(program.as_ref()).env_clear().stdin(Stdio::null()).env("HOME", site.path("agent"));
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", site.path("lib/portcullis/shims").display()));
    command
}

struct Report(Value, Option<i32>);

fn doctor(site: &Site) -> Command {
    let mut command = agent(site, site.path("bin/portcullis"));
    command.args(["doctor", "--json"]);
    command
}

fn report(command: &mut Command) -> Report {
    let done = command.output().unwrap();
    let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", words(&done)));
    let open = report["open"].as_u64().unwrap();
    assert_eq!(done.status.code(), Some(i32::from(open > 0)), "{report:#}");
    Report(report, done.status.code())
}

impl Report {
    /// The states of a hole, each with what it is about and what was seen.
    fn of(&self, hole: &str, about: &str) -> Vec<(&str, String)> {
        let all = self.0["findings"].as_array().unwrap().iter();
        let hits: Vec<_> = all
            .filter(|finding| finding["hole"] == hole && finding["what"].as_str().unwrap().contains(about))
            .map(|finding| (finding["state"].as_str().unwrap(), format!("{} {}", finding["seen"], finding["hint"])))
            .collect();
        assert!(!hits.is_empty(), "nothing about {hole} of {about}: {:#}", self.0);
        hits
    }

    #[track_caller]
    fn is(&self, hole: &str, about: &str, state: &str) {
        let hits = self.of(hole, about);
        assert!(hits.iter().all(|hit| hit.0 == state), "{hole} {about}: {hits:#?}");
    }

    #[track_caller]
    fn some(&self, hole: &str, about: &str, state: &str, seen: &str) {
        let hits = self.of(hole, about);
        assert!(hits.iter().any(|hit| hit.0 == state && hit.1.contains(seen)), "{hole} {about}: {hits:#?}");
    }
}

#[test]
fn without_a_credential_each_way_is_closed_or_worthless_and_says_how_it_was_tried() {
    let site = site();
    assert!(site.path("lib/portcullis/own/git").exists());
    let seen = report(&mut doctor(&site));
    for tool in ["git", "kubectl", "psql", "curl"] {
        seen.is("path", tool, "closed");
        for hole in ["absolute_path", "copied_binary", "login_shell", "default_path", "shell_hash"] {
            seen.is(hole, tool, "worthless");
        }
        seen.is("environment", &format!("which {tool} the shim starts"), "closed");
    }
    for tool in ["git", "psql", "curl"] {
        seen.is("loader", tool, "worthless");
    }
    seen.is("exec_path", "git", "worthless");
    seen.is("environment", "GIT_EXEC_PATH", "closed");
    // Cargo links it against glibc; install.sh does not.
    seen.is("environment", "LD_PRELOAD", "open");
    fs::copy(static_shim(), site.path("lib/portcullis/new")).unwrap();
    fs::rename(site.path("lib/portcullis/new"), site.path("lib/portcullis/portcullis-shim")).unwrap();
    let seen = report(&mut doctor(&site));
    seen.is("environment", "LD_PRELOAD", "closed");
    seen.is("environment", "which git the shim starts", "closed");
    for hole in ["credentials", "process_environment", "descriptors", "changed_tool"] {
        seen.is(hole, "", "closed");
    }
    if root() {
        for hole in ["keeper", "keeper_files", "installation", "setup"] {
            seen.is(hole, "", "closed");
        }
    }
    let findings = seen.0["findings"].as_array().unwrap();
    for finding in findings {
        assert!(finding["tried"].as_str().is_some_and(|tried| !tried.is_empty()), "{finding:#}");
        assert!(finding["state"] == "closed" || finding["hint"].is_string(), "{finding:#}");
    }
    // Whether a sibling can be traced is the kernel's to say.
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    seen.is("trace", "", if matches!(scope.trim(), "" | "0") { "open" } else { "closed" });
    let told = agent(&site, site.path("bin/portcullis")).arg("doctor").output().unwrap();
    assert_eq!(told.status.code(), seen.1);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.starts_with("STATE") && told.contains("open but worthless  git called by its path"), "{told}");
}

#[test]
fn a_credential_makes_the_ways_of_the_tool_that_it_serves_open() {
    let site = site();
    let place = |name: &str, text: &str| {
        let path = site.path("agent").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (files, open, worthless) in [
        (
            [(".git-credentials", "https://me:hunter2@git.example\n"), (".npmrc", "//r.example/:_authToken=hunter2\n")],
            ["git", "curl"],
            ["psql", "kubectl"],
        ),
        (
            [(".pgpass", "*:*:*:*:hunter2\n"), (".kube/config", "users:\n- user:\n    token: hunter2\n")],
            ["psql", "kubectl"],
            ["git", "curl"],
        ),
        (
            [
                (".netrc", "machine x password hunter2\n"),
                (".docker/config.json", "{\"auths\":{\"x\":{\"auth\":\"hunter2\"}}}"),
            ],
            ["git", "curl"],
            ["psql", "kubectl"],
        ),
    ] {
        files.iter().for_each(|(name, text)| place(name, text));
        let seen = report(&mut doctor(&site));
        assert!(!seen.0.to_string().contains("hunter2"), "no value is shown");
        for hole in ["absolute_path", "copied_binary", "shell_hash"] {
            open.iter().for_each(|tool| seen.is(hole, tool, "open"));
            worthless.iter().for_each(|tool| seen.is(hole, tool, "worthless"));
        }
        for (name, _) in files {
            seen.some("credentials", "", "open", name);
            fs::remove_file(site.path("agent").join(name)).unwrap();
        }
    }
    fs::write(site.path("work/elsewhere"), "*:*:*:*:hunter2\n").unwrap();
    let seen = report(doctor(&site).env("PGPASSFILE", site.path("work/elsewhere")));
    seen.is("environment", "PGPASSFILE", "open");
    seen.is("absolute_path", "psql", "open");
    fs::write(site.path("work/.curlrc"), "user = me:hunter2\n").unwrap();
    let seen = report(doctor(&site).env("CURL_HOME", site.path("work")).env("KUBECONFIG", "/dev/null"));
    seen.is("environment", "CURL_HOME", "open");
    seen.is("environment", "KUBECONFIG", "closed");
}

/// A process of the agent's that has said that it is there.
struct Beside(Child);

impl Beside {
    fn start(command: &mut Command) -> Beside {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "here\n");
        Beside(child)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_other_processes_leave_open_is_found() {
    let site = small();
    let beside = Beside::start(
        agent(&site, "/bin/sh").args(["-c", "echo here; read -r x"]).env("PGPASSWORD", "hunter2-of-another"),
    );
    let seen = report(&mut doctor(&site));
    seen.some("process_environment", "", "open", "PGPASSWORD in the environment of process");
    seen.is("absolute_path", "psql", "open");
    drop(beside);

    let secret = site.path("work/secret");
    let mut file = fs::File::create(&secret).unwrap();
    writeln!(file, "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MIIEvQIBADANBgkq".repeat(20))
        .unwrap();
    if root() {
        chown(&secret, Some(AGENT), None).unwrap();
        fs::set_permissions(site.path("work"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    // By a descriptor alone: its name is gone.
    let mut holder = agent(&site, "/bin/sh");
    holder.args(["-c", "exec 7<\"$1\"; echo here; read -r x", "sh"]).arg(&secret);
    let beside = Beside::start(&mut holder);
    fs::remove_file(&secret).unwrap();
    let seen = report(&mut doctor(&site));
    seen.some("descriptors", "", "open", "descriptor 7 of process");
    drop(beside);
    report(&mut doctor(&site)).is("descriptors", "", "closed");
}

#[test]
fn a_policy_that_permits_any_program_lets_the_environment_name_one() {
    let site = Site::start(PERMIT_ALL);
    fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let seen = report(&mut doctor(&site));
    seen.some("environment", "GIT_EXEC_PATH", "open", "forbid this agent");
}

#[test]
fn a_path_without_the_shims_is_open_and_a_profile_can_close_a_login_shell() {
    let site = small();
    let seen = report(doctor(&site).env("PATH", "/usr/bin:/bin"));
    seen.is("path", "git", "open");
    let shims = site.path("lib/portcullis/shims");
    fs::write(site.path("agent/.profile"), format!("PATH={}:$PATH\necho welcome\n", shims.display())).unwrap();
    let seen = report(&mut doctor(&site));
    seen.is("login_shell", "git", "closed");
    seen.is("default_path", "git", "worthless");
}

#[test]
fn where_nothing_of_ones_own_can_be_run_a_copy_does_not_run_either() {
    if !root() {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: only root can make a mount of its own\n");
        return;
    }
    let site = small();
    let mut inner = doctor(&site);
    inner.env("TMPDIR", "/tmp");
    let mut outer = Command::new("unshare");
    // What was built stays where it is, also where that is below /tmp.
    outer.args(["-m", "sh", "-ec"]).arg(
        "built=$1; shift
        mount -t tmpfs none /mnt
        mkdir /mnt/built
        mount --bind \"$built\" /mnt/built
        mount -t tmpfs -o noexec,mode=1777 none /tmp
        mount -t tmpfs -o noexec,mode=1777 none /dev/shm
        mkdir -p \"$built\"
        mount --bind /mnt/built \"$built\"
        exec \"$@\"",
    );
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    outer.arg("sh").arg(built).arg(inner.get_program()).args(inner.get_args()).env_clear();
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    report(&mut outer).is("copied_binary", "git", "closed");
}

#[test]
fn a_tool_without_a_pin_is_found_by_the_callers_path_until_it_is_pinned() {
    let site = small();
    unpin(&site, "curl");
    report(&mut doctor(&site)).is("environment", "which curl the shim starts", "open");
    let fixed = report(site.cli().args(["doctor", "--fix", "--json"]));
    assert!(fixed.0["fixed"].to_string().contains("pinned curl: "), "{:#}", fixed.0["fixed"]);
    report(&mut doctor(&site)).is("environment", "which curl the shim starts", "closed");
}

#[test]
fn a_tool_that_was_upgraded_is_pinned_again_where_it_was_and_one_that_others_can_write_is_not() {
    let site = site();
    let own = site.path("work/own");
    fs::create_dir(&own).unwrap();
    let upgrade = |from: &str| {
        let (new, there) = (own.join("new"), own.join("curl"));
        assert!(Command::new("cp").arg(from).arg(&new).status().unwrap().success());
        fs::rename(&new, &there).unwrap();
    };
    upgrade("/usr/bin/curl");
    let mut pin = site.cli();
    pin.env("PATH", format!("{}:/usr/bin:/bin", own.display())).args(["pin", "--keeper"]);
    let pinned = pin.arg(site.path("run/keeper.sock")).output().unwrap();
    assert!(pinned.status.success(), "{}", words(&pinned));
    upgrade("/usr/bin/env");
    report(&mut doctor(&site)).some("changed_tool", "", "open", "own/curl");
    // PATH leads elsewhere now: a tool stays where it was pinned.
    let fixed = report(site.cli().args(["doctor", "--fix", "--json"]));
    assert_eq!(fixed.0["fixed"][0], format!("pinned curl again: {}/curl has other contents", own.display()));
    report(&mut doctor(&site)).is("changed_tool", "", "closed");
    let again = report(site.cli().args(["doctor", "--fix", "--json"]));
    assert_eq!(again.0["fixed"], Value::Array(Vec::new()), "nothing is left to do");
    if root() {
        upgrade("/usr/bin/printf");
        chown(own.join("curl"), Some(AGENT), None).unwrap();
        let fixed = report(site.cli().args(["doctor", "--fix", "--json"]));
        assert!(fixed.0["fixed"][0].as_str().unwrap().starts_with("left alone: curl: others than root can write"));
        fixed.some("changed_tool", "", "open", "own/curl");
    }
}

#[test]
fn a_keeper_of_the_agents_own_user_and_rights_that_are_too_wide_are_named() {
    let site = small();
    let (run, state) = (site.path("run2"), site.path("state2"));
    for folder in [&run, &state] {
        fs::create_dir(folder).unwrap();
        if root() {
            chown(folder, Some(AGENT), None).unwrap();
        }
    }
    let config = fs::read_to_string(site.path("etc/portcullis/keeper.toml")).unwrap();
    let config = config.replace("/run/keeper", "/run2/keeper").replace("/state\"", "/state2\"");
    fs::set_permissions(site.path("data"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(site.path("etc/portcullis/keeper.toml"), config).unwrap();
    let mut keeper = agent(&site, site.path("bin/portcullis"));
    keeper.args(["keeper", "--config"]).arg(site.path("etc/portcullis/keeper.toml"));
    let keeper = Process::start(&mut keeper);
    keeper.line(|line| line.contains("listens"));
    let mut own = doctor(&site);
    let seen = report(own.arg("--socket").arg(run.join("keeper.sock")));
    seen.is("keeper", "runs as another user", "open");
    seen.some("keeper_files", "state cannot be read", "open", "state2");
    seen.is("keeper_files", "socket cannot be replaced", "open");
    seen.is("setup", "somebody is signed in", "open");
    if root() {
        fs::set_permissions(site.path("etc/portcullis/shim.json"), fs::Permissions::from_mode(0o666)).unwrap();
        report(&mut doctor(&site)).is("installation", "", "open");
        let fixed = report(site.cli().args(["doctor", "--fix", "--json"]));
        assert!(fixed.0["fixed"].to_string().contains("from 0666 to 0644"), "{:#}", fixed.0["fixed"]);
        report(&mut doctor(&site)).is("installation", "", "closed");
    }
}

#[test]
fn without_shims_or_keeper_nothing_is_called_closed_for_want_of_an_attempt() {
    let mut site = small();
    site.keeper.child().kill().unwrap();
    site.keeper.wait();
    fs::remove_file(site.path("lib/portcullis/portcullis-shim")).unwrap();
    let seen = report(&mut doctor(&site));
    seen.is("environment", "variables do not pass the gate", "open");
    seen.is("setup", "the keeper answers", "open");
    seen.is("path", "git", "open");
}
