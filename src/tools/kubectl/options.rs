//! kubectl's commands and options: which command a line names (cobra's rule), and what its options are (pflag's).

use std::sync::LazyLock;

use crate::model::Bytes;
use crate::tools::options::{Given, Grammar, Item, Opt, Problem, Takes, scan};

/// One command with the options it takes, those of every command among them.
pub(super) struct Command {
    /// `["create", "configmap"]`; empty for kubectl itself.
    pub path: Vec<&'static str>,
    /// Other names of the last word.
    aliases: Vec<&'static str>,
    options: Vec<Opt>,
    /// How many of them are its own; one of these hides a shared one of the same name (`create rolebinding --user`).
    own: usize,
    /// Options that the table's version has not: the minor version that has them for certain.
    newer: Vec<(&'static str, u32)>,
}

/// The version that `commands.txt` was taken from.
pub(super) const VERSION: &str = "1.32";

static COMMANDS: LazyLock<Vec<Command>> = LazyLock::new(|| parse(include_str!("commands.txt")));

/// `32` of `1.32.4`.
pub(super) fn minor(version: &str) -> Option<u32> {
    let mut parts = version.strip_prefix('v').unwrap_or(version).split('.');
    parts.next().filter(|major| *major == "1")?;
    parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A line, sorted out.
pub(super) struct Line {
    pub command: &'static Command,
    pub options: Vec<Given>,
    pub operands: Vec<Operand>,
    pub problems: Vec<Problem>,
    /// Where each scanned word stands among the arguments.
    origins: Vec<usize>,
}

pub(super) struct Operand {
    pub text: String,
    pub after_dashes: bool,
}

/// What a line turns out to be before its options are read.
pub(super) enum Found {
    Command(Line),
    /// The first word is no command; `rest` are the words from it on, up to the first option.
    Unknown {
        name: String,
    },
    /// A word of it is not UTF-8: kubectl would go on with it, we do not.
    NotText,
}

impl Line {
    /// The value of an option that may stand once; the last one counts.
    pub fn value(&self, long: &str) -> Option<&str> {
        self.options.iter().rev().find(|given| given.opt.long == long).and_then(|given| given.value.as_ref()?.text())
    }

    /// The value of an option that every command has, where this command has not one of its own by that name.
    pub fn shared(&self, long: &str) -> Option<&str> {
        self.value(long).filter(|value| self.is_shared(long) && !value.is_empty())
    }

    /// Whether this command has no option of its own by that name.
    pub fn is_shared(&self, long: &str) -> bool {
        self.command.options[..self.command.own].iter().all(|own| own.long != long)
    }

    /// The argument that holds an option's value, by its place among all arguments.
    pub fn origin(&self, given: &Given) -> Option<usize> {
        self.origins.get(given.value_index.unwrap_or(given.index)).copied()
    }

    /// The argument that holds the option itself.
    pub fn origin_of_option(&self, given: &Given) -> Option<usize> {
        self.origins.get(given.index).copied()
    }

    /// The minor version that has all options of the line for certain; 0 where the table's has them.
    pub fn newest(&self) -> u32 {
        let newer = self.command.newer.iter();
        newer.filter(|(long, _)| self.has(long)).map(|(_, minor)| *minor).max().unwrap_or(0)
    }

    /// A command that never talks to a server.
    pub fn is_local(&self) -> bool {
        let first = self.command.path.first().copied().unwrap_or_default();
        matches!(first, "" | "alpha" | "config" | "completion" | "kustomize" | "plugin" | "options")
            || self.command.path == ["version"] && self.on("client")
            || self.on("help")
            || self.on("local")
    }

    /// Whether the option stands in the line at all. Manifests by no name are none.
    pub fn has(&self, long: &str) -> bool {
        match long {
            "filename" => !self.values(long).is_empty(),
            "kustomize" => self.value(long).is_some_and(|folder| !folder.is_empty()),
            _ => self.options.iter().any(|given| given.opt.long == long),
        }
    }

    /// Whether a switch is on: `--x`, `--x=true`, and not undone by a later `--x=false`.
    pub fn on(&self, long: &str) -> bool {
        self.options
            .iter()
            .rev()
            .find(|given| given.opt.long == long)
            .is_some_and(|given| given.value.as_ref().is_none_or(|value| truth(value) == Some(true)))
    }

    /// All values of an option that adds up, split at commas as pflag's StringSlice does.
    pub fn values(&self, long: &str) -> Vec<String> {
        self.every(long).iter().filter(|value| !value.is_empty()).flat_map(|value| self.split(value)).collect()
    }

    /// The selector that picks among what the line names, without the blanks about it; that of `expose` is the new
    /// service's own.
    pub fn selector(&self) -> Option<&str> {
        self.value("selector").map(str::trim).filter(|text| !text.is_empty() && self.command.path != ["expose"])
    }

    /// All values, each whole.
    pub fn every(&self, long: &str) -> Vec<String> {
        let given = self.options.iter().filter(|given| given.opt.long == long);
        given.filter_map(|given| Some(given.value.as_ref()?.text()?.to_owned())).collect()
    }

    /// A switch with a value that Go's strconv.ParseBool does not take: kubectl refuses the line.
    pub fn has_wrong_switch(&self) -> bool {
        let switches = self.options.iter().filter(|given| given.opt.takes == Takes::Nothing);
        switches.filter_map(|given| given.value.as_ref()).any(|value| truth(value).is_none())
    }

    /// A CSV record of one line: `a,b`, `"a,b",c`.
    pub fn split(&self, value: &str) -> Vec<String> {
        if !value.contains('"') {
            return value.split(',').map(str::to_owned).collect();
        }
        let mut out = vec![String::new()];
        let mut quoted = false;
        for c in value.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => out.push(String::new()),
                c => {
                    if let Some(last) = out.last_mut() {
                        last.push(c);
                    }
                }
            }
        }
        out
    }

