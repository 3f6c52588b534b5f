//! What the name of a key, a column, an element or a variable says about its value.

/// How sure a name makes that its value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// A secret, if it looks as keys do: `fastly_key`, and not `cache_key`.
    Maybe,
    /// A secret, if it looks random: `token`, `secret`.
    Likely,
    /// A secret whatever it looks like: `password`.
    Surely,
}

/// Longer names are sentences.
const LONGEST: usize = 80;

/// What a name ends with, in words that `_` divides.
const SURELY: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "pw",
    "pass",
    "passcode",
    "password_hash",
    "passwd_hash",
    "pw_hash",
    "hashed_password",
    "encrypted_password",
    "password_digest",
    "client_key_data",
    "requirepass",
    "masterauth",
    "storepass",
    "keypass",
    "preshared_key",
    "pre_shared_key",
    "wifi_psk",
    "psk",
    "sshpass",
    "dbpass",
    "userpass",
    "smtppass",
    "rootpass",
    "cvv",
    "cvc",
    "authentication_string",
    "bindpw",
    "rootpw",
    "authtok",
];
const LIKELY: &[&str] = &[
    "secret",
    "secret_id",
    "private_key_id",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "accesskey",
    "access_key_id",
    "secret_key",
    "secretkey",
    "private_key",
    "privatekey",
    "signing_key",
    "encryption_key",
    "auth_key",
    "authkey",
    "master_key",
    "client_key",
    "account_key",
    "shared_key",
    "session_key",
    "storage_key",
    "service_key",
    "deploy_key",
    "hmac_key",
    "subscription_key",
    "secret_key_base",
    "webhook_url",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "jwt",
    "bearer",
    "cookie",
    "session_id",
    "signature",
    "oauth",
    "otp",
    "totp",
    "authtoken",
    "accesstoken",
    "api_token",
    "apitoken",
    "connection_string",
    "stripe_key",
    "openai_key",
    "application_key",
    "app_key",
    "hubspot_key",
    "heroku_key",
    "opsgenie_key",
    "code_verifier",
    "key_base",
    "admin_key",
    "sdk_key",
    "write_key",
    "server_key",
    "license_key",
];
/// Secrets in one program, and words of another: only what looks as keys do.
const MAYBE: &[&str] = &["salt", "passwordsalt", "pepper", "session", "hmac"];
/// How a password was made unreadable: `password_md5`.
const HASHED: &[&str] = &["_md_5", "_sha_1", "_sha256", "_sha512", "_bcrypt", "_argon_2", "_crypt", "_enc"];
/// What is written without a division: `rolpassword`, `dbpasswd`.
const JOINED: &[&str] = &["password", "passwd", "passphrase"];
/// `PHPSESSID`, `JSESSIONID`.
const SESSIONS: &[&str] = &["sessid", "sessionid"];
/// What may follow the telling words: `API_KEY_PROD`, `password2`, `TOKEN_BASE64`.
const DECORATION: &[&str] = &[
    "value",
    "text",
    "string",
    "plain",
    "plaintext",
    "raw",
    "base64",
    "b64",
    "hex",
    "old",
    "new",
    "current",
    "prod",
    "production",
    "staging",
    "dev",
    "test",
    "live",
    "default",
    "encoded",
    "encrypted",
    "data",
    "v",
];
/// Names of tokens that are none: a place in a list.
const CURSORS: &[&str] = &[
    "page_token",
    "next_token",
    "starting_token",
    "scroll_token",
    "continuation_token",
    "sync_token",
    "cancellation_token",
    "stop_token",
    "input_token",
    "output_token",
    "signature_value",
    "public_key_token",
    "publickeytoken",
    "pad_token",
    "eos_token",
    "bos_token",
];

