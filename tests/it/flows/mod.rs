//! Flows: the real server, real tools, whole commands, and what comes of using them.

#[cfg(feature = "demo")]
mod approvals;
#[cfg(feature = "demo")]
mod bad_input;
#[cfg(feature = "demo")]
mod children;
#[cfg(feature = "demo")]
mod cluster;
#[cfg(feature = "demo")]
mod conformance;
mod crashes;
#[cfg(feature = "demo")]
mod credentials;
#[cfg(feature = "demo")]
mod decisions;
#[cfg(feature = "demo")]
mod divert;
#[cfg(feature = "demo")]
mod doctor;
#[cfg(feature = "demo")]
mod everyday;
#[cfg(feature = "demo")]
mod explain;
mod failures;
#[cfg(feature = "demo")]
mod keeper;
mod login;
mod marks;
mod oidc;
mod postgres_grants;
#[cfg(feature = "demo")]
mod record;
#[cfg(feature = "demo")]
mod soak;
mod workload;
