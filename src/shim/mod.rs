//! The agent's side: synchronous, small, without flags. It cannot decide anything.

pub mod gather;
pub mod helper;
pub mod locate;

pub use gather::Machine;
