//! HTTPS between the keeper or the command line and the server: paths, bodies, errors.
//!
//! Every request but those under `/oauth`, `/.well-known`, `/healthz` and `/readyz` carries `Authorization: Bearer`
//! and `Portcullis-Version`. Errors are [`Problem`] with the HTTP status that fits.

use serde::{Deserialize, Serialize};

use crate::model::{
    ApprovalId, ApprovalTicket, Bytes, Decision, Digest, Exit, Facts, Grant, Invocation, InvocationId, Micros,
    Pseudonyms, Subject,
};

/// Raised when a message changes its meaning. A server answers an older or newer client with 426 and says so.
pub const VERSION: u32 = 1;
pub const VERSION_HEADER: &str = "portcullis-version";

/// Paths; `{id}` stands for an id.
pub mod path {
    /// POST [`super::Ask`] -> [`super::Answer`]. The same id twice gets the same answer.
    pub const INVOCATIONS: &str = "/v1/invocations";
    /// GET `?wait=SECONDS` (up to 60) -> [`super::Answer`]: the decision as it is now; with `wait`, answers when it
    /// is no longer `ask`, when the count of approvals changes, or when the time is over.
    pub const DECISION: &str = "/v1/invocations/{id}/decision";
    /// POST -> [`super::Drawn`]: mints the grants of an allowed invocation. Once: a second call answers 409.
    pub const GRANTS: &str = "/v1/invocations/{id}/grants";
    /// POST [`super::End`] -> 204: revokes the grants and writes the audit entry. May be repeated.
    pub const END: &str = "/v1/invocations/{id}/end";
    /// PUT bytes with `?offset=N` -> [`super::Stored`]: appends to the recording. A repeated offset with the same
    /// bytes is accepted; a gap answers 409 with the length so far.
    pub const RECORDING: &str = "/v1/invocations/{id}/recording";
    /// POST [`super::Seal`] -> 204. After it nothing is appended. May be repeated with the same seal.
    pub const SEAL: &str = "/v1/invocations/{id}/recording/seal";
    /// PUT [`super::Whole`] -> 204: what [`END`], [`RECORDING`] and [`SEAL`] do, in one, for a recording of at most
    /// [`super::LARGEST_WHOLE`] bytes. May be repeated.
    pub const WHOLE: &str = "/v1/invocations/{id}/recording/whole";

    /// GET `?state=pending|approved|refused|expired&limit=N&before=ID` -> [`super::Approvals`].
    pub const APPROVALS: &str = "/v1/approvals";
    /// GET -> [`super::ApprovalView`].
    pub const APPROVAL: &str = "/v1/approvals/{id}";
    /// POST [`super::Answering`] -> [`super::ApprovalView`].
    pub const APPROVE: &str = "/v1/approvals/{id}/approve";
    pub const REFUSE: &str = "/v1/approvals/{id}/refuse";

    /// GET `?limit=N&before=ID` -> [`super::Sessions`].
    pub const SESSIONS: &str = "/v1/sessions";
    /// GET -> [`super::SessionView`].
    pub const SESSION: &str = "/v1/sessions/{id}";
    /// GET -> the recording file's bytes, as far as they are stored.
    pub const SESSION_RECORDING: &str = "/v1/sessions/{id}/recording";

    /// GET `?after=SEQ&limit=N` -> [`super::AuditPage`], in rising order.
    pub const AUDIT: &str = "/v1/audit";
    /// GET -> [`super::AuditHead`].
    pub const AUDIT_HEAD: &str = "/v1/audit/head";

    /// GET -> [`super::Whoami`].
    pub const WHOAMI: &str = "/v1/whoami";

    /// GET -> 200 while the server runs; no login.
    pub const HEALTH: &str = "/healthz";

    /// RFC 8414 metadata.
    pub const METADATA: &str = "/.well-known/oauth-authorization-server";
    /// RFC 8628 section 3.1, form encoded; `client_id` is `portcullis`.
    pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
    /// RFC 6749 token endpoint: `urn:ietf:params:oauth:grant-type:device_code` and `refresh_token`.
    pub const TOKEN: &str = "/oauth/token";
    /// RFC 7009.
    pub const REVOKE: &str = "/oauth/revoke";
}

