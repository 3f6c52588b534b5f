//! Columns of a table that psql prints, by their names: aligned (`a | b` over `---+---`), and CSV where the stream
//! begins with its header. A cell has no name beside it, so the header is remembered until the table ends.

use super::checks::Check;
use super::scan::Span;

/// The kind of a cell's mark.
const KIND: &str = "secret-column";

/// How the line under a header begins; even one letter's column has a blank on both sides.
const RULE: &[u8] = b"---";

/// Longest line that can be a header.
const HEADER: usize = 4 << 10;

/// What a column's name ends with when its cells are secrets.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pw",
    "pass",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "secret_key",
    "password_hash",
    "passwd_hash",
    "pw_hash",
    "credential",
    "credentials",
];

#[derive(Default)]
pub struct Tables {
    /// The last line, as long as it can be a header; `None` before the first.
    previous: Option<Vec<u8>>,
    inside: Option<Table>,
}

struct Table {
    divider: u8,
    secret: Vec<bool>,
}

impl Tables {
    /// Whether the next line may be a row with a secret in it.
    pub fn inside(&self) -> bool {
        self.inside.is_some()
    }

    /// Follows tables through whole lines; adds the cells that are secrets to the spans that were found.
    pub fn follow(&mut self, lines: &[u8], spans: &mut Vec<Span>) {
        let before = spans.len();
        let ruled = lines.starts_with(RULE) || memchr::memmem::find(lines, b"\n---").is_some();
        if !self.inside() && self.previous.is_some() && !ruled {
            let last = lines.strip_suffix(b"\n").unwrap_or(lines);
            let last = &last[memchr::memrchr(b'\n', last).map_or(0, |at| at + 1)..];
            self.remember(last);
            return;
        }
        let mut start = 0;
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            self.line(text, start, spans);
            self.remember(text);
            start += line.len();
        }
        if spans.len() > before {
            *spans = super::scan::merge(std::mem::take(spans));
        }
    }

    fn remember(&mut self, line: &[u8]) {
        let keep = line.len() <= HEADER;
        self.previous.get_or_insert_default().clear();
        if let Some(previous) = self.previous.as_mut().filter(|_| keep) {
            previous.extend_from_slice(line);
        }
    }

    fn line(&mut self, line: &[u8], start: usize, spans: &mut Vec<Span>) {
        if let Some(table) = &self.inside {
            match cells(line, table.divider) {
                cells if cells.len() == table.secret.len() => {
                    for (cell, _) in cells.iter().zip(&table.secret).filter(|(_, secret)| **secret) {
                        let text = &line[cell.0..cell.1];
                        if !text.is_empty() && Check::Real.holds(text, b"") {
                            let (start, end) = (start + cell.0, start + cell.1);
                            spans.push(Span { start, end, kind: KIND, silent: false });
                        }
                    }
                }
                _ => self.inside = None,
            }
            return;
        }
        let header = match &self.previous {
            Some(previous) if is_rule(line) => (previous.as_slice(), b'|'),
            None if line.len() <= HEADER && line.contains(&b',') => (line, b','),
            _ => return,
        };
        let secret: Vec<bool> = cells(header.0, header.1).iter().map(|cell| named(&header.0[cell.0..cell.1])).collect();
        if secret.contains(&true) {
            self.inside = Some(Table { divider: header.1, secret });
        }
    }
}

/// `----+-----`
fn is_rule(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.starts_with(RULE) && line.iter().all(|b| matches!(b, b'-' | b'+'))
}

/// Each cell's place, without the blanks (and psql's sign for a wrapped value) around it.
fn cells(line: &[u8], divider: u8) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    for cell in line.split(|b| *b == divider) {
        let left = cell.len() - cell.trim_ascii_start().len();
        let trimmed = cell.trim_ascii();
        let trimmed = trimmed.strip_suffix(b"+").filter(|_| divider == b'|').map_or(trimmed, <[u8]>::trim_ascii_end);
        out.push((start + left, start + left + trimmed.len()));
        start += cell.len() + 1;
    }
    out
}

/// Whether a column's name says that its cells are secrets.
fn named(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|ending| {
        name.strip_suffix(ending.as_bytes()).is_some_and(|rest| rest.last().is_none_or(|b| !b.is_ascii_alphanumeric()))
    })
}
