//! What the flows need around the gate.

pub mod browser;
pub mod gate;
#[cfg(feature = "demo")]
pub mod hosts;
pub mod oidc;
pub mod postgres;
#[cfg(feature = "demo")]
pub mod process;
#[cfg(feature = "demo")]
#[path = "../../../demo/browser.rs"]
pub mod sign_in;
#[cfg(feature = "demo")]
pub mod site;
