//! Whether a credential fits a reading: every operation of its kind is on its target, and at least one is. Pure.

use reqwest::Url;
use serde_json::Value;

use super::Error;
use crate::model::{Operation, Reading, visible};
use crate::server::config::{Credential, CredentialKind};

/// How one operation stands to one credential.
enum Fit<'a> {
    /// Not of the credential's kind.
    Apart,
    On,
    Off,
    /// The address is right, but the bytes go through another host.
    Bent(&'a str),
}

pub fn fits(credential: &Credential, reading: &Reading) -> Result<(), Error> {
    let mut used = false;
    for operation in &reading.operations {
        match fit(&credential.kind, operation) {
            Fit::Apart => {}
            Fit::On => used = true,
            Fit::Off => {
                return Err(Error::Elsewhere {
                    name: credential.name.clone(),
                    target: name(&credential.kind),
                    elsewhere: visible::line(operation.resource.id.as_bytes(), 200),
                });
            }
            Fit::Bent(through) => {
                return Err(Error::Bent {
                    name: credential.name.clone(),
                    target: name(&credential.kind),
                    id: visible::line(operation.resource.id.as_bytes(), 200),
                    through: visible::line(through.as_bytes(), 200),
                });
            }
        }
    }
    if used {
        return Ok(());
    }
    Err(Error::Unused { name: credential.name.clone(), target: name(&credential.kind) })
}

/// The target in words.
fn name(kind: &CredentialKind) -> String {
    match kind {
        CredentialKind::Postgres { host, port, database, .. } => format!("{host}:{port}/{database}"),
        CredentialKind::Token { url, .. } => url.clone(),
        CredentialKind::Kubernetes { server, .. } => server.clone(),
    }
}

fn fit<'a>(kind: &CredentialKind, operation: &'a Operation) -> Fit<'a> {
    let on = match (kind, operation.resource.kind.as_str()) {
        (CredentialKind::Postgres { host, port, database, .. }, "Database" | "Table") => {
            let named = if operation.resource.kind == "Table" { "database" } else { "name" };
            text(operation, "host").is_some_and(|h| h.eq_ignore_ascii_case(host))
                && number(operation, "port") == Some(u64::from(*port))
                && text(operation, named) == Some(database)
        }
        (CredentialKind::Token { url, .. }, "Url") => on_url(url, operation),
        (CredentialKind::Token { url, .. }, "Repository" | "Ref") => in_repository(url, operation),
        (CredentialKind::Kubernetes { server, .. }, "Object" | "Namespace" | "Cluster") => {
            matches!((text(operation, "server").map(Url::parse), Url::parse(server)), (Some(Ok(a)), Ok(b)) if a == b)
        }
        _ => return Fit::Apart,
    };
    match (on, operation.context.get("connect")) {
        (false, _) => Fit::Off,
        (true, None) => Fit::On,
        (true, Some(Value::String(through))) if through.is_empty() => Fit::On,
        (true, Some(through)) => Fit::Bent(through.as_str().unwrap_or("another host")),
    }
}

fn text<'a>(operation: &'a Operation, key: &str) -> Option<&'a str> {
    operation.resource.attributes.get(key).and_then(Value::as_str)
}

fn number(operation: &Operation, key: &str) -> Option<u64> {
    operation.resource.attributes.get(key).and_then(Value::as_u64)
}

fn on_url(target: &str, operation: &Operation) -> bool {
    let Ok(target) = Url::parse(target) else { return false };
    text(operation, "scheme") == Some(target.scheme())
        && text(operation, "host").is_some_and(|host| same_host(&target, host))
        && number(operation, "port") == target.port_or_known_default().map(u64::from)
        && text(operation, "path").is_some_and(|path| below(target.path(), path))
}

/// A repository's reading has no scheme, and a port only where it is not the usual one; the delivery binds the token to
/// the whole address.
fn in_repository(target: &str, operation: &Operation) -> bool {
    let Ok(target) = Url::parse(target) else { return false };
    let Some(host) = text(operation, "host") else { return false };
    let host_fits = match host.rsplit_once(':') {
        Some((host, port)) if port.parse().ok() == target.port_or_known_default() => same_host(&target, host),
        // No port (what follows the colon is the end of an IPv6 address).
        Some(_) | None => target.port().is_none() && same_host(&target, host),
    };
    host_fits && text(operation, "path").is_some_and(|path| below(target.path(), &format!("/{path}")))
}

