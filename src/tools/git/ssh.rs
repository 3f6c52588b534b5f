//! Where ssh's own configuration leads a host, and what it starts on the way: git hands ssh a name, and ssh_config(5)
//! says what that is. Read as OpenSSH reads it (readconf.c): the first value of each keyword counts, the user's file
//! comes before the system's.

use serde::{Deserialize, Serialize};

use super::facts::Config;
use super::remotes::{self, Address, Repository};
use crate::model::{Bytes, Content, visible};
use crate::tools::world::{self, World};

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
    "send-pack",
    "submodule",
];

/// Lines that travel, and bytes of each; a file that has more of them is a doubt.
const LINES: usize = 1000;
const LONG: usize = 4096;

/// What decides for whom the lines below it count.
const SECTIONS: &[&str] = &["host", "match", "file", "include", "included"];

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
    "program",
    "proxycommand",
    "proxyjump",
    "remoteforward",
    "securitykeyprovider",
    "tunnel",
    "unread",
];

/// Where the machine's own programs are. An ssh that PATH finds elsewhere is somebody's.
const FOLDERS: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin"];

/// A keyword in lower case, and what stands behind it. `program` is such an ssh, `file` begins a file, `include` and `included` stand around what
/// another one includes, `unread` is for what could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line(pub String, pub String);

/// The lines that tell something, of both files; none where nothing does, or the command calls no ssh.
pub fn gather(command: &str, config: Option<&Config>, world: &dyn World) -> Vec<Line> {
    let promised = |config: &Config| {
        config.0.iter().any(|entry| entry.key.contains("promisor") || entry.key.contains("partialclone"))
    };
    if !CALLERS.contains(&command) && !config.is_some_and(promised) {
        return Vec::new();
    }
    // By the user's entry and not by a variable: so ssh finds it.
    let home = world::account(world).and_then(|account| account.get(5).cloned());
    let program = world.program("ssh").filter(|path| !FOLDERS.iter().any(|folder| is_in(path, folder)));
    let program = program.map(|path| Line("program".into(), visible::line(&path, usize::MAX)));
    let mut files = Files { world, home, left: MANY, lines: program.into_iter().collect() };
    if let Some(home) = files.home.clone() {
        files.read(&format!("{home}/.ssh/config"), &format!("{home}/.ssh"), 0);
    }
    files.read(SYSTEM, "/etc/ssh", 0);
    let tells =
        files.lines.iter().any(|Line(keyword, words)| TELLING.contains(&keyword.as_str()) || runs(keyword, words));
    if tells { files.lines } else { Vec::new() }
}

fn is_in(path: &[u8], folder: &str) -> bool {
    let name = path.strip_prefix(folder.as_bytes()).and_then(|rest| rest.strip_prefix(b"/"));
    name.is_some_and(|name| !name.contains(&b'/'))
}

fn runs(keyword: &str, words: &str) -> bool {
    keyword == "match" && words.to_ascii_lowercase().contains("exec")
}

struct Files<'a> {
    world: &'a dyn World,
    home: Option<String>,
    left: usize,
    lines: Vec<Line>,
}

impl Files<'_> {
    fn read(&mut self, path: &str, folder: &str, deep: usize) {
        let Some(Content { bytes, truncated, .. }) = self.world.file(path.as_bytes()) else { return };
        if deep == 0 {
            self.lines.push(Line("file".into(), path.into()));
        }
        let text = bytes.text().filter(|_| !truncated && deep < DEEP && self.left > 0);
        self.left = self.left.saturating_sub(1);
        let Some(text) = text else {
            return self.unread(path);
        };
        for line in text.lines().filter_map(parse) {
            if self.lines.len() > LINES || line.1.len() > LONG {
                return self.unread(path);
            }
            match line.0.as_str() {
                "include" => self.include(&line.1, folder, deep),
                keyword if SECTIONS.contains(&keyword) || TELLING.contains(&keyword) => self.lines.push(line),
                _ => {}
            }
        }
    }

    /// Once for all that follow one another.
    fn unread(&mut self, path: &str) {
        if self.lines.last().is_none_or(|Line(keyword, _)| keyword != "unread") {
            self.lines.push(Line("unread".into(), path.into()));
        }
    }

    fn include(&mut self, words: &str, folder: &str, deep: usize) {
        self.lines.push(Line("include".into(), String::new()));
        for word in shell_words::split(words).unwrap_or_else(|_| vec![words.to_owned()]) {
            let path = match (word.strip_prefix("~/"), &self.home) {
                (Some(rest), Some(home)) => format!("{home}/{rest}"),
                _ if word.starts_with('/') => word,
                _ => format!("{folder}/{word}"),
            };
            let (parent, name) = path.rsplit_once('/').unwrap_or_default();
            if parent.contains(['*', '?', '[', '%', '~']) || name.contains(['[', '%']) || path.contains("${") {
                self.unread(&path);
            } else if name.contains(['*', '?']) {
                let names = self.world.list(parent.as_bytes()).unwrap_or_default();
                let fitting =
                    |found: &Bytes| found.text().filter(|n| fits(name, n) && !n.starts_with('.')).map(str::to_owned);
                for found in names.iter().filter_map(fitting).collect::<Vec<_>>() {
                    self.read(&format!("{parent}/{found}"), folder, deep + 1);
                }
            } else {
                self.read(&path, folder, deep + 1);
            }
        }
        self.lines.push(Line("included".into(), String::new()));
    }
}

