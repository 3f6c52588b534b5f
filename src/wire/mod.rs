//! The contracts between the three programs, as data.
//!
//! [`contract`] is HTTPS between keeper (or command line) and server; [`frames`] is the unix socket between shim and
//! keeper; [`pins`] is the file by which a shim knows the real programs. All carry a version, and neither side acts on what it does not know.

pub mod contract;
pub mod frames;
pub mod pins;
