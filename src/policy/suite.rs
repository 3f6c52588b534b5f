//! Written cases that a set of policies must answer as its author meant: `cases.toml`.
//!
//! ```toml
//! [default]                       # for every case that does not say otherwise
//! who = { user = "ci", kind = "machine", groups = ["agents"] }
//! env = { PGHOST = "db.internal" }
//!
//! [[case]]
//! name = "dropping a table is refused"
//! command = ["psql", "-c", "DROP TABLE users"]
//! expect = "deny"
//! by = "read-only"
//! ```
//!
//! A `command` goes through the tool's own reading, with the variables, files, standard input and facts that the case
//! gives it; instead of one, a case may write `operations` and `doubts` as `portcullis explain --json` prints them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::load::LoadError;
use super::{PolicySet, Question, Verdict};
use crate::model::{
    Bytes, Content, ContentSource, Digest, Doubt, Facts, Invocation, InvocationId, Operation, Pin, Reading, StreamKind,
    Streams, Subject, SubjectKind,
};

/// What a command means: `tools::by_name(…).read(…)`, given by the caller because policies do not know the tools.
/// `None` where there is no such tool.
pub type Reader<'a> = &'a dyn Fn(&Invocation, &Facts) -> Option<Reading>;

/// The cases of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    #[serde(default)]
    default: Setting,
    #[serde(default)]
    case: Vec<Case>,
}

/// What a command is run by and in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    who: Option<Who>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    version: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    user: String,
    kind: SubjectKind,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    who: Option<Who>,
    #[serde(default)]
    command: Vec<String>,
    stdin: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    version: Option<String>,
    operations: Option<Vec<Operation>>,
    #[serde(default)]
    doubts: Vec<Doubt>,
    expect: Expected,
    /// One of the policies that decided.
    by: Option<String>,
    /// Exactly the groups that may approve.
    groups: Option<Vec<String>>,
    /// Mask sets that must hold; more may.
    #[serde(default)]
    masks: Vec<String>,
    /// Exactly the credentials that are drawn.
    grants: Option<Vec<String>>,
    /// A part of the refusal's hint, and of its reason.
    hint: Option<String>,
    why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allow,
    Ask,
    Deny,
}

/// How one case came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub name: String,
    /// What differs from what was expected; none where the case passes.
    pub failures: Vec<String>,
}

impl Suite {
    /// # Errors
    /// Where it is no TOML, holds an unknown key, or no case at all.
    pub fn parse(file: &str, text: &str) -> Result<Suite, LoadError> {
        let hint = Some("a case has name, command (or operations), expect = \"allow\" | \"ask\" | \"deny\"");
        let suite: Suite = toml::from_str(text).map_err(|error| {
            LoadError::at(file, text, error.span().map_or(0, |span| span.start), error.message(), hint)
        })?;
        if suite.case.is_empty() {
            return Err(LoadError::at(file, text, 0, "there is no [[case]] in it", hint));
        }
        Ok(suite)
    }

    /// Asks the policies about every case.
    pub fn run(&self, policies: &PolicySet, reader: Reader<'_>) -> Vec<Outcome> {
        self.case
            .iter()
            .map(|case| Outcome { name: case.name.clone(), failures: self.run_case(case, policies, reader) })
            .collect()
    }

    fn run_case(&self, case: &Case, policies: &PolicySet, reader: Reader<'_>) -> Vec<String> {
        let subject = self.subject(case);
        let (invocation, facts) = self.invocation(case);
        let reading = match (&case.operations, case.command.is_empty()) {
            (Some(operations), true) => Reading {
                tool: invocation.tool.clone(),
                version: None,
                effective: BTreeMap::new(),
                operations: operations.clone(),
                doubts: case.doubts.clone(),
            },
            (None, false) if case.doubts.is_empty() => match reader(&invocation, &facts) {
                Some(reading) => reading,
                None => return vec![format!("no tool is called {:?}", invocation.tool)],
            },
            _ => return vec!["a case has either a command, or operations and doubts".to_owned()],
        };
        let verdict = policies.decide(&Question { subject: &subject, invocation: &invocation, reading: &reading });
        let mut failures = case.differences(&verdict);
        if !failures.is_empty() {
            failures.push(format!("the verdict is {verdict:?}"));
            failures.push(format!("the reading is {:?} with doubts {:?}", reading.operations, reading.doubts));
        }
        failures
    }

