//! Where ssh's own configuration leads a host, and what it starts on the way: git hands ssh a name, and ssh_config(5)
//! says what that is. Read as OpenSSH reads it (readconf.c): the first value of each keyword counts, the user's file
//! comes before the system's.

mod route;

use serde::{Deserialize, Serialize};

use super::facts::Config;
use crate::model::{Bytes, Content, visible};
use crate::tools::world::{self, Look, World};

pub use route::resolved;

/// The system's file (Debian, and OpenSSH's own default).
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// How deep files may include one another (readconf.c, `READCONF_MAX_DEPTH`), and how many are read for one line.
const DEEP: usize = 16;
const MANY: usize = 64;

/// Commands of git's that may call ssh; any other does so only for an object that a remote promised.
const CALLERS: &[&str] = &[
    "archive",
    "clone",
    "fetch",
    "fetch-pack",
    "ls-remote",
    "maintenance",
    "pull",
    "push",
    "remote",
    "request-pull",
    "send-pack",
    "submodule",
    "subtree",
];

/// Lines that travel, and bytes of each; a file that has more of them is a doubt.
const LINES: usize = 1000;
const LONG: usize = 4096;

/// What leads somewhere or starts something. The others (`IdentityFile`, `SendEnv` and so on) stay on the machine.
const TELLING: &[&str] = &[
    "canonicalizehostname",
    "controlpath",
    "dynamicforward",
    "hostname",
    "knownhostscommand",
    "localcommand",
    "localforward",
    "permitlocalcommand",
    "pkcs11provider",
    "port",
    "proxycommand",
    "proxyjump",
    "remoteforward",
    "securitykeyprovider",
    "tunnel",
];

/// Where the machine's own programs are. An ssh that PATH finds elsewhere is somebody's.
const FOLDERS: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin"];

/// What is told of the files, in their order. Only [`Line::Says`] is of whoever wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// A file begins.
    File,
    /// What another one includes begins, and ends.
    Opens,
    Closes,
    /// An ssh that PATH finds outside of [`FOLDERS`].
    Program(String),
    /// What could not be read, or is too much.
    Unread(String),
    /// A keyword in lower case, and what stands behind it.
    Says(String, String),
}

/// The lines that tell something, of both files; none where nothing does, or the command calls no ssh.
pub fn gather(command: &str, config: Option<&Config>, world: &dyn World) -> Vec<Line> {
    let promised = |config: &Config| {
        config.0.iter().any(|entry| entry.key.contains("promisor") || entry.key.contains("partialclone"))
    };
    if !CALLERS.contains(&command) && !config.is_some_and(promised) {
        return Vec::new();
    }
    let program = world.program("ssh").filter(|path| !FOLDERS.iter().any(|folder| is_in(path, folder)));
    let program = program.map(|path| Line::Program(visible::line(&path, usize::MAX)));
    // By the user's entry and not by a variable: so ssh finds it.
    let home = world::account(world).and_then(|account| account.get(5).cloned());
    let mut files = Files { world, home, left: MANY, lines: program.into_iter().collect() };
    match files.home.clone() {
        Some(home) => files.read(&format!("{home}/.ssh/config"), &format!("{home}/.ssh"), 0),
        None => files.unread("a home that passwd(5) does not know"),
    }
    files.read(SYSTEM, "/etc/ssh", 0);
    if files.lines.iter().any(tells) { files.lines } else { Vec::new() }
}

fn tells(line: &Line) -> bool {
    match line {
        Line::File | Line::Opens | Line::Closes => false,
        Line::Program(_) | Line::Unread(_) => true,
        Line::Says(keyword, words) if keyword == "match" => words.to_ascii_lowercase().contains("exec"),
        Line::Says(keyword, _) => TELLING.contains(&keyword.as_str()),
    }
}

fn is_in(path: &[u8], folder: &str) -> bool {
    let name = path.strip_prefix(folder.as_bytes()).and_then(|rest| rest.strip_prefix(b"/"));
    name.is_some_and(|name| !name.contains(&b'/'))
}

struct Files<'a> {
    world: &'a dyn World,
    home: Option<String>,
    left: usize,
    lines: Vec<Line>,
}

