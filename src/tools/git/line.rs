//! From the words of the line to the command that git would run: global options, built-in commands, programs named
//! `git-…`, aliases (also of aliases), in the order in which git.c tries them.

use crate::model::Bytes;

use super::facts::{Config, Known};
use super::options;

/// What stands before the command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globals {
    /// `-c` and those of aliases, as written.
    pub settings: Vec<String>,
    /// `--config-env`, as written; its value is only in git's own report.
    pub settings_from_variables: Vec<String>,
    /// The folders of `-C`, in order.
    pub folders: Vec<Bytes>,
    pub git_dir: Option<Bytes>,
    pub work_tree: Option<Bytes>,
    pub exec_path: Option<Bytes>,
    pub namespace: Option<Bytes>,
    /// `-p` or `-P`.
    pub paginate: Option<bool>,
    /// Attributes are those of a tree that is named (`--attr-source`).
    pub attributes_elsewhere: bool,
    /// Objects that are not here stay where they are (`--no-lazy-fetch`).
    pub fetches_nothing: bool,
    /// Words that name paths are no patterns (`--literal-pathspecs`).
    pub literal: bool,
    /// Something that an alias may not change.
    pub changes_environment: bool,
}

/// What the line turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Prints something about git itself.
    Info {
        subcommand: Option<&'static str>,
    },
    /// git would not take the line.
    Refused {
        subcommand: Option<String>,
        why: String,
    },
    Known {
        name: String,
        args: Vec<Bytes>,
    },
    /// A program called `git-NAME`.
    External {
        name: String,
        program: String,
    },
    /// An alias that is a shell command.
    Shell {
        text: String,
    },
    /// Nothing is known by this word, and nobody looked whether there is such a program.
    Unknown {
        word: String,
    },
}

/// The line, read as far as its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub globals: Globals,
    pub command: Command,
    /// An alias stood in the line.
    pub expanded: bool,
    /// Words that were looked up as programs called `git-…`.
    pub sought: Vec<String>,
}

enum Stop {
    /// At this word the command begins.
    At(usize),
    Info,
    Refused(String),
}

/// How many words of the line are global options: what must also stand before a question about the configuration.
pub fn global_words(args: &[Bytes]) -> usize {
    match globals(args, &mut Globals::default(), None) {
        Stop::At(at) => at,
        Stop::Info | Stop::Refused(_) => 0,
    }
}

/// Reads the line. `known` answers what aliases and programs there are.
pub fn read(args: &[Bytes], known: &Known, version: Option<&str>) -> Line {
    let mut line = Line {
        globals: Globals::default(),
        command: Command::Info { subcommand: None },
        expanded: false,
        sought: vec![],
    };
    let at = match globals(args, &mut line.globals, version) {
        Stop::At(at) => at,
        Stop::Info => return line,
        Stop::Refused(why) => {
            line.command = Command::Refused { subcommand: None, why };
            return line;
        }
    };
    let mut config = known.config.clone().unwrap_or_default();
    line.globals.settings.iter().for_each(|setting| config.add_command(setting));
    let mut words = args[at..].to_vec();
    match words.first().map(Bytes::as_slice) {
        None => return line,
        Some(b"--version" | b"-v") => words[0] = "version".into(),
        Some(b"--help" | b"-h") => words[0] = "help".into(),
        Some(_) => {}
    }
    line.command =
        Search { line: &mut line, config, known, version, seen: Vec::new(), unresolved: false }.command(words);
    line
}

/// The way from a word to what it stands for.
struct Search<'a> {
    line: &'a mut Line,
    /// With the settings of the line, and of the aliases so far: one may bring another.
    config: Config,
    known: &'a Known,
    version: Option<&'a str>,
    /// The aliases so far.
    seen: Vec<String>,
    /// One of them brings settings that only git can resolve.
    unresolved: bool,
}

