//! The configuration, the repository and its HEAD, read from their files as git reads them: a process less for each.
//!
//! Only what is plain is read here: ordinary files in the syntax of git-config(1), a `.git` folder of the caller's own
//! above the work folder, no includes, no extensions, no variable that moves anything. Whatever else is met, however
//! harmless, makes this module say nothing, and git itself is asked. `tests/differential/git/plain.rs` holds what is
//! said here to what git says.

use crate::model::{Bytes, Invocation};
use crate::tools::World;
use crate::tools::world::{Kind, Look};

use super::facts::{Config, Entry, Known, Place, canonical};
use super::line::{self, Globals};

/// The system's configuration file, which is built into git: with this editor it says the name.
pub const SYSTEM_FILE: &[&str] = &["-c", "core.editor=echo", "config", "--system", "--edit"];

/// Variables that move the repository, its parts or its configuration (git(1), git-config(1)).
const MOVING: &[&str] = &[
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REFERENCE_BACKEND",
    "GIT_TEST_ASSUME_DIFFERENT_OWNER",
    "GIT_WORK_TREE",
];

/// What could be told without git.
pub struct Plain {
    pub config: Config,
    pub repository: Repository,
}

pub enum Repository {
    /// The work folder is in none.
    None,
    Here {
        place: Place,
        hooks: Bytes,
        head: Head,
    },
    /// git has to be asked.
    Ask,
}

pub enum Head {
    /// The ref that it names.
    Ref(String),
    Detached,
    Ask,
}

/// `None` where git has to be asked for all of it.
pub fn look(invocation: &Invocation, world: &dyn World, version: Option<&str>) -> Option<Plain> {
    known_version(version?).then_some(())?;
    if MOVING.iter().any(|name| world.variable(name).is_some()) {
        return None;
    }
    let globals = line::read(&invocation.args, &Known::default(), version).globals;
    let moved = globals.git_dir.is_some() || globals.work_tree.is_some() || !globals.settings_from_variables.is_empty();
    // A question stands under the words that the reader of lines has taken for global ones, all of them known.
    let words = &invocation.args[..line::global_words(&invocation.args)];
    if moved || words.iter().any(|word| word.text().is_none() || OTHER.iter().any(|other| word.starts_with(other))) {
        return None;
    }
    let folder = folder(invocation, &globals, world)?;
    let found = discover(&folder, world)?;
    let mut config = user_config(world)?;
    let mut head = Head::Ask;
    if let Some(top) = &found {
        config.extend(repository_config(top, world)?);
        head = read_head(&[top, b"/.git".as_slice()].concat(), world)?;
    }
    for setting in &globals.settings {
        config.push(command_entry(setting)?);
    }
    let config = Config(config);
    let repository = match found {
        None => Repository::None,
        Some(top) => here(top, head, &config),
    };
    Some(Plain { config, repository })
}

/// Global options that change what git finds or reads, in ways that are not told apart here.
const OTHER: &[&[u8]] = &[b"--bare", b"--namespace", b"--attr-source", b"--shallow-file", b"--super-prefix"];

/// Those whose files and discovery are as described here: since 2.32 (GIT_CONFIG_GLOBAL) and before a next major one.
fn known_version(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    numbers.next() == Some(2) && numbers.next().is_some_and(|minor| minor >= 32)
}

/// Where git stands after `-C`, without links.
fn folder(invocation: &Invocation, globals: &Globals, world: &dyn World) -> Option<Vec<u8>> {
    let mut folder = invocation.cwd.as_ref()?.0.clone();
    for next in &globals.folders {
        if next.first() != Some(&b'/') {
            folder = [folder.as_slice(), b"/", next.as_slice()].concat();
        } else {
            folder = next.0.clone();
        }
        folder = world.real(&folder)?.0;
    }
    (folder.first() == Some(&b'/')).then_some(folder)
}

/// The folder above or at `folder` that holds a `.git` of the caller's own. The outer `None`: git must say.
fn discover(folder: &[u8], world: &dyn World) -> Option<Option<Vec<u8>>> {
    let device = there(world, folder, Kind::Folder)?.0;
    let mut at = folder.strip_suffix(b"/").unwrap_or(folder);
    loop {
        let (here, own) = there(world, if at.is_empty() { b"/" } else { at }, Kind::Folder)?;
        if here != device {
            // git stops at the edge of a file system (GIT_DISCOVERY_ACROSS_FILESYSTEM).
            return Some(None);
        }
        let git = [at, b"/.git"].concat();
        match world.look(&git) {
            Look::Nothing => {}
            Look::There { kind: Kind::Folder, own: true, .. } if own => return Some(Some(at.to_vec())),
            Look::There { .. } | Look::Unknown => return None,
        }
        // A bare repository, or the inside of a `.git`.
        if !matches!(world.look(&[at, b"/HEAD"].concat()), Look::Nothing) {
            return None;
        }
        if at.is_empty() {
            return Some(None);
        }
        let end = at.iter().rposition(|byte| *byte == b'/')?;
        at = &at[..end];
    }
}

