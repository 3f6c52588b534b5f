//! skeleton

pub mod policy;
