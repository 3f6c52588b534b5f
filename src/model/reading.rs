//! What a command would do, as far as it can be told.

use std::collections::BTreeMap;

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
