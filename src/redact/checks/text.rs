//! What stands where a secret would and is a sentence, a name or a program's text.

use super::super::context::names::cursor_before;

/// What stands in sentences, and seldom in a passphrase.
const SENTENCE: &[&[u8]] = &[
    b"the", b"of", b"is", b"to", b"your", b"must", b"for", b"and", b"not", b"be", b"or", b"an", b"with", b"this",
    b"used", b"when", b"that", b"from", b"has", b"have", b"can", b"should", b"at", b"by", b"in", b"as", b"are",
];

/// How lines of programs begin, of which a secret is a literal in quotes.
const PROGRAM: &[&[u8]] = &[
    b"let ",
    b"const ",
    b"var ",
    b"val ",
    b"pub ",
    b"self.",
    b"this.",
    b"private ",
    b"public ",
    b"protected ",
    b"static ",
    b"final ",
    b"fn ",
    b"func ",
    b"def ",
    b"impl ",
    b"auto ",
    b"struct ",
    b"type ",
    b"extern ",
    b"#define ",
];
/// How far a line's beginning is looked for.
const FAR: usize = 400;

/// Whether what begins at `at` stands in a line of a program without quotes, an expression or a type; or is Helm's sum
/// of a Secret's manifest, a part of a resource's name, a place in a list.
pub fn expression(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(FAR)..at];
    let start = memchr::memrchr2(b'\n', 0, before).map_or(0, |n| n + 1);
    let line = before[start..].trim_ascii_start();
    // `arn:aws:secretsmanager:eu-west-1:1:secret:db-AbC12d` is a name as well.
    let word = line.rsplit(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b',')).next().unwrap_or_default();
    let sum = line.strip_prefix(b"Annotations:").map(<[u8]>::trim_ascii_start).unwrap_or(line);
    let sum = sum.strip_prefix(b"\"").unwrap_or(sum).strip_prefix(b"checksum/");
    let named = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'"' | b' ' | b':');
    if sum.is_some_and(|name| name.iter().all(named) && name.iter().filter(|b| **b == b':').count() == 1)
        || word.starts_with(b"arn:aws") && !word.contains(&b'=')
        || word.starts_with(b"urn:")
        // `com.example.auth:auth-library:1.3.0`
        || [&b"com."[..], b"org.", b"io."].iter().any(|domain| word.strip_prefix(b"(").unwrap_or(word).starts_with(domain)) && word.ends_with(b":")
        || cursor_before(line)
        || unpacked(line)
    {
        return true;
    }
    // A diff's sign, and a comment's that holds an example.
    let line = match line {
        [b'+' | b'-', rest @ ..] => rest.trim_ascii_start(),
        [b'/', b'/', b'/' | b'!', rest @ ..] => rest.trim_ascii_start(),
        line => line,
    };
    // `private key: …` is no field.
    let modifier = [&b"private "[..], b"public ", b"protected ", b"static ", b"final ", b"type "]
        .iter()
        .any(|word| line.starts_with(word));
    let sign = memchr::memmem::find(line, b" =").is_some() || line.contains(&b'(');
    !line.is_empty()
        && (!modifier || sign)
        && PROGRAM.iter().any(|begin| line.starts_with(begin))
        && !matches!(line.last(), Some(b'"' | b'\'' | b'`'))
}

/// `username, password = …` of Python: two names or more, and nothing else in front of the sign.
fn unpacked(before: &[u8]) -> bool {
    let Some(names) = before.trim_ascii_end().strip_suffix(b"=") else { return false };
    let name = |name: &[u8]| {
        let name = name.trim_ascii();
        !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    before.ends_with(b" ") && names.contains(&b',') && names.split(|b| *b == b',').all(name)
}

/// Whether a number in groups of four stands in a row of more such groups, as dumps of memory have: at least two.
pub fn dumped(text: &[u8], at: usize, end: usize) -> bool {
    let group = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_hexdigit);
    let before = text[at.saturating_sub(40)..at].strip_suffix(b" ").unwrap_or_default();
    let after = text[end..text.len().min(end + 40)].strip_prefix(b" ").unwrap_or_default();
    let left = before.rsplit(|b| *b == b' ').take_while(|word| group(word)).count();
    left + after.split(|b| *b == b' ').take_while(|word| group(word)).count() > 1
}

/// A file: `./password.txt`, `/run/secrets/db`, `~/.pgpass`.
pub fn path(found: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'/' | b'_' | b'-' | b'.' | b'~');
    found.starts_with(b"./")
        || found.starts_with(b"../")
        || (found.starts_with(b"/") && found.get(1).is_some_and(u8::is_ascii_lowercase) || found.starts_with(b"~/"))
            && found.iter().all(name)
}

/// Words alone, more than three: a token has no blanks, and who sends one sends one word before it.
pub fn sentence(found: &[u8]) -> bool {
    let word = |word: &[u8]| word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'\'' | b',' | b'.' | b'-'));
    found.iter().filter(|b| **b == b' ').count() > 2 && found.split(|b| *b == b' ').all(word)
}

