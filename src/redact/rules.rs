//! The table: what a secret looks like, one entry a shape. It is written in `rules/*.toml`, which say how, with their
//! examples; `build.rs` makes it part of the program, so that nothing is read or parsed when one starts.
//!
//! Patterns are of bytes, not of characters, and never cross a line. `before` and `secret` are anchored one behind
//! the other; only `secret` is masked.

use super::checks::Check;

/// What is masked together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    Secrets,
    Pii,
    /// Of the Internet: IPv4 and IPv6. In nobody's default.
    Addresses,
}

impl Set {
    pub const ALL: [Set; 3] = [Set::Secrets, Set::Pii, Set::Addresses];

    /// The name by which policy asks for it (`@mask("pii")`), one of [`crate::model::MASK_SETS`].
    pub fn name(self) -> &'static str {
        match self {
            Set::Secrets => "secrets",
            Set::Pii => "pii",
            Set::Addresses => "addresses",
        }
    }

    pub fn by_name(name: &str) -> Option<Set> {
        Set::ALL.into_iter().find(|set| set.name() == name)
    }
}

/// What may stand right before the place where a rule is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Any,
    /// No letter, digit, underscore or hyphen: a word begins.
    NoWord,
}

/// Where a rule is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Where its word begins.
    Trigger,
    /// Where the run of letters, digits and `._%+-` begins in which its word stands (the local part of an address).
    Word,
    /// So many bytes before its word.
    Back(usize),
}

pub struct Rule {
    /// As the mark says it, in kebab case.
    pub kind: &'static str,
    pub set: Set,
    /// Lower case; in the text, either case. None: wherever a number begins.
    pub words: &'static [&'static str],
    pub edge: Before,
    pub at: At,
    /// What must stand before the secret, from the word on.
    pub before: &'static str,
    pub secret: &'static str,
    pub check: Check,
}

impl Rule {
    /// Whether so long a find is one wherever it stands, also among bytes of no text: what an issuer's form tells, not
    /// a name beside it, and no chance makes.
    pub fn is_firm(&self, length: usize) -> bool {
        const HEADER: usize = 64;
        let least = if self.kind == PRIVATE_KEY { HEADER } else { 20 };
        self.set == Set::Secrets && self.before.is_empty() && length >= least
    }
}

/// The kind of a key in PEM, which [`super::keys`] follows over lines.
pub const PRIVATE_KEY: &str = "private-key";

pub const RULES: &[Rule] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Texts with what is masked between « and », and texts that stay; as many as there are rules.
#[cfg(test)]
pub const EXAMPLES: &[(&[&str], &[&str])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));