    fn subject(&self, case: &Case) -> Subject {
        let who = case.who.as_ref().or(self.default.who.as_ref()).cloned();
        let who = who.unwrap_or(Who { user: "agent".to_owned(), kind: SubjectKind::Machine, groups: Vec::new() });
        Subject { id: who.user.clone(), name: who.user, kind: who.kind, groups: who.groups }
    }

    fn invocation(&self, case: &Case) -> (Invocation, Facts) {
        let mut words = case.command.iter().map(|word| Bytes::from(word.as_str()));
        let argv0 = words.next().unwrap_or_default();
        let both = |ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>| {
            let mut all = ours.clone();
            all.extend(theirs.clone());
            all
        };
        let streams = Streams {
            stdin: if case.stdin.is_some() { StreamKind::Pipe } else { StreamKind::Null },
            stdout: StreamKind::Pipe,
            stderr: StreamKind::Pipe,
        };
        let variables = both(&self.default.env, &case.env).into_iter().map(|(name, value)| (name, value.into()));
        let invocation = Invocation {
            id: InvocationId::from_ulid(0),
            tool: argv0.text().unwrap_or_default().to_owned(),
            argv0,
            args: words.collect(),
            cwd: Some("/home/agent/app".into()),
            variables: variables.collect(),
            streams,
            parent: None,
            pin: Pin::Pinned,
        };
        let files = both(&self.default.files, &case.files);
        let mut contents: Vec<_> =
            files.into_iter().map(|(path, text)| content(ContentSource::File(path.into()), text)).collect();
        contents.extend(case.stdin.clone().map(|text| content(ContentSource::Stdin, text)));
        let mut facts = self.default.facts.clone();
        facts.extend(case.facts.clone());
        let version = case.version.clone().or_else(|| self.default.version.clone());
        (invocation, Facts { version, facts, contents })
    }
}

fn content(source: ContentSource, text: String) -> Content {
    Content { source, sha256: Digest::of(text.as_bytes()), bytes: text.into(), truncated: false }
}

impl Case {
    fn differences(&self, verdict: &Verdict) -> Vec<String> {
        let silent = ("", "");
        let (came, policies, terms, groups, (hint, why)) = match verdict {
            Verdict::Allow { terms, policies } => (Expected::Allow, policies, Some(terms), Vec::new(), silent),
            Verdict::Ask { terms, needs, policies } => {
                let groups = needs.iter().flat_map(|need| need.groups.clone()).collect();
                (Expected::Ask, policies, Some(terms), groups, silent)
            }
            Verdict::Deny(refusal) => {
                let words = (refusal.hint.as_deref().unwrap_or_default(), refusal.why.as_str());
                (Expected::Deny, &refusal.policies, None, Vec::new(), words)
            }
        };
        let mut out = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                out.push(what);
            }
        };
        check(came == self.expect, format!("expected {:?}, came {came:?}", self.expect).to_lowercase());
        if let Some(by) = &self.by {
            check(policies.contains(by), format!("expected policy {by} to decide, it was {policies:?}"));
        }
        if let Some(wanted) = &self.groups {
            check(same(wanted, &groups), format!("expected approval by {wanted:?}, it is {groups:?}"));
        }
        let masks = terms.map(|terms| terms.masks.clone()).unwrap_or_default();
        for set in &self.masks {
            check(masks.contains(set), format!("expected {set} to be masked, only {masks:?} are"));
        }
        if let Some(wanted) = &self.grants {
            let grants = terms.map(|terms| terms.grants.clone()).unwrap_or_default();
            check(same(wanted, &grants), format!("expected the credentials {wanted:?}, they are {grants:?}"));
        }
        for (wanted, said) in [(&self.hint, hint), (&self.why, why)] {
            if let Some(wanted) = wanted {
                check(said.contains(wanted.as_str()), format!("expected {wanted:?} in {said:?}"));
            }
        }
        out
    }
}

fn same(one: &[String], other: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list.dedup();
        list
    };
    sorted(one) == sorted(other)
}
