//! A reading against what kubectl did: field by field, in words where they differ.

use std::collections::BTreeSet;

use portcullis::model::Reading;
use serde_json::Value;

use super::apiserver::Request;
use super::machine::{Machine, Ran};

/// A call in RBAC's words, from either side. `*` in a reading is what only the server knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    verb: String,
    resource: String,
    subresource: String,
    name: String,
    namespace: String,
}

impl Call {
    fn is_read(&self) -> bool {
        matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// Whether this call of a reading stands for that one of the log.
    fn covers(&self, seen: &Call) -> bool {
        let one = |read: &str, seen: &str| read == "*" || read == seen;
        let verb = self.verb == seen.verb
            || self.is_read() && self.verb != "get" && matches!(seen.verb.as_str(), "list" | "watch");
        let place = self.namespace.is_empty() || self.namespace == seen.namespace;
        verb && one(&self.resource, &seen.resource)
            && self.subresource == seen.subresource
            // A watch of one thing is a list of all that a field selector narrows down: the log has its name.
            && (one(&self.name, &seen.name) || self.verb != "get" && self.is_read() && self.name.is_empty())
            && place
    }

    fn shown(&self) -> String {
        let Call { verb, resource, subresource, name, namespace } = self;
        let slash = if subresource.is_empty() { "" } else { "/" };
        format!("{verb} {resource}{slash}{subresource} {name} in {namespace:?}")
    }
}

/// What differs; nothing where the reading says just what kubectl did.
pub fn differences(
    machine: &Machine<'_>,
    command: &str,
    reading: &Reading,
    ran: &Ran,
    requests: &[Request],
) -> Vec<String> {
    let mut out = Vec::new();
    let refused = reading.effective.get("context").and_then(Value::as_str);
    let asked: Vec<&Request> = requests.iter().filter(|request| !is_discovery(request)).collect();
    if let Some(why) = refused {
        // Of a kind that it does not know kubectl asks whether something was added that has it.
        let looked_up = asked.iter().all(|request| request.resource == "customresourcedefinitions");
        if !looked_up || ran.code == Some(0) {
            out.push(format!("read as refused ({why}), and it went on"));
        }
        return out;
    }
    if asked.is_empty() && ran.code == Some(1) && reading.effective["server"].is_string() && !calls(reading).is_empty()
    {
        out.push("not read as refused, and kubectl asked for nothing".to_owned());
    }
    out.extend(reading.doubts.iter().map(|doubt| format!("doubt {}: {}", doubt.kind, doubt.detail)));
    compare_calls(command, reading, ran, &asked, &mut out);
    compare_server(command, reading, requests, &mut out);
    compare_identity(reading, &asked, &mut out);
    compare_machine(machine, reading, ran, &mut out);
    let raw: BTreeSet<&str> = asked.iter().filter(|r| r.resource.is_empty()).map(|r| r.uri.as_str()).collect();
    let read_raw = reading.effective["raw_path"].as_str();
    if raw.iter().any(|uri| read_raw.is_none_or(|path| !uri.starts_with(path.split('?').next().unwrap_or(path)))) {
        out.push(format!("raw requests {raw:?}, read {read_raw:?}"));
    }
    out
}

/// What clients ask to learn a server's types, and version.
fn is_discovery(request: &Request) -> bool {
    let path = request.uri.split('?').next().unwrap_or_default();
    let parts = path.trim_matches('/').split('/').count();
    request.resource.is_empty()
        && (path == "/version" || path.starts_with("/openapi") || path.starts_with("/api") && parts <= 3)
}

fn calls(reading: &Reading) -> Vec<Call> {
    let calls = reading.effective["calls"].as_array().unwrap();
    calls
        .iter()
        .map(|call| {
            let word = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
            Call {
                verb: word("verb"),
                resource: word("resource"),
                subresource: word("subresource"),
                name: word("name"),
                namespace: word("namespace"),
            }
        })
        .collect()
}

fn seen(request: &Request) -> Call {
    let connects = matches!(request.subresource.as_str(), "exec" | "attach" | "portforward");
    Call {
        verb: if connects { "connect".to_owned() } else { request.verb.clone() },
        resource: request.resource.clone(),
        subresource: request.subresource.clone(),
        name: request.name.clone(),
        // The log has a namespace also as its own place.
        namespace: if request.resource == "namespaces" { String::new() } else { request.namespace.clone() },
    }
}

/// Commands that look at more than the things that they are about; a reading has those things alone.
const LOOKS_FURTHER: [&str; 7] = ["reconcile", "describe", "rollout", "drain", "logs", "exec", "expose"];

fn compare_calls(command: &str, reading: &Reading, ran: &Ran, asked: &[&Request], out: &mut Vec<String>) {
    let read = calls(reading);
    let met: BTreeSet<Call> =
        asked.iter().filter(|request| !request.resource.is_empty()).map(|request| seen(request)).collect();
    for call in &met {
        if read.iter().any(|read| read.covers(call)) {
            continue;
        }
        // The get before a change, the wait after it, what a description tells of other things, and what a diff tries.
        let here = |read: &Call| [&read.namespace, &call.namespace].iter().any(|place| place.is_empty());
        let same_type = read.iter().any(|r| r.resource == call.resource && (here(r) || r.namespace == call.namespace));
        let tries = command == "diff" && matches!(call.verb.as_str(), "patch" | "create")
            || command == "reconcile" && call.verb == "create" && read.iter().any(|r| r.name == call.name);
        let looks = LOOKS_FURTHER.contains(&command) || reading.effective["dry_run"] == "client";
        // What a missing place, or a list of another type than List, has kubectl look for.
        let namespace =
            call.resource == "namespaces" && call.verb == "get" || call.resource == "customresourcedefinitions";
        if call.is_read() && (same_type || namespace || looks) || tries {
            continue;
        }
        out.push(format!("{}: {}", if call.is_read() { "read not listed" } else { "UNDER" }, call.shown()));
    }
    for call in &read {
        // A client-side apply creates or patches, as the object is not there or is.
        let late = ran.code == Some(124) && call.subresource == "attach";
        if late || command == "wait" && call.verb == "watch" {
            continue; // The container that is waited for never starts here.
        }
        let other = |verb: &str| Call { verb: verb.to_owned(), ..call.clone() };
        let either = match call.verb.as_str() {
            "create" => Some(other("patch")).filter(|patch| read.contains(patch)),
            "patch" => Some(other("create")).filter(|create| read.contains(create)),
            "update" => Some(other("create")),
            _ => None,
        };
        if !met.iter().any(|met| call.covers(met) || either.as_ref().is_some_and(|either| either.covers(met))) {
            out.push(format!("OVER: {}", call.shown()));
        }
    }
    let changes = || asked.iter().filter(|request| !request.resource.is_empty() && !seen(request).is_read());
    // A deletion and an eviction say it in their bodies, which the log leaves out.
    let says_it_not = |request: &Request| request.verb == "delete" || request.subresource == "eviction";
    let dry = |request: &&&Request| request.uri.contains("dryRun=All");
    let expected = match reading.effective["dry_run"].as_str() {
        Some("server") => changes().all(|request| says_it_not(request) || dry(&request)),
        Some(_) => changes().next().is_none(),
        None => command == "diff" || !changes().any(|request| dry(&request)),
    };
    if !expected {
        out.push(format!("dry run read as {}", reading.effective["dry_run"]));
    }
}

fn compare_server(command: &str, reading: &Reading, requests: &[Request], out: &mut Vec<String>) {
    let read = reading.effective["server"].is_string();
    // Some builds ask for the server's version to choose the program that they start.
    if read != requests.iter().any(|request| !request.uri.starts_with("/version"))
        && !(read && matches!(command, "version" | "proxy"))
    {
        out.push(format!("{} requests, read server {}", requests.len(), reading.effective["server"]));
    }
}

fn compare_identity(reading: &Reading, asked: &[&Request], out: &mut Vec<String>) {
    let read = &reading.effective["impersonate"];
    for request in asked {
        let met = request.acting.as_ref();
        let same = match met {
            None => read.is_null(),
            Some((user, groups, uid)) => {
                // The server adds groups of its own.
                let own = |group: &str| group == "system:authenticated" || group.starts_with("system:serviceaccounts");
                let met: BTreeSet<&str> = groups.iter().map(String::as_str).filter(|group| !own(group)).collect();
                let said: BTreeSet<&str> =
                    read["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                read["user"].as_str() == Some(user) && met == said && read["uid"].as_str().unwrap_or_default() == uid
            }
        };
        if !same {
            return out.push(format!("acts as {met:?}, read {read}"));
        }
    }
}

fn compare_machine(machine: &Machine<'_>, reading: &Reading, ran: &Ran, out: &mut Vec<String>) {
    let listed = |key: &str| -> BTreeSet<String> {
        let values = reading.effective[key].as_array().unwrap();
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let started: BTreeSet<String> = ran.programs.iter().map(|path| base(path)).filter(|name| name != "diff").collect();
    let first = |text: &String| base(text.split(' ').next().unwrap_or_default());
    let programs: BTreeSet<String> = listed("programs").iter().map(first).collect();
    if started.is_empty() == reading.effective["runs_program"].as_bool().unwrap() || !programs.is_subset(&started) {
        out.push(format!("starts {started:?}, read {programs:?}"));
    }
    let paths = |key: &str| -> BTreeSet<String> { listed(key).iter().filter_map(|path| machine.named(path)).collect() };
    for (what, met, read) in
        [("reads", &ran.reads, paths("reads_files")), ("writes", &ran.writes, paths("writes_files"))]
    {
        let below = |path: &String| read.iter().any(|folder| path == folder || path.starts_with(&format!("{folder}/")));
        // The lock of a kubeconfig is gone when it is written.
        let lock = |path: &str| path.strip_suffix(".lock").is_some_and(|path| met.contains(path));
        let more: Vec<&String> = met.iter().filter(|path| !below(path) && !lock(path)).collect();
        let less: Vec<&String> = read
            .iter()
            .filter(|path| !met.iter().any(|met| met == *path || met.starts_with(&format!("{path}/"))))
            .collect();
        if !more.is_empty() || !less.is_empty() && ran.code != Some(1) {
            out.push(format!("{what}: not read {more:?}, not done {less:?}"));
        }
    }
    let (sockets, ports): (Vec<&String>, Vec<&String>) = ran.listens.iter().partition(|at| at.starts_with("unix:"));
    // A socket among the files is for policy alone.
    let door = |at: &&Value| at.as_str().is_some_and(|at| at.starts_with("unix:"));
    let doors: Vec<&Value> =
        reading.operations.iter().filter_map(|one| one.context.get("detail")).filter(door).collect();
    if doors.is_empty() != sockets.is_empty() {
        out.push(format!("listens on {sockets:?}, read {doors:?}"));
    }
    let listens = listed("listens");
    // A way to a pod that cannot be had is not listened for.
    let failed = ran.code == Some(1);
    if listens.is_empty() && !ports.is_empty() || !listens.is_empty() && ports.is_empty() && !failed {
        out.push(format!("listens on {ports:?}, read {listens:?}"));
    }
}
