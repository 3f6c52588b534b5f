//! psql's own lexer: where in a script a statement ends and a backslash command begins.
//!
//! It follows the rules of psql 15 (psqlscan.l, which in turn copies the server's), because what psql sends is decided
//! by these and not by the server's: a quote, a dollar quote, a nested comment or a parenthesis that psql sees
//! differently would move the border between two statements. Invariant: every byte is consumed exactly once.

use super::strings::{continuation, goes_on};
use super::variables::Variables;

/// Why [`Lexer::sql`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A semicolon ended the statement.
    Semicolon,
    /// A backslash: the name of a command follows.
    Backslash,
    EndOfLine,
}

/// What the lexer is inside of. It outlives a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    #[default]
    Plain,
    /// `/* */`; how many more are open.
    Comment(u32),
    /// `'…'`, also `b''` and `x''`.
    Quote { doubled: bool },
    /// `E'…'`: a backslash escapes.
    Escape,
    /// `"…"`.
    Identifier,
    /// `$tag$…$tag$`, with its dollars.
    Dollar(Vec<u8>),
}

/// A line, or the value of a variable that is being read in its place.
pub struct Source {
    pub variable: Option<Vec<u8>>,
    pub text: Vec<u8>,
    pub at: usize,
}

#[derive(Default)]
pub struct Lexer {
    state: State,
    pub sources: Vec<Source>,
    pub parentheses: u32,
    /// Inside `BEGIN … END` of a function's body in SQL (CREATE FUNCTION … BEGIN ATOMIC).
    bodies: u32,
    /// First letters of the words that may begin CREATE [OR REPLACE] FUNCTION.
    first_words: [u8; 4],
    words: usize,
    /// A variable of unknown content stands in the text as [`PLACEHOLDER`], where it may be any SQL.
    pub unknown: bool,
    /// Bytes of variables that were read in the place of their names.
    pub expanded: usize,
    /// A backslash escapes in plain strings, too: `standard_conforming_strings` is off. They become `E'…'` then, which
    /// says the same whatever the setting.
    pub escapes: bool,
}

impl Lexer {
    /// Takes the next line, without its newline. The state goes on.
    pub fn line(&mut self, text: &[u8]) {
        self.sources = vec![Source { variable: None, text: text.to_vec(), at: 0 }];
    }

    /// Whether an empty line would be a part of something.
    pub fn in_quote(&self) -> bool {
        self.state != State::Plain && !matches!(self.state, State::Comment(_))
    }

    /// Whether a statement, a quote or a parenthesis is still open.
    pub fn open(&self) -> bool {
        self.state != State::Plain || self.parentheses > 0 || self.bodies > 0
    }

    /// `psql_scan_reset`: after a statement was sent by `\g`, and after `\r`.
    pub fn reset(&mut self) {
        self.state = State::Plain;
        self.parentheses = 0;
        self.bodies = 0;
        self.words = 0;
    }

    /// Reads SQL into `out` up to what ends it. Variables are replaced while `expand`.
    pub fn sql(&mut self, out: &mut Vec<u8>, variables: &Variables, expand: bool) -> Stop {
        loop {
            if self.rest().is_empty() {
                if self.sources.len() > 1 {
                    self.sources.pop();
                    continue;
                }
                return Stop::EndOfLine;
            }
            match self.state.clone() {
                State::Plain => {
                    if let Some(stop) = self.plain(out, variables, expand) {
                        return stop;
                    }
                }
                State::Comment(depth) => self.comment(depth, out),
                State::Quote { doubled } => self.quoted(b'\'', doubled, out),
                State::Escape => self.escaped(out),
                State::Identifier => self.quoted(b'"', false, out),
                State::Dollar(tag) => self.dollar(&tag, out),
            }
        }
    }

    /// Where in the line the next byte stands; `None` inside a variable's value.
    pub fn position(&self) -> Option<usize> {
        match self.sources.as_slice() {
            [line] => Some(line.at.min(line.text.len())),
            _ => None,
        }
    }

    /// What is left of the source being read.
    pub fn rest(&self) -> &[u8] {
        self.sources.last().map_or(&[][..], |source| &source.text[source.at.min(source.text.len())..])
    }

    /// The same, after sources that are used up were left.
    pub fn rest_or_outer(&mut self) -> &[u8] {
        while self.sources.len() > 1 && self.rest().is_empty() {
            self.sources.pop();
        }
        self.rest()
    }

    pub fn skip(&mut self, count: usize) {
        if let Some(source) = self.sources.last_mut() {
            source.at += count;
        }
    }

    pub fn emit(&mut self, count: usize, out: &mut Vec<u8>) {
        let rest = self.rest();
        out.extend_from_slice(&rest[..count.min(rest.len())]);
        self.skip(count);
    }

