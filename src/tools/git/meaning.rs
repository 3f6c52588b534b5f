//! What a line would do, as it is collected while the line is read.

use std::collections::BTreeSet;

use crate::model::Invocation;

use super::facts::{Config, Known};
use super::line::Globals;
use super::options::text;

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
    /// Where git may ask for more beside what the line is for.
    pub besides: Vec<String>,
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
        self.globals.folders.iter().map(text).fold(start, |mut folder, next| {
            if next.starts_with('/') {
                return next;
            }
            folder.push('/');
            folder + &next
        })
    }

    /// The folder that git works in: the top of the work tree, where there is one.
    pub fn top(&self) -> String {
        let place = self.known.place.as_ref();
        place.map(|p| text(p.work_tree.as_ref().unwrap_or(&p.git_dir))).unwrap_or_else(|| self.folder())
    }
}
