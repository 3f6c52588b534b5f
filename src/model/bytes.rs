//! Bytes as the caller gave them. Nothing is decoded until a human's eyes need it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A string of bytes that is usually text: an argument, a path, a variable's value.
///
/// JSON: a string where the bytes are UTF-8, else `{"b64":"…"}` (standard alphabet, padded). Both read back exactly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// The bytes as text, where they are text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Bytes(text.into_bytes())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// For tests and traces: escaped, never raw.
impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    b64: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => serializer.serialize_str(text),
            None => Encoded { b64: STANDARD.encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Encoded(Encoded),
        }
        match Either::deserialize(deserializer)? {
            Either::Text(text) => Ok(Bytes(text.into_bytes())),
            Either::Encoded(encoded) => STANDARD.decode(encoded.b64).map(Bytes).map_err(de::Error::custom),
        }
    }
}

/// Output of a tool before redaction. No sink takes it.
#[derive(Debug, Default)]
pub struct Raw(pub Vec<u8>);

/// Output of a tool after redaction: the only kind that a terminal or a recorder takes.
///
/// Only `redact` makes one (a test counts the callers of [`Clean::after_redaction`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clean(Vec<u8>);

impl Clean {
    pub fn after_redaction(bytes: Vec<u8>) -> Self {
        Clean(bytes)
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn text_is_a_json_string_and_anything_else_reads_back_exactly() {
        for bytes in [&b"push"[..], b"", b"\xff\xfe", "r\u{e9}sum\u{e9}".as_bytes(), b"a\0b"] {
            let json = serde_json::to_string(&Bytes::from(bytes)).unwrap();
            assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap().as_slice(), bytes, "{json}");
        }
        assert_eq!(serde_json::to_string(&Bytes::from("push")).unwrap(), r#""push""#);
        assert_eq!(serde_json::to_string(&Bytes::from(&b"\xff"[..])).unwrap(), r#"{"b64":"/w=="}"#);
    }
}
