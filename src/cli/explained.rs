//! What `explain` and `policy explain` print for eyes: the reading in the tool's own words, the Cedar request that each
//! operation and doubt becomes, what each policy says to it, and the verdict.

use serde_json::{Value, json};

use crate::model::{Reading, visible};
use crate::policy::{CedarRequest, Explanation, Outcome, Question, Step, Verdict, words};

/// Longest value shown, in characters.
const LONGEST: usize = 200;

/// Longest list shown, in members.
const MOST: usize = 20;

/// How much of each step is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// What Cedar is asked: there are no policies that could answer.
    Requests,
    /// What the policies say.
    Answers,
    Everything,
}

/// The line as it was typed, and what its tool makes of it. What is empty is left out.
pub fn reading(question: &Question<'_>) -> String {
    let Reading { tool, version, effective, .. } = question.reading;
    let mut out = format!("{}\n", words::line(question.invocation));
    match version {
        Some(version) => out.push_str(&format!("as {tool} {} reads it:\n", visible::line(version.as_bytes(), 40))),
        None => out.push_str(&format!("as {tool} reads it, whose version is not known:\n")),
    }
    let said: Vec<_> = effective.iter().filter_map(|(key, value)| Some((key, plain(value)?))).collect();
    let width = said.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in &said {
        out.push_str(&format!("  {key:width$}  {value}\n"));
    }
    out.push('\n');
    out
}

/// Every operation and doubt that policy is asked about.
pub fn steps(explanation: &Explanation, shown: Shown) -> String {
    let mut out = String::new();
    for step in &explanation.steps {
        out.push_str(&headline(step, shown));
        if let (Some(request), Shown::Requests | Shown::Everything) = (&step.request, shown) {
            out.push_str(&cedar(request));
        }
        if let Shown::Answers | Shown::Everything = shown {
            out.push_str(&answers(step));
        } else if step.doubt {
            out.push_str("    refused until a policy permits this doubt by its name\n");
        }
    }
    out
}

fn headline(step: &Step, shown: Shown) -> String {
    let what = match step.doubt {
        true => format!("doubt: {}", step.what),
        false => step.what.clone(),
    };
    let outcome = match step.outcome {
        _ if shown == Shown::Requests => return format!("{what}\n"),
        Outcome::Allowed => "allowed",
        Outcome::NeedsApproval => "needs approval",
        Outcome::Forbidden => "forbidden",
        Outcome::NotPermitted => "not permitted",
        Outcome::Failed => "cannot be asked",
    };
    format!("{outcome}: {what} ({})\n", step.action)
}

/// The request as a policy would write it.
fn cedar(request: &CedarRequest) -> String {
    let short = |text: &str| visible::line(text.as_bytes(), LONGEST);
    let mut out = format!("    principal  {}\n", short(&request.principal));
    out.push_str(&format!("    action     {}\n", short(&request.action)));
    out.push_str(&format!("    resource   {}\n", short(&request.resource)));
    if !request.parents.is_empty() {
        let parents: Vec<_> = request.parents.iter().map(|parent| short(parent)).collect();
        out.push_str(&format!("    in         {}\n", parents.join(", ")));
    }
    for (label, record) in [("resource.", &request.attributes), ("context.", &request.context)] {
        let fields: Vec<_> = record.as_object().into_iter().flatten().collect();
        let said: Vec<_> = fields.iter().map(|(key, value)| format!("{key} {}", short(&value.to_string()))).collect();
        if !said.is_empty() {
            out.push_str(&format!("    {label:9}  {}\n", said.join(", ")));
        }
    }
    out
}

fn answers(step: &Step) -> String {
    let mut out = String::new();
    let lists = [
        ("permitted by", &step.permits),
        ("forbidden by", &step.forbids),
        ("forbidden until approved by", &step.lifted_by_approval),
    ];
    for (label, ids) in lists.into_iter().filter(|(_, ids)| !ids.is_empty()) {
        out.push_str(&format!("    {label} {}\n", ids.join(", ")));
    }
    for (policy, why) in &step.errors {
        let why = visible::line(why.as_bytes(), LONGEST * 2);
        out.push_str(&format!("    failed{}{policy}: {why}\n", if policy.is_empty() { "" } else { " in " }));
    }
    out
}

/// The policies' answer to the whole line.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow { terms, policies } => {
            let mut out = format!("verdict: allow, by {}\n", policies.join(", "));
            for (label, list) in [("masks", &terms.masks), ("credentials", &terms.grants)] {
                if !list.is_empty() {
                    out.push_str(&format!("    {label}: {}\n", list.join(", ")));
                }
            }
            out
        }
        Verdict::Ask { needs, policies, .. } => {
            let mut out = format!("verdict: ask, for {}\n", policies.join(", "));
            for need in needs {
                let (count, groups) = (need.approvers, need.groups.join(", "));
                let line =
                    format!("    {count} of {groups} within {} s, for policy {}\n", need.expires_seconds, need.policy);
                out.push_str(&line);
            }
            out
        }
        Verdict::Deny(refusal) => {
            let mut out = format!("verdict: deny\n    what: {}\n    why: {}\n", refusal.what, refusal.why);
            if let Some(hint) = &refusal.hint {
                out.push_str(&format!("    hint: {hint}\n"));
            }
            out
        }
    }
}

/// The same as one JSON object.
pub fn verdict_json(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Allow { terms, policies } => json!({ "decision": "allow", "terms": terms, "policies": policies }),
        Verdict::Ask { terms, needs, policies } => {
            let needs: Vec<_> =
                needs.iter().map(|need| json!({ "groups": need.groups, "approvers": need.approvers })).collect();
            json!({ "decision": "ask", "needs": needs, "terms": terms, "policies": policies })
        }
        Verdict::Deny(refusal) => json!({ "decision": "deny", "refusal": refusal }),
    }
}

/// A value without JSON's signs, where it says anything: words and numbers as they are, lists by commas, records as
/// `key value`.
fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null | Value::Bool(false) => return None,
        Value::Bool(true) => "yes".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => visible::line(text.as_bytes(), LONGEST),
        Value::Array(members) => {
            let mut said: Vec<_> = members.iter().take(MOST).filter_map(plain).collect();
            if said.is_empty() {
                return None;
            }
            if members.len() > MOST {
                said.push(format!("and {} more", members.len() - MOST));
            }
            said.join(if members.iter().any(Value::is_object) { "; " } else { ", " })
        }
        Value::Object(fields) => {
            let said: Vec<_> =
                fields.iter().filter_map(|(key, value)| Some(format!("{key} {}", plain(value)?))).collect();
            if said.is_empty() {
                return None;
            }
            said.join(", ")
        }
    })
}
