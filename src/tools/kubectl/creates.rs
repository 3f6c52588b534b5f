//! Commands that make objects by themselves: `create KIND`, `run`, `expose`, `autoscale`.

use super::meaning::{Meaning, Scope};
use super::options::Line;
use super::overrides::{self, Identity};
use super::picks::{self, picks};
use super::resources::builtin;
use super::{digests, sources};

/// `expose` and `autoscale`: a new object named after the one it is for.
pub(super) fn expose(m: &mut Meaning<'_>, creates: &str) {
    let words = m.line.words();
    let picks = picks(m, &words);
    if picks.is_empty() && m.is_sure() {
        return m.refuse("no resource is named");
    }
    if picks.iter().any(|pick| pick.name.is_none()) {
        return m.refuse("no name says which");
    }
    let of = builtin(creates);
    for pick in picks {
        if pick.scope.is_none() {
            let scope = m.place(&pick);
            m.call("get", &pick.of, pick.name.as_deref(), scope);
        }
        // Where the new object goes the line says alone.
        let scope = m.scope(&of);
        let types: &[&str] = match creates {
            "services" => &["pods", "services", "replicationcontrollers", "deployments", "replicasets"],
            _ => &["replicationcontrollers", "deployments", "replicasets", "statefulsets"],
        };
        if pick.of.known
            && matches!(pick.of.group.as_str(), "" | "apps" | "batch")
            && !types.contains(&&*pick.of.resource)
        {
            continue; // kubectl cannot, and says so.
        }
        if creates == "services" && !is_service(m.line) {
            continue; // It has looked the thing up by then.
        }
        let name =
            m.line.value("name").filter(|name| !name.is_empty()).or(pick.name.as_deref()).unwrap_or("*").to_owned();
        let kind = if creates == "services" { "Service" } else { "HorizontalPodAutoscaler" };
        // It asks for what the overrides make of it, of any kind that it knows.
        let made = overrides::of(m, Identity::new("v1", kind, &name));
        if made.as_ref().is_some_and(|made| made.kind_of().is_none() && made.may_be_known()) {
            overrides::doubt(m);
        }
        match made.map(|made| (made.kind_of(), made.name)) {
            Some((_, name)) if creates != "services" => m.call("create", &of, Some(&name), scope),
            Some((Some(of), name)) => {
                let scope = if of.namespaced { scope } else { Scope::Cluster };
                m.call("create", &of, Some(&name), scope);
            }
            _ => {} // It has looked the thing up by then.
        }
    }
}

/// Whether a service can be made of the values (generateService in expose.go).
fn is_service(line: &Line) -> bool {
    let given = |long: &str| line.value(long).filter(|text| !text.is_empty());
    let label = |text: &str| text.matches('=').count() == 1 && !text.starts_with('=');
    given("port").is_none_or(|ports| ports.split(',').all(|port| port.parse::<i64>().is_ok()))
        && given("session-affinity").is_none_or(|of| matches!(of, "None" | "ClientIP"))
        && ["labels", "selector"].iter().all(|long| given(long).is_none_or(|text| text.split(',').all(label)))
}

pub(super) fn one(m: &mut Meaning<'_>, what: &[&str]) {
    let resource = match what {
        ["quota"] => "resourcequotas",
        ["secret", _] => "secrets",
        ["service", _] => "services",
        ["token"] => "serviceaccounts",
        ["ingress"] => "ingresses",
        ["priorityclass"] => "priorityclasses",
        ["poddisruptionbudget"] => "poddisruptionbudgets",
        ["secret" | "service"] => return m.contacts_server = false,
        [one] => &format!("{one}s"),
        _ => return m.doubts.push(("unknown_command", m.line.name())),
    };
    let of = builtin(resource);
    let words = m.line.words();
    let Some(name) = words.first().map(|word| (*word).to_owned()) else {
        return m.refuse("no name is given");
    };
    let scope = m.scope(&of);
    m.sends_files.extend(sources::of(m.line));
    if let (["job"], Some(from)) = (what, m.line.value("from")) {
        for source in picks::words(&[from]) {
            let scope = m.scope(&source.of);
            m.call("get", &source.of, source.name.as_deref(), scope);
            if source.of.known && source.of.resource != "cronjobs" {
                return; // Nothing else makes a job.
            }
        }
    }
    let name = if m.line.on("append-hash") { hashed(m, &name) } else { name };
    m.call_on("create", &of, if what == ["token"] { "token" } else { "" }, Some(&name), scope);
}

/// The name with `--append-hash`; of content that stands in files it is left open.
fn hashed(m: &Meaning<'_>, name: &str) -> String {
    let line = m.line;
    if ["from-file", "from-env-file", "cert", "key"].iter().any(|long| line.has(long))
        || line.command.path.ends_with(&["docker-registry"])
    {
        return "*".to_owned();
    }
    let literals: Option<Vec<(String, String)>> = line
        .every("from-literal")
        .iter()
        .map(|l| l.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
        .collect();
    let kind = if line.command.path[1] == "secret" { "Secret" } else { "ConfigMap" };
    let of = line.value("type").unwrap_or_default();
    literals.map_or_else(|| "*".to_owned(), |literals| format!("{name}-{}", digests::hash(kind, name, of, &literals)))
}

pub(super) fn run(m: &mut Meaning<'_>) {
    let words = m.line.words();
    let Some(name) = words.first().map(|word| (*word).to_owned()) else {
        return m.refuse("no name is given");
    };
    if m.line.value("image").is_none_or(str::is_empty) {
        return m.refuse("--image is required");
    }
    let pods = builtin("pods");
    let scope = m.scope(&pods);
    let service = name.clone();
    // Whatever the object then calls itself, it is for the path of pods.
    let name = match overrides::of(m, Identity::new("v1", "Pod", &name)) {
        Some(made) if made.kind_of().is_some() => made.name,
        _ => return m.refuse("the overrides make nothing of it"),
    };
    m.call("create", &pods, Some(&name), scope.clone());
    if m.line.on("expose") {
        m.call("create", &builtin("services"), Some(&service), scope.clone());
    }
    if m.line.attaches() {
        m.call_on("connect", &pods, "attach", Some(&name), scope.clone());
    }
    if m.line.on("rm") {
        m.call("delete", &pods, Some(&name), scope);
    }
}
