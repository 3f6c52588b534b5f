//! Tables, by the names of their columns: what psql prints aligned (in each border and line style), expanded, unaligned
//! and as CSV, and what others print alike. A cell has no name beside it, so the header is kept until the table ends.

mod listed;

use super::super::checks::Check;
use super::super::scan::Span;
use super::cells::{
    copied, divided, divided_as, divider, is_header, latex, marked, plain, quoted_cells, ruled, spaced, troff, two,
    under,
};
use super::names::{Person, Says, person, says};
use super::{NAMED, counts};
use listed::own_kind;

/// The kind of a cell's mark.
pub const KIND: &str = "secret-column";
/// Longest line that can be a header, where no operator lists columns.
const HEADER: usize = 4 << 10;

#[derive(Default)]
pub struct Rows {
    /// Personal data is masked too.
    pii: bool,
    /// The last line, as long as it can be a header; `None` before the first.
    previous: Option<Vec<u8>>,
    table: Option<Table>,
    /// Ruled lines of a framed table so far: the second is under its header, and where each row has one, the others are not.
    rules: usize,
    /// The last row of an expanded record named a secret: rows without a name continue it.
    record: Option<Says>,
    /// psql prints records: a name and a value in each line, up to a line of nothing.
    records: bool,
    /// The last row of a record was a column that operators list.
    record_own: Option<&'static str>,
    /// The last row of a record was `key | DB_PASSWORD`: the next may be its value.
    keyed: Option<Says>,
    /// Columns that operators list, in lower case, and the kinds of their marks.
    own: Vec<(String, &'static str)>,
}

struct Table {
    layout: Layout,
    columns: Vec<Column>,
    /// Columns called `key` and `value`: the one names the other.
    pair: Option<(usize, usize)>,
    /// Its header was too long to be read: all of it is masked, as this kind.
    whole: Option<&'static str>,
    /// An unfinished row of a CSV or of an unaligned table: in which column, and whether inside of quotes.
    inside: Option<(usize, bool)>,
}

struct Column {
    told: Option<Says>,
    person: Option<Person>,
    own: Option<&'static str>,
    /// Its cell in the last row was masked, and may go on in this one.
    masked: bool,
    /// Where it stands in the ruled line, in characters.
    place: (usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Cells stand under the dashes of the ruled line, divided by this.
    Ruled(&'static str),
    /// Cells are divided by this byte.
    Divided(u8),
    /// Cells begin under the words of the header: kubectl's columns.
    Spaced,
    /// `a & b \\`
    Latex,
    /// `|a |b`, which AsciiDoc knows.
    Marked,
}

impl Rows {
    pub fn new(pii: bool) -> Rows {
        Rows { pii, ..Rows::default() }
    }

    pub fn own(&mut self, own: &[(String, &'static str)]) {
        self.own = own.to_vec();
    }

    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    pub fn inside(&self) -> bool {
        self.table.is_some() || self.record.is_some()
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        self.framed(line);
        let (listed, begins) = self.own_line(line, at, found);
        if !begins {
            let inside = self.table.as_mut().is_some_and(|table| table.row(line, at, found));
            if inside && !self.has_own() {
                return;
            }
            if !inside {
                self.table = None;
                self.header(line);
            }
            if self.table.is_none() && !listed {
                self.pair(line, at, found);
            }
        }
        self.previous = Some(if line.len() <= HEADER || self.has_own() { line.to_vec() } else { Vec::new() });
    }

    /// A line that tells nothing: only whether it was blank counts for the next.
    pub fn skip(&mut self, line: &[u8]) {
        self.framed(line);
        let previous = self.previous.get_or_insert_default();
        previous.clear();
        previous.extend_from_slice(&line[..line.len().min(1)]);
    }

    fn framed(&mut self, line: &[u8]) {
        match line {
            [b'+', b'-' | b'=', ..] => self.rules += 1,
            [b'|', ..] => {}
            _ => self.rules = 0,
        }
    }

    /// Whether a table begins with this line.
    fn header(&mut self, line: &[u8]) {
        if line.len() > HEADER && !self.has_own() {
            return;
        }
        let pii = self.pii;
        let places = ruled(line);
        let ruled = !places.is_empty() && self.rules < 3;
        if let Some(previous) = self.previous.as_ref().filter(|previous| ruled && !previous.is_empty()) {
            self.table = Table::new(previous, Layout::Ruled(divider(line)), places, pii, &self.own);
            return;
        }
        if let Some(columns) = copied(line) {
            self.table = Table::new(&columns, Layout::Divided(b'\t'), Vec::new(), pii, &self.own);
            return;
        }
        let layout = match line {
            _ if troff(line) => Some(Layout::Divided(b'\t')),
            _ if !latex(line).is_empty() && memchr::memmem::find(line, b"\\textit{").is_some() => Some(Layout::Latex),
            [b'^' | b'<' | b'>', b'l' | b'h', b'|', ..] => Some(Layout::Marked),
            _ => None,
        };
        if let Some(layout) = layout {
            self.table = Table::new(line, layout, Vec::new(), pii, &self.own);
            return;
        }
        let places = spaced(line);
        if !places.is_empty() {
            self.table = Table::new(line, Layout::Spaced, places, pii, &self.own);
        } else if self.previous.as_ref().is_none_or(|previous| previous.is_empty()) {
            let divider = [b'|', b'\t', b';', b','].into_iter().find(|d| line.contains(d) && is_header(line, *d));
            self.table =
                divider.and_then(|divider| Table::new(line, Layout::Divided(divider), Vec::new(), pii, &self.own));
        }
    }

    /// A row of two cells, the first of which is a name: `api_key | …`, `password,…`.
    fn pair(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let record = self.record.take();
        let keyed = self.keyed.take();
        let Some((name, value)) = two(line) else { return };
        let text = &line[value.0..value.1];
        let told = match &line[name.0..name.1] {
            b"" => record,
            b"key" | b"name" | b"variable" | b"setting" if keyed.is_none() => {
                self.keyed = says(text);
                None
            }
            b"value" | b"setting" | b"val" => keyed,
            name => says(name),
        };
        let Some(told) = told else { return };
        // Two expressions of a program: `key, err := asn1.Marshal(seed)`.
        let called = memchr::memmem::find(text, b" = ").is_some() && text.ends_with(b")");
        if called || memchr::memmem::find(text, b" := ").is_some() {
            return;
        }
        // The header of a table, whose rule is the next line: psql's records begin with no blank.
        if line.starts_with(b" ")
            && value.0 > 0
            && text.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
            && line.contains(&b'|')
        {
            return;
        }
        let goes_on = line[name.0..name.1].is_empty();
        if goes_on && !text.is_empty() || counts(told, text, b"") {
            found.push(Span { start: at + value.0, end: at + value.1, kind: NAMED, silent: false });
            self.record = Some(told);
        }
    }
}

/// PostgreSQL's arrays: `{…,…}`, of which one element is enough.
fn array(text: &[u8]) -> bool {
    let inner = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}"));
    inner.is_some_and(|inner| {
        !inner.contains(&b':') && inner.split(|b| *b == b',').any(|one| Check::Key.holds(one, b""))
    })
}

impl Table {
    /// One of which every row is masked.
    fn whole(kind: &'static str) -> Table {
        Table { layout: Layout::Ruled("|"), columns: Vec::new(), pair: None, whole: Some(kind), inside: None }
    }

    fn has_own(&self) -> bool {
        self.whole.is_some() || self.columns.iter().any(|column| column.own.is_some())
    }

    /// `None` where no column is of interest.
    fn new(
        header: &[u8],
        layout: Layout,
        places: Vec<(usize, usize)>,
        pii: bool,
        own: &[(String, &'static str)],
    ) -> Option<Table> {
        let cells = match layout {
            Layout::Ruled(divider) => under(header, &places, divider),
            Layout::Spaced => under(header, &places, "|"),
            Layout::Divided(divider) => divided(header, divider),
            Layout::Latex => latex(header),
            Layout::Marked => marked(header),
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
            .map(|(n, cell)| Column {
                told: says(&name(cell)).or_else(|| name(cell).strip_suffix(b"s").and_then(says).map(|_| Says::Maybe)),
                person: person(&name(cell)).filter(|_| pii),
                own: own_kind(own, &name(cell)),
                masked: false,
                place: place(n),
            })
            .collect();
        let listed = |column: &Column| column.told.is_some() || column.person.is_some() || column.own.is_some();
        let any = columns.iter().any(listed) || pair.is_some();
        any.then_some(Table { layout, columns, pair, whole: None, inside: None })
    }

    /// Whether the line is still of the table.
    fn row(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) -> bool {
        let footer = line.starts_with(b"(") && line.ends_with(b")")
            || matches!(line, b"\\." | b".TE" | b"|====" | b"\\end{tabular}");
        // psql's rows begin with a blank, also where nothing stands in them.
        let blank = if matches!(self.layout, Layout::Ruled(_)) { line } else { line.trim_ascii() };
        if self.inside.is_none() && (blank.is_empty() || footer) {
            return false;
        }
        if let Some(kind) = self.whole {
            found.push(Span { start: at, end: at + line.len(), kind, silent: false });
            return true;
        }
        match self.layout {
            Layout::Ruled(divider) => {
                if !ruled(line).is_empty() {
                    return true;
                }
                let places: Vec<_> = self.columns.iter().map(|column| column.place).collect();
                let cells = under(line, &places, divider);
                let own = self.columns.iter().find_map(|column| column.own);
                if let Some(kind) = own.filter(|_| !line.is_ascii() && !divided_as(line, places.len(), divider)) {
                    // How wide a terminal shows each character is not known well enough to tell the cells apart.
                    found.push(Span { start: at, end: at + line.len(), kind, silent: false });
                    return true;
                }
                self.cells(line, at, &cells, (0, false), found);
                !cells.is_empty()
            }
            Layout::Spaced => {
                let places: Vec<_> = self.columns.iter().map(|column| column.place).collect();
                // Each cell begins where its column does: what stands across a beginning is no row.
                let starts =
                    |(start, _): &(usize, usize)| *start == 0 || line.get(start - 1).is_none_or(|b| *b == b' ');
                if !line.is_ascii() || line.starts_with(b" ") || !places.iter().all(starts) {
                    return false;
                }
                self.cells(line, at, &under(line, &places, "|"), (0, false), found);
                true
            }
            Layout::Latex => {
                self.cells(line, at, &latex(line), (0, false), found);
                true
            }
            Layout::Marked => {
                self.cells(line, at, &marked(line), (0, false), found);
                true
            }
            Layout::Divided(_) if matches!(line, b"_" | b"\\hline") => true,
            Layout::Divided(divider) => {
                let (first, quoted) = self.inside.take().unwrap_or((0, false));
                let (cells, open) = quoted_cells(line, divider, quoted);
                let last = self.columns.len() - 1;
                // Only what is quoted goes on where psql does not divide: a shorter line is no row.
                if divider != b'|' && !quoted && !open && cells.len() <= last {
                    return false;
                }
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
        &mut self,
        line: &[u8],
        at: usize,
        cells: &[(usize, usize)],
        (first, goes_on): (usize, bool),
        found: &mut Vec<Span>,
    ) {
        let named = self.pair.and_then(|(key, _)| cells.get(key)).and_then(|cell| says(&line[cell.0..cell.1]));
        let layout = self.layout;
        for (n, (start, end)) in cells.iter().copied().enumerate() {
            let Some(column) = self.columns.get_mut(first + n) else { return };
            let text = &line[start..end];
            // psql's sign, before and behind, for a value that was too wide for its column.
            let broken = matches!(layout, Layout::Ruled(_))
                && text.len() > 1
                && (text.ends_with(b".") || text.starts_with(b"."));
            let told = match (named, self.pair) {
                (Some(told), Some((_, value))) if value == n => counts(told, text, b""),
                _ => column.told.is_some_and(|told| match (layout, told) {
                    (Layout::Spaced, told) | (_, told @ Says::Maybe) => counts(told, text, b""),
                    _ => Check::Real.holds(text, b""),
                }),
            } || column.told.is_some() && array(text);
            let more = column.masked && text.len() > 1 && text.starts_with(b".");
            let person = column.person.is_some_and(|person| person.plausible(text) || broken && !text.is_empty());
            // The further lines of a cell may be short, as a key's last one.
            let last = column.told.is_some() && goes_on && n == 0 && !text.is_empty();
            column.masked = told || more || last;
            let own = column.own.filter(|_| !text.is_empty());
            if column.masked || person || own.is_some() {
                let kind = own.unwrap_or(KIND);
                found.push(Span { start: at + start, end: at + end, kind, silent: false });
            }
        }
    }
}
