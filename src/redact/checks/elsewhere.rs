//! What stands where a secret would and says that it is elsewhere: encrypted, covered, kept by another.

use super::random::{key, uuid};

/// What AWS's documents write where a key would be: `AKIAIOSFODNN7EXAMPLE`.
pub fn example(found: &[u8]) -> bool {
    found.ends_with(b"EXAMPLE") || found.ends_with(b"EXAMPLEKEY")
}

/// What Bitnami's sealed-secrets encrypts: the length of its session key, 512 bytes, and what only the cluster reads.
pub fn sealed(found: &[u8]) -> bool {
    found.len() >= 64 && matches!(found, [b'A', b'g', b'A'..=b'D', ..])
}

/// Masked by another: `ghp_****`, bullets.
pub fn covered(found: &[u8]) -> bool {
    let has = |sign: &str| memchr::memmem::find(found, sign.as_bytes()).is_some();
    has("****") || has("\u{2022}\u{2022}\u{2022}") || has("\u{25cf}\u{25cf}\u{25cf}")
}

/// Where a secret is kept, or what its keeper encrypted: `vault:secret/data/db#password`, `op://Prod/db/password`.
const REFERENCES: &[&[u8]] = &[
    b"vault:",
    b"ref+",
    b"op://",
    b"ssm:",
    b"awssm:",
    b"gcpsm:",
    b"sm://",
    b"secret://",
    b"secretref:",
    b"env:",
    b"file:",
    b"arn:aws",
    b"projects/",
    b"keyring:",
];

/// YAML's tags of what is put in later: CloudFormation, Ansible, GitLab.
const TAGS: &[&[u8]] = &[
    b"!Sub",
    b"!Ref",
    b"!GetAtt",
    b"!ImportValue",
    b"!Join",
    b"!Select",
    b"!FindInMap",
    b"!If",
    b"!Base64",
    b"!reference",
    b"!secret",
    b"!env",
    b"!env_var",
    b"!include",
    b"!unsafe",
    b"!!binary",
    b"!!str",
];

/// An address of a page, with nothing in it that looks drawn: `[OAuth 2.0]: https://…/OAuth2Login`.
pub fn page(found: &[u8]) -> bool {
    let drawn = |part: &[u8]| part.len() >= 16 && (key(part) || uuid(part));
    (found.starts_with(b"https://") || found.starts_with(b"http://"))
        && !found.contains(&b'@')
        && !found[8..].split(|b| matches!(b, b'/' | b'?' | b'=' | b'&' | b'#')).any(drawn)
}

pub fn kept(found: &[u8]) -> bool {
    REFERENCES.iter().any(|scheme| found.starts_with(scheme))
}

pub fn tagged(found: &[u8]) -> bool {
    TAGS.contains(&found)
}