/// Device, and whether it is the caller's own.
fn there(world: &dyn World, path: &[u8], wanted: Kind) -> Option<(u64, bool)> {
    match world.look(path) {
        Look::There { kind, device, own } if kind == wanted => Some((device, own)),
        Look::There { .. } | Look::Nothing | Look::Unknown => None,
    }
}

/// The system's and the user's, in git's order.
fn user_config(world: &dyn World) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let no_system = match world.variable("GIT_CONFIG_NOSYSTEM") {
        None => false,
        Some(value) => match value.as_slice() {
            b"1" | b"true" => true,
            b"0" | b"false" => false,
            _ => return None,
        },
    };
    if !no_system {
        let said = world.said(SYSTEM_FILE)?;
        let path = said.strip_suffix(b"\n").filter(|path| path.first() == Some(&b'/') && !path.contains(&b'\n'))?;
        entries.extend(file("system", path, world)?);
    }
    let Some(home) = world.variable("HOME") else {
        return world.variable("XDG_CONFIG_HOME").is_none().then_some(entries);
    };
    if home.first() != Some(&b'/') {
        return None;
    }
    let base = match world.variable("XDG_CONFIG_HOME") {
        Some(base) if base.first() == Some(&b'/') => base.0,
        Some(_) => return None,
        None => [home.as_slice(), b"/.config"].concat(),
    };
    entries.extend(file("global", &[base.as_slice(), b"/git/config"].concat(), world)?);
    entries.extend(file("global", &[home.as_slice(), b"/.gitconfig"].concat(), world)?);
    Some(entries)
}

/// The repository's own, where it is of the plain kind.
fn repository_config(top: &[u8], world: &dyn World) -> Option<Vec<Entry>> {
    let git = [top, b"/.git"].concat();
    let at = |name: &[u8]| [git.as_slice(), b"/", name].concat();
    there(world, &at(b"objects"), Kind::Folder)?;
    there(world, &at(b"refs"), Kind::Folder)?;
    there(world, &at(b"config"), Kind::File)?;
    if !matches!(world.look(&at(b"commondir")), Look::Nothing) {
        return None;
    }
    let entries = file("local", &at(b"config"), world)?;
    let plain = |entry: &Entry| match entry.key.as_str() {
        "core.repositoryformatversion" => matches!(entry.value.as_deref(), Some("0" | "1")),
        "core.bare" => entry.value.as_deref() == Some("false"),
        "core.worktree" => false,
        key => !key.starts_with("extensions."),
    };
    entries.iter().all(plain).then_some(entries)
}

/// The entries of one file; none where there is no such file.
fn file(scope: &str, path: &[u8], world: &dyn World) -> Option<Vec<Entry>> {
    match world.look(path) {
        Look::Nothing => return Some(Vec::new()),
        Look::There { kind: Kind::File, .. } => {}
        Look::There { .. } | Look::Unknown => return None,
    }
    let content = world.file(path).filter(|content| !content.truncated)?;
    let mut entries = Syntax { rest: content.bytes.text()?.as_bytes(), section: None }.all(scope)?;
    entries.iter().all(|entry| !includes(&entry.key)).then_some(())?;
    entries.shrink_to_fit();
    Some(entries)
}

fn includes(key: &str) -> bool {
    key == "include.path" || (key.starts_with("includeif.") && key.ends_with(".path"))
}

/// `-c name=value`.
fn command_entry(setting: &str) -> Option<Entry> {
    let (name, value) = setting.split_once('=')?;
    let (section, last) = (name.split('.').next()?, name.rsplit('.').next()?);
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let key = canonical(name);
    let moves = includes(&key) || key == "core.worktree" || key == "core.bare" || section == "extensions";
    let plain = name.contains('.') && word(section) && word(last) && !name.contains(['\n', '\'']) && !moves;
    plain.then(|| Entry { scope: "command".to_owned(), key, value: Some(value.to_owned()) })
}

fn here(top: Vec<u8>, head: Head, config: &Config) -> Repository {
    if config.get("core.hookspath").is_some() {
        return Repository::Ask;
    }
    let git = [top.as_slice(), b"/.git"].concat();
    let hooks = Bytes([git.as_slice(), b"/hooks"].concat());
    let top = if top.is_empty() { b"/".to_vec() } else { top };
    Repository::Here { place: Place { git_dir: git.into(), work_tree: Some(top.into()) }, hooks, head }
}

