//! psql's main loop without a server: walks scripts as psql would and says, step by step, what they ask for.
//!
//! Where only the server or a human knows how it goes on (`\if :x` of a queried x), both ways are walked. Both the
//! agent's side (to find the files a script includes) and the reading run it over the same bytes.

use super::conditions::{Branch, Conditions};
use super::script::{Lexer, Stop};
use super::slash::{self, Arg, Context, Kind};
use super::variables::{Value, Variables, boolean};

/// Scripts that include scripts: how deep we follow.
const DEEPEST: usize = 16;
/// More steps than this and the rest is a doubt.
const MOST_STEPS: usize = 200_000;

/// One thing a script asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// SQL for the server. `unknown` where a variable of unknown content stands in it as code; `copies` says how many
    /// of its statements were taken for a COPY that reads the script's next lines.
    Sql {
        text: Vec<u8>,
        unknown: bool,
        copies: usize,
    },
    /// `\gexec`: every cell of the result is SQL.
    SqlFromResult,
    /// The lines that a `COPY … FROM STDIN` would swallow, read as what they are if the server refuses that COPY.
    CopyData(Vec<Step>),
    /// psql starts a program.
    Program(Arg),
    Reads(Arg),
    Writes(Arg),
    /// `\c` with its four words (database, user, host, port), where given.
    Connect([Option<Arg>; 4]),
    /// `\copy`: the words after it.
    Copy(Vec<u8>),
    /// psql asks the catalogs (`\d`).
    Catalog(String),
    /// `\lo_import` and the like: a function that changes large objects.
    LargeObject(&'static str),
    /// `\password`.
    Password,
    /// `\setenv`.
    Environment(Arg),
    Doubt(&'static str, String),
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

    fn line(&mut self) -> Option<Vec<u8>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest);
        self.at += end.map_or(rest.len(), |end| end + 1);
        Some(rest[..end.unwrap_or(rest.len())].to_vec())
    }
}

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
    folder: Option<Vec<u8>>,
    /// psql 16 and later know `\bind`.
    pub knows_bind: bool,
    depth: usize,
    /// Walking what a refused COPY would leave behind.
    pretending: bool,
}

/// The state of one main loop.
struct Script {
    origin: Origin,
    /// Where the line being read begins in the origin's text.
    line_at: usize,
    query: Vec<u8>,
    previous: Vec<u8>,
    conditions: Conditions,
    lexer: Lexer,
}

