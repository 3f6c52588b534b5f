//! Proof that terms were accepted. Nothing runs without one, and this is the only place that makes one.

use crate::model::{ApprovalTicket, Decision, Grant, Pseudonyms, Refusal, RefusalKind, Terms};
use crate::redact::{MarkKey, Redactor, Settings, UnknownSet, known_sets};

/// An allowance whose terms this program can keep.
pub struct Permit {
    terms: Terms,
    /// What pseudonyms that last are made with.
    marks: Option<Pseudonyms>,
}

/// What a decision comes to.
pub enum Answer {
    Permit(Permit),
    Wait(ApprovalTicket),
    Refused(Refusal),
    /// Allowed, on terms that this program cannot keep.
    NotTaken(Refusal),
}

/// Names each arm: a decision that is not understood has already failed to parse.
pub fn answer(decision: Decision, marks: Option<Pseudonyms>) -> Answer {
    match decision {
        Decision::Allow(terms) => match known_sets(&terms.masks) {
            Ok(()) => Answer::Permit(Permit { terms, marks }),
            Err(unknown) => Answer::NotTaken(cannot_enforce(&unknown)),
        },
        Decision::Ask(ticket) => Answer::Wait(ticket),
        Decision::Deny(refusal) => Answer::Refused(refusal),
    }
}

/// What is masked on each stream of one run.
pub struct Lenses {
    pub output: Redactor,
    pub error: Redactor,
    /// Where the input is recorded.
    pub input: Option<Redactor>,
}

impl Permit {
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The mask sets of the terms, and the secrets that were lent.
    pub fn lenses(&self, grants: &[Grant]) -> Result<Lenses, Refusal> {
        lenses(&self.terms, self.marks.as_ref(), grants).map_err(|unknown| cannot_enforce(&unknown))
    }
}

fn lenses(terms: &Terms, marks: Option<&Pseudonyms>, grants: &[Grant]) -> Result<Lenses, UnknownSet> {
    let secrets: Vec<_> = grants.iter().map(|grant| &grant.secret).collect();
    let settings = Settings { sets: &terms.masks, secrets: &secrets };
    let output = Redactor::with(&settings, &terms.masking)?;
    // Without randomness marks have no pseudonyms; they mask all the same.
    let key = marks.map_or_else(MarkKey::random, |marks| Some(MarkKey::new(marks.0.expose())));
    let output = match key {
        Some(key) => output.keyed(key),
        None => output,
    };
    let input = terms.record_stdin.then(|| output.again());
    Ok(Lenses { error: output.again().noting(), output: output.noting(), input })
}

fn cannot_enforce(unknown: &UnknownSet) -> Refusal {
    Refusal {
        kind: RefusalKind::CannotEnforce,
        what: "a command whose output cannot be masked as policy asks".to_owned(),
        why: unknown.to_string(),
        hint: Some("upgrade the shims".to_owned()),
        policies: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};
    use crate::model::{Decision, Terms};

    #[test]
    fn terms_that_cannot_be_kept_are_no_permit() {
        let masks = |name: &str| Terms { masks: vec![name.to_owned()], ..Terms::default() };
        assert!(matches!(answer(Decision::Allow(masks("secrets")), None), Answer::Permit(_)));
        assert!(matches!(answer(Decision::Allow(masks("no such set")), None), Answer::NotTaken(_)));
        assert!(serde_json::from_str::<Decision>(r#"{"decision":"allow","sandbox":true}"#).is_err());
    }
}
