//! How a meaning is said: in git's own words (`effective`), and as operations for policy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Effect, Facts, Invocation, Operation, Reading, Resource};

use super::facts::Known;
use super::line;
use super::meaning::{Meaning, RefChange, Scene, Weight};
use super::options;
use super::remotes::{Repository, Transport, address};
use super::ssh;
use super::{meaning, needs_no_configuration, scene};

/// Reads a line; what could not be had is doubt.
pub fn read(invocation: &Invocation, facts: &Facts) -> Reading {
    let known = Known::of(facts);
    let version = facts.version.as_deref();
    let line = line::read(&invocation.args, &known, version);
    let scene = scene(invocation, &known, &line, version);
    let mut meaning = meaning(&scene, &line);
    if known.config.is_none() && meaning.refused.is_none() && !needs_no_configuration(&line) {
        meaning.doubt("unknown_fact", "git's configuration is not known");
    }
    trace_files(&scene, &mut meaning);
    reading(&scene, meaning)
}

/// `GIT_TRACE=/path` and its kin append to a file.
fn trace_files(scene: &Scene<'_>, meaning: &mut Meaning) {
    let traces = scene.invocation.variables.iter().filter(|(name, _)| name.starts_with("GIT_TRACE"));
    let paths: Vec<String> = traces.map(|(_, value)| options::text(value)).filter(|v| v.starts_with('/')).collect();
    if meaning.refused.is_none() {
        meaning.writes.extend(paths);
    }
}

/// The reading of a line whose meaning is known.
fn reading(scene: &Scene<'_>, meaning: Meaning) -> Reading {
    let mut reading = Reading {
        tool: "git".into(),
        version: scene.version.map(str::to_owned),
        effective: effective(&meaning).into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        operations: Vec::new(),
        doubts: Vec::new(),
    };
    if let Some(why) = &meaning.refused {
        let program = Resource::new("Program", "git").with("command", "git");
        reading.operations.push(
            Operation::new("tool.info", Effect::Read, program).with("detail", format!("refused by the tool: {why}")),
        );
        return reading;
    }
    reading.operations = operations(scene, &meaning);
    meaning.doubts.into_iter().for_each(|(kind, detail)| reading.doubt(kind, detail));
    reading
}

fn effective(meaning: &Meaning) -> Vec<(&'static str, Value)> {
    let names = |delete: bool| -> BTreeSet<&str> {
        meaning.changes.iter().filter(|c| c.delete == delete).map(|c| c.name.as_str()).collect()
    };
    if meaning.refused.is_some() {
        return vec![
            ("subcommand", json!(meaning.subcommand)),
            ("effect", json!("none")),
            ("remote", Value::Null),
            ("remote_url", Value::Null),
            ("force", json!(false)),
            ("refs_updated", json!([])),
            ("refs_deleted", json!([])),
            ("runs_program", json!(false)),
            ("programs", json!([])),
            ("writes_files", json!([])),
        ];
    }
    vec![
        ("subcommand", json!(meaning.subcommand)),
        ("effect", json!(word(meaning.weights.last().copied().unwrap_or_default()))),
        ("remote", json!(meaning.remote)),
        ("remote_url", json!(meaning.urls.first())),
        ("force", json!(meaning.force)),
        ("refs_updated", json!(names(false))),
        ("refs_deleted", json!(names(true))),
        ("runs_program", json!(!meaning.programs.is_empty())),
        ("programs", json!(meaning.programs)),
        ("writes_files", json!(meaning.writes)),
    ]
}

