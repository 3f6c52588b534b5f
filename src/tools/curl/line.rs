//! A line and the config files that it names, as one list of settings in the order in which curl takes them.

use crate::model::{Bytes, Content, Facts, Invocation};
use crate::tools::options::{Given, Item, Problem};

use super::{CURLRC, config, options};

/// How deep configs may name configs.
const DEPTH: usize = 8;

/// One thing that curl is told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The option's long name.
    pub name: &'static str,
    pub value: Bytes,
    /// False for `--no-…`.
    pub on: bool,
}

/// Everything that curl is told.
#[derive(Debug, Default)]
pub struct Line {
    pub settings: Vec<Setting>,
    /// Config files that were read, `-` for standard input.
    pub configs: Vec<Bytes>,
    /// Why curl would refuse the line.
    pub refused: Option<String>,
    /// Options that only another version may have.
    pub unknown: Vec<String>,
    /// Configs that could not be read whole.
    pub unread: Vec<String>,
    /// It only prints something: `--help`, `--version`, `--manual`.
    pub prints: bool,
}

impl Line {
    pub fn read(invocation: &Invocation, facts: &Facts) -> Self {
        let mut line = Line::default();
        if let Some(path) = facts.get::<Bytes>(CURLRC) {
            line.config(&path, facts, 0);
        }
        line.items(options::words(&invocation.args), facts, 0, false);
        line
    }

    /// What a line names as config, in order, of configs that are known already.
    pub fn configs(items: &[Item]) -> impl Iterator<Item = &Bytes> {
        items.iter().filter_map(|item| match item {
            Item::Option(given) if given.opt.long == "config" => given.value.as_ref(),
            _ => None,
        })
    }

    fn items(&mut self, items: Vec<Item>, facts: &Facts, depth: usize, in_config: bool) {
        for item in items {
            if self.refused.is_some() || self.prints {
                return;
            }
            match item {
                Item::Operand { value, .. } if in_config => self.url(value),
                Item::Operand { value, .. } if value.as_slice() == b"-" => {
                    self.refused = Some("no option is called -".into())
                }
                Item::Operand { value, .. } => self.url(value),
                Item::Option(given) => self.given(given, facts, depth),
                Item::Problem(problem) => self.problem(problem, facts, in_config),
            }
        }
    }

    fn url(&mut self, value: Bytes) {
        self.settings.push(Setting { name: "url", value, on: true });
    }

    fn given(&mut self, given: Given, facts: &Facts, depth: usize) {
        match given.opt.long {
            "help" | "version" | "manual" if !given.negated => self.prints = true,
            "config" => self.config(&given.value.unwrap_or_default(), facts, depth),
            name => self.settings.push(Setting { name, value: given.value.unwrap_or_default(), on: !given.negated }),
        }
    }

    fn config(&mut self, path: &Bytes, facts: &Facts, depth: usize) {
        if !self.configs.contains(path) {
            self.configs.push(path.clone());
        }
        match content(path, facts) {
            Some(content) if !content.truncated && depth < DEPTH => {
                for line in config::lines(&content.bytes) {
                    self.items(line.items, facts, depth + 1, true);
                }
            }
            _ => self.unread.push(format!("the config {:?} could not be read whole", path)),
        }
    }

    /// In a config curl only warns; on the line it refuses. What another version may know is not told.
    fn problem(&mut self, problem: Problem, facts: &Facts, in_config: bool) {
        let same = facts.version.as_deref().is_some_and(|version| version.starts_with(options::VERSION));
        let why = match problem {
            Problem::Unknown { word, .. } if same => format!("no option is called {word:?}"),
            Problem::Unknown { word, .. } => return self.unknown.push(format!("{word:?}")),
            Problem::Ambiguous { word, .. } if same => format!("{word:?} stands for several options"),
            Problem::Ambiguous { word, .. } => return self.unknown.push(format!("{word:?}")),
            Problem::MissingValue { opt, .. } => format!("--{} needs a value", opt.long),
            Problem::UnwantedValue { opt, .. } => format!("--{} takes no value", opt.long),
        };
        if !in_config {
            self.refused = Some(why);
        }
    }
}

/// What was read of a config.
pub fn content<'a>(path: &[u8], facts: &'a Facts) -> Option<&'a Content> {
    if path == b"-" { facts.stdin() } else { facts.file(path) }
}
