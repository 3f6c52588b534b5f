//! Credentials, by kind. None is configured yet: a command that needs one is told so.

use crate::model::{Grant, InvocationId, Reading, Terms};
use crate::server::App;
use crate::server::http::error::Failure;

/// What a grant is minted for: an allowed command, as it was read.
pub struct Drawing<'a> {
    pub invocation: &'a InvocationId,
    pub reading: &'a Reading,
    pub terms: &'a Terms,
}

/// Mints every credential that the terms name, or none. A grant's target must be among the reading's operations.
pub async fn draw(_app: &App, drawing: &Drawing<'_>) -> Result<Vec<Grant>, Failure> {
    match drawing.terms.grants.first() {
        None => Ok(Vec::new()),
        Some(name) => Err(Failure::conflict(format!("no credential {name} is configured"))),
    }
}

/// Takes back what was drawn. May be repeated; nothing to take back is no error.
pub async fn revoke(_app: &App, _invocation: &InvocationId) -> Result<(), Failure> {
    Ok(())
}

/// Takes back whatever is past its time, also what another run of the server drew.
pub async fn reap(_app: &App) -> Result<(), Failure> {
    Ok(())
}
