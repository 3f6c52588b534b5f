//! What a pattern cannot say: whether what it found looks like a secret.

mod elsewhere;
mod random;
mod sums;
mod text;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::numbers::date;
use elsewhere::{covered, example, kept, page, sealed, tagged};
pub use random::{jumbled, unspoken, uuid};
use random::{key, random, varied};
use sums::{card, checksum};
use text::{called_so, code, path, prose, sentence};
pub use text::{dumped, expression};

/// What must hold for a found text to be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Always,
    /// Not a placeholder (`${VAR}`, `<your-key>`, `null`, `16 bytes`), not our own mark.
    Real,
    /// And it looks random, or is long: letters with digits or signs, as names and words are not.
    Random,
    /// And it looks as generated keys do: long, of both cases and digits, or of hexadecimal digits.
    Key,
    /// Three parts of base64, the first two JSON objects (RFC 7519).
    Jwt,
    /// The first part is a JSON object in base64 (RFC 7515).
    JoseHeader,
    /// 36 characters behind the prefix end with a CRC32 of the others, or at least look drawn: a token mistyped or made
    /// up for a test is as good as one. Longer and older forms have no sum.
    Crc,
    /// A card number: 13 to 19 digits, a known issuer's beginning, ISO/IEC 7812-1's check digit, no digit next to it.
    Card,
    /// No letter or digit follows.
    Ends,
    /// The password of an address with its `@`, which is not masked.
    Userinfo,
    /// The user of an address with its `@`, who is a token: `https://ghp_…@github.com`.
    Usertoken,
    /// One of the cookies may be of a session: its name says so, or its value is none of a setting.
    Cookies,
    /// An e-mail address of a person, not the user of an address (`git@github.com:acme/app`).
    Mailbox,
}

impl Check {
    /// `after` is what follows in the line.
    pub fn holds(self, found: &[u8], after: &[u8]) -> bool {
        match self {
            Check::Always => true,
            Check::Real => real(found, after),
            Check::Random => real(found, after) && random(found) && !page(found) && !sentence(found),
            Check::Key => real(found, after) && key(found),
            Check::Jwt => jwt(found),
            Check::JoseHeader => jose_header(found),
            Check::Crc => checksum(found) || jumbled(found) || varied(found),
            Check::Card => ends(after) && card(found),
            Check::Ends => ends(after) && !example(found),
            Check::Userinfo => {
                let password = found.strip_suffix(b"@").unwrap_or(found).to_ascii_lowercase();
                // `[user[:password]@]host` of a manual.
                let word = password.strip_suffix(b"]").unwrap_or(&password);
                !password.is_empty()
                    && placeholder(&password).is_none()
                    && !WORDS.contains(&word)
                    && !password.starts_with(b"&lt;")
            }
            Check::Usertoken => {
                let user = found.strip_suffix(b"@").unwrap_or(found);
                // Before a colon it is one where the password says nothing: `token:x-oauth-basic@`, `token:@`.
                let whole =
                    user.len() < found.len() || after.starts_with(b":@") || after.starts_with(b":x-oauth-basic@");
                whole
                    && user.len() >= 16
                    && real(user, b"")
                    && random(user)
                    && user.iter().filter(|b| b.is_ascii_digit()).count() > 1
            }
            Check::Cookies => found.split(|b| *b == b';').any(cookie),
            Check::Mailbox => {
                !matches!(after, [b':' | b'/', next, ..] if !next.is_ascii_whitespace())
                    && !found.starts_with(b"git@")
                    && !after.starts_with(b"'s password")
                    && !UNREAD.iter().any(|unread| found[..found.len().min(unread.len())].eq_ignore_ascii_case(unread))
                    // RFC 4251, 6: names of algorithms, `aes128-gcm@openssh.com`.
                    && !found.ends_with(b"@openssh.com")
                    && !found.ends_with(b"@libssh.org")
                    && !found.rsplit(|b| *b == b'.').next().is_some_and(|end| FILES.contains(&end))
            }
        }
    }
}

/// A byte at which a token surely ends.
pub fn ends_token(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b',' | b';' | b'<' | b'>' | b'&')
}

