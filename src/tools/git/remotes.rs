//! Where a line really goes: remote.c's way from a name to URLs, and a URL's identity for policy.

use super::facts::Config;

/// Which URLs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Fetch,
    Push,
}

/// The remote that is used where the line names none (remote.c, `remotes_remote_for_branch`, `pushremote_get`).
pub fn default_remote(config: &Config, branch: Option<&str>, way: Way) -> String {
    let of_branch = |name: &str| branch.and_then(|b| config.get(&format!("branch.{b}.{name}")));
    let push =
        (way == Way::Push).then(|| of_branch("pushremote").or_else(|| config.get("remote.pushdefault"))).flatten();
    if let Some(name) = push.or_else(|| of_branch("remote")) {
        return name.to_owned();
    }
    match config.remotes().as_slice() {
        [only] => (*only).to_owned(),
        _ => "origin".to_owned(),
    }
}

/// The URLs of a remote or of a URL on the line, rewritten as git rewrites them.
pub fn urls(config: &Config, name: &str, way: Way) -> Vec<String> {
    let listed = |key: &str| -> Vec<&str> {
        let mut urls = Vec::new();
        // Since 2.46 an empty value forgets those before it; earlier versions never meet one that works.
        for url in config.all(&format!("remote.{name}.{key}")) {
            if url.is_empty() { urls.clear() } else { urls.push(url) }
        }
        urls
    };
    let push_urls = listed("pushurl");
    if way == Way::Push && !push_urls.is_empty() {
        return push_urls
            .into_iter()
            .map(|url| rewritten(config, url, "insteadof").unwrap_or_else(|| url.into()))
            .collect();
    }
    let mut plain = listed("url");
    if plain.is_empty() {
        plain.push(name);
    }
    let rewrite = |url: &str| {
        let push = (way == Way::Push).then(|| rewritten(config, url, "pushinsteadof")).flatten();
        push.or_else(|| rewritten(config, url, "insteadof")).unwrap_or_else(|| url.to_owned())
    };
    plain.into_iter().map(rewrite).collect()
}

/// The longest prefix wins; of equal ones the first.
fn rewritten(config: &Config, url: &str, key: &str) -> Option<String> {
    let mut best: Option<(&str, &str)> = None;
    for (base, prefix) in config.middles("url", key) {
        if url.starts_with(prefix) && best.is_none_or(|(_, b)| prefix.len() > b.len()) {
            best = Some((base, prefix));
        }
    }
    best.map(|(base, prefix)| format!("{base}{}", &url[prefix.len()..]))
}

/// A repository as policy names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// Lower case, with the port where it is not the scheme's own; empty for a folder on this machine.
    pub host: String,
    /// Without a leading slash (a local one is absolute), a trailing slash or `.git`.
    pub path: String,
}

/// How git would reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A folder or a bundle on this machine.
    Local,
    Ssh,
    Git,
    /// `http` or `https`; the program is git's own.
    Http,
    /// `git-remote-NAME`, any program: `ext::`, `foo://`.
    Helper(String),
}

pub struct Address {
    pub transport: Transport,
    /// As `protocol.<name>.allow` calls it.
    pub protocol: String,
    pub repository: Repository,
    /// The host as it is written, and whether a port is, be it the usual one.
    pub written: (String, bool),
}

/// Takes a URL apart as git does (connect.c `parse_connect_url`, transport-helper.c). Relative paths are taken from
/// `folder`.
pub fn address(url: &str, folder: &str) -> Address {
    if let Some((helper, rest)) = url.split_once("::")
        && !helper.is_empty()
        && helper.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        let repository = Repository { host: format!("{helper}::"), path: rest.to_owned() };
        return Address {
            transport: Transport::Helper(helper.into()),
            protocol: helper.into(),
            repository,
            written: <_>::default(),
        };
    }
    if let Some((scheme, rest)) = url.split_once("://").filter(|(s, _)| is_scheme(s)) {
        return with_scheme(&scheme.to_ascii_lowercase(), rest, scheme);
    }
    // scp form: a colon before any slash, and no such file counts here because a path with a colon needs `./`.
    let colon = url.find(':').filter(|at| !url[..*at].contains('/'));
    if let Some(at) = colon {
        let bracketed = url.starts_with('[').then(|| url.find("]:")).flatten();
        let at = bracketed.map_or(at, |close| close + 1);
        let host = url[..at].rsplit_once('@').map_or(&url[..at], |(_, host)| host);
        let (host, port) = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(inner) => inner.rsplit_once(':').filter(|(h, _)| !h.contains(':')).unwrap_or((inner, "")),
            None => (host, ""),
        };
        let path = &url[at + 1..];
        return Address {
            transport: Transport::Ssh,
            protocol: "ssh".into(),
            repository: repository(host, port, "22", path),
            written: (decoded(host), !port.is_empty()),
        };
    }
    local(url, folder)
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn with_scheme(scheme: &str, rest: &str, written: &str) -> Address {
    if scheme == "file" {
        return local(rest, "/");
    }
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((host, port)) => (host, port.trim_start_matches(':')),
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let (transport, standard, protocol) = match scheme {
        "ssh" | "git+ssh" | "ssh+git" => (Transport::Ssh, "22", "ssh"),
        "git" => (Transport::Git, "9418", "git"),
        "http" => (Transport::Http, "80", "http"),
        "https" => (Transport::Http, "443", "https"),
        _ => (Transport::Helper(written.into()), "", written),
    };
    Address {
        transport,
        protocol: protocol.into(),
        repository: repository(host, port, standard, path),
        written: (decoded(host), !port.is_empty()),
    }
}

