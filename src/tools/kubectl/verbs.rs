//! The calls of each kubectl command.

use super::meaning::{Meaning, Scope};
use super::options::has_children;
use super::picks::{self, Pick, picks, selects, split_pairs};
use super::resources::{self, Type, builtin};
use super::{creates, manifests, raw};

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
        ["create"] => create(m),
        ["create", rest @ ..] => creates::one(m, rest),
        ["apply"] => apply(m),
        ["apply", "view-last-applied"] => look(m),
        ["apply", "set-last-applied"] => change(m, "patch", ""),
        ["apply", "edit-last-applied"] | ["edit"] => edit(m),
        ["delete"] => delete(m),
        ["replace"] => replace(m),
        ["patch"] => {
            names_needed(m);
            let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
            m.reads_files.extend(m.line.value("patch-file").map(str::to_owned));
            change(m, "patch", &subresource);
        }
        ["label" | "annotate" | "taint"] | ["set", _] => set(m),
        ["scale"] => scale(m),
        ["autoscale"] => creates::expose(m, "horizontalpodautoscalers"),
        ["expose"] => creates::expose(m, "services"),
        ["rollout", "status" | "history"] | ["wait"] => look(m),
        ["rollout", "pause" | "resume"] => roll(m, &["deployments"]),
        ["rollout", "restart" | "undo"] => roll(m, &["deployments", "daemonsets", "statefulsets"]),
        ["diff"] => diff(m),
        ["auth", "reconcile"] => reconcile(m),
        ["auth", "can-i"] => {
            let which = if m.line.on("list") { "selfsubjectrulesreviews" } else { "selfsubjectaccessreviews" };
            m.call("create", &builtin(which), None, Scope::Cluster);
        }
        ["auth", "whoami"] => m.call("create", &builtin("selfsubjectreviews"), None, Scope::Cluster),
        ["certificate", _] => {
            for pick in named(m, "certificatesigningrequests") {
                if pick.of.resource != "certificatesigningrequests" {
                    continue; // It handles nothing else.
                }
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
            let kube_system = Scope::Namespace("kube-system".to_owned());
            m.call("list", &builtin("services"), None, kube_system);
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
fn look(m: &mut Meaning<'_>) {
    let words = m.line.words();
    let picks = picks(m, &words);
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    if picks.is_empty() && m.is_sure() {
        return nothing_named(m);
    }
    let everywhere = m.line.on("all-namespaces");
    for pick in picks {
        if everywhere && pick.of.namespaced && pick.name.is_some() && pick.scope.is_none() {
            return m.refuse("a resource cannot be had by name across all namespaces");
        }
        let scope = m.place(&pick);
        match &pick.name {
            Some(name) if name != "*" => m.call_on("get", &pick.of, &subresource, Some(name), scope.clone()),
            _ => m.call_on("list", &pick.of, &subresource, None, scope.clone()),
        }
        if m.line.on("watch") && m.line.name() == "get" || m.line.on("watch-only") || m.line.name() == "wait" {
            m.call_on("watch", &pick.of, &subresource, None, scope);
        }
    }
}

/// A selector that leaves nothing of the files over is no mistake to these.
fn nothing_named(m: &mut Meaning<'_>) {
    let chosen = m.line.selector().is_some() && (m.line.has("filename") || m.line.has("kustomize"));
    if !chosen || !matches!(m.line.command.path.as_slice(), ["delete" | "describe"]) {
        m.refuse("no resource is named");
    }
}

/// One changing call on each thing that the line names; on `*` where a selector or `--all` does.
fn change(m: &mut Meaning<'_>, verb: &'static str, subresource: &str) {
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

fn change_these(m: &mut Meaning<'_>, picks: Vec<Pick>, verb: &'static str, subresource: &str) {
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

/// `label`, `annotate`, `taint`, `set …`: the things, then `key=value` or `key-`.
fn set(m: &mut Meaning<'_>) {
    let words = m.line.words();
    let command = m.line.name();
    let (mut things, pairs, _) = split_pairs(&words, command == "taint");
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
        "set image" => !pairs.is_empty(),
        "set subject" => ["user", "group", "serviceaccount"].iter().any(|long| m.line.has(long)),
        "set resources" => given("limits") || given("requests"),
        "label" | "annotate" => !m.line.on("list"),
        _ => true,
    };
    if !changes {
        for pick in picks {
            let scope = m.place(&pick);
            let name = pick.name.as_deref();
            m.call(if name.is_some() { "get" } else { "list" }, &pick.of, name, scope.clone());
            if m.line.on("resolve") {
                // What the things refer to, the server alone knows.
                for plural in ["secrets", "configmaps"] {
                    m.call("get", &builtin(plural), Some("*"), scope.clone());
                }
            }
        }
        return;
    }
    if let Some(from) = m.line.value("from") {
        for source in picks::words(&[from]) {
            let scope = m.scope(&source.of);
            m.call("get", &source.of, source.name.as_deref(), scope);
        }
    }
    change_these(m, picks, "patch", "");
}

/// Commands that take a type alone for a mistake.
fn names_needed(m: &mut Meaning<'_>) {
    if picks::words(&m.line.words()).iter().any(|pick| pick.name.is_none()) && !selects(m) {
        m.refuse("no name, selector or --all says which");
    }
}

fn scale(m: &mut Meaning<'_>) {
    names_needed(m);
    // With a precondition kubectl reads the scale and writes it back whole; without one it patches.
    let guarded = m.line.has("resource-version") || m.line.value("current-replicas").is_some_and(|n| n != "-1");
    change(m, if guarded { "update" } else { "patch" }, "scale");
}

fn create(m: &mut Meaning<'_>) {
    if let Some(path) = m.line.value("raw").filter(|path| !path.is_empty()) {
        return raw::read(m, "create", path);
    }
    if !m.line.operands.is_empty() {
        return m.refuse("create takes no words but its subcommands");
    }
    if m.line.on("edit") {
        editor(m);
    }
    change(m, "create", "");
}

fn apply(m: &mut Meaning<'_>) {
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    let server_side = m.line.on("server-side");
    // kubectl applies nothing under a name that the server would make.
    let objects = m.manifests.objects.clone();
    m.manifests.objects.retain(|object| !object.unnamed);
    let picks = picks::objects(m);
    m.manifests.objects = objects;
    if picks.is_empty() && m.is_sure() {
        return m.refuse("there is nothing to apply");
    }
    for pick in picks {
        let scope = m.place(&pick);
        let name = pick.name.as_deref();
        if m.line.on("force") && !server_side {
            // Where the server takes no patch, the object is deleted and made anew.
            m.call("delete", &pick.of, name, scope.clone());
        }
        if !server_side {
            m.call("create", &pick.of, name, scope.clone());
        }
        m.call_on("patch", &pick.of, &subresource, name, scope);
    }
    if m.line.on("prune") {
        prune(m, "delete");
    }
}

/// What is pruned is what the server has and the manifests have not: of the types that the line allows (kubectl has a
/// list of its own, pkg/util/prune), in the namespaces of the manifests.
fn prune(m: &mut Meaning<'_>, verb: &'static str) {
    const TYPES: [&str; 15] = [
        "configmaps",
        "endpoints",
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "replicationcontrollers",
        "secrets",
        "services",
        "jobs",
        "cronjobs",
        "ingresses",
        "daemonsets",
        "deployments",
        "statefulsets",
    ];
    let allowed = [m.line.values("prune-allowlist"), m.line.values("prune-whitelist")].concat();
    let mut types: Vec<Type> = TYPES.iter().chain(&["replicasets"]).map(|plural| builtin(plural)).collect();
    if !allowed.is_empty() {
        let of = |text: &String| {
            let (group, kind) = (text.split('/').next()?, text.rsplit('/').next()?);
            let group = if group == "core" { String::new() } else { format!("{group}/") };
            Some(resources::of_kind(&format!("{group}v1"), kind))
        };
        types = allowed.iter().filter_map(of).collect();
    }
    let mut scopes: Vec<Scope> = picks::objects(m).into_iter().filter_map(|pick| pick.scope).collect();
    scopes.retain(|scope| matches!(scope, Scope::Namespace(_)));
    scopes.dedup();
    let name = (verb == "delete").then_some("*");
    for of in types {
        match of.namespaced {
            false => m.call(verb, &of, name, Scope::Cluster),
            true => scopes.iter().for_each(|scope| m.call(verb, &of, name, scope.clone())),
        }
    }
}

fn replace(m: &mut Meaning<'_>) {
    if let Some(path) = m.line.value("raw").filter(|path| !path.is_empty()) {
        return raw::read(m, "update", path);
    }
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    if m.line.on("force") {
        change(m, "delete", "");
        return change(m, "create", "");
    }
    change(m, "update", &subresource);
}

fn delete(m: &mut Meaning<'_>) {
    if let Some(path) = m.line.value("raw").filter(|path| !path.is_empty()) {
        return raw::read(m, "delete", path);
    }
    names_needed(m);
    change(m, "delete", "");
}

/// Only roles and bindings, and those of a namespace only where they say it. What is not there yet is created.
fn reconcile(m: &mut Meaning<'_>) {
    let objects = std::mem::take(&mut m.manifests.objects);
    let placed = |object: &manifests::Object| !object.of.namespaced || object.namespace.is_some();
    let rights = |object: &&manifests::Object| object.of.group == "rbac.authorization.k8s.io" && placed(object);
    m.manifests.objects = objects.iter().filter(rights).cloned().collect();
    if !m.manifests.objects.is_empty() {
        change(m, "update", "");
        m.also_creates = true;
    } else if m.is_sure() {
        m.contacts_server = false;
    }
    m.manifests.objects = objects;
}

fn edit(m: &mut Meaning<'_>) {
    editor(m);
    let subresource = m.line.value("subresource").unwrap_or_default().to_owned();
    look(m);
    change(m, "patch", &subresource);
}

/// The editor that kubectl would start.
fn editor(m: &mut Meaning<'_>) {
    let program = ["KUBE_EDITOR", "EDITOR"].iter().find_map(|name| {
        m.invocation.variables.get(*name).and_then(|value| value.text()).filter(|value| !value.is_empty())
    });
    m.programs.push(program.unwrap_or("vi").to_owned());
}

fn diff(m: &mut Meaning<'_>) {
    let chosen = m.invocation.variables.get("KUBECTL_EXTERNAL_DIFF").and_then(|value| value.text());
    // Without it kubectl calls diff(1), as git calls its own helpers.
    m.programs.extend(chosen.filter(|program| !program.is_empty()).map(str::to_owned));
    if m.line.on("prune") {
        prune(m, "list");
    }
    // Where a selector leaves nothing over, there is nothing to compare.
    if picks::objects(m).is_empty() && m.line.selector().is_some() && m.is_sure() {
        return;
    }
    look(m);
}

/// Names of one type only: `cordon node-1`, also written `node/node-1`; a selector picks `*`.
fn named(m: &mut Meaning<'_>, plural: &str) -> Vec<Pick> {
    let of = builtin(plural);
    let words = m.line.words();
    let mut out: Vec<Pick> = words
        .iter()
        .map(|word| word.rsplit_once('/').map_or(*word, |(_, name)| name))
        .map(|name| Pick { of: of.clone(), name: Some(name.to_owned()), scope: None })
        .collect();
    out.extend(picks::objects(m));
    if m.line.has("selector") {
        out.push(Pick { of, name: Some("*".to_owned()), scope: None });
    }
    if out.is_empty() && m.is_sure() {
        m.refuse("no resource is named");
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

fn dump(m: &mut Meaning<'_>) {
    let scope = match m.line.on("all-namespaces") || m.line.has("namespaces") {
        true => Scope::Everywhere,
        false => Scope::Namespace(m.target.namespace.clone()),
    };
    m.call("list", &builtin("nodes"), None, Scope::Cluster);
    if m.line.on("all-namespaces") {
        m.call("list", &builtin("namespaces"), None, Scope::Cluster);
    }
    let dumped = ["events", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "pods"];
    for plural in dumped {
        m.call("list", &builtin(plural), None, scope.clone());
    }
    m.call_on("get", &builtin("pods"), "log", Some("*"), scope);
    m.writes_files.extend(m.line.value("output-directory").filter(|path| *path != "-").map(str::to_owned));
}

fn kustomize(m: &mut Meaning<'_>) {
    let folder = m.line.words().first().map_or(".", |word| word).to_owned();
    if manifests::is_url(&folder) {
        m.doubts.push(("unread_content", format!("the kustomization at {folder} is on another machine")));
    } else {
        m.reads_files.push(folder);
    }
    if m.line.on("enable-helm") {
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
