//! The table: what a secret looks like, one entry a shape. Adding one is adding an entry.
//!
//! Patterns are of bytes, not of characters, and never cross a line. `before` and `secret` are anchored one behind
//! the other; only `secret` is masked. Shapes are those that issuers document: GitHub, GitLab, AWS, Slack, Stripe, npm
//! and so on; where an issuer moved to longer tokens, both forms.

use super::checks::Check;

/// What is masked together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Secrets,
    Pii,
}

impl Set {
    /// The name by which policy asks for it (`@mask("pii")`).
    pub fn by_name(name: &str) -> Option<Set> {
        match name {
            "secrets" => Some(Set::Secrets),
            "pii" => Some(Set::Pii),
            _ => None,
        }
    }
}

/// What may stand right before a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Any,
    /// No letter, digit, underscore or hyphen: the trigger begins a word.
    NoWord,
}

/// Where a rule is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Where the trigger begins.
    Trigger,
    /// Where the word in which the trigger stands begins (the local part of an e-mail address).
    Word,
}

pub struct Rule {
    /// As the mark says it, in kebab case.
    pub kind: &'static str,
    pub set: Set,
    /// Lower case; in the text, either case. None: wherever a number begins.
    pub triggers: &'static [&'static str],
    pub edge: Before,
    pub at: At,
    /// What must stand before the secret, from the trigger on.
    pub before: &'static str,
    pub secret: &'static str,
    pub check: Check,
}

/// The kind of a key in PEM, which [`super::keys`] follows over lines.
pub const PRIVATE_KEY: &str = "private-key";

/// A token known by how it begins.
const fn token(kind: &'static str, triggers: &'static [&'static str], secret: &'static str) -> Rule {
    Rule {
        kind,
        set: Set::Secrets,
        triggers,
        edge: Before::NoWord,
        at: At::Trigger,
        before: "",
        secret,
        check: Check::Always,
    }
}

/// A secret known by what stands before it.
const fn after(
    kind: &'static str,
    triggers: &'static [&'static str],
    before: &'static str,
    secret: &'static str,
    check: Check,
) -> Rule {
    Rule { kind, set: Set::Secrets, triggers, edge: Before::Any, at: At::Trigger, before, secret, check }
}

const fn number(kind: &'static str, secret: &'static str, check: Check) -> Rule {
    Rule { kind, set: Set::Pii, triggers: &[], edge: Before::NoWord, at: At::Trigger, before: "", secret, check }
}

/// Words that name a password. Whatever follows is one.
const PASSWORD: &[&str] = &["password", "passwd", "passphrase", "pwd", "_pass", "\"pass\"", "pgpass", "mysql_pwd"];

/// Words that name a secret when what follows looks random.
const SECRET: &[&str] = &[
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "account_key",
    "accountkey",
    "private_key",
    "auth_key",
    "encryption_key",
    "signing_key",
    "master_key",
    "credential",
    "_auth",
    "sharedaccesssignature",
    "client_key",
    "webhook_url",
    "_oauth",
    "signature",
];

// The end of a key's name, how it is divided from its value, and the quote that begins the value.
macro_rules! key {
    ($words:literal, $open:literal) => {
        concat!(
            "(?i)(?:",
            $words,
            ")(?:[-_]?(?:base|value|text|hash|string|[0-9]{1,3}))?\\\\{0,3}[\"']?[ \\t]*(?:=>|:=|[:=])[ \\t]*",
            $open
        )
    };
}
macro_rules! password {
    ($open:literal) => {
        key!("password|passwd|passphrase|pwd|_pass|\\\\?\"pass|pgpass|mysql_pwd", $open)
    };
}
macro_rules! secret {
    ($open:literal) => {
        key!("secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|account_?key|private_key|auth_key|encryption_key|signing_key|master_key|credentials?|_auth|sharedaccesssignature|client_key|webhook_url|_oauth|signature", $open)
    };
}

