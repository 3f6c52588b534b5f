//! Tables, by the names of their columns: what psql prints aligned (in each border and line style), expanded, unaligned
//! and as CSV, and what others print alike. A cell has no name beside it, so the header is kept until the table ends.

use super::super::checks::Check;
use super::super::scan::Span;
use super::names::{Says, says};
use super::{NAMED, counts};

/// The kind of a cell's mark.
const KIND: &str = "secret-column";
/// Longest line that can be a header.
const HEADER: usize = 4 << 10;

#[derive(Default)]
pub struct Rows {
    /// The last line, as long as it can be a header; `None` before the first.
    previous: Option<Vec<u8>>,
    table: Option<Table>,
    /// The last row of an expanded record named a secret: rows without a name continue it.
    record: Option<Says>,
}

struct Table {
    layout: Layout,
    columns: Vec<Column>,
    /// Columns called `key` and `value`: the one names the other.
    pair: Option<(usize, usize)>,
    /// An unfinished row of a CSV or of an unaligned table: in which column, and whether inside of quotes.
    inside: Option<(usize, bool)>,
}

struct Column {
    secret: bool,
    /// Where it stands in the ruled line, in characters.
    place: (usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Cells stand under the dashes of the ruled line.
    Ruled,
    /// Cells are divided by this byte.
    Divided(u8),
}

impl Rows {
    pub fn inside(&self) -> bool {
        self.table.is_some() || self.record.is_some()
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        if let Some(table) = &mut self.table {
            if table.row(line, at, found) {
                return;
            }
            self.table = None;
        }
        self.header(line);
        if self.table.is_none() {
            self.pair(line, at, found);
        }
        self.previous = Some(if line.len() <= HEADER { line.to_vec() } else { Vec::new() });
    }

    /// A line that tells nothing: only whether it was blank counts for the next.
    pub fn skip(&mut self, line: &[u8]) {
        let previous = self.previous.get_or_insert_default();
        previous.clear();
        previous.extend_from_slice(&line[..line.len().min(1)]);
    }

    /// Whether a table begins with this line.
    fn header(&mut self, line: &[u8]) {
        let places = ruled(line);
        if let Some(previous) = self.previous.as_ref().filter(|previous| !places.is_empty() && !previous.is_empty()) {
            self.table = Table::new(previous, Layout::Ruled, places);
            return;
        }
        if let Some(columns) = copied(line) {
            self.table = Table::new(&columns, Layout::Divided(b'\t'), Vec::new());
            return;
        }
        if self.previous.as_ref().is_none_or(|previous| previous.is_empty()) && line.len() <= HEADER {
            let divider = [b'|', b'\t', b';', b','].into_iter().find(|d| line.contains(d) && is_header(line, *d));
            self.table = divider.and_then(|divider| Table::new(line, Layout::Divided(divider), Vec::new()));
        }
    }

    /// A row of two cells, the first of which is a name: `api_key | …`, `password,…`.
    fn pair(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let record = self.record.take();
        let Some((name, value)) = two(line) else { return };
        let text = &line[value.0..value.1];
        let told = if line[name.0..name.1].is_empty() { record } else { says(&line[name.0..name.1]) };
        let Some(told) = told else { return };
        let goes_on = line[name.0..name.1].is_empty();
        if goes_on && !text.is_empty() || counts(told, text, b"") {
            found.push(Span { start: at + value.0, end: at + value.1, kind: NAMED, silent: false });
            self.record = Some(told);
        }
    }
}

impl Table {
    /// `None` where no column is of interest.
    fn new(header: &[u8], layout: Layout, places: Vec<(usize, usize)>) -> Option<Table> {
        let cells = match layout {
            Layout::Ruled => under(header, &places),
            Layout::Divided(divider) => divided(header, divider),
        };
        let name = |cell: &(usize, usize)| plain(&header[cell.0..cell.1]);
        let called = |names: &[&str]| {
            cells.iter().position(|cell| names.iter().any(|n| name(cell).eq_ignore_ascii_case(n.as_bytes())))
        };
        let pair = called(&["key", "name", "variable", "setting", "option", "parameter", "config_key"])
            .zip(called(&["value", "setting", "val", "config_value"]))
            .filter(|(a, b)| a != b);
        let place = |n: usize| places.get(n).copied().unwrap_or_default();
        let columns: Vec<Column> = cells
            .iter()
            .enumerate()
            .map(|(n, cell)| Column { secret: says(name(cell)).is_some(), place: place(n) })
            .collect();
        let any = columns.iter().any(|column| column.secret) || pair.is_some();
        any.then_some(Table { layout, columns, pair, inside: None })
    }

