//! psql's variables, as far as their values can be told.

use std::collections::BTreeMap;

use super::script::variable_char;

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
    /// A statement was sent, and psql has set what it tells of it.
    pub sent: bool,
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

/// Of these, what psql sets with the first statement.
const OF_A_STATEMENT: &[&[u8]] = &[b"ERROR", b"LASTOID", b"ROW_COUNT", b"SQLSTATE"];

/// Of these, what is no boolean, whatever it is: numbers and names of versions.
const NO_BOOLEANS: &[&[u8]] =
    &[b"SERVER_VERSION_NAME", b"SERVER_VERSION_NUM", b"VERSION", b"VERSION_NAME", b"VERSION_NUM"];

/// What psql sets when it starts (psql(1), "Variables"): `:{?QUIET}` is true before anybody says so.
const FIRST: &[(&[u8], &[u8])] = &[
    (b"AUTOCOMMIT", b"on"),
    (b"COMP_KEYWORD_CASE", b"preserve-upper"),
    (b"ECHO", b"none"),
    (b"ECHO_HIDDEN", b"off"),
    (b"FETCH_COUNT", b"0"),
    (b"HIDE_TABLEAM", b"off"),
    (b"HIDE_TOAST_COMPRESSION", b"off"),
    (b"HISTCONTROL", b"none"),
    (b"HISTSIZE", b"500"),
    (b"IGNOREEOF", b"0"),
    (b"ON_ERROR_ROLLBACK", b"off"),
    (b"ON_ERROR_STOP", b"off"),
    (b"PROMPT1", b"%/%R%x%# "),
    (b"PROMPT2", b"%/%R%x%# "),
    (b"PROMPT3", b">> "),
    (b"QUIET", b"off"),
    (b"SHOW_CONTEXT", b"errors"),
    (b"SINGLELINE", b"off"),
    (b"SINGLESTEP", b"off"),
    (b"VERBOSITY", b"default"),
];

/// `\gset` leaves these alone.
fn special(name: &[u8]) -> bool {
    FIRST.iter().any(|(known, _)| *known == name)
}

/// Switches: unset means off, empty means on, and nothing that is no boolean is taken.
const SWITCHES: &[&[u8]] = &[
    b"AUTOCOMMIT",
    b"HIDE_TABLEAM",
    b"HIDE_TOAST_COMPRESSION",
    b"ON_ERROR_STOP",
    b"QUIET",
    b"SINGLELINE",
    b"SINGLESTEP",
];

/// Variables that take only numbers; unset means 0, or 500 for the history's.
const NUMBERS: &[&[u8]] = &[b"FETCH_COUNT", b"HISTSIZE", b"IGNOREEOF"];

/// strtol(3) with the base that the digits begin with, nothing behind them.
fn number(text: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, base) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    i64::from_str_radix(digits, base).ok().filter(|_| plain).and_then(|number| i32::try_from(sign * number).ok())
}

/// What the environment says, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Set, unset (`None`), or set to what nobody knows.
    known: BTreeMap<Vec<u8>, Option<Value>>,
}

impl Environment {
    /// The variables of a line; of `names`, those that are not among them are not set.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, set: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let unset = names.map(|name| (name.as_bytes().to_vec(), None));
        let set = set.map(|(name, value)| (name.as_bytes().to_vec(), Some(Value::Known(value.to_vec()))));
        Environment { known: unset.chain(set).collect() }
    }

    pub fn set(&mut self, name: &[u8], value: Option<Value>) {
        self.known.insert(name.to_vec(), value);
    }

    pub fn knows(&self, name: &[u8]) -> bool {
        self.known.contains_key(name)
    }

    /// `None` where it is not set.
    pub fn get(&self, name: &[u8]) -> Option<Value> {
        self.known.get(name).cloned().unwrap_or(Some(Value::Unknown))
    }
}

/// Whether psql takes it for a variable's name (variables.c, `valid_variable_name`).
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii())
}

