//! The backslash commands: what each takes, and what it asks for (psql(1), "Meta-Commands").

use super::conditions::{Branch, Mark};
use super::run::{self, Runner, Script, Status};
use super::shape;
use super::slash::{self, Arg, Context, Kind};
use super::steps::{Cursor, Origin, Step};
use super::variables::{Value, boolean};
use super::version::Version;
use super::watch;

impl Runner<'_> {
    /// `\if` and its kin; `None` where the command is none of them.
    pub fn branch(&mut self, script: &mut Script, name: &str) -> Option<Status> {
        match name {
            "elif" | "else" if !script.conditions.takes_branch() => return Some(Status::Error),
            "if" => {
                let mark = script.mark();
                let truth = if script.conditions.active() { self.truth(script) } else { Some(false) };
                script.conditions.begin(truth, mark);
            }
            "elif" => {
                // psql evaluates the expression of every elif that it might take.
                let truth = if script.conditions.wants_next() { self.truth(script) } else { Some(false) };
                self.cut(script);
                script.conditions.otherwise(truth, script.mark());
            }
            "else" => {
                self.cut(script);
                script.conditions.otherwise(Some(true), script.mark());
                script.conditions.close_last();
            }
            "endif" => {
                self.cut(script);
                if !script.conditions.end() {
                    return Some(Status::Error);
                }
            }
            _ => return None,
        }
        Some(Status::Skip)
    }

    /// Where a branch ends that was not taken, the text gathered in it goes, and its parentheses (command.c,
    /// `discard_query_text`).
    fn cut(&mut self, script: &mut Script) {
        let Some(Branch { taken, mark }) = script.conditions.current() else { return };
        match taken {
            Some(true) => {}
            Some(false) => {
                script.query.truncate(mark.length);
                script.lexer.parentheses = mark.parentheses;
            }
            None if mark == Mark::default() && script.mark() == mark => {}
            None => {
                self.doubt("unknown_variable", "a statement goes through a branch that may not be taken");
                self.step(Step::SqlFromResult);
            }
        }
    }

    fn truth(&mut self, script: &mut Script) -> Option<bool> {
        let mut programs = Vec::new();
        let mut context = Context { variables: &self.variables, evaluate: true, programs: &mut programs };
        let mut words = Vec::new();
        while let Some(arg) = slash::argument(&mut script.lexer, Kind::Normal, false, &mut context) {
            words.push(arg);
        }
        self.steps.extend(programs.into_iter().map(Step::Program));
        if words.iter().any(|arg| arg.versioned) {
            return Some(false);
        }
        if words.iter().any(|arg| arg.unknown) {
            return None;
        }
        let text = words.iter().map(|arg| arg.text.as_slice()).collect::<Vec<_>>().join(&b' ');
        Some(boolean(&text).unwrap_or(false))
    }

    pub fn execute(&mut self, script: &mut Script, source: &mut Cursor, name: &str) -> Status {
        if self.piped_out(script, name) {
            return Status::Error;
        }
        match name {
            // A `-c` has no statement that could be edited or saved: psql complains.
            "e" | "edit" | "ef" | "ev" | "w" | "write" if matches!(script.origin, Origin::Argument(_)) => {
                return Status::Error;
            }
            "!" => {
                let command = self.argument(script, Kind::WholeLine, false).unwrap_or_default();
                self.step(Step::Program(command));
            }
            "c" | "connect" => {
                self.pipeline = Some(false);
                return self.connect(script);
            }
            "cd" => self.change_folder(script),
            "copy" => return self.copy(script, source),
            "prompt" => {
                // Its text stands before whatever is printed next, in the same line.
                self.step(Step::Reshapes);
                self.prompt(script, source);
            }
            "password" => self.password(script, source),
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
                script.whole = true;
                let status = self.sent_now(script, source);
                self.step(Step::SqlFromResult);
                return status;
            }
            "gdesc" => {
                // Described, not run.
                self.recall(script);
                self.confirmed(&script.origin, source);
                script.previous = std::mem::take(&mut script.query);
                script.lexer.reset();
                self.opens_transaction();
                self.step(Step::Catalog("\\gdesc".into()));
            }
            "crosstabview" | "watch" => {
                if name == "crosstabview" {
                    // Values become headings.
                    self.step(Step::Reshapes);
                }
                let words = self.rest(script, Kind::Normal);
                if name == "watch" && self.version.is_some_and(|version| watch::refused(&words, version)) {
                    script.query.clear();
                    script.lexer.reset();
                    return Status::Error;
                }
                self.recall(script);
                script.whole = name == "crosstabview";
                return if name == "watch" && script.query.is_empty() { Status::Error } else { Status::Send };
            }
            "bind" | "parse" | "bind_named" | "close_prepared" | "sendpipeline" | "startpipeline" | "endpipeline"
            | "syncpipeline" | "flush" | "flushrequest" | "getresults" => {
                return self.extended(script, name);
            }
            "restrict" | "unrestrict" => return self.restriction(script, name),
            "i" | "include" | "ir" | "include_relative" => return self.include_command(script, source, name),
            "o" | "out" | "w" | "write" => {
                let target = self.argument(script, Kind::FilePipe, true);
                if target.is_none() && name.starts_with('w') {
                    return Status::Error;
                }
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

    /// `\g [(options)] [file or |command]`.
    fn go(&mut self, script: &mut Script) -> Status {
        let mut target = self.argument(script, Kind::FilePipe, false);
        if target.as_ref().is_some_and(|arg| arg.text.starts_with(b"(")) {
            let mut taken = true;
            while let Some(option) = &target {
                let (name, value) = setting_of(option);
                taken &= option.unknown || name.is_empty() && value.is_none() || shape::accepted(name, value);
                if option.unknown || shape::reshapes(name, value) {
                    self.step(Step::Reshapes);
                }
                if option.text.ends_with(b")") {
                    break;
                }
                target = self.argument(script, Kind::Normal, false);
            }
            let ended = target.is_some();
            target = self.argument(script, Kind::FilePipe, false);
            if !ended || !taken {
                // The statement stays where it is, for what follows to be added.
                return Status::Error;
            }
        }
        self.recall(script);
        if let Some(target) = target.and_then(|arg| self.opened(arg)) {
            // What stands in the place of a variable may give rows.
            let text = if script.lexer.unknown { b"EXECUTE unknown".to_vec() } else { script.query.clone() };
            self.step(Step::IfRows(Box::new(target), text));
        }
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

    /// A command that no version has that we know, under ON_ERROR_STOP: whether the script goes on is not known.
    pub fn unknown_command(&mut self, script: &mut Script, name: &str) -> Status {
        self.discard(script, Kind::WholeLine);
        self.doubt("unknown_command", format!("\\{} is not known", run::shown(name.as_bytes())));
        Status::Skip
    }

    /// `\restrict KEY` and `\unrestrict KEY`.
    fn restriction(&mut self, script: &mut Script, name: &str) -> Status {
        if !self.knows(name, Version::restricts) {
            return Status::Error;
        }
        let Some(key) = self.argument(script, Kind::Normal, true) else { return Status::Error };
        if key.unknown || !script.conditions.certain() {
            self.doubt("unknown_command", format!("whether \\{name} takes hold is not in the text"));
            return Status::Skip;
        }
        match (name, &self.restricted) {
            ("restrict", _) => self.restricted = Some(key.text),
            (_, Some(held)) if *held == key.text => self.restricted = None,
            _ => return Status::Error,
        }
        Status::Skip
    }

    /// `\prompt [TEXT] NAME`: a line from the terminal, or else from standard input.
    fn prompt(&mut self, script: &mut Script, source: &mut Cursor) {
        let words = [self.argument(script, Kind::Normal, false), self.argument(script, Kind::Normal, false)];
        let mut value = Value::Unknown;
        self.taking_lines(&script.origin, source, |runner, source| {
            if let Some(line) = runner.answer(source) {
                value = Value::Known(line);
            }
        });
        self.assign(script, words.into_iter().flatten().last(), value);
    }

    /// `\password [USER]`: the new password twice, from the terminal or from standard input.
    fn password(&mut self, script: &mut Script, source: &mut Cursor) {
        if self.argument(script, Kind::Name, true).is_none() {
            self.step(Step::Own("SELECT CURRENT_USER".into()));
        }
        self.taking_lines(&script.origin, source, |runner, source| {
            runner.answer(source);
            runner.answer(source);
        });
        self.step(Step::Own("SHOW password_encryption".into()));
        self.step(Step::Password);
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

/// The name and value of an option in the parentheses of `\g (…)`.
fn setting_of(option: &Arg) -> (&[u8], Option<&[u8]>) {
    let text = option.text.strip_prefix(b"(").unwrap_or(&option.text);
    let text = text.strip_suffix(b")").unwrap_or(text);
    let at = text.iter().position(|b| *b == b'=');
    at.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])))
}