impl Search<'_> {
    fn command(mut self, mut words: Vec<Bytes>) -> Command {
        loop {
            let Some(word) = words.first().and_then(Bytes::text).map(str::to_owned) else {
                return Command::Unknown { word: "a command that is not text".into() };
            };
            // Of whatever word, also of an alias or a program: git.c, `handle_builtin`.
            if words.get(1).is_some_and(|a| a.as_slice() == b"--help") {
                let mut args = words.split_off(1);
                args[0] = word.as_str().into();
                return Command::Known { name: "help".into(), args };
            }
            let moved = self.line.globals.exec_path.is_some();
            if options::is_builtin(&word, self.version) || (options::is_script(&word) && !moved) {
                return Command::Known { name: word, args: words.split_off(1) };
            }
            let alias = self.config.get(&format!("alias.{}", word.to_lowercase())).map(str::to_owned);
            if let Some(command) = self.program(&word) {
                return command;
            }
            let Some(alias) = alias else { return self.nothing(&word, words.split_off(1)) };
            let mut text = match self.expand(&word, &alias) {
                Ok(text) => text,
                Err(command) => return command,
            };
            text.extend(words.drain(1..));
            words = text;
            self.seen.push(word);
        }
    }

    /// A program called `git-WORD`, which comes before an alias; and what cannot be told.
    fn program(&mut self, word: &str) -> Option<Command> {
        let program = format!("git-{word}");
        self.line.sought.push(program.clone());
        let unknown = || Command::Unknown { word: word.to_owned() };
        match self.known.programs.get(&program) {
            Some(Some(path)) => {
                let program = crate::model::visible::line(path, usize::MAX);
                Some(Command::External { name: word.to_owned(), program })
            }
            _ if self.unresolved => Some(unknown()),
            Some(None) => None,
            None => {
                let key = format!("alias.{}", word.to_lowercase());
                (!self.config.0.iter().any(|entry| entry.key == key)).then(unknown)
            }
        }
    }

    /// No command, no program, no alias. What an alias leads to is not corrected (git.c, `cmd_main`).
    fn nothing(&self, word: &str, args: Vec<Bytes>) -> Command {
        match self.seen.last() {
            Some(name) => refused(format!("the alias {name} leads to {word}, which is no command")),
            None => super::autocorrect::choose(word, args, &self.config, self.version),
        }
    }

    /// The words that an alias stands for; what it is instead, where it is no more than a part of the line.
    fn expand(&mut self, word: &str, alias: &str) -> Result<Vec<Bytes>, Command> {
        if self.seen.iter().any(|seen| seen == word) {
            return Err(refused(format!("the alias {word} leads to itself")));
        }
        if let Some(text) = alias.strip_prefix('!') {
            return Err(Command::Shell { text: text.to_owned() });
        }
        let Some(mut text) = split(alias) else {
            return Err(refused(format!("the alias {word} has an open quote")));
        };
        let mut inner = Globals::default();
        match globals(&text, &mut inner, self.version) {
            Stop::At(at) if at < text.len() && !inner.changes_environment => text.drain(..at),
            _ => return Err(refused(format!("the alias {word} is not one that git takes"))),
        };
        if text.first().is_some_and(|first| first.as_slice() == word.as_bytes()) {
            return Err(refused("an alias leads to itself".into()));
        }
        self.unresolved |= !inner.settings_from_variables.is_empty() || inner.settings.iter().any(|s| includes(s));
        inner.settings.iter().for_each(|setting| self.config.add_command(setting));
        let outer = &mut self.line.globals;
        outer.settings.append(&mut inner.settings);
        outer.settings_from_variables.append(&mut inner.settings_from_variables);
        outer.paginate = inner.paginate.or(outer.paginate);
        self.line.expanded = true;
        Ok(text)
    }
}

fn refused(why: String) -> Command {
    Command::Refused { subcommand: None, why }
}

/// Whether a setting names a file of settings.
pub fn includes(setting: &str) -> bool {
    let key = setting.split('=').next().unwrap_or_default().to_lowercase();
    key.starts_with("include.") || key.starts_with("includeif.")
}

/// Global options that came and went with a minor version.
fn is_of(name: &[u8], minor: u32) -> bool {
    match name {
        b"--super-prefix" => minor < 40,
        b"--attr-source" => minor >= 41,
        b"--no-lazy-fetch" => minor >= 44,
        b"--no-advice" => minor >= 46,
        _ => true,
    }
}