/// Variables that take only these words (beside a boolean where the last field says so).
const WORDS: &[(&str, &[&str], bool)] = &[
    ("COMP_KEYWORD_CASE", &["lower", "upper", "preserve-lower", "preserve-upper"], false),
    ("ECHO", &["queries", "errors", "all", "none"], false),
    ("ECHO_HIDDEN", &["noexec"], true),
    ("HISTCONTROL", &["ignorespace", "ignoredups", "ignoreboth", "none"], false),
    ("ON_ERROR_ROLLBACK", &["interactive"], true),
    ("SHOW_CONTEXT", &["never", "errors", "always"], false),
    ("VERBOSITY", &["default", "verbose", "terse", "sqlstate"], false),
];

/// The value that psql would keep; `None` where it would complain and keep the old one.
pub fn accepted<'a>(name: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    if name.is_empty() || !name.iter().all(|byte| variable_char(*byte)) {
        return None;
    }
    if SWITCHES.contains(&name) {
        let value = if value.is_empty() { b"on" } else { value };
        return boolean(value).map(|_| value);
    }
    if NUMBERS.contains(&name) {
        return number(value).map(|_| value);
    }
    match WORDS.iter().find(|(known, _, _)| known.as_bytes() == name) {
        Some((_, _, true)) if value.is_empty() => Some(b"on"),
        Some((_, words, switch)) => {
            let known = words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(value));
            (known || (*switch && boolean(value).is_some())).then_some(value)
        }
        None => Some(value),
    }
}

impl Variables {
    pub fn set(&mut self, name: &[u8], value: Value) {
        let value = match value {
            Value::Unknown => Value::Unknown,
            Value::Known(text) => match accepted(name, &text) {
                Some(text) => Value::Known(text.to_vec()),
                None => return,
            },
        };
        self.set.insert(name.to_vec(), Some(value));
    }

    pub fn unset(&mut self, name: &[u8]) {
        let off = SWITCHES.contains(&name).then(|| Value::Known(b"off".to_vec()));
        let off = if name == b"FETCH_COUNT" { Some(Value::Known(b"0".to_vec())) } else { off };
        self.set.insert(name.to_vec(), off);
    }

    /// `\gset` with this prefix: any name that begins with it may have any value now, but for what psql itself heeds.
    pub fn taint(&mut self, prefix: &[u8]) {
        self.set.retain(|name, _| special(name) || !name.starts_with(prefix));
        self.tainted.push(prefix.to_vec());
    }

    /// `None` where it is not set.
    pub fn get(&self, name: &[u8]) -> Option<Value> {
        match self.set.get(name) {
            Some(value) => value.clone(),
            None if !special(name) && self.tainted.iter().any(|prefix| name.starts_with(prefix)) => {
                Some(Value::Unknown)
            }
            None if !self.sent && OF_A_STATEMENT.contains(&name) => None,
            None if OF_THE_SERVER.contains(&name) => Some(Value::Unknown),
            None => FIRST.iter().find(|(known, _)| *known == name).map(|(_, text)| Value::Known(text.to_vec())),
        }
    }

    /// Whether this is psql's own word about a version: unknown, and no boolean.
    pub fn is_version(&self, name: &[u8]) -> bool {
        NO_BOOLEANS.contains(&name) && !self.set.contains_key(name) && self.tainted.is_empty()
    }

    /// The value of a variable that takes numbers; 0 where nobody knows.
    pub fn number(&self, name: &[u8]) -> i32 {
        match self.get(name) {
            Some(Value::Known(text)) => number(&text).unwrap_or(0),
            Some(Value::Unknown) | None => 0,
        }
    }

    /// Whether a switch is on, or may be.
    pub fn switched_on(&self, name: &[u8]) -> bool {
        match self.get(name) {
            Some(Value::Known(text)) => boolean(&text) == Some(true),
            Some(Value::Unknown) => true,
            None => false,
        }
    }

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