/// A sentence about a secret: `"password": "The password of the user"`, `password: lower bound is 12`.
pub fn prose(found: &[u8], after: &[u8]) -> bool {
    let words = |text: &[u8]| {
        text.split(|b| *b == b' ').take(8).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let word = |text: &[u8]| text.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'\'' | b',' | b'.'));
    let inside = words(found);
    // `"new_password": "New password"`
    let called = |word: &Vec<u8>| {
        matches!(&word.to_ascii_lowercase()[..], b"password" | b"token" | b"secret" | b"key" | b"passphrase")
    };
    // PostgreSQL's types, as psql describes a column.
    if found.starts_with(b"character varying") || found.starts_with(b"timestamp with") || found == b"double precision" {
        return true;
    }
    // `'Again: '`, a prompt.
    if found
        .trim_ascii()
        .strip_suffix(b":")
        .is_some_and(|text| text.iter().all(|b| b.is_ascii_alphabetic() || *b == b' '))
    {
        return true;
    }
    if inside.len() > 1 && inside.iter().all(|w| word(w)) && inside.iter().any(called) {
        return true;
    }
    if inside.len() > 2 {
        let capital = found[0].is_ascii_uppercase()
            && found[1..].iter().all(|b| b.is_ascii_lowercase() || matches!(b, b' ' | b'.' | b','));
        return capital
            || inside.iter().any(|word| SENTENCE.contains(&&word.to_ascii_lowercase()[..]))
                && inside.iter().filter(|w| word(w)).count() > 2;
    }
    let next = words(&after[..after.len().min(80)]);
    found.iter().all(u8::is_ascii_alphabetic)
        && found.iter().skip(1).all(u8::is_ascii_lowercase)
        && after.starts_with(b" ")
        && next.len() > 1
        && next.iter().take(2).all(|w| w.iter().all(u8::is_ascii_lowercase))
}

/// The name of a secret where its value would be: `mysql_native_password`, `readPassword`.
pub fn called_so(found: &[u8]) -> bool {
    let end = found.strip_suffix(b";").unwrap_or(found);
    let hump = end.windows(2).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase());
    let letters = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
    // `ed25519.Ed25519PrivateKey`
    let kind = end.contains(&b'.') && end.iter().all(|b| letters(b) || b.is_ascii_digit() || *b == b'.');
    let word = end.iter().all(letters) || kind || end.ends_with(b"_password");
    let low = end.to_ascii_lowercase();
    word && (hump || end.contains(&b'_'))
        && [&b"password"[..], b"passwd", b"token", b"secret", b"key", b"signature"]
            .iter()
            .any(|name| low.ends_with(name))
}

/// Where programs keep what is put in later.
const PLACES: &[&[u8]] = &[
    b"exports.",
    b"process.env.",
    b"import.meta.env.",
    b"env.",
    b"secrets.",
    b"vars.",
    b"var.",
    b"local.",
    b"data.",
    b"module.",
    b"config.",
    b"settings.",
];

/// An expression of a program: a call, an element (`os.environ["X"]`), a field (`req.body.password;`).
pub fn code(found: &[u8], after: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':');
    let called = found
        .iter()
        .position(|b| matches!(b, b'(' | b'['))
        .is_some_and(|n| n > 0 && found[..n].strip_suffix(b"!").unwrap_or(&found[..n]).iter().all(name));
    // `windows::core::PCWSTR`, `*mut c_char`, `DOT11_AUTH_ALGORITHM`
    let kind = memchr::memmem::find(found, b"::").is_some()
        && found.iter().all(|b| name(b) || matches!(b, b':' | b'&' | b'<' | b'>' | b';'))
        || matches!(found, b"*mut" | b"*const" | b"&str" | b"&mut");
    let constant = found.contains(&b'_')
        && found[0].is_ascii_uppercase()
        && found.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b';'));
    // `Option<String>`, `0x0800`, `Basic ${…}`
    let generic = found[0].is_ascii_uppercase()
        && (after.starts_with(b"<") || found.contains(&b'<'))
        && found.iter().take_while(|b| **b != b'<').all(u8::is_ascii_alphabetic);
    let number = found.strip_prefix(b"0x").is_some_and(|n| n.len() <= 8 && n.iter().all(u8::is_ascii_hexdigit));
    // `password: PasswordType | None`
    let either = [&b" | None"[..], b" | null", b" | undefined"].iter().any(|or| after.starts_with(or));
    let later = either || memchr::memmem::find(found, b"${").is_some();
    if kind || constant || generic || number || later {
        return true;
    }
    let field = found.strip_suffix(b";").unwrap_or(found);
    let dotted = field.contains(&b'.') && field.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.'));
    let variable = PLACES.iter().any(|place| field.starts_with(place)) && field.iter().all(|b| name(b) || *b == b'-');
    // `node.colon2_token`
    let member = field.contains(&b'.')
        && field.contains(&b'_')
        && field.iter().filter(|b| b.is_ascii_digit()).count() < 3
        && field.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
    // `*tls13.EarlySecret`
    let pointer = found.strip_prefix(b"*").is_some_and(|kind| {
        kind.first().is_some_and(u8::is_ascii_lowercase)
            && kind.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'.')
            && kind.windows(2).any(|w| w[0] == b'.' && w[1].is_ascii_uppercase())
    });
    called || variable || member || pointer || dotted && !field.ends_with(b".")
}
