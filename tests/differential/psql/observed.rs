//! What psql did with a line, beside what was read.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis::model::{Bytes, Reading, Word};
use portcullis::tools::sql;
use serde_json::{Value, json};

use super::Line;
use super::server::{Sessions, server};
use super::trace::{self, Trace};
use super::world::{Machine, read, run, variables};
use crate::cluster::PASSWORD;
use crate::twice;

/// Each line that does something else than was read, with what.
pub fn disagreements(lines: &[Line]) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // psql mostly waits for the server, so more of them than there are cores.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Some(difference) = twice(|| disagreement(line)) {
                        wrong.lock().unwrap().push(difference);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn disagreement(line: &Line) -> Option<String> {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let name = format!("line{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let database = server().database();
    let line = placed(line, &database);
    let machine = Machine::new(&line);
    let mut variables = variables(&database, "postgres");
    variables.extend(line.env.iter().cloned());
    let args: Vec<Bytes> = line.args.iter().map(|arg| Bytes::from(arg.as_str())).collect();
    let words: Vec<Word> = args.iter().map(|arg| Word::plain(arg.clone())).collect();
    let (_, reading) = read(&machine.invocation(args, &variables), &machine);

    let traces = tempfile::tempdir().unwrap();
    let output = run(&machine, &words, &[], line.stdin.as_bytes(), |psql: PathBuf| {
        let mut command = Command::new("strace");
        command.args(trace::ARGUMENTS).arg("-o").arg(traces.path().join("trace")).arg(psql);
        command.envs(variables.iter().cloned()).env("PGPASSWORD", PASSWORD).env("PGAPPNAME", &name);
        command
    });
    let seen = Seen { sessions: server().sessions(&name), trace: trace::read(traces.path(), &machine.home()) };
    let differences = seen.beside(&line, &reading, output.status.code(), &output.stderr);
    if seen.changed_nothing() {
        server().give_back(database);
    }
    (!differences.is_empty()).then(|| {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let Line { args, stdin, files, env } = &line;
        let doubts: Vec<&str> = reading.doubts.iter().map(|doubt| doubt.kind.as_str()).collect();
        let differences = differences.join("\n  ");
        format!("{args:?} < {stdin:?} {files:?} {env:?}\n  {differences}\n  doubts {doubts:?}\n  {error}")
    })
}

/// The line with the server's port and this database in it.
fn placed(line: &Line, database: &str) -> Line {
    let port = server().cluster.port.to_string();
    let put = |text: &String| text.replace("@PORT@", &port).replace("@DB@", database);
    let pairs = |list: &[(String, String)]| list.iter().map(|(name, text)| (name.clone(), put(text))).collect();
    Line {
        args: line.args.iter().map(put).collect(),
        stdin: put(&line.stdin),
        files: pairs(&line.files),
        env: pairs(&line.env),
    }
}

struct Seen {
    sessions: Sessions,
    trace: Trace,
}

/// Doubts under which more may happen than was read, or less.
const OPEN: &[&str] = &["unknown_sql", "unknown_variable", "copy_data", "string_syntax", "encoding", "unread_content"];

impl Seen {
    fn beside(&self, line: &Line, reading: &Reading, code: Option<i32>, stderr: &[u8]) -> Vec<String> {
        let field = |name: &str| &reading.effective[name];
        let doubts = |kinds: &[&str]| reading.doubts.iter().any(|doubt| kinds.contains(&doubt.kind.as_str()));
        let said = String::from_utf8_lossy(stderr);
        let copies = statements_read(reading).iter().any(|statement| statement["kind"] == "COPY FROM");
        // A COPY that the server refused leaves its data to be read as commands, and `\gset` may set anything or nothing.
        let refused_copy = copies && said.contains("ERROR:");
        let open = doubts(OPEN) || refused_copy || line.text().contains("\\gset");
        // psql's code for a connection that it has not got.
        let unconnected = code == Some(2) && self.sessions.statements.is_empty();
        let refused = reading.effective.contains_key("context");
        let mut differences = Vec::new();
        let mut compare = |what: &str, saw: Value, read: Value| {
            if saw != read {
                differences.push(format!("{what}: saw {saw}\n  {what}: read {read}"));
            }
        };
        let (saw, read) = (self.statements(line, reading), statements_read(reading));
        if !(unconnected || doubts(&["copy_data"]) || open && covers(&read, &saw)) {
            compare("statements", saw.into(), read.into());
        }
        let starts = self.trace.starts_programs;
        // The server's refusal of a statement, of which no text tells, may keep psql from a file or a program.
        let less = open || unconnected || said.contains("ERROR:");
        compare("shell_escape", starts.into(), (field("shell_escape") == true && (starts || !less)).into());
        for (what, saw) in [("reads_files", &self.trace.reads), ("writes_files", &self.trace.writes)] {
            let (saw, read) = (sorted(json!(saw)), sorted(field(what).clone()));
            if !(less && within(&saw, &read)) {
                compare(what, saw, read);
            }
        }
        let ended = unconnected && self.trace.connects.is_empty() && !said.contains("could not translate host name");
        if refused || ended {
            compare("refused", (code != Some(0)).into(), refused.into());
        }
        let mut targets = vec![json!([field("db"), field("user")])];
        let more = field("reconnects").as_array().unwrap();
        targets.extend(more.iter().map(|to| json!([to["db"], to["user"]])));
        targets.retain(|target| target[0] != Value::Null);
        if !targets.iter().any(|target| target[0] == "*") && !unconnected && !doubts(&["connection"]) {
            compare("connections", json!(self.sessions.connections), json!(targets));
        }
        self.first_address(reading, &mut compare);
        differences
    }

    /// Whether the next line finds everything as this one found it.
    fn changed_nothing(&self) -> bool {
        let harmless = |statement: &sql::Statement| matches!(statement.class, sql::Class::Read | sql::Class::Session);
        self.sessions.statements.iter().all(|text| sql::read(text).is_ok_and(|all| all.iter().all(harmless)))
    }

    fn first_address(&self, reading: &Reading, compare: &mut impl FnMut(&str, Value, Value)) {
        let connect = reading.operations.iter().find(|operation| operation.action == "sql.connect");
        let (Some(connect), Some(went)) = (connect, self.trace.connects.first()) else { return };
        let (host, port) = (&connect.resource.attributes["host"], &connect.resource.attributes["port"]);
        let host = host.as_str().unwrap_or_default();
        let numeric = if host == "localhost" { "127.0.0.1" } else { host };
        if numeric.parse::<IpAddr>().is_ok() {
            compare("connects", went.as_str().into(), format!("{numeric}:{port}").into());
        }
    }

    /// What the server met, read by its own parser. psql's own questions to the catalogs are none of the line's.
    fn statements(&self, line: &Line, reading: &Reading) -> Vec<Value> {
        let asks = reading.operations.iter().any(|op| {
            op.context
                .get("kind")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.starts_with('\\') || kind == "--list")
        });
        let own = |text: &&String| {
            (asks && text.contains("pg_catalog.")) || text.starts_with("select proname, oid from pg_catalog.")
        };
        let texts = self.sessions.statements.iter().filter(|text| !own(text));
        // The parser has the setting on.
        let mut escapes = line.env.iter().any(|(_, value)| value.contains("standard_conforming_strings=off"));
        let plain = texts.map(|text| {
            let said = if escapes { text.replace("\\'", "''") } else { text.clone() };
            if text.starts_with("SET standard_conforming_strings") {
                escapes = text.contains("off");
            }
            said
        });
        plain.flat_map(|text| sql::read(&text).unwrap_or_default()).map(|statement| shown(&statement)).collect()
    }
}

