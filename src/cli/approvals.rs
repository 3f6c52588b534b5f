//! `portcullis approvals`: what waits for humans, and their answers. As a person, never as the keeper.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::person::Person;
use super::{Complaint, Global, show};
use crate::model::{ApprovalId, visible};
use crate::wire::contract::{Answering, ApprovalState, ApprovalView, Approvals, path};

/// See what waits for a human, and answer.
///
/// You answer as yourself (portcullis login --self), and only for what others have asked.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  portcullis approvals list
  portcullis approvals show apr_01J9Z3V4W5X6Y7Z8A9B0C1D2E3
  portcullis approvals approve apr_01J9Z3V4W5X6Y7Z8A9B0C1D2E3 --reason 'release 1.4, ticket 812'")]
pub struct ApprovalsArgs {
    #[command(subcommand)]
    command: ApprovalsCommand,
}

#[derive(Subcommand)]
enum ApprovalsCommand {
    /// List questions, the newest first
    List(ListArgs),
    /// Show one question: the command, what it would do, and what decides it
    Show {
        #[arg(value_name = "ID", value_parser = parse_id)]
        id: ApprovalId,
    },
    /// Say yes
    Approve(AnswerArgs),
    /// Say no
    Refuse(AnswerArgs),
}

#[derive(Args)]
struct ListArgs {
    /// Only questions in this state
    #[arg(long, value_enum, default_value = "pending")]
    state: StateName,
    /// At most this many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,
    /// Older than this one
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    before: Option<ApprovalId>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StateName {
    Pending,
    Approved,
    Refused,
    Expired,
    All,
}

#[derive(Args)]
struct AnswerArgs {
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: ApprovalId,
    /// Why; kept in the audit log, and a refusal's is told to the asker
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn run(args: &ApprovalsArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let person = Person::open()?;
    match &args.command {
        ApprovalsCommand::List(args) => list(&person, args, global)?,
        ApprovalsCommand::Show { id } => {
            let view: ApprovalView = person.get("showing the question", &of(path::APPROVAL, id))?;
            if global.json { show::json(&view)? } else { card(&view)? }
        }
        ApprovalsCommand::Approve(args) => answer(&person, path::APPROVE, args, global)?,
        ApprovalsCommand::Refuse(args) => answer(&person, path::REFUSE, args, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(person: &Person, args: &ListArgs, global: &Global) -> anyhow::Result<()> {
    let mut query = format!("{}?limit={}", path::APPROVALS, args.limit);
    if args.state != StateName::All {
        let state = args.state.to_possible_value();
        query.push_str(&format!("&state={}", state.as_ref().map_or("pending", |value| value.get_name())));
    }
    if let Some(before) = &args.before {
        query.push_str(&format!("&before={before}"));
    }
    let Approvals { approvals } = person.get("listing questions", &query)?;
    if global.json {
        return Ok(show::json(&Approvals { approvals })?);
    }
    if approvals.is_empty() {
        return Ok(show::line("nothing")?);
    }
    let rows: Vec<Vec<String>> = approvals
        .iter()
        .map(|view| {
            vec![
                view.ticket.id.to_string(),
                state(view.state).to_owned(),
                format!("{}/{}", view.ticket.given, view.ticket.needed),
                safe(&view.asker.name, 40),
                show::time(view.ticket.expires),
                safe(&view.ticket.what, 100),
            ]
        })
        .collect();
    Ok(show::table(&["ID", "STATE", "YES", "ASKED BY", "EXPIRES", "WHAT"], &rows)?)
}

fn answer(person: &Person, path: &str, args: &AnswerArgs, global: &Global) -> anyhow::Result<()> {
    if args.reason.trim().is_empty() {
        return Err(Complaint::new("answering", "the reason is empty").hint("say why: --reason 'ticket 812'").into());
    }
    let answering = Answering { reason: args.reason.clone() };
    let view: ApprovalView = person.post("answering", &of(path, &args.id), &answering)?;
    if global.json {
        return Ok(show::json(&view)?);
    }
    let ticket = &view.ticket;
    Ok(show::line(&format!(
        "{}: {} ({} of {} yes): {}",
        ticket.id,
        state(view.state),
        ticket.given,
        ticket.needed,
        safe(&ticket.what, 300)
    ))?)
}

fn card(view: &ApprovalView) -> std::io::Result<()> {
    let ticket = &view.ticket;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("id", ticket.id.to_string()),
        row("state", format!("{}, {} of {} yes", state(view.state), ticket.given, ticket.needed)),
        row("what", safe(&ticket.what, 1000)),
        row("command", safe(&view.command, 20_000)),
        row("folder", safe(&view.cwd, 1000)),
        row("asked by", format!("{} at {}", super::status::subject(&view.asker), show::time(view.asked))),
        row("can answer", safe(&ticket.groups.join(", "), 500)),
        row("until", show::time(ticket.expires)),
        row("policies", safe(&ticket.policies.join(", "), 500)),
        row("page", safe(&ticket.url, 500)),
        row("digest", view.digest.to_string()),
    ];
    rows.extend(view.operations.iter().map(|operation| row("does", safe(operation, 1000))));
    for answer in &view.answers {
        let word = if answer.approved { "yes" } else { "no" };
        let by = safe(&answer.by.name, 100);
        rows.push(row(word, format!("{by} at {}: {}", show::time(answer.at), safe(&answer.reason, 500))));
    }
    show::table(&[], &rows)?;
    for preview in &view.previews {
        let cut = if preview.cut { ", beginning" } else { "" };
        show::line(&format!(
            "\n{} ({}{cut}, sha256 {}):",
            safe(&preview.source, 500),
            show::size(preview.length),
            preview.sha256
        ))?;
        show::line(&visible::text(preview.text.as_bytes(), 100_000))?;
    }
    Ok(())
}

fn state(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "pending",
        ApprovalState::Approved => "approved",
        ApprovalState::Refused => "refused",
        ApprovalState::Expired => "expired",
    }
}

fn of(path: &str, id: &ApprovalId) -> String {
    path.replace("{id}", id.as_str())
}

fn parse_id(text: &str) -> Result<ApprovalId, String> {
    ApprovalId::parse(text).ok_or_else(|| "an approval's id looks like apr_01J9Z3V4W5X6Y7Z8A9B0C1D2E3".to_owned())
}

/// What the server escaped is escaped again: it is not the server's word that the terminal trusts.
fn safe(text: &str, most: usize) -> String {
    visible::line(text.as_bytes(), most)
}
