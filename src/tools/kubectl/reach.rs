//! Commands that reach into a pod or open a way to one: exec, attach, port-forward, logs, cp, debug, proxy.

use super::meaning::{Meaning, Scope, TOO_MUCH};
use super::paths;
use super::picks::{self, MOST, Pick};
use super::resources::builtin;

/// Types whose pods kubectl knows how to find (polymorphichelpers: AttachablePodForObject, SelectorsForObject).
const WITH_PODS: [&str; 8] =
    ["pods", "services", "replicationcontrollers", "replicasets", "deployments", "statefulsets", "daemonsets", "jobs"];

/// A group whose types have been the same for long: of others a cluster may have more than we know.
fn is_core(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch")
}

/// The pod that the first word names; through another thing (`deploy/web`) the server chooses one.
fn pod(m: &mut Meaning<'_>) -> Option<(String, Scope)> {
    let words = m.line.words();
    if words.first().is_some_and(|word| word.matches('/').count() > 1) {
        m.refuse("TYPE/NAME has one slash");
        return None;
    }
    let pick = match words.first() {
        Some(of) if m.line.name() == "attach" && words.len() == 2 => picks::words(&[of, words[1]]).into_iter().next(),
        Some(word) if word.contains('/') => picks::words(&[word]).into_iter().next(),
        Some(name) => Some(Pick { of: builtin("pods"), name: Some((*name).to_owned()), scope: None }),
        None => {
            let objects = picks::objects(m);
            if objects.len() > 1 {
                m.refuse("more than one pod is named");
            }
            objects.into_iter().next()
        }
    };
    let Some(pick) = pick else {
        m.refuse("no pod is named");
        return None;
    };
    let scope = m.place(&pick);
    // What a file says is not looked up.
    if !words.is_empty() {
        m.call("get", &pick.of, pick.name.as_deref(), scope.clone());
    }
    if pick.of.known && is_core(&pick.of.group) && !WITH_PODS.contains(&pick.of.resource.as_str()) {
        return None;
    }
    let name = if pick.of.resource == "pods" { pick.name.unwrap_or_default() } else { "*".to_owned() };
    Some((name, scope))
}

pub(super) fn connect(m: &mut Meaning<'_>, subresource: &str) {
    if let Some((name, scope)) = pod(m) {
        m.call_on("connect", &builtin("pods"), subresource, Some(&name), scope);
    }
}

pub(super) fn logs(m: &mut Meaning<'_>) {
    let pods = builtin("pods");
    if m.line.has("selector") {
        let scope = m.scope(&pods);
        m.call("list", &pods, None, scope.clone());
        return m.call_on("get", &pods, "log", Some("*"), scope);
    }
    // kubectl looks the pod up before it sees these (LogsOptions.Validate).
    let given = |long: &str| m.line.value(long).is_some_and(|value| !value.is_empty());
    let below = |long: &str, least: i64| m.line.value(long).and_then(super::values::number).is_some_and(|n| n < least);
    let mistaken = ["since", "since-time"].into_iter().all(given)
        || m.line.on("all-containers") && (given("container") || m.line.words().len() == 2)
        || below("tail", -1)
        || below("limit-bytes", 0)
        || m.line.value("since").is_some_and(|time| time.starts_with('-'));
    if let Some((name, scope)) = pod(m).filter(|_| !mistaken) {
        m.call_on("get", &pods, "log", Some(&name), scope);
    }
}

pub(super) fn port_forward(m: &mut Meaning<'_>) {
    let is_number = |text: &str| text.is_empty() || text.parse::<u16>().is_ok();
    // The other end may have a name.
    let is_far = |text: &str| is_number(text) || !text.starts_with(|c: char| c.is_ascii_digit());
    let is_port = |text: &&str| {
        let (near, far) = ends(text);
        (is_number(near) || near == far) && !far.is_empty() && is_far(far)
    };
    let addresses = match m.line.every("address") {
        none if none.is_empty() => vec!["localhost".to_owned()],
        _ => m.line.values("address"),
    };
    let is_address = |text: &String| text == "localhost" || text.parse::<std::net::IpAddr>().is_ok();
    if !m.line.words().iter().skip(1).all(is_port) || addresses.is_empty() || !addresses.iter().all(is_address) {
        // It looks the pod up first.
        return drop(pod(m));
    }
    connect(m, "portforward");
    let ports = m.line.words();
    if ports.len().saturating_mul(addresses.len()) > MOST {
        return m.doubts.push((TOO_MUCH, "more ports and addresses are named than are gone through".to_owned()));
    }
    for port in ports.iter().skip(1) {
        let local = Some(ends(port).0).filter(|local| !local.is_empty()).unwrap_or("0");
        for address in &addresses {
            m.listens.push(format!("{address}:{local}"));
        }
    }
}

