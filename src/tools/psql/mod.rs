//! psql: its line, its scripts and its connection, read before it runs. See README.md for what is and is not read.

mod commands;
mod conditions;
#[cfg(feature = "reading")]
mod connecting;
mod conninfo;
mod copydata;
mod delivery;
mod expand;
mod extended;
mod gathering;
#[cfg(feature = "reading")]
mod meaning;
mod options;
mod parameters;
#[cfg(feature = "reading")]
mod path;
mod places;
mod run;
mod script;
mod sending;
mod session;
mod settings;
mod shape;
mod slash;
#[cfg(feature = "reading")]
mod statements;
mod steps;
mod strings;
mod variables;
mod version;
mod watch;

#[cfg(all(test, feature = "reading"))]
mod cases;

use super::{DeliveryError, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Delivery, Facts, Grant, Invocation, Terms};
use conninfo::{Sources, Target};
use options::{Action, Ending, Line};
use run::Runner;
use steps::{Sent, Step};
use variables::{Environment, Value, Variables};
use version::Version;

pub struct Psql;

/// Facts by name, as `gather` leaves them and `read` finds them.
mod fact {
    /// psqlrc files that psql would read, in order.
    pub const STARTUP: &str = "startup";
    /// The name of the user who runs psql, which is the default for the role.
    pub const OS_USER: &str = "os_user";
    /// Whether ~/.postgresqlrc exists, by which pg_wrapper(1) chooses a server.
    pub const WRAPPER: &str = "wrapper";
    /// Entries of the service files, without passwords.
    pub const SERVICES: &str = "services";
    /// Which variables hold or name a password, without what they say.
    pub const PASSWORDS: &str = "passwords";
    /// Variables that a script asks for and nobody has set.
    pub const UNSET: &str = "unset";
}

impl Tool for Psql {
    fn name(&self) -> &'static str {
        "psql"
    }

    fn variables(&self) -> &'static [&'static str] {
        // By name, so that PGPASSWORD is never among them.
        &[
            "COLUMNS",
            "EDITOR",
            "HOME",
            "PAGER",
            "PGAPPNAME",
            "PGCHANNELBINDING",
            "PGCLIENTENCODING",
            "PGCLUSTER",
            "PGCONNECT_TIMEOUT",
            "PGDATABASE",
            "PGDATESTYLE",
            "PGGEQO",
            "PGGSSENCMODE",
            "PGHOST",
            "PGHOSTADDR",
            "PGKRBSRVNAME",
            "PGOPTIONS",
            "PGPORT",
            "PGREQUIREAUTH",
            "PGREQUIREPEER",
            "PGREQUIRESSL",
            "PGSERVICE",
            "PGSERVICEFILE",
            "PGSSLCERT",
            "PGSSLCRL",
            "PGSSLKEY",
            "PGSSLMODE",
            "PGSSLROOTCERT",
            "PGSYSCONFDIR",
            "PGTARGETSESSIONATTRS",
            "PGTZ",
            "PGUSER",
            "POSIXLY_CORRECT",
            "PSQLRC",
            "PSQL_EDITOR",
            "PSQL_HISTORY",
            "PSQL_PAGER",
            "PSQL_WATCH_PAGER",
            "SHELL",
            "VISUAL",
        ]
    }

    fn constants(&self) -> &'static [&'static [&'static str]] {
        &[&["--version"]]
    }

    fn gather(&self, invocation: &Invocation, world: &dyn World) -> Facts {
        gathering::gather(invocation, world)
    }

    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading {
        meaning::read(invocation, facts).in_bounds()
    }

    fn deliver(
        &self,
        invocation: &Invocation,
        facts: Facts,
        terms: &Terms,
        grants: Vec<Grant>,
    ) -> Result<Delivery, DeliveryError> {
        delivery::deliver(invocation, facts, terms, grants)
    }
}

fn line_of(invocation: &Invocation) -> Line {
    options::read(&invocation.args, invocation.variables.contains_key("POSIXLY_CORRECT"))
}

