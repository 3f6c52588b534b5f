//! The one file that a shim reads: `PREFIX/etc/portcullis/shim.json`. Written by `portcullis pin`, owned by root (or by
//! whoever owns the shim), so that nothing the agent can write says which program is the real one.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Digest;

/// The file's `version`; a shim takes no other.
pub const VERSION: u32 = 1;

/// Where the file is below the prefix.
pub const FILE: &str = "etc/portcullis/shim.json";

/// Where the shims of a tool's own programs are, below the folder of the shim: one folder each, by the tool's name.
pub const OWN: &str = "own";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    pub version: u32,
    /// The keeper's socket.
    pub keeper: PathBuf,
    /// The real programs by tool name.
    #[serde(default)]
    pub tools: BTreeMap<String, PinnedTool>,
}

/// One real program, as it was when it was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedTool {
    /// Absolute.
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    /// The change time (stat(2) st_ctim), in nanoseconds since 1970.
    pub ctime: i64,
    pub sha256: Digest,
    /// What it said to questions whose answer is the program's own (`Tool::constants`), by their words.
    #[serde(default)]
    pub said: BTreeMap<String, String>,
}

impl PinnedTool {
    pub fn of(path: PathBuf, metadata: &Metadata, sha256: Digest) -> Self {
        PinnedTool {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            ctime: ctime(metadata),
            sha256,
            said: BTreeMap::new(),
        }
    }

    /// Whether the file is still the one that was pinned, without reading it: only root can set a change time back.
    pub fn matches(&self, metadata: &Metadata) -> bool {
        self.device == metadata.dev()
            && self.inode == metadata.ino()
            && self.size == metadata.size()
            && self.ctime == ctime(metadata)
    }
}

fn ctime(metadata: &Metadata) -> i64 {
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::{PinnedTool, Pins};
    use crate::model::Digest;

    #[test]
    fn a_tool_that_was_replaced_does_not_match_its_pin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        std::fs::write(&path, "one").unwrap();
        let pin = PinnedTool::of(path.clone(), &path.metadata().unwrap(), Digest::of(b"one"));
        assert!(pin.matches(&path.metadata().unwrap()));
        let other = folder.path().join("other");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!pin.matches(&path.metadata().unwrap()));
    }

    #[test]
    fn a_pins_file_with_a_key_that_is_not_known_is_not_taken() {
        assert!(serde_json::from_str::<Pins>(r#"{"version":1,"keeper":"/k","tools":{}}"#).is_ok());
        assert!(serde_json::from_str::<Pins>(r#"{"version":1,"keeper":"/k","bypass":true}"#).is_err());
    }
}
