//! `portcullis check`: is everything set up? For scripts: one look, one exit code.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::control::KeeperOption;
use super::findings::{self, Finding, State};
use super::{Global, pin, show};

/// Check that the gate is set up: configuration, pinned tools, keeper, server, login, policies.
///
/// Exit code 0 where all of it is good. Ways round the gate are portcullis doctor's business.
#[derive(Args)]
#[command(after_long_help = "Example:\n  portcullis check || exit 1    # at the start of a job")]
pub struct CheckArgs {
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &CheckArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let pins = pin::default_file()?;
    let mut all = vec![findings::config(), findings::pins(&pins)];
    all.extend(findings::gate(&findings::socket(&pins, &args.keeper)).0);
    let good = all.iter().all(|finding| finding.state == State::Closed);
    if global.json {
        let checks: Vec<_> = all
            .iter()
            .map(|finding| json!({ "what": finding.what, "good": finding.state == State::Closed, "seen": finding.seen, "hint": finding.hint }))
            .collect();
        show::json(&json!({ "good": good, "checks": checks }))?;
    } else {
        let word = |finding: &Finding| if finding.state == State::Closed { "good" } else { "wrong" };
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|finding| vec![word(finding).to_owned(), finding.what.clone(), finding.seen.clone()])
            .collect();
        show::table(&[], &rows)?;
        for finding in &all {
            if let (State::Open, Some(hint)) = (finding.state, &finding.hint) {
                show::line(&format!("hint: {}: {hint}", finding.what))?;
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
