//! Commands that change psql itself, and those that ask the catalogs.

use super::run::{self, Runner, Script, Status};
use super::shape;
use super::slash::{self, Arg, Kind};
use super::steps::Step;
use super::variables::{Value, accepted, boolean, is_name};
use super::version::Version;

/// Variables that are looked for, at most.
const MOST_ASKED: usize = 100;

/// `\d…`, `\l`, `\z` and the like.
fn asks_catalogs(name: &str) -> bool {
    let name = name.trim_end_matches(['+', 'S']);
    name.starts_with('d') || matches!(name, "l" | "list" | "z" | "lo_list" | "gdesc" | "conninfo")
}

/// Commands that change only how psql shows things.
const HARMLESS: &[&str] = &[
    "a",
    "C",
    "copyright",
    "echo",
    "errverbose",
    "f",
    "H",
    "html",
    "p",
    "print",
    "qecho",
    "T",
    "warn",
    "?",
    "q",
    "quit",
];

impl Runner<'_> {
    pub fn setting(&mut self, script: &mut Script, name: &str) -> Status {
        match name {
            "set" => return self.set(script),
            "unset" => return self.unset(script),
            "pset" => return self.pset(script),
            "getenv" => return self.getenv(script),
            "setenv" => return self.setenv(script),
            "encoding" => {
                if let Some(encoding) = self.argument(script, Kind::Normal, false) {
                    self.encoding(&encoding);
                    let name = run::shown(&encoding.text).replace('\'', "''");
                    self.step(Step::Own(format!("SET client_encoding TO '{name}'")));
                }
            }
            "lo_import" | "lo_export" | "lo_unlink" => return self.large_object(script, name),
            "t" | "x" | "timing" => return self.switch(script, name),
            "sf" | "sf+" | "sv" | "sv+" | "h" | "help" => {
                self.discard(script, Kind::WholeLine);
                self.step(Step::Catalog(format!("\\{name}")));
            }
            _ if asks_catalogs(name) => {
                self.rest(script, Kind::Normal);
                self.step(Step::Catalog(format!("\\{name}")));
            }
            _ if HARMLESS.contains(&name) => {
                let words = self.rest(script, Kind::Normal);
                let stays = || words.first().is_some_and(|word| word.unknown || word.text == b"-n");
                // What `\echo -n` prints stands before a heading, in the same line.
                if matches!(name, "a" | "H" | "html") || matches!(name, "echo" | "qecho" | "warn") && stays() {
                    self.step(Step::Reshapes);
                }
            }
            // psql says "invalid command" and throws the rest of the line away. Another version may know it.
            _ => {
                self.asks_version |= self.stops();
                let read = self.version.is_some_and(Version::is_read);
                return if read || !self.stops() { Status::Error } else { self.unknown_command(script, name) };
            }
        }
        Status::Skip
    }

    /// `\set [NAME [VALUE]...]`, whose values are joined.
    fn set(&mut self, script: &mut Script) -> Status {
        let variable = self.argument(script, Kind::Normal, false);
        if variable.as_ref().is_some_and(|name| name.unknown || shape::splits(&name.text)) {
            self.step(Step::Reshapes);
        }
        let words = self.rest(script, Kind::Normal);
        if variable.as_ref().is_some_and(|name| !name.unknown && !is_name(&name.text)) {
            return Status::Error;
        }
        let unknown = words.iter().any(|word| word.unknown);
        let text: Vec<u8> = words.into_iter().flat_map(|word| word.text).collect();
        let unknown = unknown || text.len() > slash::LONGEST;
        let taken = |name: &Arg| name.unknown || unknown || accepted(&name.text, &text).is_some();
        if variable.as_ref().is_some_and(|name| !taken(name)) {
            return Status::Error;
        }
        self.assign(script, variable, if unknown { Value::Unknown } else { Value::Known(text) });
        Status::Skip
    }

    /// `\unset NAME`.
    fn unset(&mut self, script: &mut Script) -> Status {
        let Some(variable) = self.argument(script, Kind::Normal, false) else { return Status::Error };
        if script.conditions.certain() && !variable.unknown {
            self.variables.unset(&variable.text);
        } else {
            self.variables.set(&variable.text, Value::Unknown);
        }
        Status::Skip
    }

    /// `\pset [NAME [VALUE]]`.
    fn pset(&mut self, script: &mut Script) -> Status {
        let words = self.rest(script, Kind::Normal);
        let mut texts = words.iter().map(|word| word.text.as_slice());
        let (name, value) = (texts.next(), texts.next());
        let unknown = words.iter().any(|word| word.unknown);
        if unknown || shape::reshapes(name.unwrap_or_default(), value) {
            self.step(Step::Reshapes);
        }
        if !unknown && name.is_some_and(|name| !shape::accepted(name, value)) {
            return Status::Error;
        }
        Status::Skip
    }

    /// `\getenv VARIABLE NAME`.
    fn getenv(&mut self, script: &mut Script) -> Status {
        let variable = self.argument(script, Kind::Normal, false);
        let Some(source) = self.argument(script, Kind::Normal, false) else { return Status::Error };
        if !source.unknown && !self.environment.knows(&source.text) && self.asks_variables.len() < MOST_ASKED {
            self.asks_variables.insert(source.text.clone());
        }
        match self.environment.get(&source.text).filter(|_| !source.unknown) {
            // Nothing is set for what is not there.
            None if !source.unknown => {}
            value => self.assign(script, variable, value.unwrap_or(Value::Unknown)),
        }
        Status::Skip
    }

    /// `\setenv NAME [VALUE]`.
    fn setenv(&mut self, script: &mut Script) -> Status {
        let Some(variable) = self.argument(script, Kind::Normal, false) else { return Status::Error };
        let value = self.argument(script, Kind::Normal, false);
        if !variable.unknown && variable.text.contains(&b'=') {
            return Status::Error;
        }
        let known = |value: &Arg| if value.unknown { Value::Unknown } else { Value::Known(value.text.clone()) };
        let certain = script.conditions.certain();
        let variable = Arg { unknown: variable.unknown || !certain, ..variable };
        self.environment.set(&variable.text, if certain { value.as_ref().map(known) } else { Some(Value::Unknown) });
        self.step(Step::Environment(variable, value));
        self.rest(script, Kind::Normal);
        Status::Skip
    }

    /// `\t`, `\x` and `\timing`, which are turned where no word says how.
    fn switch(&mut self, script: &mut Script, name: &str) -> Status {
        if name == "t" {
            self.step(Step::Reshapes);
        }
        let word = self.argument(script, Kind::Normal, true);
        let taken = |word: &Arg| {
            word.unknown || boolean(&word.text).is_some() || (name == "x" && b"auto".starts_with(&word.text))
        };
        if word.is_some_and(|word| !taken(&word)) {
            return Status::Error;
        }
        Status::Skip
    }

    pub fn assign(&mut self, script: &Script, name: Option<Arg>, value: Value) {
        let Some(name) = name else { return };
        if name.unknown {
            self.variables.taint(b"");
        } else if script.conditions.certain() {
            self.variables.set(&name.text, value);
        } else {
            self.variables.set(&name.text, Value::Unknown);
        }
    }
}