    /// Whether the line is still of the table.
    fn row(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) -> bool {
        let footer = line.starts_with(b"(") && line.ends_with(b")") || line == b"\\.";
        if self.inside.is_none() && (line.trim_ascii().is_empty() || footer) {
            return false;
        }
        match self.layout {
            Layout::Ruled => {
                if !ruled(line).is_empty() {
                    return true;
                }
                let places: Vec<_> = self.columns.iter().map(|column| column.place).collect();
                let cells = under(line, &places);
                self.cells(line, at, &cells, (0, false), found);
                !cells.is_empty()
            }
            Layout::Divided(divider) => {
                let (first, quoted) = self.inside.take().unwrap_or((0, false));
                let (cells, open) = quoted_cells(line, divider, quoted);
                let last = self.columns.len() - 1;
                let first = if first == 0 && !quoted && cells.len() == 1 && last > 0 { last } else { first };
                let more = first == last && last > 0;
                if first + cells.len() > self.columns.len() {
                    return false;
                }
                self.cells(line, at, &cells, (first, more || quoted), found);
                let reached = first + cells.len() - 1;
                if open || reached < last {
                    self.inside = Some((reached, open));
                }
                true
            }
        }
    }

    fn cells(
        &self,
        line: &[u8],
        at: usize,
        cells: &[(usize, usize)],
        (first, goes_on): (usize, bool),
        found: &mut Vec<Span>,
    ) {
        let named = self.pair.and_then(|(key, _)| cells.get(key)).and_then(|cell| says(&line[cell.0..cell.1]));
        for (n, (start, end)) in cells.iter().copied().enumerate() {
            let Some(column) = self.columns.get(first + n) else { return };
            let text = &line[start..end];
            let told = match (named, self.pair) {
                (Some(told), Some((_, value))) if value == n => counts(told, text, b""),
                _ => column.secret && Check::Real.holds(text, b""),
            };
            // The further lines of a cell may be short, as a key's last one.
            if told || column.secret && goes_on && n == 0 && !text.is_empty() {
                found.push(Span { start: at + start, end: at + end, kind: KIND, silent: false });
            }
        }
    }
}

/// A column's name without what AsciiDoc, troff and LaTeX put around it.
fn plain(name: &[u8]) -> &[u8] {
    let name = name.trim_ascii();
    let name = name.strip_prefix(b"\\fI").and_then(|name| name.strip_suffix(b"\\fP")).unwrap_or(name);
    let name = name.strip_prefix(b"\\textit{").map_or(name, |name| name.split(|b| *b == b'}').next().unwrap_or(name));
    name.strip_prefix(b"l|").unwrap_or(name)
}

/// Where the dashes of a ruled line stand, in characters: `----+---`, `+---+`, `├───┼───┤`, `--- ----`.
fn ruled(line: &[u8]) -> Vec<(usize, usize)> {
    let starts = |b: &u8| matches!(b, b'-' | b'+' | b'|' | 0xE2);
    let Some(text) = line.first().filter(|b| starts(b)).and_then(|_| std::str::from_utf8(line).ok()) else {
        return Vec::new();
    };
    let mut places = Vec::new();
    let mut start = None;
    for (n, c) in text.chars().chain([' ']).enumerate() {
        match c {
            '-' | '\u{2500}' | '\u{2550}' => {
                start.get_or_insert(n);
            }
            '+' | '|' | ' ' | ':' | '\u{2502}' | '\u{250C}' | '\u{2510}' | '\u{2514}' | '\u{2518}' | '\u{251C}'
            | '\u{2524}' | '\u{252C}' | '\u{2534}' | '\u{253C}' => places.extend(start.take().map(|s| (s, n))),
            _ => return Vec::new(),
        }
    }
    let wide = places.iter().any(|(a, b)| b - a >= 2);
    if wide { places } else { Vec::new() }
}

/// The cells of a line under the dashes. Where the line is divided as often, by its dividers: a character may be wider.
fn under(line: &[u8], places: &[(usize, usize)]) -> Vec<(usize, usize)> {
    for divider in ["|", "\u{2502}"] {
        let text = line.trim_ascii();
        let text = text.strip_prefix(divider.as_bytes()).unwrap_or(text);
        let offset = line.len() - line.trim_ascii_start().len() + (line.trim_ascii().len() - text.len());
        let text = text.strip_suffix(divider.as_bytes()).unwrap_or(text);
        let parts = split(text, divider.as_bytes(), offset);
        if parts.len() == places.len() && parts.len() > 1 {
            return parts.into_iter().map(|cell| bare(line, cell)).collect();
        }
    }
    let starts: Vec<usize> = std::str::from_utf8(line)
        .map(|text| text.char_indices().map(|(n, _)| n).collect())
        .unwrap_or_else(|_| (0..line.len()).collect());
    let byte = |n: usize| starts.get(n).copied().unwrap_or(line.len());
    places
        .iter()
        .enumerate()
        // The last column goes to the end of the line: its text may be wider than its dashes.
        .map(|(n, (a, b))| bare(line, (byte(*a), if n + 1 == places.len() { line.len() } else { byte(*b) })))
        .collect()
}

fn split(text: &[u8], by: &[u8], offset: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, by) {
        out.push((offset + start, offset + at));
        start = at + by.len();
    }
    out.push((offset + start, offset + text.len()));
    out
}

