//! The calls of each kubectl command.

use super::meaning::{Meaning, Scope};
use super::options::has_children;
use super::picks::{self, Pick, picks, selects};
use super::resources::builtin;
use super::{applies, creates, paths, raw, sets};
/// Reads the command into `m`. `config` is the file that `kubectl config` changes.
pub(super) fn read(m: &mut Meaning<'_>, config: Option<&str>) {
    m.contacts_server = !m.line.is_local();
    if let Some(why) = m.manifests.refused.take() {
        m.refuse(&why);
    }
    if !matches!(m.line.value("profile"), None | Some("none")) && m.line.name() != "debug" {
        m.writes_files.push(m.line.value("profile-output").unwrap_or("profile.pprof").to_owned());
    }
    output_files(m);
    let path = m.line.command.path.clone();
    match path.as_slice() {
        ["get"] => get(m),
        ["describe"] => look(m),
        ["create"] => applies::create(m),
        ["create", rest @ ..] => creates::one(m, rest),
        ["apply"] => applies::apply(m),
        ["apply", "view-last-applied"] => {
            names_needed(m);
            look(m);
        }
        ["apply", "set-last-applied"] => change(m, "patch", ""),
        ["apply", "edit-last-applied"] | ["edit"] => edit(m),
        ["delete"] => applies::delete(m),
        ["replace"] => applies::replace(m),
        ["patch"] => {
            names_needed(m);
            let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
            m.reads_files.extend(m.line.value("patch-file").map(str::to_owned));
            change(m, "patch", &subresource);
        }
        ["label" | "annotate" | "taint"] | ["set", _] => sets::set(m),
        ["scale"] => scale(m),
        ["autoscale"] => creates::expose(m, "horizontalpodautoscalers"),
        ["expose"] => creates::expose(m, "services"),
        ["rollout", "status" | "history"] => look(m),
        ["wait"] => {
            names_needed(m);
            look(m);
        }
        ["rollout", "pause" | "resume"] => roll(m, &["deployments"]),
        ["rollout", "restart" | "undo"] => roll(m, &["deployments", "daemonsets", "statefulsets"]),
        ["diff"] => applies::diff(m),
        ["auth", "reconcile"] => applies::reconcile(m),
        ["auth", "can-i"] => {
            let which = if m.line.on("list") { "selfsubjectrulesreviews" } else { "selfsubjectaccessreviews" };
            m.call("create", &builtin(which), None, Scope::Cluster);
        }
        ["auth", "whoami"] => m.call("create", &builtin("selfsubjectreviews"), None, Scope::Cluster),
        ["certificate", _] => {
            for pick in named(m, "certificatesigningrequests") {
                m.call_on("update", &pick.of, "approval", pick.name.as_deref(), Scope::Cluster);
            }
        }
        ["cordon" | "uncordon"] => {
            for pick in named(m, "nodes") {
                m.call("patch", &pick.of, pick.name.as_deref(), Scope::Cluster);
            }
        }
        ["drain"] => drain(m),
        ["run"] => creates::run(m),
        ["exec"] => super::reach::connect(m, "exec"),
        ["attach"] => super::reach::connect(m, "attach"),
        ["port-forward"] => super::reach::port_forward(m),
        ["logs"] => super::reach::logs(m),
        ["cp"] => super::reach::cp(m),
        ["proxy"] => super::reach::proxy(m),
        ["debug"] => super::reach::debug(m),
        ["top", what] => top(m, what),
        ["events"] => {
            let events = builtin("events");
            let scope = m.scope(&events);
            m.call(if m.line.on("watch") { "watch" } else { "list" }, &events, None, scope);
        }
        ["cluster-info", "dump"] => dump(m),
        ["cluster-info"] => {
            let place = if m.target.namespace_given { m.target.namespace.as_str() } else { "kube-system" };
            m.call("list", &builtin("services"), None, Scope::Namespace(place.to_owned()));
        }
        ["kustomize"] => kustomize(m),
        ["config", what] => configure(m, what, config),
        [
            "alpha" | "explain" | "api-resources" | "api-versions" | "version" | "completion" | "options" | "plugin"
            | "help",
            ..,
        ] => {}
        // A group without a subcommand prints its help, and knows no other word.
        _ if has_children(m.line.command) => {
            m.contacts_server = false;
            if !m.line.operands.is_empty() {
                m.refuse("unknown subcommand");
            }
        }
        _ => m.doubts.push(("unknown_command", format!("what {} does is not read", m.line.name()))),
    }
}

/// Files that output options name.
fn output_files(m: &mut Meaning<'_>) {
    let Some(output) = m.line.value("output") else { return };
    let file = ["go-template-file", "templatefile", "jsonpath-file", "custom-columns-file"].iter().find_map(|form| {
        let rest = output.strip_prefix(form)?;
        Some(rest.strip_prefix('=').or(m.line.value("template")).unwrap_or_default().to_owned())
    });
    m.reads_files.extend(file.filter(|file| !file.is_empty()));
}

