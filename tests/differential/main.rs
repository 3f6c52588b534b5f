//! Our reading of a command line against what the real tool did with it.

#![cfg(feature = "reading")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stderr)]

#[path = "../cluster/mod.rs"]
mod cluster;
mod curl;
mod dice;
mod git;
mod kubectl;
mod psql;
