//! What the gate adds to a command, beside the bare tool and sudo with its log server, in one run.
//!
//! `cargo bench --bench overhead` (200 runs of each, taken in turn, so that a busy machine is busy for all of them).
//! sudo is measured where root may write a rule of its own below /etc/sudoers.d and `sudo_logsrvd` is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::process::Process;
use support::site::Site;

const RUNS: usize = 200;
const WARM_UP: usize = 10;

/// A policy with everything on: recording, and both mask sets.
const POLICY: &str = r#"@id("all") @mask("pii") permit(principal, action, resource);"#;

struct Row {
    name: &'static str,
    command: Box<dyn Fn() -> Command>,
    times: Vec<Duration>,
}

fn main() {
    let site = Site::start(POLICY);
    let sudo = Sudo::set_up();
    let path = site.path("lib/portcullis/shims/git");
    let work = site.path("work");
    let in_work = move |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(&work).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
        command
    };
    let (bare, through_sudo) = (in_work.clone(), in_work.clone());
    let mut rows = vec![
        Row {
            name: "bare git --version",
            times: Vec::new(),
            command: Box::new(move || bare(Path::new("/usr/bin/git"))),
        },
        Row { name: "through portcullis", times: Vec::new(), command: Box::new(move || in_work(&path)) },
    ];
    if sudo.is_some() {
        let command = move || {
            let mut command = through_sudo(Path::new("/usr/bin/sudo"));
            command.args(["-n", "/usr/bin/git"]);
            command
        };
        rows.push(Row { name: "through sudo, sudo_logsrvd", times: Vec::new(), command: Box::new(command) });
    } else {
        println!("skipped: sudo with sudo_logsrvd: it needs root, Debian's sudo and its sudo_logsrvd");
    }
    for run in 0..WARM_UP + RUNS {
        for row in &mut rows {
            let began = Instant::now();
            let done = (row.command)().arg("--version").output().unwrap();
            let took = began.elapsed();
            assert!(done.status.success(), "{}: {}", row.name, String::from_utf8_lossy(&done.stderr));
            if run >= WARM_UP {
                row.times.push(took);
            }
        }
    }
    println!("{:28} {:>9} {:>9} {:>9} {:>10}", "", "p50 ms", "p95 ms", "p99 ms", "added p50");
    let base = percentile(&mut rows[0].times, 50);
    for row in &mut rows {
        let [p50, p95, p99] = [50, 95, 99].map(|p| percentile(&mut row.times, p));
        println!("{:28} {p50:9.2} {p95:9.2} {p99:9.2} {:10.2}", row.name, p50 - base);
    }
    println!("the shim: {} bytes", fs::metadata(env!("CARGO_BIN_EXE_portcullis-shim")).unwrap().len());
}

/// In milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0
}

/// A log server on loopback and a rule that sends it everything; both gone when this is dropped.
struct Sudo {
    _server: Process,
    folder: tempfile::TempDir,
}

const RULE: &str = "/etc/sudoers.d/portcullis-bench";

impl Sudo {
    fn set_up() -> Option<Sudo> {
        let programs = ["/usr/bin/sudo", "/usr/sbin/sudo_logsrvd"];
        if !rustix::process::geteuid().is_root() || programs.iter().any(|p| !Path::new(p).exists()) {
            return None;
        }
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.path().join("logsrvd.conf");
        let text = format!(
            "[server]\nlisten_address = 127.0.0.1:{port}\npid_file = {0}/pid\n\
             [iolog]\niolog_dir = {0}/io\n[eventlog]\nlog_type = logfile\n[logfile]\npath = {0}/events\n",
            folder.path().display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("/usr/sbin/sudo_logsrvd");
        let server = Process::start(command.arg("-n").arg("-f").arg(&config));
        let until = Instant::now() + support::process::PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "sudo_logsrvd does not listen: {}", server.said());
            std::thread::yield_now();
        }
        let rule = format!(
            "Defaults log_servers=127.0.0.1:{port}\nDefaults log_output, log_input\nroot ALL=(ALL) NOPASSWD: ALL\n"
        );
        fs::write(RULE, rule).unwrap();
        fs::set_permissions(RULE, std::os::unix::fs::PermissionsExt::from_mode(0o440)).unwrap();
        Some(Sudo { _server: server, folder })
    }
}

impl Drop for Sudo {
    fn drop(&mut self) {
        let _ = fs::remove_file(RULE);
        let logged = fs::read_dir(self.folder.path().join("io")).is_ok_and(|mut entries| entries.next().is_some());
        println!("sudo_logsrvd {} the sessions", if logged { "logged" } else { "did NOT log" });
    }
}
