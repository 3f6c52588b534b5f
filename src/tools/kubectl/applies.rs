//! Commands that are about the objects of manifests, or write whole ones: `create -f`, `apply`, `replace`, `delete`, `diff`,
//! `auth reconcile`.

use super::meaning::{Call, Meaning, Scope};
use super::picks;
use super::resources::{self, Type, builtin};
use super::verbs::{change, editor, look, names_needed};
use super::{manifests, raw};

pub(super) fn create(m: &mut Meaning<'_>) {
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

pub(super) fn apply(m: &mut Meaning<'_>) {
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
            // Only where the server takes no patch the object is deleted and made anew.
            let name = name.map(str::to_owned);
            m.perhaps.push(Call { verb: "delete", of: pick.of.clone(), subresource: None, name, scope: scope.clone() });
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
    let allowed = m.line.every("prune-allowlist");
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

pub(super) fn replace(m: &mut Meaning<'_>) {
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

pub(super) fn delete(m: &mut Meaning<'_>) {
    if let Some(path) = m.line.value("raw").filter(|path| !path.is_empty()) {
        return raw::read(m, "delete", path);
    }
    names_needed(m);
    change(m, "delete", "");
    if m.cancelled {
        // What is named was not looked up to be asked about.
        let unnamed = std::mem::take(&mut m.calls).into_iter().filter(|call| call.name.as_deref() == Some("*"));
        m.calls = unnamed.map(|call| Call { verb: "list", name: None, ..call }).collect();
    }
}

/// Only roles and bindings, and those of a namespace only where they say it. What is not there yet is created.
pub(super) fn reconcile(m: &mut Meaning<'_>) {
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

pub(super) fn diff(m: &mut Meaning<'_>) {
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
