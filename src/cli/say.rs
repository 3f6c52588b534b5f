//! How a command says that it failed: what, why, what next. Never a stack trace.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use crate::keeper::Trouble;
use crate::wire::frames::Failure;

/// A failure in the three parts of every message of ours.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Complaint {
    pub what: String,
    pub why: String,
    pub hint: Option<String>,
}

impl Complaint {
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Complaint { what: what.into(), why: why.into(), hint: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Complaint { hint: Some(hint.into()), ..self }
    }

    pub fn trouble(what: impl Into<String>, trouble: &Trouble) -> Self {
        Complaint { what: what.into(), why: trouble.to_string(), hint: trouble.hint() }
    }
}

impl From<Failure> for Complaint {
    fn from(Failure { what, why, hint }: Failure) -> Self {
        Complaint { what, why, hint }
    }
}

/// Says it on standard error and gives the exit code. A reader that went away (`portcullis … | head`) is no failure.
pub fn failed(error: &anyhow::Error, as_json: bool) -> ExitCode {
    if error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_pipe)) {
        return ExitCode::SUCCESS;
    }
    let (what, why, hint) = match error.downcast_ref::<Complaint>() {
        Some(complaint) => (complaint.what.clone(), complaint.why.clone(), complaint.hint.clone()),
        None => {
            let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
            (error.to_string(), causes.join(": "), None)
        }
    };
    if as_json {
        eprintln!("{}", json!({ "failed": what, "why": why, "hint": hint }));
        return ExitCode::FAILURE;
    }
    eprintln!("portcullis: failed: {what}");
    if !why.is_empty() {
        eprintln!("portcullis: why: {why}");
    }
    if let Some(hint) = hint {
        eprintln!("portcullis: hint: {hint}");
    }
    ExitCode::FAILURE
}

fn is_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
