//! Puts Cedar's answers together. Every operation and every doubt must come out permitted.
//!
//! For each, in this order: an error in any policy denies; a determining forbid without `@approval` denies; no permit
//! denies; forbids that all carry `@approval` ask; else it is allowed. The permits are asked apart from the forbids,
//! which is the same as asking again with the forbids lifted: so an approval never opens what nothing permits, and a
//! permit never skips an approval.

use serde::Serialize;

use cedar_policy::{AuthorizationError, Authorizer, Schema};

use super::request::CedarRequest;
use super::rule::Rule;
use super::{Need, PolicySet, Question, Verdict, doubts, load, request, words};
use crate::model::{Doubt, Effect, Operation, Refusal, RefusalKind, Resource, Terms, visible};

/// More operations than this are not weighed one by one; nobody could read the approval either.
const MOST: usize = 5_000;

/// What each policy said about a command, step by step.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// `allow`, `ask` or `deny`.
    pub verdict: &'static str,
    pub steps: Vec<Step>,
}

/// One operation or doubt, and what decided it.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// For a human: `git push to main of github.com/acme/app`.
    pub what: String,
    /// `git.push`, or `doubt unknown_option`.
    pub action: String,
    pub doubt: bool,
    pub outcome: Outcome,
    /// Permits that hold for it, by `@id`.
    pub permits: Vec<String>,
    /// Forbids that hold for it and that nobody can lift.
    pub forbids: Vec<String>,
    /// Forbids that hold for it until humans lift them.
    pub lifted_by_approval: Vec<String>,
    /// Policies that failed, each with why.
    pub errors: Vec<(String, String)>,
    /// What Cedar was asked; null where the question did not fit the schema.
    pub request: Option<CedarRequest>,
}

/// How one operation or doubt comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Allowed,
    NeedsApproval,
    Forbidden,
    NotPermitted,
    /// A policy failed, or the schema has no room for what was read.
    Failed,
}

/// One thing that was asked, and Cedar's answer.
struct Answer<'a> {
    what: String,
    subject: Asked,
    permits: Vec<&'a Rule>,
    forbids: Vec<&'a Rule>,
    /// `(policy, why)`; the policy is empty where the question itself was at fault.
    errors: Vec<(String, String)>,
    request: Option<request::Asked>,
}

enum Asked {
    Operation(Box<Operation>),
    Doubt(Doubt),
}

