//! `\copy` and `COPY … FROM STDIN`: whose data stands in the script itself.

use super::script::{Lexer, Stop};
use super::variables::Variables;

/// How many of the statements in `text` would take their data from the script.
pub fn copies_from_stdin(text: &[u8]) -> usize {
    let skeleton = skeleton(text);
    skeleton
        .split(|b| *b == b';')
        .filter(|statement| {
            let words: Vec<&[u8]> = statement.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).collect();
            words.first() == Some(&&b"copy"[..])
                && words.windows(2).any(|pair| pair[0] == b"from" && matches!(pair[1], b"stdin" | b"stdout"))
        })
        .count()
}

/// The text in lower case without comments, quoted parts and what stands in parentheses.
pub fn skeleton(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut depth = 0usize;
    while at < text.len() {
        let rest = &text[at..];
        let (taken, shown) = match rest {
            [b'\'', ..] => (quoted(rest, b'\''), b'_'),
            [b'"', ..] => (quoted(rest, b'"'), b'_'),
            [b'/', b'*', ..] => (comment(rest), b' '),
            [b'-', b'-', ..] => (rest.iter().take_while(|b| **b != b'\n').count(), b' '),
            [b'(', ..] => {
                depth += 1;
                (1, b' ')
            }
            [b')', ..] => {
                depth = depth.saturating_sub(1);
                (1, b' ')
            }
            [other, ..] => (1, other.to_ascii_lowercase()),
            [] => break,
        };
        if depth == 0 {
            out.push(shown);
        }
        at += taken;
    }
    out
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    rest[1..].iter().position(|b| *b == quote).map_or(rest.len(), |at| at + 2)
}

/// The length of the comment that begins here.
pub fn comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

/// Whether psql, reading this as commands, would still be inside of something at its end.
pub fn leaves_open(data: &[u8]) -> bool {
    let variables = Variables::default();
    let mut lexer = Lexer::default();
    let mut buffer = Vec::new();
    for line in data.split(|b| *b == b'\n') {
        lexer.line(line);
        while lexer.sql(&mut buffer, &variables, false) != Stop::EndOfLine {
            buffer.clear();
        }
    }
    lexer.open()
}

/// A `\copy`, taken apart as psql does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What is sent instead: `COPY … TO STDOUT …` or `COPY … FROM STDIN …`.
    pub sql: Vec<u8>,
    pub from: bool,
    pub end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    File(Vec<u8>),
    Program(Vec<u8>),
    /// `stdin` and `stdout`: the script's own lines, or the query output.
    Source,
    /// `pstdin` and `pstdout`: psql's own streams.
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    Script,
    Stdin,
}

impl Copy {
    /// From where lines of data are taken: the script's own, or psql's standard input.
    pub fn takes_lines(&self) -> Option<Lines> {
        match self.end {
            End::Source if self.from => Some(Lines::Script),
            End::Own if self.from => Some(Lines::Stdin),
            _ => None,
        }
    }
}

/// Takes the words after `\copy` apart; `None` where psql would complain.
pub fn copy_command(text: &[u8]) -> Option<Copy> {
    let mut words = Words { text, at: 0 };
    let mut before = Vec::new();
    let mut word = words.next(&NAMES)?;
    if word.eq_ignore_ascii_case(b"binary") {
        before.extend_from_slice(b"BINARY ");
        word = words.next(&NAMES)?;
    }
    let begin = words.at - word.len();
    if word == b"(" {
        let mut depth = 1;
        while depth > 0 {
            word = words.next(&QUERY)?;
            depth = match word {
                b"(" => depth + 1,
                b")" => depth - 1,
                _ => depth,
            };
        }
        word = words.next(&NAMES)?;
    } else {
        word = words.next(&NAMES)?;
        if word == b"." {
            words.next(&NAMES)?;
            word = words.next(&NAMES)?;
        }
        if word == b"(" {
            while word != b")" {
                word = words.next(&COLUMNS)?;
            }
            word = words.next(&NAMES)?;
        }
    }
    let from = word.eq_ignore_ascii_case(b"from");
    if !from && !word.eq_ignore_ascii_case(b"to") {
        return None;
    }
    before.extend_from_slice(&text[begin..words.at - word.len()]);
    let target = words.next(&TARGET)?;
    let end = if target.eq_ignore_ascii_case(b"program") {
        let command = words.next(&TARGET)?;
        End::Program(unquoted(command)?)
    } else if target.eq_ignore_ascii_case(b"stdin") || target.eq_ignore_ascii_case(b"stdout") {
        End::Source
    } else if target.eq_ignore_ascii_case(b"pstdin") || target.eq_ignore_ascii_case(b"pstdout") {
        End::Own
    } else {
        End::File(unquoted(target).unwrap_or_else(|| target.to_vec()))
    };
    let direction: &[u8] = if from { b" FROM STDIN " } else { b" TO STDOUT " };
    let sql = [b"COPY ", before.as_slice(), direction, &text[words.at..]].concat();
    Some(Copy { sql, from, end })
}

