//! What a psql line would do: steps and statements to operations, doubts and the fields of `explain`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::conninfo::{Sources, Target};
use super::copydata::{self, End};
use super::options::{Ending, Line};
use super::run::Runner;
use super::slash::Arg;
use super::steps::Step;
use super::variables::{PLACEHOLDER, boolean};
use super::version::Version;
use super::{FromFacts, fact, first_variables, home, line_of, unsafe_encoding, walk, where_to};
use crate::model::{Effect, Facts, Invocation, Operation, Reading, Resource, StreamKind, visible};
use crate::tools::sql::{self, Access, Class, Statement, Unread, Verb};

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
        Ending::Runs => meaning.input(&line, invocation, facts),
    }
    let startup: Vec<String> = facts.get(fact::STARTUP).unwrap_or_default();
    let mut files = FromFacts(facts);
    let stdin = facts.stdin().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let mut runner = Runner::new(&mut files, first_variables(&line), stdin, home(invocation));
    runner.version = Version::of(facts.version.as_deref());
    walk(&line, &startup, &mut runner);
    let steps = runner.steps;

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
    home: Option<Vec<u8>>,
    cwd: Option<Vec<u8>>,
    pub sources: Sources,
    /// Where statements go now; `None` where nobody knows.
    pub target: Option<Target>,
    /// As `explain` shows the first connection.
    pub first: Option<Target>,
    /// What the names without a schema refer to, once a script has said so.
    pub path: Path,
    statements: Vec<Json>,
    shell: bool,
    reads: Vec<String>,
    writes: Vec<String>,
    pub reconnects: Vec<Json>,
    functions: Vec<String>,
    server_program: bool,
    server_file: bool,
    /// psql found a transaction open where it would open one of its own.
    keeps_open: bool,
    /// A transaction is open, as far as the text says.
    pub in_transaction: bool,
    /// Rows go to a program or a variable, or values are printed in pieces: nothing that is selected counts as shown.
    hidden: bool,
}

#[derive(Clone, PartialEq)]
pub enum Path {
    /// Whatever the server has for this user.
    Default,
    /// One of these, whichever has the name first.
    These(Vec<String>),
    Unclear,
}

