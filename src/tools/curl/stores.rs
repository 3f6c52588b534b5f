//! Files that say of which hosts they hold something: cookies, logins, hosts that are only asked by https, and other
//! services of a host. The agent's side keeps their hosts as facts, not the files: they hold secrets.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::url::Url;
use crate::model::Bytes;

/// What a file is to curl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `--cookie`.
    Cookies,
    /// `--netrc`, `--netrc-file`.
    Logins,
    /// `--hsts`.
    Https,
    /// `--alt-svc`.
    Services,
}

/// A file and the hosts that it speaks of. One that is not there has no hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    pub path: Bytes,
    pub kind: Kind,
    pub hosts: Vec<Host>,
    /// The line does not name it: `~/.netrc`.
    #[serde(default)]
    pub is_default: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Lower case; empty for any host if `below`, else for those that curl finds it for.
    pub name: String,
    /// Hosts below it, too.
    pub below: bool,
    /// The port that it speaks of, and where that is served: `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<(u16, String)>,
    /// A cookie's: paths that begin otherwise do not get it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// A cookie's: only https gets it.
    #[serde(default)]
    pub secure: bool,
    /// A cookie's: it has no end, and `--junk-session-cookies` leaves it out.
    #[serde(default)]
    pub session: bool,
}

impl Host {
    fn named(name: String, below: bool) -> Self {
        Host { name, below, to: None, path: String::new(), secure: false, session: false }
    }

    /// Whether a request of this URL gets what is held for its host (lib/cookie.c, pathmatch and secure_context).
    fn goes_to(&self, url: &Url) -> bool {
        let path = url.path.split('?').next().unwrap_or_default();
        let rest = path.strip_prefix(self.path.as_str());
        let secure = url.scheme == "https" || matches!(url.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        (self.path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            && (!self.secure || secure)
    }

    pub fn is(&self, host: &str) -> bool {
        if self.name.is_empty() {
            return self.below || is_in_first_bucket(host);
        }
        let under = || host.strip_suffix(&self.name).is_some_and(|before| before.ends_with('.'));
        self.name == host || (self.below && under())
    }
}

/// Hosts that are asked, so that many of them are looked up among many.
pub struct Asked<'a> {
    urls: Vec<&'a Url>,
    hosts: HashSet<&'a str>,
    above: HashSet<&'a str>,
}

/// How many entries of a file are compared with how many requests, at most; past it, the file is taken to be sent.
const COMPARED: usize = 100_000;

impl<'a> Asked<'a> {
    pub fn of(urls: impl Iterator<Item = &'a Url>) -> Self {
        let urls: Vec<&Url> = urls.collect();
        let hosts: HashSet<&str> = urls.iter().map(|url| url.host.as_str()).collect();
        let above = hosts.iter().flat_map(|host| host.rmatch_indices('.').take(16).map(|(at, _)| &host[at + 1..]));
        let above = above.collect();
        Asked { urls, hosts, above }
    }

    /// Whether one of the requests gets something of the file.
    pub fn is_any_of(&self, all: &[Host], no_session: bool) -> bool {
        let mut compared = 0;
        let named = |host: &&Host| match host.name.as_str() {
            "" => self.hosts.iter().any(|asked| host.is(asked)),
            name => self.hosts.contains(name) || (host.below && self.above.contains(name)),
        };
        all.iter().filter(|host| !(host.session && no_session)).filter(named).any(|host| {
            compared += self.urls.len();
            compared > COMPARED || self.urls.iter().any(|url| host.is(&url.host) && host.goes_to(url))
        })
    }
}

/// curl keeps cookies in 63 buckets by the last two labels of their domain, and those without a domain, like those of
/// addresses, in the first; so they go to hosts that happen to be looked for there (lib/cookie.c).
fn is_in_first_bucket(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>().is_ok();
    let top = host.rmatch_indices('.').nth(1).map_or(host, |(at, _)| &host[at + 1..]);
    let mix = |hash: u64, b: u8| hash.wrapping_mul(33) ^ u64::from(b.to_ascii_uppercase());
    address || top.bytes().fold(5381, mix) % 63 == 0
}

/// More lines of a file are not looked at: then it speaks of any host.
const MOST: usize = 4_096;

/// The hosts of a file's text.
pub fn hosts(kind: Kind, text: &[u8]) -> Vec<Host> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    if text.lines().nth(MOST).is_some() {
        return vec![any()];
    }
    match kind {
        Kind::Cookies => text.lines().filter_map(cookie).collect(),
        Kind::Logins => logins(text),
        Kind::Https => text.lines().filter_map(only_https).collect(),
        Kind::Services => text.lines().filter_map(service).collect(),
    }
}

