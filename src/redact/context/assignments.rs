//! `key = value` in one line, as any language or format writes it: the key's name tells. Also `f("KEY", "value")`, a
//! query's parameters, and options of a command line.

use super::super::checks::expression;
use super::super::scan::Span;
use super::names::{Says, says};
use super::phrases::argument;
use super::{NAMED, counts};

/// Parameters of an address which are secrets when their value is long and random.
const PARAMETERS: &[&[u8]] =
    &[b"sig", b"code", b"key", b"auth", b"sid", b"jwt", b"ticket", b"hash", b"state_token", b"s"];
/// The shortest of those.
const LONG: usize = 20;
/// Programs and the option by which each takes a password.
const OPTIONS: &[(&[u8], &[u8])] = &[
    (b"mysql", b"-p"),
    (b"mysqldump", b"-p"),
    (b"mysqladmin", b"-p"),
    (b"mariadb", b"-p"),
    (b"sshpass", b"-p"),
    (b"mongo", b"-p"),
    (b"mongosh", b"-p"),
    (b"mongodump", b"-p"),
    (b"redis-cli", b"-a"),
    (b"curl", b"-u"),
    (b"curl", b"--user"),
    (b"curl", b"-U"),
    (b"curl", b"--proxy-user"),
    (b"curl", b"--cert"),
    (b"curl", b"-E"),
    (b"http", b"-a"),
    (b"https", b"-a"),
    (b"wget", b"--password"),
    (b"openssl", b"-k"),
    (b"openssl", b"-passin"),
    (b"openssl", b"-pass"),
    (b"login", b"-p"),
    (b"smbclient", b"-U"),
    (b"ldapsearch", b"-w"),
    (b"ldapadd", b"-w"),
    (b"ldapmodify", b"-w"),
    (b"sqlcmd", b"-P"),
    (b"bcp", b"-P"),
    (b"zip", b"-P"),
    (b"unzip", b"-P"),
    (b"7z", b"-p"),
    (b"lftp", b"-u"),
    (b"ipmitool", b"-P"),
    (b"mosquitto_pub", b"-P"),
    (b"mosquitto_sub", b"-P"),
    (b"cqlsh", b"-p"),
    (b"rdesktop", b"-p"),
    (b"influx", b"-t"),
    (b"influx", b"-p"),
];

