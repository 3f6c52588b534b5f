//! psql's main loop without a server: walks scripts as psql would and says, step by step, what they ask for.
//!
//! Where only the server or a human knows how it goes on (`\if :x` of a queried x), both ways are walked. Both the
//! agent's side (to find the files a script includes) and the reading run it over the same bytes.

use std::collections::BTreeSet;

use super::commands::inactive_kind;
use super::conditions::{Conditions, Mark};
use super::copydata::copies_from_stdin;
use super::places;
use super::script::{Lexer, Stop};
use super::slash::{self, Arg, Context, Kind};
use super::steps::{Cursor, Files, Include, Origin, Sent, Step};
use super::strings::escaping;
use super::variables::{Environment, Variables};
use super::version::Version;

/// Scripts that include scripts: how deep we follow.
const DEEPEST: usize = 16;
/// And how many in all: one that includes itself twice doubles at each depth.
const MOST_INCLUDED: usize = 1000;
/// More steps than this and the rest is a doubt.
const MOST_STEPS: usize = 200_000;

pub struct Runner<'a> {
    pub files: &'a mut dyn Files,
    pub variables: Variables,
    pub steps: Vec<Step>,
    pub includes: Vec<Include>,
    /// The word of each `-f`, and the path of its script.
    pub named: Vec<(usize, Vec<u8>)>,
    pub stdin: Cursor,
    pub home: Option<Vec<u8>>,
    /// Where `\cd` went, relative to the work folder; `None` when nobody knows.
    pub folder: Option<Vec<u8>>,
    /// Which psql it is, where somebody said so.
    pub version: Option<Version>,
    /// A command was met of which only the version says whether psql knows it.
    pub asks_version: bool,
    /// Standard input was read as a script.
    pub asks_stdin: bool,
    /// Variables of the environment, where known; others of the names in `known_names` are not set.
    pub environment: Environment,
    /// Variables that a script asks for and of which nobody told anything.
    pub asks_variables: BTreeSet<Vec<u8>>,
    /// The key of `\restrict`: until it is given again, psql takes no other command.
    pub restricted: Option<Vec<u8>>,
    /// Standard input is being read as a script further out.
    lent: bool,
    /// What is read now is included in a branch of which nobody can tell whether it is taken.
    pub doubtful: bool,
    /// `standard_conforming_strings` is off.
    pub escapes: bool,
    /// A transaction may be open, which may take back what is set in it.
    pub transaction: bool,
    /// Statements go into a pipeline (18), which some commands do not; `None` where nobody can tell.
    pub pipeline: Option<bool>,
    depth: usize,
    included: usize,
    /// Walking what a refused COPY would leave behind.
    pub pretending: bool,
    /// Bytes that were walked as what a refused COPY would leave behind.
    pub pretended: usize,
}

/// The state of one main loop.
pub struct Script {
    pub origin: Origin,
    /// As psql opened it; empty for what is no file.
    pub name: Vec<u8>,
    /// Where the line being read begins in the origin's text.
    pub line_at: usize,
    pub query: Vec<u8>,
    pub previous: Vec<u8>,
    pub conditions: Conditions,
    pub lexer: Lexer,
    /// The next statement's rows are taken all at once, whatever FETCH_COUNT says: `\gexec`, `\crosstabview`.
    pub whole: bool,
    /// How what is sent next is sent.
    pub message: Message,
}

/// A message of the extended protocol that stands in the place of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Message {
    /// The statement is run as it is.
    #[default]
    None,
    /// `\bind`: it is run with values.
    Bound,
    /// `\parse`: it is prepared.
    Parsed,
    /// `\bind_named`: another is run, whatever has been typed.
    Named,
}

pub enum Status {
    Skip,
    Send,
    Error,
    Terminate,
}

impl<'a> Runner<'a> {
    pub fn new(files: &'a mut dyn Files, variables: Variables, stdin: Vec<u8>, home: Option<Vec<u8>>) -> Self {
        Runner {
            files,
            variables,
            steps: Vec::new(),
            includes: Vec::new(),
            named: Vec::new(),
            stdin: Cursor::new(stdin),
            home,
            folder: Some(Vec::new()),
            version: None,
            asks_version: false,
            asks_stdin: false,
            environment: Environment::default(),
            asks_variables: BTreeSet::new(),
            restricted: None,
            lent: false,
            doubtful: false,
            escapes: false,
            transaction: false,
            pipeline: Some(false),
            depth: 0,
            included: 0,
            pretending: false,
            pretended: 0,
        }
    }

    /// `-c` with SQL.
    pub fn query(&mut self, text: &[u8]) {
        let mut sends = true;
        self.with_stdin(|runner, stdin| sends = runner.confirmed(&Origin::Argument(0), stdin));
        if !sends {
            return;
        }
        let text = if self.escapes { escaping(text) } else { text.to_vec() };
        let copies = copies_from_stdin(&text);
        let by_cursor = self.takes_cursor(&text);
        let sent = self.sending(text, true);
        self.step(Step::Sql(Sent { copies, by_cursor, ..sent }));
        self.with_stdin(|runner, stdin| runner.swallow(copies, stdin));
    }