/// What the keeper asks for a shim.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    pub invocation: Invocation,
    pub facts: Facts,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub id: InvocationId,
    /// Of the invocation, its facts and who asks: what an approval is bound to.
    pub digest: Digest,
    pub decision: Decision,
    /// With a yes whose marks have pseudonyms that last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Pseudonyms>,
}

impl Answer {
    pub fn new(id: InvocationId, digest: Digest, decision: Decision) -> Answer {
        Answer { id, digest, decision, marks: None }
    }
}

/// The grants of one invocation.
#[derive(Serialize, Deserialize)]
pub struct Drawn {
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    pub exit: Exit,
    pub duration: Micros,
    /// Bytes that the caller got on both outputs.
    pub bytes: u64,
    /// How many of which kind were masked: `[("email", 2)]`.
    #[serde(default)]
    pub masked: Vec<(String, u64)>,
}

/// The longest recording that travels in one request with its end.
pub const LARGEST_WHOLE: u64 = 128 << 10;

/// A command that ended, with all that was recorded of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Whole {
    pub end: End,
    pub seal: Seal,
    pub recording: Bytes,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Bytes of the recording that are stored, durably.
    pub length: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seal {
    pub length: u64,
    pub sha256: Digest,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Approvals {
    pub approvals: Vec<ApprovalView>,
}

/// What an approver sees. All of it was escaped by the server where it quotes the agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalView {
    #[serde(flatten)]
    pub ticket: ApprovalTicket,
    pub state: ApprovalState,
    pub asker: Subject,
    pub asked: Micros,
    pub invocation: InvocationId,
    pub digest: Digest,
    /// The command as it was read: argv quoted for a shell, control characters escaped.
    pub command: String,
    pub cwd: String,
    /// One line an operation: effect, action, resource.
    pub operations: Vec<String>,
    /// The beginning of each content that decides what the command does.
    pub previews: Vec<Preview>,
    pub answers: Vec<ApprovalAnswer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Pending,
    Approved,
    Refused,
    Expired,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    pub source: String,
    pub sha256: Digest,
    pub length: u64,
    pub text: String,
    pub cut: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalAnswer {
    pub by: Subject,
    pub approved: bool,
    pub reason: String,
    pub at: Micros,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answering {
    pub reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Sessions {
    pub sessions: Vec<SessionView>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionView {
    pub id: InvocationId,
    pub tool: String,
    pub command: String,
    pub who: Subject,
    pub began: Micros,
    /// `allow`, `ask`, `deny`.
    pub decision: String,
    /// Policy wanted nothing kept of it, so there is no end and no recording.
    #[serde(default)]
    pub unrecorded: bool,
    pub approval: Option<ApprovalId>,
    pub parent: Option<InvocationId>,
    pub exit: Option<Exit>,
    pub duration: Option<Micros>,
    pub bytes: Option<u64>,
    pub masked: Vec<(String, u64)>,
    pub recorded: u64,
    /// The recording's digest, once sealed.
    pub sealed: Option<Digest>,
}

/// One line of the audit log. `hash` is SHA-256 over `previous` (32 bytes) and `text` (its UTF-8 bytes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub seq: i64,
    pub previous: Digest,
    pub hash: Digest,
    /// A JSON object, exactly as hashed: `at`, `kind`, `who`, `invocation`, and what that kind adds.
    pub text: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
}

/// The newest entry, signed, so that a shortened or rewritten log shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: Digest,
    pub at: Micros,
    /// Ed25519 over `portcullis audit head v1\n{seq}\n{hash}\n{at}\n`, hexadecimal.
    pub signature: String,
    /// The public key, hexadecimal; a client remembers the first it saw.
    pub key: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Whoami {
    pub subject: Subject,
    pub expires: Micros,
    /// The server's version and how it is set up, for `portcullis status`.
    pub server: String,
    /// What does not work as it should, in words: a policy that does not load, a credential without issuer.
    pub troubles: Vec<String>,
}

/// The code of a [`Problem`] that is a refusal: what policy asks for cannot be done with this command.
pub const CANNOT_ENFORCE: &str = "cannot_enforce";

/// The body of every error. `detail` never names inner workings; `request` finds them in the server's log.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Stable: `not_signed_in`, `not_found`, `forbidden`, [`CANNOT_ENFORCE`], `conflict`, `too_large`, `bad_request`, `version`, `internal`.
    pub code: String,
    pub detail: String,
    #[serde(default)]
    pub hint: Option<String>,
    pub request: String,
}
