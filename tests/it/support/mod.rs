//! What the flows need around the gate.

pub mod browser;
pub mod gate;
pub mod process;
#[path = "../../../demo/browser.rs"]
pub mod sign_in;
pub mod site;
