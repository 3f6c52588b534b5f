//! What an operation is, in words: `git push --force to main of github.com/acme/app`. Whatever the agent wrote is escaped.

use serde_json::Value;

use crate::model::{Doubt, Invocation, Operation, visible};

/// Characters of the agent's text in one message.
pub(super) const LONGEST: usize = 200;

/// The line as it was typed, for refusals that are about the whole of it.
pub fn line(invocation: &Invocation) -> String {
    let mut text = visible::line(invocation.tool.as_bytes(), 40);
    let mut left = LONGEST;
    for argument in &invocation.args {
        if left == 0 {
            text.push_str(" …");
            break;
        }
        let shown = visible::line(argument, left);
        left -= shown.chars().count().min(left);
        text.push(' ');
        text.push_str(&shown);
    }
    text
}

/// A doubt: its kind and its detail.
pub(super) fn doubt(doubt: &Doubt) -> String {
    let kind = visible::line(doubt.kind.as_bytes(), 60).replace('_', " ");
    match doubt.detail.is_empty() {
        true => kind,
        false => format!("{kind}: {}", visible::line(doubt.detail.as_bytes(), LONGEST)),
    }
}

/// An operation of a tool, as a human would name it.
pub fn operation(tool: &str, operation: &Operation) -> String {
    let on = resource(operation);
    let text = |key: &str| operation.context.get(key).and_then(Value::as_str).map(|t| visible::line(t.as_bytes(), 40));
    match operation.action.as_str() {
        "git.read" => format!("git reading {on}"),
        "git.change" => format!("git changing {on}"),
        "git.discard" => format!("git discarding work in {on}"),
        "git.configure" => format!("git configuring {on}"),
        "git.fetch" => format!("git fetch from {on}"),
        "git.push" => format!("git push to {on}"),
        "git.force_push" => format!("git push --force to {on}"),
        "git.delete_ref" => format!("git push --delete of {on}"),
        "program.run" => format!("{tool} running the program {on}"),
        "file.read" => format!("{tool} reading the file {on}"),
        "file.write" => format!("{tool} writing the file {on}"),
        "file.send" => format!("{tool} sending the file {on}"),
        "net.listen" => format!("{tool} listening on {on}"),
        "tool.info" => format!("{tool} telling about itself"),
        "k8s.impersonate" => format!("kubectl acting as {} on {on}", text("impersonate").unwrap_or_default()),
        "k8s.raw" => format!("kubectl sending a raw request to {on}"),
        "http.get" | "http.send" | "http.delete" => {
            format!("curl {} {on}", text("method").unwrap_or_else(|| "request".to_owned()))
        }
        "http.other" => format!("curl transfer with {on}"),
        action => match action.split_once('.') {
            Some(("k8s", verb)) => format!("kubectl {} {on}", visible::line(verb.as_bytes(), 40)),
            Some(("sql", verb)) => {
                let verb = text("kind").unwrap_or_else(|| visible::line(verb.as_bytes(), 40)).to_uppercase();
                format!("{tool} {verb} on {on}")
            }
            _ => format!("{tool} {} on {on}", visible::line(action.as_bytes(), 60)),
        },
    }
}

fn resource(operation: &Operation) -> String {
    let resource = &operation.resource;
    let text = |key: &str| {
        let value = resource.attributes.get(key).and_then(Value::as_str).unwrap_or_default();
        visible::line(value.as_bytes(), LONGEST)
    };
    match resource.kind.as_str() {
        "Ref" => {
            let name = text("name");
            let short = name.strip_prefix("refs/heads/").unwrap_or(&name);
            format!("{short} of {}/{}", text("host"), text("path"))
        }
        "Object" => {
            let mut out = text("resource");
            for (separator, key) in [(".", "group"), ("/", "subresource"), (" ", "name")] {
                let part = text(key);
                if !part.is_empty() {
                    out.push_str(separator);
                    out.push_str(&part);
                }
            }
            match text("namespace") {
                namespace if namespace.is_empty() => format!("{out} of {}", text("server")),
                namespace => format!("{out} in namespace {namespace} of {}", text("server")),
            }
        }
        "Table" => {
            let schema = text("schema");
            let dot = if schema.is_empty() { "" } else { "." };
            format!("{schema}{dot}{} of database {}", text("name"), text("database"))
        }
        "Database" => format!("database {} on {}", text("name"), text("host")),
        "Program" => text("command"),
        _ => visible::line(resource.id.as_bytes(), LONGEST),
    }
}