fn unquoted(word: &[u8]) -> Option<Vec<u8>> {
    let inner = word.strip_prefix(b"'")?.strip_suffix(b"'")?;
    let mut out = Vec::new();
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\'' => out.extend(bytes.next()),
            byte => out.push(byte),
        }
    }
    Some(out)
}

/// What cuts words (psql's strtokx): delimiters are words of their own, quotes hold a word together.
struct Cut {
    delimiters: &'static [u8],
    quotes: &'static [u8],
    /// `E'…'` is one word, and a backslash escapes in it.
    escapes: bool,
}

const NAMES: Cut = Cut { delimiters: b".,()", quotes: b"\"", escapes: false };
const COLUMNS: Cut = Cut { delimiters: b"()", quotes: b"\"", escapes: false };
const QUERY: Cut = Cut { delimiters: b"()", quotes: b"\"'", escapes: true };
const TARGET: Cut = Cut { delimiters: b";", quotes: b"'", escapes: false };

struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    /// The next word, in its quotes.
    fn next(&mut self, cut: &Cut) -> Option<&'a [u8]> {
        let text = self.text;
        let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        while text.get(self.at).is_some_and(space) {
            self.at += 1;
        }
        let begin = self.at;
        let first = text.get(begin)?;
        let escaped = cut.escapes && matches!(first, b'e' | b'E') && text.get(begin + 1) == Some(&b'\'');
        if cut.delimiters.contains(first) {
            self.at += 1;
        } else if escaped || cut.quotes.contains(first) {
            self.at += usize::from(escaped);
            self.quoted(escaped);
        } else {
            let ends = |b: &u8| space(b) || cut.delimiters.contains(b) || cut.quotes.contains(b);
            while text.get(self.at).is_some_and(|b| !ends(b)) {
                self.at += 1;
            }
        }
        Some(&text[begin..self.at])
    }

    fn quoted(&mut self, escaped: bool) {
        let quote = self.text.get(self.at);
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            let next = self.text.get(self.at);
            if escaped && *byte == b'\\' && next.is_some() {
                self.at += 1;
            } else if Some(byte) == quote {
                if next != quote {
                    break;
                }
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_in_the_script_belongs_to_the_copy_that_asks_for_it() {
        assert_eq!(copies_from_stdin(b"COPY t (a, b) FROM /* x */ STDIN WITH (FORMAT csv);"), 1);
        assert_eq!(copies_from_stdin(b"COPY t FROM 'stdin'; SELECT 'copy t from stdin'"), 0);
        assert_eq!(copies_from_stdin(b"COPY (SELECT 1 FROM stdin) TO STDOUT"), 0);
    }

    #[test]
    fn a_client_side_copy_becomes_what_the_server_sees() {
        for (text, sql, from, end) in [
            ("users to users.csv csv", "COPY users  TO STDOUT  csv", false, End::File(b"users.csv".to_vec())),
            (
                "(delete from u returning *) to 'o''x'",
                "COPY (delete from u returning *)  TO STDOUT ",
                false,
                End::File(b"o'x".to_vec()),
            ),
            (
                "s.t(a,b) from program 'cat x' csv",
                "COPY s.t(a,b)  FROM STDIN  csv",
                true,
                End::Program(b"cat x".to_vec()),
            ),
            ("t from stdin", "COPY t  FROM STDIN ", true, End::Source),
            ("t from stdin;", "COPY t  FROM STDIN ;", true, End::Source),
            (r"(select E'\') to') to f", r"COPY (select E'\') to')  TO STDOUT ", false, End::File(b"f".to_vec())),
            ("\"T x\" to pstdout", "COPY \"T x\"  TO STDOUT ", false, End::Own),
        ] {
            let copy = copy_command(text.as_bytes()).unwrap();
            assert_eq!(
                (String::from_utf8(copy.sql).unwrap().as_str(), copy.from, copy.end),
                (sql, from, end),
                "{text}"
            );
        }
        assert_eq!(copy_command(b"users"), None);
    }
}
