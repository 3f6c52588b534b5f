//! A name and its value in two lines, and values that begin a line after their key:
//!
//! ```yaml
//! - name: DB_PASSWORD
//!   value: …
//! password: |
//!   …
//! ```

use super::super::scan::Span;
use super::names::{Says, says};
use super::{Entry, NAMED, counts};

#[derive(Default)]
pub struct Pairs {
    /// The line before named a secret, at this indent.
    named: Option<(usize, Says)>,
    /// The line before gave a value at this indent whose name may come now.
    value: Option<(usize, Span, bool)>,
    /// An object under a secret's name began at this indent: `"db_password": {`.
    under: Option<(usize, Says)>,
    /// Lines deeper than this belong to a secret.
    block: Option<(usize, Says)>,
    /// A resource of Terraform that makes passwords began at this indent, or said there what it is: its `result` is one.
    drawn: Option<usize>,
    /// Items of a list that a name in the plural began at this indent: `api_keys:`.
    list: Option<usize>,
}

impl Pairs {
    pub fn inside(&self) -> bool {
        self.named.is_some() || self.block.is_some() || self.list.is_some()
    }

    /// Whether any line matters.
    pub fn engaged(&self) -> bool {
        self.inside() || self.value.is_some() || self.under.is_some() || self.drawn.is_some()
    }

    pub fn line(&mut self, line: &[u8], entry: &Entry<'_>, at: usize, found: &mut Vec<Span>) {
        let bare = line.trim_ascii();
        if bare.is_empty() {
            return;
        }
        let first = self.value.take();
        self.drawn(line, at, found);
        if let Some((indent, says)) = self.block {
            let deep = line.len() - line.trim_ascii_start().len();
            if deep > indent
                && !bare.starts_with(b"- ")
                && (entry.key.is_empty() || says == Says::Surely && !entry.value_is_plain(line))
            {
                let ((start, end), _) = super::scalar(line, 0);
                push(start, end, at, found);
                return;
            }
            self.block = None;
        }
        if let Some(indent) = self.list {
            match (entry.dash, entry.key) {
                (Some(dash), b"") if dash >= indent => {
                    let ((start, end), _) = super::scalar(line, entry.indent);
                    if super::super::checks::Check::Key.holds(&line[start..end], b"") {
                        push(start, end, at, found);
                    }
                    return;
                }
                (Some(dash), _) if dash >= indent => {}
                _ => self.list = None,
            }
        }
        let (start, end) = entry.value;
        let text = entry.text(line);
        self.under = self.under.filter(|(indent, _)| entry.indent > *indent);
        match entry.key {
            b"name" | b"key" | b"Name" | b"Key" | b"ParameterKey" | b"variable" => {
                let told = says(text);
                // `"Jwt": { "Key": … }`
                if self.under.is_some() && super::super::checks::Check::Key.holds(text, b"") {
                    push(start, end, at, found);
                }
                if let (Some(told), Some((indent, span, random))) = (told, first)
                    && indent == entry.indent
                    && (random || told == Says::Surely)
                {
                    found.push(span);
                }
                self.named = told.map(|told| (entry.indent, told));
            }
            // A list of keys as Azure's command line prints it.
            b"keyName" => self.named = Some((entry.indent, Says::Maybe)),
            b"value" | b"Value" | b"val" | b"ParameterValue" => {
                let span = Span { start: at + start, end: at + end, kind: NAMED, silent: false };
                match self.named.take().or_else(|| self.under.map(|(_, told)| (entry.indent, told))) {
                    Some((indent, told)) if indent == entry.indent => {
                        if entry.block(line) {
                            self.block = Some((indent, told));
                        } else if counts(told, text, b"") {
                            found.push(span);
                        }
                    }
                    _ if counts(Says::Surely, text, b"") && !entry.opens(line) && !entry.block(line) => {
                        self.value = Some((entry.indent, span, counts(Says::Likely, text, b"")));
                    }
                    _ => {}
                }
            }
            name => {
                // Other keys of the same object may stand between; a line further out ends it.
                if self.named.is_some_and(|(indent, _)| entry.indent < indent || entry.dash.is_some()) {
                    self.named = None;
                }
                let told = says(name);
                if text.is_empty() && name.strip_suffix(b"s").and_then(says).is_some() {
                    self.list = Some(entry.indent);
                }
                if entry.opens(line) {
                    self.under = told.map(|told| (entry.indent, told)).or(self.under);
                }
                if let Some(told) = told
                    && (entry.block(line) || text.is_empty() && told == Says::Surely)
                {
                    self.block = Some((entry.dash.unwrap_or(entry.indent), told));
                }
            }
        }
    }

    /// `resource "random_password" "db" {` and its `result = "…"`, or `"type": "random_password"` of a state.
    fn drawn(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let text = line.trim_ascii_start();
        let indent = line.len() - text.len();
        if memchr::memmem::find(text, b"\"random_password\"").is_some() {
            self.drawn = Some(indent);
            return;
        }
        self.drawn = self.drawn.filter(|began| indent > *began || indent == *began && !text.starts_with(b"}"));
        let result = text.strip_prefix(b"+ ").unwrap_or(text).strip_prefix(b"\"").unwrap_or(text);
        if self.drawn.is_some()
            && result.strip_prefix(b"result").is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'"')))
            && let Some(sign) = memchr::memchr2(b'=', b':', line)
        {
            let ((start, end), quoted) = super::scalar(line, sign + 1);
            if quoted && counts(Says::Surely, &line[start..end], b"") {
                push(start, end, at, found);
            }
        }
    }

    pub fn pending(&self) -> Option<usize> {
        self.value.as_ref().map(|(_, span, _)| span.start)
    }

    pub fn decide(&mut self, found: &mut Vec<Span>) {
        found.extend(self.value.take().map(|(_, span, _)| span));
    }

    /// So much of the buffer is gone, and with it what was pending there.
    pub fn shift(&mut self, by: usize) {
        self.value = self.value.take().filter(|(_, span, _)| span.start >= by);
        if let Some((_, span, _)) = &mut self.value {
            span.start -= by;
            span.end -= by;
        }
    }
}

impl Entry<'_> {
    /// `key: value` or the beginning of an object, and no part of a secret's text.
    fn value_is_plain(&self, line: &[u8]) -> bool {
        !self.key.is_empty()
            && (self.opens(line)
                || self.key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')))
    }
}

fn push(start: usize, end: usize, at: usize, found: &mut Vec<Span>) {
    if start < end {
        found.push(Span { start: at + start, end: at + end, kind: NAMED, silent: false });
    }
}
