//! `portcullis sessions`: what ran, and its recordings: listed, shown, replayed, exported.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create};

use super::person::Person;
use super::replay::{self, Pace};
use super::{Complaint, Global, show};
use crate::model::{Exit, InvocationId, visible};
use crate::recording::{self, Reader};
use crate::wire::contract::{SessionView, Sessions, path};

/// See what ran: your own commands, what you approved, or everything for auditors.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  portcullis sessions list
  portcullis sessions replay inv_01J9Z3V4W5X6Y7Z8A9B0C1D2E3 --speed 4 --idle-limit 2
  portcullis sessions export inv_01J9Z3V4W5X6Y7Z8A9B0C1D2E3 -o run.cast && asciinema play run.cast")]
pub struct SessionsArgs {
    #[command(subcommand)]
    command: SessionsCommand,
}

#[derive(Subcommand)]
enum SessionsCommand {
    /// List sessions, the newest first
    List {
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        /// Older than this one
        #[arg(long, value_name = "ID", value_parser = parse_id)]
        before: Option<InvocationId>,
    },
    /// Show one session
    Show {
        #[arg(value_name = "ID", value_parser = parse_id)]
        id: InvocationId,
    },
    /// Play a recording in this terminal
    Replay(ReplayArgs),
    /// Write a recording to a file or to standard output
    Export(ExportArgs),
}

#[derive(Args)]
struct ReplayArgs {
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: InvocationId,
    /// How many times faster
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
    /// No pause is longer than this many seconds
    #[arg(long, value_name = "SECONDS")]
    idle_limit: Option<f64>,
    /// Play also what can do more to a terminal than draw: titles, clipboards, questions to it
    #[arg(long)]
    raw: bool,
}

#[derive(Args)]
struct ExportArgs {
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: InvocationId,
    /// asciicast (version 3), text (what was shown, without what drives a terminal), or raw (the recording itself)
    #[arg(long, value_enum, default_value = "asciicast")]
    format: Format,
    /// Where to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Asciicast,
    Text,
    Raw,
}

pub fn run(args: &SessionsArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let person = Person::open()?;
    match &args.command {
        SessionsCommand::List { limit, before } => list(&person, *limit, before.as_ref(), global)?,
        SessionsCommand::Show { id } => {
            let view: SessionView = person.get("showing the session", &of(path::SESSION, id))?;
            if global.json { show::json(&view)? } else { show::table(&[], &card(&view))? }
        }
        SessionsCommand::Replay(args) => {
            let file = fetch(&person, &args.id)?;
            // Other commands need not wait while people watch.
            drop(person);
            let pace = Pace::new(args.speed, args.idle_limit, args.raw)?;
            return replay::play(file, &pace);
        }
        SessionsCommand::Export(args) => export(&person, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(person: &Person, limit: u32, before: Option<&InvocationId>, global: &Global) -> anyhow::Result<()> {
    let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
    let sessions: Sessions = person.get("listing sessions", &format!("{}?limit={limit}{before}", path::SESSIONS))?;
    if global.json {
        return Ok(show::json(&sessions)?);
    }
    let rows: Vec<Vec<String>> = sessions
        .sessions
        .iter()
        .map(|view| {
            vec![
                view.id.to_string(),
                show::time(view.began),
                safe(&view.who.name, 30),
                view.decision.clone(),
                ended(view),
                view.duration.map(show::span).unwrap_or_default(),
                safe(&view.command, 100),
            ]
        })
        .collect();
    Ok(show::table(&["ID", "BEGAN", "WHO", "DECISION", "EXIT", "TOOK", "COMMAND"], &rows)?)
}

fn card(view: &SessionView) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("id", view.id.to_string()),
        row("command", safe(&view.command, 20_000)),
        row("who", super::status::subject(&view.who)),
        row("began", show::time(view.began)),
        row("decision", safe(&view.decision, 50)),
        row("exit", ended(view)),
    ];
    rows.extend(view.approval.iter().map(|id| row("approval", id.to_string())));
    rows.extend(view.parent.iter().map(|id| row("run by", id.to_string())));
    rows.extend(view.duration.iter().map(|took| row("took", show::span(*took))));
    rows.extend(view.bytes.iter().map(|bytes| row("shown", show::size(*bytes))));
    rows.extend(view.masked.iter().map(|(kind, count)| row("masked", format!("{count} {}", safe(kind, 50)))));
    rows.push(row("recorded", show::size(view.recorded)));
    rows.push(row("sealed", view.sealed.map_or_else(|| "not yet".to_owned(), |digest| format!("sha256 {digest}"))));
    rows
}

fn ended(view: &SessionView) -> String {
    match view.exit {
        None if view.unrecorded => "not recorded".to_owned(),
        None => "-".to_owned(),
        Some(Exit::Code(code)) => code.to_string(),
        Some(Exit::Signal(signal)) => format!("signal {signal}"),
        Some(Exit::Lost) => "lost".to_owned(),
    }
}

fn export(person: &Person, args: &ExportArgs) -> anyhow::Result<()> {
    let mut file = fetch(person, &args.id)?;
    let mut out: Box<dyn io::Write> = match &args.output {
        None => Box::new(io::stdout().lock()),
        Some(path) => {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            let what = format!("{} cannot be written", path.display());
            Box::new(io::BufWriter::new(file.map_err(|error| Complaint::new(what, error.to_string()))?))
        }
    };
    match args.format {
        Format::Raw => io::copy(&mut file, &mut out).map(|_| ())?,
        Format::Asciicast => recording::asciicast(open(file)?, &mut out).map_err(|error| unreadable(&error))?,
        Format::Text => recording::transcript(open(file)?, &mut out).map_err(|error| unreadable(&error))?,
    }
    Ok(out.flush()?)
}

/// The whole recording, from its beginning, in a file without a name: it may be larger than memory is.
fn fetch(person: &Person, id: &InvocationId) -> anyhow::Result<File> {
    let mut file = unnamed().map_err(|error| Complaint::new("the recording cannot be kept", error.to_string()))?;
    person.pour("fetching the recording", &of(path::SESSION_RECORDING, id), &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// In the folder for temporary files, or in memory where its file system has none of that kind (open(2), O_TMPFILE).
fn unnamed() -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(std::env::temp_dir(), flags, Mode::RUSR | Mode::WUSR);
    let file = file.or_else(|_| memfd_create("recording", MemfdFlags::CLOEXEC))?;
    Ok(file.into())
}

/// A recording's reader.
pub fn open(file: File) -> Result<Reader<BufReader<File>>, Complaint> {
    Reader::open(BufReader::new(file)).map_err(|error| unreadable(&error))
}

pub fn unreadable(error: &recording::Error) -> Complaint {
    let complaint = Complaint::new("the recording cannot be read", error.to_string());
    match error.hint() {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

fn of(path: &str, id: &InvocationId) -> String {
    path.replace("{id}", id.as_str())
}

fn parse_id(text: &str) -> Result<InvocationId, String> {
    InvocationId::parse(text).ok_or_else(|| "a session's id looks like inv_01J9Z3V4W5X6Y7Z8A9B0C1D2E3".to_owned())
}

fn safe(text: &str, most: usize) -> String {
    visible::line(text.as_bytes(), most)
}
