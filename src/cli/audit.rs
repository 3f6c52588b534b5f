//! `portcullis audit`: the log of every decision, listed and verified here, not by the server's word.

use std::io;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::chain::{self, Chain};
use super::person::Person;
use super::{Complaint, Global, show};
use crate::model::{Digest, InvocationId, Micros, visible};
use crate::wire::contract::{AuditHead, AuditPage, path};

/// Entries asked for at once.
const PAGE: u32 = 500;
/// Recordings that are looked at when not all are.
const SAMPLE: usize = 10;

/// Read the audit log, and prove that nothing in it was changed or left out.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  portcullis audit list --limit 20
  portcullis audit verify --recordings all

verify fetches every entry, works the chain of hashes out again, checks the signed head, and compares both with what it
saw the last time: a log that was rewritten or shortened since shows, whoever did it.")]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// List entries, the oldest first
    List {
        /// After this number [default: the last N]
        #[arg(long, value_name = "SEQ")]
        after: Option<i64>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// Check the whole log; exit code 1 where anything does not fit
    Verify {
        /// Compare sealed recordings with their digests in the log, too
        #[arg(long, value_enum, default_value = "sample")]
        recordings: Which,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    None,
    /// The newest ten
    Sample,
    All,
}

pub fn run(args: &AuditArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let person = Person::open()?;
    match args.command {
        AuditCommand::List { after, limit } => list(&person, after, limit, global)?,
        AuditCommand::Verify { recordings } => verify(&person, recordings, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(person: &Person, after: Option<i64>, limit: u32, global: &Global) -> anyhow::Result<()> {
    let after = match after {
        Some(after) => after,
        None => {
            person.get::<AuditHead>("reading the log", path::AUDIT_HEAD)?.seq.saturating_sub(i64::from(limit)).max(0)
        }
    };
    let page: AuditPage = person.get("reading the log", &format!("{}?after={after}&limit={limit}", path::AUDIT))?;
    if global.json {
        return Ok(show::json(&page)?);
    }
    let rows: Vec<Vec<String>> = page.entries.iter().map(|entry| row(entry.seq, &entry.text)).collect();
    Ok(show::table(&["SEQ", "AT", "KIND", "WHO", "INVOCATION", "MORE"], &rows)?)
}

fn row(seq: i64, text: &str) -> Vec<String> {
    let mut entry: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let at = entry.remove("at").and_then(|at| at.as_i64()).map(|at| show::time(Micros(at)));
    let mut word = |key: &str| match entry.remove(key) {
        Some(Value::String(text)) => visible::line(text.as_bytes(), 40),
        _ => "-".to_owned(),
    };
    let (kind, who, invocation) = (word("kind"), word("who"), word("invocation"));
    let more: Vec<String> = entry.iter().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        seq.to_string(),
        at.unwrap_or_else(|| "?".to_owned()),
        kind,
        who,
        invocation,
        visible::line(more.join(" ").as_bytes(), 160),
    ]
}

fn verify(person: &Person, recordings: Which, global: &Global) -> anyhow::Result<()> {
    let what = "the audit log is not what it was";
    let broken = |why: chain::Broken| Complaint { what: what.to_owned(), why: why.to_string(), hint: why.hint() };
    let memory = person.memory("audit");
    let remembered = chain::recall(&memory)?;
    let head: AuditHead = person.get("reading the log", path::AUDIT_HEAD)?;
    let mut chain = Chain::new(head.clone(), remembered).map_err(broken)?;
    let mut sealed = Vec::new();
    while let Some(after) = chain.wants() {
        let page: AuditPage = person.get("reading the log", &format!("{}?after={after}&limit={PAGE}", path::AUDIT))?;
        for entry in &page.entries {
            sealed.extend(seal_in(&entry.text));
        }
        chain.take(&page.entries).map_err(broken)?;
    }
    let known = chain.finish().map_err(broken)?;
    let checked = check_recordings(person, &sealed, recordings)?;
    chain::remember(&memory, &known)?;
    if global.json {
        let good =
            json!({ "good": true, "entries": head.seq, "head": head, "recordings": checked, "sealed": sealed.len() });
        return Ok(show::json(&good)?);
    }
    show::line(&format!(
        "good: {} entries up to {}, head {}\nsigned by key {}\nrecordings: {checked} of {} sealed ones compared with their digests",
        head.seq,
        show::time(head.at),
        head.hash,
        head.key,
        sealed.len()
    ))?;
    Ok(())
}

struct Sealed {
    id: InvocationId,
    sha256: Digest,
}

/// The seal that an entry tells of, if it does.
fn seal_in(text: &str) -> Option<Sealed> {
    let entry: Value = serde_json::from_str(text).ok()?;
    if entry["kind"] != "recording.sealed" {
        return None;
    }
    let id = InvocationId::parse(entry["invocation"].as_str()?)?;
    Some(Sealed { id, sha256: Digest::parse(entry["sha256"].as_str()?)? })
}

/// The digest of what is written to it.
#[derive(Default)]
struct Sum(Sha256);

impl Sum {
    fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many were compared; the first that differs is a failure.
fn check_recordings(person: &Person, sealed: &[Sealed], which: Which) -> anyhow::Result<usize> {
    let most = match which {
        Which::None => 0,
        Which::Sample => SAMPLE,
        Which::All => sealed.len(),
    };
    for Sealed { id, sha256 } in sealed.iter().rev().take(most) {
        let path = path::SESSION_RECORDING.replace("{id}", id.as_str());
        let mut sum = Sum::default();
        person.pour("fetching a recording", &path, &mut sum)?;
        if sum.digest() != *sha256 {
            let why = format!("{id} has another digest than the log has for it");
            return Err(Complaint::new("a recording is not what was sealed", why)
                .hint("look at the server's storage, and at who can write to it")
                .into());
        }
    }
    Ok(most.min(sealed.len()))
}