/// Keys that open nothing.
const OTHER_KEYS: &[&str] = &[
    "public",
    "pub",
    "cache",
    "primary",
    "foreign",
    "partition",
    "sort",
    "object",
    "s3",
    "host",
    "idempotency",
    "dedup",
    "deduplication",
    "row",
    "hash",
    "range",
    "index",
    "lookup",
    "group",
    "grouping",
    "map",
    "shard",
    "message",
    "event",
    "record",
    "unique",
    "natural",
    "composite",
    "translation",
    "label",
    "config",
    "registry",
    "option",
    "param",
    "query",
    "page",
    "cursor",
    "issue",
    "project",
    "ticket",
    "file",
    "metric",
    "sorting",
    "kms",
    "artifact",
    "restore",
    "bucket",
    "dict",
    "json",
    "field",
    "header",
    "any",
    "each",
    "the",
    "a",
    "this",
    "hot",
    "arrow",
    "press",
    "verify",
    "verification",
    "verifying",
    "site",
    "publishable",
    "install",
    "recv",
    "trusted",
    "edit",
    "delete",
    "list",
    "lsign",
    "thread",
    "series",
    "websocket",
    "socket",
];

/// Personal data that the name of a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    Email,
    /// Numbers: of telephones, cards, accounts, people.
    Number,
    /// What is on a card beside its number.
    Code,
}

impl Person {
    /// Whether a cell can be it.
    pub fn plausible(self, text: &[u8]) -> bool {
        let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
        let number = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'+' | b'-' | b'(' | b')' | b'.' | b'/');
        match self {
            Person::Email => text.contains(&b'@'),
            Person::Number => digits >= 6 && text.iter().all(number),
            Person::Code => digits == text.len() && matches!(digits, 3 | 4),
        }
    }
}

/// What a name of a number may end with.
const COUNTED: &[&str] = &["_number", "_no", "_nr", "_num"];

/// What the name of a column says about people.
pub fn person(name: &[u8]) -> Option<Person> {
    let divided = Divided::of(name);
    let words = divided.words();
    let words = COUNTED.iter().find_map(|last| words.strip_suffix(last.as_bytes())).unwrap_or(words);
    let ends = |with: &&str| ends(words, with);
    if ["email", "e_mail", "mail", "email_address"].iter().any(ends) {
        return Some(Person::Email);
    }
    let numbers = [
        "phone",
        "telephone",
        "tel",
        "mobile",
        "msisdn",
        "cell",
        "fax",
        "ssn",
        "iban",
        "card",
        "pan",
        "passport",
        "tax_id",
        "tax",
        "national_id",
        "national_insurance",
        "social_security",
        "personnummer",
        "telefon",
        "pesel",
        "nino",
        "cpf",
        "dni",
        "aadhaar",
    ];
    if ["cvv", "cvv_2", "cvc", "cvc_2"].iter().any(ends) {
        return Some(Person::Code);
    }
    numbers.iter().any(ends).then_some(Person::Number)
}

/// `None`: nothing about a secret.
pub fn says(name: &[u8]) -> Option<Says> {
    let name = name.strip_suffix(b":").unwrap_or(name);
    if name.is_empty() || name.len() > LONGEST || !name.is_ascii() || name.contains(&b' ') && name.len() > 32 {
        return None;
    }
    let divided = Divided::of(name);
    let mut words = divided.words();
    // Helm's `checksum/secret`
    // `has_password`: yes or no.
    if [&b"checksum_"[..], b"has_", b"is_", b"needs_", b"requires_"].iter().any(|first| words.starts_with(first)) {
        return None;
    }
    let hashed = HASHED.iter().find_map(|how| words.strip_suffix(how.as_bytes()));
    words = hashed.unwrap_or(words);
    loop {
        let ends = |with: &&str| ends(words, with);
        if cursor(words) {
            return None;
        }
        if SURELY.iter().any(ends) || JOINED.iter().any(|with| ends_with(words, with)) {
            return Some(Says::Surely);
        }
        if hashed.is_some() {
            return None;
        }
        if LIKELY.iter().chain(SESSIONS).any(ends)
            || words.ends_with(b"_pat")
            || SESSIONS.iter().any(|with| ends_with(words, with))
        {
            return Some(Says::Likely);
        }
        if matches!(words, b"key" | b"sid" | b"connect_sid") || MAYBE.iter().any(ends) {
            return Some(Says::Maybe);
        }
        if let Some(of) = words.strip_suffix(b"_key") {
            let last = of.rsplit(|b| *b == b'_').next().unwrap_or(of);
            return (!OTHER_KEYS.iter().any(|key| key.as_bytes() == last)).then_some(Says::Maybe);
        }
        let at = words.iter().rposition(|b| *b == b'_')?;
        let last = &words[at + 1..];
        let counted = last.len() < 3 && last.iter().all(u8::is_ascii_digit);
        if !counted && !DECORATION.iter().any(|word| word.as_bytes() == last) {
            return None;
        }
        words = &words[..at];
    }
}

