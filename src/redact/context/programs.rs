//! What programs write in a grammar of their own: the files of servers, the commands of clients, and calls whose argument
//! is a password. As [`super::phrases`], but for words that other lines seldom have.

use std::sync::LazyLock;

use super::super::scan::Span;
use super::phrases::{Phrase, Phrases, always, argument, drawn, mixed, phrase, random, real};

/// Told by the words of [`super::phrases`], and tried with them.
pub const SAID: &[Phrase] = &[
    // HAProxy, postfix's sasl_passwd(5), ipsec.secrets(5).
    phrase("password", r"\bstats auth [^\s:]{1,64}:([^\s]{4,})", real),
    // `creds: admin / …` of a note.
    phrase("password", r"(?i)\b(?:creds|credentials|login): ?[^\s/]{1,64} ?/ ?([^\s]{8,})", mixed),
    // IOS: plain text, its own cipher, and its hashes.
    phrase("password", r"(?i)\b(?:password|secret) (?:0|7) ([^\s]{4,})", cipher),
    phrase("password", r"\baddauth digest [^\s:]{1,64}:([^\s]{4,})", real),
    phrase("authorization", r#"(?i)authorization: MAC id=[^\r\n]{0,200}\bmac="?([0-9A-Za-z+/=]{16,})"#, always),
    // Windows Setup's answers, FortiOS, Net-SNMP, IOS's servers of accounts.
    phrase("password", r"(?i)password><value>([^<\r\n]{4,})</value>", real),
    phrase("secret", r"\bset (?:psksecret|passwd|password|secret) ENC ([^\s]{16,})", random),
    // Erlang's terms.
    phrase("password", r#"\{(?:password|passwd|secret|token|api_key),[ ]?(?:<<)?"([^"\r\n]{4,})""#, real),
    // Commands.
    phrase(
        "password",
        r#"\bhtpasswd (?:-[A-Za-z]+(?: [0-9]+)? )*-[A-Za-z]*b[A-Za-z]*(?: -[A-Za-z]+(?: [0-9]+)?)* (?:[^\s-][^\s]* )?[^\s-][^\s]* ["']?([^\s"'|>&;][^\s"']{3,})"#,
        real,
    ),
    phrase("secret", r"(?i)\bauthtoken[ \t]+([0-9A-Za-z_-]{20,})", random),
    phrase("secret", r"\b(?:wandb login|snyk auth|cargo login|dnf login|vault login) ([0-9A-Za-z_.-]{16,})", drawn),
];

/// Told by words of their own.
const PROGRAMS: &[Phrase] = &[
    // go-sql-driver/mysql: `user:password@protocol(address)/database`.
    phrase("url-password", r#"(?:^|[\s"'=`])[^\s:@/"'=]{1,64}:([^\s"'/@]{3,128})@(?:tcp6?|unix)\("#, real),
    // Redis's ACLs: `user NAME on >password`, `#` with its SHA-256.
    phrase("password", r#"(?i)user [^\s"]{1,64} on [>#]([^\s"'~]{4,})"#, real),
    phrase(
        "password",
        r"^\[[0-9A-Za-z.-]{1,255}\]:(?:25|465|587|s[a-z]{3,10})[ \t]+[^\s:]{1,255}:([^\s]{4,})\s*$",
        real,
    ),
    phrase("password", r#"(?:^|\s): (?:PSK|EAP)[ \t]+"?([^\s"]{4,})"#, real),
    // nslcd.conf(5), slapd.conf(5), Bundler's settings, what a tool of Elasticsearch prints.
    phrase("password", r#"(?i)^\s*(?:root)?(?:bind|root)pw[ \t]+(?:--[a-z]+[ \t]+)*"?([^\s"-][^\s"]{3,})"#, real),
    phrase("password", r#"\bBUNDLE_[0-9A-Z_]{1,80}["']?[:=] ?["']?[^\s:"'/]{1,64}:([^\s"'/]{8,})"#, random),
    phrase("password", r"^PASSWORD elastic = ([^\s]{8,})$", random),
    // An address in a parameter of another.
    phrase("url-password", r"(?i)%3a%2f%2f[^\s/@:%]{0,64}(?:%3a|:)([^\s/@:&%]{4,64})(?:%40|@)", real),
    // Compose writes each sign of crypt(5) twice.
    phrase("password-hash", r"(\$\$(?:2[abxy]?|6|apr1)\$\$(?:[0-9A-Za-z./]|\$\$){20,})", always),
    // chap-secrets of pppd(8): client, server, secret, addresses.
    phrase("password", r#"^"?[0-9A-Za-z][^\s\x22*]{0,63}"?[ \t]+\*[ \t]+"?([^\s"*]{6,})"?[ \t]+\*[ \t\r]*$"#, mixed),
    // What pgcrypto and libraries of bcrypt are given.
    phrase(
        "password",
        r#"(?i)\b(?:crypt|hashpw|password_hash|generate_password_hash|hash)\([ ]?b?["']([^"'\r\n]{6,72})["'],"#,
        argument,
    ),
    phrase("password", r"(?i)\bpgp_sym_(?:en|de)crypt\([^\r\n]{1,120}?, ?'([^'\r\n]{4,})'", real),
    // Werkzeug's hashes; older ones of Django; GRUB's; what is dumped of Windows.
    phrase(
        "password-hash",
        r"\b((?:scrypt|pbkdf2):[0-9a-z:]{3,40}\$[0-9A-Za-z./+=]{4,}\$[0-9A-Za-z./+=]{20,})",
        always,
    ),
    phrase("password-hash", r"\b((?:sha1|sha256)\$[0-9A-Za-z./]{1,32}\$[0-9a-f]{32,128})", always),
    phrase("password-hash", r"\b(grub\.pbkdf2\.sha512\.[0-9]{2,8}\.[0-9A-Fa-f]{16,}\.[0-9A-Fa-f]{16,})", always),
    phrase("password-hash", r":([0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}):::", always),
    // A place, a user and a password as arguments: `PDO->__construct('mysql:…', 'shop', '…')`.
    phrase(
        "password",
        r#"(?i)(?:connect|connection|->__construct|new pdo)\((?:["'][^"'\r\n]{0,200}["']|[$0-9A-Za-z_.]{1,64}), ?["'][^"'\r\n]{1,64}["'], ?["']([^"'\r\n]{4,})["']"#,
        argument,
    ),
    // What clients and servers log of a login: Redis's MONITOR, ZooKeeper, RFC 5849's follower, a script of expect(1).
    phrase("password", r#"(?i)"AUTH" (?:"[^"\r\n]{1,64}" )?"([^"\r\n]{4,})"\s*$"#, real),
    phrase("password", r#"\bsend "([^"\\\r\n]{6,})\\r""#, argument),
    phrase(
        "password",
        r#"\bcreateUser [^\s]{1,64} (?:MD5|SHA[0-9-]{0,4}) ("?[^\s"]{8,}"?(?: (?:DES|AES)[0-9]{0,3} "?[^\s"]{8,})?)"#,
        real,
    ),
    phrase("password", r"\b(?:tacacs|radius)-server (?:host [^\s]{1,64} )?key (?:[07] )?([^\s]{4,})", mixed),
    phrase("secret", r"\bmc alias set [^\s]+ [^\s]+ ([^\s$]{3,} [^\s$]{8,})", drawn_last),
    phrase(
        "secret",
        r"(?i)\bconfig(?:ure)? set (?:--?[a-z-]+ )*[^\s=]*(?:pass|password|passwd|token|secret|key|auth|pw)[ \t]+([^\s'\x22$-][^\s'\x22]{7,})",
        mixed,
    ),
];

/// IOS's cipher is of hexadecimal digits; what stands there in plain text is no word.
fn cipher(found: &[u8], after: &[u8]) -> bool {
    found.len() >= 8 && found.iter().all(u8::is_ascii_hexdigit) && found.iter().any(u8::is_ascii_digit)
        || mixed(found, after)
}

/// Two words, of which the last is drawn.
fn drawn_last(found: &[u8], after: &[u8]) -> bool {
    found.rsplit(|b| *b == b' ').next().is_some_and(|last| random(last, after))
}

static FOUND: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&[PROGRAMS]));

pub fn kinds() -> impl Iterator<Item = &'static str> {
    SAID.iter().chain(PROGRAMS).map(|phrase| phrase.kind)
}

#[cfg(test)]
pub fn patterns() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|phrase| phrase.pattern)
}

/// Whether a line may be of chap-secrets or of sasl_passwd, which no word tells.
pub fn is_list(line: &[u8]) -> bool {
    match line.first() {
        Some(b'[') => {
            memchr::memmem::find(line, b"]:").is_some_and(|n| line.get(n + 2).is_some_and(u8::is_ascii_alphanumeric))
        }
        Some(b) if b.is_ascii_alphanumeric() || *b == b'"' => {
            let rest = line.trim_ascii_end().strip_suffix(b"*");
            rest.is_some_and(|rest| rest.ends_with(b" ") || rest.ends_with(b"\t"))
        }
        _ => false,
    }
}

/// A line in which a word of such a program stands.
pub fn line(line: &[u8], at: usize, found: &mut Vec<Span>) {
    if let Some(phrases) = &*FOUND {
        phrases.line(line, at, found);
    }
}
