//! Files -> [`PolicySet`]. Refuses whatever could not be meant: a policy without a name, an annotation or an action that
//! does not exist, a condition that can never hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{PolicyId, Schema, ValidationMode, Validator};

use super::masks::Masks;
use super::rule::{Rule, Rules};
use super::{PolicySet, doubts};
use crate::model::Digest;

/// The schema of every tool's operations. The doubts are added from their list.
const SCHEMA: &str = include_str!("portcullis.cedarschema");

/// What holds until somebody writes policies: `portcullis-server` without a folder.
const SHIPPED: &[(&str, &str)] =
    &[("shipped.cedar", include_str!("shipped.cedar")), ("masks.toml", include_str!("shipped-masks.toml"))];

/// The file with the columns of the mask sets.
const MASKS: &str = "masks.toml";

/// Why a set of policies is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    pub file: String,
    /// Counted from 1; absent where the whole file is meant.
    pub line: Option<usize>,
    /// In characters, counted from 1.
    pub column: Option<usize>,
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.why)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// The schema, parsed once; the error is a mistake in this program.
pub(super) fn schema() -> Result<&'static Schema, &'static str> {
    static PARSED: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
        let text = format!("{SCHEMA}\n{}", doubts::schema());
        Schema::from_cedarschema_str(&text).map(|(schema, _)| schema).map_err(|error| error.to_string())
    });
    PARSED.as_ref().map_err(String::as_str)
}

impl PolicySet {
    /// Reads `(name, text)` of each file: any number of `*.cedar`, and `masks.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place. Nothing is loaded in part.
    pub fn load(files: &[(String, String)]) -> Result<PolicySet, LoadError> {
        let schema = schema().map_err(|why| LoadError::whole("portcullis.cedarschema", why))?;
        let mut set = PolicySet::nothing(digest(files));
        let mut places = BTreeMap::new();
        for (name, text) in files {
            if name.ends_with(".cedar") {
                set.add_file(name, text, &mut places)?;
            } else if name.rsplit('/').next() == Some(MASKS) {
                set.masks.add(name, text)?;
            } else {
                let why = "is neither a policy (*.cedar) nor masks.toml";
                return Err(LoadError::whole(name, why));
            }
        }
        let validator = Validator::new(schema.clone());
        for half in [&set.permits, &set.forbids] {
            validate(&validator, half, &places)?;
        }
        Ok(set)
    }

    /// The policies that hold where nobody wrote any.
    pub fn shipped() -> PolicySet {
        let files: Vec<_> = SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        // A test holds that they load. Were they broken, nothing would be permitted.
        Self::load(&files).unwrap_or_else(|_| PolicySet::nothing(digest(&files)))
    }

    fn nothing(digest: Digest) -> PolicySet {
        PolicySet {
            permits: cedar_policy::PolicySet::new(),
            forbids: cedar_policy::PolicySet::new(),
            rules: Rules::new(),
            masks: Masks::default(),
            digest,
        }
    }

    fn add_file<'a>(
        &mut self,
        name: &'a str,
        text: &'a str,
        places: &mut BTreeMap<String, Place<'a>>,
    ) -> Result<(), LoadError> {
        let parsed = text.parse::<cedar_policy::PolicySet>().map_err(|error| {
            let whole = Place { file: name, text, offset: 0 };
            whole.error_of(
                &DetailedError::from(&error),
                Some("see https://docs.cedarpolicy.com/policies/syntax-policy.html"),
            )
        })?;
        if let Some(template) = parsed.templates().next() {
            let place = Place::of(name, text, &template.to_cedar());
            return Err(place.error(
                "a template (?principal, ?resource) is never linked",
                Some("name the principal or the resource"),
            ));
        }
        for policy in parsed.policies() {
            let place = Place::of(name, text, &policy.to_cedar().unwrap_or_default());
            let rule = Rule::read(policy)
                .map_err(|why| place.error(&why, Some("the annotations are @id @reason @hint @approval @approvers @expires on a forbid, @id @reason @hint @mask @limit @record @grant on a permit")))?;
            if let Some(first) = places.get(&rule.id) {
                let why =
                    format!("a second policy has @id({:?}); the first is in {}:{}", rule.id, first.file, first.line());
                return Err(place.error(&why, Some("give each its own name")));
            }
            let half = if rule.permits { &mut self.permits } else { &mut self.forbids };
            half.add(policy.new_id(PolicyId::new(&rule.id))).map_err(|error| place.error(&error.to_string(), None))?;
            places.insert(rule.id.clone(), place);
            self.rules.insert(rule.id.clone(), rule);
        }
        Ok(())
    }
}

/// Errors of the validator, and its warnings too: a forbid that can never hold is a control that is silently off.
fn validate(
    validator: &Validator,
    policies: &cedar_policy::PolicySet,
    places: &BTreeMap<String, Place<'_>>,
) -> Result<(), LoadError> {
    let result = validator.validate(policies, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), DetailedError::from(error)));
    let warnings = result.validation_warnings().map(|warning| (warning.policy_id(), DetailedError::from(warning)));
    let hint = "the actions, resources and context are those of portcullis.cedarschema";
    match errors.chain(warnings).next() {
        None => Ok(()),
        Some((id, error)) => {
            let id: &str = id.as_ref();
            Err(places.get(id).map_or_else(|| LoadError::whole(id, &error.message), |p| p.error_of(&error, Some(hint))))
        }
    }
}

fn digest(files: &[(String, String)]) -> Digest {
    let mut parts: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    parts.sort_unstable();
    let doubts = doubts::schema();
    parts.push(("schema", SCHEMA));
    parts.push(("doubts", &doubts));
    let mut bytes = Vec::new();
    for part in parts.into_iter().flat_map(|(name, text)| [name, text]) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Digest::of(&bytes)
}

/// Where a policy stands.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    text: &'a str,
    /// In bytes, of the policy's first.
    offset: usize,
}

impl<'a> Place<'a> {
    /// The place of the policy whose source is `source`, a slice of `text` by value.
    fn of(file: &'a str, text: &'a str, source: &str) -> Self {
        Place { file, text, offset: text.find(source).unwrap_or(0) }
    }

    fn line(&self) -> usize {
        position(self.text, self.offset).0
    }

    fn error(&self, why: &str, hint: Option<&str>) -> LoadError {
        self.error_at(self.offset, why, hint)
    }

    /// Cedar's own error, at the place that it points to.
    fn error_of(&self, error: &DetailedError, hint: Option<&str>) -> LoadError {
        let offset = error.source_locations.first().map_or(self.offset, |label| label.loc.start);
        self.error_at(offset, &error.message, error.help.as_deref().or(hint))
    }

    fn error_at(&self, offset: usize, why: &str, hint: Option<&str>) -> LoadError {
        let (line, column) = position(self.text, offset);
        LoadError {
            file: self.file.to_owned(),
            line: Some(line),
            column: Some(column),
            why: one_line(why),
            hint: hint.map(one_line),
        }
    }
}

impl LoadError {
    pub(super) fn whole(file: &str, why: &str) -> Self {
        LoadError { file: file.to_owned(), line: None, column: None, why: one_line(why), hint: None }
    }

    pub(super) fn at(file: &str, text: &str, offset: usize, why: &str, hint: Option<&str>) -> Self {
        Place { file, text, offset }.error(why, hint)
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