/// The folder or bundle on this machine that a URL leads to.
pub fn local_path(url: &str, folder: &str) -> Option<String> {
    if address(url, folder).transport != Transport::Local {
        return None;
    }
    let (path, folder) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => (rest, "/"),
        _ => (url, folder),
    };
    Some(absolute(path, folder))
}

fn absolute(path: &str, folder: &str) -> String {
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in absolute.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn local(path: &str, folder: &str) -> Address {
    let path = absolute(path, folder);
    let path = path.strip_suffix("/.git").or_else(|| path.strip_suffix(".git")).unwrap_or(&path).to_owned();
    Address {
        transport: Transport::Local,
        protocol: "file".into(),
        repository: Repository { host: String::new(), path },
        written: <_>::default(),
    }
}

/// Hosts that take `Acme/App` for `acme/app`.
const CASELESS: &[&str] = &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "ssh.github.com"];

/// Two spellings of one repository must be one name: a policy that protects it must not miss it.
pub fn repository(host: &str, port: &str, standard: &str, path: &str) -> Repository {
    let host = decoded(host).trim_end_matches('.').to_ascii_lowercase();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let port = port.trim_start_matches('0');
    let host = if port.is_empty() || port == standard { host } else { format!("{host}:{port}") };
    let path = decoded(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut path = parts.join("/");
    if CASELESS.contains(&host.as_str()) {
        path.make_ascii_lowercase();
    }
    Repository { host, path: path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/').to_owned() }
}

/// Percent-decoding, where the result is text.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|p| std::str::from_utf8(p).ok());
        match pair.filter(|_| bytes[at] == b'%').and_then(|p| u8::from_str_radix(p, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// transport.c, `is_transport_allowed`. `user`: protocols that only a person's own command may use.
pub fn is_allowed(config: &Config, variable: &dyn Fn(&str) -> Option<String>, protocol: &str) -> bool {
    if let Some(list) = variable("GIT_ALLOW_PROTOCOL") {
        return list.split(':').any(|p| p == protocol);
    }
    let default = match protocol {
        "http" | "https" | "git" | "ssh" => "always",
        "ext" => "never",
        _ => "user",
    };
    let by_name = config.get(&format!("protocol.{protocol}.allow"));
    match by_name.or_else(|| config.get("protocol.allow")).unwrap_or(default) {
        "always" => true,
        "user" => variable("GIT_PROTOCOL_FROM_USER").is_none_or(|v| super::facts::parse_bool(&v) != Some(false)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_repository_is_one_name() {
        let same = [
            "https://github.com/acme/app",
            "https://github.com/acme/app.git",
            "https://user:pw@GitHub.com:443/acme/app.git/",
            "https://github.com./acme//app",
            "https://github.com/acme/%61pp.git",
            "git@github.com:acme/app.git",
            "ssh://git@github.com:22/acme/app",
            "git+ssh://github.com/acme/./app",
            "github.com:/acme/app.git",
            "git://github.com:9418/acme/app",
        ];
        for url in same {
            let got = address(url, "/w").repository;
            assert_eq!((got.host.as_str(), got.path.as_str()), ("github.com", "acme/app"), "{url}");
        }
        let one = |url| address(url, "/w").repository;
        assert_eq!(one("https://h:8443/a").host, "h:8443");
        assert_eq!(one("ssh://git@[::1]:2222/a").host, "[::1]:2222");
        assert_eq!(one("[git@h:2222]:a/b").path, "a/b");
        assert_eq!(one("../up/x.git").path, "/up/x");
        assert_eq!(one("/srv/x/.git").path, "/srv/x");
        assert_eq!(one("file:///srv/x.git"), one("/srv/x"));
        assert_eq!(address("ext::sh -c x", "/w").transport, Transport::Helper("ext".into()));
    }
}
