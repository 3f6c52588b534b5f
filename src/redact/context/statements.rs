//! What a line before says of this one: the columns of an INSERT for its rows, a command that prints a secret for its
//! output.

use super::super::checks::Check;
use super::super::scan::Span;
use super::NAMED;
use super::counts;
use super::names::{Says, says};

/// `INSERT INTO t (a, password) VALUES (1, '…'), (2, '…');`, also with a row a line.
#[derive(Default)]
pub struct Statements {
    columns: Vec<Option<Says>>,
}

impl Statements {
    pub fn inside(&self) -> bool {
        !self.columns.is_empty()
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let mut from = 0;
        if let Some(insert) = word(line, 0, b"insert into").or_else(|| word(line, 0, b"replace into")) {
            self.columns.clear();
            let Some(open) = memchr::memchr(b'(', &line[insert..]).map(|n| insert + n + 1) else { return };
            let Some(close) = memchr::memchr(b')', &line[open..]).map(|n| open + n) else { return };
            let name = |name: &[u8]| {
                says(
                    name.trim_ascii()
                        .trim_ascii_end()
                        .strip_prefix(b"\"")
                        .unwrap_or(name.trim_ascii())
                        .split(|b| matches!(b, b'"' | b'`'))
                        .find(|n| !n.is_empty())
                        .unwrap_or_default(),
                )
            };
            self.columns = line[open..close].split(|b| *b == b',').map(name).collect();
            if self.columns.iter().all(Option::is_none) {
                self.columns.clear();
                return;
            }
            from = close + 1;
        } else if !self.inside() || !(line.trim_ascii_start().starts_with(b"(") || word(line, 0, b"values").is_some()) {
            self.columns.clear();
            return;
        }
        while let Some(open) = memchr::memchr(b'(', &line[from..]).map(|n| from + n + 1) {
            from = self.row(line, open, at, found);
        }
        if line.trim_ascii_end().ends_with(b";") {
            self.columns.clear();
        }
    }

    /// One row's values from behind its bracket on; where it ends.
    fn row(&self, line: &[u8], open: usize, at: usize, found: &mut Vec<Span>) -> usize {
        let (mut from, mut depth) = (open, 0);
        for told in self.columns.iter().map(Some).chain(std::iter::repeat(None)) {
            let start = from + line[from..].iter().take_while(|b| **b == b' ').count();
            let mut quoted = None;
            let mut end = start;
            while let Some(b) = line.get(end) {
                match (b, quoted) {
                    (b'\'', None) => quoted = Some(end + 1),
                    (b'\'', Some(_)) => {
                        if let (Some(Some(told)), Some(begin)) = (told, quoted)
                            && depth == 0
                            && counts(*told, &line[begin..end], b"")
                        {
                            found.push(Span { start: at + begin, end: at + end, kind: NAMED, silent: false });
                        }
                        quoted = None;
                    }
                    (b'\\', Some(_)) => end += 1,
                    (b'(', None) => depth += 1,
                    (b')', None) if depth > 0 => depth -= 1,
                    (b')', None) => return end + 1,
                    (b',', None) if depth == 0 => break,
                    _ => {}
                }
                end += 1;
            }
            if end >= line.len() {
                return line.len();
            }
            from = end + 1;
        }
        line.len()
    }
}

/// Where a word ends, in either case of letters.
fn word(line: &[u8], from: usize, text: &[u8]) -> Option<usize> {
    let first = [text[0], text[0].to_ascii_uppercase()];
    memchr::memchr2_iter(first[0], first[1], &line[from..])
        .map(|n| from + n)
        .find(|n| line.get(*n..*n + text.len()).is_some_and(|t| t.eq_ignore_ascii_case(text)))
        .map(|n| n + text.len())
}

/// Commands that print a secret and nothing else.
const ASKING: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"token",
    b"secret",
    b"credential",
    b"openssl rand",
    b"pwgen",
    b"pass show",
    b"pass ",
    b"api-key",
    b"api_key",
    b"apikey",
    b"access-key",
    b"access_key",
    b"jsonpath",
    b"base64 -d",
    b"base64 --decode",
    b"wg genkey",
    b"genpsk",
    b" keys ",
    b".key",
    b"passphrase",
];
/// What a sentence says whose colon a secret follows in the next line, and an announcement: `New value: …`.
const SAYING: &[&[u8]] =
    &[b"password", b"token", b"secret", b"passphrase", b"api key", b"recovery code", b"backup code"];