impl PolicySet {
    /// The policies' verdict. Never fails: whatever goes wrong is a [`Verdict::Deny`] that says so.
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        if question.reading.operations.len() + question.reading.doubts.len() > MOST {
            return Verdict::Deny(Refusal {
                kind: RefusalKind::CannotEnforce,
                what: words::line(question.invocation),
                why: format!("it does more than {MOST} things at once"),
                hint: Some("split it into several commands".to_owned()),
                policies: Vec::new(),
            });
        }
        let answers = self.answers(question);
        match worst(&answers) {
            Some(answer) => Verdict::Deny(answer.refusal(question)),
            None => {
                unmasked(&answers).map_or_else(|| self.masked(permitted(&answers, question), question), Verdict::Deny)
            }
        }
    }

    /// Adds what operators mask beside the sets, and what they want marks to look like.
    fn masked(&self, mut verdict: Verdict, question: &Question<'_>) -> Verdict {
        if let Verdict::Allow { terms, .. } | Verdict::Ask { terms, .. } = &mut verdict
            && !terms.unrecorded
        {
            terms.masking = self.masks.holding(&terms.masks, &question.reading.operations);
        }
        verdict
    }

    /// What every policy said about each operation and doubt, for `portcullis policy explain`.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let verdict = match self.decide(question) {
            Verdict::Allow { .. } => "allow",
            Verdict::Ask { .. } => "ask",
            Verdict::Deny(_) => "deny",
        };
        let steps = self.answers(question).into_iter().map(Answer::into_step).collect();
        Explanation { verdict, steps }
    }

    fn answers(&self, question: &Question<'_>) -> Vec<Answer<'_>> {
        let schema = match load::schema() {
            Ok(schema) => schema,
            Err(why) => {
                let mut answer = Answer::of(Asked::Operation(Box::new(nothing(question))), question);
                answer.errors.push((String::new(), why.to_owned()));
                return vec![answer];
            }
        };
        let mut answers = Vec::new();
        for operation in &question.reading.operations {
            self.answer_operation(schema, question, operation.clone(), &mut answers);
        }
        for doubt in &question.reading.doubts {
            answers.push(self.answer_doubt(schema, question, doubt));
        }
        if answers.is_empty() {
            self.answer_operation(schema, question, nothing(question), &mut answers);
        }
        answers
    }

    /// Pushes the answer to an operation, and to the disclosure that it implies.
    fn answer_operation<'a>(
        &'a self,
        schema: &Schema,
        question: &Question<'_>,
        operation: Operation,
        answers: &mut Vec<Answer<'a>>,
    ) {
        let asked = request::operation(schema, question, &operation);
        let mut answer = Answer::of(Asked::Operation(Box::new(operation.clone())), question);
        self.ask(asked, &mut answer);
        let masks: Vec<String> = answer.permits.iter().flat_map(|rule| rule.obligations.masks.clone()).collect();
        answers.push(answer);
        if let Some(disclosure) = self.masks.disclosed(&operation, &masks) {
            let asked = request::operation(schema, question, &disclosure);
            let mut answer = Answer::of(Asked::Operation(Box::new(disclosure)), question);
            self.ask(asked, &mut answer);
            answers.push(answer);
        }
    }

    fn answer_doubt(&self, schema: &Schema, question: &Question<'_>, doubt: &Doubt) -> Answer<'_> {
        let mut answer = Answer::of(Asked::Doubt(doubt.clone()), question);
        // No policy can name a kind that is not in the list, so nothing permits it.
        if doubts::known(&doubt.kind) {
            self.ask(request::doubt(schema, question, doubt), &mut answer);
            // `permit (principal, action, resource)` means every operation; it does not mean every doubt.
            answer.permits.retain(|rule| rule.names_actions);
        }
        answer
    }

    fn ask<'a>(&'a self, asked: Result<request::Asked, String>, answer: &mut Answer<'a>) {
        let asked = match asked {
            Ok(asked) => asked,
            Err(why) => return answer.errors.push((String::new(), why)),
        };
        let authorizer = Authorizer::new();
        for half in [&self.permits, &self.forbids] {
            let response = authorizer.is_authorized(&asked.request, half, &asked.entities);
            for id in response.diagnostics().reason() {
                let id: &str = id.as_ref();
                match self.rules.get(id) {
                    Some(rule) if rule.permits => answer.permits.push(rule),
                    Some(rule) => answer.forbids.push(rule),
                    None => {
                        answer.errors.push((id.to_owned(), "it is not among the policies that were loaded".to_owned()))
                    }
                }
            }
            for AuthorizationError::PolicyEvaluationError(error) in response.diagnostics().errors() {
                let id: &str = error.policy_id().as_ref();
                answer.errors.push((id.to_owned(), error.inner().to_string()));
            }
        }
        answer.request = Some(asked);
        // Cedar's sets have no order; words and records have.
        answer.permits.sort_by(|a, b| a.id.cmp(&b.id));
        answer.forbids.sort_by(|a, b| a.id.cmp(&b.id));
        answer.errors.sort();
    }
}

/// A line that does nothing (`--version`, or the tool refuses it) is still a run of the tool, and needs its permit.
fn nothing(question: &Question<'_>) -> Operation {
    let tool = &question.invocation.tool;
    Operation::new("tool.info", Effect::Read, Resource::new("Program", tool).with("command", tool.as_str()))
        .with("claimed", false)
}

