//! What other processes leave open to this user: their environments, their descriptors, their memory.
//!
//! Looked at for a bounded time. Nothing that reading takes away is read: pipes, sockets and terminals are left alone.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::lying::{Lying, VARIABLES};
use crate::cli::findings::Finding;
use crate::model::{Raw, visible};
use crate::redact::{Redactor, Settings};

const TIME: Duration = Duration::from_secs(5);
const MOST_OF_ENVIRONMENT: u64 = 256 << 10;
const MOST_OF_FILE: u64 = 64 << 10;
const MOST_DESCRIPTORS: usize = 1024;

const EVERY_TOOL: &[&str] = &["git", "kubectl", "psql", "curl"];

/// Variables with a credential in them, of processes other than this one.
pub fn environments() -> Vec<Lying> {
    let mut holders: BTreeMap<&str, (Vec<String>, &'static [&'static str])> = BTreeMap::new();
    let until = Instant::now() + TIME;
    for process in others().take_while(|_| Instant::now() < until) {
        let mut bytes = Vec::new();
        let Ok(file) = File::open(process.join("environ")) else { continue };
        if file.take(MOST_OF_ENVIRONMENT).read_to_end(&mut bytes).is_err() {
            continue;
        }
        for (variable, tools) in VARIABLES {
            let set = |entry: &[u8]| {
                let value = entry.strip_prefix(variable.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
                value.is_some_and(|value| !value.is_empty())
            };
            if bytes.split(|byte| *byte == 0).any(set) {
                holders.entry(variable).or_insert((Vec::new(), tools)).0.push(called(&process));
            }
        }
    }
    let lying = holders.into_iter().map(|(variable, (who, tools))| {
        let more = if who.len() > 1 { format!(" and {} more", who.len() - 1) } else { String::new() };
        Lying::new(format!("{variable} in the environment of process {}{more}", who[0]), tools)
    });
    lying.collect()
}

/// Files that are reached by a descriptor alone (in memory, deleted, below a folder that is closed), with a secret in
/// them.
pub fn descriptors() -> Vec<Lying> {
    let mut found = Vec::new();
    let until = Instant::now() + TIME;
    for process in others().chain([PathBuf::from("/proc/self")]) {
        let Ok(entries) = fs::read_dir(process.join("fd")) else { continue };
        for entry in entries.flatten().take(MOST_DESCRIPTORS).take_while(|_| Instant::now() < until) {
            let path = entry.path();
            let Some(kinds) = secrets(&path) else { continue };
            let number = visible::line(entry.file_name().as_encoded_bytes(), 10);
            let seen = format!("descriptor {number} of process {}: {kinds}", called(&process));
            found.push(Lying::new(seen, EVERY_TOOL));
        }
    }
    found
}

/// Which kinds of secret the file behind a descriptor holds, where it is to be had in no other way.
fn secrets(descriptor: &Path) -> Option<String> {
    if !fs::metadata(descriptor).ok()?.is_file() {
        return None;
    }
    let named = fs::read_link(descriptor).ok()?;
    if File::open(&named).is_ok() {
        return None;
    }
    let mut bytes = Vec::new();
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).ok()?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(descriptor).ok()?;
    file.take(MOST_OF_FILE).read_to_end(&mut bytes).ok()?;
    let sets = ["secrets".to_owned()];
    let mut redactor = Redactor::new(&Settings { sets: &sets, secrets: &[] }).ok()?;
    let _ = redactor.push(Raw(bytes));
    let (_, masked) = redactor.finish();
    let kinds: Vec<&str> = masked.counts().map(|(kind, _)| kind).collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// Whether a process can be read by another one of its user that did not start it: what a tool was lent is in its memory.
pub fn memory() -> Finding {
    let what = "a running tool's memory cannot be read";
    let hint =
        "set kernel.yama.ptrace_scope to 1 or more (sysctl(8)); where the kernel has no Yama, lend no static tokens";
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    let scope =
        scope.map_or_else(|_| "no Yama in this kernel".to_owned(), |scope| format!("ptrace_scope {}", scope.trim()));
    // Opening a process's memory asks the same permission as tracing it (proc(5), /proc/PID/mem).
    let read = || -> std::io::Result<bool> {
        let null = OpenOptions::new().write(true).open("/dev/null")?;
        let sleeper = Attempt::of(Path::new("/bin/sleep")).word("30").start(&null)?;
        let memory = format!("/proc/{}/mem", sleeper.pid);
        let went = Attempt::of(Path::new("/bin/sh")).words(&["-c", ": < \"$1\" && echo opened", "sh", &memory]).make();
        sleeper.signal(rustix::process::Signal::KILL.as_raw());
        sleeper.wait()?;
        Ok(went?.well())
    };
    match read() {
        Ok(false) => Finding::closed(what, scope),
        Ok(true) => Finding::open(what, format!("opened; {scope}"), hint),
        Err(error) => Finding::open(what, format!("it could not be tried: {error}"), hint),
    }
    .by("trace", "one process opened /proc/PID/mem of its sibling for reading")
}

/// `/proc/PID` of every process but this one.
fn others() -> impl Iterator<Item = PathBuf> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(move |entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit) && name.to_str() != Some(&own)
        })
        .map(|entry| entry.path())
}

fn called(process: &Path) -> String {
    let name = fs::read(process.join("comm")).unwrap_or_default();
    let pid = process.file_name().map(|name| visible::line(name.as_encoded_bytes(), 10)).unwrap_or_default();
    format!("{pid} ({})", visible::line(name.trim_ascii_end(), 40))
}
