//! Asks the policies about a command: (policies, question) -> verdict. Invariant: no I/O and no clock; the caller reads
//! the files and opens the approvals.
//!
//! Cedar decides; what it lacks is carried by annotations ([`rule`]). A question becomes one Cedar request for each
//! operation and each doubt ([`request`]), and [`decide`] puts the answers together: deny by default, a forbid wins, an
//! error anywhere denies, and an approval can lift only a forbid that says so.
//!
//! [`suite`] runs written cases against a set; [`words`] says what an operation is, to a human.

mod decide;
mod doubts;
mod load;
mod masks;
mod request;
mod rule;
pub mod suite;
pub mod words;

use crate::model::{Digest, Invocation, Reading, Refusal, Subject, Terms};

pub use decide::{Explanation, Outcome, Step};
pub use doubts::DOUBTS;
pub use load::LoadError;
pub use masks::read as read_masks;
pub use request::CedarRequest;

/// Who asks, what was typed, and what that means.
pub struct Question<'a> {
    pub subject: &'a Subject,
    pub invocation: &'a Invocation,
    pub reading: &'a Reading,
}

/// What the policies say. There is no default: every place that meets one names each arm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// `policies` are the permits that decided, by `@id`.
    Allow {
        terms: Terms,
        policies: Vec<String>,
    },
    /// Every one of `needs` must be met; then the terms hold. `policies` are the forbids that ask.
    Ask {
        terms: Terms,
        needs: Vec<Need>,
        policies: Vec<String>,
    },
    Deny(Refusal),
}

/// What one forbid with `@approval` wants before it is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Members of any of these may approve.
    pub groups: Vec<String>,
    /// How many different people must.
    pub approvers: u32,
    /// How long the question stays open.
    pub expires_seconds: u64,
    pub policy: String,
    /// The policy's `@reason`.
    pub reason: Option<String>,
}

/// Policies that were read, checked against the schema, and can be asked. Cheap to share behind an `Arc`.
pub struct PolicySet {
    /// Cedar's answers are asked for apart, so that a determining permit is known also where a forbid wins.
    permits: cedar_policy::PolicySet,
    forbids: cedar_policy::PolicySet,
    rules: rule::Rules,
    masks: masks::Masks,
    digest: Digest,
}

impl PolicySet {
    /// Over the names and bytes of the files and the schema that they were checked with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests;