/// A keyword, and behind blanks or one `=` its words as they are written; `None` for comments and what is blank.
pub fn parse(line: &str) -> Option<Line> {
    let line = line.trim_matches([' ', '\t', '\r', '\x0c']);
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches([' ', '\t']);
    let named = !keyword.is_empty() && !keyword.starts_with('#');
    named.then(|| Line(keyword.trim_matches('"').to_ascii_lowercase(), rest.to_owned()))
}

/// Where ssh goes for a host, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub hostname: Option<String>,
    pub port: Option<String>,
    /// Programs that ssh starts on this machine, and libraries that it loads.
    pub programs: Vec<String>,
    /// Something stands between: a program, another host, a connection that is there already.
    pub led: bool,
    /// What cannot be told.
    pub doubts: Vec<String>,
}

/// Whether the lines below a `Host` or a `Match` count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Yes,
    No,
    Maybe,
}

/// What these lines say of a host, as git would hand it over.
pub fn route(lines: &[Line], host: &str) -> Route {
    let mut found = Found { host, ..Found::default() };
    let (mut counts, mut around) = (Counts::Yes, Vec::new());
    for Line(keyword, words) in lines {
        match keyword.as_str() {
            "program" => found.programs.push(words.clone()),
            // What counts behind it is not known.
            "unread" => found.doubts.push(format!("ssh's configuration goes on in {words}")),
            "file" => counts = Counts::Yes,
            "include" => around.push(counts),
            "included" => counts = around.pop().unwrap_or(Counts::Yes),
            "host" => counts = within(&around, for_host(words, host)),
            "match" => counts = within(&around, found.matched(words, around.last() != Some(&Counts::No))),
            keyword => found.take(keyword, words, counts),
        }
    }
    found.route()
}

/// What is included where nothing counts does not count either.
fn within(around: &[Counts], counts: Counts) -> Counts {
    match around.last() {
        Some(Counts::No) => Counts::No,
        Some(Counts::Maybe) if counts == Counts::Yes => Counts::Maybe,
        _ => counts,
    }
}

/// `Host`: one of the patterns fits, and none of those behind `!`.
fn for_host(patterns: &str, host: &str) -> Counts {
    let patterns = shell_words::split(patterns).unwrap_or_default();
    listed(patterns.iter().map(String::as_str), host)
}

/// The lists of `Match`, where letters have no case.
fn among(patterns: Option<&str>, host: &str) -> Counts {
    listed(patterns.unwrap_or_default().to_ascii_lowercase().split(','), &host.to_ascii_lowercase())
}

fn listed<'a>(patterns: impl Iterator<Item = &'a str>, host: &str) -> Counts {
    let mut any = Counts::No;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if fits(not, host) => return Counts::No,
            None if fits(pattern, host) => any = Counts::Yes,
            _ => {}
        }
    }
    any
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

/// The first value of each keyword that counts.
#[derive(Default)]
struct Found<'a> {
    host: &'a str,
    values: Vec<(&'a str, &'a str)>,
    programs: Vec<String>,
    doubts: Vec<String>,
}

