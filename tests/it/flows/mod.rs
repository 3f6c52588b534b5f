//! Flows: the real server, real tools, whole commands, and what comes of using them.

mod approvals;
mod bad_input;
mod credentials;
mod decisions;
mod failures;
mod login;
