//! The table of lines and readings (`lines.txt`), run. PORTCULLIS_CASES=write writes down what is read now; look at the
//! difference before it is committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{
    Bytes, Content, ContentSource, Digest, Facts, Invocation, InvocationId, Pin, Reading, StreamKind, Streams,
};
use crate::tools::psql::Psql;
use crate::tools::{Limits, Tool, World};

const LINES: &str = include_str!("lines.txt");

/// A machine made of a table: files by absolute name, and what stands on standard input.
#[derive(Default)]
pub struct Table {
    pub files: BTreeMap<String, String>,
    pub stdin: Option<String>,
}

pub fn content(source: ContentSource, text: &str) -> Content {
    let bytes = Bytes::from(text);
    Content { source, sha256: Digest::of(&bytes), bytes, truncated: false }
}

impl Table {
    fn place(path: &[u8]) -> String {
        let path = std::str::from_utf8(path).unwrap();
        if path.starts_with('/') { path.to_owned() } else { format!("/home/agent/app/{path}") }
    }
}

impl World for Table {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let text = self.files.get(&Table::place(path))?;
        Some(content(ContentSource::File(path.into()), text))
    }

    fn stdin(&self) -> Option<Content> {
        self.stdin.as_ref().map(|text| content(ContentSource::Stdin, text))
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let folder = format!("{}/", Table::place(path));
        Some(self.files.keys().filter_map(|name| name.strip_prefix(&folder)).map(Bytes::from).collect())
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.files.contains_key(&Table::place(path))
    }

    fn is_dir(&self, _path: &[u8]) -> bool {
        false
    }

    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }

    fn ask_tool(&self, _args: &[&[u8]]) -> Option<Vec<u8>> {
        Some(b"psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n".to_vec())
    }

    fn home(&self) -> Option<Bytes> {
        Some("/home/agent".into())
    }

    fn variable(&self, _name: &str) -> Option<Bytes> {
        None
    }
}

