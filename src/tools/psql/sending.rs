//! What psql sends, and the lines of a script that are data: those of COPY, and answers to what psql asks.

use super::copydata::{self, copies_from_stdin, leaves_open};
use super::run::{Message, Runner, Script};
use super::steps::{Cursor, Origin, Sent, Step};
use super::variables::boolean;
use super::version::Version;

/// Data of COPY that is looked at as commands, in bytes, in all.
const MOST_PRETENDED: usize = 64 << 20;

impl Runner<'_> {
    /// SQL as the variables that psql heeds make it send it.
    pub fn sending(&mut self, text: Vec<u8>, certain: bool) -> Sent {
        let begins = !self.variables.switched_on(b"AUTOCOMMIT");
        self.transaction |= begins || opens_transaction(&text);
        // Outside of a transaction SET does not fail, and is not taken back.
        let set = conforming_strings(&text).filter(|_| certain && !self.transaction);
        self.escapes = set.map_or(self.escapes, |conforming| !conforming);
        let (saves, followed) = (self.variables.certainly_on(b"ON_ERROR_ROLLBACK"), set.is_some());
        Sent { text, begins, saves, followed, ..Sent::default() }
    }

    /// Whether psql declares a cursor for this: it looks for SELECT or VALUES behind blanks, comments and parentheses.
    /// Version 17 does it no more (its release notes).
    pub fn takes_cursor(&mut self, text: &[u8]) -> bool {
        let fetches = self.variables.number(b"FETCH_COUNT") > 0 && is_select(text);
        self.asks_version |= fetches;
        fetches && self.version.is_none_or(Version::declares)
    }

    /// Where psql opens a transaction and sends no statement in it.
    pub fn opens_transaction(&mut self) {
        let sent = self.sending(Vec::new(), false);
        self.step(Step::Sql(sent));
    }

    /// SINGLESTEP: psql takes two bytes of its standard input (common.c, `SendQuery`); an `x` there keeps it from sending.
    pub fn confirmed(&mut self, origin: &Origin, source: &mut Cursor) -> bool {
        if self.pretending || !self.variables.switched_on(b"SINGLESTEP") {
            return true;
        }
        self.asks_stdin = true;
        let mut sends = true;
        self.taking_lines(origin, source, |_, stdin| sends = stdin.two().is_none_or(|bytes| bytes[0] != b'x'));
        sends || !self.variables.certainly_on(b"SINGLESTEP")
    }

    pub fn send(&mut self, script: &mut Script, source: &mut Cursor) {
        let unknown = std::mem::take(&mut script.lexer.unknown);
        let whole = std::mem::take(&mut script.whole);
        let text = std::mem::take(&mut script.query);
        if !text.is_empty() && !self.confirmed(&script.origin, source) {
            script.previous = text;
            return;
        }
        let message = std::mem::take(&mut script.message);
        if message == Message::Named {
            self.step(Step::Own("EXECUTE prepared".into()));
            script.previous = text;
            return;
        }
        // What is prepared takes no data.
        let copies = if message == Message::Parsed { 0 } else { copies_from_stdin(&text) };
        let by_cursor = !whole && message == Message::None && self.takes_cursor(&text);
        let maybe = !script.conditions.certain();
        // What stands behind it in its line was cut before it was sent.
        let alone = script.lexer.sources.len() < 2 && script.lexer.rest().trim_ascii().is_empty();
        let sent = self.sending(text.clone(), alone && !maybe);
        let prepares = message == Message::Parsed;
        self.step(Step::Sql(Sent { unknown, copies, by_cursor, maybe, prepares, ..sent }));
        script.previous = text;
        self.swallow(copies, source);
    }

    /// Takes the data of `copies` COPY FROM STDIN off the source.
    pub fn swallow(&mut self, copies: usize, source: &mut Cursor) {
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
        self.maybe_commands(source, from);
    }

    /// The next line as what a human would answer, who is asked where there is a terminal: then the line is a command.
    pub fn answer(&mut self, source: &mut Cursor) -> Option<Vec<u8>> {
        let from = source.at;
        let line = source.line()?;
        if !self.pretending {
            self.pretend(&source.text[from..], source.at - from);
        }
        Some(line)
    }

    pub fn maybe_commands(&mut self, source: &Cursor, from: usize) {
        if !self.variables.certainly_on(b"ON_ERROR_STOP") {
            self.pretend(&source.text[from..], source.at - from);
        }
    }

    /// If the server refuses the COPY, psql takes its data for commands: walk them as such. The data alone, and what
    /// follows it too where the data leaves a quote open.
    pub fn pretend(&mut self, rest: &[u8], data: usize) {
        let steps = std::mem::take(&mut self.steps);
        let before = (self.variables.clone(), self.folder.clone(), self.restricted.clone());
        let strings = (self.escapes, self.transaction);
        self.pretending = true;
        let open = leaves_open(&rest[..data]);
        let end = if open { rest.len() } else { data };
        self.pretended += end;
        if self.pretended > MOST_PRETENDED {
            (self.pretending, self.steps) = (false, steps);
            return self.doubt("copy_data", "there is more data of COPY than can be looked at as commands");
        }
        self.main_loop(Script::new(Origin::Stdin), &mut Cursor::new(rest[..end].to_vec()));
        self.pretending = false;
        (self.variables, self.folder, self.restricted) = before;
        (self.escapes, self.transaction) = strings;
        let found = std::mem::replace(&mut self.steps, steps);
        if !found.is_empty() {
            self.step(Step::CopyData(found));
        }
    }
}

