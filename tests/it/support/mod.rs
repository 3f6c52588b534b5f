//! What the flows need around the gate.

pub mod browser;
#[path = "../../cluster/mod.rs"]
mod cluster;
#[cfg(feature = "demo")]
pub mod desk;
pub mod gate;
#[cfg(feature = "demo")]
pub mod hosts;
pub mod oidc;
#[cfg(feature = "demo")]
pub mod pod;
pub mod postgres;
#[cfg(feature = "demo")]
pub mod process;
#[cfg(feature = "demo")]
#[allow(dead_code, reason = "the demo uses more of it")]
#[path = "../../../demo/browser.rs"]
pub mod sign_in;
#[cfg(feature = "demo")]
pub mod site;
#[cfg(feature = "demo")]
#[path = "../../static_shim/mod.rs"]
pub mod static_shim;
#[cfg(feature = "demo")]
pub mod sudo;