impl<'a> Found<'a> {
    fn get(&self, keyword: &str) -> Option<&'a str> {
        self.values.iter().find(|(known, _)| *known == keyword).map(|(_, value)| *value)
    }

    fn take(&mut self, keyword: &'a str, words: &'a str, counts: Counts) {
        // What comes first, a command or a host between, is the way.
        let set = match keyword {
            "proxycommand" | "proxyjump" => self.get("proxycommand").or(self.get("proxyjump")).is_some(),
            _ => self.get(keyword).is_some(),
        };
        match counts {
            Counts::No => {}
            _ if set => {}
            Counts::Maybe => self.doubts.push(format!("ssh's configuration has {keyword} {words} under a Match")),
            Counts::Yes => self.values.push((keyword, words)),
        }
    }

    /// `Match`: all of its criteria hold; a program is asked where the ones before it do.
    fn matched(&mut self, words: &str, asked: bool) -> Counts {
        let Ok(words) = shell_words::split(words) else { return Counts::Maybe };
        let mut counts = Counts::Yes;
        let mut words = words.iter().flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'!') => vec![name, value],
            _ => vec![word.as_str()],
        });
        while let Some(word) = words.next() {
            let (name, not) = word.strip_prefix('!').map_or((word, false), |name| (name, true));
            let holds = match name.to_ascii_lowercase().as_str() {
                "all" => Counts::Yes,
                // Once more, where the name of the host was made canonical; that is told by itself.
                "canonical" => Counts::No,
                "final" => Counts::Maybe,
                "originalhost" => among(words.next(), self.host),
                "host" => among(words.next(), &self.hostname().unwrap_or(self.host.to_owned())),
                "exec" => {
                    if asked && counts != Counts::No {
                        self.programs.push(words.next().unwrap_or_default().to_owned());
                    }
                    Counts::Maybe
                }
                _ => {
                    words.next();
                    Counts::Maybe
                }
            };
            counts = match (holds, not) {
                (Counts::Maybe, _) if counts == Counts::Yes => Counts::Maybe,
                (Counts::No, false) | (Counts::Yes, true) => Counts::No,
                _ => counts,
            };
        }
        counts
    }

    fn hostname(&self) -> Option<String> {
        let name = self.get("hostname").map(|name| name.trim_matches('"'))?;
        Some(name.replace("%%", "\0").replace("%h", self.host).replace('\0', "%"))
    }

    fn route(mut self) -> Route {
        let set = |value: Option<&'a str>, none: &[&str]| {
            value
                .map(|value| value.trim_matches('"'))
                .filter(|value| !none.iter().any(|none| value.eq_ignore_ascii_case(none)))
        };
        let command = set(self.get("proxycommand"), &["none"]);
        let jump = set(self.get("proxyjump"), &["none"]);
        let local = set(self.get("permitlocalcommand"), &["no", "false"]).and(self.get("localcommand"));
        let hosts = set(self.get("knownhostscommand"), &["none"]);
        let library = set(self.get("pkcs11provider"), &["none"]);
        let keys = set(self.get("securitykeyprovider"), &["internal", "none"]);
        self.programs.extend([command, local, hosts, library, keys].into_iter().flatten().map(str::to_owned));
        let shared = set(self.get("controlpath"), &["none"]);
        let canonical = set(self.get("canonicalizehostname"), &["no", "none"]);
        let tunnel = set(self.get("tunnel"), &["no"]).map(|value| ("tunnel", value));
        let forwards =
            ["dynamicforward", "localforward", "remoteforward"].map(|key| self.get(key).map(|value| (key, value)));
        let opens = forwards.into_iter().chain([tunnel]).flatten();
        self.doubts.extend(opens.map(|(key, value)| format!("ssh's configuration has {key} {value}")));
        Route {
            hostname: self.hostname(),
            port: self.get("port").map(str::to_owned),
            led: command.or(jump).or(shared).or(canonical).is_some(),
            programs: self.programs,
            doubts: self.doubts,
        }
    }
}

/// The repository at the place that these lines make of one that git reaches by ssh, and the way there.
pub fn resolved(lines: &[Line], address: &Address) -> (Repository, Route) {
    let (written, says_port) = &address.written;
    let route = route(lines, written);
    let host = address.repository.host.as_str();
    let (host, said) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host, ""),
    };
    let host = route.hostname.as_deref().unwrap_or(host).trim_matches(['[', ']']);
    let port = if *says_port { Some(said) } else { route.port.as_deref() };
    (remotes::repository(host, port.unwrap_or_default(), "22", &address.repository.path), route)
}
