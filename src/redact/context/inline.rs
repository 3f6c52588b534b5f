//! JSON in one line, also inside of a string of another JSON: the data of a Secret (an annotation that kubectl left, a
//! list from the API) and a value beside its name.

use super::super::scan::Span;
use super::names::says;
use super::{KUBERNETES, NAMED, counts};

/// How often a quote is escaped: not, in a string, in a string in a string.
const DEPTHS: [usize; 3] = [0, 1, 3];

pub fn line(line: &[u8], at: usize, found: &mut Vec<Span>) {
    let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    maps(line, at, found);
    if !line.contains(&b'{') || !(has(b"Secret") || has(b"stringData") || has(b"alue")) {
        return;
    }
    for depth in DEPTHS {
        Walk { line, at, depth, open: Vec::new() }.run(found);
    }
}

/// The data of a Secret alone, as kubectl's jsonpath and go-template print it: `{"password":"cHc…","user":"YXBw"}`,
/// `map[password:cHc… user:YXBw]`. All its values are base64, and one of the names tells.
fn maps(line: &[u8], at: usize, found: &mut Vec<Span>) {
    let text = line.trim_ascii();
    let start = line.len() - line.trim_ascii_start().len();
    let (inner, divider, from) = match text {
        [b'{', inner @ .., b'}'] => (inner, b',', start + 1),
        [b'm', b'a', b'p', b'[', inner @ .., b']'] => (inner, b' ', start + 4),
        _ => return,
    };
    let mut values = Vec::new();
    let (mut told, mut long, mut place) = (false, false, from);
    for part in inner.split(|b| *b == divider) {
        let Some(colon) = part.iter().position(|b| *b == b':') else { return };
        let sign = |b: &&u8| matches!(b, b'"' | b' ');
        let (name, value) = (&part[..colon], &part[colon + 1..]);
        let left = value.iter().take_while(sign).count();
        let right = value.iter().rev().take_while(sign).count();
        let value = &value[left..value.len().saturating_sub(right).max(left)];
        let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        if value.is_empty() || !value.len().is_multiple_of(4) || !value.iter().all(base64) {
            return;
        }
        let name: Vec<u8> = name.iter().copied().filter(|b| !sign(&b)).collect();
        told |= says(&name).is_some();
        // `{"strength":"weak","token":true}` is no base64.
        long |= value.len() >= 8;
        values.push((place + colon + 1 + left, value.len()));
        place += part.len() + 1;
    }
    if told && long && values.len() > 1 {
        found.extend(values.into_iter().map(|(start, length)| Span {
            start: at + start,
            end: at + start + length,
            kind: KUBERNETES,
            silent: false,
        }));
    }
}

struct Walk<'a> {
    line: &'a [u8],
    at: usize,
    depth: usize,
    open: Vec<Object<'a>>,
}

#[derive(Default)]
struct Object<'a> {
    /// The key under which it stands.
    under: &'a [u8],
    key: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    value: Option<(usize, usize)>,
    data: Vec<(usize, usize)>,
}

impl<'a> Walk<'a> {
    fn run(mut self, found: &mut Vec<Span>) {
        let mut from = 0;
        while let Some(b) = self.line.get(from) {
            match b {
                b'{' => {
                    let under = self.open.last_mut().and_then(|object| object.key.take()).unwrap_or_default();
                    self.open.push(Object { under, ..Object::default() });
                }
                b'}' => self.close(found),
                b'"' if self.escapes(from) == self.depth => {
                    let start = from + 1;
                    let Some(end) = self.string(start) else { return };
                    self.text(start, end);
                    from = end + self.depth;
                }
                b',' => {
                    if let Some(object) = self.open.last_mut() {
                        object.key = None;
                    }
                }
                _ => {}
            }
            from += 1;
        }
        while !self.open.is_empty() {
            self.close(found);
        }
    }

    fn escapes(&self, quote: usize) -> usize {
        self.line[..quote].iter().rev().take_while(|b| **b == b'\\').count()
    }

    /// Where the string ends, before its escapes.
    fn string(&self, start: usize) -> Option<usize> {
        let quote = |n: &usize| self.escapes(start + n) <= self.depth;
        let end = start + memchr::memchr_iter(b'"', &self.line[start..]).find(quote)?;
        Some(end - self.escapes(end).min(self.depth))
    }

    fn text(&mut self, start: usize, end: usize) {
        let line = self.line;
        let text = &line[start..end];
        let after = line[end..].iter().find(|b| **b != b'\\' && **b != b'"' && **b != b' ');
        let Some(object) = self.open.last_mut() else { return };
        let Some(key) = object.key else {
            if after == Some(&b':') {
                object.key = Some(text);
            }
            return;
        };
        match key {
            b"kind" => object.kind = Some(text),
            b"name" | b"key" | b"Name" | b"Key" => object.name = Some(text),
            b"value" | b"Value" => object.value = Some((start, end)),
            _ => {}
        }
        if matches!(object.under, b"data" | b"stringData") && !text.is_empty() {
            object.data.push((start, end));
        }
    }

    fn close(&mut self, found: &mut Vec<Span>) {
        let Some(object) = self.open.pop() else { return };
        let mut push = |(start, end): (usize, usize), kind| {
            found.push(Span { start: self.at + start, end: self.at + end, kind, silent: false });
        };
        // `{"db_password":{"sensitive":true,"value":"…"}}` of `terraform output -json`
        if let (Some(told), Some(value)) = (object.name.or(Some(object.under)).and_then(says), object.value)
            && counts(told, &self.line[value.0..value.1], b"")
        {
            push(value, NAMED);
        }
        let listed = self.open.iter().any(|outer| outer.kind == Some(b"SecretList"));
        let secret = match object.kind {
            Some(kind) => kind == b"Secret",
            None => listed || object.under == b"stringData",
        };
        match self.open.last_mut() {
            Some(outer) if matches!(object.under, b"data" | b"stringData") && !secret => outer.data.extend(object.data),
            _ if secret => object.data.into_iter().for_each(|span| push(span, KUBERNETES)),
            _ => {}
        }
    }
}
