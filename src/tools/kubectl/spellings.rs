//! What `create` refuses of its options' values: literals, ports, rules, verbs (kubectl's source, pkg/cmd/create, 1.32).

use std::collections::BTreeSet;

use super::options::Line;
use super::picks::is_segment;
use super::selector::{self, is_domain};
use super::sources::is_key;
use super::{resources, values};

/// The first reason.
pub(super) fn of(line: &Line) -> Option<&'static str> {
    match &line.command.path[1..] {
        ["configmap"] | ["secret", "generic" | "docker-registry"] => sources(line),
        ["deployment"] if line.values("image").len() > 1 && line.has_command() => Some("a command goes with one image"),
        ["clusterrole"] | ["role"] | ["token"] | ["poddisruptionbudget"] => named(line),
        ["quota"] if line.values("scopes").iter().any(String::is_empty) && given(line, "scopes") => {
            Some("a scope is none")
        }
        ["quota"] if !line.every("hard").iter().all(|text| is_hard(text)) => Some("a limit is none"),
        ["ingress"] if !line.every("annotation").iter().all(|text| text.contains('=')) => Some("an annotation is none"),
        ["ingress"] if given(line, "default-backend") && !line.value("default-backend").is_some_and(is_backend) => {
            Some("a backend is a service and its port")
        }
        ["service", "externalname"] if !line.value("external-name").is_some_and(is_domain) => Some("a name is none"),
        ["ingress"] if !line.every("rule").iter().all(|rule| is_rule(rule)) => Some("a rule is none"),
        ["service", _] if !line.values("tcp").iter().all(|port| is_port(port)) => Some("a port is none"),
        _ => None,
    }
}

fn given(line: &Line, long: &str) -> bool {
    line.value(long).is_some_and(|value| !value.is_empty())
}

/// Kinds, paths, limits and times.
fn named(line: &Line) -> Option<&'static str> {
    match line.command.path[1] {
        "token" if !line.words().iter().all(|name| is_segment(name)) => Some("a name is none"),
        "token" if !matches!(line.value("bound-object-kind"), None | Some("" | "Pod" | "Secret" | "Node")) => {
            Some("a token is bound to no such kind")
        }
        "token" if given(line, "bound-object-uid") && !given(line, "bound-object-kind") => {
            Some("a token is bound to no kind")
        }
        "token" if line.every("audience").iter().any(String::is_empty) => Some("an audience has no name"),
        "token" if line.value("duration").and_then(values::duration).is_some_and(|time| time.fract() != 0.0) => {
            Some("the duration is not in seconds")
        }
        "poddisruptionbudget" if line.value("selector").is_some_and(|text| !selector::is_selector(text)) => {
            Some("the selector is none")
        }
        "poddisruptionbudget" => {
            let is_limit = |text: &str| {
                let digits = text.strip_suffix('%').unwrap_or(text);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            };
            let limits = ["min-available", "max-unavailable"].into_iter().filter_map(|long| line.value(long));
            (!limits.filter(|text| !text.is_empty()).all(is_limit)).then_some("a limit is none")
        }
        "role" | "clusterrole" if line.has("verb") && line.values("verb").iter().all(String::is_empty) => {
            Some("a verb is needed")
        }
        "clusterrole"
            if !line.every("aggregation-rule").iter().all(|text| text.split(',').all(|one| one.contains('='))) =>
        {
            Some("an aggregation rule is none")
        }
        "role" | "clusterrole" if !performs(line) => Some("a verb is none of a resource"),
        "clusterrole" if line.has("non-resource-url") => {
            const VERBS: [&str; 8] = ["get", "post", "put", "delete", "patch", "head", "options", "*"];
            let known = |verb: &String| VERBS.contains(&verb.as_str());
            let is_path =
                |url: &String| url == "*" || url.starts_with('/') && url.find('*').is_none_or(|at| at + 1 == url.len());
            let urls = line.values("non-resource-url");
            match line.values("verb").iter().all(known) {
                false => Some("a verb is none of paths"),
                true => (!urls.iter().filter(|url| !url.is_empty()).all(is_path)).then_some("a path is none"),
            }
        }
        _ => None,
    }
}

/// Verbs that are of some resources alone (create_role.go); where one resource is `*`, it does not look.
fn performs(line: &Line) -> bool {
    const RIGHTS: &str = "rbac.authorization.k8s.io";
    let may = |verb: &str, resource: &str, group: &str| match verb {
        "bind" | "escalate" => group == RIGHTS && matches!(resource, "roles" | "clusterroles"),
        "impersonate" if group.is_empty() => matches!(resource, "users" | "groups" | "serviceaccounts"),
        "impersonate" => (resource, group) == ("userextras", "authentication.k8s.io"),
        // Old clusters know these without their group.
        "use" => matches!(group, "" | "policy" | "extensions") && resource.starts_with("podsecuritypolic"),
        _ => true,
    };
    let words = line.values("resource");
    if words.iter().any(|word| word.split(['.', '/']).next() == Some("*")) {
        return true;
    }
    let types = words.iter().filter_map(|word| resources::of_word(word.split('/').next()?).into_iter().next());
    let types: Vec<_> = types.collect();
    line.values("verb").iter().all(|verb| types.iter().all(|of| may(verb, &of.resource, &of.group)))
}

/// `service:port`.
fn is_backend(text: &str) -> bool {
    text.matches(':').count() == 1
}

/// `key=value` and `[key=]path`, each key once; the first `=` of a literal separates, a path has none. What a folder's
/// files are called is not looked at.
fn sources(line: &Line) -> Option<&'static str> {
    let mut keys = BTreeSet::new();
    let files = line.values("from-file");
    for (source, literal) in
        line.every("from-literal").iter().map(|text| (text, true)).chain(files.iter().map(|text| (text, false)))
    {
        match source.split_once('=') {
            Some((key, rest)) if key.is_empty() || !literal && (rest.is_empty() || rest.contains('=')) => {
                return Some("a source has no key or no path");
            }
            Some((key, _)) if !is_key(key) => return Some("a key is none"),
            Some((key, _)) if !keys.insert(key.to_owned()) => return Some("a key is given twice"),
            None if literal => return Some("a literal has no key"),
            _ => {}
        }
    }
    None
}

fn is_hard(text: &str) -> bool {
    let is_limit = |one: &str| one.split_once('=').is_some_and(|(_, of)| !of.contains('=') && values::is_quantity(of));
    text.is_empty() || text.split(',').all(is_limit)
}

/// `host/path=service:port[,tls[=secret]]`.
fn is_rule(rule: &str) -> bool {
    let rule = rule.find(",tls").map_or(rule, |at| &rule[..at]);
    let Some((_, path)) = rule.split_once('/') else { return false };
    path.rsplit_once('=')
        .and_then(|(_, service)| service.split_once(':'))
        .is_some_and(|(name, port)| !name.is_empty() && !port.is_empty())
}

/// `port` or `port:target`; the target may have a name, and what follows it is not looked at.
fn is_port(text: &str) -> bool {
    let mut parts = text.split(':');
    let is_target = |text: &str| match text.parse::<i64>() {
        Ok(number) => (1..=65535).contains(&number),
        Err(_) => is_port_name(text),
    };
    parts.next().is_some_and(|port| port.parse::<u16>().is_ok()) && parts.next().is_none_or(is_target)
}

/// apimachinery's IsValidPortName.
fn is_port_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=15).contains(&text.len())
        && text.chars().all(|c| inner(c) || c == '-')
        && text.contains(|c: char| c.is_ascii_lowercase())
        && !text.contains("--")
        && text.starts_with(inner)
        && text.ends_with(inner)
}
