//! Time as the store and the wire carry it.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z (wall clock), or a span of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    pub const fn seconds(seconds: i64) -> Self {
        Micros(seconds * 1_000_000)
    }

    /// The time `span` later; saturates, so a hostile span cannot wrap into the past.
    pub const fn plus(self, span: Micros) -> Self {
        Micros(self.0.saturating_add(span.0))
    }

    pub const fn since(self, earlier: Micros) -> Self {
        Micros(self.0.saturating_sub(earlier.0))
    }
}
