//! What a line before says of this one: the columns of an INSERT for its rows, a command that prints a secret for its
//! output.

use super::super::checks::Check;
use super::super::scan::Span;
use super::NAMED;
use super::counts;
use super::names::{Says, says};

/// `INSERT INTO t (a, password) VALUES (1, '…'), (2, '…');`, also with a row a line.
#[derive(Default)]
pub struct Statements {
    columns: Vec<Option<Says>>,
}

impl Statements {
    pub fn inside(&self) -> bool {
        !self.columns.is_empty()
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let mut from = 0;
        if let Some(insert) = word(line, 0, b"insert into").or_else(|| word(line, 0, b"replace into")) {
            self.columns.clear();
            let Some(open) = memchr::memchr(b'(', &line[insert..]).map(|n| insert + n + 1) else { return };
            let Some(close) = memchr::memchr(b')', &line[open..]).map(|n| open + n) else { return };
            let name = |name: &[u8]| {
                says(
                    name.trim_ascii()
                        .trim_ascii_end()
                        .strip_prefix(b"\"")
                        .unwrap_or(name.trim_ascii())
                        .split(|b| matches!(b, b'"' | b'`'))
                        .find(|n| !n.is_empty())
                        .unwrap_or_default(),
                )
            };
            self.columns = line[open..close].split(|b| *b == b',').map(name).collect();
            if self.columns.iter().all(Option::is_none) {
                self.columns.clear();
                return;
            }
            from = close + 1;
        } else if !self.inside() || !(line.trim_ascii_start().starts_with(b"(") || word(line, 0, b"values").is_some()) {
            self.columns.clear();
            return;
        }
        while let Some(open) = memchr::memchr(b'(', &line[from..]).map(|n| from + n + 1) {
            from = self.row(line, open, at, found);
        }
        if line.trim_ascii_end().ends_with(b";") {
            self.columns.clear();
        }
    }

    /// One row's values from behind its bracket on; where it ends.
    fn row(&self, line: &[u8], open: usize, at: usize, found: &mut Vec<Span>) -> usize {
        let (mut from, mut depth) = (open, 0);
        for told in self.columns.iter().map(Some).chain(std::iter::repeat(None)) {
            let start = from + line[from..].iter().take_while(|b| **b == b' ').count();
            let mut quoted = None;
            let mut end = start;
            while let Some(b) = line.get(end) {
                match (b, quoted) {
                    (b'\'', None) => quoted = Some(end + 1),
                    (b'\'', Some(_)) => {
                        if let (Some(Some(told)), Some(begin)) = (told, quoted)
                            && depth == 0
                            && counts(*told, &line[begin..end], b"")
                        {
                            found.push(Span { start: at + begin, end: at + end, kind: NAMED, silent: false });
                        }
                        quoted = None;
                    }
                    (b'\\', Some(_)) => end += 1,
                    (b'(', None) => depth += 1,
                    (b')', None) if depth > 0 => depth -= 1,
                    (b')', None) => return end + 1,
                    (b',', None) if depth == 0 => break,
                    _ => {}
                }
                end += 1;
            }
            if end >= line.len() {
                return line.len();
            }
            from = end + 1;
        }
        line.len()
    }
}

/// Where a word ends, in either case of letters.
fn word(line: &[u8], from: usize, text: &[u8]) -> Option<usize> {
    let first = [text[0], text[0].to_ascii_uppercase()];
    memchr::memchr2_iter(first[0], first[1], &line[from..])
        .map(|n| from + n)
        .find(|n| line.get(*n..*n + text.len()).is_some_and(|t| t.eq_ignore_ascii_case(text)))
        .map(|n| n + text.len())
}

/// Commands that print a secret and nothing else.
const ASKING: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"token",
    b"secret",
    b"credential",
    b"openssl rand",
    b"pwgen",
    b"pass show",
    b"pass ",
    b"api-key",
    b"apikey",
    b"access-key",
    b"jsonpath",
    b"base64 -d",
    b"base64 --decode",
    b"wg genkey",
    b"genpsk",
];

/// The line before is a command typed at a prompt that prints a secret: `$ pass show db`.
#[derive(Default)]
pub struct Asked(bool);

impl Asked {
    pub fn inside(&self) -> bool {
        self.0
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let text = line.trim_ascii();
        if std::mem::take(&mut self.0) && (Check::Key.holds(text, b"") || strong(text)) {
            let start = at + (line.len() - line.trim_ascii_start().len());
            found.push(Span { start, end: start + text.len(), kind: NAMED, silent: false });
        }
        let prompt = [&b"$ "[..], b"# ", b"% ", b"+ "].iter().any(|sign| line.starts_with(sign))
            || memchr::memmem::find(line, b"$ ").is_some_and(|n| n < 40 && line[..n].contains(&b'@'));
        let quiet = line.contains(&b'>') || line.ends_with(b"\\");
        self.0 = prompt && !quiet && ASKING.iter().any(|asking| word(line, 0, asking).is_some());
    }
}

/// One word, as long as a password and of as many kinds of signs.
fn strong(text: &[u8]) -> bool {
    let any = |is: fn(&u8) -> bool| text.iter().any(is);
    let kinds = [
        any(u8::is_ascii_lowercase),
        any(u8::is_ascii_uppercase),
        any(u8::is_ascii_digit),
        any(u8::is_ascii_punctuation),
    ];
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    text.len() >= 12
        && text.iter().all(u8::is_ascii_graphic)
        && !text.contains(&b'/')
        && !text.contains(&b':')
        && (kinds.iter().filter(|kind| **kind).count() > 2 || digits > 1 && kinds[0] && text.len() > 14)
        && Check::Random.holds(text, b"")
}
