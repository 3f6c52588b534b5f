//! What a psql line would do: steps and statements to operations, doubts and the fields of `explain`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value as Json, json};

use super::conninfo::{Sources, Target};
use super::copydata::{self, End};
use super::options::{Ending, Line};
use super::path::{Path, Paths};
use super::slash::Arg;
use super::steps::{Sent, Step};
use super::{FromFacts, begin, fact, home, line_of, walk, where_to};
use crate::model::{Effect, Facts, Invocation, Operation, Reading, Resource, StreamKind, visible};
use crate::tools::sql::{Reader, Statement};

pub fn read(invocation: &Invocation, facts: &Facts) -> Reading {
    let mut line = line_of(invocation);
    let mut meaning = Meaning::new(invocation, facts);
    match line.ending {
        Ending::Informs => {
            let operation = Operation::new("tool.info", Effect::Read, program("psql"));
            meaning.reading.operations.push(operation);
        }
        Ending::Refused => {}
        // What libpq does not take ends psql before it runs anything.
        Ending::Runs if !meaning.connection(&line, invocation, facts) => line.ending = Ending::Refused,
        Ending::Runs => {}
    }
    let startup: Vec<String> = facts.get(fact::STARTUP).unwrap_or_default();
    let mut files = FromFacts(facts);
    let stdin = facts.stdin().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let mut runner = begin(&mut files, &line, invocation, facts, stdin);
    meaning.escapes = runner.escapes;
    walk(&line, &startup, &mut runner);
    let steps = runner.steps;
    if runner.asks_stdin {
        meaning.input(&line, invocation, facts);
    }

    if line.cluster {
        meaning.doubt("cluster_wrapper", "--cluster chooses another server than the line says");
    }
    let takes_rows = |step: &Step| matches!(step, Step::Reshapes | Step::Program(_) | Step::IfRows(..));
    meaning.hidden = line.reshapes || steps.iter().any(takes_rows);
    for step in steps {
        meaning.step(step);
    }
    meaning.finish(line.ending == Ending::Refused)
}

/// The reading as it grows.
pub struct Meaning {
    pub reading: Reading,
    /// What is printed goes to a terminal, where a pager may start.
    pub terminal: bool,
    pub reader: Reader,
    /// Where operations stand that look alike.
    noted: HashMap<u64, Vec<usize>>,
    doubted: HashSet<String>,
    home: Option<Vec<u8>>,
    cwd: Option<Vec<u8>>,
    pub sources: Sources,
    /// Where statements go now; `None` where nobody knows.
    pub target: Option<Target>,
    /// As `explain` shows the first connection.
    pub first: Option<Target>,
    /// What the names without a schema refer to.
    pub path: Paths,
    /// What is sent now stands in a branch that may not be taken.
    pub maybe: bool,
    /// It says where strings end, and the walk heard it.
    pub followed: bool,
    /// Plain strings take backslashes: from the beginning, or since.
    pub escapes: bool,
    pub statements: Vec<Json>,
    shell: bool,
    reads: Once,
    writes: Once,
    pub reconnects: Vec<Json>,
    pub functions: Once,
    pub server_program: bool,
    pub server_file: bool,
    /// psql found a transaction open where it would open one of its own.
    pub keeps_open: bool,
    /// A transaction is open, as far as the text says.
    pub in_transaction: bool,
    /// Rows go to a program or a variable, or values are printed in pieces: nothing that is selected counts as shown.
    pub hidden: bool,
}

impl Meaning {
    fn new(invocation: &Invocation, facts: &Facts) -> Self {
        Meaning {
            reading: Reading {
                tool: "psql".into(),
                version: facts.version.clone(),
                effective: BTreeMap::new(),
                operations: Vec::new(),
                doubts: Vec::new(),
            },
            terminal: invocation.streams.stdout == StreamKind::Terminal,
            reader: Reader::default(),
            noted: HashMap::new(),
            doubted: HashSet::new(),
            home: home(invocation),
            cwd: invocation.cwd.as_ref().map(|cwd| cwd.0.clone()),
            sources: Sources::default(),
            target: None,
            first: None,
            path: Paths::new(Path::Default),
            maybe: false,
            followed: false,
            escapes: false,
            statements: Vec::new(),
            shell: false,
            reads: Once::default(),
            writes: Once::default(),
            reconnects: Vec::new(),
            functions: Once::default(),
            server_program: false,
            server_file: false,
            in_transaction: false,
            keeps_open: false,
            hidden: false,
        }
    }

    pub fn doubt(&mut self, kind: &str, detail: impl Into<String>) {
        let detail = detail.into();
        if self.doubted.insert(format!("{kind}: {detail}")) {
            self.reading.doubt(kind, detail);
        }
    }

