//! psql against a throwaway cluster that logs every statement it meets.
//!
//! The log says where psql really cut its scripts, which branches it took and what it sent. Privileges say what the
//! statements really touched: a role that may do just what was read gets through, and not with one privilege less.

mod cluster;
mod lines;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portcullis::model::{
    Bytes, Content, ContentSource, Delivery, Digest, EnvChange, Facts, Grant, GrantKind, Invocation, InvocationId,
    Micros, Part, Pin, Reading, Secret, StreamKind, Streams, Terms, Word,
};
use portcullis::tools::{Limits, World, by_name, sql};

use cluster::{Cluster, PASSWORD, cluster};

/// One run of psql: its arguments, its standard input, and the files in its work folder.
pub struct Line {
    pub args: &'static [&'static str],
    pub stdin: &'static str,
    pub files: &'static [(&'static str, &'static str)],
}

/// A work folder on this machine, which is its own home.
struct Machine {
    folder: tempfile::TempDir,
    stdin: String,
}

impl Machine {
    fn new(line: &Line) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in line.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine { folder, stdin: line.stdin.to_owned() }
    }

    fn path(&self, path: &[u8]) -> PathBuf {
        self.folder.path().join(std::str::from_utf8(path).unwrap())
    }

    fn home(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    fn invocation(&self, args: Vec<Bytes>, variables: &[(&str, String)]) -> Invocation {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from(value.as_str())));
        Invocation {
            id: InvocationId::from_ulid(7),
            tool: "psql".into(),
            argv0: "psql".into(),
            args,
            cwd: Some(self.home().into()),
            variables: variables.chain([("HOME".to_owned(), self.home().into())]).collect(),
            streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
            parent: None,
            pin: Pin::Pinned,
        }
    }
}