pub fn line(line: &[u8], at: usize, found: &mut Vec<Span>) {
    let mut push = |(start, end): (usize, usize)| {
        if found.last().is_none_or(|last| last.end <= at + start) {
            found.push(Span { start: at + start, end: at + end, kind: NAMED, silent: false });
        }
    };
    let mut until = 0;
    for sign in memchr::memchr3_iter(b'=', b':', b',', line) {
        if sign < until {
            continue;
        }
        // A path of Rust or C++ is none; LDIF's `::` has a blank behind.
        let path = |n: usize| line.get(n) == Some(&b':');
        if path(sign)
            && (path(sign + 1) && line.get(sign + 2) != Some(&b' ')
                || sign > 0 && path(sign - 1) && line.get(sign + 1) != Some(&b' '))
        {
            continue;
        }
        let Some(name) = name_before(line, sign) else { continue };
        // `$PWD:/app`
        if path(sign) && line[..name.0].ends_with(b"$") {
            continue;
        }
        let behind = line[sign + 1..].trim_ascii_start();
        let listed = behind.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        if listed.is_some_and(|list| list.starts_with(b"\"") || list.starts_with(b"'"))
            && line[name.0..name.1].strip_suffix(b"s").and_then(says).is_some()
        {
            let start = line.len() - behind.len();
            until = start + memchr::memchr(b']', behind).unwrap_or(behind.len());
            list(line, (start, until), &mut push);
            continue;
        }
        let parameter = name.0 > 0 && matches!(line[name.0 - 1], b'?' | b'&' | b'#') && line[sign] == b'=';
        let value = value_after(line, sign, parameter);
        let text = &line[value.0..value.1];
        let key = &line[name.0..name.1];
        if key == b"PASS" && passed(line, name.0, &line[sign + 1..]) {
            continue;
        }
        // A cookie's name and value have a rule of their own.
        let cookie = key.len().checked_sub(6).is_some_and(|n| key[n..].eq_ignore_ascii_case(b"cookie"));
        if cookie && line[value.0..].iter().take(80).any(|b| *b == b'=') {
            continue;
        }
        // `Public key: …`: of two words both count.
        let two = two_words(line, name);
        let said = says(key).filter(|told| *told != Says::Maybe || two.is_none_or(|two| two.is_some()));
        let told = match said.or_else(|| named(line, name, key)).or(two.flatten()) {
            Some(told) => Some(told),
            None if parameter && text.len() >= LONG && PARAMETERS.contains(&&key.to_ascii_lowercase()[..]) => {
                Some(Says::Likely)
            }
            None => None,
        };
        // Items of a list, `["PSK", "PSK-DHE"]`, and features, `Authorization = ["Win32_Security"]`.
        // `exports.nextToken = nextToken`
        let same = text.len() > 7 && key.ends_with(text);
        let item = same
            || line[sign] == b',' && !key.starts_with(b"--") && !argument_counts(key, told, text)
            || listed.is_some() && told == Some(Says::Likely) && !counts(Says::Maybe, text, b"");
        if !item && told.is_some_and(|told| counts(told, text, &line[value.1..])) && !expression(line, value.0) {
            until = value.1;
            push(value);
            if let Some(new) = changed(line, until) {
                until = new.1;
                if counts(Says::Surely, &line[new.0..new.1], b"") {
                    push(new);
                }
            }
        }
    }
    options(line, &mut push);
    environment(line, &mut push);
}

/// Whether what stands behind a name and a comma is its value: what looks as keys do, and a password behind the name of
/// one; behind a name in capitals what is random.
fn argument_counts(key: &[u8], told: Option<Says>, text: &[u8]) -> bool {
    if !key.iter().any(u8::is_ascii_lowercase) {
        return counts(Says::Likely, text, b"");
    }
    counts(Says::Maybe, text, b"") || told == Some(Says::Surely) && argument(text, b"")
}

/// `setenv API_TOKEN …` of csh, `set -gx API_TOKEN …` of fish, `ENV API_TOKEN …` of a Dockerfile, `#define` of C.
fn environment(line: &[u8], push: &mut impl FnMut((usize, usize))) {
    let text = line.trim_ascii_start();
    if ![&b"setenv "[..], b"set -", b"ENV ", b"#define "].iter().any(|command| text.starts_with(command)) {
        return;
    }
    let mut words = Words { line, at: 0 }.skip(1).filter(|word| !line[word.0..word.1].starts_with(b"-"));
    if let (Some(name), Some(value)) = (words.next(), words.next())
        // What C defines without quotes is another name.
        && (!text.starts_with(b"#") || line[..value.0].ends_with(b"\""))
        && says(&line[name.0..name.1]).is_some_and(|told| counts(told, &line[value.0..value.1], b""))
    {
        push(value);
    }
}

/// `"tokens": ["…", "…"]`: what looks as keys do.
fn list(line: &[u8], (mut start, end): (usize, usize), push: &mut impl FnMut((usize, usize))) {
    while let Some(open) = memchr::memchr2(b'"', b'\'', &line[start..end]).map(|n| start + n + 1) {
        let Some(close) = memchr::memchr(line[open - 1], &line[open..end]).map(|n| open + n) else { return };
        if counts(Says::Maybe, &line[open..close], b"") {
            push((open, close));
        }
        start = close + 1;
    }
}

