//! What a reading needs from the machine beyond the command line.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Bytes;

/// Gathered on the agent's side, so all of it is *claimed*: policy may see that, and P2 keeps a lie harmless.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The tool's version (`2.47.3`), where the reading depends on it and it is known.
    #[serde(default)]
    pub version: Option<String>,
    /// Facts by name. Each tool defines its own names and shapes, and reads them back with its own types.
    #[serde(default)]
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Bytes that decide what the command does. Handed to the tool as these very bytes (P3).
    #[serde(default)]
    pub contents: Vec<Content>,
}

/// A file or a stream, snapshotted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub source: ContentSource,
    pub sha256: Digest,
    pub bytes: Bytes,
    /// The source held more than the bound; the rest was not read, so nothing may be concluded from its absence.
    #[serde(default)]
    pub truncated: bool,
}

/// Where a content came from, in the words of the line that named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentSource {
    Stdin,
    /// The path as the tool would open it (relative to the work folder, or absolute).
    File(Bytes),
}

impl Facts {
    /// The content of a file by the name the line gave it.
    pub fn file(&self, path: &[u8]) -> Option<&Content> {
        self.contents
            .iter()
            .find(|content| matches!(&content.source, ContentSource::File(name) if name.as_slice() == path))
    }

    pub fn stdin(&self) -> Option<&Content> {
        self.contents.iter().find(|content| content.source == ContentSource::Stdin)
    }

    /// A fact in the tool's own type; `None` where it is absent or has another shape.
    pub fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        self.facts.get(name).and_then(|value| T::deserialize(value).ok())
    }
}

/// A SHA-256 digest; JSON: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Digest(sha2::Sha256::digest(bytes).into())
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || digits.iter().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Digest(out))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse(&text).ok_or_else(|| de::Error::custom("not a SHA-256 digest in lower-case hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn a_digest_reads_back_and_takes_no_other_form() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse(&digest.to_string().to_uppercase()), None);
        assert_eq!(Digest::parse("+1"), None);
    }
}
