//! URLs as libcurl 7.88 takes them (lib/urlapi.c): a scheme may be left out, one to three slashes may follow it, a host
//! may be a number, and curl itself writes a URL anew where it adds to it.

use super::host::{address, decoded, guess, host_name, plain};
use super::options::Release;

/// Schemes of curl 7.88 in Debian 12, and the port of each.
pub const SCHEMES: &[(&str, u16)] = &[
    ("http", 80),
    ("https", 443),
    ("ftp", 21),
    ("ftps", 990),
    ("scp", 22),
    ("sftp", 22),
    ("smb", 445),
    ("smbs", 445),
    ("smtp", 25),
    ("smtps", 465),
    ("pop3", 110),
    ("pop3s", 995),
    ("imap", 143),
    ("imaps", 993),
    ("ldap", 389),
    ("ldaps", 636),
    ("dict", 2628),
    ("file", 0),
    ("gopher", 70),
    ("gophers", 70),
    ("telnet", 23),
    ("tftp", 69),
    ("mqtt", 1883),
    ("rtsp", 554),
    ("rtmp", 1935),
    ("rtmpe", 80),
    ("rtmps", 443),
    ("rtmpt", 80),
    ("rtmpte", 80),
    ("rtmpts", 443),
];

/// Schemes that only newer releases speak.
const NEWER: &[(&str, u16)] = &[("ws", 80), ("wss", 443)];

/// libcurl takes no longer URL.
const LONGEST: usize = 8_000_000;

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub scheme: String,
    /// Lower case, without brackets and trailing dot; numbers as dotted quads; empty for `file:`.
    pub host: String,
    pub port: u16,
    /// With its query, as sent.
    pub path: String,
    /// A dot stood behind the host: curl keeps its address apart from that of the name without.
    pub dotted: bool,
    /// It carries a user or a password of its own.
    pub userinfo: bool,
    /// The host's name is not written in ASCII in a way that is certain.
    pub unsure: bool,
}

impl Url {
    pub fn is_http(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }

    /// The URL in its shortest form, without user and default port.
    pub fn shown(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port =
            if default_port(&self.scheme) == Some(self.port) { String::new() } else { format!(":{}", self.port) };
        format!("{}://{host}{port}{}", self.scheme, self.path)
    }
}

/// How a URL is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// `--path-as-is`.
    pub as_is: bool,
    /// `--disallow-username-in-url`.
    pub no_user: bool,
    pub release: Release,
}

impl How {
    /// As curl's tool reads a URL before it gives it to its library.
    pub fn of(release: Release) -> How {
        How { release, ..How::default() }
    }
}

/// A URL in its parts, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// Lower case; a guess where the URL has none.
    pub scheme: String,
    pub login: Option<Vec<u8>>,
    /// Numbers as dotted quads, an IPv6 address in its brackets.
    pub host: Vec<u8>,
    pub port: Option<u16>,
    /// Empty where it is only a slash.
    pub path: Vec<u8>,
    pub query: Option<Vec<u8>>,
    fragment: Option<Vec<u8>>,
}

impl Parts {
    /// `None` where curl makes no request of it. An unknown scheme is no error here.
    pub fn of(text: &[u8], how: How) -> Option<Parts> {
        if text.len() > LONGEST || text.iter().any(|b| *b <= 0x20 || *b == 0x7f) {
            return None;
        }
        let named = scheme(text);
        let (mut parts, rest) = match &named {
            Some((name, rest)) if name == "file" => (Parts::default(), local_path(text, rest)?),
            named => {
                let rest = named.as_ref().map_or(text, |(_, rest)| rest);
                let slashes = rest.iter().take_while(|b| **b == b'/').count();
                let rest = match named {
                    Some(_) if !(1..=3).contains(&slashes) => return None,
                    Some(_) => &rest[slashes..],
                    None => rest,
                };
                let (authority, rest) = cut(rest, b"/?#");
                (authority_of(authority, named.is_some(), how)?, rest)
            }
        };
        parts.scheme = named.map_or_else(|| guess(&parts.host).to_owned(), |(name, _)| name);
        let (rest, fragment) = cut(rest, b"#");
        let (path, query) = cut(rest, b"?");
        parts.fragment = fragment.get(1..).filter(|f| !f.is_empty()).map(<[u8]>::to_vec);
        let newer = how.release.is_v8();
        // Newer releases leave a `?` away that nothing follows, and take `%2e` for a dot.
        parts.query = query.get(1..).filter(|query| !(newer && query.is_empty())).map(<[u8]>::to_vec);
        parts.path = match path.len() {
            0 | 1 => Vec::new(),
            _ if how.as_is => path.to_vec(),
            _ => without_dots(path, newer),
        };
        Some(parts)
    }

    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { &self.path }
    }

    /// The URL as curl writes it when it has changed a part.
    pub fn text(&self) -> Vec<u8> {
        let mut out = [self.scheme.as_bytes(), b"://"].concat();
        if self.scheme != "file" {
            if let Some(login) = &self.login {
                out.extend_from_slice(login);
                out.push(b'@');
            }
            match self.host.first() {
                Some(b'[') => out.extend_from_slice(&self.host),
                _ => self.host.iter().for_each(|b| match b {
                    b'%' => out.extend_from_slice(b"%25"),
                    b => out.push(*b),
                }),
            }
            if let Some(port) = self.port {
                out.extend(format!(":{port}").bytes());
            }
        }
        if !self.path().starts_with(b"/") {
            out.push(b'/');
        }
        out.extend_from_slice(self.path());
        if let Some(query) = self.query.as_ref().filter(|query| !query.is_empty() && self.scheme != "file") {
            out.push(b'?');
            out.extend_from_slice(query);
        }
        if let Some(fragment) = &self.fragment {
            out.push(b'#');
            out.extend_from_slice(fragment);
        }
        out
    }

    /// `None` for a scheme that curl does not speak, or a host that is no name.
    pub fn url(&self) -> Option<Url> {
        let port = default_port(&self.scheme)?;
        let (host, unsure) = host_name(&self.host)?;
        let mut path = Vec::with_capacity(self.path().len());
        for b in self.path() {
            match b {
                0x80.. => path.extend(format!("%{b:02x}").bytes()),
                b => path.push(*b),
            }
        }
        if self.scheme == "file" {
            path = decoded(self.path()).filter(|path| !path.contains(&0))?;
        } else if let Some(query) = &self.query {
            path.push(b'?');
            path.extend_from_slice(query);
        }
        Some(Url {
            scheme: self.scheme.clone(),
            host,
            port: self.port.unwrap_or(port),
            path: shown(&path),
            dotted: self.host.ends_with(b"."),
            userinfo: self.login.is_some(),
            unsure,
        })
    }
}