impl World for Machine {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let bytes = Bytes::from(fs::read(self.path(path)).ok()?);
        Some(Content { source: ContentSource::File(path.into()), sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn stdin(&self) -> Option<Content> {
        let bytes = Bytes::from(self.stdin.as_str());
        Some(Content { source: ContentSource::Stdin, sha256: Digest::of(&bytes), bytes, truncated: false })
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let names = fs::read_dir(self.path(path)).ok()?;
        Some(names.map(|entry| Bytes::from(entry.unwrap().file_name().to_str().unwrap())).collect())
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.path(path).is_file()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.path(path).is_dir()
    }

    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }

    fn ask_tool(&self, _args: &[&[u8]]) -> Option<Vec<u8>> {
        None
    }

    fn home(&self) -> Option<Bytes> {
        Some(self.home().into())
    }

    fn variable(&self, _name: &str) -> Option<Bytes> {
        None
    }
}

fn run(machine: &Machine, args: &[Word], paths: &[PathBuf], change: impl FnOnce(&mut Command), stdin: &[u8]) -> Output {
    let mut command = Command::new(cluster().program("psql"));
    command.current_dir(machine.folder.path()).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", machine.home());
    command.args(args.iter().map(|word| spell(word, paths)));
    change(&mut command);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // psql may end before it has read all; that is no failure.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// Memory files stand on disk here; what matters is that psql takes them by name.
fn spell(word: &Word, paths: &[PathBuf]) -> String {
    let part = |part: &Part| match part {
        Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
        Part::File(index) => paths[*index].to_str().unwrap().to_owned(),
        Part::Helper => panic!("psql takes no helper"),
    };
    word.0.iter().map(part).collect()
}

fn variables(database: &str, user: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PGHOST", "127.0.0.1".to_owned()),
        ("PGPORT", cluster().port.to_string()),
        ("PGDATABASE", database.to_owned()),
        ("PGUSER", user.to_owned()),
    ]
}

fn read(invocation: &Invocation, machine: &Machine) -> (Facts, Reading) {
    let psql = by_name("psql").unwrap();
    let facts = psql.gather(invocation, machine);
    let reading = psql.read(invocation, &facts);
    (facts, reading)
}

fn kinds_read(reading: &Reading) -> Vec<String> {
    let statements = reading.effective["statements"].as_array().unwrap();
    statements.iter().map(|statement| statement["kind"].as_str().unwrap().to_owned()).collect()
}

/// The kinds of what the server met, in order. Each message is one text that psql cut.
fn kinds_met(cluster: &Cluster, database: &str) -> Vec<String> {
    let texts = cluster.statements(database);
    texts.iter().flat_map(|text| sql::read(text).unwrap()).map(|statement| statement.kind).collect()
}

#[test]
fn the_server_meets_just_the_statements_that_were_read() {
    let mut wrong = Vec::new();
    assert!(lines::LINES.len() >= 40);
    for line in lines::LINES {
        let machine = Machine::new(line);
        let database = cluster().database();
        let variables = variables(&database, "postgres");
        let args: Vec<Bytes> = line.args.iter().map(|arg| Bytes::from(*arg)).collect();
        let words: Vec<Word> = args.iter().map(|arg| Word::plain(arg.clone())).collect();
        let (_, reading) = read(&machine.invocation(args, &variables), &machine);
        let give = |command: &mut Command| {
            command.envs(variables.iter().cloned()).env("PGPASSWORD", PASSWORD);
        };
        let output = run(&machine, &words, &[], give, line.stdin.as_bytes());
        let connects = !reading.effective.contains_key("context");
        assert!(connects || !output.status.success(), "{:?} is not refused", line.args);
        let met = if connects { kinds_met(cluster(), &database) } else { Vec::new() };
        let mut read = kinds_read(&reading);
        // What no parser takes is a doubt for us, and a syntax error for this server.
        if reading.doubts.iter().any(|doubt| doubt.kind == "unparsed_sql") {
            read.retain(|kind| kind != "UNKNOWN");
        }
        if met != read {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            wrong.push(format!("{:?} < {:?}\n  met  {met:?}\n  read {read:?}\n  {error}", line.args, line.stdin));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// GRANT statements for what a reading says, as the issuer of roles would make them.
fn privileges(reading: &Reading, role: &str) -> Vec<String> {
    let mut grants = Vec::new();
    for operation in reading.operations.iter().filter(|operation| operation.resource.kind == "Table") {
        let text = |key: &str| operation.resource.attributes[key].as_str().unwrap().to_owned();
        let set = |key: &str| {
            let items = operation.context.get(key).and_then(|set| set.as_array()).cloned().unwrap_or_default();
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let table = match text("schema").as_str() {
            "" => format!("public.\"{}\"", text("name")),
            schema => format!("\"{schema}\".\"{}\"", text("name")),
        };
        let verb = match operation.action.as_str() {
            "sql.select" => "SELECT",
            "sql.insert" => "INSERT",
            "sql.update" => "UPDATE",
            "sql.delete" => "DELETE",
            "sql.truncate" => "TRUNCATE",
            other => panic!("{other} takes no privilege"),
        };
        let columns = set("columns");
        let whole = columns.is_empty() || columns.iter().any(|column| column == "*");
        if whole || matches!(verb, "DELETE" | "TRUNCATE") {
            grants.push(format!("GRANT {verb} ON {table} TO {role};"));
        }
        for column in columns.iter().filter(|_| !whole) {
            grants.push(format!("GRANT {verb} (\"{column}\") ON {table} TO {role};"));
        }
    }
    grants
}

/// Starts the line as it would be delivered with a grant.
fn delivered(machine: &Machine, delivery: &Delivery, database: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (index, file) in delivery.files.iter().enumerate() {
        let path = folder.path().join(format!("{}{index}", file.name));
        fs::write(&path, file.bytes.expose()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        paths.push(path);
    }
    let stdin = delivery.stdin.as_ref().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let give = |command: &mut Command| {
        command.envs(variables(database, "nobody")).env("PGPASSWORD", "stale");
        for change in &delivery.environment {
            match change {
                EnvChange::Set(name, word) => command.env(name, spell(word, &paths)),
                EnvChange::Remove(name) => command.env_remove(name),
            };
        }
    };
    run(machine, &delivery.args, &paths, give, &stdin)
}

fn grant(database: &str, role: &str) -> Grant {
    let (host, port) = ("127.0.0.1".to_owned(), cluster().port);
    Grant {
        name: "shop".into(),
        kind: GrantKind::Postgres { host, port, database: database.into(), role: role.into() },
        secret: Secret::new(format!("{role}:\\secret").into_bytes()),
        expires: Micros(0),
    }
}

#[test]
fn a_role_with_just_the_privileges_that_were_read_gets_through_and_not_with_one_less() {
    let mut wrong = Vec::new();
    for (number, line) in lines::TOUCHING.iter().enumerate() {
        let machine = Machine::new(line);
        let database = cluster().database();
        let role = format!("minted_{number}");
        let args: Vec<Bytes> = line.args.iter().map(|arg| Bytes::from(*arg)).collect();
        let invocation = machine.invocation(args, &variables(&database, "nobody"));
        let (_, reading) = read(&invocation, &machine);
        let all = privileges(&reading, &role);
        cluster().execute(&database, &format!("CREATE ROLE {role} LOGIN PASSWORD '{role}:\\secret'"));
        // With all of them, then each time without one.
        for missing in std::iter::once(None).chain((0..all.len()).map(Some)) {
            cluster().execute(&database, &format!("DROP OWNED BY {role}"));
            for (_, grant) in all.iter().enumerate().filter(|(at, _)| Some(*at) != missing) {
                cluster().execute(&database, grant);
            }
            let facts = by_name("psql").unwrap().gather(&invocation, &machine);
            let lent = vec![grant(&database, &role)];
            let delivery = by_name("psql").unwrap().deliver(&invocation, facts, &Terms::default(), lent).unwrap();
            let output = delivered(&machine, &delivery, &database);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let denied = error.contains("permission denied");
            let expected = missing.is_some();
            if denied != expected || (!denied && !error.is_empty()) {
                let less = missing.map(|at| all[at].clone());
                wrong.push(format!("{:?} < {:?} without {less:?}: {error}", line.args, line.stdin));
            }
        }
        cluster().execute(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_names_of_the_servers_own_functions_are_the_servers() {
    let question = "SELECT proname::text COLLATE \"C\" FROM pg_proc \
                    WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1 ORDER BY 1";
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/sql/builtins.txt")).unwrap();
    let ours: Vec<&str> = ours.lines().collect();
    let theirs = cluster().answer("postgres", question);
    if cluster().answer("postgres", "SHOW server_version_num").trim().starts_with("15") {
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
    } else {
        // Another version has a few more and a few less.
        let missing = ours.iter().filter(|name| !theirs.lines().any(|line| line == **name)).count();
        assert!(missing < 100, "{missing} of our names are not the server's");
    }
}

#[test]
fn a_credential_goes_nowhere_but_where_it_belongs() {
    for (args, stdin) in [
        (&["-h", "localhost", "-c", "SELECT 1"][..], ""),
        (&["-d", "elsewhere", "-c", "SELECT 1"], ""),
        (&["-d", "host=127.0.0.1 hostaddr=127.0.0.2", "-c", "SELECT 1"], ""),
        (&["-d", "host=127.0.0.1,10.0.0.1", "-c", "SELECT 1"], ""),
        (&["-p", "1", "-c", "SELECT 1"], ""),
        (&[], "\\c elsewhere\nSELECT 1;\n"),
        (&["--cluster", "15/main", "-c", "SELECT 1"], ""),
    ] {
        let line = Line { args: &[], stdin: "", files: &[] };
        let machine = Machine { stdin: stdin.to_owned(), ..Machine::new(&line) };
        let args: Vec<Bytes> = args.iter().map(|arg| Bytes::from(*arg)).collect();
        let invocation = machine.invocation(args, &variables("shop", "nobody"));
        let facts = by_name("psql").unwrap().gather(&invocation, &machine);
        let delivery =
            by_name("psql").unwrap().deliver(&invocation, facts, &Terms::default(), vec![grant("shop", "r")]);
        assert!(delivery.is_err(), "{:?}", invocation.args);
    }
}