/// The answer that refuses the line, where one does: the one that is said to the agent.
fn worst<'s, 'a>(answers: &'s [Answer<'a>]) -> Option<&'s Answer<'a>> {
    [Outcome::Failed, Outcome::Forbidden, Outcome::NotPermitted]
        .into_iter()
        .find_map(|outcome| answers.iter().find(|answer| answer.outcome() == outcome))
}

/// What passes the gate is masked; what a tool writes into a file by itself does not pass it. So where something that is
/// read has to be masked beyond secrets, the line may not write files. `secrets` hold for every line there is, and would
/// keep every tool from writing.
fn unmasked(answers: &[Answer<'_>]) -> Option<Refusal> {
    let writes = |answer: &&Answer<'_>| match &answer.subject {
        Asked::Operation(operation) => operation.action == "file.write",
        Asked::Doubt(_) => false,
    };
    let written = answers.iter().find(writes)?;
    let masked = |answer: &Answer<'_>| {
        answer.permits.iter().any(|rule| rule.obligations.masks.iter().any(|set| set != "secrets"))
    };
    let rule = answers.iter().filter(|answer| !writes(answer) && masked(answer)).flat_map(|answer| &answer.permits);
    let policies: Vec<String> = rule.map(|rule| rule.id.clone()).collect();
    (!policies.is_empty()).then(|| Refusal {
        kind: RefusalKind::CannotEnforce,
        what: written.what.clone(),
        why: "policy masks what this command reads, and a file that it writes itself cannot be masked".to_owned(),
        hint: Some("leave the file out and redirect the standard output: > FILE".to_owned()),
        policies,
    })
}

