//! What `create` refuses of its options' values: literals, ports, rules, verbs (kubectl's source, pkg/cmd/create, 1.32).

use std::collections::BTreeSet;

use super::options::Line;

/// The first reason.
pub(super) fn of(line: &Line) -> Option<&'static str> {
    match &line.command.path[1..] {
        ["configmap"] | ["secret", "generic"] => literals(line),
        ["deployment"] if line.values("image").len() > 1 && line.has_command() => Some("a command goes with one image"),
        ["token"] if !matches!(line.value("bound-object-kind"), None | Some("" | "Pod" | "Secret" | "Node")) => {
            Some("a token is bound to no such kind")
        }
        ["clusterrole"] if line.has("non-resource-url") => {
            const VERBS: [&str; 8] = ["get", "post", "put", "delete", "patch", "head", "options", "*"];
            let known = |verb: &String| VERBS.contains(&verb.as_str());
            (!line.values("verb").iter().all(known)).then_some("a verb is none of paths")
        }
        ["quota"] if !line.every("hard").iter().all(|text| is_hard(text)) => Some("a limit is none"),
        ["ingress"] if !line.every("rule").iter().all(|rule| is_rule(rule)) => Some("a rule is none"),
        ["service", _] if !line.values("tcp").iter().all(|port| is_port(port)) => Some("a port is none"),
        _ => None,
    }
}

/// `key=value`, each key once; the first `=` separates.
fn literals(line: &Line) -> Option<&'static str> {
    let mut keys = BTreeSet::new();
    for literal in line.every("from-literal") {
        match literal.split_once('=') {
            Some((key, _)) if !key.is_empty() => {
                if !keys.insert(key.to_owned()) {
                    return Some("a key is given twice");
                }
            }
            _ => return Some("a literal has no key"),
        }
    }
    None
}

fn is_hard(text: &str) -> bool {
    text.is_empty() || text.split(',').all(|one| one.matches('=').count() == 1 && !one.ends_with('='))
}

/// `host/path=service:port[,tls[=secret]]`.
fn is_rule(rule: &str) -> bool {
    let rule = rule.find(",tls").map_or(rule, |at| &rule[..at]);
    let Some((_, path)) = rule.split_once('/') else { return false };
    path.rsplit_once('=')
        .and_then(|(_, service)| service.split_once(':'))
        .is_some_and(|(name, port)| !name.is_empty() && !port.is_empty())
}

/// `port` or `port:target`; the target may have a name.
fn is_port(text: &str) -> bool {
    text.split(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) && text.matches(':').count() < 2
}