/// Reads a URL; `None` where curl makes no request of it.
pub fn parse(text: &[u8], how: How) -> Option<Url> {
    Parts::of(text, how)?.url()
}

/// Text for eyes and for policy: UTF-8 as it is, else with escapes.
pub fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

/// The port of a scheme that curl speaks.
pub fn default_port(scheme: &str) -> Option<u16> {
    SCHEMES.iter().chain(NEWER).find(|(name, _)| *name == scheme).map(|(_, port)| *port)
}

/// Whether only newer releases speak the scheme.
pub fn is_newer(scheme: &str) -> bool {
    NEWER.iter().any(|(name, _)| *name == scheme)
}

/// A scheme is what stands before `:/`; without the slash it is a host with its port.
pub fn scheme(text: &[u8]) -> Option<(String, &[u8])> {
    let scheme = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let length = text.iter().take(40).take_while(scheme).count();
    let rest = text[length..].strip_prefix(b":").filter(|rest| length > 0 && rest.starts_with(b"/"))?;
    Some((shown(&text[..length]).to_ascii_lowercase(), rest))
}

/// What follows the host of a `file:` URL: no host, `localhost` or `127.0.0.1`.
fn local_path<'a>(text: &[u8], rest: &'a [u8]) -> Option<&'a [u8]> {
    let path = match rest.strip_prefix(b"//") {
        None => rest,
        Some(rest) if rest.starts_with(b"/") => rest,
        Some(rest) => {
            let local = |name: &&&str| rest.get(..name.len()).is_some_and(|b| b.eq_ignore_ascii_case(name.as_bytes()));
            ["localhost/", "127.0.0.1/"].iter().find(local).map(|_| &rest[9..])?
        }
    };
    // curl takes what looks like a drive of Windows for a mistake.
    let drive = |path: &[u8]| {
        matches!(path, [letter, b':' | b'|', after @ ..]
            if letter.is_ascii_alphabetic() && matches!(after.first(), None | Some(b'/' | b'\\')))
    };
    let drives = drive(path) || path.strip_prefix(b"/").is_some_and(drive);
    (text.len() > 6 && !drives).then_some(path)
}

/// Cuts before the first of these characters.
pub fn cut<'a>(text: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    text.split_at(text.iter().position(|b| at.contains(b)).unwrap_or(text.len()))
}

/// `[login@]host[:port]`. The first `@` ends the login.
fn authority_of(text: &[u8], has_scheme: bool, how: How) -> Option<Parts> {
    let (login, rest) = match text.iter().position(|b| *b == b'@') {
        Some(at) => (Some(text[..at].to_vec()), &text[at + 1..]),
        None => (None, text),
    };
    if how.no_user && login.as_ref().is_some_and(|login| !login.is_empty()) {
        return None;
    }
    let end = match rest.first() {
        Some(b'[') => rest.iter().position(|b| *b == b']')? + 1,
        _ => rest.iter().position(|b| *b == b':').unwrap_or(rest.len()),
    };
    let (host, after) = rest.split_at(end);
    let port = match after {
        b"" => None,
        b":" if has_scheme => None,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            Some(std::str::from_utf8(digits).ok()?.trim_start_matches('0'))
        }
        _ => return None,
    };
    let port = match port {
        Some("") if after.len() == 1 => return None,
        Some("") => Some(0),
        Some(digits) => Some(digits.parse().ok()?),
        None => None,
    };
    let host = match host.strip_prefix(b"[") {
        Some(inside) => address(&inside[..inside.len() - 1])?,
        None => plain(host)?,
    };
    Some(Parts { login, host, port, ..Parts::default() })
}