fn any() -> Host {
    Host::named(String::new(), true)
}

/// Netscape's format, or a header line. A cookie without a domain has no name here ([`Host::is`]).
fn cookie(line: &str) -> Option<Host> {
    let begins = line.get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("set-cookie:"));
    if begins {
        let domain = |field: &str| {
            let (name, value) = field.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("domain")
                .then(|| value.trim().trim_start_matches('.').to_ascii_lowercase())
        };
        let name = line[11..].split(';').filter_map(domain).next_back().unwrap_or_default();
        let below = !name.is_empty();
        let value = |key: &str| {
            let mut fields = line[11..].split(';').skip(1).map(|field| field.split_once('=').unwrap_or((field, "")));
            fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(key)).map(|(_, value)| value.trim().to_owned())
        };
        let ends = value("expires").is_some() || value("max-age").is_some();
        let host = Host {
            path: value("path").map(|path| folder(&path)).unwrap_or_default(),
            secure: value("secure").is_some(),
            session: !ends,
            ..Host::named(name, below)
        };
        return line[11..].contains('=').then_some(host);
    }
    let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
    let fields: Vec<&str> = line.split('\t').filter(|field| !field.is_empty()).collect();
    if line.starts_with('#') || !(6..=7).contains(&fields.len()) {
        return None;
    }
    let name = fields[0].trim_start_matches('.').to_ascii_lowercase();
    let ends: u64 = fields[4].parse().unwrap_or(u64::MAX);
    let host = Host {
        path: folder(fields[2]),
        secure: fields[3].eq_ignore_ascii_case("TRUE"),
        session: ends == 0,
        ..Host::named(name, fields[1].eq_ignore_ascii_case("TRUE"))
    };
    // What ran out before curl 7.88 came out has run out.
    (ends == 0 || ends >= FEBRUARY_2023).then_some(host)
}

/// 2023-02-15 00:00 UTC, in seconds since 1970.
const FEBRUARY_2023: u64 = 1_676_419_200;

/// The path of a cookie, without the slash at its end; empty where any path gets it.
fn folder(path: &str) -> String {
    let path = path.strip_prefix('"').unwrap_or(path);
    let path = path.strip_suffix('"').unwrap_or(path);
    if path.starts_with('/') { path.strip_suffix('/').unwrap_or(path).to_owned() } else { String::new() }
}

/// netrc(5): `machine NAME …`, `default …`.
fn logins(text: &str) -> Vec<Host> {
    let mut out = Vec::new();
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            "machine" => {
                out.extend(words.next().map(|name| Host::named(name.to_ascii_lowercase(), false)));
            }
            "default" => out.push(any()),
            "login" | "password" | "account" => {
                words.next();
            }
            _ => {}
        }
    }
    out
}

/// `host "YYYYMMDD HH:MM:SS"`, with a dot before the host for those below it, too. What ran out before curl 7.88 came
/// out has run out; other entries are taken to hold.
fn only_https(line: &str) -> Option<Host> {
    let (name, until) = line.split_once(' ').filter(|(name, _)| !name.starts_with('#'))?;
    let until = until.trim().strip_prefix('"')?;
    let year: u16 = until.get(..4).and_then(|year| year.parse().ok()).unwrap_or(u16::MAX);
    let below = name.starts_with('.');
    (year >= 2023).then(|| Host::named(name.trim_start_matches('.').to_ascii_lowercase(), below))
}

