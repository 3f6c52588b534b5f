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

pub const ARGUMENTS: &[&str] = &["-ff", "-qq", "-s", "4096", "-e", "trace=execve,open,openat,creat,connect,chdir"];

/// Reads the files that `strace -ff -o FOLDER/trace` left. `work` is the folder the program ran in, and its home.
pub fn read(folder: &Path, work: &str) -> Trace {
    let mut trace = Trace::default();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let pid = |path: &Path| path.extension().unwrap().to_str().unwrap().parse::<u32>().unwrap();
    names.sort_by_key(|path| pid(path));
    let texts: Vec<String> =
        names.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect();
    // The first program is the one that was traced; its own children begin with another call.
    let Some(own) = texts.iter().position(|text| text.starts_with("execve(")) else { return trace };
    trace.starts_programs =
        texts.iter().enumerate().any(|(at, text)| at != own && text.lines().any(|line| line.starts_with("execve(")));
    let mut folder = work.to_owned();
    for line in texts[own].lines().filter(|line| !line.contains(" = -1 E") || line.contains("EINPROGRESS")) {
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