    /// Standard input, where it holds commands.
    fn input(&mut self, line: &Line, invocation: &Invocation, facts: &Facts) {
        match facts.stdin() {
            Some(content) if content.truncated => {
                self.doubt("unread_content", "standard input had not ended in time or is too long");
            }
            Some(_) => {}
            None if invocation.streams.stdin == StreamKind::Terminal || line.single_step => {
                self.doubt("interactive", "psql would take commands from a terminal");
            }
            None if matches!(invocation.streams.stdin, StreamKind::Null | StreamKind::Closed) => {}
            None => self.doubt("unread_content", "standard input could not be read"),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Sql(sent) => self.sent(&sent),
            Step::Own(text) => self.own(&text),
            Step::SqlFromResult => {
                self.statement(&Statement::unknown(), true);
                self.doubt("unknown_sql", "statements come from a result, a program or a human");
            }
            Step::CopyData(steps) => self.copy_data(steps),
            Step::Program(arg) => self.program(&arg),
            Step::Reads(arg) if is_no_file(&arg.text) => {}
            Step::Reads(arg) => {
                let name = self.shown_path(&arg.text);
                self.operation_on("file.read", Effect::Read, file(&name), None);
                self.reads.push(name);
            }
            Step::Writes(arg) => self.writes_file(&arg),
            Step::IfRows(step, text) if self.gives_rows(&text) => self.step(*step),
            Step::IfRows(..) => {}
            Step::Connect { words, reuse, maybe } => {
                self.reconnect(&words, reuse);
                if maybe {
                    self.stays_or_goes();
                }
            }
            Step::Copy(sent, folder) => self.copy(sent, folder.as_deref()),
            Step::Catalog(command) => self.operation("sql.select", Effect::Read, None, &command),
            Step::LargeObject(function, file) => {
                if let Some(file) = file {
                    self.step(Step::Reads(file));
                }
                self.functions.push(function.to_owned());
                self.operation("sql.call", Effect::Execute, None, function);
            }
            Step::Password => {
                self.statements.push(json!({"kind": "ALTER ROLE", "tables": [], "class": "privilege", "nested": []}));
                self.operation("sql.grant", Effect::Escalate, None, "ALTER ROLE");
            }
            Step::Environment(name, value) => self.environment(&name, value.as_ref()),
            Step::Reshapes => {}
            Step::Doubt(kind, detail) => self.doubt(kind, detail),
        }
    }

    fn copy_data(&mut self, steps: Vec<Step>) {
        let acts = steps.iter().any(|step| match step {
            Step::Sql(Sent { text, .. }) => {
                let found = std::str::from_utf8(text).map(|text| self.reader.read(text));
                found.is_ok_and(|found| found.as_ref().as_ref().is_ok_and(|found| !found.is_empty()))
            }
            Step::Catalog(_) | Step::Reshapes | Step::Doubt(..) => false,
            _ => true,
        });
        if acts {
            self.doubt("copy_data", "the data of a COPY would run as commands if the server refused the COPY");
        }
    }

    fn program(&mut self, arg: &Arg) {
        self.shell = true;
        let command = visible::line(&arg.text, 1000);
        let command = if command.is_empty() { "$SHELL".to_owned() } else { command };
        self.operation_on("program.run", Effect::Execute, program(&command), None);
        if arg.unknown {
            self.doubt("unknown_variable", "a program is started with words that are not known");
        }
    }

    fn writes_file(&mut self, arg: &Arg) {
        if !arg.unknown && is_no_file(&arg.text) {
            return;
        }
        let name = if arg.unknown { "*".to_owned() } else { self.shown_path(&arg.text) };
        if arg.unknown {
            self.doubt("unknown_variable", "a file is written whose name is not known");
        }
        self.operation_on("file.write", Effect::Write, file(&name), None);
        self.writes.push(name);
    }

    fn copy(&mut self, sent: Sent, folder: Option<&[u8]>) {
        let Some(copy) = copydata::copy_command(&sent.text) else { return };
        let before = self.hidden;
        self.hidden |= !copy.from && matches!(copy.end, End::Program(_) | End::File(_));
        self.sent(&Sent { text: copy.sql, copies: usize::from(copy.from), ..sent });
        self.hidden = before;
        match copy.end {
            End::Program(command) => self.program(&Arg { text: command, ..Arg::default() }),
            End::File(path) => {
                let path = match (path.strip_prefix(b"~/"), &self.home) {
                    (Some(rest), Some(home)) => [home, &b"/"[..], rest].concat(),
                    _ => path,
                };
                let (path, unknown) = match folder {
                    _ if path.starts_with(b"/") => (path, false),
                    Some([]) => (path, false),
                    Some(folder) => ([folder, b"/", path.as_slice()].concat(), false),
                    None => (path, true),
                };
                if copy.from && is_no_file(&path) {
                    return;
                }
                if copy.from {
                    let name = self.shown_path(&path);
                    self.operation_on("file.send", Effect::Disclose, file(&name), None);
                    self.reads.push(name);
                } else {
                    self.writes_file(&Arg { text: path, unknown, ..Arg::default() });
                }
            }
            End::Source | End::Own => {}
        }
    }

