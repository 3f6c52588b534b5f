//! What the statements of a line do: to operations, and to what names mean in the statements behind them.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::meaning::Meaning;
use super::path::{Path, shadows};
use super::session;
use super::steps::Sent;
use super::unsafe_encoding;
use super::variables::{PLACEHOLDER, boolean};
use crate::model::{Effect, Operation, visible};
use crate::tools::sql::{Access, Statement, Transaction, Unread, Verb};

impl Meaning {
    /// SQL with what psql sends around it.
    pub fn sent(&mut self, sent: &Sent) {
        if sent.begins && !self.in_transaction && !self.stands_alone(&sent.text) {
            self.own("BEGIN");
        }
        let saves = sent.saves && self.in_transaction && !sent.text.is_empty();
        if saves {
            self.own("SAVEPOINT pg_psql_temporary_savepoint");
        }
        (self.maybe, self.followed) = (sent.maybe, sent.followed);
        let before = self.statements.len();
        if sent.prepares {
            self.prepared(sent);
        } else if sent.by_cursor {
            self.by_cursor(sent);
        } else {
            self.sql(&sent.text, sent.unknown, Some(sent.copies));
        }
        // Who sets savepoints without psql keeps them.
        let own = |statement: &Json| {
            statement["kind"]
                .as_str()
                .is_some_and(|kind| matches!(kind, "COMMIT" | "SAVEPOINT" | "RELEASE" | "ROLLBACK"))
        };
        if saves && self.in_transaction && !self.statements[before..].iter().any(own) {
            self.own("RELEASE SAVEPOINT pg_psql_temporary_savepoint");
        }
        (self.maybe, self.followed) = (false, false);
    }

    /// `\parse`: what it would do is told, as of PREPARE; nothing of it happens yet.
    fn prepared(&mut self, sent: &Sent) {
        let (before, path, open) = (self.statements.len(), self.path.clone(), self.in_transaction);
        self.sql(&sent.text, sent.unknown, None);
        (self.path, self.in_transaction) = (path, open);
        let found = std::str::from_utf8(&sent.text).ok().map(|text| self.reader.read(text));
        let statements = found.as_ref().and_then(|found| found.as_ref().as_ref().ok());
        let sets = |one: &Statement| one.setting.is_some() || !one.configs.is_empty() || one.transaction.is_some();
        if statements.is_some_and(|statements| statements.iter().any(sets)) {
            self.doubt("unknown_command", "\\parse of what changes the session, for later");
        }
        let known = |statement: &&mut Json| statement["kind"] != "UNKNOWN";
        for statement in self.statements[before..].iter_mut().filter(known) {
            let kind = statement["kind"].take();
            if kind != "SELECT"
                && let Some(nested) = statement["nested"].as_array_mut()
            {
                nested.insert(0, kind);
            }
            statement["kind"] = json!("PREPARE");
            statement["class"] = json!("session");
        }
    }

    /// FETCH_COUNT: rows come by a cursor, in a transaction of its own where none is open. How often psql fetches is
    /// known to the server; once stands for all.
    fn by_cursor(&mut self, sent: &Sent) {
        let opens = !self.in_transaction;
        if opens {
            self.own("BEGIN");
        }
        let found = std::str::from_utf8(&sent.text).ok().map(|text| self.reader.read(text));
        let statements = found.as_ref().and_then(|found| found.as_ref().as_ref().ok());
        // Of several statements psql hears the last one's answer, and takes rows for a failure to declare.
        let fetches = statements.is_none_or(|statements| match statements.as_slice() {
            [one] => one.kind != "SELECT INTO",
            several => several.last().is_some_and(|last| !last.gives_rows),
        });
        let declared = [b"DECLARE _psql_cursor NO SCROLL CURSOR FOR\n", sent.text.as_slice()].concat();
        self.sql(&declared, sent.unknown, Some(sent.copies));
        if fetches {
            self.own("FETCH FORWARD 1 FROM _psql_cursor");
        }
        self.own("CLOSE _psql_cursor");
        if opens {
            self.own(if fetches { "COMMIT" } else { "ROLLBACK" });
        }
    }