/// `h1 host 443 h2 other 8443 "date" …`.
fn service(line: &str) -> Option<Host> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [from, name, port, to, other, other_port, ..] = fields[..] else { return None };
    let spoken = |protocol: &str| matches!(protocol, "h1" | "h2");
    let port = port.parse().ok().filter(|_| spoken(from) && spoken(to))?;
    let other_port: u16 = other_port.parse().ok()?;
    let to = Some((port, format!("{}:{other_port}", other.to_ascii_lowercase())));
    Some(Host { to, ..Host::named(name.to_ascii_lowercase(), false) })
}

#[cfg(test)]
mod tests {
    use super::super::url::{How, parse};
    use super::*;

    fn names(kind: Kind, text: &str) -> Vec<String> {
        let shown = |host: Host| format!("{}{}", if host.below { "." } else { "" }, host.name);
        hosts(kind, text.as_bytes()).into_iter().map(shown).collect()
    }

    #[test]
    fn files_speak_of_their_hosts_and_of_no_secret() {
        let jar =
            "# Netscape\n.a.example\tTRUE\t/\tFALSE\t0\tk\tv\n#HttpOnly_B.example\tFALSE\t/\tFALSE\t0\tk\tv\nMARK\n";
        assert_eq!(names(Kind::Cookies, jar), [".a.example", "b.example"]);
        let lines = "Set-Cookie: a=b\nset-cookie: x\nSet-Cookie: a=b; Domain=.A.example; path=/\n";
        assert_eq!(names(Kind::Cookies, lines), ["", ".a.example"]);
        let netrc = "machine a.example login machine password p\ndefault login x";
        assert_eq!(names(Kind::Logins, netrc), ["a.example", "."]);
        let hsts = "# c\n.a.example \"20991231 10:00:00\"\nb.example \"20100101 00:00:00\"\nc.example \"unlimited\"\n";
        assert_eq!(names(Kind::Https, hsts), [".a.example", "c.example"]);
        let services = hosts(Kind::Services, b"h2 a.example 443 h2 Other.example 8443 \"20991231 10:00:00\" 0 0\n");
        assert_eq!(services[0].to, Some((443, "other.example:8443".to_owned())));
        assert!(Host::named("a.example".into(), true).is("x.a.example"));
        assert!(!Host::named("a.example".into(), true).is("xa.example"));
        let urls = ["http://x.a.example/d/e", "https://b.example/"].map(|url| parse(url.as_bytes(), How::default()));
        let asked = Asked::of(urls.iter().flatten());
        let is = |text: &str| asked.is_any_of(&hosts(Kind::Cookies, text.as_bytes()), false);
        assert!(is(".a.example\tTRUE\t/\tFALSE\t0\tk\tv") && is("b.example\tFALSE\t/\tFALSE\t0\tk\tv"));
        for (path, secure, ends, sent) in [
            ("/d", "FALSE", "0", true),
            ("/d/", "FALSE", "0", true),
            ("/d/e", "FALSE", "4000000000", true),
            ("/dd", "FALSE", "0", false),
            ("/", "TRUE", "0", false),
            ("/", "FALSE", "1000000000", false),
        ] {
            assert_eq!(is(&format!(".a.example\tTRUE\t{path}\t{secure}\t{ends}\tk\tv")), sent, "{path}");
        }
        assert!(is("b.example\tFALSE\t/\tTRUE\t0\tk\tv"));
        let session = hosts(Kind::Cookies, b"b.example\tFALSE\t/\tFALSE\t0\tk\tv");
        assert!(!asked.is_any_of(&session, true));
        assert!(!is("a.example\tFALSE\t/\tFALSE\t0\tk\tv") && !is("c.example\tTRUE\t/\tFALSE\t0\tk\tv"));
    }
}
