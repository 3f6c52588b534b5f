//! A request to run something -> what it means and what policy says. Pure but for the policy folder; may take a while
//! (PostgreSQL's parser, megabytes of contents), so it runs off the async threads.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::policies::Policies;
use super::words::Words;
use crate::model::{Bytes, ContentSource, Digest, Facts, Invocation, Reading, Refusal, RefusalKind, Subject, visible};
use crate::policy::{Question, Verdict};
use crate::tools;
use crate::wire::contract::{Ask, Preview};

/// Bytes of all contents of one command.
pub const CONTENTS: usize = 64 << 20;
/// Bytes of all arguments: what Linux takes as one command line, and some room (execve(2): a quarter of the stack).
const ARGUMENTS: usize = 8 << 20;
/// Of all variables, and of the small words beside them (Linux: PATH_MAX is 4096).
const VARIABLES: usize = 4 << 20;
const SMALL: usize = 64 << 10;

/// What is known of a command once it was read and judged.
pub struct Judged {
    pub invocation: Invocation,
    pub digest: Digest,
    pub reading: Reading,
    pub verdict: Verdict,
    /// The digest of the policies that were asked, for the audit log.
    pub policies: Option<Digest>,
    /// The tool's name, for eyes.
    pub tool: String,
    pub command: String,
    pub cwd: String,
    pub operations: Vec<String>,
    pub previews: Vec<Preview>,
}

/// Reads and judges. `Err` is a request that is out of bounds or contradicts itself.
pub fn judge(policies: &Policies, subject: &Subject, ask: Ask) -> Result<Judged, String> {
    let Ask { invocation, facts } = ask;
    bounded(&invocation, &facts)?;
    let digest = digest(subject, &invocation, &facts);
    let mut words = Words::new();
    let command = words.command(&invocation);
    let (reading, verdict, in_force) = match tools::by_name(&invocation.tool) {
        None => (nothing(&invocation.tool), Verdict::Deny(unknown_tool(&command)), None),
        Some(tool) => {
            let reading = tool.read(&invocation, &facts);
            match policies.current() {
                Err(why) => (reading, Verdict::Deny(no_policies(&command, &why)), None),
                Ok(set) => {
                    let question = Question { subject, invocation: &invocation, reading: &reading };
                    let verdict = set.decide(&question);
                    (reading, verdict, Some(set.digest()))
                }
            }
        }
    };
    Ok(Judged {
        digest,
        tool: visible::line(invocation.tool.as_bytes(), 100),
        cwd: words.cwd(&invocation),
        operations: words.operations(&reading),
        previews: words.previews(&facts.contents),
        command,
        invocation,
        reading,
        verdict,
        policies: in_force,
    })
}

fn nothing(tool: &str) -> Reading {
    Reading {
        tool: tool.to_owned(),
        version: None,
        effective: BTreeMap::new(),
        operations: Vec::new(),
        doubts: Vec::new(),
    }
}

fn unknown_tool(command: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::Doubt,
        what: command.to_owned(),
        why: "the gate does not know this tool".to_owned(),
        hint: Some("use git, kubectl, psql or curl".to_owned()),
        policies: Vec::new(),
    }
}

fn no_policies(command: &str, why: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::PolicyError,
        what: command.to_owned(),
        why: format!("the policies do not load: {why}"),
        hint: Some("whoever runs the server has to repair them; portcullis policy check finds the place".to_owned()),
        policies: Vec::new(),
    }
}

fn bounded(invocation: &Invocation, facts: &Facts) -> Result<(), String> {
    let arguments: usize = invocation.args.iter().map(|argument| argument.len() + 8).sum();
    if arguments > ARGUMENTS {
        return Err(format!("{arguments} bytes of arguments; at most {ARGUMENTS} are taken"));
    }
    let variables: usize = invocation.variables.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    if variables > VARIABLES {
        return Err(format!("{variables} bytes of variables; at most {VARIABLES} are taken"));
    }
    let small = invocation.tool.len() + invocation.argv0.len() + invocation.cwd.as_ref().map_or(0, |cwd| cwd.len());
    if small > SMALL {
        return Err(format!("{small} bytes of tool and work folder; at most {SMALL} are taken"));
    }
    let contents: usize = facts.contents.iter().map(|content| content.bytes.len()).sum();
    if contents > CONTENTS {
        return Err(format!("{contents} bytes of contents; at most {CONTENTS} are taken"));
    }
    for content in &facts.contents {
        if Digest::of(&content.bytes) != content.sha256 {
            return Err("a content does not have the digest that is said of it".to_owned());
        }
    }
    Ok(())
}

/// What an approval is bound to: who asks, what was typed, and all that the reading rests on. Not ids and streams,
/// which differ from one try of the same command to the next.
fn digest(subject: &Subject, invocation: &Invocation, facts: &Facts) -> Digest {
    #[derive(Serialize)]
    struct Bound<'a> {
        subject: &'a str,
        tool: &'a str,
        args: &'a [Bytes],
        cwd: &'a Option<Bytes>,
        variables: &'a BTreeMap<String, Bytes>,
        version: &'a Option<String>,
        facts: BTreeMap<&'a str, Value>,
        contents: Vec<(&'a ContentSource, Digest, bool)>,
    }
    let bound = Bound {
        subject: &subject.id,
        tool: &invocation.tool,
        args: &invocation.args,
        cwd: &invocation.cwd,
        variables: &invocation.variables,
        version: &facts.version,
        facts: facts.facts.iter().map(|(name, value)| (name.as_str(), sorted(value))).collect(),
        contents: facts.contents.iter().map(|content| (&content.source, content.sha256, content.truncated)).collect(),
    };
    // Strings, numbers and sorted maps only: nothing in it can fail to be written as JSON. Were it to, the digest
    // would be that of the caller and the invocation's own id, which nothing else ever matches.
    let text = serde_json::to_vec(&bound).unwrap_or_else(|_| format!("{}\n{}", subject.id, invocation.id).into_bytes());
    Digest::of(&text)
}

/// With the keys of every object in order, whatever the order they were sent in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let in_order: BTreeMap<_, _> = map.iter().collect();
            Value::Object(in_order.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sorted;

    #[test]
    fn the_order_of_keys_does_not_change_what_is_bound() {
        let one: serde_json::Value = serde_json::from_str(r#"{"b":1,"a":{"y":[{"k":1,"c":2}],"x":0}}"#).unwrap();
        assert_eq!(sorted(&one).to_string(), sorted(&json!({"a":{"x":0,"y":[{"c":2,"k":1}]},"b":1})).to_string());
    }
}
