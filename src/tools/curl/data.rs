//! What `--data` and its like add to a body or, with `--get`, to a query (tool_getparam.c).

use crate::model::{Bytes, Facts};

use super::line::content;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    Text(Vec<u8>),
    /// A file's content; `-` is standard input.
    File(Bytes, Use),
}

/// What curl does with a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// `--data`: without line ends.
    Lines,
    /// `--data-binary`, `--json`.
    Whole,
    /// `--data-urlencode`: escaped, behind this name.
    Escaped(Vec<u8>),
}

impl Data {
    /// The value of one of curl's options for data.
    pub fn of(option: &str, value: &[u8]) -> Data {
        match (option, value.strip_prefix(b"@")) {
            ("data-urlencode", _) => escaped(value),
            ("url-query", _) => match value.strip_prefix(b"+") {
                Some(plain) => Data::Text(plain.to_vec()),
                None => escaped(value),
            },
            ("data-raw", _) | (_, None) => Data::Text(value.to_vec()),
            ("data-binary" | "json", Some(path)) => Data::File(path.into(), Use::Whole),
            (_, Some(path)) => Data::File(path.into(), Use::Lines),
        }
    }

    /// How many bytes there are to go through.
    pub fn size(&self, facts: &Facts) -> usize {
        match self {
            Data::Text(text) => text.len(),
            Data::File(path, _) => content(path, facts).map_or(0, |content| content.bytes.len()),
        }
    }

    /// The file that is sent.
    pub fn path(&self) -> Option<&Bytes> {
        match self {
            Data::File(path, _) => Some(path),
            Data::Text(_) => None,
        }
    }

    /// The bytes that curl takes; `*` where a file was not read. A file that is not there gives none.
    pub fn text(&self, facts: &Facts, missing: &[Bytes]) -> Vec<u8> {
        let (path, how) = match self {
            Data::Text(text) => return text.clone(),
            Data::File(path, _) if missing.contains(path) => return Vec::new(),
            Data::File(path, how) => (path, how),
        };
        let read = content(path, facts).filter(|content| !content.truncated);
        match (read.map(|content| content.bytes.as_slice()), how) {
            (None, _) => b"*".to_vec(),
            (Some(bytes), Use::Lines) => lines(bytes),
            (Some(bytes), Use::Whole) => bytes.to_vec(),
            (Some(b""), Use::Escaped(_)) => Vec::new(),
            (Some(bytes), Use::Escaped(name)) => [name.as_slice(), &percent(bytes)].concat(),
        }
    }
}

/// Pieces are joined by `&`, and those of `--json` by nothing.
pub fn joined<'a>(all: impl Iterator<Item = (&'a Data, bool)>, facts: &Facts, missing: &[Bytes]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, (data, json)) in all.enumerate() {
        if i > 0 && !json {
            out.push(b'&');
        }
        out.extend(data.text(facts, missing));
    }
    let end = out.iter().position(|b| *b == 0).unwrap_or(out.len());
    out.truncate(end);
    out
}

/// curl reads 255 bytes or up to a line's end at a time, and takes of each what stands before the first line end.
fn lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let line = rest.iter().take(255).position(|b| *b == b'\n').map_or(rest.len().min(255), |at| at + 1);
        let (piece, after) = rest.split_at(line);
        out.extend(piece.iter().take_while(|b| !matches!(b, b'\r' | b'\n' | 0)));
        rest = after;
    }
    out
}

/// `--data-urlencode`: the first `=`, and where there is none the first `@`, divides.
fn escaped(value: &[u8]) -> Data {
    let at = value.iter().position(|b| *b == b'=').or_else(|| value.iter().position(|b| *b == b'@'));
    match at {
        Some(at) => {
            let name = if at == 0 { Vec::new() } else { [&value[..at], b"="].concat() };
            match value[at] {
                b'@' => Data::File(Bytes::from(&value[at + 1..]), Use::Escaped(name)),
                _ => Data::Text([name.as_slice(), &percent(&value[at + 1..])].concat()),
            }
        }
        None => Data::Text(percent(value)),
    }
}

/// Escapes all but the unreserved characters of RFC 3986; a space is `+`.
fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for b in text {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*b),
            b' ' => out.push(b'+'),
            b => escape(*b, &mut out),
        }
    }
    out
}

/// A file's name as curl puts it into a URL: there a space is `%20`.
pub fn path_escaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for b in name {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*b),
            b => escape(*b, &mut out),
        }
    }
    out
}

fn escape(b: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'%', DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
}

/// libcurl writes the hexadecimal digits of what it appends to a query in lower case.
pub fn small_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut at = 0;
    while at + 2 < out.len() {
        if out[at] == b'%' && out[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit) {
            out[at + 1..at + 3].make_ascii_lowercase();
            at += 2;
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urlencode_is_divided_at_the_equals_sign_before_the_at_sign() {
        let of = |value: &str| Data::of("data-urlencode", value.as_bytes());
        assert_eq!(of("a b=c d"), Data::Text(b"a b=c+d".to_vec()));
        assert_eq!(of("=@f"), Data::Text(b"%40f".to_vec()));
        assert_eq!(of("x@f"), Data::File(Bytes::from("f"), Use::Escaped(b"x=".to_vec())));
        assert_eq!(of("@f"), Data::File(Bytes::from("f"), Use::Escaped(Vec::new())));
        assert_eq!(Data::of("data-raw", b"@f"), Data::Text(b"@f".to_vec()));
        assert_eq!(Data::of("data-ascii", b"@f"), Data::File(Bytes::from("f"), Use::Lines));
        assert_eq!(Data::of("url-query", b"+a b"), Data::Text(b"a b".to_vec()));
    }

    #[test]
    fn a_file_of_data_loses_its_line_ends() {
        assert_eq!(lines(b"a\r\nb\nc\rd\ne"), b"abce");
        assert_eq!(lines(&[b'x'; 600]), [b'x'; 600]);
        assert_eq!(small_escapes(b"%2B%zz%4"), b"%2b%zz%4");
    }
}
