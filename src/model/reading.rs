//! What a command would do, as far as it can be told.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Operations and doubts: all that policy sees of a command. Both empty means that it does nothing worth asking.
///
/// `portcullis explain --json` prints it (design: the reading).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub tool: String,
    /// The version that the options were read for.
    pub version: Option<String>,
    /// The same knowledge in the tool's own words; all of the tool's keys are always there.
    pub effective: BTreeMap<String, Value>,
    pub operations: Vec<Operation>,
    pub doubts: Vec<Doubt>,
}

/// How many doubts of one kind are told.
const MOST_ALIKE: usize = 64;

/// One thing the command would do.
///
/// The names of actions and the kinds and attributes of resources are those of `policy/portcullis.cedarschema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `git.push`, `sql.select`, `k8s.get`, `http.get`, `program.run` …
    pub action: String,
    pub effect: Effect,
    pub resource: Resource,
    /// Keys of the schema's `Context`: `force`, `columns`, `method` …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Value>,
}

/// How bad it can be, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Read,
    Disclose,
    Write,
    Destroy,
    Execute,
    Escalate,
}

/// What an operation is on. `kind` is an entity type of the schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    pub kind: String,
    /// Unique within its kind, and what a human reads: `github.com/acme/app:refs/heads/main`.
    pub id: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
}

/// What could not be told. Policy decides what a doubt costs: each needs a permit of its own, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// `unknown_option`, `unknown_command`, `shell_alias`, `unread_content` … (snake case, a small closed list a tool).
    pub kind: String,
    /// For a human; may quote the agent's words, so it is escaped before it is shown.
    pub detail: String,
}

impl Reading {
    pub fn doubt(&mut self, kind: &str, detail: impl Into<String>) {
        self.doubts.push(Doubt { kind: kind.to_owned(), detail: detail.into() });
    }

    /// Each doubt once, and of a kind no more than a human reads; that there are more is said. No kind is lost, as
    /// policy may allow one and not the other.
    #[must_use]
    pub fn in_bounds(mut self) -> Reading {
        let mut told: BTreeMap<String, (HashSet<String>, usize)> = BTreeMap::new();
        self.doubts.retain(|doubt| {
            let (details, more) = told.entry(doubt.kind.clone()).or_default();
            if details.len() == MOST_ALIKE {
                *more += 1;
                return false;
            }
            details.insert(doubt.detail.clone())
        });
        for (kind, (_, more)) in told.into_iter().filter(|(_, (_, more))| *more > 0) {
            self.doubt(&kind, format!("and {more} more"));
        }
        self
    }
}

impl Operation {
    pub fn new(action: &str, effect: Effect, resource: Resource) -> Self {
        Operation { action: action.to_owned(), effect, resource, context: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }
}

impl Resource {
    pub fn new(kind: &str, id: impl Into<String>) -> Self {
        Resource { kind: kind.to_owned(), id: id.into(), attributes: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_without_end_are_told_in_bounds_and_none_of_their_kinds_is_lost() {
        let mut reading = Reading {
            tool: "curl".to_owned(),
            version: None,
            effective: BTreeMap::new(),
            operations: Vec::new(),
            doubts: Vec::new(),
        };
        for n in 0..10_000 {
            reading.doubt("unread_content", format!("file {n}"));
            reading.doubt("redirect", "may go elsewhere");
        }
        reading.doubt("unknown_option", "--frob");
        let doubts = reading.in_bounds().doubts;
        let count = |kind: &str| doubts.iter().filter(|doubt| doubt.kind == kind).count();
        assert_eq!((count("redirect"), count("unknown_option"), count("unread_content")), (1, 1, MOST_ALIKE + 1));
        assert_eq!(doubts.last().map(|doubt| &doubt.detail[..]), Some("and 9936 more"));
    }
}
