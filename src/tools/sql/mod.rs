//! SQL to operations, by PostgreSQL's own parser (libpg_query, the grammar of version 18).
//!
//! A text becomes statements; each says which tables it touches and how, which columns it looks at, and what it does
//! besides. Nothing is concluded from patterns in the text. What the parser would not take, the server would not
//! either, as long as it speaks the same grammar; the caller makes a doubt of it.

mod changes;
mod functions;
mod kinds;
mod query;
mod statement;
mod tree;

use std::collections::BTreeSet;

use tree::Tree;

/// What a statement is, in the words of the server's command tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub kind: String,
    pub class: Class,
    /// Kinds inside a CTE, EXPLAIN, PREPARE or COPY, other than SELECT.
    pub nested: Vec<String>,
    pub accesses: Vec<Access>,
    /// What it does to the database as a whole (functions, roles, settings).
    pub database: Vec<Verb>,
    /// Called functions with effects outside of the tables, or of which nobody knows whether they have any.
    pub functions: Vec<String>,
    /// Those of them that are not the server's own.
    pub unknown_functions: Vec<String>,
    /// COPY … PROGRAM: the server starts this.
    pub programs: Vec<String>,
    /// Files on the server: COPY, functions that read or write files.
    pub server_files: Vec<String>,
    /// SET and RESET: the name, and the values where it sets some.
    pub setting: Option<(String, Vec<String>)>,
    /// COPY FROM STDIN: the client's next lines are data.
    pub takes_input: bool,
    /// The server may answer with rows.
    pub gives_rows: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Read,
    Session,
    Tx,
    Write,
    Ddl,
    Admin,
    Privilege,
    Code,
}

impl Class {
    pub fn word(self) -> &'static str {
        match self {
            Class::Read => "read",
            Class::Session => "session",
            Class::Tx => "tx",
            Class::Write => "write",
            Class::Ddl => "ddl",
            Class::Admin => "admin",
            Class::Privilege => "privilege",
            Class::Code => "code",
        }
    }
}

/// What is done to a table, or to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    Truncate,
    Create,
    Alter,
    Drop,
    Grant,
    Admin,
    /// LOCK: nothing is read or changed.
    Lock,
    /// SET, SHOW, transactions.
    Session,
    /// DO, CALL, EXECUTE.
    Call,
}

/// One table and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// As written; empty where the text names none.
    pub schema: String,
    pub name: String,
    pub verb: Verb,
    /// Columns read or written; `*` for all.
    pub columns: BTreeSet<String>,
    /// Columns that decide something instead of being shown: conditions, orders, arguments, casts.
    pub outside: BTreeSet<String>,
}

impl Access {
    /// `schema.name`, or the name alone.
    pub fn written(&self) -> String {
        if self.schema.is_empty() { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

impl Statement {
    /// The tables by their written names, each once, in the order of the text.
    pub fn tables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for access in &self.accesses {
            let name = access.written();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Why a text did not become statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A syntax error at a character that no version of the grammar has there (a psql variable or a backslash that
    /// psql left alone): every server refuses the text whole.
    Refused(String),
    /// The parser did not take it. A server with another grammar might.
    Unparsed(String),
}

/// Reads a text as a server would that gets it in one piece: all of it, or nothing.
pub fn read(text: &str) -> Result<Vec<Statement>, Unread> {
    let parsed = match pg_query::parse(text, pg_query::ParserOptions::default()) {
        Ok(parsed) => parsed,
        Err(pg_query::Error::Parse(message)) => {
            let foreign = ["near \":\"", "near \"\\\""].iter().any(|end| message.ends_with(end));
            return Err(if foreign { Unread::Refused(message) } else { Unread::Unparsed(message) });
        }
        Err(error) => return Err(Unread::Unparsed(error.to_string())),
    };
    let mut statements = Vec::new();
    for raw in &parsed.protobuf.stmts {
        let Some(node) = &raw.stmt else { continue };
        let value = serde_json::to_value(node).map_err(|error| Unread::Unparsed(error.to_string()))?;
        statements.push(statement::read(Tree(&value)));
    }
    Ok(statements)
}

#[cfg(test)]
mod tests;