/// A cell without blanks, dividers and psql's signs for a value that goes on (`+`, `.`, `↵`, `…`).
fn bare(line: &[u8], (mut start, mut end): (usize, usize)) -> (usize, usize) {
    const GOES_ON: &[&[u8]] = &["\u{21B5}".as_bytes(), "\u{2026}".as_bytes(), "\u{2502}".as_bytes(), b"|"];
    loop {
        let text = &line[start..end];
        let blanks = text.len() - text.trim_ascii_start().len();
        if let Some(sign) = GOES_ON.iter().find(|sign| text.trim_ascii_start().starts_with(sign)) {
            start += blanks + sign.len();
            continue;
        }
        start += blanks;
        let text = line[start..end].trim_ascii_end();
        end = start + text.len();
        let sign = GOES_ON.iter().find(|sign| text.ends_with(sign)).map(|sign| sign.len());
        // `+` ends a secret as well; psql writes it behind the widest line of the cell, so it may be of neither.
        match sign.or_else(|| text.ends_with(b" +").then_some(1)) {
            Some(n) => end -= n,
            None => return (start, end),
        }
    }
}

fn divided(line: &[u8], divider: u8) -> Vec<(usize, usize)> {
    quoted_cells(line, divider, false).0
}

/// The cells of a row as RFC 4180 writes them, without quotes; and whether the last one is still open.
fn quoted_cells(line: &[u8], divider: u8, mut quoted: bool) -> (Vec<(usize, usize)>, bool) {
    let mut out = Vec::new();
    let mut start = 0;
    for (at, b) in line.iter().enumerate() {
        match b {
            b'"' if at == start && !quoted => quoted = true,
            b'"' if quoted => quoted = false,
            b'"' if at > start && line[at - 1] == b'"' && line[start] == b'"' => quoted = true,
            b if *b == divider && !quoted => {
                out.push(unquoted(line, (start, at)));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(unquoted(line, (start, line.len())));
    (out, quoted)
}

fn unquoted(line: &[u8], (start, end): (usize, usize)) -> (usize, usize) {
    let (start, end) = bare(line, (start, end));
    let text = &line[start..end];
    let left = usize::from(text.starts_with(b"\""));
    let right = usize::from(text.len() > left && text.ends_with(b"\""));
    (start + left, end - right)
}

/// Whether all cells are names.
fn is_header(line: &[u8], divider: u8) -> bool {
    // psql's unaligned tables have no blanks around the divider; a row of two names in an aligned one has.
    let blanks = divider == b'|' && memchr::memmem::find(line, b" |").is_some();
    !blanks
        && divided(line, divider).into_iter().all(|(start, end)| {
            let name = &line[start..end];
            !name.is_empty()
                && name.len() <= 63
                && !name[0].is_ascii_digit()
                && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.'))
        })
}

/// The columns of `COPY t (a, b) FROM stdin;`, which pg_dump writes.
fn copied(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.strip_prefix(b"COPY ")?;
    let open = line.iter().position(|b| *b == b'(')?;
    let close = open + line[open..].iter().position(|b| *b == b')')?;
    line[close..].starts_with(b") FROM stdin").then(|| {
        line[open + 1..close]
            .iter()
            .filter(|b| **b != b' ' && **b != b'"')
            .map(|b| if *b == b',' { b'\t' } else { *b })
            .collect()
    })
}

/// The two cells of a row, divided by `|` or `│` with blanks around, or by one sign alone.
fn two(line: &[u8]) -> Option<((usize, usize), (usize, usize))> {
    for divider in ["|", "\u{2502}", ",", ";", "\t"] {
        let inner = line.trim_ascii_end();
        let framed = inner.strip_prefix(divider.as_bytes()).and_then(|t| t.strip_suffix(divider.as_bytes()));
        let cells = match framed {
            Some(inner) => split(inner, divider.as_bytes(), divider.len()),
            None => split(inner, divider.as_bytes(), 0),
        };
        let &[name, value] = &cells[..] else { continue };
        let (name, value) = (bare(line, name), unquoted(line, value));
        let text = &line[name.0..name.1];
        let word = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if word && (divider == "|" || divider == "\u{2502}" || !text.is_empty()) {
            return Some((name, value));
        }
    }
    None
}