fn operations(scene: &Scene<'_>, meaning: &Meaning) -> Vec<Operation> {
    let mut operations = Vec::new();
    let top = scene.top();
    let tree = || Resource::new("WorkTree", top.clone()).with("path", top.clone());
    let repositories =
        |urls: &[String]| -> BTreeSet<Repository> { urls.iter().map(|url| reached(scene, meaning, url).0).collect() };
    let besides = repositories(&meaning.besides);
    let repositories = repositories(&meaning.urls);
    for weight in &meaning.weights {
        match weight {
            Weight::None => {}
            Weight::Read if meaning.subcommand.as_deref().is_none_or(|s| matches!(s, "help" | "version")) => {
                let program = Resource::new("Program", "git").with("command", "git");
                operations.push(Operation::new("tool.info", Effect::Read, program));
            }
            Weight::Read => operations.push(Operation::new("git.read", Effect::Read, tree())),
            Weight::LocalWrite => operations.push(Operation::new("git.change", Effect::Write, tree())),
            Weight::LocalDestructive => operations.push(Operation::new("git.discard", Effect::Destroy, tree())),
            Weight::ConfigWrite => operations.push(Operation::new("git.configure", Effect::Write, tree())),
            Weight::RemoteRead => operations.extend(repositories.iter().map(fetch)),
            Weight::RemoteWrite => {
                for repository in &repositories {
                    operations.extend(meaning.changes.iter().map(|change| push(repository, change)));
                    if meaning.changes.is_empty() {
                        // A push that may turn out to change nothing still asks to write there.
                        let any = RefChange { name: "refs/*".into(), delete: false, force: meaning.force };
                        operations.push(push(repository, &any));
                    }
                }
            }
        }
    }
    let asked = if meaning.weights.contains(&Weight::RemoteRead) { repositories } else { BTreeSet::new() };
    operations.extend(besides.difference(&asked).map(fetch));
    if is_led(scene, meaning) {
        for operation in operations.iter_mut().filter(|operation| operation.resource.attributes.contains_key("host")) {
            operation.context.insert("connect".to_owned(), json!("*"));
        }
    }
    for command in &meaning.programs {
        let program = Resource::new("Program", command.clone()).with("command", command.clone());
        operations.push(Operation::new("program.run", Effect::Execute, program));
    }
    for path in &meaning.writes {
        let file = Resource::new("File", path.clone()).with("path", path.clone());
        operations.push(Operation::new("file.write", Effect::Write, file));
    }
    operations
}

/// The repository that a URL leads to, as ssh finds its host; and whether something stands between that leads elsewhere.
fn reached(scene: &Scene<'_>, meaning: &Meaning, url: &str) -> (Repository, bool) {
    let address = address(url, &base(scene, meaning));
    if address.transport != Transport::Ssh || scene.known.ssh.is_empty() {
        return (address.repository, false);
    }
    let (repository, route) = ssh::resolved(&scene.known.ssh, &address);
    (repository, route.led)
}

/// Whether what is asked over HTTP goes where a proxy or an entry for names says, by configuration (git-config(1)) or variables.
fn is_led(scene: &Scene<'_>, meaning: &Meaning) -> bool {
    let over_http = |url: &String| url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    let leads = |key: &str| key.ends_with(".proxy") || key.starts_with("http.") && key.ends_with("curloptresolve");
    let set = scene.known.variables_set.iter().any(|name| name.to_ascii_lowercase().ends_with("_proxy"));
    let config = || scene.config.0.iter().any(|e| leads(&e.key) && e.value.as_deref().is_some_and(|v| !v.is_empty()));
    let urls = || meaning.urls.iter().chain(&meaning.besides);
    urls().any(over_http) && (set || config()) || urls().any(|url| reached(scene, meaning, url).1)
}

/// A clone takes paths from where it was started, every other command from the top of the work tree.
fn base(scene: &Scene<'_>, meaning: &Meaning) -> String {
    if meaning.subcommand.as_deref() == Some("clone") { scene.folder() } else { scene.top() }
}

fn identity(repository: &Repository) -> String {
    match repository.host.as_str() {
        "" => repository.path.clone(),
        host => format!("{host}/{}", repository.path),
    }
}

fn fetch(repository: &Repository) -> Operation {
    let resource = Resource::new("Repository", identity(repository))
        .with("host", repository.host.clone())
        .with("path", repository.path.clone());
    Operation::new("git.fetch", Effect::Read, resource)
}

fn push(repository: &Repository, change: &RefChange) -> Operation {
    let (action, effect) = match (change.delete, change.force) {
        (true, _) => ("git.delete_ref", Effect::Destroy),
        (false, true) => ("git.force_push", Effect::Destroy),
        (false, false) => ("git.push", Effect::Write),
    };
    let resource = Resource::new("Ref", format!("{}:{}", identity(repository), change.name))
        .with("host", repository.host.clone())
        .with("path", repository.path.clone())
        .with("name", change.name.clone());
    Operation::new(action, effect, resource).with("force", change.force)
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::None => "none",
        Weight::Read => "read",
        Weight::LocalWrite => "local_write",
        Weight::LocalDestructive => "local_destructive",
        Weight::ConfigWrite => "config_write",
        Weight::RemoteRead => "remote_read",
        Weight::RemoteWrite => "remote_write",
    }
}
