//! The agent's side: synchronous, small, without flags. It cannot decide anything.

mod ask;
mod deliver;
pub mod gather;
mod helper;
mod invocation;
pub mod locate;
mod own;
mod permit;
mod say;
mod session;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::model::{ApprovalTicket, Exit, InvocationId, Refusal, visible};
use crate::sys::{caller, signals};
use crate::tools::{self, Limits, Tool};
use crate::wire::frames::{Failure, Question};
use ask::Keeper;
pub use gather::Machine;
use locate::Install;
use permit::Permit;
use say::Say;
use session::Session;

/// Everything a shim is: the tool it was called as, gated. Returns the exit code, or does not return where the tool
/// was ended by a signal.
pub fn run() -> i32 {
    let say = Say::as_asked();
    let mut words = std::env::args_os();
    let argv0 = words.next().unwrap_or_default();
    let name = invocation::called_as(&argv0);
    let tool = std::str::from_utf8(name).ok().and_then(tools::by_name);
    let mut about = About::default();
    let end = match tool {
        Some(tool) => hide().and_then(|()| gate(tool, None, &say, &mut about)),
        None if name == helper::NAME.as_bytes() => hide().and_then(|()| help(words.next())),
        None => match own::called(name) {
            Some((tool, word)) => hide().and_then(|()| gate(tool, Some(word), &say, &mut about)),
            None => Err(unknown(name)),
        },
    };
    match end {
        Ok(Exit::Code(code)) => code,
        Ok(Exit::Signal(signal)) => signals::die_of(signal),
        Ok(Exit::Lost) => No::FAILED,
        Err(no) => {
            no.say(&say, &about);
            no.code()
        }
    }
}

/// The path of a command, from what was typed to how it ended. `own`: called by the name of one of the tool's own
/// programs.
fn gate(tool: &'static dyn Tool, own: Option<&[u8]>, say: &Say, about: &mut About) -> Result<Exit, No> {
    let install = Install::find()?;
    let real = install.tool(tool.name())?;
    let mut invocation = invocation::typed(tool, &real).map_err(machine_failed)?;
    own::as_meant(tool, own, &install, &mut invocation);
    let keeper = own::pass(tool, own, &install, &real, &invocation)?;
    about.id = Some(invocation.id.clone());
    let mut keeper = keeper.map_or_else(|| Keeper::greet(&install.pins.keeper), Ok)?;
    let machine = Machine::new(real.path.clone(), Limits::default(), None).knowing(real.said.clone());
    let facts = tool.gather(&invocation, &machine);
    about.notes = machine.notes();
    let (permit, question) = keeper.ask(Question { invocation, facts }, say)?;
    unwatched(&permit)?;
    if permit.terms().wants_nobody() {
        let command = deliver::command(tool, (&install, &real), &machine, question, &permit, Vec::new())?;
        keeper.becomes(command.role.clone())?;
        return Err(command.replace_us());
    }
    let grants = keeper.draw(&permit)?;
    let lenses = permit.lenses(&grants).map_err(No::from);
    let command = lenses.and_then(|lenses| {
        let command = deliver::command(tool, (&install, &real), &machine, question, &permit, grants)?;
        Ok((command, lenses))
    });
    let (command, lenses) = match command {
        Ok(both) => both,
        Err(no) => return Err(keeper.nothing_was_run(no)),
    };
    let session = Session::start(permit, command, lenses, keeper)?;
    let mut ended = session.run()?;
    let exit = ended.ending.exit;
    say.masked(&ended.ending.masked);
    let recorded = ended.keeper.end(ended.ending);
    match ended.broken {
        Some(no) => Err(no),
        None => recorded.map(|()| exit),
    }
}

/// What a message about this run can add.
#[derive(Default)]
struct About {
    id: Option<InvocationId>,
    notes: Vec<String>,
}

/// Why the tool was not run, or its end is not its own.
enum No {
    Refused(Box<Refusal>),
    Failed(Failure),
    NotInTime { ticket: Box<ApprovalTicket>, waited: Duration },
    Missing(locate::Error),
}

impl No {
    const FAILED: i32 = 125;

    /// After env(1) and timeout(1).
    fn code(&self) -> i32 {
        match self {
            No::NotInTime { .. } => 124,
            No::Failed(_) => No::FAILED,
            No::Refused(_) => 126,
            No::Missing(_) => 127,
        }
    }

    fn say(&self, say: &Say, about: &About) {
        match self {
            No::Refused(refusal) => say.refused(refusal, about.id.as_ref(), &about.notes),
            No::Failed(failure) => say.failed(failure, about.id.as_ref()),
            No::NotInTime { ticket, waited } => say.not_in_time(ticket, *waited),
            No::Missing(error) => say.failed(&by_locate(error, "nothing to run"), None),
        }
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        No::Refused(Box::new(refusal))
    }
}

impl From<locate::Error> for No {
    fn from(error: locate::Error) -> Self {
        match error {
            error @ locate::Error::NotFound { .. } => No::Missing(error),
            error => No::Failed(by_locate(&error, "the gate is not set up")),
        }
    }
}

fn by_locate(error: &locate::Error, what: &str) -> Failure {
    Failure { what: what.to_owned(), why: error.to_string(), hint: Some(error.hint().to_owned()) }
}

/// Others of the same user can neither trace us nor read what we were lent; the first thing that is done.
fn hide() -> Result<(), No> {
    caller::hide().map_err(machine_failed)
}

/// Nothing is lent where somebody who started us as a debugger does would read it with us.
fn unwatched(permit: &Permit) -> Result<(), No> {
    if !permit.terms().lends() || !caller::traced().map_err(machine_failed)? {
        return Ok(());
    }
    Err(ask::failure(
        "no credential is lent to a command that is traced".to_owned(),
        "its tracer could read the credential".to_owned(),
        "run it without strace or a debugger",
    ))
}

fn help(operation: Option<OsString>) -> Result<Exit, No> {
    helper::run(operation.as_deref().and_then(OsStr::to_str)).map(|()| Exit::Code(0))
}

fn unknown(name: &[u8]) -> No {
    let known: Vec<_> = tools::ALL.iter().map(|tool| tool.name()).collect();
    ask::failure(
        format!("this is no shim for {}", visible::line(name, 64)),
        format!("the gate knows {}", known.join(", ")),
        "call it by the name of one of these, through its link",
    )
}

fn machine_failed(error: std::io::Error) -> No {
    ask::failure("the gate cannot work on this machine".to_owned(), error.to_string(), "run portcullis doctor")
}
