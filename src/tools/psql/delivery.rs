//! How a psql line is started so that it runs what was read, as the role that was made for it.
//!
//! Scripts (`-f`, standard input, psqlrc, and what they include by a literal name) are handed over as the bytes that
//! were read. With a credential, the database argument becomes a connection string that names one host, port,
//! database and the role, because such a string beats every option and variable beside it; the password stands in a
//! memory file that PGPASSFILE names, with one line that fits that one connection. Refused: a credential for a line
//! that would connect anywhere else, also later (`\connect`).

use std::collections::BTreeMap;

use super::conninfo::{self, Params, Target};
use super::gathering::SYSTEM_STARTUP;
use super::options::{Action, Ending, Line};
use super::steps::{Include, Origin, Step};
use super::{FromFacts, begin, fact, line_of, sources, walk, where_to};
use crate::model::{
    Bytes, Content, ContentSource, Delivery, EnvChange, Facts, Grant, GrantKind, Invocation, Lasts, MemFile, Part,
    Secret, Terms, Word,
};
use crate::tools::DeliveryError;

pub fn deliver(
    invocation: &Invocation,
    facts: Facts,
    terms: &Terms,
    grants: Vec<Grant>,
) -> Result<Delivery, DeliveryError> {
    let line = line_of(invocation);
    let mut delivery =
        Delivery { args: invocation.args.iter().map(|arg| Word::plain(arg.clone())).collect(), ..Delivery::default() };
    if line.ending != Ending::Runs {
        return if grants.is_empty() { Ok(delivery) } else { refused("psql would not connect anywhere", None) };
    }
    let startup: Vec<String> = facts.get(fact::STARTUP).unwrap_or_default();
    let stdin = facts.stdin().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let mut files = FromFacts(&facts);
    let mut runner = begin(&mut files, &line, invocation, &facts, stdin);
    walk(&line, &startup, &mut runner);
    let (steps, includes, named) = (runner.steps, runner.includes, runner.named);

    let mut pins = Pins::new(invocation, &facts, &includes)?;
    pins.scripts(&line, &named, &mut delivery)?;
    pins.startup(&line, &startup, &mut delivery)?;
    pins.stdin(&mut delivery)?;
    pins.hand_over(&mut delivery);
    let variables = pins.variables;

    let mut added = variables;
    let mut grants = grants.into_iter();
    match (grants.next(), grants.next()) {
        (None, _) => {}
        (Some(grant), None) => {
            may_lend(&line, &steps, terms)?;
            added.extend(lend(&line, invocation, &facts, grant, &mut delivery)?);
        }
        (Some(_), Some(_)) => return refused("psql takes one credential", None),
    }
    place(&line, invocation, added, &mut delivery);
    Ok(delivery)
}

fn refused<T>(why: &str, hint: Option<&str>) -> Result<T, DeliveryError> {
    Err(DeliveryError { why: why.to_owned(), hint: hint.map(str::to_owned) })
}

/// Contents on their way into memory files.
struct Pins<'a> {
    facts: &'a Facts,
    includes: &'a [Include],
    /// The path of an included script, and the psql variable that will hold its new name.
    names: BTreeMap<Vec<u8>, String>,
    files: Vec<MemFile>,
    placed: BTreeMap<Vec<u8>, usize>,
    variables: Vec<Word>,
}

impl<'a> Pins<'a> {
    fn new(invocation: &Invocation, facts: &'a Facts, includes: &'a [Include]) -> Result<Self, DeliveryError> {
        let mut names = BTreeMap::new();
        for include in includes {
            if facts.file(&include.path).is_none() {
                continue;
            }
            if include.place.is_none() {
                return refused(
                    "a script is included by a name that stands in a variable, so it cannot be held to what was read",
                    Some("name the script in the line or in the script itself"),
                );
            }
            // Nobody could know the id when the script was written, so no script can set this variable to another file.
            let next = names.len() + 1;
            names.entry(include.path.clone()).or_insert_with(|| format!("{}_{next}", invocation.id.as_str()));
        }
        Ok(Pins { facts, includes, names, files: Vec::new(), placed: BTreeMap::new(), variables: Vec::new() })
    }

