//! The backslash commands: what each takes, and what it asks for (psql(1), "Meta-Commands").

use super::copydata;
use super::run::{Runner, Script, Status};
use super::shape;
use super::slash::{self, Arg, Context, Kind};
use super::steps::{Cursor, Include, Origin, Step};
use super::variables::{Value, boolean};

impl Runner<'_> {
    /// `\if` and its kin; true where the command is one of them.
    pub fn branch(&mut self, script: &mut Script, name: &str) -> bool {
        match name {
            "if" => {
                let mark = script.query.len();
                let truth = if script.conditions.active() { self.truth(script) } else { Some(false) };
                script.conditions.begin(truth, mark);
            }
            "elif" => {
                // psql evaluates the expression of every elif that it might take.
                let truth = if script.conditions.wants_next() { self.truth(script) } else { Some(false) };
                script.cut();
                script.conditions.otherwise(truth, script.query.len());
            }
            "else" => {
                script.cut();
                script.conditions.otherwise(Some(true), script.query.len());
            }
            "endif" => {
                script.cut();
                script.conditions.end();
            }
            _ => return false,
        }
        true
    }

    fn truth(&mut self, script: &mut Script) -> Option<bool> {
        let mut programs = Vec::new();
        let mut context = Context { variables: &self.variables, evaluate: true, programs: &mut programs };
        let mut words = Vec::new();
        while let Some(arg) = slash::argument(&mut script.lexer, Kind::Normal, false, &mut context) {
            words.push(arg);
        }
        self.steps.extend(programs.into_iter().map(Step::Program));
        if words.iter().any(|arg| arg.unknown) {
            return None;
        }
        let text = words.iter().map(|arg| arg.text.as_slice()).collect::<Vec<_>>().join(&b' ');
        Some(boolean(&text).unwrap_or(false))
    }

    fn assign(&mut self, script: &Script, name: Option<Arg>, value: Value) {
        let Some(name) = name else { return };
        if name.unknown {
            self.variables.taint(b"");
        } else if script.conditions.certain() {
            self.variables.set(&name.text, value);
        } else {
            self.variables.set(&name.text, Value::Unknown);
        }
    }

    pub fn execute(&mut self, script: &mut Script, source: &mut Cursor, name: &str) -> Status {
        match name {
            "!" => {
                let command = self.argument(script, Kind::WholeLine, false).unwrap_or_default();
                self.step(Step::Program(command));
            }
            "c" | "connect" => self.connect(script),
            "cd" => self.change_folder(script),
            "copy" => self.copy(script, source),
            "e" | "edit" | "ef" | "ev" => {
                self.step(Step::Program(Arg { text: b"$EDITOR".to_vec(), ..Arg::default() }));
                self.step(Step::SqlFromResult);
                self.discard(script, Kind::WholeLine);
            }
            "g" | "gx" => return self.go(script),
            "gset" => {
                let prefix = self.argument(script, Kind::Normal, false).unwrap_or_default();
                self.recall(script);
                self.step(Step::Reshapes);
                // Taken by what follows; the statement itself was already read.
                let status = self.sent_now(script, source);
                self.variables.taint(if prefix.unknown { b"" } else { &prefix.text });
                return status;
            }
            "gexec" => {
                self.recall(script);
                let status = self.sent_now(script, source);
                self.step(Step::SqlFromResult);
                return status;
            }
            "gdesc" => {
                // Described, not run.
                self.recall(script);
                script.previous = std::mem::take(&mut script.query);
                script.lexer.reset();
                self.step(Step::Catalog("\\gdesc".into()));
            }
            "crosstabview" | "watch" => {
                self.rest(script, Kind::Normal);
                self.recall(script);
                return Status::Send;
            }
            "bind" if self.knows_bind => {
                self.rest(script, Kind::Normal);
            }
            "i" | "include" | "ir" | "include_relative" => return self.include_command(script, name),
            "o" | "out" | "w" | "write" => {
                let target = self.argument(script, Kind::FilePipe, true);
                self.output(target);
            }
            "s" => {
                let target = self.argument(script, Kind::Normal, true);
                self.output(target);
            }
            "q" | "quit" if script.conditions.certain() => return Status::Terminate,
            "r" | "reset" => {
                script.query.clear();
                script.lexer.reset();
            }
            _ => return self.setting(script, name),
        }
        Status::Skip
    }

    /// Commands that change psql itself, and those that ask the catalogs.
    fn setting(&mut self, script: &mut Script, name: &str) -> Status {
        match name {
            "set" => {
                let variable = self.argument(script, Kind::Normal, false);
                let words = self.rest(script, Kind::Normal);
                let unknown = words.iter().any(|word| word.unknown);
                let text: Vec<u8> = words.into_iter().flat_map(|word| word.text).collect();
                let unknown = unknown || text.len() > slash::LONGEST;
                self.assign(script, variable, if unknown { Value::Unknown } else { Value::Known(text) });
            }
            "unset" => {
                if let Some(variable) = self.argument(script, Kind::Normal, false) {
                    if script.conditions.certain() && !variable.unknown {
                        self.variables.unset(&variable.text);
                    } else {
                        self.variables.set(&variable.text, Value::Unknown);
                    }
                }
            }
            "pset" => {
                let words = self.rest(script, Kind::Normal);
                let mut texts = words.iter().map(|word| word.text.as_slice());
                let reshapes = shape::reshapes(texts.next().unwrap_or_default(), texts.next());
                if reshapes || words.iter().any(|word| word.unknown) {
                    self.step(Step::Reshapes);
                }
            }
            "prompt" => {
                let mut words = self.rest(script, Kind::Normal);
                self.assign(script, words.pop(), Value::Unknown);
            }
            "getenv" => {
                let variable = self.argument(script, Kind::Normal, false);
                self.assign(script, variable, Value::Unknown);
            }
            "setenv" => {
                if let Some(variable) = self.argument(script, Kind::Normal, false) {
                    self.step(Step::Environment(variable));
                }
                self.rest(script, Kind::Normal);
            }
            "encoding" => {
                if let Some(encoding) = self.argument(script, Kind::Normal, false) {
                    self.encoding(&encoding);
                }
            }
            "password" => {
                self.rest(script, Kind::Normal);
                self.step(Step::Password);
            }
            "lo_import" => {
                let file = self.argument(script, Kind::Normal, true);
                self.rest(script, Kind::Normal);
                if let Some(file) = file {
                    self.step(Step::Reads(self.expanded(file)));
                    self.step(Step::LargeObject("lo_import"));
                }
            }
            "lo_export" => {
                self.argument(script, Kind::Normal, true);
                let file = self.argument(script, Kind::Normal, true);
                self.output(file);
            }
            "lo_unlink" => {
                self.rest(script, Kind::Normal);
                self.step(Step::LargeObject("lo_unlink"));
            }
            "sf" | "sf+" | "sv" | "sv+" | "h" | "help" => {
                self.discard(script, Kind::WholeLine);
                self.step(Step::Catalog(format!("\\{name}")));
            }
            _ if asks_catalogs(name) => {
                self.rest(script, Kind::Normal);
                self.step(Step::Catalog(format!("\\{name}")));
            }
            _ if HARMLESS.contains(&name) => {
                self.rest(script, Kind::Normal);
            }
            // psql says "invalid command" and throws the rest of the line away. Another version may know it.
            _ => {
                if NEWER.contains(&name) {
                    self.doubt("unknown_command", format!("\\{name} is not known to every psql"));
                }
                return Status::Error;
            }
        }
        Status::Skip
    }

    /// `\g [(options)] [file or |command]`.
    fn go(&mut self, script: &mut Script) -> Status {
        let mut target = self.argument(script, Kind::FilePipe, false);
        if target.as_ref().is_some_and(|arg| arg.text.starts_with(b"(")) {
            while target.as_ref().is_some_and(|arg| !arg.text.ends_with(b")")) {
                target = self.argument(script, Kind::Normal, false);
            }
            target = self.argument(script, Kind::FilePipe, false);
        }
        self.output(target);
        self.recall(script);
        Status::Send
    }

    /// An empty buffer stands for the statement before.
    fn recall(&mut self, script: &mut Script) {
        if script.query.is_empty() {
            script.query = script.previous.clone();
        }
    }

    fn sent_now(&mut self, script: &mut Script, source: &mut Cursor) -> Status {
        self.send(script, source);
        script.lexer.reset();
        Status::Skip
    }

    fn include_command(&mut self, script: &mut Script, name: &str) -> Status {
        while script.lexer.rest_or_outer().first().is_some_and(u8::is_ascii_whitespace) {
            script.lexer.skip(1);
        }
        let from = script.lexer.position();
        let Some(arg) = self.argument(script, Kind::Normal, true) else { return Status::Error };
        let place = from.zip(script.lexer.position()).map(|(from, to)| (script.line_at + from, script.line_at + to));
        if arg.unknown {
            self.doubt("unknown_variable", "a script is included whose name is not known");
            self.step(Step::SqlFromResult);
            return Status::Skip;
        }
        if arg.text == b"-" {
            self.standard_input();
            return Status::Skip;
        }
        let path = normal(&self.expanded(arg).text);
        let relative = name.starts_with("ir") || name == "include_relative";
        let path = match &script.origin {
            Origin::File(from) if relative && !path.starts_with(b"/") => normal(&beside(from, &path)),
            _ => match self.placed(&path) {
                Some(path) => path,
                None => {
                    self.doubt("unread_content", "a script is included from a folder that is not known");
                    return Status::Skip;
                }
            },
        };
        self.step(Step::Reads(Arg { text: path.clone(), ..Arg::default() }));
        if !self.pretending {
            self.includes.push(Include { origin: script.origin.clone(), place, path: path.clone() });
        }
        self.include(&path);
        Status::Skip
    }

    fn connect(&mut self, script: &mut Script) {
        let mut words: Vec<Option<Arg>> = Vec::new();
        while words.len() < 5 {
            let Some(arg) = self.argument(script, Kind::Name, true) else { break };
            if words.is_empty() && arg.text.starts_with(b"-reuse-previous") {
                self.doubt("reuse_previous", "\\connect -reuse-previous is not followed");
                continue;
            }
            let keeps = !arg.quoted && (arg.text.is_empty() || arg.text == b"-");
            words.push((!keeps).then_some(arg));
        }
        let mut words = words.into_iter();
        let mut next = || words.next().flatten();
        self.step(Step::Connect([next(), next(), next(), next()]));
    }

    fn change_folder(&mut self, script: &mut Script) {
        let target = self.argument(script, Kind::Normal, true);
        let target = match target {
            None => self.home.clone(),
            Some(arg) if arg.unknown => None,
            Some(arg) => self.placed(&self.expanded(arg).text),
        };
        self.folder = target.filter(|_| script.conditions.certain());
    }

    fn copy(&mut self, script: &mut Script, source: &mut Cursor) {
        let Some(words) = self.argument(script, Kind::WholeLine, false) else { return };
        let from_source = copydata::copy_command(&words.text).is_some_and(|copy| copy.takes_lines());
        self.step(Step::Copy(words.text));
        self.swallow(usize::from(from_source), source);
    }
}

