//! git: skeleton.

use super::{DeliveryError, Tool, World};
use crate::model::{Delivery, Facts, Grant, Invocation, Reading, Terms};

pub struct Git;

impl Tool for Git {
    fn name(&self) -> &'static str {
        "git"
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
