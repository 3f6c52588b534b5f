//! What a value is told by when it stands on another line than its name: a Secret of Kubernetes whose kind comes after
//! its data, a name and a value in two rows, a block of YAML, an element of XML, a table's column.
//!
//! Each line is looked at once, when it is whole. A place that the following lines decide about is *pending*; the
//! stream is held from there until it is decided, and at most as long as the redactor's bound lets it: then it is
//! masked.

mod assignments;
mod cells;
mod documents;
mod inline;
pub mod names;
mod pairs;
mod people;
mod phrases;
mod programs;
mod rows;
mod statements;
mod telling;
mod xml;

use std::ops::Range;

use super::checks::Check;
use super::rules::Set;
use super::scan::{self, Span};
use super::words::Hit;
use documents::Documents;
use names::Says;
use pairs::Pairs;
use rows::Rows;
use statements::{Asked, Statements};
use telling::{Lines, Tells};
use xml::Elements;

pub use telling::words;

/// The kind of a mark for what an object of Kubernetes holds.
pub const KUBERNETES: &str = "kubernetes-secret";
/// The kind of a mark for what the name of its key tells.
pub const NAMED: &str = "secret";

/// The kinds that context tells, each with its set.
pub fn kinds() -> impl Iterator<Item = (&'static str, Set)> {
    [KUBERNETES, NAMED, rows::KIND]
        .into_iter()
        .chain(phrases::kinds())
        .chain(programs::kinds())
        .map(|kind| (kind, Set::Secrets))
        .chain(people::kinds())
}

pub struct Context {
    /// Personal data is masked too, and addresses of the Internet.
    pii: bool,
    addresses: bool,
    /// What the words of the line before are of.
    before: Tells,
    lines: Lines,
    /// Places of numbers in the lines that are looked at.
    numbers: Vec<usize>,
    /// Lines of no text, in the buffer; consecutive ones are one.
    binary: Vec<Range<usize>>,
    /// The line before was one.
    in_binary: bool,
    /// The line before was a row of base64, or began a block in PEM: this one may be of the same text.
    coded: bool,
    documents: Documents,
    pairs: Pairs,
    rows: Rows,
    elements: Elements,
    statements: Statements,
    asked: Asked,
    found: Vec<Span>,
}

impl Context {
    pub fn new(pii: bool, addresses: bool) -> Context {
        Context {
            pii,
            addresses,
            before: Tells::NONE,
            lines: Lines::default(),
            numbers: Vec::new(),
            binary: Vec::new(),
            in_binary: false,
            coded: false,
            documents: Documents::default(),
            pairs: Pairs::default(),
            rows: Rows::new(pii),
            elements: Elements::default(),
            statements: Statements::default(),
            asked: Asked::default(),
            found: Vec::new(),
        }
    }

