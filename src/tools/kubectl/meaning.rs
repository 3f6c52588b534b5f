//! What a kubectl line would do: the calls that it makes to the API, the programs it starts, the files it touches.
//!
//! The calls of each command are in `verbs.rs`; this file puts the reading together, `said.rs` has its words.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::kubeconfig::{Kubeconfig, Target};
use super::kuberc::Kuberc;
use super::manifests::{self, Manifests};
use super::options::{self, Found, Line};
use super::resources::Type;
use super::said::{in_rbac, in_words, offers, runs};
use super::{KUBECONFIG, KUBERC, PLUGIN, picks, refusals, verbs};
use crate::model::{Facts, Invocation, Reading, StreamKind};

/// One call to the API, in RBAC's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub verb: &'static str,
    pub of: Type,
    pub subresource: Option<String>,
    /// `None` for a collection, `*` where the server chooses.
    pub name: Option<String>,
    pub scope: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    Cluster,
    Everywhere,
    Namespace(String),
}

/// The doubt of a line that names more than is gone through.
pub(super) const TOO_MUCH: &str = "too_much";

/// A reading in the making.
pub(super) struct Meaning<'a> {
    pub invocation: &'a Invocation,
    pub line: &'a Line,
    pub target: Target,
    pub manifests: Manifests,
    pub calls: Vec<Call>,
    /// The same, to say each once.
    seen: HashSet<Call>,
    /// Requests that are no calls on resources: `GET /metrics`.
    pub raw: Vec<&'static str>,
    pub raw_path: Option<String>,
    pub programs: Vec<String>,
    pub reads_files: Vec<String>,
    /// Where it updates, it also creates what is not there: policy sees both, `calls` has the one.
    pub also_creates: bool,
    /// Files whose content goes to the cluster.
    pub sends_files: Vec<String>,
    pub writes_files: Vec<String>,
    /// It asks first, and the answer is no.
    pub cancelled: bool,
    /// The kubeconfig that `kubectl config` would change.
    pub configures: Option<String>,
    pub listens: Vec<String>,
    /// A socket in the file system that is listened on.
    pub socket: Option<String>,
    /// What is done only where the server answers so: policy sees it, `calls` has it not.
    pub perhaps: Vec<Call>,
    pub contacts_server: bool,
    pub doubts: Vec<(&'static str, String)>,
    /// Why kubectl itself would not go on.
    pub refused: Option<String>,
}

/// The whole reading.
pub(super) fn read(invocation: &Invocation, facts: &Facts) -> Reading {
    let mut reading = Reading {
        tool: "kubectl".to_owned(),
        version: facts.version.clone(),
        effective: nothing(),
        operations: Vec::new(),
        doubts: Vec::new(),
    };
    let found = options::read(&invocation.args);
    let kuberc = facts.get::<Kuberc>(KUBERC).filter(|file| file.touches(invocation, facts.version.as_deref(), &found));
    if let Some(kuberc) = kuberc {
        worst(&mut reading);
        reading.doubt("unread_content", format!("{} has an alias or defaults for this command", kuberc.path));
        return reading;
    }
    match found {
        // New since the table.
        Found::Unknown { name } if name == "kuberc" && !facts.version.as_deref().is_some_and(is_ours) => {
            worst(&mut reading);
            reading.doubt("unknown_command", "what kuberc does is not read");
        }
        Found::NotText => reading.doubt("not_text", "an argument is not UTF-8"),
        Found::Unknown { name } if matches!(name.as_str(), "help" | "options") => {}
        // `kubectl -n x frob`: no plugin is looked for where an option comes first.
        Found::Unknown { name } if options::plugins(&invocation.args).is_empty() && !name.starts_with("__") => {
            refuse(&mut reading, &format!("unknown command {name}"));
        }
        Found::Unknown { name } => plugin(&mut reading, facts, &name),
        Found::Command(line) => {
            // `create` takes plugins as subcommands; where one was found, it runs instead.
            let plugin_of_create = line.command.path == ["create"] && !options::plugins(&invocation.args).is_empty();
            match facts.get::<String>(PLUGIN) {
                Some(program) if plugin_of_create && !program.is_empty() => runs_plugin(&mut reading, &program),
                _ => command(&mut reading, invocation, facts, &line),
            }
        }
    }
    reading
}