const ANNOUNCING: &[&[u8]] = &[b"successfully", b"generated", b"created", b"reset", b"rotated"];
/// The server asks for a password, in base64 (RFC 4954's LOGIN as all do it).
const PROMPT: &[u8] = b"334 UGFzc3dvcmQ6";

/// What the line before makes of this one.
#[derive(Default)]
pub struct Asked {
    told: Option<Tells>,
    /// `1) "requirepass"`: redis's name of the value in the next line.
    named: Option<Says>,
    /// `- --token`: an item of a list of arguments, whose value is the next.
    option: Option<Says>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// A command typed at a prompt prints a secret: `$ pass show db`. Or a sentence ends with a colon.
    Alone,
    /// A list of codes: it goes on.
    Codes,
    /// A command prints a variable whose name tells: `$ echo $API_KEY`.
    Variable,
    /// `label: secret`
    Labelled,
    /// A user's name, and below it the password.
    User,
    Given,
    /// The line's last word.
    Last,
    /// A field of a form in MIME, or an element as PHP's `var_dump` shows it.
    Field(Says),
}

impl Asked {
    pub fn inside(&self) -> bool {
        self.told.is_some() || self.named.is_some() || self.option.is_some()
    }

    pub fn line(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        self.numbered(line, at, found);
        self.option(line, at, found);
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        let before = self.told.take();
        let last = text.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        let word = match before {
            Some(Tells::Alone) if Check::Key.holds(text, b"") || strong(text) => text,
            Some(Tells::User) => {
                self.told = Some(Tells::Given);
                return;
            }
            Some(Tells::Given) if last.len() == text.len() && Check::Real.holds(text, b"") => text,
            Some(Tells::Variable) if last.len() == text.len() && text.len() >= 8 && Check::Real.holds(text, b"") => {
                text
            }
            Some(Tells::Codes) if text.len() >= 8 && last.len() == text.len() && code(text) => text,
            Some(Tells::Labelled) if text.contains(&b':') && (Check::Key.holds(last, b"") || strong(last)) => last,
            Some(Tells::Last) if last.len() >= 4 => last,
            Some(Tells::Field(told)) => field(told, text),
            _ => &text[..0],
        };
        if !word.is_empty() {
            let quote =
                usize::from(before.is_some_and(|told| matches!(told, Tells::Field(_))) && text.ends_with(b"\""));
            let end = at + line.trim_ascii_end().len() - quote;
            found.push(Span { start: end - word.len(), end, kind: NAMED, silent: false });
            self.told = before.filter(|before| *before == Tells::Codes);
            return;
        }
        self.told = tells(line);
    }

    /// `- --token` and `- …` of YAML, `"--token",` and `"…"` of JSON.
    fn option(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let told = self.option.take();
        let lead = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b',');
        let dash = line.iter().take_while(|b| **b == b' ').count();
        let start = if line[dash..].starts_with(b"- ") { dash + 2 } else { dash };
        let start = start + line[start..].iter().take_while(|b| lead(b)).count();
        let text = &line[start..];
        let text = &text[..text.len() - text.iter().rev().take_while(|b| lead(b) || **b == b'\r').count()];
        match told {
            Some(told) if counts(told, text, b"") => {
                found.push(Span { start: at + start, end: at + start + text.len(), kind: NAMED, silent: false });
            }
            _ => {
                let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                self.option = text.strip_prefix(b"--").filter(|name| start > 0 && name.iter().all(word)).and_then(says);
            }
        }
    }

    /// `1) "requirepass"` and `2) "…"`, as redis's client prints them.
    fn numbered(&mut self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let named = self.named.take();
        let start = line.iter().take_while(|b| b.is_ascii_digit()).count();
        let quoted = line[start..].strip_prefix(b") \"").and_then(|text| text.strip_suffix(b"\""));
        let Some(text) = quoted.filter(|_| start > 0) else { return };
        match named {
            Some(told) if counts(told, text, b"") => {
                let start = at + start + 3;
                found.push(Span { start, end: start + text.len(), kind: NAMED, silent: false });
            }
            _ => self.named = says(text),
        }
    }
}

