//! Every environment variable that is read, with what it does. None widens what the caller of a shim may do.

use std::ffi::OsString;
use std::time::Duration;

/// A variable, and the sentence that manual pages print about it.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    pub name: &'static str,
    pub about: &'static str,
}

const fn variable(name: &'static str, about: &'static str) -> Variable {
    Variable { name, about }
}

/// What the server reads: each key of its configuration file. A variable wins over the file.
pub const SERVER: &[Variable] = &[
    variable("PORTCULLIS_SERVER_LISTEN", "address and port to listen on: 127.0.0.1:7443"),
    variable("PORTCULLIS_SERVER_PUBLIC_URL", "address by which people and keepers reach the server"),
    variable("PORTCULLIS_SERVER_DATA", "folder of what the server keeps: recordings, its signing key"),
    variable("PORTCULLIS_SERVER_STORE", "database: sqlite:/path/file.db or postgres://user@host/name"),
    variable("PORTCULLIS_SERVER_POLICY", "folder of *.cedar files and masks.toml"),
    variable("PORTCULLIS_SERVER_TLS_CERTIFICATE", "PEM file of the certificate chain"),
    variable("PORTCULLIS_SERVER_TLS_KEY", "PEM file of the certificate's private key"),
    variable("PORTCULLIS_SERVER_AUDITORS", "groups that see every session and the audit log, separated by commas"),
    variable("PORTCULLIS_SERVER_LOG", "what to log, in tracing's filter form: info, portcullis=debug"),
    variable("PORTCULLIS_SERVER_LOG_FORMAT", "text or json"),
    variable("PORTCULLIS_SERVER_OIDC_ISSUER", "address of the OpenID provider that signs people in"),
    variable("PORTCULLIS_SERVER_OIDC_CLIENT_ID", "the name by which the provider knows this server"),
    variable("PORTCULLIS_SERVER_OIDC_CLIENT_SECRET_FILE", "file that holds the client secret"),
    variable("PORTCULLIS_SERVER_OIDC_GROUPS_CLAIM", "claim of the ID token that lists a person's groups"),
];

/// The value of a documented variable; `None` where it is unset or not text.
#[allow(clippy::disallowed_methods, reason = "the one place that reads variables")]
pub fn text(variable: &Variable) -> Option<String> {
    std::env::var_os(variable.name).map(OsString::into_string).and_then(Result::ok)
}

/// What a shim reads. None of these widens anything: they choose how long to wait and how messages look.
pub const SHIM: &[Variable] = &[WAIT, MESSAGES, GITHUB_ACTIONS, GITLAB_CI];

const WAIT: Variable =
    variable("PORTCULLIS_WAIT", "how long to wait for an approval: 90s, 15m, 1h; 0s returns 124 at once (default 15m)");
const MESSAGES: Variable = variable("PORTCULLIS_MESSAGES", "json: messages are one JSON object a line");
const GITHUB_ACTIONS: Variable = variable("GITHUB_ACTIONS", "true: messages are annotations of GitHub Actions as well");
const GITLAB_CI: Variable = variable("GITLAB_CI", "true: waiting is a section of a GitLab job log");

/// How long a shim waits for an approval. Words that are no duration count as unset.
pub fn wait() -> Duration {
    text(&WAIT).and_then(|words| duration(&words)).unwrap_or(Duration::from_secs(15 * 60))
}

pub fn messages_as_json() -> bool {
    text(&MESSAGES).as_deref() == Some("json")
}

pub fn github_actions() -> bool {
    text(&GITHUB_ACTIONS).as_deref() == Some("true")
}

pub fn gitlab_ci() -> bool {
    text(&GITLAB_CI).as_deref() == Some("true")
}

/// The folders in which programs are looked for.
pub fn path() -> Option<OsString> {
    raw("PATH")
}

pub fn home() -> Option<OsString> {
    raw("HOME")
}

/// A variable of the caller's that a tool's meaning may depend on (`Tool::variables`).
#[allow(clippy::disallowed_methods, reason = "the one place that reads variables")]
pub fn raw(name: &str) -> Option<OsString> {
    // std panics on such a name.
    let possible = !name.is_empty() && !name.contains(['=', '\0']);
    possible.then(|| std::env::var_os(name)).flatten()
}

/// `90s`, `15m`, `1h`, or a plain number of seconds.
fn duration(words: &str) -> Option<Duration> {
    let (number, unit) = match words.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &words[number.len()..]),
        None => (words, "s"),
    };
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        _ => 1,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn a_wait_is_a_number_with_a_unit() {
        assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(duration("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(duration("7"), Some(Duration::from_secs(7)));
        for bad in ["", "s", "-1s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