    /// The bytes with the names of included scripts replaced.
    fn rewritten(&self, origin: &Origin, bytes: &[u8]) -> Result<Vec<u8>, DeliveryError> {
        let mut places: BTreeMap<(usize, usize), &Vec<u8>> = BTreeMap::new();
        for include in self.includes.iter().filter(|include| include.origin == *origin) {
            let (Some(place), true) = (include.place, self.names.contains_key(&include.path)) else { continue };
            if places.insert(place, &include.path).is_some_and(|before| *before != include.path) {
                return refused("one line of a script includes different files at different times", None);
            }
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for ((from, to), path) in places {
            let (Some(before), Some(name)) = (bytes.get(at..from), self.names.get(path)) else { continue };
            out.extend_from_slice(before);
            out.push(b':');
            out.extend_from_slice(name.as_bytes());
            at = to;
        }
        out.extend_from_slice(bytes.get(at..).unwrap_or_default());
        Ok(out)
    }

    /// A memory file with a script that was read from `path`; each path once.
    fn file(&mut self, path: &[u8], name: &'static str) -> Result<Option<usize>, DeliveryError> {
        if let Some(index) = self.placed.get(path) {
            return Ok(Some(*index));
        }
        let Some(content) = self.facts.file(path) else { return Ok(None) };
        if content.truncated {
            return refused("a script is too long to be handed over as it was read", None);
        }
        let bytes = self.rewritten(&Origin::File(path.to_vec()), &content.bytes)?;
        self.files.push(MemFile { name, bytes: Secret::new(bytes), lasts: Lasts::Throughout });
        self.placed.insert(path.to_vec(), self.files.len() - 1);
        Ok(Some(self.files.len() - 1))
    }

    fn scripts(
        &mut self,
        line: &Line,
        named: &[(usize, Vec<u8>)],
        delivery: &mut Delivery,
    ) -> Result<(), DeliveryError> {
        for action in &line.actions {
            match action {
                Action::File { name, index } if name.as_slice() != b"-" => {
                    let Some((_, path)) = named.iter().find(|(word, _)| word == index) else { continue };
                    if let Some(file) = self.file(path, "script")? {
                        end_with(delivery, *index, name.len(), vec![Part::File(file)]);
                    }
                }
                Action::Slash { text, index } => {
                    let here = Origin::Argument(*index);
                    let Some(include) = self.includes.iter().find(|include| include.origin == here) else { continue };
                    if let (Some((from, to)), Some(file)) = (include.place, self.file(&include.path, "script")?) {
                        let rest = Bytes::from(text.get(to..).unwrap_or_default());
                        end_with(delivery, *index, text.len() - from, vec![Part::File(file), Part::Plain(rest)]);
                    }
                }
                Action::File { .. } | Action::Query(_) => {}
            }
        }
        Ok(())
    }

    /// The user's psqlrc as it was read, or none. The system's is root's, and psql reads it by itself.
    fn startup(&mut self, line: &Line, startup: &[String], delivery: &mut Delivery) -> Result<(), DeliveryError> {
        if line.no_psqlrc {
            return Ok(());
        }
        let systems = |path: &String| SYSTEM_STARTUP.iter().any(|system| path.starts_with(system));
        let own = match startup.iter().find(|path| !systems(path)) {
            Some(path) => self.file(path.as_bytes(), "psqlrc")?,
            None => None,
        };
        match own {
            Some(file) => delivery.environment.push(EnvChange::Set("PSQLRC".into(), Word::file(file))),
            None if startup.iter().any(systems) => {
                delivery.environment.push(EnvChange::Set("PSQLRC".into(), Word::plain("/dev/null")));
            }
            None => self.variables.push(Word::plain("-X")),
        }
        Ok(())
    }

    fn stdin(&mut self, delivery: &mut Delivery) -> Result<(), DeliveryError> {
        let Some(content) = self.facts.stdin() else { return Ok(()) };
        let bytes = Bytes::from(self.rewritten(&Origin::Stdin, &content.bytes)?);
        let Content { sha256, truncated, .. } = *content;
        delivery.stdin = Some(Content { source: ContentSource::Stdin, sha256, bytes, truncated });
        Ok(())
    }

    /// Puts the files into the delivery, with a variable for each script that another one includes.
    fn hand_over(&mut self, delivery: &mut Delivery) {
        // Scripts may include scripts: each file() may name more, but all paths are known from the walk.
        for (path, name) in self.names.clone() {
            if let Ok(Some(file)) = self.file(&path, "script") {
                self.variables.push(Word::plain("-v"));
                self.variables.push(Word(vec![Part::Plain(format!("{name}=").into()), Part::File(file)]));
            }
        }
        delivery.files = std::mem::take(&mut self.files);
    }
}

/// Replaces the last `length` bytes of a word.
fn end_with(delivery: &mut Delivery, index: usize, length: usize, parts: Vec<Part>) {
    let Some(word) = delivery.args.get_mut(index) else { return };
    let Some(Part::Plain(bytes)) = word.0.first() else { return };
    let kept = Bytes::from(&bytes[..bytes.len().saturating_sub(length)]);
    let kept = (!kept.is_empty()).then_some(Part::Plain(kept));
    *word = Word(kept.into_iter().chain(parts).collect());
}

/// A credential is not lent to a line that goes elsewhere in its course.
fn may_lend(line: &Line, steps: &[Step], terms: &Terms) -> Result<(), DeliveryError> {
    if line.cluster {
        return refused("--cluster chooses another server than the credential's", Some("name the host with -h"));
    }
    for step in steps {
        match step {
            Step::Connect { .. } => {
                return refused(
                    "the script connects again, and the credential is for one connection",
                    Some("run one psql for each connection"),
                );
            }
            step if terms.quiet_programs && starts_program(step) => {
                return refused(
                    "the line starts a program while a credential is present",
                    Some("leave the program out"),
                );
            }
            _ => {}
        }
    }
    Ok(())
}

fn starts_program(step: &Step) -> bool {
    match step {
        Step::Program(_) => true,
        Step::IfRows(step, _) => starts_program(step),
        _ => false,
    }
}

/// Adds the credential; answers the words that the line needs for it.
fn lend(
    line: &Line,
    invocation: &Invocation,
    facts: &Facts,
    grant: Grant,
    delivery: &mut Delivery,
) -> Result<Vec<Word>, DeliveryError> {
    let GrantKind::Postgres { host, port, database, role } = &grant.kind else {
        return refused("psql takes a PostgreSQL role, and the credential is of another kind", None);
    };
    let Ok(target) = conninfo::resolve(&sources(line, invocation, facts)) else {
        return refused("where psql would connect cannot be told", Some("name host and database with -h and -d"));
    };
    if target.several {
        return refused("the line names several hosts, and the credential is for one", Some("name one host"));
    }
    if target.engine().is_some() {
        return refused(
            "sslkey loads a library into psql, which would have the credential",
            Some("name the key's file"),
        );
    }
    if target.params.get("sslkeylogfile").is_some_and(|file| !file.is_empty()) {
        return refused("sslkeylogfile writes down the keys of the connection", Some("leave it out"));
    }
    let (to_host, to_port, to_database) = where_to(Some(&target));
    if !to_host.eq_ignore_ascii_case(host) || to_port != *port || to_database != *database {
        let why = format!("the credential is for {host}:{port}/{database}, not {to_host}:{to_port}/{to_database}");
        return Err(DeliveryError { why, hint: None });
    }
    delivery.files.push(MemFile {
        name: "pgpass",
        bytes: password_file(&target, *port, database, role, &grant.secret),
        lasts: Lasts::UntilClosed,
    });
    let file = Word::file(delivery.files.len() - 1);
    for name in ["PGPASSWORD", "PGSERVICE", "PGSERVICEFILE"] {
        delivery.environment.push(EnvChange::Remove(name.into()));
    }
    delivery.environment.push(EnvChange::Set("PGPASSFILE".into(), file));
    let words = ["-w", "-U", role, "-d", &connection(&target, host, role)];
    Ok(words.map(Word::plain).to_vec())
}

/// One line a name under which libpq may look the connection up (PostgreSQL documentation, "The Password File").
fn password_file(target: &Target, port: u16, database: &str, role: &str, secret: &Secret) -> Secret {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let socket = target.host.as_deref().is_none_or(|host| host.starts_with('/'));
    let mut hosts: Vec<&str> = target.host.as_deref().into_iter().collect();
    if socket {
        // The default socket's folder is looked up under this name.
        hosts.push("localhost");
    }
    let mut out = Vec::new();
    for host in hosts {
        out.extend_from_slice(format!("{}:{port}:{}:{}:", escaped(host), escaped(database), escaped(role)).as_bytes());
        for byte in secret.expose() {
            if matches!(byte, b':' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'\n');
    }
    Secret::new(out)
}

/// The connection string that beats everything beside it: what was asked for, with the role in it. Where no host was named libpq
/// would look for a socket, which may lie in a folder that is everybody's: the credential goes to the host it is for.
fn connection(target: &Target, host: &str, role: &str) -> String {
    let mut params: Params = target.params.clone();
    for dropped in ["password", "passfile", "service", "user"] {
        params.remove(dropped);
    }
    if target.hostaddr.is_none() || target.host.is_some() {
        params.insert("host".into(), target.host.as_deref().unwrap_or(host).to_owned());
    }
    params.insert("port".into(), target.port.to_string());
    params.insert("dbname".into(), target.database.clone());
    params.insert("user".into(), role.to_owned());
    conninfo::write(&params)
}

/// Puts words where psql still takes options, and takes the operands away that they stand for.
fn place(line: &Line, invocation: &Invocation, words: Vec<Word>, delivery: &mut Delivery) {
    let lends = words.iter().any(|word| *word == Word::plain("-d"));
    let posixly = invocation.variables.contains_key("POSIXLY_CORRECT");
    let first_operand = line.operands.first().copied().filter(|_| posixly);
    let at = line.dashes.or(first_operand).unwrap_or(delivery.args.len()).min(delivery.args.len());
    let after = delivery.args.split_off(at);
    let kept = |offset: usize, args: Vec<Word>| {
        let gone = |index: usize| lends && line.operands.contains(&(index + offset));
        args.into_iter().enumerate().filter(move |(index, _)| !gone(*index)).map(|(_, word)| word).collect::<Vec<_>>()
    };
    let before = std::mem::take(&mut delivery.args);
    delivery.args = kept(0, before);
    delivery.args.extend(words);
    delivery.args.extend(kept(at, after));
}
