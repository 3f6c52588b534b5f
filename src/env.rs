//! Every environment variable that is read, with what it does. None widens what the caller of a shim may do.

use std::ffi::OsString;

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
