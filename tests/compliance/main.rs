//! What a faithful shim keeps: one body, run bare and through the shim, must come to the same.
//!
//! The tool is a shell, pinned as `git`, so that a row can do anything a tool may do. The keeper's end of the socket
//! permits all of it and lends nothing: what is decided is not the matter here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod containers;
mod ends;
mod gate;
mod rows;
#[path = "../static_shim/mod.rs"]
mod static_shim;
mod streams;
