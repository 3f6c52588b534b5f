//! What the demo started and must end: each by its id and start time, so that nobody else's process is ever touched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Started {
    name: String,
    pid: u32,
    /// Field 22 of /proc/PID/stat (proc(5)): tells a reused id from the process that was started.
    start_time: String,
    /// Asked politely by this signal: PostgreSQL waits for its clients on TERM and not on INT.
    signal: String,
}

/// The list on disk is written before anything else is done with a process, so that `stop` finds all of them.
pub struct Processes {
    list: PathBuf,
    started: Vec<Started>,
}

impl Processes {
    /// Those of an earlier run, if there are any.
    pub fn open(folder: &Path) -> Result<Self> {
        let list = folder.join("processes.json");
        let started = match fs::read(&list) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", list.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", list.display())),
        };
        Ok(Processes { list, started })
    }

    /// Starts `command` in a session of its own; what it says goes to `log`.
    pub fn start(&mut self, name: &str, signal: &str, command: &[&str], log: &Path) -> Result<()> {
        let open = || File::options().create(true).append(true).open(log).with_context(|| log.display().to_string());
        let child = Command::new("setsid")
            .args(command)
            .stdin(Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .spawn()
            .with_context(|| format!("{name} does not start: {}", command.join(" ")))?;
        let start_time = start_time(child.id()).with_context(|| format!("{name} ended at once"))?;
        self.started.push(Started { name: name.to_owned(), pid: child.id(), start_time, signal: signal.to_owned() });
        self.save()
    }

    /// Ends them in reverse order, and waits until they are gone.
    pub fn stop(&mut self) -> Result<()> {
        while let Some(process) = self.started.last() {
            end(process)?;
            self.started.pop();
            self.save()?;
        }
        Ok(())
    }

    pub fn running(&self) -> bool {
        self.started.iter().any(|p| start_time(p.pid).is_some_and(|t| t == p.start_time))
    }

    fn save(&self) -> Result<()> {
        fs::write(&self.list, serde_json::to_vec(&self.started)?).with_context(|| format!("{}", self.list.display()))
    }
}

fn end(process: &Started) -> Result<()> {
    let alive = || start_time(process.pid).is_some_and(|t| t == process.start_time);
    for signal in [process.signal.as_str(), "KILL"] {
        if !alive() {
            return Ok(());
        }
        Command::new("kill").args(["-s", signal, &process.pid.to_string()]).status().context("kill does not start")?;
        let patience = Instant::now() + Duration::from_secs(10);
        while alive() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    if alive() {
        bail!("{} (process {}) does not end", process.name, process.pid);
    }
    Ok(())
}

/// `None` when there is no such process, or only its exit status is left.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it are plain.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    (fields.first() != Some(&"Z")).then(|| fields.get(19).map(|f| (*f).to_owned())).flatten()
}
