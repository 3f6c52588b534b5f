//! Portcullis: a gate in the path of each command that an AI agent runs.
//!
//! ```text
//! argv -> Invocation -> (gather facts, contents) -> Question -> server: Reading -> Decision
//!      -> (wait for approval) -> Permit -> Grants -> Delivery -> Session -Raw-> redact -Clean-> terminal and record
//!      -> Exit ; revoke, upload, seal
//! ```
//!
//! Modules in reading order. Who may import whom is held by `tests/it/architecture.rs`.
//!
//! | module | what | may import |
//! |---|---|---|
//! | [`model`] | the vocabulary: plain data | nothing of ours |
//! | [`tools`] | what a command line means, and how a tool takes a credential; pure | model |
//! | [`policy`] | (policies, question) -> decision; pure | model |
//! | [`redact`] | raw bytes in, clean bytes out; pure | model, vectors |
//! | [`recording`] | frames to a file and back; pure | model |
//! | [`wire`] | contracts: keeper with server, shim with keeper | model |
//! | [`env`] | every variable that is read | nothing of ours |
//! | [`sys`] | unsafe: terminals, signals, descriptors | nothing of ours |
//! | [`vectors`] | unsafe: many bytes at once, where the processor can; pure | nothing of ours |
//! | [`shim`] | the agent's side | model, wire, env, sys, tools, redact |
//! | [`keeper`] | the daemon beside the agent | model, wire, env, sys, recording |
//! | [`server`] | the deciding side | model, wire, env, tools, policy, redact, recording |
//! | [`cli`] | `portcullis` | everything but server internals |
//!
//! Invariants: nothing runs without a `Permit`; doubt closes the gate; a secret is a type with one door; only `sys`
//! and `vectors` have unsafe; the shim cannot decide, the server cannot touch the machine.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod model;
pub mod recording;
pub mod redact;
pub mod tools;
pub mod wire;

#[allow(unsafe_code)]
pub mod vectors;

#[cfg(feature = "policy")]
pub mod policy;

#[cfg(any(feature = "shim", feature = "server"))]
pub mod env;
#[cfg(feature = "shim")]
pub mod shim;
#[cfg(feature = "shim")]
#[allow(unsafe_code)]
pub mod sys;

#[cfg(feature = "keeper")]
pub mod cli;
#[cfg(feature = "keeper")]
pub mod keeper;

#[cfg(feature = "server")]
pub mod server;
