//! What was decided, and what must hold because of it.

use serde::{Deserialize, Serialize};

use super::{ApprovalId, Masking, Micros};

/// The answer to a question. There is no default: every place that meets one names each arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[must_use]
pub enum Decision {
    Allow(Terms),
    Ask(ApprovalTicket),
    Deny(Refusal),
}

/// What must hold while the command runs. An obligation that the shim does not know fails to parse: no run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The input is recorded too (`@record("stdin")`). Output always is.
    #[serde(default)]
    pub record_stdin: bool,
    /// Mask sets by name: `secrets` (granted secrets and known token shapes), `pii`.
    #[serde(default)]
    pub masks: Vec<String>,
    /// What operators add to those sets, and what marks look like.
    #[serde(default, skip_serializing_if = "Masking::is_empty")]
    pub masking: Masking,
    /// The command is ended after this many seconds (`@limit("10m")`).
    #[serde(default)]
    pub limit_seconds: Option<u64>,
    /// Variables set for the tool, whatever the caller had (`PGOPTIONS=…`).
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Names of the credentials that will be drawn (`@grant("orders-ro")`).
    #[serde(default)]
    pub grants: Vec<String>,
    /// Nothing of the run is kept: the shim becomes the tool (`@record("none")`). Never together with anything above that
    /// only a shim that stays can do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrecorded: bool,
    /// Programs that the tool would start on its own are kept off while a credential is present (git hooks, fsmonitor).
    #[serde(default)]
    pub quiet_programs: bool,
}

impl Terms {
    /// Whether a credential will be drawn.
    pub fn lends(&self) -> bool {
        !self.grants.is_empty()
    }

    /// Whether nobody has to stay beside the tool. Terms that ask for more all the same are kept as they stand.
    pub fn wants_nobody(&self) -> bool {
        let Terms { unrecorded, record_stdin, masks, masking, limit_seconds, environment: _, grants, quiet_programs } =
            self;
        let more = !masking.is_empty() || *record_stdin || *quiet_programs || limit_seconds.is_some();
        *unrecorded && !more && masks.is_empty() && grants.is_empty()
    }
}

/// A question that waits for humans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTicket {
    pub id: ApprovalId,
    /// What is asked for, in one line.
    pub what: String,
    /// Groups of which somebody must approve.
    pub groups: Vec<String>,
    /// How many approvals are needed, and how many there are.
    pub needed: u32,
    pub given: u32,
    /// Where a human answers.
    pub url: String,
    /// After this nobody can approve it any more.
    pub expires: Micros,
    /// The policies that ask for it.
    pub policies: Vec<String>,
}

/// A no, in words an agent can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// What was refused: `git push --force to main of github.com/acme/app`.
    pub what: String,
    /// Why: `policy protect-main forbids force pushes to main`.
    pub why: String,
    /// What to do instead.
    #[serde(default)]
    pub hint: Option<String>,
    /// The policies that decided, by `@id`.
    #[serde(default)]
    pub policies: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A policy forbids it.
    Forbidden,
    /// No policy permits it.
    NotPermitted,
    /// Something in it could not be read with certainty.
    Doubt,
    /// A human said no.
    Refused,
    /// Nobody answered before the question expired.
    Expired,
    /// A policy failed to evaluate, or there is none that loads.
    PolicyError,
    /// What policy asks for cannot be done (no such credential, it cannot be delivered to this line).
    CannotEnforce,
    /// Whoever asks is not signed in, or no longer.
    NotSignedIn,
}