    /// `-c` with one backslash command; false where psql complains.
    pub fn command(&mut self, text: &[u8], index: usize) -> bool {
        let mut script = Script::new(Origin::Argument(index));
        script.lexer.line(text);
        let mut done = true;
        self.with_stdin(|runner, stdin| done = !matches!(runner.slash(&mut script, stdin), Status::Error));
        done
    }

    /// Lets something read psql's standard input.
    fn with_stdin(&mut self, read: impl FnOnce(&mut Self, &mut Cursor)) {
        let mut stdin = std::mem::take(&mut self.stdin);
        let before = std::mem::replace(&mut self.lent, true);
        read(self, &mut stdin);
        (self.lent, self.stdin) = (before, stdin);
    }

    /// Lines that psql takes off its standard input while it runs a script.
    pub fn taking_lines(&mut self, origin: &Origin, source: &mut Cursor, take: impl FnOnce(&mut Self, &mut Cursor)) {
        match origin {
            Origin::Stdin | Origin::Argument(_) => take(self, source),
            Origin::File(_) if self.lent => {
                self.doubt("copy_data", "a script takes lines of the script that includes it")
            }
            Origin::File(_) => self.with_stdin(take),
        }
    }

    /// Whether psql ends a script where a command of it fails.
    pub fn stops(&self) -> bool {
        self.variables.certainly_on(b"ON_ERROR_STOP")
    }

    /// Whether this psql knows a command. Where nobody can tell, `asks_version` says that it matters.
    pub fn knows(&mut self, name: &str, known: fn(Version) -> bool) -> bool {
        self.asks_version = true;
        match self.version {
            Some(version) => known(version),
            None => {
                self.doubt("unknown_command", format!("\\{name} is not known to every psql"));
                false
            }
        }
    }

    /// A psqlrc file.
    pub fn startup(&mut self, path: &[u8]) {
        self.step(Step::Reads(Arg { text: path.to_vec(), ..Arg::default() }));
        self.include(path, path);
    }

    /// `-f`: a script by its name in the word `index`, from wherever `\cd` went before. False where psql ended it early.
    pub fn file(&mut self, name: &[u8], index: usize) -> bool {
        if name == b"-" {
            return self.standard_input();
        }
        // As psql takes it apart before it opens it (command.c, `process_file`).
        let name = if name.is_empty() { Vec::new() } else { places::normal(name) };
        let Some(path) = self.placed(&name) else {
            self.doubt("unread_content", "a script is read from a folder that is not known");
            self.step(Step::Reads(Arg { text: b"*".to_vec(), ..Arg::default() }));
            self.step(Step::SqlFromResult);
            return true;
        };
        self.step(Step::Reads(Arg { text: path.clone(), ..Arg::default() }));
        self.named.push((index, path.clone()));
        self.include(&path, &name)
    }

    /// Commands from standard input.
    pub fn standard_input(&mut self) -> bool {
        let mut done = true;
        self.with_stdin(|runner, stdin| done = runner.rest_of_stdin(stdin));
        done
    }

    /// What is left of standard input, as a script.
    pub fn rest_of_stdin(&mut self, stdin: &mut Cursor) -> bool {
        self.asks_stdin = true;
        if self.depth >= DEEPEST {
            self.doubt("too_deep", "scripts include scripts too deeply");
            return true;
        }
        self.depth += 1;
        let done = self.main_loop(Script::new(Origin::Stdin), stdin);
        self.depth -= 1;
        done
    }

    /// `name` is what psql calls the script at `path`.
    pub fn include(&mut self, path: &[u8], name: &[u8]) -> bool {
        let mut done = true;
        if self.depth >= DEEPEST {
            self.doubt("too_deep", "scripts include scripts too deeply");
            return done;
        }
        self.included += 1;
        if self.included > MOST_INCLUDED {
            self.doubt("too_long", "scripts include more scripts than can be read");
            return done;
        }
        match self.files.script(path) {
            None => self.doubt("unread_content", format!("{} could not be read", shown(path))),
            Some((text, whole)) => {
                if !whole {
                    self.doubt("unread_content", format!("{} is too long to be read whole", shown(path)));
                }
                self.depth += 1;
                let script = Script { name: name.to_vec(), ..Script::new(Origin::File(path.to_vec())) };
                done = self.main_loop(script, &mut Cursor::new(text));
                self.depth -= 1;
            }
        }
        done
    }

    /// False where a command failed and psql went no further.
    pub fn main_loop(&mut self, mut script: Script, source: &mut Cursor) -> bool {
        script.conditions.doubtful = self.doubtful;
        let mut first = true;
        loop {
            script.line_at = source.at;
            let Some(line) = source.line() else { break };
            if line.contains(&0) {
                self.doubt("nul_byte", "a script holds a NUL byte");
                return true;
            }
            let mark = if first && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            script.line_at += mark;
            let line = &line[mark..];
            if first && line.starts_with(b"PGDMP") {
                return true;
            }
            first = false;
            if line.is_empty() && !script.lexer.in_quote() {
                continue;
            }
            match self.one_line(&mut script, line, source) {
                Status::Terminate => break,
                Status::Error => return false,
                Status::Skip | Status::Send => {}
            }
            if self.steps.len() > MOST_STEPS {
                self.doubt("too_long", "a script does more than can be read");
                return true;
            }
        }
        // What no semicolon ended is sent all the same, also after \q.
        if !script.query.is_empty() && script.conditions.active() {
            self.send(&mut script, source);
        }
        true
    }