/// Whether a name is of a place in a list; Facebook's pages have tokens of access.
fn cursor(words: &[u8]) -> bool {
    CURSORS.iter().any(|cursor| ends(words, cursor)) && !words.starts_with(b"fb_") && !words.starts_with(b"facebook_")
}

/// Whether what ends here names a token that is a place in a list, in front of its sign and its quotes.
pub fn cursor_before(text: &[u8]) -> bool {
    let sign = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b':' | b'=' | b'>' | b'|');
    let end = text.len() - text.iter().rev().take_while(|b| sign(b)).count();
    let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let start = end - text[..end].iter().rev().take(LONGEST).take_while(|b| word(b)).count();
    let divided = Divided::of(&text[start..end]);
    cursor(divided.words())
}

/// Whether a name's last words are these.
fn ends(words: &[u8], with: &str) -> bool {
    let rest = words.len().checked_sub(with.len() + 1);
    ends_with(words, with) && rest.is_none_or(|at| words[at] == b'_')
}

/// Most names are told from most words by their last letter alone.
fn ends_with(words: &[u8], with: &str) -> bool {
    words.last() == with.as_bytes().last() && words.ends_with(with.as_bytes())
}

/// A name's words in lower case, divided by one `_` each: `DB-Password`, `dbPassword` and `db.password` are alike.
struct Divided([u8; 2 * LONGEST], usize);

impl Divided {
    /// Of a longer name, its end.
    fn of(name: &[u8]) -> Divided {
        let mut out = Divided([0; 2 * LONGEST], 0);
        let name = &name[name.len().saturating_sub(LONGEST)..];
        for (at, b) in name.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| name[at]);
            let after = name.get(at + 1);
            let hump = b.is_ascii_uppercase()
                && (before.is_some_and(|b| b.is_ascii_lowercase())
                    || before.is_some_and(|b| b.is_ascii_uppercase()) && after.is_some_and(u8::is_ascii_lowercase));
            let digit = b.is_ascii_digit() && before.is_some_and(|b| b.is_ascii_alphabetic()) && after.is_none();
            if (hump || digit || !b.is_ascii_alphanumeric()) && out.1 > 0 && out.0[out.1 - 1] != b'_' {
                out.push(b'_');
            }
            if b.is_ascii_alphanumeric() {
                out.push(b.to_ascii_lowercase());
            }
        }
        if out.words().last() == Some(&b'_') {
            out.1 -= 1;
        }
        out
    }

    fn push(&mut self, b: u8) {
        self.0[self.1] = b;
        self.1 += 1;
    }

    fn words(&self) -> &[u8] {
        &self.0[..self.1]
    }
}

/// All that a name may end with to say something.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = &'static str> {
    SURELY.iter().chain(LIKELY).chain(MAYBE).chain(JOINED).chain(SESSIONS).copied().chain([
        "key",
        "sid",
        "fastly_key",
        "gitlab_pat",
    ])
}

#[cfg(test)]
mod tests;