impl Files<'_> {
    fn read(&mut self, path: &str, folder: &str, deep: usize) {
        if !self.world.is_file(path.as_bytes()) {
            // A pipe gives another text each time.
            if matches!(self.world.look(path.as_bytes()), Look::There { .. }) {
                self.unread(path);
            }
            return;
        }
        let Some(Content { bytes, truncated, .. }) = self.world.file(path.as_bytes()) else { return };
        if deep == 0 {
            self.lines.push(Line::File);
        }
        let text = bytes.text().filter(|_| !truncated && deep < DEEP && self.left > 0);
        self.left = self.left.saturating_sub(1);
        let Some(text) = text else {
            return self.unread(path);
        };
        for (keyword, words) in text.lines().filter_map(parse) {
            if self.lines.len() > LINES || words.len() > LONG {
                return self.unread(path);
            }
            match keyword.as_str() {
                "include" => self.include(&words, folder, deep),
                "host" | "match" => self.lines.push(Line::Says(keyword, words)),
                other if TELLING.contains(&other) => self.lines.push(Line::Says(keyword, words)),
                _ => {}
            }
        }
    }

    /// Once for all that follow one another.
    fn unread(&mut self, path: &str) {
        if !matches!(self.lines.last(), Some(Line::Unread(_))) {
            self.lines.push(Line::Unread(path.to_owned()));
        }
    }

    fn include(&mut self, words: &str, folder: &str, deep: usize) {
        self.lines.push(Line::Opens);
        let Words { words, plain } = Words::of(words);
        if !plain {
            self.unread("what an Include names");
        }
        for word in words {
            let path = match (word.strip_prefix("~/"), &self.home) {
                (Some(rest), Some(home)) => format!("{home}/{rest}"),
                _ if word.starts_with('/') => word,
                _ => format!("{folder}/{word}"),
            };
            let (parent, name) = path.rsplit_once('/').unwrap_or_default();
            if parent.contains(['*', '?', '[', '%', '~']) || name.contains(['[', '%']) || path.contains("${") {
                self.unread(&path);
            } else if name.contains(['*', '?']) {
                self.each(parent, name, folder, deep);
            } else {
                self.read(&path, folder, deep + 1);
            }
        }
        self.lines.push(Line::Closes);
    }

    fn each(&mut self, parent: &str, pattern: &str, folder: &str, deep: usize) {
        let names = self.world.list(parent.as_bytes());
        if names.is_none() && self.world.is_dir(parent.as_bytes()) {
            self.unread(parent);
        }
        let fitting =
            |found: &Bytes| found.text().filter(|n| fits(pattern, n) && !n.starts_with('.')).map(str::to_owned);
        for found in names.unwrap_or_default().iter().filter_map(fitting).collect::<Vec<_>>() {
            self.read(&format!("{parent}/{found}"), folder, deep + 1);
        }
    }
}

/// The words of a line (misc.c, `argv_split`).
struct Words {
    words: Vec<String>,
    /// Releases agree on them: nothing is escaped, in single quotes or behind `#`, and double quotes stand around words.
    plain: bool,
}

impl Words {
    fn of(text: &str) -> Words {
        let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
        let mut plain = !text.contains(['\\', '\'', '#']);
        let mut before = ' ';
        for sign in text.chars() {
            match sign {
                '"' => {
                    plain &= quoted || before == ' ' || before == '\t';
                    quoted = !quoted;
                    word.get_or_insert_default();
                }
                ' ' | '\t' if !quoted => words.extend(word.take()),
                sign => {
                    plain &= quoted || before != '"';
                    word.get_or_insert_default().push(sign);
                }
            }
            before = sign;
        }
        words.extend(word);
        Words { words, plain: plain && !quoted }
    }
}

/// A keyword, and behind blanks or one `=` its words as they are written; `None` for comments and what is blank.
pub fn parse(line: &str) -> Option<(String, String)> {
    let line = line.trim_matches([' ', '\t', '\r', '\x0c']);
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches([' ', '\t']);
    let named = !keyword.is_empty() && !keyword.starts_with('#');
    named.then(|| (keyword.trim_matches('"').to_ascii_lowercase(), rest.to_owned()))
}

/// `*` is any text, `?` any character.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => (star, p) = (Some((p + 1, n)), p + 1),
            Some(sign) if *sign == b'?' || *sign == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((behind, from)) = star else { return false };
                (star, p, n) = (Some((behind, from + 1)), behind, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|sign| *sign == b'*')
}