    /// Columns that operators list, with the kinds of their marks.
    pub fn columns(&mut self, own: &[(String, &'static str)]) {
        self.rows.own(own);
    }

    /// A line too long to be held begins so. The kind that all of it is masked as, if it is.
    pub fn too_long(&mut self, line: &[u8]) -> Option<&'static str> {
        self.rows.too_long(line)
    }

    /// Whether a line that has begun may be a row in which a listed column stands.
    pub fn may_be_row(&self, line: &[u8]) -> bool {
        self.rows.may_be_row(line)
    }

    /// Takes whole lines, which stand `at` in the buffer, with the words that stand in them ([`words`]), in order.
    pub fn lines(&mut self, text: &[u8], at: usize, words: &[Hit]) {
        let controls = scan::controls(text);
        let mut lines = std::mem::take(&mut self.lines);
        let mut numbers = std::mem::take(&mut self.numbers);
        if self.pii {
            people::runs(text, |at| numbers.push(at));
        }
        let mut numbered = numbers.drain(..).peekable();
        let mut start = 0;
        for (end, mut tells) in lines.of(text, words) {
            while numbered.next_if(|at| *at < end).is_some() {
                tells = tells.or(Tells::NUMBER);
            }
            let line = &text[start..end];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // What is no UTF-8 behind such a line is the same: a pack's shorter lines may have no control in them.
            self.in_binary = controls && scan::binary(line) || self.in_binary && std::str::from_utf8(line).is_err();
            if self.in_binary {
                match self.binary.last_mut().filter(|last| last.end == at + start) {
                    Some(last) => last.end = at + end,
                    None => self.binary.push(at + start..at + end),
                }
                self.rows.no_text(line, at + start, &mut self.found);
                self.before = Tells::NONE;
            } else if controls && line.contains(&0) {
                // What `env -0` prints is divided by NUL.
                let mut at = at + start;
                for line in line.split(|b| *b == 0) {
                    self.line(line, at, tells);
                    at += line.len() + 1;
                }
            } else {
                self.line(line, at + start, tells);
            }
            start = end;
        }
        drop(numbered);
        (self.lines, self.numbers) = (lines, numbers);
    }

    /// A line, read by those who know one of its words or of the one before, or who have begun something.
    fn line(&mut self, line: &[u8], at: usize, tells: Tells) {
        const NAMED: Tells = Tells::NAME.or(Tells::VALUE);
        let before = std::mem::replace(&mut self.before, tells);
        let found = &mut self.found;
        // A header counts when the line below it is ruled, a name when its value is below.
        if tells.or(before).any(NAMED.or(Tells::PERSON)) || self.rows.inside() || self.rows.has_own() {
            self.rows.line(line, at, found);
        } else {
            self.rows.skip(line);
        }
        let documents = tells.any(Tells::OBJECT) || self.documents.engaged();
        let pairs = tells.any(NAMED) || self.pairs.engaged();
        if documents || pairs {
            let entry = Entry::of(line);
            if documents {
                self.documents.line(line, &entry, at, found);
            }
            if pairs {
                self.pairs.line(line, &entry, at, found);
            }
        }
        if tells.any(NAMED.or(Tells::TABLE)) || self.elements.engaged() {
            self.elements.line(line, at, found);
        }
        if tells.any(NAMED.or(Tells::OBJECT)) {
            inline::line(line, at, found);
        }
        if tells.any(Tells::STATEMENT) || self.statements.inside() {
            self.statements.line(line, at, found);
        }
        if tells.any(NAMED.or(Tells::PARAMETER).or(Tells::PROGRAM)) {
            assignments::line(line, at, found);
        }
        if tells.any(Tells::PHRASE) || phrases::is_pgpass(line) {
            phrases::secrets(line, at, found);
        }
        if tells.any(Tells::GRAMMAR) || programs::is_list(line) {
            programs::line(line, at, found);
        }
        let numbered = line.first().is_some_and(u8::is_ascii_digit) && tells.any(Tells::NAME);
        if tells.any(Tells::ASKING) || numbered || self.asked.inside() {
            self.asked.line(line, at, found);
        }
        self.coded = phrases::alone(line, at, self.coded, found);
        if tells.any(Tells::NUMBER) {
            people::line(line, at, found);
        }
        if self.addresses {
            people::addresses(line, at, found);
        }
    }

    /// From where on nothing is decided yet.
    pub fn pending(&self) -> Option<usize> {
        [self.documents.pending(), self.pairs.pending()].into_iter().flatten().min()
    }

    /// Whether the line before makes of the next one more than what stands in it.
    pub fn inside(&self) -> bool {
        self.rows.inside()
            || self.pairs.inside()
            || self.documents.inside()
            || self.statements.inside()
            || self.asked.inside()
    }

    /// Nothing more can be held: what is pending counts as secret.
    pub fn decide(&mut self) {
        self.documents.decide(&mut self.found);
        self.pairs.decide(&mut self.found);
    }

    /// The lines of no text in the buffer, as far as it was seen.
    pub fn binary(&self) -> &[Range<usize>] {
        &self.binary
    }

    /// What was found up to `end`, and forgets that much of the buffer.
    pub fn take(&mut self, end: usize) -> Vec<Span> {
        let taken = self.found.extract_if(.., |span| span.start < end).collect();
        for span in &mut self.found {
            span.start -= end;
            span.end -= end;
        }
        self.binary.retain_mut(|lines| {
            *lines = lines.start.saturating_sub(end)..lines.end.saturating_sub(end);
            lines.end > 0
        });
        self.documents.shift(end);
        self.pairs.shift(end);
        taken
    }
}

/// A line of YAML or of JSON printed in lines: `  - "key": value,`.
pub struct Entry<'a> {
    /// Where its key begins, behind dashes.
    pub indent: usize,
    /// Where its first dash stands, if it begins an item of a list.
    pub dash: Option<usize>,
    pub key: &'a [u8],
    /// Where its value begins and ends in the line, without quotes and comma.
    pub value: (usize, usize),
    /// The value as written is quoted.
    pub quoted: bool,
}

impl<'a> Entry<'a> {
    fn of(line: &'a [u8]) -> Entry<'a> {
        let mut indent = line.iter().take_while(|b| **b == b' ').count();
        let mut dash = None;
        while line[indent..].starts_with(b"- ") {
            dash.get_or_insert(indent);
            indent += 2 + line[indent + 2..].iter().take_while(|b| **b == b' ').count();
        }
        let rest = &line[indent..];
        let (key, after) = match rest.first() {
            Some(quote @ (b'"' | b'\'')) => match rest[1..].iter().position(|b| b == quote) {
                Some(n) if rest.get(n + 2) == Some(&b':') => (&rest[1..=n], indent + n + 3),
                _ => (&rest[..0], indent),
            },
            _ => match rest.iter().position(|b| matches!(b, b':' | b' ' | b'"' | b'{' | b'=')) {
                Some(n) if rest[n] == b':' && rest.get(n + 1).is_none_or(|b| *b == b' ') => {
                    (&rest[..n], indent + n + 1)
                }
                _ => (&rest[..0], indent),
            },
        };
        let (value, quoted) = scalar(line, after);
        Entry { indent, dash, key, value, quoted }
    }

    pub fn text<'b>(&self, line: &'b [u8]) -> &'b [u8] {
        &line[self.value.0..self.value.1]
    }

    /// The value is in the lines that follow: `key: |`, `key: >-`.
    pub fn block(&self, line: &[u8]) -> bool {
        let text = self.text(line);
        !self.quoted && matches!(text.first(), Some(b'|' | b'>')) && text.len() <= 3
    }

    /// An object or a list begins.
    pub fn opens(&self, line: &[u8]) -> bool {
        !self.quoted && matches!(self.text(line), b"{" | b"[")
    }
}

/// Where a scalar stands from `at` on, without blanks, quotes, comma and comment.
fn scalar(line: &[u8], at: usize) -> ((usize, usize), bool) {
    let start = at + line[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = line[start..].trim_ascii_end();
    let rest = rest.strip_suffix(b",").unwrap_or(rest);
    match rest {
        [quote @ (b'"' | b'\''), inner @ .., last] if quote == last => ((start + 1, start + 1 + inner.len()), true),
        _ => ((start, start + rest.len()), false),
    }
}

/// Whether a value under a name is masked.
pub fn counts(says: Says, value: &[u8], after: &[u8]) -> bool {
    match says {
        Says::Surely => Check::Real.holds(value, after),
        Says::Likely => Check::Random.holds(value, after),
        Says::Maybe => Check::Key.holds(value, after),
    }
}