    /// `copies`: how many COPY FROM STDIN the walk saw in it, where it took their data off the script.
    pub fn sql(&mut self, text: &[u8], unknown: bool, copies: Option<usize>) {
        if unknown {
            self.doubt("unknown_variable", "a statement holds a variable whose value is not known");
        }
        let Ok(text) = std::str::from_utf8(text) else {
            self.statement(&Statement::unknown(), true);
            return self.doubt("unparsed_sql", "a statement is not UTF-8");
        };
        match &*self.reader.read(text) {
            Ok(statements) => {
                let takes = statements.iter().filter(|statement| statement.takes_input).count();
                if copies.is_some_and(|copies| copies != takes) {
                    self.doubt("copy_data", "which lines are the data of a COPY cannot be told");
                }
                let before = self.path.clone();
                for statement in statements {
                    self.statement(statement, unknown);
                }
                self.path.text_ends(&before, statements.len() > 1, self.maybe);
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
    pub fn own(&mut self, text: &str) {
        let before = self.in_transaction;
        match text {
            "BEGIN" if before => self.keeps_open = true,
            "COMMIT" if std::mem::take(&mut self.keeps_open) => {}
            _ => self.sql(text.as_bytes(), false, None),
        }
    }

    pub fn statement(&mut self, statement: &Statement, unknown: bool) {
        match statement.transaction {
            Some(Transaction::Begins) => self.in_transaction = true,
            Some(Transaction::Ends) => self.in_transaction = false,
            Some(Transaction::Chains | Transaction::GoesBack) | None => {}
        }
        self.path_follows(statement);
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
        for function in &statement.functions {
            self.functions.push(function.clone());
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
        let Some((name, values)) = &statement.setting else {
            if statement.kind == "DISCARD" && self.escapes {
                self.doubt("string_syntax", "DISCARD changes where strings end");
            }
            return;
        };
        match name.as_str() {
            "standard_conforming_strings" if self.followed => {
                self.escapes |= !matches!(values.as_slice(), [on] if boolean(on.as_bytes()) == Some(true));
            }
            "standard_conforming_strings"
                if !self.escapes && matches!(values.as_slice(), [on] if boolean(on.as_bytes()) == Some(true)) => {}
            "" if self.escapes => self.doubt("string_syntax", "RESET changes where strings end"),
            "standard_conforming_strings" | "backslash_quote" => {
                self.doubt("string_syntax", format!("SET {name} changes where strings end"));
            }
            "client_encoding" | "names" if values.iter().any(|value| unsafe_encoding(value.as_bytes())) => {
                self.doubt("encoding", "the client's encoding changes where quotes end");
            }
            _ => {}
        }
    }

    /// What of a statement moves the search_path.
    fn path_follows(&mut self, statement: &Statement) {
        let kinds = [&statement.kind].into_iter().chain(&statement.nested);
        // What was prepared may set it, too.
        if kinds.into_iter().any(|kind| matches!(kind.as_str(), "EXECUTE" | "CREATE TABLE AS")) {
            self.path.runs_prepared();
        }
        match statement.transaction {
            Some(Transaction::Begins) => self.path.begins(),
            Some(Transaction::Ends) => self.path.ends(),
            Some(Transaction::Chains) => self.path.chains(),
            Some(Transaction::GoesBack) => self.path.goes_back(),
            None => {}
        }
        for (name, value) in &statement.configs {
            self.configures(name.as_deref(), value.as_deref());
        }
        match &statement.setting {
            None if statement.kind == "DISCARD" => self.path.discards(),
            Some((name, values)) if name == "search_path" => {
                self.path.set((!values.is_empty()).then(|| Path::of(values)), statement.local);
                self.shadowed(values);
            }
            // RESET ALL.
            Some((name, _)) if name.is_empty() => self.path.set(None, false),
            _ => {}
        }
    }

    /// `set_config`, which sets where and when it is evaluated.
    fn configures(&mut self, name: Option<&str>, value: Option<&str>) {
        match (name, value) {
            (Some("search_path"), value) => {
                let names = value.and_then(session::names);
                self.path.may_be(names.as_deref().map_or(Path::Unclear, Path::of));
                self.shadowed(names.as_deref().unwrap_or_default());
            }
            (Some("standard_conforming_strings" | "backslash_quote"), _) => {
                self.doubt("string_syntax", "set_config changes where strings end");
            }
            (Some("client_encoding"), Some(value)) if !unsafe_encoding(value.as_bytes()) => {}
            (Some("client_encoding"), _) => {
                self.doubt("encoding", "set_config changes the client's encoding");
            }
            (Some(_), _) => {}
            (None, _) => {
                self.path.may_be(Path::Unclear);
                self.doubt("string_syntax", "set_config sets what the text does not show");
            }
        }
    }

    /// Names follow a path that is made of these schemas.
    pub fn shadowed(&mut self, schemas: &[String]) {
        if shadows(schemas) {
            self.doubt("search_path", "another schema's functions and operators come before the server's own");
        }
    }

    fn access(&mut self, access: &Access, statement: &Statement) {
        let (name, effect) = action(access.verb);
        if name == "sql.session" {
            return self.operation(name, effect, Some(access.written()), &statement.kind);
        }
        let schemas = match (self.path.now(), access.schema.is_empty()) {
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

    /// Whether a server may answer with rows. What no server takes gives none.
    pub fn gives_rows(&mut self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return true };
        match &*self.reader.read(text) {
            Ok(statements) => statements.iter().any(|statement| statement.gives_rows),
            Err(Unread::Refused(_)) => false,
            Err(Unread::Unparsed(_)) => true,
        }
    }

    /// Statements for which psql opens no transaction though AUTOCOMMIT is off: those that are about transactions, or
    /// may not stand in one (psql(1), "AUTOCOMMIT").
    pub fn stands_alone(&mut self, text: &[u8]) -> bool {
        let Some(found) = std::str::from_utf8(text).ok().map(|text| self.reader.read(text)) else { return false };
        let Some(statement) = found.as_ref().as_ref().ok().and_then(|statements| statements.first()) else {
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
