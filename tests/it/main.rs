//! The integration tests, one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod architecture;
#[cfg(feature = "demo")]
mod flows;
#[cfg(feature = "demo")]
mod support;
mod wire;
