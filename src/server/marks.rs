//! What the pseudonyms in marks are made with: one key of the server's, from which each login gets its own.
//!
//! So a value has the same mark in all that one login runs, and rows of two commands can be joined. The key that a shim
//! is given is no secret to its agent, which could print a guess and compare in any case; it says nothing about what
//! others were shown.

use std::path::Path;

use aws_lc_rs::hmac;

use crate::model::{Decision, Pseudonyms, Secret, Subject};

/// Bytes of the key.
const LONG: usize = 32;

pub struct Marks(hmac::Key);

impl Marks {
    /// Takes the key from the file, or makes one. Servers that share a store share it too, or a login has other marks on
    /// each.
    pub fn open(path: &Path) -> Result<Marks, super::Error> {
        let made = || {
            let mut made = vec![0; LONG];
            getrandom::fill(&mut made).ok().map(|()| made)
        };
        super::key_file(path, made, |key| (key.len() >= LONG).then(|| Marks(hmac::Key::new(hmac::HMAC_SHA256, key))))
    }

    /// The login's own, where a command is allowed whose marks have pseudonyms that last.
    pub fn of(&self, who: &Subject, decision: &Decision) -> Option<Pseudonyms> {
        let Decision::Allow(terms) = decision else { return None };
        let last = !terms.masks.is_empty() && !terms.masking.pseudonyms_of_a_run;
        last.then(|| Pseudonyms(Secret::new(hmac::sign(&self.0, who.id.as_bytes()).as_ref().to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SubjectKind, Terms};

    #[test]
    fn a_login_keeps_its_pseudonyms_and_has_them_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks.key");
        let who =
            |id: &str| Subject { id: id.to_owned(), name: String::new(), kind: SubjectKind::Machine, groups: vec![] };
        let terms =
            |masks: &[&str]| Terms { masks: masks.iter().map(|set| (*set).to_owned()).collect(), ..Terms::default() };
        let pii = Decision::Allow(terms(&["pii"]));
        let key = |marks: &Marks, id: &str| marks.of(&who(id), &pii).map(|key| key.0.expose().to_vec());
        let first = Marks::open(&path).unwrap();
        let again = Marks::open(&path).unwrap();
        assert_eq!(key(&first, "ada"), key(&again, "ada"));
        assert_ne!(key(&first, "ada"), key(&first, "grace"));
        assert!(first.of(&who("ada"), &Decision::Allow(terms(&[]))).is_none());
        let mut run = terms(&["pii"]);
        run.masking.pseudonyms_of_a_run = true;
        assert!(first.of(&who("ada"), &Decision::Allow(run)).is_none());
        std::fs::write(&path, b"short").unwrap();
        assert!(Marks::open(&path).is_err());
    }
}
