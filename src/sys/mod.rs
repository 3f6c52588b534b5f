//! What the operating system offers and no crate wraps: unsafe.

pub mod peer;
pub mod process;

pub mod caller;
pub mod memory;
pub mod signals;
pub mod spawn;
pub mod terminal;