/// The value that comes instead of the one that ends here: `"old" -> "new"` of Terraform's and Pulumi's plans,
/// `[-old-]{+new+}` of `git diff --word-diff`.
fn changed(line: &[u8], end: usize) -> Option<(usize, usize)> {
    let rest = &line[end..];
    let signs = [(&b"\" -> \""[..], &b"\""[..]), (b"]{+", b"+}"), (b"-]{+", b"+}")];
    let (open, close) = signs.iter().find(|(open, _)| rest.starts_with(open))?;
    let start = end + open.len();
    Some((start, start + memchr::memmem::find(&line[start..], close).unwrap_or(line.len() - start)))
}

/// The name that ends before a sign, behind quotes, brackets and a type. Before a comma only a quoted one in capitals.
fn name_before(line: &[u8], sign: usize) -> Option<(usize, usize)> {
    let mut end = sign;
    let skip = |b: u8| b == b' ' || matches!(b, b'"' | b'\'' | b'\\' | b']' | b':' | b'\t');
    while end > 0 && skip(line[end - 1]) {
        end -= 1;
    }
    // `Key (token)=(…) already exists.` of PostgreSQL.
    if line[..end].ends_with(b")") && line[sign..].starts_with(b"=(") {
        end -= 1;
    }
    // `**Password**: …` of Markdown.
    if end == sign && line[..end].ends_with(b"**") {
        end -= 2;
    }
    let quoted = end < sign && matches!(line[end], b'"' | b'\'');
    // `let password: &str = "…"`, `password: String = "…"`.
    if line[sign] == b'='
        && !quoted
        && let Some(colon) = line[..end].iter().rposition(|b| *b == b':')
    {
        let kind = &line[colon + 1..end];
        if kind.first() == Some(&b' ')
            && kind.len() < 24
            && line[sign - 1] == b' '
            && kind.iter().filter(|b| **b == b' ').count() < 4
            && kind.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'&' | b'\'' | b'?'))
        {
            end = colon;
        }
    }
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let start = end - line[..end].iter().rev().take(80).take_while(|b| word(b)).count();
    let name = &line[start..end];
    let capitals = quoted && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    // `["--token", "…"]`
    let option = quoted && name.starts_with(b"--") && line[sign + 1..].trim_ascii_start().first() == line.get(end);
    // `set("api_key", "…")`; what of such counts is decided by the value.
    let first = quoted && start > 1 && matches!(line[start - 2], b'(' | b',');
    (!name.is_empty() && (line[sign] != b',' || capitals || option || first)).then_some((start, end))
}

/// `--- PASS: TestToken2 (0.02s)`: what runs tests tells the name of one, and how long it took.
fn passed(line: &[u8], start: usize, after: &[u8]) -> bool {
    let before = line[..start].trim_ascii();
    if before.ends_with(b"---") {
        return true;
    }
    let test = after.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = test.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'.' | b'-' | b':' | b'#'));
    before.is_empty()
        && (memchr::memmem::find(after, b"s)").is_some() || name && test.to_ascii_lowercase().starts_with(b"test"))
}

/// `private key: …`, as WireGuard says it.
fn two_words(line: &[u8], (start, end): (usize, usize)) -> Option<Option<Says>> {
    let before = line[..start].strip_suffix(b" ")?;
    let first = before.iter().rev().take(20).take_while(|b| b.is_ascii_alphabetic()).count();
    (first > 2).then(|| says(&line[before.len() - first..end]))
}

/// `{name: DB_PASSWORD, value: …}`: the name that stands before, where the key is `value`.
fn named(line: &[u8], (start, _): (usize, usize), key: &[u8]) -> Option<Says> {
    if !matches!(key, b"value" | b"Value" | b"val") {
        return None;
    }
    let from = start.saturating_sub(120);
    let before = line[from..start].trim_ascii_end();
    // `name='env.API_TOKEN' value='…'` of TeamCity has no comma.
    let (before, sign) = match before.strip_suffix(b",") {
        Some(before) => (before.trim_ascii_end(), b':'),
        None => (before, b'='),
    };
    let colon = before.iter().rposition(|b| *b == sign)?;
    let sign = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'');
    let bare = |text: &[u8]| text.iter().copied().filter(|b| !sign(b)).collect::<Vec<u8>>();
    let called = before[..colon].trim_ascii_end();
    let part = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b'"' | b'\'');
    let called = bare(&called[called.len() - called.iter().rev().take_while(part).count()..]);
    matches!(&called[..], b"name" | b"Name" | b"key" | b"Key").then(|| says(&bare(&before[colon + 1..])))?
}