fn plugin(reading: &mut Reading, facts: &Facts, name: &str) {
    match facts.get::<String>(PLUGIN) {
        None => reading.doubt("unknown_command", format!("{name} is no command; whether it is a plugin is not known")),
        Some(program) if program.is_empty() => refuse(reading, &format!("unknown command {name}")),
        Some(program) => runs_plugin(reading, &program),
    }
}

/// A plugin is any program: what it does is not read, and the permit is for starting it.
fn runs_plugin(reading: &mut Reading, program: &str) {
    reading.effective.insert("runs_program".to_owned(), json!(true));
    reading.effective.insert("programs".to_owned(), json!([program]));
    reading.operations.push(runs(program));
}

fn refuse(reading: &mut Reading, why: &str) {
    reading.effective = nothing();
    reading.effective.insert("context".to_owned(), json!(format!("refused by the tool: {why}")));
    reading.operations.clear();
    reading.doubts.clear();
}

fn command(reading: &mut Reading, invocation: &Invocation, facts: &Facts, line: &Line) {
    if let Some(problem) = line.problems.first() {
        // Options come and go with versions: only for the version of the table is it kubectl that refuses.
        // An alpha feature brings an option of its own.
        let switch = invocation.variables.get("KUBECTL_APPLYSET").and_then(|value| value.text());
        let more = switch.is_some_and(|on| on.eq_ignore_ascii_case("true"));
        return match &facts.version {
            Some(version) if is_ours(version) && !more => {
                refuse(reading, &format!("its options do not parse: {problem:?}"))
            }
            _ => {
                worst(reading);
                reading.doubt("unknown_option", format!("{problem:?}"));
            }
        };
    }
    let newest = line.newest();
    match facts.version.as_deref().map(options::minor) {
        Some(Some(minor)) if minor >= newest => {}
        _ if newest == 0 => {}
        Some(_) if facts.version.as_deref().is_some_and(is_ours) => {
            return refuse(reading, "an option is newer than it");
        }
        _ => {
            worst(reading);
            return reading.doubt("unknown_option", format!("an option that kubectl 1.{newest} has, and 1.32 has not"));
        }
    }
    if line.has_wrong_switch() {
        return refuse(reading, "a switch has a value that is neither true nor false");
    }
    if line.on("help") || line.command.path.is_empty() {
        return;
    }
    let refused = refusals::of(line);
    // That of a job's source comes when the server has said which types it has.
    if let Some(why) = refused.filter(|_| line.command.path != ["create", "job"]) {
        return refuse(reading, why);
    }
    let config = match facts.get::<Kubeconfig>(KUBECONFIG) {
        Some(config) => config,
        None => {
            reading.doubt("unknown_fact", "the kubeconfig was not read");
            Kubeconfig::default()
        }
    };
    if let Some(trouble) = &config.trouble {
        reading.doubt("unread_content", trouble.clone());
    }
    let target = match config.target(invocation, line) {
        Ok(target) => target,
        Err(_) if line.is_local() => Target::default(),
        Err(why) => return refuse(reading, &why),
    };
    let mut meaning = Meaning::new(invocation, line, target, manifests::read(line, facts));
    meaning.refused = refused.map(str::to_owned);
    meaning.cancelled = super::asks_first(line) && is_cancelled(invocation, line, facts);
    verbs::read(&mut meaning, config.file.as_deref());
    meaning.finish(reading);
}

