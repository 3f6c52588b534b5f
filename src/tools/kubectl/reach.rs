//! Commands that reach into a pod or open a way to one: exec, attach, port-forward, logs, cp, debug, proxy.

use super::meaning::{Meaning, Scope};
use super::picks::{self, Pick};
use super::resources::builtin;

/// The pod that the first word names; through another thing (`deploy/web`) the server chooses one.
fn pod(m: &mut Meaning<'_>) -> Option<(String, Scope)> {
    let words = m.line.words();
    let pick = match words.first() {
        Some(of) if m.line.name() == "attach" && words.len() == 2 => picks::words(&[of, words[1]]).into_iter().next(),
        Some(word) if word.contains('/') => picks::words(&[word]).into_iter().next(),
        Some(name) => Some(Pick { of: builtin("pods"), name: Some((*name).to_owned()), scope: None }),
        None => picks::objects(m).into_iter().next(),
    };
    let Some(pick) = pick else {
        m.refuse("no pod is named");
        return None;
    };
    let scope = m.place(&pick);
    m.call("get", &pick.of, pick.name.as_deref(), scope.clone());
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
    if let Some((name, scope)) = pod(m) {
        m.call_on("get", &pods, "log", Some(&name), scope);
    }
}

pub(super) fn port_forward(m: &mut Meaning<'_>) {
    connect(m, "portforward");
    let addresses = match m.line.values("address") {
        none if none.is_empty() => vec!["localhost".to_owned()],
        addresses => addresses,
    };
    for port in m.line.words().iter().skip(1) {
        // `local:remote`, `:remote` (any free port), or one number for both.
        let local = port.split(':').next().filter(|local| !local.is_empty()).unwrap_or("0");
        for address in &addresses {
            m.listens.push(format!("{address}:{local}"));
        }
    }
}

/// A server on this machine that sends anything it is told to the API, with the credential.
pub(super) fn proxy(m: &mut Meaning<'_>) {
    m.raw.push("*");
    m.listens.push(match m.line.value("unix-socket").filter(|path| !path.is_empty()) {
        Some(path) => format!("unix:{path}"),
        None => {
            let (address, port) =
                (m.line.value("address").unwrap_or("127.0.0.1"), m.line.value("port").unwrap_or("8001"));
            format!("{address}:{port}")
        }
    });
    m.sends_files.extend(m.line.value("www").filter(|path| !path.is_empty()).map(str::to_owned));
}

/// `pod:path` or `namespace/pod:path` on one side, a local path on the other. It runs tar in the pod.
pub(super) fn cp(m: &mut Meaning<'_>) {
    let words: Vec<String> = m.line.words().into_iter().map(str::to_owned).collect();
    let [from, to] = words.as_slice() else { return m.refuse("cp takes a source and a destination") };
    let (pod, local, uploads) = match (remote(from), remote(to)) {
        (Some(pod), None) => (pod, to, false),
        (None, Some(pod)) => (pod, from, true),
        _ => return m.refuse("one side of cp is a pod's, the other this machine's"),
    };
    let pods = builtin("pods");
    let scope = pod.0.map_or_else(|| m.scope(&pods), Scope::Namespace);
    m.call_on("connect", &pods, "exec", Some(&pod.1), scope);
    if uploads {
        m.sends_files.push(local.clone());
    } else {
        m.writes_files.push(local.clone());
    }
}

fn remote(side: &str) -> Option<(Option<String>, String)> {
    let (pod, _) = side.split_once(':').filter(|(pod, _)| !pod.is_empty())?;
    match pod.split('/').collect::<Vec<_>>().as_slice() {
        [pod] => Some((None, (*pod).to_owned())),
        [namespace, pod] => Some((Some((*namespace).to_owned()), (*pod).to_owned())),
        _ => None,
    }
}

/// An ephemeral container in a pod, a copy of it, or a new pod on a node.
pub(super) fn debug(m: &mut Meaning<'_>) {
    m.reads_files.extend(m.line.value("custom").map(str::to_owned));
    let words = m.line.words();
    let picked: Vec<Pick> = match words.first() {
        Some(word) if word.contains('/') => picks::words(&[word]),
        Some(name) => vec![Pick { of: builtin("pods"), name: Some((*name).to_owned()), scope: None }],
        None => picks::objects(m),
    };
    if picked.is_empty() {
        return m.refuse("nothing to debug is named");
    }
    let pods = builtin("pods");
    for pick in picked {
        let name = pick.name.clone().unwrap_or_else(|| "*".to_owned());
        let scope = m.scope(&pods);
        let place = m.place(&pick);
        m.call("get", &pick.of, Some(&name), place.clone());
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
        if m.line.on("stdin") || m.line.on("tty") || m.line.on("attach") {
            m.call_on("connect", &pods, "attach", Some(&shell), scope);
        }
    }
}