/// The value behind a sign: quoted up to its quote, else to a blank or a sign that ends a value; in an address, to its
/// fragment as well.
fn value_after(line: &[u8], sign: usize, parameter: bool) -> (usize, usize) {
    let lead = |b: &u8| matches!(b, b' ' | b'\t' | b'=' | b'>' | b'\\' | b'[' | b'(');
    let mut start = sign + 1;
    start += line[start..].iter().take_while(|b| lead(b)).count();
    // Rust's `Some("…")`
    if line[start..].starts_with(b"Some(\"") {
        start += 5;
    }
    if line[start..].starts_with(b"** ") {
        start += 3;
    }
    let bracket = line[..start].ends_with(b"(");
    start += prefix(&line[start..]);
    let open = line.get(start).copied();
    match open {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let quotes = line[start..].iter().take_while(|b| **b == quote).count();
            start += quotes;
            // `password == "" || …`; in CSV a quote is written twice, and something stands behind it.
            if quotes == 2
                && !line.get(start).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'$' | b'/' | b'{'))
            {
                return (start, start);
            }
            let n = line[start..].iter().position(|b| *b == quote).unwrap_or(line.len() - start);
            let text = &line[start..start + n];
            // A command of a shell: PASSWORD=`cat /run/secrets/db`.
            if quote == b'`' && text.contains(&b' ') {
                return (start, start);
            }
            (start, start + n - text.iter().rev().take_while(|b| **b == b'\\').count())
        }
        _ => {
            let ends = |b: &u8| {
                b.is_ascii_whitespace()
                    || matches!(b, b',' | b';' | b'&' | b'"' | b'\'' | b'}' | b')' | b']' | b'<')
                    || parameter && *b == b'#'
            };
            let n = line[start..].iter().position(ends).unwrap_or(line.len() - start);
            // `password = (sensitive value)`
            (start, if bracket && line.get(start + n) == Some(&b' ') { start } else { start + n })
        }
    }
}

/// What languages write before a quote: `b'…'` of Python, `@"…"` of C# and Objective-C, `u8"…"` of C++.
fn prefix(value: &[u8]) -> usize {
    let n = value.iter().take(2).take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'@' | b'8')).count();
    let known = matches!(&value[..n], b"b" | b"B" | b"u" | b"U" | b"L" | b"@" | b"u8" | b"e" | b"E");
    // An anchor of YAML, a binary of Erlang.
    if let Some(rest) = value.strip_prefix(b"&") {
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
        return if name > 0 && rest.get(name) == Some(&b' ') { name + 2 } else { 0 };
    }
    if value.starts_with(b"<<\"") {
        return 2;
    }
    if known && matches!(value.get(n), Some(b'"' | b'\'')) { n } else { 0 }
}

