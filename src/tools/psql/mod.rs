//! psql: its line, its scripts and its connection, read before it runs. See README.md for what is and is not read.

mod commands;
mod conditions;
#[cfg(feature = "reading")]
mod connecting;
mod conninfo;
mod copydata;
mod delivery;
mod expand;
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
#[cfg(feature = "reading")]
mod session;
mod shape;
mod slash;
#[cfg(feature = "reading")]
mod statements;
mod steps;
mod variables;
mod version;

#[cfg(all(test, feature = "reading"))]
mod cases;

use std::collections::BTreeMap;

use super::{DeliveryError, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Content, Delivery, Facts, Grant, Invocation, StreamKind, Terms};
use conninfo::{Params, Sources, Target};
use options::{Action, Ending, Line};
use run::Runner;
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
}

/// System-wide psqlrc: Debian's place and the one of PostgreSQL's own packages (psql(1), "Files").
const SYSTEM_STARTUP: &[&str] = &["/etc/postgresql-common/psqlrc", "/etc/sysconfig/pgsql/psqlrc"];

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
        gather(invocation, world)
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

fn gather(invocation: &Invocation, world: &dyn World) -> Facts {
    let line = line_of(invocation);
    let mut facts = Facts::default();
    if line.ending != Ending::Runs {
        return facts;
    }
    let mut note = |name: &str, value: serde_json::Value| facts.facts.insert(name.to_owned(), value);
    let passwords: Vec<&str> =
        ["PGPASSWORD", "PGPASSFILE"].into_iter().filter(|name| world.variable(name).is_some()).collect();
    note(fact::PASSWORDS, passwords.into());
    if let Some(user) = os_user(world) {
        note(fact::OS_USER, user.into());
    }
    let wrapper = home(invocation).is_some_and(|home| world.is_file(&[&home, &b"/.postgresqlrc"[..]].concat()));
    if wrapper {
        note(fact::WRAPPER, true.into());
    }
    let services = services(invocation, world);
    if !services.is_empty() {
        note(fact::SERVICES, serde_json::json!(services));
    }
    let startup = if line.no_psqlrc { Vec::new() } else { startup(invocation, world) };
    note(fact::STARTUP, serde_json::json!(startup));

    let stdin =
        if line.reads_stdin() && invocation.streams.stdin != StreamKind::Terminal { world.stdin() } else { None };
    let home = home(invocation).or_else(|| world.home().map(|home| home.0));
    let mut files = FromWorld { world, contents: Vec::new() };
    let text = |stdin: &Option<Content>| stdin.as_ref().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let mut runner = Runner::new(&mut files, first_variables(&line), text(&stdin), home.clone());
    runner.environment = environment(invocation);
    walk(&line, &startup, &mut runner);
    let newer = line.dbname.as_ref().and_then(|word| word.text()).is_some_and(parameters::newer);
    let (asks_version, asks_stdin) = (runner.asks_version || newer, runner.asks_stdin && stdin.is_none());
    // Read only where a script says so, as `\i -` does.
    let stdin = if asks_stdin && invocation.streams.stdin != StreamKind::Terminal { world.stdin() } else { stdin };
    if asks_version || asks_stdin {
        // Asked for only where a script says something that not every psql knows.
        let version = world.ask_tool(&[b"--version"]).and_then(|answer| version_of(&answer));
        facts.version = version.and_then(|version| version.split(' ').next().map(str::to_owned));
        let mut runner = Runner::new(&mut files, first_variables(&line), text(&stdin), home);
        runner.version = Version::of(facts.version.as_deref());
        runner.environment = environment(invocation);
        walk(&line, &startup, &mut runner);
    }
    facts.contents = files.contents;
    facts.contents.extend(stdin);
    facts
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
        return runner.step(steps::Step::Catalog("--list".into()));
    }
    if line.single_transaction {
        runner.transaction = true;
        runner.step(steps::Step::Own("BEGIN".into()));
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
        runner.step(steps::Step::Own(if ended { "ROLLBACK" } else { "COMMIT" }.into()));
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

fn environment(invocation: &Invocation) -> Environment {
    Environment::of(
        Psql.variables(),
        invocation.variables.iter().map(|(name, value)| (name.as_str(), value.as_slice())),
    )
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

/// Scripts come from the machine, each kept as a content.
struct FromWorld<'a> {
    world: &'a dyn World,
    contents: Vec<Content>,
}

impl steps::Files for FromWorld<'_> {
    fn script(&mut self, path: &[u8]) -> Option<(Vec<u8>, bool)> {
        let known = self
            .contents
            .iter()
            .find(|c| matches!(&c.source, crate::model::ContentSource::File(name) if name.as_slice() == path));
        if let Some(content) = known {
            return Some((content.bytes.0.clone(), !content.truncated));
        }
        if self.contents.len() >= self.world.limits().files {
            return None;
        }
        let content = self.world.file(path)?;
        let answer = (content.bytes.0.clone(), !content.truncated);
        self.contents.push(content);
        Some(answer)
    }
}

