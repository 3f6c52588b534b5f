//! psql's variables, as far as their values can be told.

use std::collections::BTreeMap;

/// Stands in a statement where a variable of unknown content was. Valid as a name, so that the rest can be read.
pub const PLACEHOLDER: &str = "portcullis_unknown_variable";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Known(Vec<u8>),
    /// Set, by something that only the server, a program or a human knows.
    Unknown,
}

#[derive(Debug, Clone, Default)]
pub struct Variables {
    set: BTreeMap<Vec<u8>, Option<Value>>,
    /// Beginnings of names that `\gset` may have set.
    tainted: Vec<Vec<u8>>,
}

/// What psql itself sets, with contents that depend on the server or on what happened (psql(1), "Variables").
const OF_THE_SERVER: &[&[u8]] = &[
    b"DBNAME",
    b"ENCODING",
    b"ERROR",
    b"HOST",
    b"LASTOID",
    b"LAST_ERROR_MESSAGE",
    b"LAST_ERROR_SQLSTATE",
    b"PORT",
    b"ROW_COUNT",
    b"SERVER_VERSION_NAME",
    b"SERVER_VERSION_NUM",
    b"SHELL_ERROR",
    b"SHELL_EXIT_CODE",
    b"SQLSTATE",
    b"USER",
    b"VERSION",
    b"VERSION_NAME",
    b"VERSION_NUM",
];

impl Variables {
    pub fn set(&mut self, name: &[u8], value: Value) {
        self.set.insert(name.to_vec(), Some(value));
    }

    pub fn unset(&mut self, name: &[u8]) {
        self.set.insert(name.to_vec(), None);
    }

    /// `\gset` with this prefix: any name that begins with it may have any value now.
    pub fn taint(&mut self, prefix: &[u8]) {
        self.set.retain(|name, _| !name.starts_with(prefix));
        self.tainted.push(prefix.to_vec());
    }

    /// `None` where it is not set.
    pub fn get(&self, name: &[u8]) -> Option<Value> {
        match self.set.get(name) {
            Some(value) => value.clone(),
            None if self.tainted.iter().any(|prefix| name.starts_with(prefix)) => Some(Value::Unknown),
            None => OF_THE_SERVER.contains(&name).then_some(Value::Unknown),
        }
    }

    /// A variable that psql takes for a switch: on by anything that is not a form of no.
    pub fn switched_on(&self, name: &[u8]) -> bool {
        match self.get(name) {
            Some(Value::Known(text)) => boolean(&text) != Some(false),
            Some(Value::Unknown) => true,
            None => false,
        }
    }
}

impl Variables {
    /// The same, and nobody else can have changed it.
    pub fn certainly_on(&self, name: &[u8]) -> bool {
        matches!(self.get(name), Some(Value::Known(text)) if boolean(&text) == Some(true))
    }
}

/// psql's reading of a boolean: beginnings of true, false, yes and no; on, off, 1, 0; any case.
pub fn boolean(text: &[u8]) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &[u8], least: usize| text.len() >= least && word.starts_with(&text);
    if begins(b"true", 1) || begins(b"yes", 1) || text == b"on" || text == b"1" {
        Some(true)
    } else if begins(b"false", 1) || begins(b"no", 1) || begins(b"off", 2) || text == b"0" {
        Some(false)
    } else {
        None
    }
}
