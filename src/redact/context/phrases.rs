//! What a line says in its own grammar: a statement of SQL that sets a password, hashes of passwords, netrc, pgpass, a
//! sentence about a token, a Digest response.

use std::sync::LazyLock;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::super::checks::Check;
use super::super::scan::Span;
use super::programs::SAID;

/// A pattern whose first group is the secret, and what must hold for it.
pub struct Phrase {
    pub kind: &'static str,
    pub pattern: &'static str,
    pub holds: fn(&[u8], &[u8]) -> bool,
}

pub const fn phrase(kind: &'static str, pattern: &'static str, holds: fn(&[u8], &[u8]) -> bool) -> Phrase {
    Phrase { kind, pattern, holds }
}

pub fn always(_: &[u8], _: &[u8]) -> bool {
    true
}

pub fn real(found: &[u8], after: &[u8]) -> bool {
    Check::Real.holds(found, after)
}

pub fn random(found: &[u8], after: &[u8]) -> bool {
    Check::Random.holds(found, after)
}

const PHRASES: &[Phrase] = &[
    // ALTER ROLE (PostgreSQL), CREATE USER and SET PASSWORD (MySQL, Oracle), CREATE LOGIN (SQL Server), user mappings.
    phrase(
        "password",
        r"(?i)\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as))(?:\s+|\s*[=(]\s*)N?'((?:[^']|'')+)'",
        real,
    ),
    phrase("password", r#"(?i)\bidentified\s+by\s+"([^"\r\n]{4,})""#, mixed),
    // crypt(5), argon2's and passlib's strings.
    phrase(
        "password-hash",
        r"(?:^|[^0-9A-Za-z$])(\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|argon2i?d?|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256|P|H|S)\$(?:[0-9A-Za-z./+=$-]|,[a-z]{1,9}=){20,})",
        always,
    ),
    phrase("password-hash", r"(SCRAM-SHA-(?:1|256)\$[0-9]+:[0-9A-Za-z+/=]+\$[0-9A-Za-z+/=]+:[0-9A-Za-z+/=]+)", always),
    phrase(
        "password-hash",
        r"\b((?:pbkdf2_sha(?:1|256|512)|bcrypt_sha256|scrypt|argon2)\$(?:[0-9A-Za-z./+=$-]|,[a-z]{1,9}=){30,})",
        always,
    ),
    phrase(
        "password-hash",
        r"(\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9-]*)\}[0-9A-Za-z./+=$-]{20,})",
        always,
    ),
    phrase("password-hash", r"(?:^|[\s'\x22|,:=])(md5[0-9a-f]{32})(?:['\x22\s|,;]|$)", always),
    // netrc(5), an ENV of a Dockerfile, and sentences.
    phrase(
        "password",
        r"(?i)(?:^|[\s_-])(?:password|passwd|passphrase)(?:\s+(?:is|was|of|for (?:user |role |account )?\S+ is|set to)|\s+for (?:user |role |account )?(?:[^\s:']+|'[^'\r\n]{1,200}'):)?:?\s+([^\s,;)\x22']{8,})",
        mixed,
    ),
    phrase(
        "secret",
        r"(?i)(?:^|[^0-9A-Za-z_/.-])(?:secret|token|api[ _-]?key|access key|secret key|apikey)(?:\s+(?:is|was|of|value))?:?\s+([^\s,;)\x22']{7,}[^\s,;)\x22'.])",
        drawn,
    ),
    phrase("secret", r"(?i)\b_(?:authToken|auth|password)\s+([^\s]{16,})", random),
    phrase(
        "secret",
        r"(?i)\b[a-z0-9_]*(?:secret_access_key|secret_key|access_key_id|auth_?token|api_key)\s+([^\s'\x22]{16,})",
        random,
    ),
    phrase("password", r"(?i)(?:\b|_)(?:pass|pwd|pw) is ([^\s,;)\x22']{7,}[^\s,;)\x22'.])", mixed),
    // Groovy's properties, and a user and a password as arguments: `NetworkCredential("bob", "…")`, `auth=("bob", "…")`.
    phrase("password", r#"(?i)(?:password|passwd|passphrase)[ \t]+(?:\. )?["']([^\s"']{6,})["']"#, mixed),
    phrase("secret", r#"(?i)(?:^|[\s:])(?:secret|token|api[_-]?key)[ \t]+"([^\s"']{16,})""#, random),
    // `A temporary password is generated for root@localhost: …`
    phrase(
        "password",
        r"(?i)\b(?:password|token|secret)\b[^\r\n:=]{0,20}\b(?:generated|created|set|reset|issued)\b[^\r\n:=]{0,60}: ([^\s]{8,})",
        mixed,
    ),
    // A sentence with a colon: `Use this token to sign in: …`.
    phrase(
        "secret",
        r#"(?i)\b(?:token|secret|password|passphrase|api key|access key)(?: [a-z']{1,12}){1,6}:\s+["'`]?([^\s"'`]{16,})["'`]?\s*$"#,
        generated,
    ),
    phrase(
        "password",
        r#"(?i)(?:credentials?|basic_?auth|login|authenticate|\bauth|\bauth=)[ ]?\(["'][^"'\r\n]{1,64}["'],[ ]*["']([^\s"']{6,})["']"#,
        argument,
    ),
    // Passwords of applications, in groups as Google and WordPress show them; BIP 39's words.
    phrase(
        "password",
        r#"(?i)(?:password|passwd|_pass|_pw)["']?[:=][ ]?["']?((?:[0-9a-z]{4} ){3,5}[0-9a-z]{4})["']?,?\s*$"#,
        always,
    ),
    phrase(
        "secret",
        r#"(?i)(?:mnemonic|seed|recovery|secret)(?:[ _-](?:phrase|words))?["']?(?: is)?[ ]?[:=]?[ ]?["']?((?:[a-z]+ ){11,23}[a-z]+)[,.]?\s*(?:["'}]|$)"#,
        seed,
    ),
    // Numbers that open something, by their name.
    phrase(
        "secret",
        r#"(?i)\b(?:pin|otp|pin[ _-]?code|otp[ _-]?code|verification code|one-time (?:code|password))["']?(?:[ ]?[:=][ ]?| is:? )["']?([0-9]{4,8})["']?(?:[\s,;.}]|$)"#,
        always,
    ),
    // pgpass(5)
    phrase("password", r"^(?:[0-9A-Za-z._*-]+|/[^:]*):(?:[0-9]{1,5}|\*):[^:\s]+:[^:\s]+:((?:[^:\\\s]|\\.)+)\s*$", real),
    // psql's variables.
    phrase("password", r"(?i)^\\set\s+[a-z0-9_]*(?:pass|passwd|password|pw|pwd|secret|token)\s+'?([^\s']{4,})", real),
    // Commands whose argument is a password; what chpasswd(8) reads.
    phrase(
        "password",
        r#"\brabbitmqctl (?:-[^ ]+ )*(?:add_user|change_password|authenticate_user) [^ ]+ ["']?([^\s"']{4,})"#,
        real,
    ),
    phrase(
        "password",
        r#"\becho (?:-[a-z]+ )?["']?[a-z_][0-9a-z_.-]*:([^\s"'|]{4,})["']? ?\| ?(?:sudo )?chpasswd"#,
        real,
    ),
    phrase("password", r#"(?i)\bnet use [^ ]*(?: [^ ]*)? /user:[^ ]+ ["']?([^\s"'*/][^\s"']{3,})"#, real),
    phrase("password", r"(?i)\bsqlplus(?: -[a-z]+)* [^\s/@]{1,64}/([^\s/@]{4,})", real),
    // snmpd.conf(5) and IOS: who knows the community's name may ask.
    phrase("secret", r"(?i)\b(?:snmp-server community|r[ow]community6?) ([^\s]{8,})", random),
    // The code of a wireless network, as phones read it.
    phrase("password", r"(?i)\bWIFI:(?:[TSHR]:[^;]{0,64};){1,4}P:((?:[^;\\]|\\.){8,64});", real),
    // What Sidekiq's gems are fetched with, and pairs alike.
    phrase(
        "secret",
        r"(?i)\b(?:secret|token|credentials?)(?: is| was)? ([0-9a-f]{8}:[0-9a-f]{8})(?:[^0-9A-Za-z:]|$)",
        always,
    ),
    // ISO/IEC 7813's code that is on the card alone.
    phrase(
        "secret",
        r#"(?i)\b(?:cvv2?|cvc2?)(?: code)?\\?["']?[ ]?[:=][ ]?\\?["']?([0-9]{3,4})(?:[^0-9A-Za-z]|$)"#,
        always,
    ),
    // Squid's cache_peer.
    phrase("password", r"\blogin=[^\s:=/]{1,64}:([^\s]{6,})", mixed),
    // redis.conf(5) and its client; SMTP (RFC 4954), FTP (RFC 959) and IMAP (RFC 9051) as curl -v shows them.
    phrase("password", r#"(?i)(?:^|\bset)\s*(?:requirepass|masterauth)\s+"?([^\s"]{4,})"#, real),
    phrase("password", r"(?:^|> )AUTH (?:default |[a-z]{1,20} )?([^\s]{8,})$", random),
    phrase("authorization", r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER) ([0-9A-Za-z+/]{8,}={0,2})", always),
    phrase("password", r"^(?:[>C]:? |---> )PASS ([^\s]+)$", real),
    phrase("password", r"^PASS ([^\s/.]{6,})$", mixed),
    phrase("password", r#"^(?:[>C]:? )?[0-9A-Za-z]{1,8} LOGIN "?[^\s]+"? "?([^\s"]{4,})"#, real),
    phrase("password", r"^PASS (oauth:[0-9a-z]{20,})", always),
    phrase("password", r"(?i)\bjdbc:oracle:[a-z0-9]+:[^\s/@]{1,64}/([^\s@/]+)@", real),
    phrase("password", r#"(?i)\bConvertTo-SecureString\s+(?:-String\s+)?["']([^"']+)["']"#, real),
    phrase("secret", r"(?i)\b(?:unseal|recovery) key(?: [0-9]+)?(?: \([^)]*\))?:\s+([0-9A-Za-z+/=]{20,})", random),
    phrase("password", r"(?i)\bpassword\b[^:=\x22']{0,40}\b(?:to|is|as)\s+([^\s,;)\x22']{8,})", mixed),
    // A jar of cookies, as Netscape wrote it and curl does.
    phrase(
        "cookie",
        r"^(?:#HttpOnly_)?[^\s]+\t(?:TRUE|FALSE)\t/[^\t]*\t(?:TRUE|FALSE)\t[0-9]+\t[^\t]+\t([^\s]{8,})",
        random,
    ),
    // GitHub's workflow commands.
    phrase("secret", r"::add-mask::([^\s]{4,})", real),
    // RFC 7616
    phrase("authorization", r#"(?i)\bHawk .*\bmac="?([0-9A-Za-z+/=]{16,})"#, always),
    phrase("authorization", r#"(?i)\bDigest .*\bresponse="?([0-9a-f]{16,})"#, always),
    phrase("authorization", r#"\bresponse="([0-9a-f]{32}|[0-9a-f]{64})""#, always),
    phrase(
        "authorization",
        r#"(?i)(?:proxy-)?authorization\W{1,4}(?:\[|\{)?\W{0,3}(?:bearer|basic|token)\s+([0-9A-Za-z._~+/=-]{12,})"#,
        random,
    ),
];

/// Letters and digits, as words and names have not; no version, path or placeholder.
pub fn mixed(found: &[u8], after: &[u8]) -> bool {
    let found = found.trim_ascii_end().strip_suffix(b".").unwrap_or(found);
    let digits = found.iter().filter(|b| b.is_ascii_digit()).count();
    let words = found.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    let has = |is: fn(&u8) -> bool| found.iter().any(is);
    let sign = |b: &u8| matches!(b, b'!' | b'#' | b'%' | b'^' | b'*' | b'@' | b'$' | b'&' | b'+' | b'=' | b'?');
    let strong = digits == 1 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && found.iter().any(sign);
    let letters = super::super::checks::jumbled(found) && digits > 0 || super::super::checks::unspoken(found);
    (digits >= 2 || strong || letters)
        && !words
        && (!found.starts_with(b"/") || found.len() > 32)
        && !found.contains(&b'(')
        && !found.starts_with(b"HTTP/")
        && !version(found)
        && !super::super::checks::uuid(found)
        && Check::Random.holds(found, after)
}

/// `1:4.13+dfsg1-1`, as of a package that is called `passwd`.
fn version(found: &[u8]) -> bool {
    let found = found.strip_prefix(b"v").unwrap_or(found);
    let parts = found.split(|b| matches!(b, b'.' | b':')).take(2);
    parts.filter(|part| part.first().is_some_and(u8::is_ascii_digit)).count() == 2
        && found[..found.iter().position(|b| matches!(b, b'.' | b':')).unwrap_or_default()]
            .iter()
            .all(u8::is_ascii_digit)
}

/// What stands where a password would in a call: not a word of it.
pub fn argument(found: &[u8], after: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| found.iter().any(is);
    let cases = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let signs = cases && found.len() >= 10 && has(|b| matches!(b, b'!' | b'#' | b'%' | b'*' | b'&' | b'?'));
    mixed(found, after) || signs && real(found, after)
}

fn generated(found: &[u8], after: &[u8]) -> bool {
    Check::Key.holds(found, after)
}

/// BIP 39's words have three to eight letters each.
fn seed(found: &[u8], _: &[u8]) -> bool {
    found.split(|b| *b == b' ').all(|word| (3..=8).contains(&word.len()))
}

/// A token: letters and digits of some length, or what looks drawn though it is shorter or has other signs.
pub fn drawn(found: &[u8], after: &[u8]) -> bool {
    let found = found.trim_ascii_end().strip_suffix(b".").unwrap_or(found);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'~' | b'+' | b'/' | b'=' | b'-');
    if found.len() >= 16 && found.iter().all(plain) && mixed(found, after) {
        return true;
    }
    let has = |is: fn(&u8) -> bool| found.iter().any(is);
    let kinds = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let digits = found.iter().filter(|b| b.is_ascii_digit()).count();
    // Fifteen small letters and digits, which change more often than in `sha256withrsa`.
    let turns = found.windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    let small = found.len() == 15 && turns > 3 && found.iter().all(u8::is_ascii_alphanumeric);
    let hex = found.iter().rev().take_while(|b| b.is_ascii_hexdigit()).count() >= 32;
    let strong = kinds && digits > 0 && has(|b| matches!(b, b'!' | b'#' | b'%' | b'*')) && found.len() >= 12;
    !has(|b| matches!(b, b'(' | b'<' | b'[' | b'{' | b'@' | b'\\' | b'`' | b'$'))
        && (super::super::checks::uuid(found)
            || super::super::checks::jumbled(found) && kinds && digits > 0
            || hex && digits > 4
            || small
            || strong)
        && Check::Random.holds(found, after)
}

/// All phrases about secrets as one automaton.
static SECRETS: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&[PHRASES, SAID]));

/// The kinds of secrets that are told so.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    PHRASES.iter().map(|phrase| phrase.kind)
}

/// A table of phrases as one automaton.
pub struct Phrases {
    automaton: Regex,
    table: Vec<&'static Phrase>,
}

impl Phrases {
    pub fn new(tables: &[&'static [Phrase]]) -> Option<Phrases> {
        let table: Vec<&Phrase> = tables.iter().copied().flatten().collect();
        let patterns: Vec<&str> = table.iter().map(|phrase| phrase.pattern).collect();
        let automaton = Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(Regex::config().utf8_empty(false))
            .build_many(&patterns)
            .ok()?;
        Some(Phrases { automaton, table })
    }

    pub fn line(&self, line: &[u8], at: usize, found: &mut Vec<Span>) {
        let mut start = 0;
        let mut groups = None;
        while start <= line.len() {
            let input = Input::new(line).range(start..);
            let Some(hit) = self.automaton.search(&input) else { return };
            let groups = groups.get_or_insert_with(|| self.automaton.create_captures());
            self.automaton.search_captures(&input, groups);
            let Some(group) = groups.get_group(1) else { return };
            let phrase = self.table[hit.pattern().as_usize()];
            if (phrase.holds)(&line[group.start..group.end], &line[group.end..]) {
                found.push(Span { start: at + group.start, end: at + group.end, kind: phrase.kind, silent: false });
                start = group.end;
            } else {
                start = hit.start() + 1;
            }
        }
    }
}

/// All patterns about secrets.
#[cfg(test)]
pub fn patterns() -> impl Iterator<Item = &'static str> {
    PHRASES.iter().chain(SAID).map(|phrase| phrase.pattern)
}

/// Whether a line may be of pgpass(5), which no word tells: a host or the path of a socket, a port or a star, and three
/// more fields, of which the last alone may have blanks.
pub fn is_pgpass(line: &[u8]) -> bool {
    let Some(first) = memchr::memchr(b':', line) else { return false };
    let (host, rest) = (&line[..first], &line[first + 1..]);
    let any = rest.starts_with(b"*");
    let port = if any { 1 } else { rest.iter().take(6).take_while(|b| b.is_ascii_digit()).count() };
    (1..=5).contains(&port)
        && rest.get(port) == Some(&b':')
        && rest[port + 1..].iter().take_while(|b| !b.is_ascii_whitespace()).filter(|b| **b == b':').count() >= 2
        && (host.starts_with(b"/")
            || host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'*' | b'-')))
}

/// A line in which a word stands that a secret may follow.
pub fn secrets(line: &[u8], at: usize, found: &mut Vec<Span>) {
    if let Some(phrases) = &*SECRETS {
        phrases.line(line, at, found);
    }
}

/// A line that is base64 of one word and nothing else: what `kubectl -o jsonpath` gives of a Secret; or of a few words
/// (`{.data.user} {.data.password}`), one of them such. Not if it is one of many rows (`after`); whether the next one may
/// be is given back.
pub fn alone(line: &[u8], at: usize, after: bool, found: &mut Vec<Span>) -> bool {
    let text = line.trim_ascii();
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let divider = |b: &u8| matches!(b, b' ' | b':' | b'\t');
    let first = text.iter().position(|b| !letter(b)).unwrap_or(text.len());
    let several = first < text.len();
    // The first of several words tells of nearly every line that it is none: what can be printed begins so in base64.
    let begins = matches!(text.first(), Some(b'I'..=b'Z' | b'a'..=b'f')) && first.is_multiple_of(4);
    if several && text.ends_with(b"=") && text.len() < 512 {
        labelled(line, at, found);
    }
    if !(12..=4096).contains(&text.len())
        || several && !(begins && divider(&text[first]) && text[first..].iter().all(|b| letter(b) || divider(b)))
    {
        return text.starts_with(b"-----BEGIN ");
    }
    let row = text.len() >= 60;
    if after || !several && !text.len().is_multiple_of(4) {
        return row && !several;
    }
    let mut start = at + (line.len() - line.trim_ascii_start().len());
    let (mut words, mut secret) = (Vec::new(), false);
    for word in text.split(divider) {
        match encoded(word) {
            // A word of a sentence is four letters long as well.
            Some(_) if several && word.len() < 8 && !word.ends_with(b"=") => return false,
            Some(told) => secret |= told,
            None => return row && !several,
        }
        words.push(Span { start, end: start + word.len(), kind: super::KUBERNETES, silent: false });
        start += word.len() + 1;
    }
    if secret && words.len() <= 8 {
        found.append(&mut words);
    }
    row && !several
}

/// `db:cHc…=` and `db  Opaque  cHc…=`, as templates print what is in Secrets: a few names, and at the end of the line a
/// secret in base64, which chance does not make of signs that can be printed.
fn labelled(line: &[u8], at: usize, found: &mut Vec<Span>) {
    let end = line.trim_ascii_end().len();
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let start = end - line[..end].iter().rev().take_while(|b| letter(b)).count();
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b' ' | b'\t' | b':');
    let divided = matches!(line[..start].last(), Some(b' ' | b'\t' | b':'));
    if divided
        && end - start >= 16
        && line[..start].iter().all(name)
        && line[..start].iter().filter(|b| matches!(b, b' ' | b':')).count() < 12
        && encoded(&line[start..end]) == Some(true)
    {
        found.push(Span { start: at + start, end: at + end, kind: super::KUBERNETES, silent: false });
    }
}

/// Whether what is encoded is a secret; `None` if it is no base64 of one word.
fn encoded(text: &[u8]) -> Option<bool> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text).ok().filter(|word| !word.is_empty())?;
    let word = decoded.iter().all(u8::is_ascii_graphic) && !matches!(decoded.first(), Some(b'{' | b'[' | b'<'));
    word.then(|| decoded.len() >= 8 && Check::Random.holds(&decoded, b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_phrases_are_patterns_with_a_group() {
        let phrases = SECRETS.as_ref().unwrap();
        assert_eq!(phrases.automaton.pattern_len(), phrases.table.len());
        assert!((0..phrases.table.len()).all(|n| {
            phrases.automaton.create_captures().group_info().group_len(regex_automata::PatternID::must(n)) > 1
        }));
    }

    #[test]
    fn a_few_words_in_base64_count_where_one_is_a_secret() {
        let told = |line: &str| {
            let mut found = Vec::new();
            alone(line.as_bytes(), 0, false, &mut found);
            found.into_iter().map(|span| &line[span.start..span.end]).collect::<Vec<_>>().join("|")
        };
        // postgres and S3cr3t-pw9x2, and the other way round.
        for line in ["cG9zdGdyZXM= UzNjcjN0LXB3OXgy", "UzNjcjN0LXB3OXgy:cG9zdGdyZXM="] {
            assert_eq!(told(line), line.replace([' ', ':'], "|"));
        }
        for line in ["cG9zdGdyZXM= YWRtaW4=", "Merge branch", "0123 UzNjcjN0LXB3OXgy", "data from"] {
            assert_eq!(told(line), "");
        }
    }
}
