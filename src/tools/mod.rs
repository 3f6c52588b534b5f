//! What each tool's command line means, what it must be shown, and how it takes a credential. Pure: questions about
//! the machine go through [`World`], and nothing here runs a program, opens a file or knows the time.
//!
//! Adding a tool is one folder here and one line in [`ALL`].

pub mod options;
#[cfg(feature = "reading")]
pub mod sql;
pub mod world;

pub mod curl;
pub mod git;
pub mod kubectl;
#[cfg(all(test, feature = "reading"))]
mod properties;
pub mod psql;

#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Bytes, Delivery, Facts, Grant, Invocation, Terms};
pub use world::{Limits, World};

/// Every tool the gate knows.
pub const ALL: &[&dyn Tool] = &[&git::Git, &kubectl::Kubectl, &psql::Psql, &curl::Curl];

/// A tool by the name it is called by.
pub fn by_name(name: &str) -> Option<&'static dyn Tool> {
    ALL.iter().copied().find(|tool| tool.name() == name)
}

/// One tool's grammar, meaning and way of taking a credential.
pub trait Tool: Sync {
    fn name(&self) -> &'static str;

    /// The variables that change what a line means; a trailing `*` stands for any ending. Nothing else of the
    /// caller's environment leaves the machine.
    fn variables(&self) -> &'static [&'static str];

    /// Questions whose answer is the program's own: the same wherever and by whomever it is asked, as long as the
    /// program is the same. Pinning asks them once, so that no command has to.
    fn constants(&self) -> &'static [&'static [&'static str]] {
        &[]
    }

    /// Programs of its own that it starts for itself, where it has any.
    fn own_programs(&self) -> Option<&'static dyn OwnPrograms> {
        None
    }

    /// Runs on the agent's side: collects what [`Tool::read`] needs. Stays within the world's limits and never fails;
    /// what could not be had is absent, and the reading makes a doubt of it.
    fn gather(&self, invocation: &Invocation, world: &dyn World) -> Facts;

    /// Runs on the server (and in `explain`): what the line would do. Never fails and never guesses: doubt is data.
    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading;

    /// Runs on the agent's side after the permit: how the line is started so that it runs what was read (P3), with
    /// the grants that were drawn.
    fn deliver(
        &self,
        invocation: &Invocation,
        facts: Facts,
        terms: &Terms,
        grants: Vec<Grant>,
    ) -> Result<Delivery, DeliveryError>;
}

/// A tool that is many programs, and starts one by the other.
pub trait OwnPrograms: Sync {
    /// The variable that names the folder in which it looks for them.
    fn variable(&self) -> &'static str;

    /// What it is asked for that folder; one of its [`Tool::constants`].
    fn folder_question(&self) -> &'static [&'static str];

    /// Those that it starts by a shell, which is then right above them.
    fn by_shell(&self) -> &'static [&'static str];

    /// How their names begin; what follows is the word by which the tool itself takes them.
    fn prefix(&self) -> &'static str;

    /// What a process with these arguments is to those that it starts; nothing for one that starts nothing for itself.
    fn role(&self, args: &[Bytes]) -> Option<String>;

    /// Whether a process of that role starts this line for itself, as a part of what it does; `own`: by the name of the
    /// program.
    fn starts(&self, above: &str, own: bool, args: &[Bytes]) -> bool;
}

/// A permitted command that cannot be given its credential safely. The gate refuses rather than run without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct DeliveryError {
    /// `the credential would reach another host through --location`.
    pub why: String,
    pub hint: Option<String>,
}