/// One dot or two, and nothing else; 0 for other names.
fn dots(part: &[u8], decodes: bool) -> usize {
    let mut rest = part;
    let mut found = 0;
    while !rest.is_empty() && found < 3 {
        let escape = rest.get(..3).is_some_and(|escape| decodes && escape.eq_ignore_ascii_case(b"%2e"));
        match rest {
            _ if escape => rest = &rest[3..],
            [b'.', after @ ..] => rest = after,
            _ => return 0,
        }
        found += 1;
    }
    found
}

/// RFC 3986 section 5.2.4. Dots that are percent-encoded stay, as curl 7.88 leaves them.
fn without_dots(path: &[u8], decodes: bool) -> Vec<u8> {
    let mut out: Vec<&[u8]> = Vec::new();
    let mut parts = path.split(|b| *b == b'/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match dots(part, decodes) {
            1 if last => out.push(b""),
            1 => {}
            2 => {
                out.pop();
                if last {
                    out.push(b"");
                }
            }
            _ => out.push(part),
        }
    }
    [b"/", out.join(&b'/').as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        parse(text.as_bytes(), How::default())
            .map_or("none".to_owned(), |u| format!("{} {} {} {}", u.scheme, u.host, u.port, u.path))
    }

    #[test]
    fn hosts_are_those_that_curl_goes_to() {
        for (text, expected) in [
            ("h/x", "http h 80 /x"),
            ("http:/h/x", "http h 80 /x"),
            ("http:///h/x", "http h 80 /x"),
            ("http:////h/x", "none"),
            ("//h/x", "none"),
            ("HTTP://H.Example.COM./x", "http h.example.com 80 /x"),
            ("http://0x7f.1/x", "http 127.0.0.1 80 /x"),
            ("http://2130706433", "http 127.0.0.1 80 /"),
            ("http://0X7F.0.0.1", "http 127.0.0.1 80 /"),
            ("http://4294967296", "http 4294967296 80 /"),
            ("http://%68ost/x", "http host 80 /x"),
            ("http://%30x7f.1/x", "http 127.0.0.1 80 /x"),
            ("http://u:p@h/x", "http h 80 /x"),
            ("http://u:p@h@k/x", "none"),
            ("http://h\\k/x", "none"),
            ("http://h/a b", "none"),
            ("http://h?q@r", "http h 80 /?q@r"),
            ("http://h#f", "http h 80 /"),
            ("http://h/x?", "http h 80 /x?"),
            ("http://h:/x", "http h 80 /x"),
            ("http://h:080/x", "http h 80 /x"),
            ("http://h:0/x", "http h 0 /x"),
            ("http://h:65536/x", "none"),
            ("http://h:+80/x", "none"),
            ("h:8080/x", "http h 8080 /x"),
            ("h:/x", "none"),
            ("h:", "none"),
            ("ftp.foo/x", "ftp ftp.foo 21 /x"),
            ("ftp/x", "http ftp 80 /x"),
            ("http://[::FFFF:1.2.3.4]:8/x", "http ::ffff:1.2.3.4 8 /x"),
            ("http://[::ffff:7f00:1]/", "http ::ffff:7f00:1 80 /"),
            ("http://[0:0:0:0:0:0:0:1]/", "http ::1 80 /"),
            ("http://[fe80::1%25eth0]/", "http fe80::1 80 /"),
            ("http://[::1]x/", "none"),
            ("http://h/a%20b/../c/./d", "http h 80 /c/d"),
            ("http://h/%2e%2e/x", "http h 80 /%2e%2e/x"),
            ("http://h/../../x/..", "http h 80 /"),
            ("http://h/é?é", "http h 80 /%c3%a9?é"),
            ("http://bücher.example/", "http xn--bcher-kva.example 80 /"),
            ("FILE:/etc/passwd", "file  0 /etc/passwd"),
            ("file:///etc/pass%77d#x?y", "file  0 /etc/passwd"),
            ("file://LOCALHOST/etc/passwd", "file  0 /etc/passwd"),
            ("file://host/etc/passwd", "none"),
            ("file:///c:/x", "none"),
            ("file:/", "none"),
            ("foo://h/x", "none"),
            ("", "none"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(parse(b"http://u@h/", How { no_user: true, ..How::default() }), None);
        assert_eq!(parse(b"http://h/\xff", How::default()).unwrap().path, "/%ff");
    }

    #[test]
    fn a_url_that_curl_changes_is_written_anew() {
        let written = |text: &str| shown(&Parts::of(text.as_bytes(), How::default()).unwrap().text());
        assert_eq!(written("u:p@H:80/a/../b?#f"), "http://u:p@H:80/b#f");
        assert_eq!(written("http://h?q#f"), "http://h/?q#f");
        assert_eq!(written("file:/a?b"), "file:///a");
    }
}