/// psqlrc files, most exact version first as psql looks for them: `psqlrc-15.18`, `psqlrc-15`, `psqlrc`.
fn startup(invocation: &Invocation, world: &dyn World) -> Vec<String> {
    let variable = |name: &str| invocation.variables.get(name).filter(|v| !v.is_empty()).and_then(|v| v.text());
    let mut bases: Vec<String> = SYSTEM_STARTUP.iter().map(|path| (*path).to_owned()).collect();
    let home = home(invocation).and_then(|home| String::from_utf8(home).ok());
    match (variable("PSQLRC"), home) {
        (Some(path), Some(home)) if path.starts_with("~/") => bases.push(format!("{home}{}", &path[1..])),
        (Some(path), _) => bases.push(path.to_owned()),
        (None, Some(home)) => bases.push(format!("{home}/.psqlrc")),
        (None, None) => {}
    }
    bases.iter().filter_map(|base| versioned(base, world)).collect()
}

/// What `psql --version` says behind the name.
fn version_of(answer: &[u8]) -> Option<String> {
    let answer = std::str::from_utf8(answer).ok()?.trim_end();
    answer.strip_prefix("psql (PostgreSQL) ").map(str::to_owned)
}

/// The version is asked for only where a file's name depends on it.
fn versioned(base: &str, world: &dyn World) -> Option<String> {
    let (folder, name) = base.rsplit_once('/').unwrap_or((".", base));
    let beginning = format!("{name}-");
    let names = world.list(folder.as_bytes()).unwrap_or_default();
    let candidates: Vec<&str> = names.iter().filter_map(|n| n.text()).filter(|n| n.starts_with(&beginning)).collect();
    if !candidates.is_empty() {
        // `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
        let full = world.ask_tool(&[b"--version"]).and_then(|answer| version_of(&answer)).unwrap_or_default();
        let major = full.split(['.', ' ']).next().unwrap_or("").to_owned();
        let found = [full, major]
            .iter()
            .map(|version| format!("{beginning}{version}"))
            .find(|wanted| candidates.contains(&wanted.as_str()));
        if let Some(found) = found {
            return Some(if folder == "." { found } else { format!("{folder}/{found}") });
        }
    }
    // A file that is not there can be made before psql looks; the delivery sees to that it is not looked for.
    world.is_file(base.as_bytes()).then(|| base.to_owned())
}

/// PGSERVICEFILE or ~/.pg_service.conf, then the system's; the first that names a service wins.
fn services(invocation: &Invocation, world: &dyn World) -> BTreeMap<String, Params> {
    let variable = |name: &str| invocation.variables.get(name).and_then(|v| v.text()).filter(|v| !v.is_empty());
    let line = line_of(invocation);
    let named = invocation.variables.contains_key("PGSERVICE")
        || line.dbname.as_ref().and_then(|d| d.text()).is_some_and(|text| text.contains("service"))
        || line
            .actions
            .iter()
            .any(|a| matches!(a, Action::Slash { text, .. } if memchr::memmem::find(text, b"service").is_some()));
    if !named {
        return BTreeMap::new();
    }
    let own = match (variable("PGSERVICEFILE"), variable("HOME")) {
        (Some(file), _) => Some(file.to_owned()),
        (None, Some(home)) => Some(format!("{home}/.pg_service.conf")),
        (None, None) => None,
    };
    let system = variable("PGSYSCONFDIR").unwrap_or("/etc/postgresql-common");
    let mut services = BTreeMap::new();
    for path in own.into_iter().chain([format!("{system}/pg_service.conf")]) {
        let Some(content) = world.file(path.as_bytes()) else { continue };
        for (name, entry) in conninfo::service_file(&content.bytes) {
            services.entry(name).or_insert(entry);
        }
    }
    services
}

/// The name that belongs to the process' user id, as getpwuid(3) gives it.
fn os_user(world: &dyn World) -> Option<String> {
    let status = world.file(b"/proc/self/status")?;
    let status = status.bytes.text()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // Real, effective, saved, file system: libpq asks for the effective one.
    let id = ids.split_whitespace().nth(1)?.to_owned();
    let users = world.file(b"/etc/passwd")?;
    let users = users.bytes.text()?;
    let mut entries = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    entries.find(|entry| entry.get(2) == Some(&id.as_str())).and_then(|entry| entry.first().map(|n| (*n).to_owned()))
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
