//! sudo with its own log server: what records a session on a common machine today.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::process::{PATIENCE, Process};

/// A log server on loopback and a rule that sends it everything; both gone when this is dropped.
pub struct Sudo {
    _server: Process,
    folder: tempfile::TempDir,
}

const RULE: &str = "/etc/sudoers.d/portcullis-measured";

impl Sudo {
    pub fn set_up() -> Option<Sudo> {
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
        let until = Instant::now() + PATIENCE;
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
    #[allow(clippy::print_stdout, reason = "the figures beside it would mean nothing otherwise")]
    fn drop(&mut self) {
        let _ = fs::remove_file(RULE);
        let logged = fs::read_dir(self.folder.path().join("io")).is_ok_and(|mut entries| entries.next().is_some());
        println!("sudo_logsrvd {} the sessions", if logged { "logged" } else { "did NOT log" });
    }
}