/// The answer to `delete -i` is the first word of standard input, of which manifests leave nothing. One that may still come is yes.
fn is_cancelled(invocation: &Invocation, line: &Line, facts: &Facts) -> bool {
    let taken = line.values("filename").iter().any(|path| path == "-");
    match invocation.streams.stdin {
        StreamKind::Null | StreamKind::Closed => true,
        StreamKind::File if taken => true,
        StreamKind::File => facts.stdin().filter(|content| !content.truncated).is_some_and(|content| {
            // Go's blanks are Unicode's.
            let text = content.bytes.as_slice().utf8_chunks().next().map_or("", |chunk| chunk.valid());
            !text.split_whitespace().next().is_some_and(|answer| answer.eq_ignore_ascii_case("y"))
        }),
        _ => false,
    }
}

fn is_ours(version: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    version == options::VERSION || version.strip_prefix(options::VERSION).is_some_and(|rest| rest.starts_with('.'))
}

/// All keys, with nothing in them.
fn nothing() -> BTreeMap<String, Value> {
    [
        ("calls", json!([])),
        ("impersonate", Value::Null),
        ("server", Value::Null),
        ("manifest_kinds", json!([])),
        ("runs_program", json!(false)),
        ("programs", json!([])),
        ("raw_path", Value::Null),
        ("reads_files", json!([])),
        ("writes_files", json!([])),
        ("listens", json!([])),
        ("dry_run", Value::Null),
        ("context", Value::Null),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// Beside a doubt about the whole line.
fn worst(reading: &mut Reading) {
    reading.effective.insert("calls".to_owned(), json!([anything()]));
    reading.effective.insert("runs_program".to_owned(), json!(true));
}

/// The call that stands for all that could not be read.
fn anything() -> Value {
    json!({"verb": "*", "resource": "*", "subresource": null, "name": "*", "namespace": null})
}

impl<'a> Meaning<'a> {
    fn new(invocation: &'a Invocation, line: &'a Line, target: Target, manifests: Manifests) -> Self {
        Meaning {
            invocation,
            line,
            target,
            manifests,
            calls: Vec::new(),
            seen: HashSet::new(),
            raw: Vec::new(),
            raw_path: None,
            programs: Vec::new(),
            reads_files: Vec::new(),
            also_creates: false,
            sends_files: Vec::new(),
            writes_files: Vec::new(),
            cancelled: false,
            configures: None,
            listens: Vec::new(),
            socket: None,
            perhaps: Vec::new(),
            contacts_server: true,
            doubts: Vec::new(),
            refused: None,
        }
    }

    pub fn refuse(&mut self, why: &str) {
        self.refused.get_or_insert_with(|| why.to_owned());
    }

    pub fn call(&mut self, verb: &'static str, of: &Type, name: Option<&str>, scope: Scope) {
        self.push(Call { verb, of: of.clone(), subresource: None, name: name.map(str::to_owned), scope });
    }

    pub fn call_on(&mut self, verb: &'static str, of: &Type, subresource: &str, name: Option<&str>, scope: Scope) {
        let subresource = (!subresource.is_empty()).then(|| subresource.to_owned());
        self.push(Call { verb, of: of.clone(), subresource, name: name.map(str::to_owned), scope });
    }

    fn push(&mut self, call: Call) {
        if self.seen.insert(call.clone()) {
            self.calls.push(call);
        }
    }

    /// Whether all that the line names is known: where it names nothing then, kubectl refuses.
    pub fn is_sure(&self) -> bool {
        self.manifests.doubts.is_empty() && self.doubts.iter().all(|(kind, _)| *kind != TOO_MUCH)
    }

    /// Where things of this type are looked for when the line says no more.
    pub fn scope(&self, of: &Type) -> Scope {
        match of.namespaced {
            false => Scope::Cluster,
            true if self.line.on("all-namespaces") => Scope::Everywhere,
            true => Scope::Namespace(self.target.namespace.clone()),
        }
    }

    /// `client`, `server`, or nothing; an unknown value is refused by kubectl. A request to a path is sent as it is, and
    /// what was edited before is created as it is.
    pub fn dry_run(&mut self) -> Option<&'static str> {
        let found = self.line.dry_run().unwrap_or_else(|()| {
            self.refuse("--dry-run has an unknown value");
            None
        });
        let raw = self.line.value("raw").is_some_and(|path| !path.is_empty());
        // The patch that notes the line in an annotation is never one.
        let notes = self.line.name() == "scale" && self.line.on("record") && found == Some("server");
        let edits = self.line.command.path == ["create"] && self.line.on("edit");
        found.filter(|_| !raw && !edits && !notes)
    }

    /// Whether kubectl refuses the line only once the server has said which types it has. What a file that comes later could
    /// still make another line is none of these: it would be lent what is lent for asking.
    fn asks_for_types(&self) -> bool {
        let no_file = !self.line.has("filename") && !self.line.has("kustomize");
        self.contacts_server && no_file && matches!(self.line.command.path.as_slice(), ["delete"] | ["create", "job"])
    }

    fn finish(mut self, reading: &mut Reading) {
        let dry_run = self.dry_run();
        let place = &self.target.namespace;
        let used = |call: &Call| matches!(&call.scope, Scope::Namespace(namespace) if namespace == place);
        if !picks::is_segment(place) && self.calls.iter().any(used) {
            self.refuse("the namespace is none");
        }
        if let Some(why) = self.refused.take() {
            refuse(reading, &why);
            let asked = self.asks_for_types().then(|| offers(&self.target.server));
            return reading.operations.extend(asked.map(|asked| self.target.asked(asked)));
        }
        if dry_run == Some("client") {
            self.calls.retain(|call| is_read(call.verb));
            // What a generator makes is printed; all else is first looked up.
            // Of a role's rules the server is asked which resources there are.
            let generates = match self.line.command.path.as_slice() {
                ["create", "role" | "clusterrole"] => !self.line.has("resource"),
                path => matches!(path, ["create", _, ..]),
            };
            self.contacts_server &= !generates || !self.calls.is_empty();
        }
        if self.contacts_server
            && let Some(program) = self.target.exec.clone()
        {
            self.programs.push(program);
        }
        let unread = !self.is_sure();
        let manifests = std::mem::take(&mut self.manifests);
        self.reads_files.extend(manifests.files.iter().cloned());

        let doubts = self.doubts.drain(..).chain(manifests.doubts);
        for (kind, detail) in doubts.collect::<Vec<_>>() {
            reading.doubt(kind, detail);
        }
        let mut kinds: Vec<_> = manifests.objects.into_iter().map(|object| object.kind).collect();
        kinds.sort();
        kinds.dedup();
        reading.operations = self.operations(dry_run);
        let impersonate = self.target.impersonate.as_ref().filter(|_| self.contacts_server);
        let mut all_reads = [self.reads_files.clone(), self.sends_files.clone()].concat();
        all_reads.sort();
        all_reads.dedup();
        let mut calls: Vec<Value> = self.calls.iter().map(in_rbac).collect();
        calls.extend(unread.then(anything));
        let found = [
            ("calls", json!(calls)),
            ("impersonate", impersonate.map_or(Value::Null, in_words)),
            ("server", if self.contacts_server { json!(self.target.server) } else { Value::Null }),
            ("manifest_kinds", json!(kinds)),
            ("runs_program", json!(!self.programs.is_empty())),
            ("programs", json!(self.programs)),
            ("raw_path", json!(self.raw_path)),
            ("reads_files", json!(all_reads)),
            ("writes_files", json!(self.writes_files)),
            ("listens", json!(self.listens)),
            ("dry_run", json!(dry_run)),
        ];
        reading.effective.extend(found.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
}

pub(super) fn is_read(verb: &str) -> bool {
    matches!(verb, "get" | "list" | "watch")
}
