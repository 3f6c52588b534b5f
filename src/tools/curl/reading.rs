//! A line's meaning as a reading: the effective words, operations, doubts.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::model::{Bytes, Effect, Facts, Invocation, Operation, Reading, Resource};

use super::globs::MOST;
use super::line::Line;
use super::meaning::Meaning;
use super::request::Request;
use super::url::shown;

/// The reading of a line.
pub fn read(invocation: &Invocation, facts: &Facts) -> Reading {
    let mut line = Line::read(invocation, facts);
    let mut meaning = Meaning::default();
    if !line.prints && line.refused.is_none() {
        meaning = Meaning::of(&mut line.plan, invocation, facts);
    }
    meaning.refused = line.refused.or(meaning.refused);
    // These are opened while curl reads its words, or before.
    let keys = invocation.variables.get("SSLKEYLOGFILE");
    for path in line.plan.stderr.iter().chain(keys) {
        meaning.write(path);
    }
    meaning.settle(invocation, facts);
    let mut reading = Reading {
        tool: "curl".to_owned(),
        version: facts.version.clone(),
        effective: effective(&meaning, &line.configs),
        operations: operations(&meaning),
        doubts: Vec::new(),
    };
    line.unknown.into_iter().for_each(|why| reading.doubt("unknown_option", why));
    line.unread.into_iter().for_each(|why| reading.doubt("unread_content", why));
    if let Some(name) = line.plan.splits.filter(|_| !meaning.requests.is_empty()) {
        reading.doubt(
            "unreadable_content",
            format!("--{name} holds what ends a line of the request: the server may read another one"),
        );
    }
    line.plan.odd.into_iter().for_each(|why| reading.doubt("unknown_fact", why));
    if meaning.too_many {
        reading.doubt("unknown_fact", format!("the line stands for more than {MOST} requests"));
    }
    if let Some(host) = &meaning.unsure {
        reading.doubt("unknown_fact", format!("a host is not written in ASCII, and {host} may not be its name"));
    }
    reading
}

fn effective(meaning: &Meaning, configs: &[Bytes]) -> BTreeMap<String, Value> {
    let request = |request: &Request| {
        json!({
            "method": request.method, "scheme": request.url.scheme, "host": request.url.host,
            "port": request.url.port, "path": request.url.path, "connect": request.connect,
        })
    };
    let configs: Vec<String> =
        configs.iter().filter(|path| path.as_slice() != b"/dev/null").map(|path| shown(path)).collect();
    [
        ("requests", Value::from(meaning.requests.iter().map(request).collect::<Vec<_>>())),
        ("uploads_files", json!(meaning.sends)),
        ("writes_files", json!(meaning.writes)),
        ("reads_config", json!(configs)),
        ("bypass_dns", json!(meaning.bypasses_dns)),
        ("follows_redirects", json!(meaning.follows)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn operations(meaning: &Meaning) -> Vec<Operation> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for request in meaning.connections() {
        if seen.insert((request.url.shown(), &request.method, &request.connect, request.led, request.follows)) {
            out.push(request.operation());
        }
    }
    let file = |path: &String| Resource::new("File", path.clone()).with("path", path.clone());
    out.extend(meaning.sends.iter().map(|path| Operation::new("file.send", Effect::Disclose, file(path))));
    out.extend(meaning.writes.iter().map(|path| Operation::new("file.write", Effect::Write, file(path))));
    out.extend(meaning.reads.iter().map(|path| Operation::new("file.read", Effect::Read, file(path))));
    let program = |name: &str| Resource::new("Program", name).with("command", name);
    out.extend(meaning.loads.iter().map(|name| Operation::new("program.run", Effect::Execute, program(name))));
    if out.is_empty() || meaning.refused.is_some() {
        let info = Operation::new("tool.info", Effect::Read, program("curl"));
        out.push(match &meaning.refused {
            Some(why) => info.with("detail", format!("refused by the tool: {why}")),
            None => info,
        });
    }
    out
}
