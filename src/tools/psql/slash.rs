//! The words of a backslash command, as psqlscanslash.l cuts them.

use super::script::{Lexer, variable_char};
use super::variables::{PLACEHOLDER, Value, Variables};

/// Values that grow past this are not followed; they count as unknown.
pub const LONGEST: usize = 1 << 20;

/// How a command wants its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Normal,
    /// As a name of a database or user: double quotes go, letters stay.
    Name,
    /// A file, or after `|` the rest of the line as a command.
    FilePipe,
    /// The rest of the line as it stands.
    WholeLine,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arg {
    pub text: Vec<u8>,
    /// Something in it only the server, a program or a human knows; [`PLACEHOLDER`] stands there.
    pub unknown: bool,
    pub quoted: bool,
    /// The number of a version stands in it: no boolean, whatever it is.
    pub versioned: bool,
}

/// The command's name: up to white space or another backslash.
pub fn name(lexer: &mut Lexer) -> Vec<u8> {
    let rest = lexer.rest_or_outer();
    let name: Vec<u8> = rest.iter().copied().take_while(|b| !space(*b) && *b != b'\\').collect();
    lexer.skip(name.len());
    name
}

/// After a command: a double backslash is eaten.
pub fn end(lexer: &mut Lexer) {
    if lexer.rest_or_outer().starts_with(b"\\\\") {
        lexer.skip(2);
    }
}

/// What reading an argument needs to know, and where programs in backquotes are noted.
pub struct Context<'a> {
    pub variables: &'a Variables,
    /// False in a branch that is not taken and for words that are thrown away: nothing is replaced or run.
    pub evaluate: bool,
    pub programs: &'a mut Vec<Arg>,
}

/// The next argument; `None` at the end of the command, and where a quote is left open.
pub fn argument(lexer: &mut Lexer, kind: Kind, strip_semicolons: bool, context: &mut Context<'_>) -> Option<Arg> {
    while lexer.rest_or_outer().first().is_some_and(|b| space(*b)) {
        lexer.skip(1);
    }
    let whole = kind == Kind::WholeLine || (kind == Kind::FilePipe && lexer.rest().first() == Some(&b'|'));
    if whole {
        let mut arg = Arg::default();
        while !lexer.rest_or_outer().is_empty() {
            arg.text.extend_from_slice(lexer.rest());
            lexer.skip(lexer.rest().len());
        }
        return (!arg.text.is_empty()).then_some(arg);
    }
    let mut arg = Arg::default();
    let mut unquoted = 0;
    loop {
        let rest = lexer.rest_or_outer();
        match rest.first().copied() {
            None => break,
            Some(b) if space(b) || b == b'\\' => break,
            Some(b'\'') => {
                (arg.quoted, unquoted) = (true, 0);
                if !single_quoted(lexer, &mut arg.text) {
                    return None;
                }
            }
            Some(b'"') => {
                (arg.quoted, unquoted) = (true, 0);
                if !double_quoted(lexer, &mut arg.text) {
                    return None;
                }
            }
            Some(b'`') => {
                (arg.quoted, unquoted) = (true, 0);
                let program = backquoted(lexer, context)?;
                if context.evaluate {
                    context.programs.push(program);
                    arg.unknown = true;
                    arg.text.extend_from_slice(PLACEHOLDER.as_bytes());
                }
            }
            Some(b':') => {
                if colon(lexer, &mut arg, context, false) {
                    (arg.quoted, unquoted) = (true, 0);
                } else {
                    unquoted += 1;
                }
            }
            Some(b) => {
                unquoted += 1;
                arg.text.push(b);
                lexer.skip(1);
            }
        }
    }
    while strip_semicolons && unquoted > 0 && arg.text.last() == Some(&b';') {
        arg.text.pop();
        unquoted -= 1;
    }
    if kind == Kind::Name {
        arg.text = without_double_quotes(&arg.text);
    }
    (!arg.text.is_empty() || arg.quoted).then_some(arg)
}

fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