/// git.c, `handle_options`: none of these may be abbreviated, and each stands before the command.
fn globals(args: &[Bytes], found: &mut Globals, version: Option<&str>) -> Stop {
    let unknown = |word: &[u8]| Stop::Refused(format!("unknown option: {}", crate::model::visible::line(word, 80)));
    let mut at = 0;
    while let Some(word) = args.get(at) {
        if word.first() != Some(&b'-') {
            break;
        }
        let (name, attached) = match word.iter().position(|b| *b == b'=') {
            Some(i) if word.starts_with(b"--") => (&word[..i], Some(Bytes::from(&word[i + 1..]))),
            _ => (word.as_slice(), None),
        };
        let next = args.get(at + 1);
        if options::covers(version) && !is_of(name, options::minor(version)) {
            return unknown(word);
        }
        match (name, &attached) {
            (b"--help" | b"-h" | b"--version" | b"-v", None) => break,
            (b"--exec-path", Some(path)) => found.exec_path = Some(path.clone()),
            (b"--exec-path" | b"--html-path" | b"--man-path" | b"--info-path", None) => return Stop::Info,
            (b"--list-cmds", Some(_)) => return Stop::Info,
            (b"-p" | b"--paginate", None) => found.paginate = Some(true),
            (b"-P" | b"--no-pager", None) => {
                found.paginate = Some(false);
                found.changes_environment = true;
            }
            (b"--no-lazy-fetch", None) => {
                found.fetches_nothing = true;
                found.changes_environment = true;
            }
            (b"--literal-pathspecs", None) => {
                found.literal = true;
                found.changes_environment = true;
            }
            (
                b"--no-replace-objects"
                | b"--bare"
                | b"--no-literal-pathspecs"
                | b"--glob-pathspecs"
                | b"--noglob-pathspecs"
                | b"--icase-pathspecs"
                | b"--no-optional-locks"
                | b"--no-advice",
                None,
            ) => found.changes_environment = true,
            (b"-C" | b"-c" | b"--shallow-file", None)
            | (
                b"--git-dir" | b"--work-tree" | b"--namespace" | b"--super-prefix" | b"--config-env" | b"--attr-source",
                _,
            ) => {
                let value = match attached {
                    Some(value) => value,
                    None => match next {
                        Some(value) => {
                            at += 1;
                            value.clone()
                        }
                        None => return Stop::Refused("a global option lacks its value".into()),
                    },
                };
                found.take(name, value);
            }
            _ => return unknown(word),
        }
        at += 1;
    }
    Stop::At(at)
}

impl Globals {
    fn take(&mut self, name: &[u8], value: Bytes) {
        let text = crate::model::visible::line(&value, usize::MAX);
        match name {
            b"-c" => return self.settings.push(value.text().map_or(text, str::to_owned)),
            b"--config-env" => return self.settings_from_variables.push(text),
            b"-C" if !value.is_empty() => self.folders.push(value),
            b"--git-dir" => self.git_dir = Some(value),
            b"--work-tree" => self.work_tree = Some(value),
            b"--namespace" => self.namespace = Some(value),
            b"--attr-source" => self.attributes_elsewhere = true,
            _ => {}
        }
        self.changes_environment = true;
    }
}

/// alias.c, `split_cmdline`: words by white space, both quotes, and a backslash outside single quotes.
fn split(text: &str) -> Option<Vec<Bytes>> {
    let mut words: Vec<Bytes> = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    // A blank at the beginning ends a first word that is empty, one at the end begins another (alias.c, `split_cmdline`).
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if text.bytes().next().is_some_and(is_blank) {
        words.push(Bytes::default());
    }
    let mut bytes = text.bytes();
    let mut blank = false;
    while let Some(byte) = bytes.next() {
        blank = quote.is_none() && is_blank(byte);
        match (byte, quote) {
            (b, None) if is_blank(b) => words.extend(word.take().map(Bytes::from)),
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (b, Some(q)) if b == q => quote = None,
            (b'\\', q) if q != Some(b'\'') => word.get_or_insert_default().push(bytes.next()?),
            (b, _) => word.get_or_insert_default().push(b),
        }
    }
    words.extend(word.take().map(Bytes::from).or_else(|| blank.then(Bytes::default)));
    quote.is_none().then_some(words)
}
