//! How a token reaches git: skeleton.

use crate::model::{Delivery, Facts, Grant, Invocation, Terms, Word};
use crate::tools::DeliveryError;

pub fn deliver(
    invocation: &Invocation,
    _facts: &Facts,
    _terms: &Terms,
    _grants: Vec<Grant>,
) -> Result<Delivery, DeliveryError> {
    Ok(Delivery { args: invocation.args.iter().cloned().map(Word::plain).collect(), ..Delivery::default() })
}