fn get(m: &mut Meaning<'_>) {
    if let Some(path) = m.line.value("raw").filter(|path| !path.is_empty()) {
        return raw::read(m, "get", path);
    }
    look(m);
}

/// Reads what the line names, and watches it where it says so.
pub(super) fn look(m: &mut Meaning<'_>) {
    let words = m.line.words();
    let picks = picks(m, &words);
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    if picks.is_empty() && m.is_sure() {
        return nothing_named(m);
    }
    if !subresource.is_empty() && picks.iter().any(|pick| pick.name.is_none()) {
        return m.refuse("a subresource is of things with names");
    }
    let everywhere = m.line.on("all-namespaces");
    // Of several things kubectl says that it watches one.
    let watches = picks.len() == 1 && (m.line.on("watch") && m.line.name() == "get" || m.line.on("watch-only"));
    for pick in picks {
        if everywhere && pick.of.namespaced && pick.name.is_some() && pick.scope.is_none() {
            return m.refuse("a resource cannot be had by name across all namespaces");
        }
        // Of what a file names `get` shows the whole.
        let subresource = if pick.scope.is_some() && m.line.name() == "get" { "" } else { subresource.as_str() };
        let scope = m.place(&pick);
        match &pick.name {
            Some(name) if name != "*" => m.call_on("get", &pick.of, subresource, Some(name), scope.clone()),
            _ => m.call_on("list", &pick.of, subresource, None, scope.clone()),
        }
        if watches || m.line.name() == "wait" {
            m.call_on("watch", &pick.of, subresource, None, scope);
        }
    }
}

/// A selector that leaves nothing of the files over is no mistake to these.
pub(super) fn nothing_named(m: &mut Meaning<'_>) {
    let chosen = m.line.selector().is_some() && (m.line.has("filename") || m.line.has("kustomize"));
    if !chosen || !matches!(m.line.command.path.as_slice(), ["delete" | "describe"]) {
        m.refuse("no resource is named");
    }
}

/// One changing call on each thing that the line names; on `*` where a selector or `--all` does.
pub(super) fn change(m: &mut Meaning<'_>, verb: &'static str, subresource: &str) {
    let words = m.line.words();
    let picks = picks(m, &words);
    change_these(m, picks, verb, subresource);
}

/// `rollout`: kubectl changes the types that it knows how to; other things it only looks at.
fn roll(m: &mut Meaning<'_>, types: &[&str]) {
    let words = m.line.words();
    let picks = picks(m, &words);
    let (rolls, looks): (Vec<Pick>, Vec<Pick>) =
        picks.into_iter().partition(|pick| !pick.of.known || types.contains(&pick.of.resource.as_str()));
    for pick in &looks {
        let scope = m.place(pick);
        m.call(if pick.name.is_some() { "get" } else { "list" }, &pick.of, pick.name.as_deref(), scope);
    }
    if !rolls.is_empty() || looks.is_empty() {
        change_these(m, rolls, "patch", "");
    }
}

pub(super) fn change_these(m: &mut Meaning<'_>, picks: Vec<Pick>, verb: &'static str, subresource: &str) {
    if m.line.on("local") {
        return;
    }
    if picks.is_empty() && m.is_sure() {
        return nothing_named(m);
    }
    for pick in picks {
        if m.line.on("all-namespaces") && pick.of.namespaced && pick.name.is_some() && pick.scope.is_none() {
            return m.refuse("a resource cannot be had by name across all namespaces");
        }
        let scope = m.place(&pick);
        let name = pick.name.as_deref().unwrap_or("*");
        m.call_on(verb, &pick.of, subresource, Some(name), scope);
    }
}

/// Commands that take a type alone for a mistake.
pub(super) fn names_needed(m: &mut Meaning<'_>) {
    if picks::words(&m.line.words()).iter().any(|pick| pick.name.is_none()) && !selects(m) {
        m.refuse("no name, selector or --all says which");
    }
}

fn scale(m: &mut Meaning<'_>) {
    names_needed(m);
    let version = m.line.value("resource-version").is_some_and(|version| !version.is_empty());
    if version && picks::words(&m.line.words()).iter().filter(|pick| pick.name.is_some()).count() > 1 {
        return look(m); // It has looked them up by then.
    }
    // With a precondition kubectl reads the scale and writes it back whole; without one it patches.
    let guarded = version || m.line.value("current-replicas").is_some_and(|n| n != "-1");
    change(m, if guarded { "update" } else { "patch" }, "scale");
    if m.line.on("record") && m.dry_run().is_none() {
        change(m, "patch", "");
    }
}

fn edit(m: &mut Meaning<'_>) {
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    look(m);
    // What is to be edited is put down in a format that it is read in again.
    if matches!(m.line.value("output"), None | Some("" | "yaml" | "json")) {
        editor(m);
        change(m, "patch", &subresource);
    }
}

