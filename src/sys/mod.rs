//! The only unsafe: what the operating system offers and no crate wraps.

pub mod peer;
pub mod process;

pub mod caller;
pub mod memory;
pub mod signals;
pub mod spawn;
pub mod terminal;
