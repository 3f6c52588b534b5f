//! What a policy says beyond Cedar: its annotations, read once, at load.
//!
//! | annotation | on | means |
//! |---|---|---|
//! | `@id("…")` | both, required | the name that refusals, approvals and the audit log use |
//! | `@reason("…")` | both | completes "policy NAME forbids …" |
//! | `@hint("…")` | both | what to do instead |
//! | `@approval("group, …")` | forbid | humans of these groups may lift it |
//! | `@approvers("2")` | forbid with approval | how many of them; 1 unless said |
//! | `@expires("30m")` | forbid with approval | how long the question stays open; 1 hour unless said |
//! | `@mask("pii, …")` | permit | mask sets; `secrets` always holds |
//! | `@limit("10m")` | permit | the command is ended after this long |
//! | `@record("stdin")` | permit | the input is recorded too |
//! | `@record("none")` | permit | nothing is recorded or masked: the shim becomes the tool. Only where every permit that lets the command through says so, and nothing else is asked of it |
//! | `@grant("name, …")` | permit | credentials that are drawn |
//!
//! Anything else fails the load: an obligation that is misspelt must not be dropped in silence.

use std::collections::BTreeMap;

use cedar_policy::{ActionConstraint, Effect, Policy};
use jiff::SignedDuration;

use crate::model::MASK_SETS;

/// Rules by the id that Cedar knows them by, which is their `@id`.
pub(super) type Rules = BTreeMap<String, Rule>;

/// How long an approval stays open where `@expires` says nothing.
const EXPIRES: u64 = 60 * 60;

/// No limit and no expiry past this: a longer one is a mistake.
const LONGEST: u64 = 30 * 24 * 60 * 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub id: String,
    pub permits: bool,
    /// Its scope names actions; a doubt is accepted only by a permit that does.
    pub names_actions: bool,
    pub reason: Option<String>,
    pub hint: Option<String>,
    pub approval: Option<Approval>,
    pub obligations: Obligations,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Approval {
    pub groups: Vec<String>,
    pub approvers: u32,
    pub expires_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Obligations {
    pub masks: Vec<String>,
    pub limit_seconds: Option<u64>,
    pub record_stdin: bool,
    pub unrecorded: bool,
    pub grants: Vec<String>,
}

impl Rule {
    /// Reads the annotations; the error says what is wrong with which one.
    pub fn read(policy: &Policy) -> Result<Rule, String> {
        let permits = policy.effect() == Effect::Permit;
        let mut rule = Rule {
            id: String::new(),
            permits,
            names_actions: policy.action_constraint() != ActionConstraint::Any,
            reason: None,
            hint: None,
            approval: None,
            obligations: Obligations::default(),
        };
        let mut approvers = None;
        let mut expires = None;
        for (name, value) in policy.annotations() {
            let wrong = |why: &str| format!("@{name}({value:?}): {why}");
            match (name, permits) {
                ("id", _) => rule.id = identifier(value).ok_or_else(|| wrong(IDENTIFIER))?,
                ("reason", _) => rule.reason = Some(said(value).ok_or_else(|| wrong("says nothing"))?),
                ("hint", _) => rule.hint = Some(said(value).ok_or_else(|| wrong("says nothing"))?),
                ("approval", false) => {
                    let groups = names(value).ok_or_else(|| wrong("names no group"))?;
                    rule.approval = Some(Approval { groups, approvers: 1, expires_seconds: EXPIRES });
                }
                ("approvers", false) => {
                    let count = value.parse::<u32>().ok().filter(|n| (1..=100).contains(n));
                    approvers = Some(count.ok_or_else(|| wrong("is not a number from 1 to 100"))?);
                }
                ("expires", false) => expires = Some(seconds(value).ok_or_else(|| wrong(DURATION))?),
                ("mask", true) => {
                    rule.obligations.masks = names(value).ok_or_else(|| wrong("names no mask set"))?;
                    // A set of another name could not be enforced.
                    if let Some(other) = rule.obligations.masks.iter().find(|set| !MASK_SETS.contains(&set.as_str())) {
                        return Err(wrong(&format!("no mask set is called {other:?}; there are {MASK_SETS:?}")));
                    }
                }
                ("limit", true) => {
                    rule.obligations.limit_seconds = Some(seconds(value).ok_or_else(|| wrong(DURATION))?);
                }
                ("record", true) if value == "stdin" => rule.obligations.record_stdin = true,
                ("record", true) if value == "none" => rule.obligations.unrecorded = true,
                ("record", true) => {
                    return Err(wrong("is neither \"stdin\" (input too) nor \"none\"; without it, output is recorded"));
                }
                ("grant", true) => {
                    rule.obligations.grants = names(value).ok_or_else(|| wrong("names no credential"))?;
                }
                ("approval" | "approvers" | "expires", true) => {
                    return Err(wrong("belongs on a forbid: it says who may lift it; a permit has nothing to lift"));
                }
                ("mask" | "limit" | "record" | "grant", false) => {
                    return Err(wrong("belongs on a permit: it says what holds while the command runs"));
                }
                _ => return Err(format!("no annotation is called @{name}")),
            }
        }
        if rule.id.is_empty() {
            return Err("this policy has no @id".to_owned());
        }
        let more = Obligations { unrecorded: false, ..rule.obligations.clone() };
        if rule.obligations.unrecorded && more != Obligations::default() {
            return Err(
                "@record(\"none\") leaves nobody to mask, to end or to lend: it goes with none of these".to_owned()
            );
        }
        match (&mut rule.approval, approvers, expires) {
            (Some(approval), approvers, expires) => {
                approval.approvers = approvers.unwrap_or(approval.approvers);
                approval.expires_seconds = expires.unwrap_or(approval.expires_seconds);
            }
            (None, None, None) => {}
            (None, _, _) => return Err("@approvers and @expires say nothing without @approval".to_owned()),
        }
        Ok(rule)
    }
}

const IDENTIFIER: &str = "an id is 1 to 80 lower-case letters, digits, '-', '_' and '.'";
const DURATION: &str = "is not a duration from 1s to 30 days, such as \"30m\" or \"1h 30m\"";

fn identifier(text: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    ((1..=80).contains(&text.len()) && text.bytes().all(fits)).then(|| text.to_owned())
}

fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `a, b` -> `[a, b]`, sorted; `None` where there is none or an empty one.
fn names(text: &str) -> Option<Vec<String>> {
    let mut names = text.split(',').map(said).collect::<Option<Vec<_>>>()?;
    names.sort();
    names.dedup();
    Some(names)
}

fn seconds(text: &str) -> Option<u64> {
    let duration = text.parse::<SignedDuration>().ok()?;
    let seconds = u64::try_from(duration.as_secs()).ok()?;
    (duration.subsec_nanos() == 0 && (1..=LONGEST).contains(&seconds)).then_some(seconds)
}
