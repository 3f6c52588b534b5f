//! The integration tests, one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod architecture;
#[cfg(feature = "server")]
mod flows;
#[cfg(feature = "keeper")]
mod masking;
mod redaction;
#[cfg(feature = "server")]
mod support;
mod wire;