/// The editor that kubectl would start.
pub(super) fn editor(m: &mut Meaning<'_>) {
    let program = ["KUBE_EDITOR", "EDITOR"].iter().find_map(|name| {
        m.invocation.variables.get(*name).and_then(|value| value.text()).filter(|value| !value.is_empty())
    });
    m.programs.push(program.unwrap_or("vi").to_owned());
}

/// Names of one type only: `cordon node-1`, also written `node/node-1`; a selector picks `*`. What is written as of another
/// type is looked at, and no more.
fn named(m: &mut Meaning<'_>, plural: &str) -> Vec<Pick> {
    let of = builtin(plural);
    let one = |word: &&str| match word.contains('/') {
        true => picks::words(&[word]),
        false => vec![Pick { of: of.clone(), name: Some((*word).to_owned()), scope: None }],
    };
    let mut out: Vec<Pick> = m.line.words().iter().flat_map(one).collect();
    out.extend(picks::objects(m));
    if m.line.has("selector") {
        out.push(Pick { of, name: Some("*".to_owned()), scope: None });
    }
    if out.is_empty() && m.is_sure() {
        m.refuse("no resource is named");
    }
    let (out, others): (Vec<Pick>, Vec<Pick>) = out.into_iter().partition(|pick| pick.of.resource == plural);
    for pick in others {
        let scope = m.place(&pick);
        m.call("get", &pick.of, pick.name.as_deref(), scope);
    }
    out
}

fn drain(m: &mut Meaning<'_>) {
    let nodes = named(m, "nodes");
    if nodes.is_empty() {
        return;
    }
    for node in nodes {
        m.call("patch", &node.of, node.name.as_deref(), Scope::Cluster);
    }
    let pods = builtin("pods");
    match m.line.on("disable-eviction") {
        true => m.call("delete", &pods, Some("*"), Scope::Everywhere),
        false => m.call_on("create", &pods, "eviction", Some("*"), Scope::Everywhere),
    }
}

fn top(m: &mut Meaning<'_>, what: &str) {
    let mut of = builtin(if what.starts_with("no") { "nodes" } else { "pods" });
    let name = m.line.words().first().map(|word| (*word).to_owned());
    let scope = m.scope(&of);
    of.group = "metrics.k8s.io".to_owned();
    m.call(if name.is_some() { "get" } else { "list" }, &of, name.as_deref(), scope);
}

/// Of each namespace the events, the workloads, the pods and what they log; where none is named, of kube-system and the
/// line's own (clusterinfo_dump.go).
fn dump(m: &mut Meaning<'_>) {
    let given = m.line.every("namespaces").into_iter().filter(|names| !names.is_empty());
    let named: Vec<String> = given.flat_map(|names| m.line.split(&names)).collect();
    let scopes = match m.line.on("all-namespaces") {
        true => vec![Scope::Everywhere],
        false if named.is_empty() => {
            vec![Scope::Namespace("kube-system".to_owned()), Scope::Namespace(m.target.namespace.clone())]
        }
        false => named.into_iter().map(Scope::Namespace).collect(),
    };
    m.call("list", &builtin("nodes"), None, Scope::Cluster);
    if m.line.on("all-namespaces") {
        m.call("list", &builtin("namespaces"), None, Scope::Cluster);
    }
    let dumped = ["events", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "pods"];
    for scope in scopes {
        for plural in dumped {
            m.call("list", &builtin(plural), None, scope.clone());
        }
        m.call_on("get", &builtin("pods"), "log", Some("*"), scope);
    }
    m.writes_files.extend(m.line.value("output-directory").filter(|path| *path != "-").map(str::to_owned));
}

fn kustomize(m: &mut Meaning<'_>) {
    let folder = m.line.words().first().map_or(".", |word| word).to_owned();
    if paths::is_url(&folder) {
        m.doubts.push(("unread_content", format!("the kustomization at {folder} is on another machine")));
    } else {
        m.reads_files.push(folder);
    }
    if m.line.on("enable-helm") && m.manifests.charts {
        m.programs.push(m.line.value("helm-command").unwrap_or("helm").to_owned());
    }
    if m.line.on("enable-alpha-plugins") {
        m.doubts.push(("unread_content", "a kustomization may start programs with --enable-alpha-plugins".to_owned()));
    }
    m.writes_files.extend(m.line.value("output").map(str::to_owned));
}

fn configure(m: &mut Meaning<'_>, what: &str, file: Option<&str>) {
    let file = file.unwrap_or("~/.kube/config").to_owned();
    match what {
        "view" | "current-context" | "get-contexts" | "get-clusters" | "get-users" => m.reads_files.push(file),
        _ => {
            if m.line.on("embed-certs") {
                let certificates = ["certificate-authority", "client-certificate", "client-key"];
                m.reads_files.extend(certificates.iter().filter_map(|long| m.line.value(long)).map(str::to_owned));
            }
            m.configures = Some(file);
        }
    }
}