/// How psql throws away the arguments of a command it does not run.
pub fn inactive_kind(name: &str) -> Kind {
    match name {
        "!" | "copy" | "ef" | "ev" | "h" | "help" | "sf" | "sf+" | "sv" | "sv+" => Kind::WholeLine,
        "g" | "gx" | "o" | "out" | "w" | "write" => Kind::FilePipe,
        _ => Kind::Normal,
    }
}

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
    "t",
    "T",
    "timing",
    "warn",
    "x",
    "?",
    "q",
    "quit",
    "bind_named",
    "parse_named",
];

/// Commands of later versions that send something.
const NEWER: &[&str] = &[
    "bind",
    "bind_named",
    "parse",
    "close",
    "close_prepared",
    "startpipeline",
    "endpipeline",
    "sync",
    "syncpipeline",
    "sendpipeline",
    "flush",
    "flushrequest",
    "getresults",
    "restrict",
    "unrestrict",
];

/// A path as canonicalize_path writes it: no `.`, no doubled slash, `x/..` taken together.
pub fn normal(path: &[u8]) -> Vec<u8> {
    let absolute = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (absolute, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

fn beside(script: &[u8], path: &[u8]) -> Vec<u8> {
    match script.iter().rposition(|b| *b == b'/') {
        Some(at) => [&script[..=at], path].concat(),
        None => path.to_vec(),
    }
}