    fn plain(&mut self, out: &mut Vec<u8>, variables: &Variables, expand: bool) -> Option<Stop> {
        let rest = self.rest();
        let second = rest.get(1).copied();
        match rest[0] {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => {
                let keep = !out.is_empty();
                let count = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)).count();
                if keep { self.emit(count, out) } else { self.skip(count) }
            }
            b'-' if second == Some(b'-') => {
                let count = rest.iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
                self.skip(count);
            }
            b'/' if second == Some(b'*') => {
                self.state = State::Comment(0);
                self.emit(2, out);
            }
            b'\'' if self.escapes => {
                if !goes_on(out) {
                    out.extend_from_slice(b" E");
                }
                self.enter(State::Escape, 1, out);
            }
            b'\'' => self.enter(State::Quote { doubled: true }, 1, out),
            b'"' => self.enter(State::Identifier, 1, out),
            b'$' => self.dollar_sign(out),
            b'(' => {
                self.parentheses += 1;
                self.emit(1, out);
            }
            b')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                self.emit(1, out);
            }
            b';' => {
                self.emit(1, out);
                if self.parentheses == 0 && self.bodies == 0 {
                    self.words = 0;
                    return Some(Stop::Semicolon);
                }
            }
            b'\\' => match second {
                Some(c @ (b';' | b':')) => {
                    if c == b';' {
                        self.words = 0;
                    }
                    self.skip(1);
                    self.emit(1, out);
                }
                _ => {
                    self.skip(1);
                    return Some(Stop::Backslash);
                }
            },
            b':' => self.colon(out, variables, expand),
            b'0'..=b'9' => self.number(out),
            c if starts_word(c) => self.word(out),
            _ => self.emit(1, out),
        }
        None
    }

    fn enter(&mut self, state: State, count: usize, out: &mut Vec<u8>) {
        self.state = state;
        self.emit(count, out);
    }

    fn comment(&mut self, depth: u32, out: &mut Vec<u8>) {
        let rest = self.rest();
        match (rest[0], rest.get(1)) {
            (b'/', Some(b'*')) => self.enter(State::Comment(depth + 1), 2, out),
            (b'*', Some(b'/')) => {
                self.enter(if depth == 0 { State::Plain } else { State::Comment(depth - 1) }, 2, out);
            }
            _ => self.emit(1, out),
        }
    }

    fn quoted(&mut self, quote: u8, doubled: bool, out: &mut Vec<u8>) {
        let rest = self.rest();
        match memchr::memchr(quote, rest) {
            None => self.emit(rest.len(), out),
            // A doubled quote is a quote inside; `b''` and `x''` do not know it, and read on the same way.
            Some(at) if rest.get(at + 1) == Some(&quote) && (doubled || quote == b'"') => self.emit(at + 2, out),
            Some(at) => {
                self.emit(at + 1, out);
                self.close(quote, out);
            }
        }
    }

    fn escaped(&mut self, out: &mut Vec<u8>) {
        let rest = self.rest();
        match (rest[0], rest.get(1)) {
            (b'\\', Some(_)) => self.emit(2, out),
            (b'\'', Some(b'\'')) => self.emit(2, out),
            (b'\'', _) => {
                self.emit(1, out);
                self.close(b'\'', out);
            }
            _ => self.emit(1, out),
        }
    }

    /// After the closing quote of a string: white space with a newline and another quote go on with the same string.
    /// Within one line a newline is a carriage return, or comes out of a variable.
    fn close(&mut self, quote: u8, out: &mut Vec<u8>) {
        let goes_on = (quote == b'\'').then(|| continuation(self.rest())).flatten();
        match goes_on {
            Some(count) => self.emit(count, out),
            None => self.state = State::Plain,
        }
    }

    fn dollar_sign(&mut self, out: &mut Vec<u8>) {
        let rest = self.rest();
        let name = match rest.get(1) {
            Some(c) if starts_word(*c) => rest[1..].iter().take_while(|c| variable_char(**c)).count(),
            _ => 0,
        };
        if rest.get(name + 1) == Some(&b'$') {
            let tag = rest[..name + 2].to_vec();
            let count = tag.len();
            self.enter(State::Dollar(tag), count, out);
        } else if rest.get(1).is_some_and(u8::is_ascii_digit) {
            let digits = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
            let junk = rest.get(1 + digits).is_some_and(|c| starts_word(*c));
            self.emit(1 + digits + usize::from(junk), out);
        } else {
            self.emit(1, out);
        }
    }

    fn dollar(&mut self, tag: &[u8], out: &mut Vec<u8>) {
        let rest = self.rest();
        match memchr::memmem::find(rest, tag) {
            None => self.emit(rest.len(), out),
            Some(at) => self.enter(State::Plain, at + tag.len(), out),
        }
    }

    fn number(&mut self, out: &mut Vec<u8>) {
        let rest = self.rest();
        let digits = |from: usize| rest[from.min(rest.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
        let mut count = digits(0);
        if rest.get(count) == Some(&b'.') && rest.get(count + 1) != Some(&b'.') {
            count += 1 + digits(count + 1);
        }
        if matches!(rest.get(count), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(count + 1), Some(b'+' | b'-')));
            let exponent = digits(count + 1 + sign);
            if exponent > 0 {
                count += 1 + sign + exponent;
            } else {
                count += 1 + sign;
            }
        } else if rest.get(count).is_some_and(|c| starts_word(*c)) {
            // "Trailing junk": psql 15 takes one letter with the number, so that `1E'…'` is no escape string.
            count += 1;
        }
        self.emit(count, out);
    }

    fn word(&mut self, out: &mut Vec<u8>) {
        let rest = self.rest();
        match (rest[0].to_ascii_lowercase(), rest.get(1), rest.get(2)) {
            (b'e', Some(b'\''), _) => return self.enter(State::Escape, 2, out),
            (b'b' | b'x', Some(b'\''), _) => return self.enter(State::Quote { doubled: false }, 2, out),
            (b'n', Some(b'\''), _) => return self.emit(1, out),
            (b'u', Some(b'&'), Some(b'\'')) => return self.enter(State::Quote { doubled: true }, 3, out),
            (b'u', Some(b'&'), Some(b'"')) => return self.enter(State::Identifier, 3, out),
            _ => {}
        }
        let count = rest.iter().take_while(|c| variable_char(**c) || **c == b'$').count();
        let word = rest[..count].to_ascii_lowercase();
        self.note(&word);
        self.emit(count, out);
    }

    /// psql's heuristic for function bodies in SQL, whose semicolons do not end the statement.
    fn note(&mut self, word: &[u8]) {
        if self.words == 0 {
            self.first_words = [0; 4];
        }
        if matches!(word, b"create" | b"function" | b"procedure" | b"or" | b"replace")
            && let Some(slot) = self.first_words.get_mut(self.words)
        {
            *slot = word[0];
        }
        self.words += 1;
        let creates = matches!(self.first_words, [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']);
        if !creates || self.parentheses > 0 {
            return;
        }
        match word {
            b"begin" => self.bodies += 1,
            b"case" if self.bodies > 0 => self.bodies += 1,
            b"end" => self.bodies = self.bodies.saturating_sub(1),
            _ => {}
        }
    }
}

/// Letters, digits, underscore and bytes above ASCII: what a variable's name is made of.
pub fn variable_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statements, `\` and the rest, each in brackets.
    fn cut(script: &str) -> String {
        let variables = Variables::default();
        let mut lexer = Lexer::default();
        let (mut shown, mut buffer) = (String::new(), Vec::new());
        for line in script.split('\n') {
            if !buffer.is_empty() {
                buffer.push(b'\n');
            }
            lexer.line(line.as_bytes());
            loop {
                match lexer.sql(&mut buffer, &variables, true) {
                    Stop::EndOfLine => break,
                    Stop::Semicolon => {
                        shown.push_str(&format!("[{}]", String::from_utf8(buffer.split_off(0)).unwrap()))
                    }
                    Stop::Backslash => shown.push('\\'),
                }
            }
        }
        shown + &String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_outside_of_everything() {
        for (script, expect) in [
            ("a;b;c", "[a;][b;]c"),
            ("'a;b';c", "['a;b';]c"),
            ("'a\\';b';c", "['a\\';]b';c"),
            ("E'a\\';b';c", "[E'a\\';b';]c"),
            ("'it''s;';c", "['it''s;';]c"),
            ("\"a;\"\"b;\";c", "[\"a;\"\"b;\";]c"),
            ("$$a;$$;$x$;$$;$x$;c", "[$$a;$$;][$x$;$$;$x$;]c"),
            ("a$$;b$$;", "[a$$;][b$$;]"),
            ("/* /* ; */ ; */ a;b", "[/* /* ; */ ; */ a;]b"),
            ("a -- ;\n;b", "[a \n;]b"),
            ("(a;b);c", "[(a;b);]c"),
            ("a\\;b;c", "[a;b;]c"),
            ("u&'\\';b", "[u&'\\';]b"),
            (
                "create function f() returns int begin atomic; case when 1 then 2 end; end; x;",
                "[create function f() returns int begin atomic; case when 1 then 2 end; end;][x;]",
            ),
            ("begin; x", "[begin;]x"),
            ("1E'\\';b", "[1E'\\';]b"),
            ("a::int;b[1:2];", "[a::int;][b[1:2];]"),
        ] {
            assert_eq!(cut(script), expect, "{script}");
        }
    }

    #[test]
    fn a_backslash_is_a_command_only_outside_of_quotes() {
        assert_eq!(cut("'\\!' \"\\!\" $$\\!$$ /*\\!*/"), "'\\!' \"\\!\" $$\\!$$ /*\\!*/");
        assert_eq!(cut("a \\!b"), "\\a !b");
        assert_eq!(cut("a -- \\! b"), "a ");
    }
}
