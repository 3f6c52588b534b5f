//! Commands that make objects by themselves: `create KIND`, `run`, `expose`, `autoscale`.

use serde_json::Value;

use super::meaning::Meaning;
use super::options::Line;
use super::picks::{self, picks};
use super::resources::builtin;
use super::{digests, sources, yaml};

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
        let scope = m.place(&pick);
        if pick.scope.is_none() {
            m.call("get", &pick.of, pick.name.as_deref(), scope.clone());
        }
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
        let name = overridden(m, name);
        m.call("create", &of, Some(&name), scope);
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
    let of = line.value("type").unwrap_or("Opaque");
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
    let name = overridden(m, name);
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

/// What `--overrides` makes of the name of the object that the line describes; where it goes is the line's to say, whatever
/// the object then calls itself (run.go and expose.go look up the type first).
fn overridden(m: &mut Meaning<'_>, name: String) -> String {
    let Some(text) = m.line.value("overrides").filter(|text| !text.is_empty()) else { return name };
    let steps = match m.line.value("override-type") {
        None | Some("" | "merge" | "strategic") => false,
        Some("json") => true,
        Some(_) => {
            m.refuse("the type of the overrides is unknown");
            return name;
        }
    };
    let Ok(value) = yaml::first(text.as_bytes()) else {
        m.doubts.push(("unknown_objects", "--overrides could not be read".to_owned()));
        return name;
    };
    match steps {
        true if value.is_array() => patched(m, &value, name),
        false if value.is_object() => {
            value.pointer("/metadata/name").and_then(Value::as_str).map_or(name, str::to_owned)
        }
        _ => {
            m.refuse("the overrides are none");
            name
        }
    }
}

/// What the steps of an RFC 6902 patch make of the name.
fn patched(m: &mut Meaning<'_>, value: &Value, mut name: String) -> String {
    for step in value.as_array().into_iter().flatten() {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
        let sets = matches!(text("op"), "add" | "replace");
        let below = match text("path") {
            "/metadata/name" => "",
            "/metadata" => "/name",
            "" => "/metadata/name",
            _ => continue,
        };
        match step.get("value").and_then(|value| value.pointer(below)).and_then(Value::as_str) {
            Some(new) if sets => new.clone_into(&mut name),
            None if text("op") == "test" => {}
            _ => m.doubts.push(("unknown_objects", "--overrides may change what is created".to_owned())),
        }
    }
    name
}