    /// `client`, `server`, or nothing (kubectl's GetDryRunStrategy). The error is a value that it does not know.
    pub fn dry_run(&self) -> Result<Option<&'static str>, ()> {
        if !self.has("dry-run") {
            return Ok(None);
        }
        match self.value("dry-run") {
            // Attached without a value, and the old truth values.
            None | Some("client" | "unchanged") => Ok(Some("client")),
            Some("server") => Ok(Some("server")),
            Some("none") => Ok(None),
            Some(text) => truth(&Bytes::from(text)).map(|on| on.then_some("client")).ok_or(()),
        }
    }

    pub fn name(&self) -> String {
        self.command.path.join(" ")
    }

    /// What the command is about: its operands, those behind `--` only where that does not begin another command.
    pub fn words(&self) -> Vec<&str> {
        let ends = self.ends_at_dashes();
        let words = self.operands.iter().filter(|o| !ends || !o.after_dashes).map(|o| o.text.as_str());
        let mut words: Vec<&str> = words.collect();
        if words.is_empty() && self.command.path == ["run"] {
            // The name may stand behind `--`, too.
            words.extend(self.operands.first().map(|operand| operand.text.as_str()));
        }
        words
    }

    /// Whether what stands behind `--` is a command for a container.
    fn ends_at_dashes(&self) -> bool {
        matches!(self.command.path.as_slice(), ["exec" | "run" | "debug"] | ["create", _, ..])
    }

    /// Whether `run` and `debug` go on to attach: as they are told, else where standard input is kept open.
    pub fn attaches(&self) -> bool {
        self.on("attach") || !self.has("attach") && self.on("stdin")
    }

    /// The words of a command for a container.
    pub fn has_command(&self) -> bool {
        self.operands.iter().any(|operand| operand.after_dashes)
    }
}

fn truth(value: &Bytes) -> Option<bool> {
    match value.as_slice() {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
        _ => None,
    }
}

/// Finds the command, then reads its options from all the other words, wherever they stand.
pub(super) fn read(args: &[Bytes]) -> Found {
    if args.iter().any(|arg| arg.text().is_none()) {
        return Found::NotText;
    }
    let mut words: Vec<Bytes> = args.to_vec();
    let mut origins: Vec<usize> = (0..words.len()).collect();
    let mut command = root();
    // Cobra: the first word that is no option, and no option's value as far as the command so far knows, names the
    // next command; all other words are left to it.
    while let Some(at) = first_word(command, &words) {
        let name = words[at].text().unwrap_or_default();
        let Some(next) = child(command, name) else {
            if command.path.is_empty() {
                return Found::Unknown { name: name.to_owned() };
            }
            break;
        };
        words.remove(at);
        origins.remove(at);
        command = next;
    }
    let mut line = Line { command, options: Vec::new(), operands: Vec::new(), problems: Vec::new(), origins };
    for item in scan(&grammar(command), &words) {
        match item {
            Item::Option(given) => line.options.push(given),
            Item::Operand { value, after_dashes, .. } => {
                let text = value.text().unwrap_or_default().to_owned();
                line.operands.push(Operand { text, after_dashes });
            }
            Item::Problem(problem) => line.problems.push(problem),
        }
    }
    Found::Command(line)
}