/// Runs everything the line asks for, in psql's order.
fn walk(line: &Line, startup: &[String], runner: &mut Runner<'_>) {
    for output in &line.outputs {
        runner.option_output(output, true);
    }
    if line.ending != Ending::Runs {
        return;
    }
    if let Some(log) = line.log_file.as_ref().filter(|_| !line.list) {
        // psql has connected, and ends where it cannot open it.
        if log.is_empty() {
            return;
        }
        runner.option_output(log, false);
    }
    for path in startup {
        runner.startup(path.as_bytes());
    }
    if line.list {
        return runner.step(Step::Catalog("--list".into()));
    }
    if line.single_transaction {
        runner.transaction = true;
        // Whatever the psqlrc has left open (startup.c).
        runner.steps.push(Step::Sql(Sent { text: b"BEGIN".to_vec(), ..Sent::default() }));
    }
    let mut ended = false;
    for action in &line.actions {
        let done = match action {
            Action::Query(text) => {
                runner.query(text);
                true
            }
            Action::Slash { text, index } => runner.command(text, *index),
            Action::File { name, index } => runner.file(name, *index),
        };
        if !done && runner.stops() {
            ended = true;
            break;
        }
    }
    if line.actions.is_empty() {
        runner.standard_input();
    }
    if line.single_transaction {
        let text = if ended { b"ROLLBACK".to_vec() } else { b"COMMIT".to_vec() };
        runner.steps.push(Step::Sql(Sent { text, ..Sent::default() }));
    }
}

/// Variables before any script: `-v`, and options that stand for one.
fn first_variables(line: &Line) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in &line.variables {
        match value {
            Some(value) => variables.set(name, Value::Known(value.0.clone())),
            None => variables.unset(name),
        }
    }
    variables
}

/// psql before it reads anything.
fn begin<'a>(
    files: &'a mut dyn steps::Files,
    line: &Line,
    invocation: &Invocation,
    facts: &Facts,
    stdin: Vec<u8>,
) -> Runner<'a> {
    let mut runner = Runner::new(files, first_variables(line), stdin, home(invocation));
    runner.version = Version::of(facts.version.as_deref());
    let unset: Vec<String> = facts.get(fact::UNSET).unwrap_or_default();
    let names = Psql.variables().iter().copied().chain(unset.iter().map(String::as_str));
    let set = invocation.variables.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    runner.environment = Environment::of(names, set);
    let target = conninfo::resolve(&sources(line, invocation, facts)).ok();
    let options = target.as_ref().and_then(|target| target.params.get("options"));
    runner.escapes = options.is_some_and(|options| session::escapes(options));
    runner
}

fn home(invocation: &Invocation) -> Option<Vec<u8>> {
    invocation.variables.get("HOME").map(|home| home.0.clone()).filter(|home| !home.is_empty())
}

/// Scripts come from the facts.
struct FromFacts<'a>(&'a Facts);

impl steps::Files for FromFacts<'_> {
    fn script(&mut self, path: &[u8]) -> Option<(Vec<u8>, bool)> {
        self.0.file(path).map(|content| (content.bytes.0.clone(), !content.truncated))
    }
}

/// Encodings in which a byte of a letter can look like a quote or a backslash: psql and the server then disagree with
/// whoever reads bytes (PostgreSQL documentation, "Character Set Support": not supported on the server).
fn unsafe_encoding(name: &[u8]) -> bool {
    let plain: Vec<u8> = name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    [
        "big5",
        "gb18030",
        "gbk",
        "johab",
        "shiftjis2004",
        "sjis",
        "mskanji",
        "shiftjis",
        "uhc",
        "win932",
        "win936",
        "win949",
        "win950",
        "windows932",
        "windows936",
        "windows949",
        "windows950",
        "cp932",
    ]
    .iter()
    .any(|bad| plain == bad.as_bytes())
}

/// The connection's sources out of line, variables and facts.
fn sources(line: &Line, invocation: &Invocation, facts: &Facts) -> Sources {
    let variable = |name: &str| invocation.variables.get(name).and_then(|value| value.text()).map(str::to_owned);
    let environment = conninfo::ENVIRONMENT
        .iter()
        .filter_map(|(name, key)| variable(name).map(|value| ((*key).to_owned(), value)))
        .collect();
    let dbname = line.dbname.clone().filter(|name| !name.is_empty());
    Sources {
        host: line.host.clone(),
        port: line.port.clone(),
        user: line.user.clone(),
        dbname: if line.list && dbname.is_none() { Some("postgres".into()) } else { dbname },
        environment,
        service: variable("PGSERVICE"),
        words: conninfo::CHECKED
            .iter()
            .filter_map(|(name, key)| variable(name).map(|value| ((*key).to_owned(), value)))
            .collect(),
        services: facts.get(fact::SERVICES).unwrap_or_default(),
        os_user: facts.get(fact::OS_USER),
        version: Version::of(facts.version.as_deref()),
    }
}

/// Host (where TCP really goes), port and database for a resource.
fn where_to(target: Option<&Target>) -> (String, u16, String) {
    match target {
        Some(t) => {
            let host = t.hostaddr.clone().or_else(|| t.host.clone()).unwrap_or_else(|| "localhost".into());
            (host, t.port, t.database.clone())
        }
        None => ("*".into(), 0, "*".into()),
    }
}