impl Path {
    fn of(values: &[String]) -> Self {
        match values {
            [user, public] if user == "$user" && public == "public" => Path::Default,
            [] => Path::Unclear,
            _ if values.iter().any(|name| name.is_empty() || name == "$user") => Path::Unclear,
            _ => Path::These(values.to_vec()),
        }
    }
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
            home: home(invocation),
            cwd: invocation.cwd.as_ref().map(|cwd| cwd.0.clone()),
            sources: Sources::default(),
            target: None,
            first: None,
            path: Path::Default,
            statements: Vec::new(),
            shell: false,
            reads: Vec::new(),
            writes: Vec::new(),
            reconnects: Vec::new(),
            functions: Vec::new(),
            server_program: false,
            server_file: false,
            in_transaction: false,
            keeps_open: false,
            hidden: false,
        }
    }

    pub fn doubt(&mut self, kind: &str, detail: impl Into<String>) {
        let detail = detail.into();
        if !self.reading.doubts.iter().any(|d| d.kind == kind && d.detail == detail) {
            self.reading.doubt(kind, detail);
        }
    }

    /// Standard input, where it holds commands.
    fn input(&mut self, line: &Line, invocation: &Invocation, facts: &Facts) {
        if !line.reads_stdin() {
            return;
        }
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
            Step::Sql { text, unknown, copies, begins } => {
                if begins && !self.in_transaction && !stands_alone(&text) {
                    self.own("BEGIN");
                }
                self.sql(&text, unknown, Some(copies));
            }
            Step::Own(text) => self.own(&text),
            Step::SqlFromResult => {
                self.statement(&Statement::unknown(), true);
                self.doubt("unknown_sql", "statements come from a result, a program or a human");
            }
            Step::CopyData(steps) => self.copy_data(steps),
            Step::Program(arg) => self.program(&arg),
            Step::Reads(arg) => {
                let name = self.shown_path(&arg.text);
                self.operation_on("file.read", Effect::Read, file(&name), None);
                push_new(&mut self.reads, name);
            }
            Step::Writes(arg) => self.writes_file(&arg),
            Step::IfRows(step, text) if gives_rows(&text) => self.step(*step),
            Step::IfRows(..) => {}
            Step::Connect(words, reuse) => self.reconnect(&words, reuse),
            Step::Copy(words) => self.copy(&words),
            Step::Catalog(command) => self.operation("sql.select", Effect::Read, None, &command),
            Step::LargeObject(function, file) => {
                if let Some(file) = file {
                    self.step(Step::Reads(file));
                }
                push_new(&mut self.functions, function.to_owned());
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
            Step::Sql { text, .. } => {
                std::str::from_utf8(text).is_ok_and(|text| sql::read(text).is_ok_and(|found| !found.is_empty()))
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
        let name = if arg.unknown { "*".to_owned() } else { self.shown_path(&arg.text) };
        if arg.unknown {
            self.doubt("unknown_variable", "a file is written whose name is not known");
        }
        self.operation_on("file.write", Effect::Write, file(&name), None);
        push_new(&mut self.writes, name);
    }

    fn copy(&mut self, words: &[u8]) {
        let Some(copy) = copydata::copy_command(words) else { return };
        let before = self.hidden;
        self.hidden |= !copy.from && matches!(copy.end, End::Program(_) | End::File(_));
        self.sql(&copy.sql, false, None);
        self.hidden = before;
        match copy.end {
            End::Program(command) => self.program(&Arg { text: command, ..Arg::default() }),
            End::File(path) => {
                let path = match (path.strip_prefix(b"~/"), &self.home) {
                    (Some(rest), Some(home)) => [home, &b"/"[..], rest].concat(),
                    _ => path,
                };
                if copy.from {
                    let name = self.shown_path(&path);
                    self.operation_on("file.send", Effect::Disclose, file(&name), None);
                    push_new(&mut self.reads, name);
                } else {
                    self.writes_file(&Arg { text: path, ..Arg::default() });
                }
            }
            End::Source | End::Own => {}
        }
    }

    /// `copies`: how many COPY FROM STDIN the walk saw in it, where it took their data off the script.
    fn sql(&mut self, text: &[u8], unknown: bool, copies: Option<usize>) {
        if unknown {
            self.doubt("unknown_variable", "a statement holds a variable whose value is not known");
        }
        let Ok(text) = std::str::from_utf8(text) else {
            self.statement(&Statement::unknown(), true);
            return self.doubt("unparsed_sql", "a statement is not UTF-8");
        };
        match sql::read(text) {
            Ok(statements) => {
                let takes = statements.iter().filter(|statement| statement.takes_input).count();
                if copies.is_some_and(|copies| copies != takes) {
                    self.doubt("copy_data", "which lines are the data of a COPY cannot be told");
                }
                for statement in &statements {
                    self.statement(statement, unknown);
                }
            }
            Err(Unread::Refused(_)) => {}
            Err(Unread::Unparsed(_)) if unknown => self.statement(&Statement::unknown(), true),
            Err(Unread::Unparsed(why)) => {
                self.statement(&Statement::unknown(), true);
                self.doubt("unparsed_sql", visible::line(why.as_bytes(), 200));
            }
        }
    }

    /// What psql sends of its own; a transaction that is open already is not opened again.
    fn own(&mut self, text: &str) {
        let before = self.in_transaction;
        match text {
            "BEGIN" if before => self.keeps_open = true,
            "COMMIT" if std::mem::take(&mut self.keeps_open) => {}
            _ => self.sql(text.as_bytes(), false, None),
        }
    }

    fn statement(&mut self, statement: &Statement, unknown: bool) {
        match statement.kind.as_str() {
            "BEGIN" | "START TRANSACTION" => self.in_transaction = true,
            "COMMIT" | "ROLLBACK" | "PREPARE TRANSACTION" => self.in_transaction = false,
            _ => {}
        }
        let mut tables = statement.tables();
        if unknown && (statement.kind == "UNKNOWN" || tables.iter().any(|table| table.contains(PLACEHOLDER))) {
            tables = vec!["*".into()];
        }
        self.statements.push(json!({
            "kind": statement.kind,
            "tables": tables,
            "class": statement.class.word(),
            "nested": statement.nested,
        }));
        for access in &statement.accesses {
            self.access(access, statement);
        }
        for verb in &statement.database {
            let (action, effect) = action(*verb);
            self.operation(action, effect, None, &statement.kind);
        }
        if statement.functions.iter().any(|function| function == "set_config") {
            self.path = Path::Unclear;
        }
        for function in &statement.functions {
            push_new(&mut self.functions, function.clone());
            self.operation("sql.call", Effect::Execute, Some(format!("{function}()")), &statement.kind);
        }
        for function in &statement.unknown_functions {
            self.doubt(
                "unknown_function",
                format!("{}() is not the server's own", visible::line(function.as_bytes(), 100)),
            );
        }
        for command in &statement.programs {
            self.server_program = true;
            self.operation("sql.program", Effect::Execute, Some(command.clone()), &statement.kind);
        }
        for path in &statement.server_files {
            self.server_file = true;
            self.operation("sql.server_file", Effect::Disclose, Some(path.clone()), &statement.kind);
        }
        self.settings(statement);
    }

    /// Settings that change what the statements after them mean.
    fn settings(&mut self, statement: &Statement) {
        if statement.class == Class::Tx && statement.kind.starts_with("ROLLBACK") && self.path != Path::Default {
            self.path = Path::Unclear;
        }
        let Some((name, values)) = &statement.setting else {
            if statement.kind == "DISCARD" && self.path != Path::Default {
                self.path = Path::Unclear;
            }
            return;
        };
        match name.as_str() {
            "search_path" => self.path = if statement.local { Path::Unclear } else { Path::of(values) },
            "" if self.path != Path::Default => self.path = Path::Unclear,
            "standard_conforming_strings" if matches!(values.as_slice(), [on] if boolean(on.as_bytes()) == Some(true)) =>
                {}
            "standard_conforming_strings" | "backslash_quote" => {
                self.doubt("string_syntax", format!("SET {name} changes where strings end"));
            }
            "client_encoding" | "names" if values.iter().any(|value| unsafe_encoding(value.as_bytes())) => {
                self.doubt("encoding", "the client's encoding changes where quotes end");
            }
            _ => {}
        }
    }

    fn access(&mut self, access: &Access, statement: &Statement) {
        let (name, effect) = action(access.verb);
        if name == "sql.session" {
            return self.operation(name, effect, Some(access.written()), &statement.kind);
        }
        let schemas = match (&self.path, access.schema.is_empty()) {
            (Path::These(schemas), true) => schemas.clone(),
            (Path::Unclear, true) => {
                self.doubt("search_path", "names without a schema follow a search_path that the text does not show");
                vec![String::new()]
            }
            _ => vec![access.schema.clone()],
        };
        // Which of several schemas has the table is not in the text: it may be any.
        for schema in schemas {
            self.access_in(&schema, access, statement);
        }
    }

    fn access_in(&mut self, schema: &str, access: &Access, statement: &Statement) {
        let (name, effect) = action(access.verb);
        // A variable of unknown content stands there.
        let known = |name: &str| if name.contains(PLACEHOLDER) { "*".to_owned() } else { name.to_owned() };
        let table = self.table(&known(schema), &known(&access.name));
        let columns: Vec<&String> = access.columns.iter().collect();
        let hidden = if self.hidden && access.verb == Verb::Select { Some(&access.columns) } else { None };
        let outside: BTreeSet<&String> = access.outside.iter().chain(hidden.into_iter().flatten()).collect();
        let mut operation =
            Operation::new(name, effect, table).with("kind", statement.kind.as_str()).with("columns", json!(columns));
        if !outside.is_empty() {
            operation = operation.with("outside", json!(outside));
        }
        self.push(operation);
    }

    fn push(&mut self, operation: Operation) {
        if !self.reading.operations.contains(&operation) {
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

    fn operation_on(&mut self, action: &str, effect: Effect, resource: Resource, kind: Option<&str>) {
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

    fn table(&self, schema: &str, table: &str) -> Resource {
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
            None => visible::line(path.strip_prefix(b"./").unwrap_or(path), 4096),
        }
    }

    fn finish(mut self, refused: bool) -> Reading {
        let first = self.first.as_ref();
        let mut put = |key: &str, value: Json| self.reading.effective.insert(key.to_owned(), value);
        put("statements", self.statements.into());
        put("shell_escape", self.shell.into());
        put("reads_files", self.reads.into());
        put("writes_files", self.writes.into());
        put("host", first.and_then(|t| t.host.clone()).into());
        put("port", first.map(|t| t.port).into());
        put("db", first.map(|t| t.database.clone()).into());
        put("user", first.map(|t| t.user.clone()).into());
        put("reconnects", self.reconnects.into());
        put("functions", self.functions.into());
        put("server_side_program", self.server_program.into());
        put("server_side_file", self.server_file.into());
        if refused {
            put("context", "refused by the tool".into());
        }
        self.reading
    }
}

fn action(verb: Verb) -> (&'static str, Effect) {
    match verb {
        Verb::Select => ("sql.select", Effect::Read),
        Verb::Insert => ("sql.insert", Effect::Write),
        Verb::Update => ("sql.update", Effect::Write),
        Verb::Delete => ("sql.delete", Effect::Destroy),
        Verb::Truncate => ("sql.truncate", Effect::Destroy),
        Verb::Create => ("sql.create", Effect::Write),
        Verb::Alter => ("sql.alter", Effect::Write),
        Verb::Drop => ("sql.drop", Effect::Destroy),
        Verb::Grant => ("sql.grant", Effect::Escalate),
        Verb::Admin => ("sql.admin", Effect::Execute),
        Verb::Lock | Verb::Session => ("sql.session", Effect::Read),
        Verb::Call => ("sql.call", Effect::Execute),
    }
}

/// Whether a server may answer with rows. What no server takes gives none.
fn gives_rows(text: &[u8]) -> bool {
    match std::str::from_utf8(text).map(sql::read) {
        Ok(Ok(statements)) => statements.iter().any(|statement| statement.gives_rows),
        Ok(Err(Unread::Refused(_))) => false,
        Ok(Err(Unread::Unparsed(_))) | Err(_) => true,
    }
}

/// Statements for which psql opens no transaction though AUTOCOMMIT is off: those that are about transactions, or may
/// not stand in one (psql(1), "AUTOCOMMIT").
fn stands_alone(text: &[u8]) -> bool {
    let Some(statement) = std::str::from_utf8(text).ok().and_then(|text| sql::read(text).ok()?.into_iter().next())
    else {
        return false;
    };
    let concurrently = || memchr::memmem::find(&text.to_ascii_lowercase(), b"concurrently").is_some();
    match statement.kind.as_str() {
        "BEGIN"
        | "START TRANSACTION"
        | "COMMIT"
        | "ROLLBACK"
        | "PREPARE TRANSACTION"
        | "COMMIT PREPARED"
        | "ROLLBACK PREPARED"
        | "VACUUM"
        | "CREATE DATABASE"
        | "DROP DATABASE"
        | "CREATE TABLESPACE"
        | "DROP TABLESPACE"
        | "ALTER SYSTEM"
        | "DISCARD" => true,
        "CLUSTER" => statement.tables().is_empty(),
        "CREATE INDEX" | "DROP INDEX" | "REINDEX" => concurrently(),
        _ => false,
    }
}

fn program(command: &str) -> Resource {
    Resource::new("Program", command).with("command", command)
}

fn file(path: &str) -> Resource {
    Resource::new("File", path).with("path", path)
}

fn push_new(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}
