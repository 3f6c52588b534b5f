//! A line and the config files that it names, taken up in the order in which curl takes them.

use crate::model::{Bytes, Content, Facts, Invocation};
use crate::tools::options::{Given, Item, Problem};

use super::options::Release;
use super::transfer::{Plan, Setting, Stop};
use super::{CURLRC, LACKS, MISSING, config, options, scan};

/// How deep configs may name configs.
const DEPTH: usize = 8;

/// How many configs of a line are read.
const CONFIGS: usize = 256;

/// How much of configs that configs name is taken up, in bytes: one that names itself could go on for long.
const NESTED: usize = 1 << 20;

/// Everything that curl is told.
#[derive(Debug, Default)]
pub struct Line {
    pub plan: Plan,
    /// Config files that were read, `-` for standard input.
    pub configs: Vec<Bytes>,
    /// Why curl would refuse the line.
    pub refused: Option<String>,
    /// Options that only another version may have.
    pub unknown: Vec<String>,
    /// What could not be read whole.
    pub unread: Vec<String>,
    /// It only prints something: `--help`, `--version`, `--manual`.
    pub prints: bool,
    nested: usize,
}

/// What of the facts decides how words are read.
struct Known<'a> {
    facts: &'a Facts,
    release: Release,
    missing: Vec<Bytes>,
    lacks: Vec<String>,
}

impl Line {
    pub fn read(invocation: &Invocation, facts: &Facts) -> Self {
        let known = Known {
            facts,
            release: Release::of(facts.version.as_deref()),
            missing: facts.get(MISSING).unwrap_or_default(),
            lacks: facts.get(LACKS).unwrap_or_default(),
        };
        let mut line = Line { plan: Plan::of(known.release), ..Line::default() };
        if let Some(path) = facts.get::<Bytes>(CURLRC) {
            // That it cannot be read stops nothing.
            let _ = line.config(&path, &known, 0);
        }
        line.items(scan::words(&invocation.args, known.release), &known, 0, false);
        if line.refused.is_none()
            && !line.prints
            && let Err(Stop::Refused(why)) = line.plan.finish()
        {
            line.refused = Some(why);
        }
        line
    }

    /// What a line names as config, in order, of configs that are known already.
    pub fn configs(items: &[Item]) -> impl Iterator<Item = &Bytes> {
        items.iter().filter_map(|item| match item {
            Item::Option(given) if given.opt.long == "config" => given.value.as_ref(),
            _ => None,
        })
    }

    fn items(&mut self, items: Vec<Item>, known: &Known<'_>, depth: usize, in_config: bool) {
        for item in items {
            if self.refused.is_some() || self.prints {
                return;
            }
            let done = match item {
                Item::Operand { value, .. } => self.set(Setting { name: "url", value, on: true }),
                Item::Option(given) => self.given(given, known, depth),
                Item::Problem(problem) => self.problem(problem, known),
            };
            match done {
                Ok(()) => {}
                // In a config curl only warns, and goes on with the next line.
                Err(_) if in_config => return,
                Err(Stop::Refused(why)) => self.refused = Some(why),
                Err(Stop::Prints) => self.prints = true,
            }
        }
    }

    fn set(&mut self, setting: Setting) -> Result<(), Stop> {
        if setting.name == "url" && setting.value.starts_with(b"@") && self.plan.release != Release::V7_88 {
            // From 8.13 on, a list of URLs.
            self.unread.push(format!("the URLs in {:?} are not read", &setting.value));
        }
        self.plan.apply(&setting)
    }

    fn given(&mut self, given: Given, known: &Known<'_>, depth: usize) -> Result<(), Stop> {
        let (name, on) = (given.opt.long, !given.negated);
        if let Some(part) = options::needs(name).filter(|part| known.lacks.iter().any(|lack| lack == part)) {
            return Err(Stop::Refused(format!("this curl is built without {part}, which --{name} needs")));
        }
        match name {
            "help" | "version" | "manual" if on => Err(Stop::Prints),
            "config" => self.config(&given.value.unwrap_or_default(), known, depth),
            "" => Ok(()),
            "expand" => {
                self.unknown.push("the value of an --expand- option is not read".to_owned());
                Ok(())
            }
            _ => {
                if options::is_newer(name) {
                    self.newer(name);
                }
                self.set(Setting { name, value: given.value.unwrap_or_default(), on })
            }
        }
    }

    fn newer(&mut self, name: &str) {
        if matches!(name, "variable" | "ipfs-gateway" | "ech" | "ssl-sessions" | "skip-existing") {
            self.unknown.push(format!("\"--{name}\" does what is not read yet"));
        }
    }

    /// An error where curl cannot read it.
    fn config(&mut self, path: &Bytes, known: &Known<'_>, depth: usize) -> Result<(), Stop> {
        if known.missing.contains(path) {
            return Err(Stop::Refused(format!("the config {path:?} is not there")));
        }
        if self.configs.len() > CONFIGS {
            self.unread.push("the line names too many configs".to_owned());
            return Ok(());
        }
        // Standard input gives what it holds once.
        let path = if is_stdin(path) { &Bytes::from("-") } else { path };
        if path.as_slice() == b"-" && self.configs.contains(path) {
            return Ok(());
        }
        if !self.configs.contains(path) {
            self.configs.push(path.clone());
        }
        let content = content(path, known.facts).filter(|content| !content.truncated);
        if depth > 0 {
            self.nested += content.map_or(0, |content| content.bytes.len() + 1024);
        }
        match content {
            Some(content) if depth < DEPTH && self.nested < NESTED => {
                let (lines, whole) = config::lines(&content.bytes, known.release);
                for line in lines {
                    self.items(line.items, known, depth + 1, true);
                }
                match whole {
                    true => Ok(()),
                    false => Err(Stop::Refused(format!("the config {path:?} has a line that is too long"))),
                }
            }
            _ => {
                self.unread.push(format!("the config {path:?} could not be read whole"));
                Ok(())
            }
        }
    }

    /// What another version may know is not told.
    fn problem(&mut self, problem: Problem, known: &Known<'_>) -> Result<(), Stop> {
        let sure = known.release.is_known();
        let why = match problem {
            Problem::Unknown { word, .. } if sure || word.as_slice() == b"-" => format!("no option is called {word:?}"),
            Problem::Ambiguous { word, .. } if sure => format!("{word:?} stands for several options"),
            Problem::Unknown { word, .. } | Problem::Ambiguous { word, .. } => {
                self.unknown.push(format!("{word:?} is in no table of curl's options"));
                return Ok(());
            }
            Problem::MissingValue { opt, .. } => format!("--{} needs a value", opt.long),
            Problem::UnwantedValue { opt, .. } => format!("--no-{} is none of curl's options", opt.long),
        };
        Err(Stop::Refused(why))
    }
}

/// Standard input by its names on Linux.
pub fn is_stdin(path: &[u8]) -> bool {
    matches!(path, b"-" | b"/dev/stdin" | b"/dev/fd/0" | b"/proc/self/fd/0")
}

/// What was read of a file.
pub fn content<'a>(path: &[u8], facts: &'a Facts) -> Option<&'a Content> {
    if is_stdin(path) { facts.stdin() } else { facts.file(path) }
}
