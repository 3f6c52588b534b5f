//! Where ssh's lines lead a host: sections that count, the first value of each keyword, the second reading.

use super::{Line, Words, fits};
use crate::tools::git::remotes::{self, Address, Repository};

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

/// What these lines say of a host, as git would hand it over. Where a `Match final` stands in them, or the name is made
/// canonical, they are read once more for the host that was found (ssh.c).
pub fn route(lines: &[Line], host: &str) -> Route {
    let mut found = Found { host, name: host.to_owned(), ..Found::default() };
    found.pass(lines);
    let last = |line: &Line| matches!(line, Line::Says(keyword, words) if keyword == "match" && words.to_ascii_lowercase().contains("final"));
    if lines.iter().any(last) || found.is_made_canonical() {
        found.name = found.hostname().unwrap_or(found.name).to_ascii_lowercase();
        found.last = true;
        found.pass(lines);
    }
    for line in lines {
        match line {
            Line::Program(path) => found.programs.push(path.clone()),
            Line::Unread(path) => found.doubts.push(format!("ssh's configuration goes on in {path}")),
            Line::File | Line::Opens | Line::Closes | Line::Says(..) => {}
        }
    }
    found.route()
}

/// Where releases differ about the words, nobody can tell.
fn agreed(words: &Words, counts: Counts) -> Counts {
    if words.plain { counts } else { Counts::Maybe }
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
    let patterns = Words::of(patterns);
    agreed(&patterns, listed(patterns.words.iter().map(String::as_str), host))
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

/// The first value of each keyword that counts.
#[derive(Default)]
struct Found<'a> {
    /// As git hands it over, and as it is called by now.
    host: &'a str,
    name: String,
    /// The lines are read for the last time, once more.
    last: bool,
    values: Vec<(&'a str, &'a str)>,
    programs: Vec<String>,
    doubts: Vec<String>,
}

impl<'a> Found<'a> {
    fn pass(&mut self, lines: &'a [Line]) {
        let (mut counts, mut around) = (Counts::Yes, Vec::new());
        for line in lines {
            match line {
                Line::File => counts = Counts::Yes,
                Line::Opens => around.push(counts),
                Line::Closes => counts = around.pop().unwrap_or(Counts::Yes),
                Line::Program(_) | Line::Unread(_) => {}
                Line::Says(keyword, words) => match keyword.as_str() {
                    "host" => counts = within(&around, for_host(words, &self.name)),
                    "match" => counts = within(&around, self.matched(words, around.last() != Some(&Counts::No))),
                    keyword => self.take(keyword, words, counts),
                },
            }
        }
    }

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
        let of_line = Words::of(words);
        let mut counts = Counts::Yes;
        let mut words = of_line.words.iter().flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'!') => vec![name, value],
            _ => vec![word.as_str()],
        });
        while let Some(word) = words.next() {
            let (name, not) = word.strip_prefix('!').map_or((word, false), |name| (name, true));
            let holds = match name.to_ascii_lowercase().as_str() {
                "all" => Counts::Yes,
                "canonical" | "final" if self.last => Counts::Yes,
                "canonical" | "final" => Counts::No,
                "originalhost" => among(words.next(), self.host),
                "host" => among(words.next(), &self.hostname().unwrap_or(self.name.clone())),
                "exec" => {
                    let program = words.next().unwrap_or_default();
                    if asked && counts != Counts::No && !self.programs.iter().any(|known| known == program) {
                        self.programs.push(program.to_owned());
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
        agreed(&of_line, counts)
    }

    /// A value that is one word.
    fn word(&self, keyword: &str) -> Option<String> {
        Words::of(self.get(keyword)?).words.into_iter().next()
    }

    fn is_made_canonical(&self) -> bool {
        self.word("canonicalizehostname")
            .is_some_and(|how| !["no", "none", "false"].contains(&how.to_ascii_lowercase().as_str()))
    }

    fn hostname(&self) -> Option<String> {
        if self.last {
            return Some(self.name.clone());
        }
        let name = self.word("hostname")?;
        Some(name.replace("%%", "\0").replace("%h", self.host).replace('\0', "%"))
    }

    fn route(mut self) -> Route {
        // The rest of the line, in quotes or not, is the command.
        let command = |keyword: &str| {
            self.get(keyword).filter(|command| !command.eq_ignore_ascii_case("none")).map(str::to_owned)
        };
        let set = |keyword: &str, none: &[&str]| {
            self.word(keyword).filter(|value| !none.iter().any(|none| value.eq_ignore_ascii_case(none)))
        };
        let (proxy, jump) = (command("proxycommand"), set("proxyjump", &["none"]));
        let local = set("permitlocalcommand", &["no", "false"]).and(command("localcommand"));
        let library = set("pkcs11provider", &["none"]);
        let keys = set("securitykeyprovider", &["internal", "none"]);
        let shared = set("controlpath", &["none"]);
        let opens = ["dynamicforward", "localforward", "remoteforward", "tunnel"].into_iter().filter_map(|keyword| {
            set(keyword, &["no"]).map(|value| format!("ssh's configuration has {keyword} {value}"))
        });
        let opens: Vec<_> = opens.collect();
        let led = proxy.is_some() || jump.is_some() || shared.is_some() || self.is_made_canonical();
        let started = [proxy, local, command("knownhostscommand"), library, keys];
        let (hostname, port) = (self.hostname(), self.word("port"));
        self.programs.extend(started.into_iter().flatten());
        self.doubts.extend(opens);
        Route { hostname, port, led, programs: self.programs, doubts: self.doubts }
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
