//! Elements and attributes of XML and HTML, by their names, and the cells of a table in HTML by its header.

use super::super::scan::Span;
use super::names::{Says, says};
use super::{NAMED, counts};

#[derive(Default)]
pub struct Elements {
    /// The last `<name>` or `<key>` named a secret.
    named: Option<Says>,
    /// The columns of a table in HTML, and the one whose cell comes next.
    header: Vec<Option<Says>>,
    column: usize,
    /// Inside a table of HTML.
    table: bool,
}

impl Elements {
    pub fn engaged(&self) -> bool {
        self.named.is_some() || self.table
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let mut from = 0;
        while let Some(open) = memchr::memchr(b'<', &line[from..]).map(|n| from + n) {
            let Some(close) = memchr::memchr(b'>', &line[open..]).map(|n| open + n) else { return };
            let tag = &line[open + 1..close];
            let end = memchr::memchr(b'<', &line[close..]).map_or(line.len(), |n| close + n);
            let name = tag.split(|b| b.is_ascii_whitespace() || *b == b'/').next().unwrap_or_default();
            let called = attributes(line, (open + 1 + name.len(), close), at, found);
            self.element((name, called), line, (close + 1, end), at, found);
            from = close + 1;
        }
    }

    /// An element of this name, or called so by an attribute, and the text behind its tag.
    fn element(
        &mut self,
        (name, called): (&[u8], Option<Says>),
        line: &[u8],
        (mut start, mut end): (usize, usize),
        at: usize,
        found: &mut Vec<Span>,
    ) {
        const CDATA: &[u8] = b"<![CDATA[";
        if start == end && line.get(end..).is_some_and(|rest| rest.starts_with(CDATA)) {
            start += CDATA.len();
            end = start + memchr::memmem::find(&line[start..], b"]]>").unwrap_or(line.len() - start);
        }
        let text = line.get(start..end).unwrap_or_default();
        let told = match name {
            b"table" => {
                self.header.clear();
                self.table = true;
                None
            }
            b"" if line[..start].ends_with(b"</table>") => {
                self.header.clear();
                self.table = false;
                None
            }
            b"tr" => {
                self.column = 0;
                None
            }
            b"th" => {
                // A header in a row of its own names columns; one before a cell names that cell.
                self.named = says(text.trim_ascii());
                self.header.resize(self.column, None);
                self.header.push(self.named);
                self.column += 1;
                None
            }
            b"td" => {
                let told = self.named.take().or_else(|| self.header.get(self.column).copied().flatten());
                self.column += 1;
                told
            }
            b"name" | b"key" => {
                self.named = says(text.trim_ascii());
                None
            }
            b"value" | b"string" if called.is_none() => self.named.take(),
            // `<entry key="db.password">…</entry>`; a text of a form may be called so as well.
            name => says(name.rsplit(|b| *b == b':').next().unwrap_or_default()).or(called.map(|_| Says::Likely)),
        };
        let left = text.len() - text.trim_ascii_start().len();
        let value = text.trim_ascii();
        // `Bearer <token>` of a manual is no element: nothing closes it.
        let closed = line[end..].starts_with(b"</")
            || line[end..].starts_with(b"]]>")
            || line.trim_ascii_start().starts_with(b"<") && !value.contains(&b' ');
        if told.is_some_and(|told| closed && value != b"&nbsp;" && counts(told, value, b"")) {
            let start = at + start + left;
            found.push(Span { start, end: start + value.len(), kind: NAMED, silent: false });
        }
    }
}

/// `key="DB_PASSWORD" value="…"` and `accessKey="…"`. What a name or a key says is given back.
fn attributes(line: &[u8], (mut from, end): (usize, usize), at: usize, found: &mut Vec<Span>) -> Option<Says> {
    let mut named = None;
    while let Some(equals) = line[from..end].iter().position(|b| *b == b'=').map(|n| from + n) {
        let name = line[from..equals].trim_ascii();
        let Some(quote @ (b'"' | b'\'')) = line.get(equals + 1) else { return named };
        let start = equals + 2;
        let Some(stop) = line[start..end].iter().position(|b| b == quote).map(|n| start + n) else { return named };
        let value = &line[start..stop];
        let told = match name {
            b"name" | b"key" => {
                named = says(value);
                None
            }
            b"value" => named,
            name => says(name),
        };
        if told.is_some_and(|told| counts(told, value, b"")) {
            found.push(Span { start: at + start, end: at + stop, kind: NAMED, silent: false });
        }
        from = stop + 1;
    }
    named
}