    /// Notes an operation once.
    pub fn push(&mut self, operation: Operation) {
        let mut hasher = DefaultHasher::new();
        (&operation.action, &operation.resource.id, operation.context.len()).hash(&mut hasher);
        for value in operation.context.values() {
            value.hash(&mut hasher);
        }
        let same = self.noted.entry(hasher.finish()).or_default();
        if !same.iter().any(|at| self.reading.operations.get(*at) == Some(&operation)) {
            same.push(self.reading.operations.len());
            self.reading.operations.push(operation);
        }
    }

    pub fn operation(&mut self, action: &str, effect: Effect, detail: Option<String>, kind: &str) {
        let mut operation = Operation::new(action, effect, self.database()).with("kind", kind);
        if let Some(detail) = detail {
            operation = operation.with("detail", visible::line(detail.as_bytes(), 300));
        }
        self.push(operation);
    }

    pub(super) fn operation_on(&mut self, action: &str, effect: Effect, resource: Resource, kind: Option<&str>) {
        let mut operation = Operation::new(action, effect, resource);
        if let Some(kind) = kind {
            operation = operation.with("kind", kind);
        }
        self.push(operation);
    }

    fn database(&self) -> Resource {
        let (host, port, name) = where_to(self.target.as_ref());
        Resource::new("Database", format!("{host}:{port}/{name}"))
            .with("host", host)
            .with("port", port)
            .with("name", name)
    }

    pub fn table(&self, schema: &str, table: &str) -> Resource {
        let (host, port, database) = where_to(self.target.as_ref());
        let shown = if schema.is_empty() { table.to_owned() } else { format!("{schema}.{table}") };
        Resource::new("Table", format!("{host}:{port}/{database}/{shown}"))
            .with("host", host)
            .with("port", port)
            .with("database", database)
            .with("schema", schema)
            .with("name", table)
    }

    /// From the work folder, or from the home.
    fn shown_path(&self, path: &[u8]) -> String {
        let under = |folder: &Option<Vec<u8>>| {
            folder
                .as_ref()
                .filter(|folder| folder.len() > 1)
                .and_then(|folder| path.strip_prefix(folder.as_slice()))
                .and_then(|rest| rest.strip_prefix(b"/"))
                .map(<[u8]>::to_vec)
        };
        if let Some(rest) = under(&self.cwd) {
            return visible::line(&rest, 4096);
        }
        match under(&self.home) {
            Some(rest) => format!("~/{}", visible::line(&rest, 4096)),
            // A file of that name in the work folder, not one of the home.
            None if path.starts_with(b"~") => format!("./{}", visible::line(path, 4096)),
            None => visible::line(path.strip_prefix(b"./").unwrap_or(path), 4096),
        }
    }

    fn finish(mut self, refused: bool) -> Reading {
        let first = self.first.as_ref();
        let mut put = |key: &str, value: Json| self.reading.effective.insert(key.to_owned(), value);
        put("statements", self.statements.into());
        put("shell_escape", self.shell.into());
        put("reads_files", self.reads.list.into());
        put("writes_files", self.writes.list.into());
        put("host", first.and_then(|t| t.host.clone()).into());
        put("port", first.map(|t| t.port).into());
        put("db", first.map(|t| t.database.clone()).into());
        put("user", first.map(|t| t.user.clone()).into());
        put("reconnects", self.reconnects.into());
        put("functions", self.functions.list.into());
        put("server_side_program", self.server_program.into());
        put("server_side_file", self.server_file.into());
        if refused {
            put("context", "refused by the tool".into());
        }
        self.reading
    }
}

pub(super) fn program(command: &str) -> Resource {
    Resource::new("Program", command).with("command", command)
}

fn file(path: &str) -> Resource {
    Resource::new("File", path).with("path", path)
}

/// A list in which each thing stands once.
#[derive(Default)]
pub struct Once {
    list: Vec<String>,
    known: HashSet<String>,
}

impl Once {
    pub fn push(&mut self, item: String) {
        if self.known.insert(item.clone()) {
            self.list.push(item);
        }
    }
}

/// What stands for the streams of psql itself, or for nothing.
fn is_no_file(path: &[u8]) -> bool {
    let descriptor = [b"/dev/fd/".as_slice(), b"/proc/self/fd/"].iter().find_map(|before| path.strip_prefix(*before));
    matches!(path, b"/dev/null" | b"/dev/stdin" | b"/dev/stdout" | b"/dev/stderr")
        || descriptor.is_some_and(|number| matches!(number, b"0" | b"1" | b"2"))
}