fn shown(statement: &sql::Statement) -> Value {
    json!({
        "kind": statement.kind,
        "tables": statement.tables(),
        "class": statement.class.word(),
        "nested": statement.nested,
    })
}

/// What no parser takes is a doubt for us, and a syntax error for this server.
fn statements_read(reading: &Reading) -> Vec<Value> {
    let mut statements = reading.effective["statements"].as_array().unwrap().clone();
    if reading.doubts.iter().any(|doubt| doubt.kind == "unparsed_sql") {
        statements.retain(|statement| statement["kind"] != "UNKNOWN");
    }
    statements
}

/// Whether what was read is at least what was met, where not all could be told.
fn covers(read: &[Value], saw: &[Value]) -> bool {
    let unknown = read.iter().any(|statement| statement["kind"] == "UNKNOWN");
    let same =
        |a: &Value, b: &Value| a["kind"] == b["kind"] && (a["tables"] == b["tables"] || a["tables"] == json!(["*"]));
    unknown || saw.iter().all(|met| read.iter().any(|known| same(known, met)))
}

fn sorted(list: Value) -> Value {
    let mut items: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap().trim_start_matches("~/").to_owned())
        .collect();
    items.sort();
    items.dedup();
    items.into()
}

fn within(some: &Value, all: &Value) -> bool {
    let all = all.as_array().unwrap();
    all.contains(&json!("*")) || some.as_array().unwrap().iter().all(|one| all.contains(one))
}

/// So that a folder of traces is never taken for one of psql's own files.
#[test]
fn the_trace_of_a_program_shows_what_it_opens_and_starts() {
    let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = work.path().to_str().unwrap();
    fs::write(work.path().join("in"), "x").unwrap();
    let mut command = Command::new("strace");
    command.args(trace::ARGUMENTS).arg("-o").arg(folder.path().join("trace"));
    let status =
        command.args(["sh", "-c", "read x < in; : > out; /bin/true"]).current_dir(work.path()).status().unwrap();
    assert!(status.success());
    let trace = trace::read(folder.path(), path);
    assert_eq!(trace.reads.into_iter().collect::<Vec<_>>(), ["in"]);
    assert_eq!(trace.writes.into_iter().collect::<Vec<_>>(), ["out"]);
}

/// A child has the lower number where the system's numbers began again between the two.
#[test]
fn the_traced_program_is_the_one_that_no_other_started() {
    let folder = tempfile::tempdir().unwrap();
    let own = "execve(\"psql\", [\"psql\"], 0x7ff /* 9 vars */) = 0\n\
               clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88) = 300\n\
               openat(AT_FDCWD, \"/home/agent/app/own\", O_RDONLY) = 3\n";
    let child = "execve(\"/bin/sh\", [\"sh\"], 0x7ff /* 9 vars */) = 0\n\
                 openat(AT_FDCWD, \"/home/agent/app/piped\", O_WRONLY|O_CREAT, 0666) = 3\n";
    fs::write(folder.path().join("trace.32767"), own).unwrap();
    fs::write(folder.path().join("trace.300"), child).unwrap();
    let trace = trace::read(folder.path(), "/home/agent/app");
    assert_eq!((trace.reads, trace.writes, trace.starts_programs), (["own".to_owned()].into(), [].into(), true));
}
