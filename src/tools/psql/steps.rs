//! What walking a script gives: steps, the places where it names other scripts, and where scripts come from.

use super::slash::Arg;

/// One thing a script asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// SQL for the server.
    Sql(Sent),
    /// SQL of psql's own, for an option or a command.
    Own(String),
    /// `\gexec`: every cell of the result is SQL.
    SqlFromResult,
    /// The lines that a `COPY … FROM STDIN` would swallow, read as what they are if the server refuses that COPY.
    CopyData(Vec<Step>),
    /// psql starts a program.
    Program(Arg),
    Reads(Arg),
    Writes(Arg),
    /// The file or program of `\g`, which psql opens once this SQL has given rows.
    IfRows(Box<Step>, Vec<u8>),
    /// `\c` with its four words (database, user, host, port), where given, and what `-reuse-previous` says; `maybe` in a
    /// branch of which nobody can tell whether it is taken.
    Connect {
        words: [Option<Arg>; 4],
        reuse: Option<bool>,
        maybe: bool,
    },
    /// `\copy`: the words after it in the place of SQL, and the folder that psql is in.
    Copy(Sent, Option<Vec<u8>>),
    /// psql asks the catalogs (`\d`).
    Catalog(String),
    /// `\lo_import` and the like: a function on large objects, and the file that it reads.
    LargeObject(&'static str, Option<Arg>),
    /// `\password`.
    Password,
    /// `\setenv`: the name, and the value where it sets one.
    Environment(Arg, Option<Arg>),
    /// What is selected is not printed, or not whole: `\gset`, `\pset format wrapped`.
    Reshapes,
    Doubt(&'static str, String),
}

/// SQL, and what psql does beside sending it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    pub text: Vec<u8>,
    /// A variable of unknown content stands in it as code.
    pub unknown: bool,
    /// How many of its statements were taken for a COPY that reads the script's next lines.
    pub copies: usize,
    /// psql opens a transaction for it: AUTOCOMMIT is off.
    pub begins: bool,
    /// psql sets a savepoint before it where a transaction is open: ON_ERROR_ROLLBACK is on.
    pub saves: bool,
    /// psql takes its rows from a cursor: FETCH_COUNT is set.
    pub by_cursor: bool,
    /// It stands in a branch of which nobody can tell whether it is taken.
    pub maybe: bool,
    /// It sets where strings end, and what follows was cut by it.
    pub followed: bool,
    /// It is prepared under a name (`\parse`), and not run.
    pub prepares: bool,
}

/// What a script's bytes were, so that a place in them can be named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Stdin,
    File(Vec<u8>),
    /// The word of the line that ends with the command.
    Argument(usize),
}

/// A script named in a script. The delivery puts the bytes that were read in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    pub origin: Origin,
    /// Where the name stands, from the beginning of the origin's text; `None` where a variable's value holds it.
    pub place: Option<(usize, usize)>,
    pub path: Vec<u8>,
}

/// Where scripts come from; the agent's side reads them, the reading looks them up.
pub trait Files {
    /// The bytes of a script, and whether they are all of it. `path` is as psql opens it.
    fn script(&mut self, path: &[u8]) -> Option<(Vec<u8>, bool)>;
}

/// A text that is being read line by line.
#[derive(Default, Clone)]
pub struct Cursor {
    pub text: Vec<u8>,
    pub at: usize,
}

impl Cursor {
    pub fn new(text: Vec<u8>) -> Self {
        Cursor { text, at: 0 }
    }

    /// What fgets(3) takes with room for two bytes.
    pub fn two(&mut self) -> Option<&[u8]> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let count = if rest.first() == Some(&b'\n') { 1 } else { rest.len().min(2) };
        self.at += count;
        Some(&rest[..count])
    }

    /// The next line, without its newline.
    pub fn line(&mut self) -> Option<Vec<u8>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest);
        self.at += end.map_or(rest.len(), |end| end + 1);
        Some(rest[..end.unwrap_or(rest.len())].to_vec())
    }
}
