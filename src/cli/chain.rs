//! Verifies an audit log against its own chain, its signed head, and what was seen the last time.

use std::fs;
use std::io;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::keeper::write_private;
use crate::model::Digest;
use crate::wire::contract::{AuditEntry, AuditHead};

/// What a person keeps of a log, so that another log cannot take its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    key: String,
    seq: i64,
    hash: Digest,
}

/// The first thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {0} does not follow from the one before it")]
    Chain(i64),
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("the newest entry is not the one that the signed head names")]
    Head,
    #[error("the head's signature is not good")]
    Signature,
    #[error("the head is signed by another key than the last time")]
    Key,
    #[error("the log had {had} entries the last time and has {has} now")]
    Shortened { had: i64, has: i64 },
    #[error("entry {0} is another one than the last time")]
    Rewritten(i64),
}

impl Broken {
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Broken::Key => {
                "if the server was set up anew on purpose, remove what you remember of it: audit-*.json in ~/.local/share/portcullis"
            }
            Broken::Shortened { .. } | Broken::Rewritten(_) => {
                "somebody restored or changed the server's database; keep what you have and compare"
            }
            Broken::Chain(_) | Broken::Missing(_) | Broken::Head | Broken::Signature => {
                "somebody changed the server's database; compare with a backup"
            }
        };
        Some(hint.to_owned())
    }
}

/// A log that is being read, from its first entry to its head.
pub struct Chain {
    head: AuditHead,
    remembered: Option<Remembered>,
    seq: i64,
    hash: Digest,
}

impl Chain {
    pub fn new(head: AuditHead, remembered: Option<Remembered>) -> Result<Self, Broken> {
        signature(&head).ok_or(Broken::Signature)?;
        if let Some(known) = &remembered {
            if known.key != head.key {
                return Err(Broken::Key);
            }
            if known.seq > head.seq {
                return Err(Broken::Shortened { had: known.seq, has: head.seq });
            }
        }
        Ok(Chain { head, remembered, seq: 0, hash: Digest([0; 32]) })
    }

    /// The number after which entries are wanted; `None` when the head is reached.
    pub fn wants(&self) -> Option<i64> {
        (self.seq < self.head.seq).then_some(self.seq)
    }

    /// Takes entries in order; those past the head came after it and are left for the next time.
    pub fn take(&mut self, entries: &[AuditEntry]) -> Result<(), Broken> {
        if entries.is_empty() {
            return Err(Broken::Missing(self.seq + 1));
        }
        for entry in entries.iter().take_while(|entry| entry.seq <= self.head.seq) {
            if entry.seq != self.seq + 1 {
                return Err(Broken::Missing(self.seq + 1));
            }
            let hash: [u8; 32] =
                Sha256::new().chain_update(entry.previous.0).chain_update(&entry.text).finalize().into();
            if entry.previous != self.hash || entry.hash != Digest(hash) {
                return Err(Broken::Chain(entry.seq));
            }
            (self.seq, self.hash) = (entry.seq, entry.hash);
            if self.remembered.as_ref().is_some_and(|known| known.seq == entry.seq && known.hash != entry.hash) {
                return Err(Broken::Rewritten(entry.seq));
            }
        }
        Ok(())
    }

    /// What to remember, once all of it fits.
    pub fn finish(self) -> Result<Remembered, Broken> {
        if (self.seq, self.hash) != (self.head.seq, self.head.hash) {
            return Err(Broken::Head);
        }
        Ok(Remembered { key: self.head.key, seq: self.seq, hash: self.hash })
    }
}

fn signature(head: &AuditHead) -> Option<()> {
    let signed = format!("portcullis audit head v1\n{}\n{}\n{}\n", head.seq, head.hash, head.at.0);
    let key = UnparsedPublicKey::new(&ED25519, bytes(&head.key)?);
    key.verify(signed.as_bytes(), &bytes(&head.signature)?).ok()
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hexadecimal.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

pub fn recall(path: &Path) -> io::Result<Option<Remembered>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub fn remember(path: &Path, known: &Remembered) -> io::Result<()> {
    write_private(path, &serde_json::to_vec(known)?)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::{Broken, Chain, Remembered};
    use crate::model::{Digest, Micros};
    use crate::wire::contract::{AuditEntry, AuditHead};

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn log(texts: &[&str]) -> Vec<AuditEntry> {
        let mut previous = Digest([0; 32]);
        let entries = texts.iter().zip(1..).map(|(text, seq)| {
            let hash = Digest::of(&[&previous.0[..], text.as_bytes()].concat());
            let entry = AuditEntry { seq, previous, hash, text: (*text).to_owned() };
            previous = hash;
            entry
        });
        entries.collect()
    }

    fn head(key: &Ed25519KeyPair, log: &[AuditEntry]) -> AuditHead {
        let newest = log.last().unwrap();
        let signed = format!("portcullis audit head v1\n{}\n{}\n5\n", newest.seq, newest.hash);
        let (signature, key) = (key.sign(signed.as_bytes()), key.public_key());
        let (signature, key) = (hexadecimal(signature.as_ref()), hexadecimal(key.as_ref()));
        AuditHead { seq: newest.seq, hash: newest.hash, at: Micros(5), signature, key }
    }

    fn verify(head: AuditHead, log: &[AuditEntry], known: Option<Remembered>) -> Result<Remembered, Broken> {
        let mut chain = Chain::new(head, known)?;
        while let Some(after) = chain.wants() {
            let page: Vec<AuditEntry> = log.iter().filter(|entry| entry.seq > after).take(2).cloned().collect();
            chain.take(&page)?;
        }
        chain.finish()
    }

    #[test]
    fn a_log_that_was_changed_shortened_or_signed_anew_shows() {
        let key = Ed25519KeyPair::generate().unwrap();
        let whole = log(&["a", "b", "c", "d", "e"]);
        let known = verify(head(&key, &whole), &whole, None).unwrap();

        let mut changed = whole.clone();
        changed[1].text = "B".to_owned();
        assert_eq!(verify(head(&key, &whole), &changed, None), Err(Broken::Chain(2)));
        let mut holed = whole.clone();
        holed.remove(2);
        assert_eq!(verify(head(&key, &whole), &holed, None), Err(Broken::Missing(3)));

        let short = &whole[..3];
        assert!(verify(head(&key, short), short, None).is_ok(), "alone it cannot be seen");
        let shortened = Err(Broken::Shortened { had: 5, has: 3 });
        assert_eq!(verify(head(&key, short), short, Some(known.clone())), shortened);
        let rewritten = log(&["a", "b", "c", "d", "E", "f"]);
        assert_eq!(verify(head(&key, &rewritten), &rewritten, Some(known.clone())), Err(Broken::Rewritten(5)));
        let other = Ed25519KeyPair::generate().unwrap();
        assert_eq!(verify(head(&other, &whole), &whole, Some(known)), Err(Broken::Key));

        let mut forged = head(&key, &whole);
        forged.seq = 4;
        assert_eq!(verify(forged, &whole, None), Err(Broken::Signature));
    }
}
