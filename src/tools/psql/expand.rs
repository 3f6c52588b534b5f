//! Variables in SQL: psql reads their values in the place of their names.

use super::script::{Lexer, Source, variable_char};
use super::variables::{PLACEHOLDER, Value, Variables};

/// Bytes of variables that one script may have expanded; past it, values count as unknown.
const MOST_EXPANDED: usize = 1 << 20;

impl Lexer {
    /// `:name`, `:'name'`, `:"name"` and `:{?name}`; anything else after a colon is SQL.
    pub fn colon(&mut self, out: &mut Vec<u8>, variables: &Variables, expand: bool) {
        let rest = self.rest();
        let name_at = |from: usize| rest[from.min(rest.len())..].iter().take_while(|c| variable_char(**c)).count();
        match rest.get(1) {
            Some(b':' | b'=') => self.emit(2, out),
            Some(b'{') if rest.get(2) == Some(&b'?') && name_at(3) > 0 && rest.get(3 + name_at(3)) == Some(&b'}') => {
                let count = name_at(3);
                let known = variables.get(&rest[3..3 + count]);
                let truth = match known {
                    Some(Value::Known(_)) => &b"TRUE"[..],
                    None => b"FALSE",
                    Some(Value::Unknown) => {
                        self.unknown = true;
                        PLACEHOLDER.as_bytes()
                    }
                };
                out.extend_from_slice(truth);
                self.skip(count + 4);
            }
            Some(quote @ (b'\'' | b'"')) if name_at(2) > 0 && rest.get(2 + name_at(2)) == Some(quote) => {
                let (quote, count) = (*quote, name_at(2));
                match variables.get(&rest[2..2 + count]).filter(|_| expand) {
                    None => return self.emit(count + 3, out),
                    Some(Value::Known(value)) => quote_into(out, &value, quote),
                    Some(Value::Unknown) => {
                        // A literal is harmless whatever it holds; a name is not.
                        self.unknown |= quote == b'"';
                        quote_into(out, PLACEHOLDER.as_bytes(), quote);
                    }
                }
                self.skip(count + 3);
            }
            _ if name_at(1) > 0 => self.variable(name_at(1), out, variables, expand),
            _ => self.emit(1, out),
        }
    }

    pub fn variable(&mut self, count: usize, out: &mut Vec<u8>, variables: &Variables, expand: bool) {
        let name = self.rest()[1..=count].to_vec();
        let inside = self.sources.iter().any(|source| source.variable.as_ref() == Some(&name));
        match variables.get(&name).filter(|_| expand && !inside) {
            None => self.emit(count + 1, out),
            Some(Value::Known(text)) if self.expanded <= MOST_EXPANDED => {
                self.expanded += text.len() + 1;
                self.skip(count + 1);
                self.sources.push(Source { variable: Some(name), text, at: 0 });
            }
            Some(Value::Known(_) | Value::Unknown) => {
                self.unknown = true;
                out.extend_from_slice(PLACEHOLDER.as_bytes());
                self.skip(count + 1);
            }
        }
    }
}

/// As PQescapeLiteral and PQescapeIdentifier write it.
fn quote_into(out: &mut Vec<u8>, value: &[u8], quote: u8) {
    let backslashes = quote == b'\'' && value.contains(&b'\\');
    if backslashes {
        out.extend_from_slice(b" E");
    }
    out.push(quote);
    for byte in value {
        if *byte == quote || (backslashes && *byte == b'\\') {
            out.push(*byte);
        }
        out.push(*byte);
    }
    out.push(quote);
}
