//! Columns that operators list, in what psql prints as its usual table or as records. Nobody but the operator knows what they
//! hold, so nothing that stands beside a value or before a table may lead away from it: where it cannot be told which cells
//! are of a listed column, all of them are masked.

use super::super::super::scan::Span;
use super::super::cells::{divided_as, divider, named, ruled};
use super::{Layout, Rows, Table};

/// Where the first divider of a row stands at most: behind a name of 63 bytes, as psql pads it.
const FIRST_DIVIDER: usize = 256;

impl Rows {
    /// What operators list is told first, whatever table the lines before seem to have begun: a script may have printed
    /// them. Whether this is a row of a record with such a column, and whether a table with one begins.
    pub(super) fn own_line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) -> (bool, bool) {
        if self.own.is_empty() {
            return (false, false);
        }
        (self.own_row(line, at, found), self.own_header(line))
    }

    /// A line of no text: what others may read into it does not count, what operators list does.
    pub fn no_text(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let (_, begins) = self.own_line(line, at, found);
        if self.own.is_empty() {
            return self.skip(line);
        }
        if !begins && self.table.as_mut().is_some_and(|table| table.has_own() && !table.row(line, at, found)) {
            self.table = None;
        }
        self.previous = Some(line.to_vec());
    }

    /// Whether a line that begins so may be a row of psql's in which a listed column stands.
    pub fn may_be_row(&self, line: &[u8]) -> bool {
        let head = &line[..line.len().min(FIRST_DIVIDER)];
        let divided = || ["|", "\u{2502}"].iter().any(|sign| memchr::memmem::find(head, sign.as_bytes()).is_some());
        self.has_own() && (matches!(line.first(), Some(b' ' | b'-' | b'+' | 0xE2)) || divided())
    }

    /// A line too long to be held begins so. Where it may be such a row, all of it is masked, as the kind that is given back,
    /// and so are the rows below it.
    pub fn too_long(&mut self, line: &[u8]) -> Option<&'static str> {
        let kind = self.own.first().map(|(_, kind)| *kind).filter(|_| self.may_be_row(line))?;
        self.table = Some(Table::whole(kind));
        Some(kind)
    }

    /// A row of a record of which operators list the column. All behind the first divider is the value.
    fn own_row(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) -> bool {
        let before = self.record_own.take();
        self.records = begins_record(line) || self.records && !line.is_empty();
        if !self.records {
            return false;
        }
        let Some((name, value)) = named(line) else { return false };
        let listed = own_kind(&self.own, &line[name.0..name.1]);
        let Some(kind) = listed.or(before.filter(|_| name.0 == name.1)) else { return false };
        if value.0 < value.1 {
            found.push(Span { start: at + value.0, end: at + value.1, kind, silent: false });
        }
        (self.record, self.keyed) = (None, None);
        self.record_own = Some(kind);
        true
    }

    /// Whether the line is the rule below a header in which a listed name stands. Where it cannot be told which column that
    /// is, or a table with a listed column has begun already, all of it is masked.
    fn own_header(&mut self, line: &[u8]) -> bool {
        let places = ruled(line);
        let Some(previous) = self.previous.as_ref().filter(|_| !places.is_empty()) else { return false };
        let (mentions, kind) = mentioned(&self.own, previous);
        let Some(kind) = kind else { return false };
        let (count, divider) = (places.len(), divider(line));
        let table = Table::new(previous, Layout::Ruled(divider), places, self.pii, &self.own);
        let named = table.iter().flat_map(|table| &table.columns).filter(|column| column.own.is_some()).count();
        let is_clear = named == mentions && divided_as(previous, count, divider);
        let alone = !self.table.as_ref().is_some_and(Table::has_own);
        self.table = table.filter(|_| is_clear && alone).or_else(|| Some(Table::whole(kind)));
        true
    }
}

/// `-[ RECORD 1 ]---`, in each border and line style.
fn begins_record(line: &[u8]) -> bool {
    let frame = |b: &u8| matches!(b, b'-' | b'+') || !b.is_ascii();
    memchr::memmem::find(line, b"[ RECORD ").is_some_and(|at| line[..at].iter().all(frame))
}