fn single_quoted(lexer: &mut Lexer, out: &mut Vec<u8>) -> bool {
    lexer.skip(1);
    loop {
        let rest = lexer.rest_or_outer();
        let (taken, byte) = match rest {
            [] => return false,
            [b'\'', b'\'', ..] => (2, b'\''),
            [b'\'', ..] => {
                lexer.skip(1);
                return true;
            }
            [b'\\', b'n', ..] => (2, b'\n'),
            [b'\\', b't', ..] => (2, b'\t'),
            [b'\\', b'b', ..] => (2, 8),
            [b'\\', b'r', ..] => (2, b'\r'),
            [b'\\', b'f', ..] => (2, 0x0c),
            [b'\\', b'x', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => {
                let (count, value) = number(digits, 16, 2);
                (2 + count, value)
            }
            [b'\\', digits @ ..] if digits.first().is_some_and(|b| (b'0'..=b'7').contains(b)) => {
                let (count, value) = number(digits, 8, 3);
                (1 + count, value)
            }
            [b'\\', other, ..] => (2, *other),
            [other, ..] => (1, *other),
        };
        out.push(byte);
        lexer.skip(taken);
    }
}

/// Up to `most` digits; the value wraps as C's char does.
fn number(digits: &[u8], base: u32, most: usize) -> (usize, u8) {
    let values = digits.iter().take(most).map_while(|b| char::from(*b).to_digit(base));
    values.fold((0, 0u8), |(count, value), digit| (count + 1, value.wrapping_mul(base as u8).wrapping_add(digit as u8)))
}

fn double_quoted(lexer: &mut Lexer, out: &mut Vec<u8>) -> bool {
    out.push(b'"');
    lexer.skip(1);
    loop {
        let Some(byte) = lexer.rest_or_outer().first().copied() else { return false };
        out.push(byte);
        lexer.skip(1);
        if byte == b'"' {
            return true;
        }
    }
}

fn backquoted(lexer: &mut Lexer, context: &mut Context<'_>) -> Option<Arg> {
    lexer.skip(1);
    let mut program = Arg::default();
    loop {
        match lexer.rest_or_outer().first().copied()? {
            b'`' => {
                lexer.skip(1);
                return Some(program);
            }
            b':' => {
                colon(lexer, &mut program, context, true);
            }
            byte => {
                program.text.push(byte);
                lexer.skip(1);
            }
        }
    }
}

/// A colon in an argument or (`shell`) in backquotes; true where a variable was replaced.
fn colon(lexer: &mut Lexer, arg: &mut Arg, context: &Context<'_>, shell: bool) -> bool {
    let rest = lexer.rest();
    let name_at = |from: usize| rest[from.min(rest.len())..].iter().take_while(|c| variable_char(**c)).count();
    let quote = rest.get(1).copied();
    let (from, end) = match quote {
        Some(q @ (b'\'' | b'"'))
            if (q == b'\'' || !shell) && name_at(2) > 0 && rest.get(2 + name_at(2)) == Some(&q) =>
        {
            (2, 1)
        }
        Some(b'{')
            if !shell && rest.get(2) == Some(&b'?') && name_at(3) > 0 && rest.get(3 + name_at(3)) == Some(&b'}') =>
        {
            (3, 1)
        }
        _ if name_at(1) > 0 => (1, 0),
        _ => {
            arg.text.push(b':');
            lexer.skip(1);
            return false;
        }
    };
    let count = name_at(from);
    let name = rest[from..from + count].to_vec();
    let all = rest[..from + count + end].to_vec();
    lexer.skip(all.len());
    let value = if context.evaluate { context.variables.get(&name) } else { None };
    if from == 3 {
        let truth: &[u8] = match &value {
            Some(Value::Known(_)) => b"TRUE",
            Some(Value::Unknown) => PLACEHOLDER.as_bytes(),
            None => b"FALSE",
        };
        arg.unknown |= value == Some(Value::Unknown);
        arg.text.extend_from_slice(truth);
        return true;
    }
    match value {
        None => arg.text.extend_from_slice(&all),
        Some(Value::Unknown) => {
            arg.unknown = true;
            arg.versioned |= context.variables.is_version(&name);
            arg.text.extend_from_slice(PLACEHOLDER.as_bytes());
        }
        Some(Value::Known(value)) if arg.text.len() + value.len() > LONGEST => arg.unknown = true,
        Some(Value::Known(value)) if end == 0 => arg.text.extend_from_slice(&value),
        Some(Value::Known(value)) => {
            let quote = quote.unwrap_or(b'\'');
            arg.text.push(quote);
            for byte in value {
                match (byte == quote, shell) {
                    (true, true) => arg.text.extend_from_slice(b"'\\''"),
                    (true, false) => arg.text.extend_from_slice(&[quote, quote]),
                    (false, _) => arg.text.push(byte),
                }
            }
            arg.text.push(quote);
        }
    }
    true
}

fn without_double_quotes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut inside = false;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' {
            if inside && bytes.next_if_eq(&b'"').is_some() {
                out.push(b'"');
            } else {
                inside = !inside;
            }
        } else {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, kind: Kind) -> (Vec<String>, Vec<String>) {
        let mut variables = Variables::default();
        variables.set(b"v", Value::Known(b"a b".to_vec()));
        let mut lexer = Lexer::default();
        lexer.line(line.as_bytes());
        let mut programs = Vec::new();
        let mut context = Context { variables: &variables, evaluate: true, programs: &mut programs };
        let mut words = Vec::new();
        while let Some(arg) = argument(&mut lexer, kind, true, &mut context) {
            words.push(String::from_utf8(arg.text).unwrap());
        }
        (words, programs.into_iter().map(|p| String::from_utf8(p.text).unwrap()).collect())
    }

    #[test]
    fn words_are_cut_as_psql_cuts_them() {
        for (line, expect) in [
            ("a b", &["a", "b"][..]),
            ("'a b'c d;", &["a bc", "d"]),
            (r"'it''s\n\x41\101' x", &["it's\nAA", "x"]),
            ("\"a b\" :v :'v' :none", &["\"a b\"", "a b", "'a b'", ":none"]),
            (r"a\b", &["a"]),
            ("'open", &[]),
            ("|cat", &["|cat"]),
        ] {
            assert_eq!(read(line, Kind::Normal).0, expect, "{line}");
        }
        assert_eq!(read("|cat > x; y", Kind::FilePipe).0, ["|cat > x; y"]);
        assert_eq!(read("x `ls :v :'v'` y", Kind::Normal).1, ["ls a b 'a b'"]);
    }
}