/// `--db-password …`, and what [`OPTIONS`] lists.
fn options(line: &[u8], push: &mut impl FnMut((usize, usize))) {
    if !memchr::memchr_iter(b'-', line).any(|n| n > 0 && matches!(line[n - 1], b' ' | b'"' | b'\'')) {
        return;
    }
    let mut words = Words { line, at: 0 }.peekable();
    let mut programs = Vec::new();
    // What `--name` or `secret set` called, whose `--value` or `--body` may follow.
    let (mut called, mut before) = (None, &line[..0]);
    while let Some(word) = words.next() {
        let text = &line[word.0..word.1];
        match before {
            b"--name" => called = says(text),
            b"set" if memchr::memmem::find(&line[..word.0], b"secret").is_some() => called = Some(Says::Surely),
            b"--value" | b"--body" | b"--secret-string" if called.is_some_and(|told| counts(told, text, b"")) => {
                push(word);
            }
            _ => {}
        }
        before = text;
        if !text.starts_with(b"-") {
            let program = text.rsplit(|b| *b == b'/').next().unwrap_or(text);
            if OPTIONS.iter().any(|(name, _)| *name == program) {
                programs.push(program);
            }
            continue;
        }
        // `--token=…` is an assignment already.
        // What describes an option stands further to the right.
        let quoted = |(start, _): (usize, usize)| start > 0 && matches!(line[start - 1], b'"' | b'\'');
        let near = |next: &(usize, usize)| line[word.1..next.0].iter().filter(|b| **b == b' ').count() < 3;
        let next = words
            .peek()
            .copied()
            .filter(|next| near(next) && !line[next.0..next.1].starts_with(b"-") && !text.contains(&b'='))
            // `the '--password' option` of a manual.
            .filter(|next| !quoted(word) || quoted(*next));
        if let Some(name) = text.strip_prefix(b"--") {
            if let (Some(told), Some(next)) = (says(name), next)
                && counts(told, &line[next.0..next.1], b"")
            {
                push(next);
            }
        } else if let Some(next) = next.filter(|_| text.len() > 5) {
            // `-deststorepass …` of keytool, `-password …` of many.
            let store = text.ends_with(b"storepass") || text.ends_with(b"keypass");
            let told = if store { Some(Says::Surely) } else { says(&text[1..]) };
            if told.is_some_and(|told| counts(told, &line[next.0..next.1], b"")) {
                push(next);
            }
        }
        let takes = |(name, option): &&(&[u8], &[u8])| programs.contains(name) && text.starts_with(option);
        if let Some((program, option)) = OPTIONS.iter().find(takes) {
            let joined = text.len() > option.len() && option.len() == 2;
            let value = if joined { Some((word.0 + option.len(), word.1)) } else { next.filter(|_| text == *option) };
            let Some(mut value) = value else { continue };
            // `user:password`; an address has a colon as well, so only for options that take a user.
            if matches!(*option, b"-u" | b"--user" | b"-U" | b"--proxy-user" | b"--cert" | b"-E")
                || program.starts_with(b"http") && *option == b"-a"
            {
                let Some(colon) = line[value.0..value.1].iter().position(|b| matches!(b, b':' | b'%' | b',')) else {
                    continue;
                };
                value.0 += colon + 1;
            }
            // `-prompt`; clients of MySQL have no option that begins so.
            let text = &line[value.0..value.1];
            let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
            let client = program.starts_with(b"mysql") || *program == b"mariadb";
            if counts(Says::Surely, text, b"")
                && (!joined || client && mixed && text.len() > 7 || counts(Says::Likely, text, b""))
            {
                push(value);
            }
        }
    }
}

/// The words of a command line, without their quotes.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        self.at += self.line[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        // A list of arguments, `['curl', '-u', 'bob:…']`.
        let signs = self.line[self.at..].iter().take_while(|b| matches!(b, b'[' | b'(' | b',' | b' ')).count();
        if matches!(self.line.get(self.at + signs), Some(b'"' | b'\'')) {
            self.at += signs;
        }
        // Quoted as a whole: `Command '['curl', …`.
        if matches!(&self.line[self.at..], [b'"' | b'\'', b'[', b'"' | b'\'', ..]) {
            self.at += 2;
        }
        let first = *self.line.get(self.at)?;
        let quoted = matches!(first, b'"' | b'\'');
        let start = self.at + usize::from(quoted);
        let ends = |b: &u8| if quoted { *b == first } else { b.is_ascii_whitespace() };
        let end = start + self.line[start..].iter().position(ends).unwrap_or(self.line.len() - start);
        self.at = (end + usize::from(quoted)).min(self.line.len());
        Some((start, end))
    }
}