    /// `Terminate` where the script ends here, `Error` where psql ends it.
    fn one_line(&mut self, script: &mut Script, line: &[u8], source: &mut Cursor) -> Status {
        // What is set within the line counts from the next one on.
        let stops = self.stops();
        let mut newline_at = None;
        if !script.query.is_empty() {
            script.query.push(b'\n');
            newline_at = Some(script.query.len());
        }
        script.lexer.escapes = self.escapes;
        script.lexer.line(line);
        loop {
            let active = script.conditions.active();
            let stop = script.lexer.sql(&mut script.query, &self.variables, active);
            let ends_line = stop == Stop::EndOfLine;
            // The end of a line sends no empty buffer, as a semicolon does (psqlscan.l, `psql_scan`).
            let typed = ends_line && !script.query.is_empty() && !script.lexer.open();
            let ends_statement = typed && self.variables.switched_on(b"SINGLELINE");
            if stop == Stop::Semicolon || ends_statement {
                if active {
                    self.send(script, source);
                }
                newline_at = None;
            } else if stop == Stop::Backslash {
                if newline_at == Some(script.query.len()) {
                    script.query.pop();
                }
                newline_at = None;
                match self.slash(script, source) {
                    Status::Send => {
                        self.send(script, source);
                        script.lexer.reset();
                    }
                    Status::Terminate => return Status::Terminate,
                    Status::Error if stops && script.conditions.certain() => return Status::Error,
                    Status::Skip | Status::Error => {}
                }
            }
            if ends_line {
                return Status::Skip;
            }
        }
    }

    pub fn step(&mut self, step: Step) {
        self.variables.sent |= matches!(step, Step::Sql(_) | Step::Copy(..));
        self.steps.push(step);
    }

    pub fn doubt(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.step(Step::Doubt(kind, detail.into()));
    }

    pub fn argument(&mut self, script: &mut Script, kind: Kind, strip: bool) -> Option<Arg> {
        let mut programs = Vec::new();
        let evaluate = script.conditions.active();
        let mut context = Context { variables: &self.variables, evaluate, programs: &mut programs };
        let arg = slash::argument(&mut script.lexer, kind, strip, &mut context);
        self.steps.extend(programs.into_iter().map(Step::Program));
        arg
    }

    pub fn rest(&mut self, script: &mut Script, kind: Kind) -> Vec<Arg> {
        std::iter::from_fn(|| self.argument(script, kind, false)).collect()
    }

    /// Words that psql throws away; backquotes in them are not run.
    pub fn discard(&mut self, script: &mut Script, kind: Kind) {
        let mut programs = Vec::new();
        let mut context = Context { variables: &self.variables, evaluate: false, programs: &mut programs };
        while slash::argument(&mut script.lexer, kind, false, &mut context).is_some() {}
    }

    fn slash(&mut self, script: &mut Script, source: &mut Cursor) -> Status {
        let name = slash::name(&mut script.lexer);
        let mut name = String::from_utf8(name).unwrap_or_default();
        // The one command whose letters may be of either case.
        if name.eq_ignore_ascii_case("copy") {
            name = "copy".to_owned();
        }
        let refused = self.restricted.is_some() && name != "unrestrict";
        let status = if refused {
            Status::Error
        } else if let Some(status) = self.branch(script, &name) {
            status
        } else if script.conditions.active() {
            self.execute(script, source, &name)
        } else {
            self.discard(script, inactive_kind(&name));
            Status::Skip
        };
        match status {
            Status::Error => self.discard(script, Kind::WholeLine),
            Status::Skip | Status::Send | Status::Terminate => self.discard(script, Kind::Normal),
        }
        slash::end(&mut script.lexer);
        status
    }

    pub fn encoding(&mut self, name: &Arg) {
        if name.unknown || super::unsafe_encoding(&name.text) {
            self.doubt("encoding", format!("client encoding {} changes where quotes end", shown(&name.text)));
        }
    }
}

impl Script {
    pub fn new(origin: Origin) -> Self {
        Script {
            origin,
            name: Vec::new(),
            line_at: 0,
            query: Vec::new(),
            previous: Vec::new(),
            conditions: Conditions::default(),
            lexer: Lexer::default(),
            whole: false,
            message: Message::None,
        }
    }

    /// How far the statement is.
    pub fn mark(&self) -> Mark {
        Mark { length: self.query.len(), parentheses: self.lexer.parentheses }
    }
}

pub fn shown(bytes: &[u8]) -> String {
    crate::model::visible::line(bytes, 200)
}