/// Allow or ask: every answer has a permit, and no forbid that cannot be lifted.
fn permitted(answers: &[Answer<'_>], question: &Question<'_>) -> Verdict {
    let mut terms = Terms { masks: vec!["secrets".to_owned()], ..Terms::default() };
    let mut permits = Vec::new();
    let rules = answers.iter().flat_map(|answer| &answer.permits);
    let unrecorded = rules.clone().count() > 0 && rules.clone().all(|rule| rule.obligations.unrecorded);
    let mut needs: Vec<Need> = Vec::new();
    for answer in answers {
        for rule in &answer.permits {
            unite(&mut terms, rule);
            permits.push(rule.id.clone());
        }
        for rule in &answer.forbids {
            if let Some(approval) = &rule.approval
                && needs.iter().all(|need| need.policy != rule.id)
            {
                needs.push(Need {
                    groups: approval.groups.clone(),
                    approvers: approval.approvers,
                    expires_seconds: approval.expires_seconds,
                    policy: rule.id.clone(),
                    reason: rule.reason.clone(),
                });
            }
        }
    }
    for list in [&mut terms.masks, &mut terms.grants, &mut permits] {
        list.sort();
        list.dedup();
    }
    // Where the line's own programs were read and permitted, they may run beside the credential.
    let programs = question.reading.operations.iter().any(|operation| operation.action == "program.run");
    terms.quiet_programs = !terms.grants.is_empty() && !programs;
    // What humans were asked about is recorded, whatever the permits say.
    if unrecorded && needs.is_empty() {
        terms = Terms { unrecorded, ..Terms::default() };
    }
    if needs.is_empty() {
        return Verdict::Allow { terms, policies: permits };
    }
    needs.sort_by(|a, b| a.policy.cmp(&b.policy));
    let policies = needs.iter().map(|need| need.policy.clone()).collect();
    Verdict::Ask { terms, needs, policies }
}

/// Adds a permit's obligations; the stricter wins.
fn unite(terms: &mut Terms, rule: &Rule) {
    let more = &rule.obligations;
    terms.masks.extend(more.masks.iter().cloned());
    terms.grants.extend(more.grants.iter().cloned());
    terms.record_stdin |= more.record_stdin;
    terms.limit_seconds = match (terms.limit_seconds, more.limit_seconds) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
}

impl Answer<'_> {
    fn of<'a>(subject: Asked, question: &Question<'_>) -> Answer<'a> {
        let what = match &subject {
            Asked::Operation(operation) => words::operation(&question.invocation.tool, operation),
            Asked::Doubt(_) => words::line(question.invocation),
        };
        Answer { what, subject, permits: Vec::new(), forbids: Vec::new(), errors: Vec::new(), request: None }
    }

    fn outcome(&self) -> Outcome {
        if !self.errors.is_empty() {
            Outcome::Failed
        } else if self.forbids.iter().any(|rule| rule.approval.is_none()) {
            Outcome::Forbidden
        } else if self.permits.is_empty() {
            Outcome::NotPermitted
        } else if !self.forbids.is_empty() {
            Outcome::NeedsApproval
        } else {
            Outcome::Allowed
        }
    }

    fn refusal(&self, question: &Question<'_>) -> Refusal {
        let what = self.what.clone();
        if let Some((policy, why)) = self.errors.first() {
            return self.failed(what, policy, why);
        }
        if let Some(rule) = self.forbids.iter().find(|rule| rule.approval.is_none()) {
            let reason = rule.reason.as_deref().unwrap_or("it");
            return Refusal {
                kind: RefusalKind::Forbidden,
                what,
                why: format!("policy {} forbids {reason}", rule.id),
                hint: rule.hint.clone(),
                policies: self.forbids.iter().filter(|r| r.approval.is_none()).map(|r| r.id.clone()).collect(),
            };
        }
        let (kind, why, hint) = match &self.subject {
            Asked::Operation(operation) => {
                let on = visible::line(operation.resource.id.as_bytes(), words::LONGEST);
                let why = format!("no policy permits {} on {on}", visible::line(operation.action.as_bytes(), 60));
                (RefusalKind::NotPermitted, why, "ask whoever owns the policies to permit it; do not try another way")
            }
            Asked::Doubt(doubt) => {
                let tool = &question.invocation.tool;
                let why = format!("cannot tell what {tool} would do: {}", words::doubt(doubt));
                (RefusalKind::Doubt, why, "write it so that it can be read: no aliases, plug-ins or unread files")
            }
        };
        Refusal { kind, what, why, hint: Some(hint.to_owned()), policies: Vec::new() }
    }

    fn failed(&self, what: String, policy: &str, why: &str) -> Refusal {
        let why = visible::line(why.as_bytes(), words::LONGEST);
        let (why, policies) = match policy {
            "" => (format!("the policies cannot be asked about it: {why}"), Vec::new()),
            policy => (format!("policy {policy} failed to evaluate: {why}"), vec![policy.to_owned()]),
        };
        let hint = Some("whoever owns the policies must repair this; nothing of the kind runs until then".to_owned());
        Refusal { kind: RefusalKind::PolicyError, what, why, hint, policies }
    }

    fn into_step(self) -> Step {
        let outcome = self.outcome();
        let ids = |rules: &mut dyn Iterator<Item = &&Rule>| rules.map(|rule| rule.id.clone()).collect();
        Step {
            doubt: matches!(self.subject, Asked::Doubt(_)),
            action: match &self.subject {
                Asked::Operation(operation) => visible::line(operation.action.as_bytes(), 60),
                Asked::Doubt(doubt) => format!("doubt {}", visible::line(doubt.kind.as_bytes(), 60)),
            },
            what: match &self.subject {
                Asked::Operation(_) => self.what,
                Asked::Doubt(doubt) => words::doubt(doubt),
            },
            outcome,
            permits: ids(&mut self.permits.iter()),
            forbids: ids(&mut self.forbids.iter().filter(|rule| rule.approval.is_none())),
            lifted_by_approval: ids(&mut self.forbids.iter().filter(|rule| rule.approval.is_some())),
            errors: self.errors,
            request: self.request.as_ref().map(request::Asked::shown),
        }
    }
}