/// How often listed names stand in a line, as words, and the kind of one of them.
fn mentioned(own: &[(String, &'static str)], line: &[u8]) -> (usize, Option<&'static str>) {
    let line = line.to_ascii_lowercase();
    let joins = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii());
    let mut found = (0, None);
    for (name, kind) in own {
        for at in memchr::memmem::find_iter(&line, name.as_bytes()) {
            // The divider of the other style is no letter.
            let before = line[..at].strip_suffix("\u{2502}".as_bytes()).map_or(line[..at].last(), |_| None);
            let behind = &line[at + name.len()..];
            if !joins(before) && (!joins(behind.first()) || behind.starts_with("\u{2502}".as_bytes())) {
                found = (found.0 + 1, Some(*kind));
            }
        }
    }
    found
}

/// The kind of a column that an operator lists.
pub(super) fn own_kind(own: &[(String, &'static str)], name: &[u8]) -> Option<&'static str> {
    own.iter().find(|(column, _)| name.eq_ignore_ascii_case(column.as_bytes())).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use crate::model::{Column, Find, Masking, OwnRule, Raw};
    use crate::redact::{Redactor, Settings};

    /// Printed by psql where operators list `*.nick`, cut into chunks of this size with a pause after each.
    fn printed(text: &str, chunk: usize) -> String {
        let find = Find::Column(Column::new("*.nick").unwrap());
        let rule = OwnRule { id: "nick".to_owned(), set: "pii".to_owned(), find };
        let masking = Masking { rules: vec![rule], ..Masking::default() };
        let mut redactor = Redactor::with(&Settings { sets: &["pii".to_owned()], secrets: &[] }, &masking).unwrap();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(chunk) {
            out.extend(redactor.push(Raw(piece.to_vec())).into_vec());
            out.extend(redactor.idle().into_vec());
        }
        out.extend(redactor.end().into_vec());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_listed_column_is_masked_whatever_stands_beside_it() {
        let pad = "x".repeat(5_000);
        let long = "x".repeat(200_000);
        for table in [
            // Nothing in a row is no end of the table.
            " nick \n------\n \n Zorro\n(2 rows)\n\n".to_owned(),
            // A divider in a value, and characters of two columns.
"         w         | nick  | z \n-------------------+-------+---\n 日本日本日本日本| | Zorro | 1\n".to_owned(),
            " w  | nick \n----+-------\n a| | Zorro\n(1 row)\n\n".to_owned(),
            // A value that looks like an end.
            " (    | nick  | ) \n------+-------+---\n (    | Zorro | )\n".to_owned(),
            format!(" {pad} | nick \n-{}-+------\n {pad} | Zorro\n(1 row)\n\n", "-".repeat(5_000)),
            // A header that is too long to be held, above rows that are not.
            format!(
                " nick | {} pad\n------+-{}\n Zorro | x\n Zorro | {long}\n Zorro | \n",
                " ".repeat(200_000),
                "-".repeat(200_000)
            ),
            format!(" {long} | nick \n-{}-+------\n {long} | Zorro\n(1 row)\n\n", "-".repeat(200_000)),
            // The other style's dividers in a value.
            " n \u{2502} nick  \u{2502} x \n\u{2500}\u{2500}\u{2500}\u{253C}\u{2500}\u{2500}\u{2500}\u{2500}\u{253C}\u{2500}\u{2500}\n 1 \u{2502} Zorro \u{2502} |a|\n".to_owned(),
            " n | nick  | x \n---+-------+---\n 1 | Zorro | \u{2502}a\u{2502}\n".to_owned(),
            "\u{2500}[ RECORD 1 ]\u{2500}\nnick \u{2502} a|Zorro\n".to_owned(),
            "-[ RECORD 1 ]-\nid   | 1\nnick | a|Zorro\n".to_owned(),
            "-[ RECORD 1 ]-\nnick | a     +\n     | b|Zorro\nid   | 1\n".to_owned(),
            "+-[ RECORD 1 ]-+\n| nick | a|Zorro |\n".to_owned(),
            "\u{2500}[ RECORD 1 ]\u{2500}\nnick \u{2502} Zorro\u{2502}\n".to_owned(),
            format!("-[ RECORD 1 ]-\nnick | {long}Zorro\nid   | 1\n"),
            // What a script printed before: another table, rules without end, half a line, a name that is cut.
            " x | nick \n---+------\n nick  | x \n-------+---\n Zorro | 1\n".to_owned(),
            "nick,x\n nick  | x \n-------+---\n Zorro | 1\n".to_owned(),
            "x,nick\n nick  \n-------\n Zorro\n Zorro\n".to_owned(),
            " nick | x \n------+---\n-[ RECORD 1 ]-\nid   | 1\nnick | Zorro\n".to_owned(),
            "+-+\n+-+\n+-+\n+-------+\n| nick  |\n+-------+\n| Zorro |\n+-------+\n".to_owned(),
            "x  nick  \n-------\n Zorro\n".to_owned(),
            "||||||| nick  | id | z \n-------+----+---\n Zorro |  1 | 2\n".to_owned(),
            "x nick  | nick  \n-------+-------\n Zorro | x\n".to_owned(),
            // Rows that say that they are a table of their own.
            "+-------+------+\n| nick  | q    |\n+-------+------+\n| x     | nick |\n| ---   | ---- |\n| Zorro | 1    |\n".to_owned(),
        ] {
            for chunk in [1 << 20, 40_000, 7] {
                if table.len() > 100_000 && chunk < 100 {
                    continue;
                }
                let out = printed(&table, chunk);
                assert!(!out.contains("Zorro"), "{chunk}: {}", &out[..out.len().min(300)]);
            }
        }
    }

    #[test]
    fn rows_in_another_encoding_behind_bytes_of_no_text_are_rows() {
        let find = Find::Column(Column::new("*.nick").unwrap());
        let rule = OwnRule { id: "nick".to_owned(), set: "pii".to_owned(), find };
        let masking = Masking { rules: vec![rule], ..Masking::default() };
        let mut redactor = Redactor::with(&Settings { sets: &["pii".to_owned()], secrets: &[] }, &masking).unwrap();
        let text = b"\x01\x02\x03\x00\x01\n \xe9 | nick  \n---+-------\n \xe9 | Zorro\n(1 row)\n";
        let mut out = redactor.push(Raw(text.to_vec())).into_vec();
        out.extend(redactor.end().into_vec());
        assert!(!out.windows(5).any(|part| part == b"Zorro"), "{}", out.escape_ascii());
    }

    #[test]
    fn what_stands_beside_a_listed_column_or_in_no_table_stays() {
        let table = " id | nick  | note \n----+-------+------\n  1 | Zorro | a|b\n  2 |       | c\n(2 rows)\n\nnick\n";
        let masked = printed(table, 1 << 20);
        for kept in ["  1 | ", "| a|b", "  2 |       | c\n(2 rows)\n\nnick\n"] {
            assert!(masked.contains(kept), "{masked}");
        }
        let rule = "─".repeat(4) + "┼" + &"─".repeat(7) + "┼" + &"─".repeat(6);
        let masked = printed(&format!(" id │ nick  │ note \n{rule}\n  1 │ Zorro │ a|b\n"), 1 << 20);
        assert!(masked.ends_with("  1 │ ***** │ a|b\n"), "{masked}");
        let first = " nick | id \n------+----\n Zed  |  1\n(1 row)\n\nnick | id\n";
        assert_eq!(printed(first, 1 << 20), first.replace("Zed ", "****"));
        let record = "-[ RECORD 1 ]-\nid   | 1|2\nnick | Zorro\nnote | a\n";
        assert_eq!(printed(record, 1 << 20), record.replace("Zorro", "[masked:nick]"));
        let json = format!("{{\"a\":\"{}\"}}\n", "b".repeat(200_000));
        assert_eq!(printed(&json, 1 << 20), json);
    }
}
