//! Names for the things that outlive a message.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// From a ULID's 128 bits (48 bits of milliseconds, 80 of randomness); the caller owns clock and chance.
            pub fn from_ulid(bits: u128) -> Self {
                $name(format!("{}{}", $prefix, ulid::Ulid::from(bits)))
            }

            /// Only the exact form: prefix and 26 Crockford base32 characters. Safe in a path or an address.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let ulid = ulid::Ulid::from_string(rest).ok()?;
                (ulid.to_string() == rest).then(|| $name(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(concat!("not an id that starts with ", $prefix)))
            }
        }
    };
}

id!(
    /// One run of one tool: `inv_01J9…`. Its recording, grants and audit entries carry it. Made by the shim.
    InvocationId, "inv_"
);
id!(
    /// One question put to humans: `apr_01J9…`. Made by the server.
    ApprovalId, "apr_"
);

#[cfg(test)]
mod tests {
    use super::InvocationId;

    #[test]
    fn an_id_that_could_leave_its_folder_is_no_id() {
        let id = InvocationId::from_ulid(42);
        assert_eq!(InvocationId::parse(id.as_str()), Some(id.clone()));
        for bad in
            ["", "inv_", "inv_../../etc/passwd", "apr_00000000000000000000000001", "inv_0000000000000000000000000l"]
        {
            assert_eq!(InvocationId::parse(bad), None, "{bad}");
        }
        assert!(serde_json::from_str::<InvocationId>(r#""inv_/x""#).is_err());
    }
}
