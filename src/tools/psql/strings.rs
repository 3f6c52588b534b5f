//! Where strings go on behind their quotes, and what they are where a backslash escapes in all of them.

use super::script::{Lexer, Stop};
use super::variables::Variables;

/// SQL in which a backslash escapes in plain strings, written so that it does whatever the setting.
pub fn escaping(text: &[u8]) -> Vec<u8> {
    let (mut lexer, mut out) = (Lexer::default(), Vec::new());
    lexer.escapes = true;
    let variables = Variables::default();
    lexer.line(text);
    loop {
        match lexer.sql(&mut out, &variables, false) {
            Stop::EndOfLine => return out,
            Stop::Semicolon => {}
            Stop::Backslash => out.push(b'\\'),
        }
    }
}

/// Whether a quote behind this goes on with a string: one that ended on a line before.
pub fn goes_on(before: &[u8]) -> bool {
    let end = before.trim_ascii_end();
    end.ends_with(b"'") && before[end.len()..].contains(&b'\n')
}

/// Bytes up to and with the quote that goes on with a string, if one does.
pub fn continuation(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut newline = false;
    loop {
        match rest.get(at)? {
            b'\n' | b'\r' => {
                newline = true;
                at += 1;
            }
            b' ' | b'\t' | 0x0c => at += 1,
            b'-' if rest.get(at + 1) == Some(&b'-') => {
                at += rest[at..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
            }
            b'\'' if newline => return Some(at + 1),
            _ => return None,
        }
    }
}
