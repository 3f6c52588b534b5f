//! Objects of Kubernetes, in YAML and in JSON printed in lines. What stands under a Secret's `data` and `stringData` is
//! masked, whatever it looks like; under any other kind it stays. kubectl sorts keys, so the kind comes last.

use super::super::scan::Span;
use super::{Entry, KUBERNETES};

#[derive(Default)]
pub struct Documents {
    open: Vec<Object>,
}

/// An object whose keys stand at `indent`.
struct Object {
    indent: usize,
    /// It said its API: it is one of Kubernetes.
    api: bool,
    /// It said its kind, and whether that is Secret.
    secret: Option<bool>,
    data: Option<Data>,
    pending: Vec<Span>,
}

/// Inside `data`, or `stringData`, which no other kind has.
struct Data {
    certain: bool,
}

impl Documents {
    pub fn inside(&self) -> bool {
        self.open.last().is_some_and(|object| object.data.is_some())
    }

    pub fn engaged(&self) -> bool {
        !self.open.is_empty()
    }

    pub fn line(&mut self, line: &[u8], entry: &Entry<'_>, at: usize, found: &mut Vec<Span>) {
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        // Another document, or none any more.
        let other = entry.indent == 0
            && entry.key.is_empty()
            && entry.dash.is_none()
            && !matches!(text[0], b'{' | b'}' | b'[' | b']' | b'#');
        if text == b"---" || text == b"..." || other {
            self.open.clear();
            return;
        }
        let edge = entry.dash.unwrap_or(entry.indent);
        // An item ends what is inside of the one before it; so does a brace.
        let closes = |object: &Object| object.indent > edge;
        while self.open.last().is_some_and(closes) {
            self.open.pop();
        }
        if let Some(object) = self.open.last_mut()
            && entry.indent > object.indent
            && object.data.is_some()
        {
            object.content(line, entry, at, found);
            return;
        }
        if matches!(entry.key, b"apiVersion" | b"kind" | b"data" | b"stringData") {
            if self.open.last().is_none_or(|object| object.indent != entry.indent) {
                self.open.push(Object {
                    indent: entry.indent,
                    api: false,
                    secret: None,
                    data: None,
                    pending: Vec::new(),
                });
            }
            if let Some(object) = self.open.last_mut() {
                object.key(line, entry, at, found);
            }
        } else if let Some(object) = self.open.last_mut().filter(|object| object.indent == entry.indent) {
            object.data = None;
        }
    }

    pub fn pending(&self) -> Option<usize> {
        self.open.iter().filter_map(|object| object.pending.first()).map(|span| span.start).min()
    }

    pub fn decide(&mut self, found: &mut Vec<Span>) {
        for object in &mut self.open {
            if !object.pending.is_empty() {
                object.secret = Some(true);
            }
            found.append(&mut object.pending);
        }
    }

    /// So much of the buffer is gone, and with it what was pending there.
    pub fn shift(&mut self, by: usize) {
        for object in &mut self.open {
            object.pending.retain(|span| span.start >= by);
            for span in &mut object.pending {
                span.start -= by;
                span.end -= by;
            }
        }
    }
}

impl Object {
    fn key(&mut self, line: &[u8], entry: &Entry<'_>, at: usize, found: &mut Vec<Span>) {
        self.data = None;
        match entry.key {
            b"apiVersion" => self.api = true,
            b"kind" => {
                let secret = entry.text(line) == b"Secret";
                self.secret = Some(secret);
                let decided = std::mem::take(&mut self.pending);
                if secret {
                    found.extend(decided);
                }
            }
            name => {
                self.data = Some(Data { certain: name == b"stringData" });
                let text = entry.text(line);
                if let Some(inner) = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")) {
                    self.flow(inner, at + entry.value.0 + 1, found);
                    self.data = None;
                }
            }
        }
    }

    /// A line inside `data`.
    fn content(&mut self, line: &[u8], entry: &Entry<'_>, at: usize, found: &mut Vec<Span>) {
        let bare = line.trim_ascii();
        if matches!(bare, b"}" | b"}," | b"{" | b"]" | b"],") {
            return;
        }
        let (start, end) = if entry.key.is_empty() {
            let start = line.len() - line.trim_ascii_start().len();
            (start, start + bare.len())
        } else {
            entry.value
        };
        if !entry.block(line) && (!entry.opens(line) || entry.key.is_empty()) {
            self.value(&line[start..end], at + start, found);
        }
    }

    /// `{a: b, 'c': "d"}`
    fn flow(&mut self, inner: &[u8], at: usize, found: &mut Vec<Span>) {
        let mut start = 0;
        for part in inner.split(|b| *b == b',') {
            if let Some(colon) = part.iter().position(|b| *b == b':') {
                let ((from, to), _) = super::scalar(part, colon + 1);
                self.value(&part[from..to], at + start + from, found);
            }
            start += part.len() + 1;
        }
    }

    fn value(&mut self, value: &[u8], at: usize, found: &mut Vec<Span>) {
        let Some(data) = &self.data else { return };
        // What a template or a manifest puts in later.
        let later = value.starts_with(b"${") || value.starts_with(b"{{") || value.starts_with(b"<");
        if value.is_empty() || later || matches!(value, b"null" | b"''" | b"\"\"") {
            return;
        }
        let span = Span { start: at, end: at + value.len(), kind: KUBERNETES, silent: false };
        match self.secret {
            Some(true) => found.push(span),
            None if data.certain => found.push(span),
            None if self.api => self.pending.push(span),
            _ => {}
        }
    }
}
