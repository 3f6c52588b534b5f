//! URLs as libcurl takes them: a scheme may be left out, one to three slashes may follow it, and a host may be a number.

use std::net::Ipv6Addr;

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub scheme: String,
    /// Lower case, without brackets and trailing dot; numbers as dotted quads.
    pub host: String,
    pub port: u16,
    /// With its query, as sent.
    pub path: String,
    /// It carries a user or a password of its own.
    pub userinfo: bool,
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
pub struct How<'a> {
    /// `--path-as-is`.
    pub as_is: bool,
    /// `--proto-default`.
    pub scheme: Option<&'a str>,
}

/// Reads a URL; `None` where curl 7.88 makes no request of it. A `file:` URL has an empty host.
pub fn parse(text: &[u8], how: How<'_>) -> Option<Url> {
    let text = std::str::from_utf8(text).ok()?;
    if text.is_empty() || text.bytes().any(|b| b <= 0x20 || b == 0x7f) {
        return None;
    }
    let (scheme, rest) = match scheme(text) {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (how.scheme.map(str::to_ascii_lowercase), text),
    };
    if scheme.as_deref() == Some("file") {
        let path = rest.strip_prefix("//").map_or(rest, |rest| &rest[rest.find('/').unwrap_or(rest.len())..]);
        let path = cut(path, &['#', '?']).0.to_owned();
        return Some(Url { scheme: "file".to_owned(), host: String::new(), port: 0, path, userinfo: false });
    }
    let (authority, rest) = cut(rest, &['/', '?', '#']);
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| user.contains('@')) {
        return None;
    }
    let (host, port) = host_and_port(host)?;
    let scheme = scheme.unwrap_or_else(|| guess(&host).to_owned());
    let port = port.or_else(|| default_port(&scheme))?;
    default_port(&scheme)?;
    let (path, query) = cut(cut(rest, &['#']).0, &['?']);
    let path = match path {
        "" => "/".to_owned(),
        path if how.as_is => path.to_owned(),
        path => without_dots(path),
    };
    Some(Url { scheme, host, port, path: path + query, userinfo: user.is_some() })
}

/// `http:` and one to three slashes; without them what looks like a scheme is a host with its port.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let colon = text.find(':')?;
    let (name, rest) = (&text[..colon], &text[colon + 1..]);
    let named = name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !named || !rest.starts_with('/') {
        return None;
    }
    if name.eq_ignore_ascii_case("file") {
        return Some((name, rest));
    }
    let slashes = rest.bytes().take(3).take_while(|b| *b == b'/').count();
    Some((name, &rest[slashes..]))
}

/// Cuts before the first of these characters.
fn cut<'a>(text: &'a str, at: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => {
            let (address, after) = inside.split_once(']')?;
            let address: Ipv6Addr = address.split('%').next()?.parse().ok()?;
            (address.to_string(), after)
        }
        None => {
            let (host, port) = cut(text, &[':']);
            (plain_host(host)?, port)
        }
    };
    let port = match port {
        "" | ":" => None,
        port => Some(port.strip_prefix(':')?.parse().ok()?),
    };
    Some((host, port))
}

fn plain_host(text: &str) -> Option<String> {
    let decoded = decoded(text)?;
    let host = decoded.strip_suffix('.').unwrap_or(&decoded).to_ascii_lowercase();
    let bad = |c: char| {
        c.is_control()
            || matches!(
                c,
                ' ' | '/'
                    | '\\'
                    | '?'
                    | '#'
                    | '@'
                    | ':'
                    | '{'
                    | '}'
                    | '|'
                    | '<'
                    | '>'
                    | '"'
                    | '\''
                    | '`'
                    | '^'
                    | '['
                    | ']'
                    | '%'
                    | '*'
                    | ','
                    | ';'
                    | '!'
                    | '$'
                    | '&'
                    | '('
                    | ')'
                    | '+'
                    | '='
            )
    };
    (!host.is_empty() && !host.contains(bad)).then(|| quad(&host).unwrap_or(host))
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|d| *first == b'%' && d.iter().all(u8::is_ascii_hexdigit));
        match digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// A number or up to four of them, decimal, octal or hexadecimal, as inet_aton(3) has it.
fn quad(host: &str) -> Option<String> {
    let parts: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) || *last >= 1 << (8 * (4 - first.len())) {
        return None;
    }
    let mut address = *last;
    for (i, part) in first.iter().enumerate() {
        address |= part << (8 * (3 - i));
    }
    Some(std::net::Ipv4Addr::from(u32::try_from(address).ok()?).to_string())
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// libcurl guesses from the first label.
fn guess(host: &str) -> &'static str {
    ["ftp", "dict", "ldap", "imap", "smtp", "pop3"]
        .into_iter()
        .find(|name| host.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        .unwrap_or("http")
}

/// The port of a scheme that curl 7.88 speaks.
pub fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "ftp" => 21,
        "ftps" => 990,
        "scp" | "sftp" => 22,
        "smb" | "smbs" => 445,
        "smtp" => 25,
        "smtps" => 465,
        "pop3" => 110,
        "pop3s" => 995,
        "imap" => 143,
        "imaps" => 993,
        "ldap" => 389,
        "ldaps" => 636,
        "dict" => 2628,
        "gopher" | "gophers" => 70,
        "telnet" => 23,
        "tftp" => 69,
        "mqtt" => 1883,
        "rtsp" => 554,
        "rtmp" | "rtmpe" | "rtmpt" => 1935,
        "rtmps" => 443,
        "rtmpts" | "rtmpte" => 80,
        _ => return None,
    })
}

/// RFC 3986 section 5.2.4. Dots that are percent-encoded stay, as curl 7.88 leaves them.
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        match *part {
            "." if last => out.push(""),
            "." => {}
            ".." => {
                out.pop();
                if last {
                    out.push("");
                }
            }
            part => out.push(part),
        }
    }
    format!("/{}", out.join("/"))
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
            ("http://%68ost/x", "http host 80 /x"),
            ("http://u:p@h/x", "http h 80 /x"),
            ("http://u:p@h@k/x", "none"),
            ("http://h\\k/x", "none"),
            ("http://h/a b", "none"),
            ("http://h?q@r", "http h 80 /?q@r"),
            ("http://h#f", "http h 80 /"),
            ("http://h:/x", "http h 80 /x"),
            ("http://h:080/x", "http h 80 /x"),
            ("h:8080/x", "http h 8080 /x"),
            ("ftp.foo/x", "ftp ftp.foo 21 /x"),
            ("http://[::FFFF:1.2.3.4]:8/x", "http ::ffff:1.2.3.4 8 /x"),
            ("http://h/a%20b/../c/./d", "http h 80 /c/d"),
            ("http://h/%2e%2e/x", "http h 80 /%2e%2e/x"),
            ("http://h/../../x/..", "http h 80 /"),
            ("FILE:/etc/passwd", "file  0 /etc/passwd"),
            ("file:///etc/passwd", "file  0 /etc/passwd"),
            ("foo://h/x", "none"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
