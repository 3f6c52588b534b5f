//! How a psql line is started so that it runs what was read, as the role that was made for it.

use super::{Facts, Grant, Invocation, Terms};
use crate::model::{Delivery, Word};
use crate::tools::DeliveryError;

pub fn deliver(
    invocation: &Invocation,
    mut facts: Facts,
    _terms: &Terms,
    grants: Vec<Grant>,
) -> Result<Delivery, DeliveryError> {
    if !grants.is_empty() {
        return Err(DeliveryError { why: "no credential can be given to psql yet".into(), hint: None });
    }
    let stdin = facts.contents.iter().position(|c| c.source == crate::model::ContentSource::Stdin);
    let stdin = stdin.map(|at| facts.contents.swap_remove(at));
    Ok(Delivery {
        args: invocation.args.iter().map(|arg| Word::plain(arg.clone())).collect(),
        stdin,
        ..Delivery::default()
    })
}