pub fn invocation(args: Vec<Bytes>, variables: &[(&str, &str)]) -> Invocation {
    let defaults = [("HOME", "/home/agent"), ("PGHOST", "db.test"), ("PGUSER", "app"), ("PGDATABASE", "shop")];
    let variables = defaults.iter().chain(variables);
    Invocation {
        id: InvocationId::from_ulid(1),
        tool: "psql".into(),
        argv0: "psql".into(),
        args,
        cwd: Some("/home/agent/app".into()),
        variables: variables.map(|(name, value)| ((*name).to_owned(), Bytes::from(*value))).collect(),
        streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

/// One block: `NAME=value … psql words`, then `< line of stdin` and `path: line of a file`.
fn case(block: &str) -> (Invocation, Table) {
    let mut lines = block.lines();
    let words = shell_words::split(lines.next().unwrap()).unwrap();
    let at = words.iter().position(|word| word == "psql").unwrap();
    let variables: Vec<(&str, &str)> = words[..at].iter().map(|word| word.split_once('=').unwrap()).collect();
    let args = words[at + 1..].iter().map(|word| Bytes::from(word.as_str())).collect();
    let mut table = Table::default();
    table.files.insert("/proc/self/status".into(), "Uid:\t7\t7\t7\t7\n".into());
    table.files.insert("/etc/passwd".into(), "agent:x:7:7::/home/agent:/bin/sh\n".into());
    for line in lines.take_while(|line| !line.starts_with("  ")) {
        if let Some(text) = line.strip_prefix("< ") {
            table.stdin.get_or_insert_default().push_str(&format!("{text}\n"));
        } else {
            let (path, text) = line.split_once(": ").unwrap();
            let path = path.replace('~', "/home/agent");
            table.files.entry(Table::place(path.as_bytes())).or_default().push_str(&format!("{text}\n"));
        }
    }
    let invocation = invocation(args, &variables);
    if table.stdin.is_none() {
        table.stdin = Some(String::new());
    }
    (invocation, table)
}

pub fn read(invocation: &Invocation, table: &Table) -> (Facts, Reading) {
    let facts = Psql.gather(invocation, table);
    // As it crosses the wire.
    let facts: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
    let reading = Psql.read(invocation, &facts);
    (facts, reading)
}

fn show(reading: &Reading) -> String {
    let mut out = String::new();
    let list = |value: &serde_json::Value| {
        let items = value.as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned)).collect::<Vec<_>>().join(",")
    };
    for statement in reading.effective["statements"].as_array().unwrap() {
        let nested = list(&statement["nested"]);
        let nested = if nested.is_empty() { nested } else { format!(" [{nested}]") };
        let text = |key: &str| statement[key].as_str().unwrap_or_default().to_owned();
        writeln!(out, "  {} {} {}{nested}", text("kind"), text("class"), list(&statement["tables"])).unwrap();
    }
    for operation in &reading.operations {
        let set = |key: &str| operation.context.get(key).map(list).unwrap_or_default();
        let id = operation.resource.id.replace("db.test:5432/shop/", "");
        let columns = if operation.resource.kind == "Table" && operation.context.contains_key("columns") {
            format!(" ({}; {})", set("columns"), set("outside"))
        } else {
            operation.context.get("detail").map(|d| format!(" {}", d.as_str().unwrap())).unwrap_or_default()
        };
        writeln!(out, "  {} {id}{columns}", operation.action).unwrap();
    }
    for doubt in &reading.doubts {
        writeln!(out, "  doubt {}: {}", doubt.kind, doubt.detail).unwrap();
    }
    if let Some(context) = reading.effective.get("context") {
        writeln!(out, "  {}", context.as_str().unwrap()).unwrap();
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_line_of_the_table_is_read_as_it_says() {
    let (head, blocks) = LINES.split_once("\n\n").unwrap();
    let mut written = format!("{head}\n");
    let mut wrong = Vec::new();
    for block in blocks.trim().split("\n\n") {
        let (invocation, table) = case(block);
        let (_, reading) = read(&invocation, &table);
        let given: Vec<&str> = block.lines().take_while(|line| !line.starts_with("  ")).collect();
        let now = format!("{}\n{}", given.join("\n"), show(&reading));
        writeln!(written, "\n{}", now.trim_end()).unwrap();
        if now.trim_end() != block.trim_end() {
            wrong.push(format!("{block}\n--- is read as\n{now}"));
        }
    }
    if option_env!("PORTCULLIS_CASES") == Some("write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tools/psql/cases/lines.txt");
        return std::fs::write(path, written).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_key_is_always_there() {
    let (invocation, table) = case("psql --bogus");
    let (_, reading) = read(&invocation, &table);
    for key in [
        "statements",
        "shell_escape",
        "reads_files",
        "writes_files",
        "host",
        "port",
        "db",
        "user",
        "reconnects",
        "functions",
        "server_side_program",
        "server_side_file",
    ] {
        assert!(reading.effective.contains_key(key), "{key}");
    }
}

fn delivered(line: &str, files: &[(&str, &str)]) -> Result<String, crate::tools::DeliveryError> {
    delivered_for("db.test", line, files)
}

fn delivered_for(host: &str, line: &str, files: &[(&str, &str)]) -> Result<String, crate::tools::DeliveryError> {
    // A line may end with the version that reads it.
    let (line, version) = line.split_once("; ").map_or((line, None), |(line, version)| (line, Some(version)));
    let (invocation, mut table) = case(line);
    for (name, text) in files {
        table.files.insert((*name).to_owned(), (*text).to_owned());
    }
    let mut facts = Psql.gather(&invocation, &table);
    facts.version = version.map(str::to_owned).or(facts.version);
    let grant = crate::model::Grant {
        name: "shop".into(),
        kind: crate::model::GrantKind::Postgres {
            host: host.into(),
            port: 5432,
            database: "shop".into(),
            role: "minted".into(),
        },
        secret: crate::model::Secret::new(b"a:b".to_vec()),
        expires: crate::model::Micros(0),
    };
    let delivery = Psql.deliver(&invocation, facts, &crate::model::Terms::default(), vec![grant])?;
    let part = |part: &crate::model::Part| match part {
        crate::model::Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
        crate::model::Part::File(index) => format!("<{}>", delivery.files[*index].name),
        crate::model::Part::Helper => "<helper>".to_owned(),
    };
    let words = delivery.args.iter().map(|word| word.0.iter().map(part).collect::<String>());
    Ok(words.collect::<Vec<_>>().join(" "))
}

#[test]
fn a_line_with_a_credential_says_where_it_goes_in_a_way_that_nothing_beside_it_can_change() {
    let connection = "-w -U minted -d dbname='shop' host='db.test' port='5432' user='minted'";
    for (line, expect) in [
        ("psql -c x", format!("-c x -X {connection}")),
        ("psql shop app -c x", format!("-c x -X {connection}")),
        ("psql -h other -d 'host=db.test' -c x", format!("-h other -d host=db.test -c x -X {connection}")),
        ("psql -c x -- shop app", format!("-c x -X {connection} --")),
        ("POSIXLY_CORRECT=1 psql -c x shop app", format!("-c x -X {connection}")),
        ("psql -X postgres://u:secret@db.test/shop", format!("-X {connection}")),
    ] {
        assert_eq!(delivered(line, &[]).unwrap(), expect, "{line}");
    }
    // Nobody's socket is asked in the place of the host.
    let here = delivered_for("localhost", "PGUSER=app PGHOST= psql -d shop -c x", &[]).unwrap();
    assert_eq!(here, format!("-d shop -c x -X {}", connection.replace("db.test", "localhost")));
    let files = [("/home/agent/app/a.sql", "\\i b.sql\n"), ("/home/agent/app/b.sql", "SELECT 1;")];
    let read = delivered("psql -fa.sql", &files).unwrap();
    assert!(read.starts_with("-f<script> -X -v inv_00000000000000000000000001_1=<script> -w"), "{read}");
    let read = delivered("psql -c '\\i b.sql' -f a.sql", &files).unwrap();
    assert!(read.starts_with("-c \\i <script> -f <script> "), "{read}");
}

#[test]
fn a_credential_is_refused_to_a_line_that_goes_elsewhere() {
    for line in [
        "psql -h other.test -c x",
        "psql -p 6000 -c x",
        "psql -d other -c x",
        "PGHOSTADDR=10.0.0.1 psql -c x",
        "psql -h db.test,other.test -c x",
        "psql -c '\\c other' -c x",
        "psql -d 'sslkey=/home/agent/app/x.so:k' -c x",
        "PGSSLKEY=x:k psql -c x",
        "psql 'postgresql:///shop?sslkeylogfile=keys' -c x; 18.1",
        "psql --version",
    ] {
        assert!(delivered(line, &[]).is_err(), "{line}");
    }
}

#[test]
fn variables_that_double_each_other_end_in_a_doubt_and_not_in_all_memory() {
    let doubling = |quoted: &str| {
        let lines = (1..60).map(|n| format!("\\set v{n} {quoted}:v{}:v{}{quoted}\n", n - 1, n - 1));
        format!("\\set v0 xxxxxxxx\n{}SELECT :v59;\n", lines.collect::<String>())
    };
    for script in [doubling(""), doubling("'")] {
        let (invocation, mut table) = case("psql");
        table.stdin = Some(script);
        let (_, reading) = read(&invocation, &table);
        assert!(reading.doubts.iter().any(|doubt| doubt.kind == "unknown_variable"), "{:?}", reading.doubts);
    }
}

#[test]
fn a_script_that_includes_itself_twice_is_read_in_bounds() {
    let (invocation, mut table) = case("psql -f twice.sql");
    table.files.insert("/home/agent/app/twice.sql".into(), "\\i twice.sql\nselect 1;\n\\i twice.sql\n".into());
    let (_, reading) = read(&invocation, &table);
    let kinds: Vec<&str> = reading.doubts.iter().map(|doubt| &doubt.kind[..]).collect();
    assert!(kinds.contains(&"too_long") && kinds.contains(&"too_deep"), "{kinds:?}");
    assert!(reading.doubts.len() < 200, "{} doubts", reading.doubts.len());
}
