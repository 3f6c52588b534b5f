//! Commands that set something on things of the cluster: `label`, `annotate`, `taint`, `set …`.

use super::meaning::Meaning;
use super::picks::{self, Pick, picks, selects, split_pairs};
use super::resources::{Type, builtin};
use super::values;
use super::verbs::change_these;

/// `label`, `annotate`, `taint`, `set …`: the things, then `key=value` or `key-`.
pub(super) fn set(m: &mut Meaning<'_>) {
    let words = m.line.words();
    let command = m.line.name();
    let (mut things, pairs, _) = split_pairs(&words, &m.line.command.path);
    if matches!(command.as_str(), "set serviceaccount" | "set selector") {
        // The last word is the account or the selector, whatever it looks like, and not a thing.
        things = words[..words.len().saturating_sub(1)].to_vec();
    }
    if picks::words(&things).iter().any(|pick| pick.name.is_none()) && !selects(m) && !m.line.on("local") {
        return m.refuse("no name, selector or --all says which");
    }
    let picks = match command == "taint" && selects(m) {
        // All or a selector's are meant, whatever is named.
        true => vec![Pick { of: builtin("nodes"), name: Some("*".to_owned()), scope: None }],
        false => picks(m, &things),
    };
    let given = |long: &str| m.line.value(long).is_some_and(|value| !value.is_empty());
    // kubectl looks the things up before it sees that nothing is to change.
    let changes = match command.as_str() {
        "set env" => !m.line.on("list"),
        // `*` means every container: nothing may stand beside it.
        "set image" => !pairs.is_empty() && (pairs.len() == 1 || !pairs.iter().any(|pair| pair.starts_with("*="))),
        // What is changed is printed in the end, and in no such way.
        "taint" => m.line.value("output").is_none_or(|form| values::prints(m.line, form)),
        "set subject" => {
            let accounts = m.line.every("serviceaccount");
            ["user", "group", "serviceaccount"].iter().any(|long| m.line.has(long))
                && accounts.iter().all(|account| account.matches(':').count() == 1)
        }
        "set resources" => {
            let amounts = ["limits", "requests"].map(|long| m.line.value(long).unwrap_or_default());
            (given("limits") || given("requests")) && amounts.iter().all(|text| text.is_empty() || is_amounts(text))
        }
        // The only word is the selector: no thing is named, which is refused first.
        "set selector" if words.len() < 2 && !["filename", "kustomize"].iter().any(|long| m.line.has(long)) => true,
        "set selector" => words.last().is_some_and(|text| is_plain(text)),
        "label" | "annotate" => !m.line.on("list"),
        _ => true,
    };
    if !changes {
        look_at(m, &picks);
        for pick in picks.iter().filter(|_| m.line.on("resolve")) {
            // What the things refer to, the server alone knows.
            let scope = m.place(pick);
            for plural in ["secrets", "configmaps"] {
                m.call("get", &builtin(plural), Some("*"), scope.clone());
            }
        }
        return;
    }
    if let Some(from) = m.line.value("from").filter(|from| !from.is_empty()) {
        let sources = picks::words(&[from]);
        for source in &sources {
            let scope = m.scope(&source.of);
            m.call("get", &source.of, source.name.as_deref(), scope);
        }
        if !sources.iter().all(|source| !source.of.known || matches!(&*source.of.resource, "secrets" | "configmaps")) {
            return; // It has variables of nothing else.
        }
    }
    let (knows, looks): (Vec<Pick>, Vec<Pick>) =
        picks.into_iter().partition(|pick| !pick.of.known || can(&command, &pick.of));
    look_at(m, &looks);
    if !knows.is_empty() || looks.is_empty() {
        change_these(m, knows, "patch", "");
    }
}

/// `cpu=1,memory=1Gi`.
fn is_amounts(text: &str) -> bool {
    text.split(',').all(|pair| pair.split_once('=').is_some_and(|(_, of)| values::is_quantity(of)))
}

/// A selector that a service can have: keys and their values.
fn is_plain(text: &str) -> bool {
    text.is_empty() || text.split(',').all(|one| one.contains('=') && !one.contains(['!', '(', '<', '>']))
}

fn look_at(m: &mut Meaning<'_>, picks: &[Pick]) {
    for pick in picks.iter().filter(|_| !m.line.on("local")) {
        let scope = m.place(pick);
        m.call(if pick.name.is_some() { "get" } else { "list" }, &pick.of, pick.name.as_deref(), scope);
    }
}

/// Whether the command can change things of this type, which a cluster has by itself: `set` is for what has a template of
/// pods (UpdatePodSpecForObject), for services, and for bindings.
fn can(command: &str, of: &Type) -> bool {
    const WITH_PODS: [&str; 8] = [
        "pods",
        "replicationcontrollers",
        "deployments",
        "daemonsets",
        "replicasets",
        "statefulsets",
        "jobs",
        "cronjobs",
    ];
    let resource = of.resource.as_str();
    match command {
        "set selector" => resource == "services",
        "set subject" => matches!(resource, "rolebindings" | "clusterrolebindings"),
        "label" | "annotate" | "taint" => true,
        _ => WITH_PODS.contains(&resource) && of.group != "metrics.k8s.io",
    }
}