/// Whether one of the statements begins a transaction.
fn opens_transaction(text: &[u8]) -> bool {
    copydata::skeleton(text).split(|byte| *byte == b';').any(|statement| {
        let statement = statement.trim_ascii_start();
        statement.starts_with(b"begin") || statement.starts_with(b"start")
    })
}

/// What `SET standard_conforming_strings` says, where that is all there is.
fn conforming_strings(text: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase().replace('=', " = ");
    let mut words = text.trim_end_matches(|c: char| c == ';' || c.is_ascii_whitespace()).split_ascii_whitespace();
    let mut next = || words.next();
    let ("set", Some(word)) = (next()?, next()) else { return None };
    let name = if word == "session" { next()? } else { word };
    let ("standard_conforming_strings", "=" | "to", value, None) = (name, next()?, next()?, next()) else {
        return None;
    };
    let value = value.strip_prefix(" e").unwrap_or(value).trim_matches('\'');
    boolean(value.as_bytes())
}

/// psql's is_select_command.
fn is_select(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        if rest.starts_with(b"--") {
            rest = memchr::memchr(b'\n', rest).map_or(&[][..], |at| &rest[at..]);
        } else if rest.starts_with(b"/*") {
            rest = rest.get(copydata::comment(rest)..).unwrap_or_default();
        } else if let Some(inside) = rest.strip_prefix(b"(") {
            rest = inside;
        } else {
            break;
        }
    }
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    [&b"select"[..], b"values"].iter().any(|known| rest[..word].eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::super::variables::Variables;
    use super::*;

    struct NoFiles;

    impl super::super::steps::Files for NoFiles {
        fn script(&mut self, _path: &[u8]) -> Option<(Vec<u8>, bool)> {
            None
        }
    }

    /// What psql 18 sends, blanks around it and what is empty left out.
    fn sent(script: &str) -> Vec<String> {
        let mut files = NoFiles;
        let mut runner = Runner::new(&mut files, Variables::default(), script.into(), None);
        runner.version = Version::of(Some("18.1"));
        runner.standard_input();
        let text = |step: &Step| match step {
            Step::Sql(sent) if sent.prepares => {
                Some(format!("PREPARE {}", std::str::from_utf8(&sent.text).unwrap().trim_matches([' ', '\n', ';'])))
            }
            Step::Sql(sent) => Some(std::str::from_utf8(&sent.text).unwrap().trim_matches([' ', '\n', ';']).to_owned()),
            Step::Own(text) => Some(text.clone()),
            Step::Doubt(kind, _) => Some(format!("doubt {kind}")),
            _ => None,
        };
        runner.steps.iter().filter_map(text).filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn what_bind_named_names_runs_once_and_what_was_typed_does_not() {
        let script = "DELETE FROM t WHERE a = $1 \\parse p\n\\bind_named p 1 \\g\nSELECT 1;\n";
        assert_eq!(sent(script), ["PREPARE DELETE FROM t WHERE a = $1", "EXECUTE prepared", "SELECT 1"]);
        assert_eq!(
            sent("SELECT 1 \\bind_named x\n;\nSELECT 2 \\bind_named x \\bind\n;\n"),
            ["EXECUTE prepared", "SELECT 2"]
        );
        assert_eq!(sent("SELECT 1 \\parse\n;\nSELECT 2 \\parse z \\g\n"), ["SELECT 1", "PREPARE SELECT 2", "SELECT 2"]);
    }

    #[test]
    fn a_pipeline_takes_some_commands_and_a_message_goes_in_the_place_of_a_statement() {
        let script = "\\startpipeline\nSELECT 1 \\bind \\sendpipeline\nSELECT 2 \\g\n;\nSELECT 3 \\watch c=1\n;\n\
            SELECT 4 \\syncpipeline\n;\nSELECT 5 \\sendpipeline\n;\n\\endpipeline\n";
        assert_eq!(sent(script), ["SELECT 1", "SELECT 2", "SELECT 5"]);
        let script = "SELECT 6 \\bind \\sendpipeline\n;\nSELECT 7 \\close_prepared x\nSELECT 8 \\getresults x\n;\n\\startpipeline\n\\c\nSELECT 9 \\g\n";
        assert_eq!(sent(script), ["SELECT 6", "SELECT 8", "SELECT 9"]);
    }
}
