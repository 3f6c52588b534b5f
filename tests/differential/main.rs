//! Our reading of a command line against what the real tool did with it.

#![cfg(feature = "reading")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../cluster/mod.rs"]
mod cluster;
mod curl;
mod git;
mod psql;