fn same_host(target: &Url, host: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    target.host_str().is_some_and(|ours| bare(ours) == bare(host))
}

/// Whether `path` lies in the folder `prefix`. What a server might still turn around (dot segments, escapes of dots and
/// slashes, backslashes) is not below anything but the root.
fn below(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    if prefix.is_empty() {
        return true;
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let plain = !["%2e", "%2f", "%5c", "%25", "\\", "//"].iter().any(|odd| lower.contains(odd))
        && !path.split('/').any(|segment| matches!(segment, "." | ".."));
    let rest = path.strip_prefix(prefix);
    plain && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".git")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Effect, Resource};

    fn token(url: &str) -> Credential {
        let kind = CredentialKind::Token { url: url.to_owned(), username: None, token_file: "/nowhere".into() };
        Credential { name: "t".to_owned(), seconds: 60, kind }
    }

    fn reading(operations: Vec<Operation>) -> Reading {
        Reading {
            tool: "curl".to_owned(),
            version: None,
            effective: std::collections::BTreeMap::new(),
            operations,
            doubts: Vec::new(),
        }
    }

    fn get(scheme: &str, host: &str, port: u64, path: &str) -> Operation {
        let url = Resource::new("Url", format!("{scheme}://{host}:{port}{path}"));
        let url = url.with("scheme", scheme).with("host", host).with("port", port).with("path", path);
        Operation::new("http.get", Effect::Read, url)
    }

    #[test]
    fn a_token_goes_to_its_host_port_scheme_and_folder_and_nowhere_else() {
        let ours = token("https://api.example/v1/");
        assert!(fits(&ours, &reading(vec![get("https", "api.example", 443, "/v1/users?x=/../")])).is_ok());
        for (scheme, host, port, path) in [
            ("http", "api.example", 443, "/v1/users"),
            ("https", "api.example.evil", 443, "/v1/users"),
            ("https", "api.example", 8443, "/v1/users"),
            ("https", "api.example", 443, "/v1x/users"),
            ("https", "api.example", 443, "/v1/../admin"),
            ("https", "api.example", 443, "/v1/%2e%2e/admin"),
            ("https", "api.example", 443, "/v1/..%2fadmin"),
            ("https", "api.example", 443, "/v1/..\\admin"),
        ] {
            let one = fits(&ours, &reading(vec![get(scheme, host, port, path)]));
            assert!(matches!(one, Err(Error::Elsewhere { .. })), "{scheme} {host} {port} {path}");
        }
    }

    #[test]
    fn one_operation_elsewhere_or_a_bent_connection_or_no_use_is_a_refusal() {
        let ours = token("https://api.example/");
        let both = vec![get("https", "api.example", 443, "/"), get("https", "evil.example", 443, "/")];
        assert!(matches!(fits(&ours, &reading(both)), Err(Error::Elsewhere { .. })));
        let bent = get("https", "api.example", 443, "/").with("connect", "10.0.0.1:443");
        let refused = fits(&ours, &reading(vec![bent])).unwrap_err();
        assert!(refused.to_string().ends_with("the connection to https://api.example:443/ goes through 10.0.0.1:443"));
        assert!(matches!(fits(&ours, &reading(Vec::new())), Err(Error::Unused { .. })));
    }

    #[test]
    fn a_repository_is_in_the_folder_of_its_token_with_or_without_its_ending() {
        let push = |host: &str, path: &str| {
            let at = Resource::new("Ref", "r").with("host", host).with("path", path).with("name", "refs/heads/x");
            reading(vec![Operation::new("git.push", Effect::Write, at)])
        };
        let ours = token("https://git.example/acme/app");
        assert!(fits(&ours, &push("git.example", "acme/app")).is_ok());
        assert!(fits(&ours, &push("git.example", "acme/app.git")).is_ok());
        assert!(fits(&ours, &push("git.example", "acme/apple")).is_err());
        assert!(fits(&ours, &push("other.example", "acme/app")).is_err());
        assert!(fits(&ours, &push("git.example:8443", "acme/app")).is_err());
        let local = token("http://127.0.0.1:8443/");
        assert!(fits(&local, &push("127.0.0.1:8443", "acme/app")).is_ok());
        assert!(fits(&local, &push("127.0.0.1", "acme/app")).is_err());
    }
}