/// Where the part of an e-mail address before its `@` begins (RFC 5321's unquoted form, as people write it).
pub fn back(text: &[u8], at: usize) -> usize {
    let local = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
    at - text[..at].iter().rev().take(64).take_while(|b| local(b)).count()
}

/// Whether what looks as an address of mail names an account of a machine: `https://bob@example.com`, `ssh bob@example.com`.
pub fn account(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(40)..at];
    let line = memchr::memrchr(b'\n', before).map_or(before, |n| &before[n + 1..]);
    line.ends_with(b"://")
        || [&b"ssh "[..], b"sftp ", b"ssh-copy-id "].iter().any(|command| memchr::memmem::find(line, command).is_some())
}

fn ends(after: &[u8]) -> bool {
    match after {
        [b'-' | b'.', next, ..] => !next.is_ascii_digit(),
        [next, ..] => !next.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// Where nobody reads mail.
const UNREAD: &[&[u8]] = &[b"noreply@", b"no-reply@", b"no_reply@", b"donotreply@", b"do-not-reply@"];

/// What ends names of files and of systemd's units, and no domain: `user@1000.service`, `logo@2x.png`.
const FILES: &[&[u8]] = &[
    b"service", b"socket", b"timer", b"target", b"slice", b"scope", b"mount", b"swap", b"device", b"png", b"jpg",
    b"jpeg", b"gif", b"svg", b"webp", b"js", b"mjs", b"ts", b"css", b"json", b"yaml", b"yml", b"html", b"tgz", b"gz",
    b"whl", b"jar", b"deb", b"rpm", b"patch", b"log", b"lock", b"toml", b"txt",
];

/// What stands where a secret would, and is none.
const WORDS: &[&[u8]] = &[
    b"null",
    b"none",
    b"nil",
    b"true",
    b"false",
    b"undefined",
    b"string",
    b"str",
    b"bytes",
    b"text",
    b"number",
    b"boolean",
    b"bool",
    b"int",
    b"integer",
    b"object",
    b"required",
    b"optional",
    b"empty",
    b"unset",
    b"yes",
    b"no",
    b"redacted",
    b"hidden",
    b"masked",
    b"changeme",
    b"password",
    b"secret",
    b"token",
    b"strict",
    b"prompt",
    b"pass",
    b"pw",
    b"passwd",
    b"sensitive",
    b"known",
    b"passwort",
    b"kennwort",
    b"wachtwoord",
    b"senha",
    b"contrase\xc3\xb1a",
    b"clave",
    b"mot de passe",
    b"fail",
    b"failed",
    b"passed",
    b"enabled",
    b"disabled",
    b"default",
    b"never",
    b"always",
    b"incorrect",
    b"invalid",
    b"missing",
    b"expired",
    b"wrong",
    b"example",
    b"placeholder",
    b"unknown",
    b"dummy",
    b"pwd",
    b"passphrase",
    b"await",
    b"files",
    b"compat",
    b"option",
    b"options",
    b"argument",
    b"arguments",
    b"flag",
    b"flags",
    b"parameter",
    b"parameters",
    b"value",
    b"field",
    b"bytea",
    b"bigint",
    b"jsonb",
    b"citext",
    b"varchar",
];

fn real(found: &[u8], after: &[u8]) -> bool {
    // A quote that ends a prompt begins nothing: `read('Password:', options)`.
    if found.len() < 4 || found.starts_with(b"[masked:") || found.starts_with(b", ") {
        return false;
    }
    let lower = found.trim_ascii().to_ascii_lowercase();
    // `read.password('Password:')`
    if WORDS.contains(&lower.strip_suffix(b":").unwrap_or(&lower))
        || lower.starts_with(b"your")
        || lower.windows(4).any(|w| w == b"your")
        || found.windows(4).any(|w| w == b"xxxx" || w == b"XXXX")
    {
        return false;
    }
    // `[--token TOKEN]`, `password=None):`
    let sign = |b: &&u8| matches!(b, b']' | b')' | b':' | b';' | b'.');
    let bare = &lower[..lower.len() - lower.iter().rev().take_while(sign).count()];
    if bare.len() < lower.len() && WORDS.contains(&bare) || example(found) {
        return false;
    }
    if let Some(certainly) = placeholder(found) {
        return certainly;
    }
    if code(found, after) || called_so(found) || path(found) || sealed(found) || prose(found, after) || tagged(found) {
        return false;
    }
    // `type="password" :placeholder="…"` of a template.
    if found.strip_suffix(b"=").is_some_and(|name| name.iter().all(u8::is_ascii_alphabetic)) && after.starts_with(b"\"")
    {
        return false;
    }
    // kubectl's own words where it leaves a secret out.
    if matches!(found, b"DATA+OMITTED" | b"REDACTED") || found.starts_with(b"<set") {
        return false;
    }
    // Also of a hexadecimal dump: `|password: ......|`.
    if found.iter().all(|b| matches!(b, b'*' | b'.' | b'-' | b'x' | b'X' | b'_' | b'#' | b'=' | b'|'))
        || covered(found)
        || kept(found)
    {
        return false;
    }
    // When it was made: `NPM_TOKEN  2025-10-01T09:12:44Z` of a list.
    let time = date(found);
    if time > 0 && found[time..].iter().all(|b| b.is_ascii_digit() || matches!(b, b'Z' | b'+' | b'-' | b':')) {
        return false;
    }
    // `password:  16 bytes` of kubectl describe.
    let size = found.iter().all(u8::is_ascii_digit) && after.trim_ascii_start().starts_with(b"bytes");
    !size
}

fn cookie(pair: &[u8]) -> bool {
    let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
    let (name, value) = (pair[..at].to_ascii_lowercase(), pair[at..].strip_prefix(b"=").unwrap_or_default());
    let telling = [&b"sess"[..], b"auth", b"token", b"sid", b"jwt", b"login", b"csrf", b"xsrf", b"user"];
    if matches!(value.trim_ascii(), [b'<' | b'{' | b'$', ..]) {
        return false;
    }
    let setting = value.len() < 12 && value.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_' | b' '))
        || value.len() < 4;
    telling.iter().any(|word| memchr::memmem::find(&name, word).is_some()) && !value.is_empty() || !setting
}

/// Whether what begins as a placeholder, a reference or a call in code is a secret all the same.
fn placeholder(found: &[u8]) -> Option<bool> {
    match found {
        [b'$', ..] => Some(bcrypt(found)),
        // A command of a shell: `PASSWORD=`cat /run/secrets/db``; what Markdown puts in such quotes is one word.
        [b'`', rest @ ..] if !rest.contains(&b'`') => Some(false),
        [b'<' | b'{' | b'(' | b'[' | b'!', ..] if found[0] != b'!' || found.starts_with(b"!vault") => Some(false),
        // `%DB_PASSWORD%` of Windows.
        // Ruby's interpolation.
        [b'#', b'{', ..] => Some(false),
        [b'%', name @ .., b'%'] if !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') => {
            Some(false)
        }
        [b'%', rest @ ..] => rest.first().is_some_and(|b| !b.is_ascii_hexdigit()).then_some(false),
        _ if found.iter().all(|b| matches!(b, b'*' | b'.' | b'x' | b'X')) => Some(false),
        _ => None,
    }
}

/// A hash of crypt(3): `$2b$12$…`, `$6$…`.
fn bcrypt(found: &[u8]) -> bool {
    found.len() >= 20 && found[1..].iter().take(8).any(|b| *b == b'$')
}

fn jwt(found: &[u8]) -> bool {
    let mut parts = found.split(|b| *b == b'.');
    let mut object = || {
        let decoded = URL_SAFE_NO_PAD.decode(parts.next().unwrap_or_default()).unwrap_or_default();
        matches!(serde_json::from_slice(&decoded), Ok(serde_json::Value::Object(_)))
    };
    object() && object()
}

fn jose_header(found: &[u8]) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(found.split(|b| *b == b'.').next().unwrap_or_default()).unwrap_or_default();
    matches!(serde_json::from_slice(&decoded), Ok(serde_json::Value::Object(_)))
}
