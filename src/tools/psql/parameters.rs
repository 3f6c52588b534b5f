//! The key words of a connection string, and the values that libpq takes for them (PostgreSQL documentation, "Parameter
//! Key Words").

use super::conninfo::Params;
use super::version::Version;

/// Whether the libpq of that version knows the key word; where the version is not known, whether any does.
pub fn known(key: &str, version: Option<Version>) -> bool {
    let newer = NEWER.iter().find(|(_, keys)| keys.contains(&key));
    match newer {
        Some((since, _)) => version.is_none_or(|version| version.reaches(*since)),
        None => ALWAYS.contains(&key),
    }
}

/// Whether a text may hold a key word that not every version knows.
pub fn newer(text: &str) -> bool {
    NEWER.iter().flat_map(|(_, keys)| *keys).any(|key| text.contains(key))
}

/// Whether libpq takes the values: words where only some are known, numbers, and as many ports and addresses as hosts.
pub fn accepted(params: &Params) -> bool {
    let said = |key: &str| params.get(key).filter(|list| !list.is_empty());
    let count = |key: &str| said(key).map_or(0, |list| list.split(',').count());
    let hosts = if count("hostaddr") > 0 { count("hostaddr") } else { count("host") };
    let fits = |key: &str| matches!(count(key), 0 | 1) || count(key) == hosts.max(1);
    let known = |(key, words): &(&str, &[&str])| params.get(*key).is_none_or(|value| words.contains(&value.as_str()));
    let number = |key: &&str| params.get(*key).is_none_or(|value| value.trim().parse::<i32>().is_ok());
    // Without a host it is the local socket, where these are not looked at.
    let tcp = count("hostaddr") > 0 || said("host").is_some_and(|host| !host.starts_with(['/', '@']));
    let ports = params.get("port").into_iter().flat_map(|list| list.split(','));
    (count("host") == 0 || count("host") == hosts)
        && fits("port")
        && WORDS.iter().all(known)
        && number(&"connect_timeout")
        && (!tcp || OF_TCP.iter().all(number))
        && ports.filter(|port| !port.is_empty()).all(|port| port.trim().parse::<u16>().is_ok_and(|port| port > 0))
}

/// Numbers that matter for TCP alone.
const OF_TCP: &[&str] = &["keepalives", "tcp_user_timeout"];

/// Values that libpq knows.
const WORDS: &[(&str, &[&str])] = &[
    ("channel_binding", &["disable", "prefer", "require"]),
    ("gssencmode", &["disable", "prefer", "require"]),
    ("load_balance_hosts", &["disable", "random"]),
    ("sslmode", &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    ("target_session_attrs", &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]),
];

/// Those of every version that is read here; another is a mistake.
const ALWAYS: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Those that came later, with the version that brought them (release notes of 16 to 18).
const NEWER: &[(u32, &[&str])] = &[
    (16, &["gssdelegation", "load_balance_hosts", "require_auth", "sslcertmode"]),
    (17, &["sslnegotiation"]),
    (
        18,
        &[
            "max_protocol_version",
            "min_protocol_version",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_issuer",
            "oauth_scope",
            "scram_client_key",
            "scram_server_key",
            "servicefile",
            "sslkeylogfile",
        ],
    ),
];
