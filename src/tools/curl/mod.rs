//! curl: skeleton.

use super::{DeliveryError, Tool, World};
use crate::model::{Delivery, Facts, Grant, Invocation, Reading, Terms};

pub struct Curl;

impl Tool for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }

    fn variables(&self) -> &'static [&'static str] {
        &[]
    }

    fn gather(&self, _invocation: &Invocation, _world: &dyn World) -> Facts {
        Facts::default()
    }

    #[cfg(feature = "reading")]
    fn read(&self, _invocation: &Invocation, _facts: &Facts) -> Reading {
        unimplemented!()
    }

    fn deliver(
        &self,
        _invocation: &Invocation,
        _facts: Facts,
        _terms: &Terms,
        _grants: Vec<Grant>,
    ) -> Result<Delivery, DeliveryError> {
        unimplemented!()
    }
}
