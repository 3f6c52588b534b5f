//! What psql would read on this machine before it sends anything: its scripts, psqlrc, service files, and who runs it.

use std::collections::{BTreeMap, BTreeSet};

use super::conninfo::{self, Params};
use super::options::{Action, Ending};
use super::{World, begin, fact, home, line_of, parameters, steps, walk};
use crate::model::{Content, ContentSource, Facts, Invocation, StreamKind};
use crate::tools::world;

/// System-wide psqlrc: Debian's place and the one of PostgreSQL's own packages (psql(1), "Files").
pub const SYSTEM_STARTUP: &[&str] = &["/etc/postgresql-common/psqlrc", "/etc/sysconfig/pgsql/psqlrc"];

pub fn gather(invocation: &Invocation, world: &dyn World) -> Facts {
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
    let mut runner = begin(&mut files, &line, invocation, &facts, text(&stdin));
    runner.home.clone_from(&home);
    walk(&line, &startup, &mut runner);
    let newer = line.dbname.as_ref().and_then(|word| word.text()).is_some_and(parameters::newer);
    let (asks_version, asks_stdin) = (runner.asks_version || newer, runner.asks_stdin && stdin.is_none());
    let unset = unset(&runner.asks_variables, world);
    // Read only where a script says so, as `\i -` does.
    let stdin = if asks_stdin && invocation.streams.stdin != StreamKind::Terminal { world.stdin() } else { stdin };
    if asks_version {
        // Asked for only where a script says something that not every psql knows.
        let version = world.ask_tool(&[b"--version"]).and_then(|answer| version_of(&answer));
        facts.version = version.and_then(|version| version.split(' ').next().map(str::to_owned));
    }
    if asks_version || asks_stdin || !unset.is_empty() {
        if !unset.is_empty() {
            facts.facts.insert(fact::UNSET.to_owned(), unset.into());
        }
        let mut runner = begin(&mut files, &line, invocation, &facts, text(&stdin));
        runner.home = home;
        walk(&line, &startup, &mut runner);
    }
    facts.contents = files.contents;
    facts.contents.extend(stdin);
    facts
}

/// Those of the variables that are not set. Nothing is said of what the others hold.
fn unset(asked: &BTreeSet<Vec<u8>>, world: &dyn World) -> Vec<String> {
    let names = asked.iter().filter_map(|name| std::str::from_utf8(name).ok());
    names.filter(|name| world.variable(name).is_none()).map(str::to_owned).collect()
}

/// Scripts come from the machine, each kept as a content.
struct FromWorld<'a> {
    world: &'a dyn World,
    contents: Vec<Content>,
}

impl steps::Files for FromWorld<'_> {
    fn script(&mut self, path: &[u8]) -> Option<(Vec<u8>, bool)> {
        let known =
            self.contents.iter().find(|c| matches!(&c.source, ContentSource::File(name) if name.as_slice() == path));
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

/// The name that belongs to the process' user id.
fn os_user(world: &dyn World) -> Option<String> {
    world::account(world)?.into_iter().next()
}
