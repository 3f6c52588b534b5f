//! SQL to operations, by PostgreSQL's own parser (libpg_query, the grammar of version 18).
//!
//! A text becomes statements; each says which tables it touches and how, which columns it looks at, and what it does
//! besides. Nothing is concluded from patterns in the text. What the parser would not take, the server would not
//! either, as long as it speaks the same grammar; the caller makes a doubt of it.

mod calls;
mod changes;
mod constants;
mod derived;
mod functions;
mod headings;
mod kinds;
mod layout;
mod query;
mod statement;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use tree::Arena;

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
    /// What `set_config` sets: the name and the value, where they are constants.
    pub configs: Vec<(Option<String>, Option<String>)>,
    /// SET LOCAL: until the transaction ends, and not at all outside of one.
    pub local: bool,
    /// What it does to the transaction that is open.
    pub transaction: Option<Transaction>,
    /// COPY FROM STDIN: the client's next lines are data.
    pub takes_input: bool,
    /// The server may answer with rows.
    pub gives_rows: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    Begins,
    Ends,
    /// AND CHAIN: another begins at once.
    Chains,
    /// ROLLBACK TO: it stays open.
    GoesBack,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        let mut known = BTreeSet::new();
        self.accesses.iter().map(Access::written).filter(|name| known.insert(name.clone())).collect()
    }
}

/// Why a text did not become statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A syntax error at a character that no version of the grammar has there (a psql variable or a backslash that
    /// psql left alone), or a quote or comment that does not end, or one that begins with no word: every
    /// server refuses the text whole.
    Refused(String),
    /// The parser did not take it. A server with another grammar might.
    Unparsed(String),
}

/// Reads the texts of one script, each but once: of a thousand INSERTs that differ in their constants, one.
#[derive(Debug, Default)]
pub struct Reader {
    known: HashMap<String, Rc<Result<Vec<Statement>, Unread>>>,
}

impl Reader {
    /// As [`read`].
    pub fn read(&mut self, text: &str) -> Rc<Result<Vec<Statement>, Unread>> {
        let short = constants::without(text);
        match self.known.get(&*short) {
            Some(known) => known.clone(),
            None => {
                let found = Rc::new(whole(&short));
                self.known.insert(short.into_owned(), found.clone());
                found
            }
        }
    }
}

/// Reads a text as a server would that gets it in one piece: all of it, or nothing.
pub fn read(text: &str) -> Result<Vec<Statement>, Unread> {
    whole(&constants::without(text))
}

fn whole(text: &str) -> Result<Vec<Statement>, Unread> {
    if scanning(text) > MOST_SCANNED {
        return Err(Unread::Unparsed("the text would take too long to cut into words".into()));
    }
    let parsed = match pg_query::parse(text, pg_query::ParserOptions::default()) {
        Ok(parsed) => parsed,
        Err(pg_query::Error::Parse(message)) => {
            let foreign = ["near \":\"", "near \"\\\""].iter().any(|end| message.ends_with(end));
            // With a backslash in it, the setting of the server decides where a string ends.
            let open = message.starts_with("unterminated ") && !text.contains('\\');
            return Err(if foreign || open || begins_with_no_word(text) {
                Unread::Refused(message)
            } else {
                Unread::Unparsed(message)
            });
        }
        Err(error) => return Err(Unread::Unparsed(error.to_string())),
    };
    let (mut statements, mut arena) = (Vec::new(), Arena::default());
    for raw in &parsed.protobuf.stmts {
        let Some(node) = &raw.stmt else { continue };
        layout::lay(&mut arena, node).map_err(|error| Unread::Unparsed(error.to_string()))?;
        let Some(statement) = statement::read(arena.root()) else {
            return Err(Unread::Unparsed("the statement names more than can be followed".into()));
        };
        statements.push(statement);
    }
    Ok(statements)
}

/// Whether the text begins with a sign or a number, as no statement of any server does: `-f`, a forgotten option.
fn begins_with_no_word(text: &str) -> bool {
    let mut rest = text.trim_ascii_start();
    while let Some(line) = rest.strip_prefix("--") {
        rest = line.find(['\n', '\r']).map_or("", |end| line[end..].trim_ascii_start());
    }
    let first = rest.bytes().next();
    !rest.starts_with("/*") && first.is_some_and(|byte| byte.is_ascii_digit() || b"-+/*'\".,=<>)".contains(&byte))
}

/// Bytes that the scanner may look at again and again, at most.
const MOST_SCANNED: usize = 20_000_000;

/// How often the server's scanner (scan.l) looks at a byte again. It takes the longest row of operator signs and gives all
/// but the beginning back: at each `/*` within a row, and at each sign that cannot end an operator.
fn scanning(text: &str) -> usize {
    let operator = |byte: &u8| b"~!@#^&|`?+-*/%<>=".contains(byte);
    let cost = |row: &[u8]| {
        let comments = memchr::memmem::find_iter(row, b"/*").count();
        let outside = &row[..memchr::memmem::find(row, b"--").unwrap_or(row.len())];
        (comments + outside.iter().filter(|byte| matches!(byte, b'+' | b'-')).count()).saturating_mul(row.len())
    };
    text.as_bytes().split(|byte| !operator(byte)).map(cost).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests;
