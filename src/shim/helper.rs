//! The credential helper that git is told of.

/// The name by which the shim is linked for it, beside the shim.
pub const NAME: &str = "git-credential-portcullis";