/// `None` where HEAD is not one that git would take for a repository's.
fn read_head(git: &[u8], world: &dyn World) -> Option<Head> {
    let read = |name: &[u8]| {
        let path = [git, b"/", name].concat();
        there(world, &path, Kind::File)?;
        world.file(&path).filter(|content| !content.truncated)?.bytes.text().map(str::to_owned)
    };
    let text = read(b"HEAD")?;
    let line = text.strip_suffix('\n').filter(|line| !line.contains('\n'))?;
    if is_object(line) {
        return Some(Head::Detached);
    }
    let name = line.strip_prefix("ref: ").filter(|name| name.starts_with("refs/heads/") && is_plain_ref(name))?;
    // A branch may itself be a name for another one.
    Some(match world.look(&[git, b"/", name.as_bytes()].concat()) {
        Look::Nothing => Head::Ref(name.to_owned()),
        Look::There { kind: Kind::File, .. }
            if read(name.as_bytes()).is_some_and(|text| is_object(text.trim_end())) =>
        {
            Head::Ref(name.to_owned())
        }
        Look::There { .. } | Look::Unknown => Head::Ask,
    })
}

fn is_object(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Narrower than git-check-ref-format(1).
fn is_plain_ref(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.ends_with(".lock")
            && !part.contains("..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '#'))
    };
    name.split('/').all(plain)
}

/// The syntax of git-config(1), as far as all versions read it alike.
struct Syntax<'a> {
    rest: &'a [u8],
    /// Section and its middle, with the dot after them.
    section: Option<String>,
}

impl Syntax<'_> {
    fn all(mut self, scope: &str) -> Option<Vec<Entry>> {
        if self.rest.iter().any(|byte| matches!(byte, 0 | b'\r' | 0x0b | 0x0c))
            || self.rest.starts_with(b"\xef\xbb\xbf")
        {
            return None;
        }
        let mut entries = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b' ' | b'\t' => self.skip(1),
                b'#' | b';' => {
                    let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
                    self.skip(end);
                }
                b'[' => self.header()?,
                byte if byte.is_ascii_alphabetic() => {
                    let (key, value) = self.setting()?;
                    entries.push(Entry { scope: scope.to_owned(), key, value });
                }
                _ => return None,
            }
        }
        Some(entries)
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.skip(1);
        Some(byte)
    }

    /// Letters, digits and dashes, in lower case.
    fn word(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!word.is_empty()).then(|| word.iter().map(|byte| byte.to_ascii_lowercase() as char).collect())
    }

    /// `[section]` or `[section "middle"]`; the form with a dot is left to git.
    fn header(&mut self) -> Option<()> {
        self.skip(1);
        let mut name = self.word()?;
        name.push('.');
        if self.peek()? != b']' {
            while matches!(self.peek()?, b' ' | b'\t') {
                self.skip(1);
            }
            (self.next()? == b'"').then_some(())?;
            let mut middle = Vec::new();
            loop {
                match self.next()? {
                    b'"' => break,
                    b'\n' => return None,
                    b'\\' => middle.push(self.next().filter(|byte| *byte != b'\n')?),
                    byte => middle.push(byte),
                }
            }
            name.push_str(&String::from_utf8(middle).ok()?);
            name.push('.');
        }
        (self.next()? == b']').then_some(())?;
        self.section = Some(name);
        Some(())
    }

    fn setting(&mut self) -> Option<(String, Option<String>)> {
        let mut key = self.section.clone()?;
        key.push_str(&self.word()?);
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.skip(1);
        }
        match self.next() {
            None | Some(b'\n') => Some((key, None)),
            Some(b'=') => self.value().map(|value| (key, Some(value))),
            Some(_) => None,
        }
    }

    /// To the end of the line: without the white space around it, unquoted, unescaped.
    fn value(&mut self) -> Option<String> {
        let (mut value, mut spaces, mut quoted) = (Vec::new(), 0, false);
        loop {
            let byte = match self.next() {
                None | Some(b'\n') if quoted => return None,
                None | Some(b'\n') => return String::from_utf8(value).ok(),
                Some(byte) => byte,
            };
            match byte {
                b' ' if !quoted => {
                    spaces += usize::from(!value.is_empty());
                    continue;
                }
                // Inside of a value, versions differ in what becomes of it.
                b'\t' if !quoted && value.is_empty() => continue,
                b'\t' if !quoted => return None,
                b'#' | b';' if !quoted => {
                    let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
                    self.skip(end);
                    continue;
                }
                _ => {}
            }
            value.extend(std::iter::repeat_n(b' ', std::mem::take(&mut spaces)));
            match byte {
                b'"' => quoted = !quoted,
                b'\\' => value.push(match self.next()? {
                    b't' => b'\t',
                    b'n' => b'\n',
                    byte @ (b'\\' | b'"') => byte,
                    _ => return None,
                }),
                byte => value.push(byte),
            }
        }
    }
}
