//! What strace saw of a program: the files it opened, the programs it started, the addresses it connected to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What one process asked of the kernel, and whether another program was started below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub reads: BTreeSet<String>,
    pub writes: BTreeSet<String>,
    pub starts_programs: bool,
    /// Where TCP went, in order: `127.0.0.1:5432`.
    pub connects: Vec<String>,
}

pub const ARGUMENTS: &[&str] =
    &["-ff", "-qq", "-s", "4096", "-e", "trace=execve,open,openat,creat,connect,chdir,fork,vfork,clone,clone3"];

/// Reads the files that `strace -ff -o FOLDER/trace` left. `work` is the folder the program ran in, and its home.
pub fn read(folder: &Path, work: &str) -> Trace {
    let mut trace = Trace::default();
    let texts: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (name(&path), String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()))
        .collect();
    // The one that was traced is the one that no other started: a child may have the lower number, once numbers wrap.
    let children: BTreeSet<&str> = texts.iter().flat_map(|(_, text)| text.lines().filter_map(child)).collect();
    let Some((own, text)) = texts.iter().find(|(pid, _)| !children.contains(pid.as_str())) else { return trace };
    trace.starts_programs =
        texts.iter().any(|(pid, text)| pid != own && text.lines().any(|line| line.starts_with("execve(")));
    let mut folder = work.to_owned();
    for line in text.lines().filter(|line| !line.contains(" = -1 E") || line.contains("EINPROGRESS")) {
        if let Some((to, _)) = line.strip_prefix("chdir(\"").and_then(|call| call.split_once('"')) {
            folder = if to.starts_with('/') { to.to_owned() } else { format!("{folder}/{to}") };
        } else if let Some(address) = line.strip_prefix("connect(").and_then(address) {
            trace.connects.push(address);
        } else if let Some((path, writes)) = opened(line) {
            let Some(path) = shown(&path, &folder, work) else { continue };
            if writes {
                trace.writes.insert(path)
            } else {
                trace.reads.insert(path)
            };
        }
    }
    trace
}

fn name(path: &Path) -> String {
    path.extension().unwrap().to_str().unwrap().to_owned()
}

/// The process that this call made: `vfork() = 4711`.
fn child(line: &str) -> Option<&str> {
    let makes = ["fork(", "vfork(", "clone(", "clone3("].iter().any(|call| line.starts_with(call));
    makes.then(|| line.rsplit_once(" = ").map(|(_, pid)| pid.trim()))?
}

fn address(call: &str) -> Option<String> {
    let between = |from: &str, to: &str| Some(call.split_once(from)?.1.split_once(to)?.0.to_owned());
    Some(format!("{}:{}", between("inet_addr(\"", "\"")?, between("sin_port=htons(", ")")?))
}

fn opened(line: &str) -> Option<(String, bool)> {
    let call = line.strip_prefix("openat(AT_FDCWD, ").or_else(|| line.strip_prefix("open("));
    let created = line.strip_prefix("creat(");
    let (path, flags) = call.or(created)?.strip_prefix('"')?.split_once('"')?;
    Some((path.to_owned(), created.is_some() || flags.contains("O_WRONLY") || flags.contains("O_RDWR")))
}

/// A path below the work folder, from there; nothing for what every psql looks at.
fn shown(path: &str, folder: &str, work: &str) -> Option<String> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let below = path.strip_prefix(work)?.trim_start_matches('/').trim_start_matches("./");
    let own = [".pgpass", ".postgresql", ".pg_service.conf", ".psql_history", ".inputrc"];
    (!below.is_empty() && !own.iter().any(|name| below.starts_with(name))).then(|| below.to_owned())
}
