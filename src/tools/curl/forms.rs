//! `--form`: which files one sends, and which forms curl refuses (curl(1), `--form`; tool_formparse.c).

use crate::model::Bytes;

/// What one `--form` adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub files: Vec<Bytes>,
    /// It opens a part that holds parts (`name=(`), or closes one (`=)`).
    pub nests: i32,
    /// A `;type=` that is no `major/minor`.
    pub odd_type: bool,
    /// A `;encoder=` that curl does not have: it makes no request.
    pub odd_encoder: bool,
}

/// Reads `name=content`. An error where curl refuses it.
pub fn read(value: &[u8], literal: bool) -> Result<Form, String> {
    let equals = value.iter().position(|b| *b == b'=').ok_or("a form needs NAME=CONTENT")?;
    let (name, content) = (&value[..equals], &value[equals + 1..]);
    let mut form = Form::default();
    match content.split_first() {
        _ if literal => {}
        Some((b'(', _)) => {
            form.nests = 1;
            part(content, None, &mut form);
        }
        _ if content == b")" && name.is_empty() => form.nests = -1,
        Some((b'@', rest)) => {
            let mut rest = rest;
            loop {
                let (file, after) = part(rest, Some(b','), &mut form);
                form.files.push(Bytes(file));
                match after.split_first() {
                    Some((b',', after)) => rest = after,
                    _ => break,
                }
            }
        }
        Some((b'<', rest)) => {
            let (file, _) = part(rest, None, &mut form);
            form.files.push(Bytes(file));
        }
        _ => {
            part(content, None, &mut form);
        }
    }
    Ok(form)
}

/// One word and its attributes (`;type=`, `;filename=`, `;headers=@file`, `;encoder=`), up to `end`.
fn part<'a>(text: &'a [u8], end: Option<u8>, form: &mut Form) -> (Vec<u8>, &'a [u8]) {
    let (data, mut rest) = word(text, end);
    let mut typed = false;
    while let Some(after) = rest.strip_prefix(b";") {
        let after = after.trim_ascii_start();
        let attribute = |name: &str| {
            let begins = after.get(..name.len()).is_some_and(|b| b.eq_ignore_ascii_case(name.as_bytes()));
            begins.then(|| &after[name.len()..])
        };
        if let Some(kind) = attribute("type=").filter(|_| !typed) {
            let kind = kind.trim_ascii_start();
            form.odd_type |= !is_media_type(kind);
            rest = skip(kind, end);
            typed = true;
        } else if let Some(name) = attribute("encoder=") {
            let (name, after) = word(name, end);
            form.odd_encoder |= !ENCODERS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            (rest, typed) = (after, false);
        } else if let Some(name) = attribute("filename=") {
            rest = word(name, end).1;
            typed = false;
        } else if let Some(headers) = attribute("headers=") {
            typed = false;
            let from_file = headers.strip_prefix(b"@").or_else(|| headers.strip_prefix(b"<"));
            let (name, after) = word(from_file.unwrap_or(headers), end);
            form.files.extend(from_file.map(|_| Bytes(name)));
            rest = after;
        } else if typed {
            rest = skip(after, end);
        } else {
            rest = word(after, end).1;
        }
    }
    (data, rest)
}

/// lib/mime.c.
const ENCODERS: [&str; 5] = ["7bit", "8bit", "base64", "binary", "quoted-printable"];

/// `major/minor`, which 7.88 wants to see.
fn is_media_type(text: &[u8]) -> bool {
    let major = text.iter().position(|b| matches!(b, b'/' | b' ')).unwrap_or(text.len());
    let minor = text.get(major + 1).filter(|b| !matches!(b, b';' | b',' | b' ' | b'\n'));
    major > 0 && text.get(major) == Some(&b'/') && minor.is_some()
}

fn skip(text: &[u8], end: Option<u8>) -> &[u8] {
    &text[text.iter().position(|b| *b == b';' || Some(*b) == end).unwrap_or(text.len())..]
}

/// A word up to `;` or the end, or in double quotes, where a backslash keeps the next quote or backslash.
fn word(text: &[u8], end: Option<u8>) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut out = Vec::new();
        let mut rest = quoted;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (first, after.first()) {
                (b'\\', Some(next @ (b'"' | b'\\'))) => {
                    out.push(*next);
                    rest = &after[1..];
                }
                (b'"', _) => return (out, skip(rest, end)),
                (other, _) => out.push(*other),
            }
        }
        // Without its end, the quote is a character like others.
    }
    let rest = skip(text, end);
    (text[..text.len() - rest.len()].trim_ascii_end().to_vec(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<String> {
        read(text.as_bytes(), false).unwrap().files.iter().map(|f| f.text().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_files_of_a_form_are_found_and_nothing_else() {
        assert_eq!(files("x=@a;type=text/plain"), ["a"]);
        assert_eq!(files("x=@a,b;filename=c"), ["a", "b"]);
        assert_eq!(files("x=@a;type=text/plain;charset=x,b;headers=@h"), ["a", "h", "b"]);
        assert_eq!(files("x=<a,b"), ["a,b"]);
        assert_eq!(files(r#"x=@"a;\"b,c";type=y/z"#), [r#"a;"b,c"#]);
        assert_eq!(files("x=y;headers=@h"), ["h"]);
        assert_eq!(files("x=y;type=a/b;x=;headers=@h"), ["h"]);
        assert_eq!(files("x=y@z"), Vec::<String>::new());
        assert_eq!(files("=@x"), ["x"]);
        assert_eq!(files("x=@ a ;filename=b"), ["a"]);
        assert_eq!(read(b"x=@y", true).unwrap().files, []);
        assert_eq!(read(b"a=(;headers=@h", false).unwrap().nests, 1);
    }

    #[test]
    fn forms_that_curl_refuses_are_errors() {
        assert!(read(b"@x", false).is_err());
        assert!(read(b"x=@a;type=plain", false).unwrap().odd_type && !read(b"x=@a;type=a/b", false).unwrap().odd_type);
        assert!(read(b"x", true).is_err());
    }
}
