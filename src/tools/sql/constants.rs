//! Rows of constants, which say nothing about what an INSERT does and are most of a dump's text.

use std::borrow::Cow;

/// `INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') …` as `INSERT INTO t (a, b) VALUES (NULL) …`. Every other text, and
/// what stands behind the rows, stays as it is: only rows of plain numbers, strings without a backslash, NULL, TRUE,
/// FALSE and DEFAULT are left out, where the grammar has nothing else.
pub fn without(text: &str) -> Cow<'_, str> {
    let mut words = Words { text: text.as_bytes(), at: 0 };
    match words.rows() {
        Some((from, to)) => Cow::Owned([&text[..from], "(NULL)", &text[to..]].concat()),
        None => Cow::Borrowed(text),
    }
}

struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl Words<'_> {
    /// Where the rows begin and end that are constant from the first on.
    fn rows(&mut self) -> Option<(usize, usize)> {
        self.word("insert")?;
        self.word("into")?;
        self.name()?;
        while self.sign(b'.') {
            self.name()?;
        }
        if self.sign(b'(') {
            self.name()?;
            while self.sign(b',') {
                self.name()?;
            }
            self.sign(b')').then_some(())?;
        }
        self.word("values")?;
        self.space();
        let from = self.at;
        self.row()?;
        let mut to = self.at;
        while self.sign(b',') && self.row().is_some() {
            to = self.at;
        }
        Some((from, to))
    }

    fn row(&mut self) -> Option<()> {
        self.sign(b'(').then_some(())?;
        self.constant()?;
        while self.sign(b',') {
            self.constant()?;
        }
        self.sign(b')').then_some(())
    }

    /// One value with nothing behind it but a comma or a parenthesis.
    fn constant(&mut self) -> Option<()> {
        self.space();
        let rest = self.text.get(self.at..)?;
        self.at += match rest.first()? {
            b'\'' => string(rest)?,
            b'+' | b'-' | b'0'..=b'9' => number(rest)?,
            _ => {
                let count = rest.iter().take_while(|byte| in_name(byte)).count();
                let known = ["null", "true", "false", "default"];
                known.iter().any(|word| rest[..count].eq_ignore_ascii_case(word.as_bytes())).then_some(count)?
            }
        };
        self.space();
        matches!(self.text.get(self.at), Some(b',' | b')')).then_some(())
    }

    fn space(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)).count();
    }

    fn sign(&mut self, sign: u8) -> bool {
        self.space();
        let here = self.text.get(self.at) == Some(&sign);
        self.at += usize::from(here);
        here
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.space();
        let rest = self.text.get(self.at..)?;
        let count = rest.iter().take_while(|byte| in_name(byte)).count();
        self.at += count;
        rest[..count].eq_ignore_ascii_case(word.as_bytes()).then_some(())
    }

    /// A name, bare or in double quotes.
    fn name(&mut self) -> Option<()> {
        self.space();
        let rest = self.text.get(self.at..)?;
        let count = match rest.first()? {
            b'"' => memchr::memchr(b'"', &rest[1..])? + 2,
            b'0'..=b'9' | b'$' => return None,
            _ => rest.iter().take_while(|byte| in_name(byte)).count(),
        };
        self.at += count;
        (count > 0 && self.text.get(self.at) != Some(&b'"')).then_some(())
    }
}

fn in_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80
}

/// The length of a quoted string, its doubled quotes within. A backslash may mean more than itself.
fn string(rest: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr3(b'\'', b'\\', 0, rest.get(at..)?)?;
        match (rest[at], rest.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Some(at + 1),
            _ => return None,
        }
    }
}

fn number(rest: &[u8]) -> Option<usize> {
    let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(rest[0], b'+' | b'-'));
    let whole = digits(sign);
    let count = sign + whole;
    let fraction = if whole > 0 && rest.get(count) == Some(&b'.') { 1 + digits(count + 1) } else { 0 };
    (whole > 0).then_some(count + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_constants_go_and_everything_else_stays() {
        for (text, expect) in [
            ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (NULL)"),
            (
                "insert into s.\"T\" (a, \"b\")\nvalues (1,'it''s'), (-2.5, NULL);",
                "insert into s.\"T\" (a, \"b\")\nvalues (NULL);",
            ),
            ("INSERT INTO t VALUES (1),(2) RETURNING x", "INSERT INTO t VALUES (NULL) RETURNING x"),
            ("INSERT INTO t VALUES (1),(wipe()),(3)", "INSERT INTO t VALUES (NULL),(wipe()),(3)"),
            (
                "INSERT INTO t VALUES (DEFAULT,true)ON CONFLICT DO NOTHING",
                "INSERT INTO t VALUES (NULL)ON CONFLICT DO NOTHING",
            ),
        ] {
            assert_eq!(without(text), expect);
        }
        for text in [
            "INSERT INTO t VALUES (wipe())",
            "INSERT INTO t VALUES ('a\\'')",
            "INSERT INTO t VALUES ('a'\n'b')",
            "INSERT INTO t VALUES (1::x)",
            "INSERT INTO t VALUES (E'a')",
            "INSERT INTO t VALUES (1 + 2)",
            "INSERT INTO t VALUES ((1))",
            "INSERT INTO t VALUES (1",
            "INSERT INTO t VALUES ('a",
            "INSERT INTO t VALUES ()",
            "INSERT INTO t VALUES (1e5)",
            "INSERT INTO t SELECT values (1)",
            "INSERT INTO t.values (1), (2)",
            "INSERT INTO t(a[1]) VALUES (1)",
            "INSERT INTO u&\"t\" VALUES (1)",
            "SELECT 1",
            "",
        ] {
            assert_eq!(without(text), text);
        }
    }
}
