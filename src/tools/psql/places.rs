//! Commands that name a file, a folder or a server.

use super::copydata::{self, Lines};
use super::run::{Runner, Script, Status};
use super::slash::{Arg, Kind};
use super::steps::{Cursor, Include, Sent, Step};
use super::variables::boolean;

impl Runner<'_> {
    pub fn include_command(&mut self, script: &mut Script, source: &mut Cursor, name: &str) -> Status {
        let before = std::mem::replace(&mut self.doubtful, !script.conditions.certain());
        let status = self.include_named(script, source, name);
        self.doubtful = before;
        status
    }

    fn include_named(&mut self, script: &mut Script, source: &mut Cursor, name: &str) -> Status {
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
            let mut done = true;
            self.taking_lines(&script.origin, source, |runner, stdin| done = runner.rest_of_stdin(stdin));
            return if done { Status::Skip } else { Status::Error };
        }
        let path = normal(&self.expanded(arg).text);
        let relative = name.starts_with("ir") || name == "include_relative";
        // Beside the script by the name that psql has for it, and that from where `\cd` went (command.c, `process_file`).
        let name = if relative && !path.starts_with(b"/") { normal(&beside(&script.name, &path)) } else { path };
        let Some(path) = self.placed(&name) else {
            self.doubt("unread_content", "a script is included from a folder that is not known");
            self.step(Step::Reads(Arg { text: b"*".to_vec(), ..Arg::default() }));
            self.step(Step::SqlFromResult);
            return Status::Skip;
        };
        self.step(Step::Reads(Arg { text: path.clone(), ..Arg::default() }));
        if !self.pretending {
            self.includes.push(Include { origin: script.origin.clone(), place, path: path.clone() });
        }
        if self.include(&path, &name) { Status::Skip } else { Status::Error }
    }

    pub fn large_object(&mut self, script: &mut Script, name: &str) -> Status {
        let first = self.argument(script, Kind::Normal, true);
        let second = self.argument(script, Kind::Normal, true);
        match (name, first, second) {
            ("lo_import", Some(file), comment) => {
                let file = self.expanded(file);
                let placed = self.placed(&file.text);
                let unknown = file.unknown || placed.is_none();
                let file = Arg { text: placed.unwrap_or(file.text), unknown, ..Arg::default() };
                self.step(Step::Own("BEGIN".into()));
                self.step(Step::LargeObject("lo_import", Some(file)));
                if comment.is_some() {
                    self.step(Step::Own("COMMENT ON LARGE OBJECT 0 IS ''".into()));
                }
            }
            ("lo_export", Some(_), Some(file)) => {
                self.step(Step::Own("BEGIN".into()));
                self.output(Some(file));
            }
            ("lo_unlink", Some(_), _) => {
                self.step(Step::Own("BEGIN".into()));
                self.step(Step::LargeObject("lo_unlink", None));
            }
            _ => return Status::Error,
        }
        // With AUTOCOMMIT off the transaction stays open (large_obj.c, `finish_lo_xact`).
        match self.variables.switched_on(b"AUTOCOMMIT") {
            true => self.step(Step::Own("COMMIT".into())),
            false => self.transaction = true,
        }
        Status::Skip
    }

    pub fn connect(&mut self, script: &mut Script) -> Status {
        let mut words: Vec<Option<Arg>> = Vec::new();
        let mut reuse = None;
        while words.len() < 5 {
            let Some(arg) = self.argument(script, Kind::Name, true) else { break };
            if let (true, Some(value)) = (words.is_empty(), arg.text.strip_prefix(b"-reuse-previous=")) {
                if arg.unknown {
                    self.doubt(
                        "reuse_previous",
                        "whether \\connect keeps the rest of the connection is not in the text",
                    );
                }
                reuse = boolean(value);
                if reuse.is_none() && !arg.unknown {
                    return Status::Error;
                }
                continue;
            }
            let keeps = !arg.quoted && (arg.text.is_empty() || arg.text == b"-");
            words.push((!keeps).then_some(arg));
        }
        let mut words = words.into_iter();
        let mut next = || words.next().flatten();
        if std::mem::take(&mut self.escapes) {
            self.doubt("string_syntax", "whether \\connect changes where strings end is not in the text");
        }
        let maybe = !script.conditions.certain();
        self.step(Step::Connect { words: [next(), next(), next(), next()], reuse, maybe });
        Status::Skip
    }

    pub fn change_folder(&mut self, script: &mut Script) {
        let target = self.argument(script, Kind::Normal, true);
        let target = match target {
            None => self.home.clone(),
            Some(arg) if arg.unknown => None,
            Some(arg) => self.placed(&self.expanded(arg).text),
        };
        self.folder = target.filter(|_| script.conditions.certain());
    }

    pub fn copy(&mut self, script: &mut Script, source: &mut Cursor) -> Status {
        let Some(words) = self.argument(script, Kind::WholeLine, false) else { return Status::Error };
        let Some(copy) = copydata::copy_command(&words.text) else { return Status::Error };
        let takes = copy.takes_lines();
        // What psql makes of it is sent as a statement is (copy.c, `do_copy`).
        let sent = Sent { text: words.text, ..self.sending(Vec::new(), false) };
        self.step(Step::Copy(sent, self.folder.clone()));
        if !self.confirmed(&script.origin, source) {
            return Status::Skip;
        }
        if takes.is_some() && !script.query.is_empty() && !self.stops() {
            // The first line of the data would end the statement that was begun before.
            self.doubt("copy_data", "the data of a COPY would go on with a statement if the server refused the COPY");
        }
        match takes {
            Some(Lines::Script) => self.swallow(1, source),
            Some(Lines::Stdin) => self.taking_lines(&script.origin, source, |runner, source| runner.swallow(1, source)),
            None => {}
        }
        Status::Skip
    }

    /// `-o` and `-L` name a file as it is; `-o` may name a program, too.
    pub fn option_output(&mut self, word: &[u8], program: bool) {
        let step = match word.strip_prefix(b"|").filter(|_| program) {
            Some(command) => Step::Program(Arg { text: command.to_vec(), ..Arg::default() }),
            None if word.is_empty() => return,
            None => Step::Writes(Arg { text: word.to_vec(), ..Arg::default() }),
        };
        self.step(step);
    }

    /// A file or `|command`; nothing means standard output.
    pub fn output(&mut self, target: Option<Arg>) {
        let step = target.and_then(|arg| self.opened(arg));
        self.steps.extend(step);
    }

    pub fn opened(&self, arg: Arg) -> Option<Step> {
        if arg.text.starts_with(b"|") {
            return Some(Step::Program(Arg { text: arg.text[1..].to_vec(), ..arg }));
        }
        if arg.text.is_empty() {
            return None;
        }
        let arg = self.expanded(arg);
        let placed = self.placed(&arg.text);
        let unknown = arg.unknown || placed.is_none();
        Some(Step::Writes(Arg { text: placed.unwrap_or(arg.text), unknown, ..Arg::default() }))
    }

    pub fn expanded(&self, arg: Arg) -> Arg {
        match (arg.text.strip_prefix(b"~"), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with(b"/") => {
                Arg { text: [home, rest].concat(), ..arg }
            }
            _ => arg,
        }
    }

    /// The path from the work folder, wherever `\cd` went.
    pub fn placed(&self, path: &[u8]) -> Option<Vec<u8>> {
        if path.starts_with(b"/") {
            return Some(path.to_vec());
        }
        let folder = self.folder.as_ref()?;
        Some(if folder.is_empty() { path.to_vec() } else { [folder, &b"/"[..], path].concat() })
    }
}

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