enum Status {
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
            knows_bind: false,
            depth: 0,
            pretending: false,
        }
    }

    /// `-c` with SQL.
    pub fn query(&mut self, text: &[u8]) {
        let copies = super::copydata::copies_from_stdin(text);
        self.step(Step::Sql { text: text.to_vec(), unknown: false, copies });
        let mut stdin = std::mem::take(&mut self.stdin);
        self.swallow(copies, &mut stdin);
        self.stdin = stdin;
    }

    /// `-c` with one backslash command.
    pub fn command(&mut self, text: &[u8], index: usize) {
        let mut script = Script::new(Origin::Argument(index));
        let mut stdin = std::mem::take(&mut self.stdin);
        script.lexer.line(text);
        self.slash(&mut script, &mut stdin);
        self.stdin = stdin;
    }

    /// A psqlrc file.
    pub fn startup(&mut self, path: &[u8]) {
        self.step(Step::Reads(Arg { text: path.to_vec(), ..Arg::default() }));
        self.include(path);
    }

    /// `-f`: a script by its name in the word `index`, from wherever `\cd` went before.
    pub fn file(&mut self, name: &[u8], index: usize) {
        if name == b"-" {
            return self.standard_input();
        }
        let Some(path) = self.placed(name) else {
            return self.doubt("unread_content", "a script is read from a folder that is not known");
        };
        self.step(Step::Reads(Arg { text: path.clone(), ..Arg::default() }));
        self.named.push((index, path.clone()));
        self.include(&path);
    }

    /// Commands from standard input.
    pub fn standard_input(&mut self) {
        let mut stdin = std::mem::take(&mut self.stdin);
        self.main_loop(Script::new(Origin::Stdin), &mut stdin);
        self.stdin = stdin;
    }

    fn include(&mut self, path: &[u8]) {
        if self.depth >= DEEPEST {
            return self.doubt("too_deep", "scripts include scripts too deeply");
        }
        match self.files.script(path) {
            None => self.doubt("unread_content", format!("{} could not be read", shown(path))),
            Some((text, whole)) => {
                if !whole {
                    self.doubt("unread_content", format!("{} is too long to be read whole", shown(path)));
                }
                self.depth += 1;
                self.main_loop(Script::new(Origin::File(path.to_vec())), &mut Cursor::new(text));
                self.depth -= 1;
            }
        }
    }

    fn main_loop(&mut self, mut script: Script, source: &mut Cursor) {
        let mut first = true;
        loop {
            script.line_at = source.at;
            let Some(line) = source.line() else { break };
            if line.contains(&0) {
                return self.doubt("nul_byte", "a script holds a NUL byte");
            }
            let mark = if first && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            script.line_at += mark;
            let line = &line[mark..];
            if first && line.starts_with(b"PGDMP") {
                return;
            }
            first = false;
            if line.is_empty() && !script.lexer.in_quote() {
                continue;
            }
            if self.one_line(&mut script, line, source) {
                break;
            }
            if self.steps.len() > MOST_STEPS {
                return self.doubt("too_long", "a script does more than can be read");
            }
        }
        // What no semicolon ended is sent all the same, also after \q.
        if !script.query.is_empty() && script.conditions.active() {
            self.send(&mut script, source);
        }
    }

    /// True where the script ends here.
    fn one_line(&mut self, script: &mut Script, line: &[u8], source: &mut Cursor) -> bool {
        let mut newline_at = None;
        if !script.query.is_empty() {
            script.query.push(b'\n');
            newline_at = Some(script.query.len());
        }
        script.lexer.line(line);
        loop {
            let active = script.conditions.active();
            let stop = script.lexer.sql(&mut script.query, &self.variables, active);
            let ends_line = stop == Stop::EndOfLine;
            if stop == Stop::Semicolon || (ends_line && self.variables.switched_on(b"SINGLELINE")) {
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
                    Status::Terminate => return true,
                    Status::Skip | Status::Error => {}
                }
            }
            if ends_line {
                return false;
            }
        }
    }

    fn send(&mut self, script: &mut Script, source: &mut Cursor) {
        let unknown = std::mem::take(&mut script.lexer.unknown);
        let text = std::mem::take(&mut script.query);
        if text.iter().all(|b| b.is_ascii_whitespace() || *b == b';') {
            return;
        }
        let copies = super::copydata::copies_from_stdin(&text);
        self.step(Step::Sql { text: text.clone(), unknown, copies });
        script.previous = text;
        self.swallow(copies, source);
    }

    /// Takes the data of `copies` COPY FROM STDIN off the source.
    fn swallow(&mut self, copies: usize, source: &mut Cursor) {
        if copies == 0 || self.pretending {
            return;
        }
        let from = source.at;
        for _ in 0..copies {
            while let Some(line) = source.line() {
                if matches!(line.as_slice(), b"\\." | b"\\.\r") {
                    break;
                }
            }
        }
        if !self.variables.certainly_on(b"ON_ERROR_STOP") {
            self.pretend(&source.text[from..].to_vec(), source.at - from);
        }
    }

    /// If the server refuses the COPY, psql takes its data for commands: walk them as such. The data alone, and what
    /// follows it too where the data leaves a quote open.
    fn pretend(&mut self, rest: &[u8], data: usize) {
        let steps = std::mem::take(&mut self.steps);
        let (variables, folder) = (self.variables.clone(), self.folder.clone());
        self.pretending = true;
        let open = super::copydata::leaves_open(&rest[..data]);
        let end = if open { rest.len() } else { data };
        self.main_loop(Script::new(Origin::Stdin), &mut Cursor::new(rest[..end].to_vec()));
        self.pretending = false;
        (self.variables, self.folder) = (variables, folder);
        let found = std::mem::replace(&mut self.steps, steps);
        if !found.is_empty() {
            self.step(Step::CopyData(found));
        }
    }

    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn doubt(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.step(Step::Doubt(kind, detail.into()));
    }

    fn argument(&mut self, script: &mut Script, kind: Kind, strip: bool) -> Option<Arg> {
        let mut programs = Vec::new();
        let evaluate = script.conditions.active();
        let mut context = Context { variables: &self.variables, evaluate, programs: &mut programs };
        let arg = slash::argument(&mut script.lexer, kind, strip, &mut context);
        self.steps.extend(programs.into_iter().map(Step::Program));
        arg
    }

    fn rest(&mut self, script: &mut Script, kind: Kind) -> Vec<Arg> {
        std::iter::from_fn(|| self.argument(script, kind, false)).collect()
    }

    /// Words that psql throws away; backquotes in them are not run.
    fn discard(&mut self, script: &mut Script, kind: Kind) {
        let mut programs = Vec::new();
        let mut context = Context { variables: &self.variables, evaluate: false, programs: &mut programs };
        while slash::argument(&mut script.lexer, kind, false, &mut context).is_some() {}
    }

    fn slash(&mut self, script: &mut Script, source: &mut Cursor) -> Status {
        let name = slash::name(&mut script.lexer);
        let name = String::from_utf8(name).unwrap_or_default();
        let status = if self.branch(script, &name) {
            Status::Skip
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

    /// `\if` and its kin; true where the command is one of them.
    fn branch(&mut self, script: &mut Script, name: &str) -> bool {
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

    fn execute(&mut self, script: &mut Script, source: &mut Cursor, name: &str) -> Status {
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
                let text = words.into_iter().flat_map(|word| word.text).collect();
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
        let from_source = super::copydata::copy_command(&words.text).is_some_and(|copy| copy.from_source());
        self.step(Step::Copy(words.text));
        self.swallow(usize::from(from_source), source);
    }

    /// A file or `|command`; nothing means standard output.
    pub fn output(&mut self, target: Option<Arg>) {
        match target {
            None => {}
            Some(arg) if arg.text.starts_with(b"|") => {
                self.step(Step::Program(Arg { text: arg.text[1..].to_vec(), ..arg }));
            }
            Some(arg) if arg.text.is_empty() => {}
            Some(arg) => {
                let arg = self.expanded(arg);
                let placed = self.placed(&arg.text);
                let unknown = arg.unknown || placed.is_none();
                self.step(Step::Writes(Arg { text: placed.unwrap_or(arg.text), unknown, ..Arg::default() }));
            }
        }
    }

    pub fn encoding(&mut self, name: &Arg) {
        if name.unknown || super::unsafe_encoding(&name.text) {
            self.doubt("encoding", format!("client encoding {} changes where quotes end", shown(&name.text)));
        }
    }

    fn expanded(&self, arg: Arg) -> Arg {
        match (arg.text.strip_prefix(b"~"), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with(b"/") => {
                Arg { text: [home, rest].concat(), ..arg }
            }
            _ => arg,
        }
    }

    /// The path from the work folder, wherever `\cd` went.
    fn placed(&self, path: &[u8]) -> Option<Vec<u8>> {
        if path.starts_with(b"/") {
            return Some(path.to_vec());
        }
        let folder = self.folder.as_ref()?;
        Some(if folder.is_empty() { path.to_vec() } else { [folder, &b"/"[..], path].concat() })
    }
}

impl Script {
    fn new(origin: Origin) -> Self {
        Script {
            origin,
            line_at: 0,
            query: Vec::new(),
            previous: Vec::new(),
            conditions: Conditions::default(),
            lexer: Lexer::default(),
        }
    }

    /// Text gathered in a branch that was not taken goes.
    fn cut(&mut self) {
        if let Some(Branch { skipped: true, mark }) = self.conditions.current() {
            self.query.truncate(mark);
        }
    }
}

/// How psql throws away the arguments of a command it does not run.
fn inactive_kind(name: &str) -> Kind {
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
    "pset",
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

fn shown(bytes: &[u8]) -> String {
    crate::model::visible::line(bytes, 200)
}