/// Names that `kubectl` would look for as a plugin, longest first: `kubectl-a-b`, `kubectl-a`. Empty where it would
/// not look for one. Dashes within a word become underscores; the first option ends the name.
pub(super) fn plugins(args: &[Bytes]) -> Vec<String> {
    // No file has a longer name (NAME_MAX).
    let mut room = 255_usize;
    let words: Vec<String> = args
        .iter()
        .map_while(|arg| arg.text().filter(|text| !text.starts_with('-')))
        .map_while(|text| {
            room = room.checked_sub(text.len() + 1)?;
            Some(text.replace('-', "_"))
        })
        .collect();
    let least = match read(args) {
        Found::Unknown { name } if !matches!(name.as_str(), "help" | "__complete" | "__completeNoDesc") => 1,
        // The one command that takes plugins as its subcommands, and only where options do not come first.
        Found::Command(line) if line.command.path == ["create"] && words.first().is_some_and(|w| w == "create") => 2,
        _ => return Vec::new(),
    };
    (least..=words.len()).rev().map(|n| format!("kubectl-{}", words[..n].join("-"))).collect()
}

fn root() -> &'static Command {
    // The table's first line.
    &COMMANDS[0]
}

fn child(parent: &Command, name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| {
        command.path.split_last().is_some_and(|(last, above)| {
            above == parent.path.as_slice() && (*last == name || command.aliases.contains(&name))
        })
    })
}

pub(super) fn has_children(parent: &Command) -> bool {
    COMMANDS.iter().any(|command| command.path.len() > parent.path.len() && command.path.starts_with(&parent.path))
}

/// Cobra's stripFlags: an option that it does not know, without `=`, takes the next word along.
fn first_word(command: &Command, words: &[Bytes]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at).and_then(Bytes::text) {
        let takes_next = match word.strip_prefix("--") {
            Some("") => return None,
            Some(long) => {
                !long.contains('=')
                    && command.options.iter().find(|o| o.long == long).is_none_or(|o| o.takes == Takes::Value)
            }
            None => match word.strip_prefix('-') {
                None | Some("") => return Some(at),
                Some(short) => {
                    let mut letters = short.chars();
                    let letter = letters.next();
                    letters.next().is_none()
                        && command.options.iter().find(|o| o.short == letter).is_none_or(|o| o.takes == Takes::Value)
                }
            },
        };
        at += if takes_next { 2 } else { 1 };
    }
    None
}

fn grammar(command: &Command) -> Grammar<'_> {
    Grammar {
        options: &command.options,
        abbreviate: false,
        equals: true,
        short_equals: true,
        switch_values: true,
        negate: false,
        permute: true,
        end_word: None,
    }
}

fn parse(table: &'static str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut shared = vec![Opt { long: "help", short: Some('h'), takes: Takes::Nothing, negates: true }];
    let mut shared_newer = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (names, texts) = line.split_once('|').unwrap_or((line, ""));
        let (mut options, mut newer) = (Vec::new(), Vec::new());
        for text in texts.split_whitespace() {
            let (text, since) = text.split_once('@').map_or((text, None), |(text, since)| (text, since.parse().ok()));
            let option = option(text);
            newer.extend(since.map(|since| (option.long, since)));
            options.push(option);
        }
        let mut names = names.trim().split(',');
        let name = names.next().unwrap_or_default();
        if name == "*" {
            shared.extend(options);
            shared_newer = newer;
            // `kubectl --version` is a command's name to nobody and prints the version.
            let version = Opt { long: "version", short: None, takes: Takes::Nothing, negates: true };
            let options = shared.iter().copied().chain([version]).collect();
            let newer = shared_newer.clone();
            commands.push(Command { path: Vec::new(), aliases: Vec::new(), options, own: 0, newer });
        } else {
            let own = options.len();
            options.extend(
                shared.iter().filter(|s| options.iter().all(|o| o.long != s.long)).copied().collect::<Vec<_>>(),
            );
            // An option of its own hides a shared one, also one that is newer.
            newer.extend(shared_newer.iter().filter(|(long, _)| options[..own].iter().all(|o| o.long != *long)));
            commands.push(Command { path: name.split(' ').collect(), aliases: names.collect(), options, own, newer });
        }
    }
    commands
}

fn option(text: &'static str) -> Opt {
    let (short, long) = match text.split_once(':') {
        Some((letter, long)) => (letter.chars().next(), long),
        None => (None, text),
    };
    let (long, takes) = match (long.strip_suffix('='), long.strip_suffix('?')) {
        (Some(long), _) => (long, Takes::Value),
        (None, Some(long)) => (long, Takes::Attached),
        (None, None) => (long, Takes::Nothing),
    };
    Opt { long, short, takes, negates: true }
}
