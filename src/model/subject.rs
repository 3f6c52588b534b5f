//! Who asks.

use serde::{Deserialize, Serialize};

/// A signed-in person or machine, as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Stable and unique: the identity provider's subject, or the local user's name.
    pub id: String,
    /// What humans call it.
    pub name: String,
    pub kind: SubjectKind,
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Person,
    /// An agent or a job. It can ask; it can never approve.
    Machine,
}
