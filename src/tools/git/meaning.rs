//! What a line would do, and how that is said: git's own words (`effective`) and operations for policy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Effect, Invocation, Operation, Reading, Resource};

use super::facts::{Config, Known};
use super::line::Globals;
use super::options::text;
use super::remotes::{Repository, address};

/// Effects in rising order; `effective` shows the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Weight {
    #[default]
    None,
    Read,
    LocalWrite,
    LocalDestructive,
    ConfigWrite,
    RemoteRead,
    RemoteWrite,
}

impl Weight {
    fn word(self) -> &'static str {
        match self {
            Weight::None => "none",
            Weight::Read => "read",
            Weight::LocalWrite => "local_write",
            Weight::LocalDestructive => "local_destructive",
            Weight::ConfigWrite => "config_write",
            Weight::RemoteRead => "remote_read",
            Weight::RemoteWrite => "remote_write",
        }
    }
}

/// A ref of the remote that a push asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefChange {
    /// Full, or a pattern.
    pub name: String,
    pub delete: bool,
    pub force: bool,
}

/// Collected while a line is read.
#[derive(Debug, Clone, Default)]
pub struct Meaning {
    pub subcommand: Option<String>,
    pub weights: BTreeSet<Weight>,
    pub remote: Option<String>,
    /// Where it really goes: several with `fetch --all` or several push URLs.
    pub urls: Vec<String>,
    pub changes: Vec<RefChange>,
    pub force: bool,
    pub programs: Vec<String>,
    pub writes: Vec<String>,
    pub refused: Option<String>,
    /// `(kind, detail)`.
    pub doubts: Vec<(&'static str, String)>,
}

impl Meaning {
    pub fn of(weight: Weight) -> Self {
        Meaning { weights: BTreeSet::from([weight]), ..Meaning::default() }
    }

    pub fn refused(why: impl Into<String>) -> Self {
        Meaning { refused: Some(why.into()), ..Meaning::default() }
    }

    pub fn add(&mut self, weight: Weight) {
        self.weights.insert(weight);
    }

    pub fn doubt(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.doubts.push((kind, detail.into()));
    }

    pub fn runs(&mut self, program: impl Into<String>) {
        let program = program.into();
        if !self.programs.contains(&program) {
            self.programs.push(program);
        }
    }
}

/// What a reading has at hand.
pub struct Scene<'a> {
    pub invocation: &'a Invocation,
    pub known: &'a Known,
    /// With the settings of the line and of its aliases.
    pub config: Config,
    pub globals: &'a Globals,
    pub version: Option<&'a str>,
}

impl Scene<'_> {
    pub fn variable(&self, name: &str) -> Option<String> {
        self.invocation.variables.get(name).map(text)
    }

    /// A variable that is set to something.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.variable(name).filter(|v| !v.is_empty())
    }

    /// The branch that HEAD is, without `refs/heads/`.
    pub fn branch(&self) -> Option<&str> {
        self.known.head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"))
    }

    /// The folder that git starts in, after `-C`.
    pub fn folder(&self) -> String {
        let start = self.invocation.cwd.as_ref().map(text).unwrap_or_default();
        self.globals.folders.iter().map(text).fold(start, |folder, next| match next.starts_with('/') {
            true => next,
            false => format!("{folder}/{next}"),
        })
    }

    /// The folder that git works in: the top of the work tree, where there is one.
    pub fn top(&self) -> String {
        let place = self.known.place.as_ref();
        place.map(|p| text(p.work_tree.as_ref().unwrap_or(&p.git_dir))).unwrap_or_else(|| self.folder())
    }
}

/// The reading of a line whose meaning is known.
pub fn reading(scene: &Scene<'_>, meaning: Meaning) -> Reading {
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
        ("effect", json!(meaning.weights.last().copied().unwrap_or_default().word())),
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
    let repositories: BTreeSet<Repository> =
        meaning.urls.iter().map(|url| address(url, &base(scene, meaning)).repository).collect();
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