fn tells(line: &[u8]) -> Option<Tells> {
    let any = |words: &[&[u8]]| words.iter().any(|asking| word(line, 0, asking).is_some());
    // A comment is no command.
    let comment = line.strip_prefix(b"# ").is_some_and(|rest| rest.first().is_none_or(|b| !b.is_ascii_lowercase()));
    let prompt = !comment && [&b"$ "[..], b"# ", b"% ", b"+ "].iter().any(|sign| line.starts_with(sign))
        || memchr::memmem::find(line, b"$ ").is_some_and(|n| n < 40 && line[..n].contains(&b'@'));
    if prompt {
        if shown(line).is_some() {
            return Some(Tells::Variable);
        }
        return (!line.contains(&b'>') && !line.ends_with(b"\\") && any(ASKING)).then_some(Tells::Alone);
    }
    // etcdctl prints a key and below it the value.
    if line.starts_with(b"/") && !line.contains(&b' ') {
        let last = line.rsplit(|b| *b == b'/').next().unwrap_or_default();
        return (says(last) == Some(Says::Surely)).then_some(Tells::Alone);
    }
    // OpenVPN's two lines.
    if line.trim_ascii() == b"<auth-user-pass>" {
        return Some(Tells::User);
    }
    if memchr::memmem::find(line, PROMPT).is_some() {
        return Some(Tells::Last);
    }
    if let Some(told) = opens_field(line) {
        return Some(Tells::Field(told));
    }
    match line.trim_ascii_end() {
        text if text.ends_with(b"codes:") => any(SAYING).then_some(Tells::Codes),
        // A key of YAML is no sentence.
        [text @ .., b':'] if text.contains(&b' ') && !text.starts_with(b" ") => any(SAYING).then_some(Tells::Alone),
        _ => (any(ANNOUNCING) && any(SAYING)).then_some(Tells::Labelled),
    }
}

/// The variable that `echo $NAME`, `printenv NAME` and `config:get NAME` print alone, where its name tells.
fn shown(line: &[u8]) -> Option<Says> {
    let mut words = line.trim_ascii_end().rsplit(|b| *b == b' ');
    let (name, command) = (words.next()?, words.next()?);
    let bare = name.iter().copied().filter(|b| !matches!(b, b'"' | b'{' | b'}')).collect::<Vec<u8>>();
    let name = match (bare.strip_prefix(b"$"), command) {
        (Some(name), b"echo" | b"-n" | b"'%s\\n'") => name,
        (None, b"printenv" | b"config:get") => &bare[..],
        _ => return None,
    };
    says(name)
}

/// One of a list of codes, in groups of letters and digits.
fn code(text: &[u8]) -> bool {
    let signs = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    Check::Random.holds(text, b"") || text.iter().all(signs) && text.iter().any(u8::is_ascii_digit)
}

/// `Content-Disposition: form-data; name="password"` (RFC 7578), `["password"]=>`.
fn opens_field(line: &[u8]) -> Option<Says> {
    let text = line.trim_ascii();
    let name = match text.strip_suffix(b"]=>") {
        Some(name) => name.strip_prefix(b"[")?,
        None => {
            let disposition = word(line, 0, b"content-disposition: form-data;")?;
            &text[memchr::memmem::find(text, b"name=").filter(|_| disposition > 0)? + 5..]
        }
    };
    let name = name.strip_prefix(b"\"")?;
    says(&name[..memchr::memchr(b'"', name)?])
}

/// The field's text, without the length and the quotes that PHP puts around it.
fn field(told: Says, text: &[u8]) -> &[u8] {
    let inner = text.strip_prefix(b"string(").and_then(|rest| memchr::memchr(b'"', rest).map(|n| &rest[n + 1..]));
    let inner = inner.and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(text);
    if counts(told, inner, b"") { inner } else { &text[..0] }
}

/// One word, as long as a password and of as many kinds of signs.
fn strong(text: &[u8]) -> bool {
    let any = |is: fn(&u8) -> bool| text.iter().any(is);
    let kinds = [
        any(u8::is_ascii_lowercase),
        any(u8::is_ascii_uppercase),
        any(u8::is_ascii_digit),
        any(u8::is_ascii_punctuation),
    ];
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    text.len() >= 12
        && !text.starts_with(b"-")
        && !text.starts_with(b"\\")
        && text.iter().all(u8::is_ascii_graphic)
        && !text.contains(&b'/')
        && (!text.contains(&b':') || text.len() > 30)
        && (kinds.iter().filter(|kind| **kind).count() > 2 || digits > 1 && kinds[0] && text.len() > 14)
        && Check::Random.holds(text, b"")
}
