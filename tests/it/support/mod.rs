//! What the flows need around the gate.

pub mod browser;
pub mod gate;