/// `local:remote`, `:remote` (any free port), or one number for both, whatever stands behind a second colon.
fn ends(port: &str) -> (&str, &str) {
    match port.split(':').collect::<Vec<_>>().as_slice() {
        [near, far] => (near, far),
        [both, ..] => (both, both),
        [] => ("", ""),
    }
}

/// A server on this machine that sends anything it is told to the API, with the credential. A socket among the files is
/// no address that anyone listens on, but as much of a door: policy sees it so.
pub(super) fn proxy(m: &mut Meaning<'_>) {
    m.raw.push("*");
    let (address, port) = (m.line.value("address").unwrap_or("127.0.0.1"), m.line.value("port").unwrap_or("8001"));
    match m.line.value("unix-socket").filter(|path| !path.is_empty()) {
        Some(_) if port != "8001" => m.refuse("--unix-socket and --port are both given"),
        Some(path) => m.socket = Some(format!("unix:{path}")),
        None => m.listens.push(format!("{address}:{port}")),
    }
    m.sends_files.extend(m.line.value("www").filter(|path| !path.is_empty()).map(str::to_owned));
}

/// `pod:path` or `namespace/pod:path` on one side, a local path on the other. It runs tar in the pod.
pub(super) fn cp(m: &mut Meaning<'_>) {
    let words: Vec<String> = m.line.words().into_iter().map(str::to_owned).collect();
    let [from, to] = words.as_slice() else { return m.refuse("cp takes a source and a destination") };
    let (pod, local, uploads) = match (paths::remote(from), paths::remote(to)) {
        (Some(pod), None) => (pod, to, false),
        (None, Some(pod)) => (pod, from, true),
        _ => return m.refuse("one side of cp is a pod's, the other this machine's"),
    };
    if [from, to].iter().any(|side| side.is_empty() || paths::remote(side).is_some() && side.ends_with(':')) {
        return m.refuse("a path is empty");
    }
    let pods = builtin("pods");
    let scope = pod.0.map_or_else(|| m.scope(&pods), Scope::Namespace);
    m.call_on("connect", &pods, "exec", Some(&pod.1), scope);
    if uploads {
        m.sends_files.push(local.clone());
    } else {
        m.writes_files.push(local.clone());
    }
}

/// An ephemeral container in a pod, a copy of it, or a new pod on a node.
pub(super) fn debug(m: &mut Meaning<'_>) {
    m.reads_files.extend(m.line.value("custom").map(str::to_owned));
    let words = m.line.words();
    if words.iter().any(|word| word.matches('/').count() > 1) {
        return m.refuse("TYPE/NAME has one slash");
    }
    let one = |word: &&str| match word.contains('/') {
        true => picks::words(&[word]),
        false => vec![Pick { of: builtin("pods"), name: Some((*word).to_owned()), scope: None }],
    };
    let mut picked: Vec<Pick> = words.iter().flat_map(one).collect();
    let looks = !words.is_empty();
    if !looks {
        picked = picks::objects(m);
    }
    if picked.is_empty() {
        return m.refuse("nothing to debug is named");
    }
    let pods = builtin("pods");
    for pick in picked {
        let name = pick.name.clone().unwrap_or_else(|| "*".to_owned());
        let scope = m.scope(&pods);
        let place = m.place(&pick);
        if looks {
            m.call("get", &pick.of, Some(&name), place.clone());
        }
        if pick.of.known && !matches!(pick.of.resource.as_str(), "pods" | "nodes") {
            continue; // kubectl has no way to debug it.
        }
        let shell = match (pick.of.resource.as_str(), m.line.value("copy-to")) {
            ("nodes", _) => {
                m.call("create", &pods, Some("*"), scope.clone());
                "*".to_owned()
            }
            (_, Some(copy)) => {
                m.call("create", &pods, Some(copy), place.clone());
                if m.line.on("replace") {
                    m.call("delete", &pods, Some(&name), place);
                }
                copy.to_owned()
            }
            _ => {
                m.call_on("patch", &pods, "ephemeralcontainers", Some(&name), place);
                name
            }
        };
        if m.line.attaches() {
            m.call_on("connect", &pods, "attach", Some(&shell), scope);
        }
    }
}