pub const RULES: &[Rule] = &[
    // ---- keys in PEM: whole in one line (as JSON escapes them), or their first line ----
    Rule {
        kind: PRIVATE_KEY,
        set: Set::Secrets,
        triggers: &["-----begin "],
        edge: Before::Any,
        at: At::Trigger,
        before: "",
        secret: r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\\+[nrt]|[A-Za-z0-9+/=:,. ]|-[^-])*(?:-----END [A-Z0-9 ]{0,40}-----)?",
        check: Check::Always,
    },
    // ---- tokens by their beginning ----
    token("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "gh[pousr]_[0-9A-Za-z_.-]{20,}"),
    token("github-token", &["github_pat_"], "github_pat_[0-9A-Za-z_]{22,}"),
    token(
        "gitlab-token",
        &[
            "glpat-", "glrt-", "gldt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-", "gloas-",
            "glffct-",
        ],
        "gl(?:pat|rt|dt|ptt|cbt|soat|ft|imt|agent|oas|ffct)-[0-9A-Za-z_.-]{18,}",
    ),
    Rule {
        check: Check::Ends,
        ..token("aws-access-key-id", &["akia", "asia", "abia", "acca"], "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{4}[0-9A-Z]{12}")
    },
    token(
        "slack-token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xapp-"],
        "x(?:ox[bpars]|app|oxe)[.-][0-9A-Za-z.-]{10,}",
    ),
    after(
        "slack-webhook",
        &["hooks.slack.com/"],
        "(?i)hooks\\.slack\\.com/(?:services|workflows|triggers)/",
        "[0-9A-Za-z/_-]{20,}",
        Check::Always,
    ),
    token(
        "stripe-key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        "(?:[sr]k_(?:live|test)|whsec)_[0-9A-Za-z+/=]{16,}",
    ),
    token(
        "openai-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        "sk-(?:proj|svcacct|admin|None)-[0-9A-Za-z_-]{20,}",
    ),
    token("anthropic-key", &["sk-ant-"], "sk-ant-[0-9A-Za-z_-]{20,}"),
    Rule { check: Check::Random, ..token("api-key", &["sk-"], "sk-(?:or-v1-)?[0-9A-Za-z]{32,}") },
    token("npm-token", &["npm_"], "npm_[0-9A-Za-z]{36,}"),
    token("pypi-token", &["pypi-"], "pypi-[0-9A-Za-z_-]{50,}"),
    token("google-api-key", &["aiza"], "AIza[0-9A-Za-z_-]{35}"),
    token("google-oauth", &["gocspx-", "ya29."], "(?:GOCSPX-|ya29\\.)[0-9A-Za-z_-]{20,}"),
    token("hugging-face-token", &["hf_", "api_org_"], "(?:hf|api_org)_[0-9A-Za-z]{30,}"),
    token("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], "do[por]_v1_[0-9a-f]{40,}"),
    token("databricks-token", &["dapi"], "dapi[0-9a-f]{32}(?:-[0-9])?"),
    token("docker-token", &["dckr_pat_", "dckr_oat_"], "dckr_[po]at_[0-9A-Za-z_-]{20,}"),
    token("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], "shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    token("grafana-token", &["glsa_", "glc_"], "gl(?:sa|c)_[0-9A-Za-z_+/=]{32,}"),
    token("sentry-token", &["sntryu_", "sntrys_"], "sntry[us]_[0-9A-Za-z_+/=]{40,}"),
    token("postman-key", &["pmak-"], "PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    token("mailgun-key", &["key-"], "key-[0-9a-f]{32}"),
    token("sendgrid-key", &["sg."], "SG\\.[0-9A-Za-z_-]{16,}\\.[0-9A-Za-z_-]{16,}"),
    token("vault-token", &["hvs.", "hvb.", "hvr."], "hv[sbr]\\.[0-9A-Za-z_-]{24,}"),
    token("age-key", &["age-secret-key-"], "AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    token("linear-key", &["lin_api_"], "lin_api_[0-9A-Za-z]{32,}"),
    token("pulumi-token", &["pul-"], "pul-[0-9a-f]{40}"),
    token("telegram-token", &["bot"], "bot[0-9]{8,10}:[0-9A-Za-z_-]{35}"),
    Rule {
        check: Check::Jwt,
        ..token("jwt", &["eyj"], "eyJ[0-9A-Za-z_-]{8,}\\.eyJ[0-9A-Za-z_-]{4,}\\.[0-9A-Za-z_-]*")
    },
    // ---- headers ----
    after(
        "authorization",
        &["authorization"],
        "(?i)(?:proxy-)?authorization\\\\?[\"']?[ \\t]*[:=][ \\t]*\\\\?[\"']?(?:bearer|basic|token|apikey|negotiate|ntlm|digest|splunk|bot)[ \\t]+",
        "[^\\s\"'\\\\,$<{][^\\s\"'\\\\]*(?:,[ \\t]*[a-z]+=(?:\"[^\"\\r\\n]*\"|[^\\s,\"']+))*",
        Check::Real,
    ),
    after("authorization", &["bearer "], "(?i)bearer[ \\t]+", "[0-9A-Za-z._~+/=-]{16,}", Check::Random),
    after("authorization", &["basic "], "(?i)basic[ \\t]+", "[0-9A-Za-z+/]{12,}={0,2}", Check::Random),
    after(
        "cookie",
        &["set-cookie"],
        "(?i)set-cookie\\\\?[\"']?[ \\t]*:[ \\t]*\\\\?[\"']?[^=;\\s]{1,80}=",
        "[^;\\s\"'\\\\]{8,}",
        Check::Random,
    ),
    after("cookie", &["cookie:"], "(?i)cookie:[ \\t]*", "[^\\s=;]+=[^\\r\\n\"']+", Check::Always),
    after(
        "api-key",
        &["x-api-key", "private-token", "x-auth-token", "x-vault-token", "x-amz-security-token"],
        "(?i)(?:x-api-key|private-token|x-auth-token|x-vault-token|x-amz-security-token)\\\\?[\"']?[ \\t]*[:=][ \\t]*\\\\?[\"']?",
        "[^\\s\"'\\\\$<{,;]{8,}",
        Check::Real,
    ),
    // ---- in addresses ----
    after("url-password", &["://"], "://[^\\s/@:\"'<>]{0,256}:", "[^\\s/@\"'<>]{1,512}@", Check::Userinfo),
    // ---- by the name of a key ----
    after("password", PASSWORD, password!("\""), "[^\"\\\\\\r\\n]+(?:\\\\.[^\"\\\\\\r\\n]*)*", Check::Real),
    after("password", PASSWORD, password!("'"), "[^'\\r\\n]+", Check::Real),
    after("password", PASSWORD, password!("\\\\{1,3}\""), "[^\"\\\\\\r\\n]+", Check::Real),
    after("password", PASSWORD, password!(""), "[^\\s\"'\\\\,;&<>{}\\[\\])][^\\s\"',;&]*", Check::Real),
    after("secret", SECRET, secret!("\""), "[^\"\\\\\\r\\n]+", Check::Random),
    after("secret", SECRET, secret!("'"), "[^'\\r\\n]+", Check::Random),
    after("secret", SECRET, secret!("\\\\{1,3}\""), "[^\"\\\\\\r\\n]+", Check::Random),
    after("secret", SECRET, secret!(""), "[^\\s\"'\\\\,;&<>{}\\[\\])][^\\s\"',;&]*", Check::Random),
    // A row of two columns, as psql prints settings and expanded rows.
    after("password", PASSWORD, "(?i)(?:password|passwd|passphrase|pwd|_pass)[ ]*\\|[ ]*", "[^\\s|]+", Check::Random),
    after(
        "secret",
        SECRET,
        "(?i)(?:secret(?:_?key)?|token|api_?key|access_?key|private_key)[ ]*\\|[ ]*",
        "[^\\s|]+",
        Check::Random,
    ),
    // ---- options of command lines ----
    after(
        "password",
        &["--password", "--passwd", "--passphrase", "--secret", "--token", "--api-key"],
        "(?i)--(?:password|passwd|passphrase|secret|token|api-key)(?:=|[ \\t]+)[\"']?",
        "[^\\s\"'-][^\\s\"']*",
        Check::Real,
    ),
    after(
        "password",
        &["login "],
        "(?i)login[ \\t][^\\r\\n]*[ \\t](?:-p|-P)[ \\t]*[\"']?",
        "[^\\s\"'-][^\\s\"']*",
        Check::Real,
    ),
    // ---- people ----
    Rule {
        set: Set::Pii,
        at: At::Word,
        ..after(
            "email",
            &["@"],
            "",
            "[0-9A-Za-z._%+-]{1,64}@(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\\.)+[A-Za-z]{2,24}",
            Check::Mailbox,
        )
    },
    number("credit-card", "[0-9](?:[ -]?[0-9]){12,18}", Check::Card),
    number(
        "social-security-number",
        "(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-(?:0[1-9]|[1-9][0-9])-[0-9]{4}",
        Check::Ends,
    ),
    number("phone", "(?:1[ -])?[2-9][0-9]{2}(?:\\) ?|-)[2-9][0-9]{2}-[0-9]{4}", Check::Ends),
];
