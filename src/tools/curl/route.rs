//! Where a connection goes when it is not the URL's own host: proxies, `--resolve`, `--connect-to`, unix sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::model::Bytes;

use super::options::Release;
use super::transfer::Setting;
use super::url::{self, How, Parts, Url, shown};

/// Where the group's connections go instead of the URL's host.
#[derive(Debug, Default)]
pub struct Route {
    pub resolve: Vec<Bytes>,
    pub connect_to: Vec<Bytes>,
    pub proxy: Option<Bytes>,
    /// `--proxy` is of this kind where it names no scheme: SOCKS or HTTP.
    pub socks: bool,
    /// The same: SOCKS 4, which takes addresses of IPv4 alone.
    pub socks4: bool,
    pub preproxy: Option<Bytes>,
    pub noproxy: Option<Bytes>,
    pub unix: Option<Bytes>,
    /// `--doh-url`, and whether it or `--dns-servers` has others answer for names.
    pub doh_url: Option<Bytes>,
    pub doh: bool,
    /// Values of `--interface` and `--ftp-port`, which may be names of hosts.
    pub interface: Option<Bytes>,
    pub ftp_port: Option<Bytes>,
    /// `--ipv4` (false) or `--ipv6` (true).
    pub family: Option<bool>,
}

impl Route {
    /// Takes up a setting of the way; false where it is another.
    pub fn set(&mut self, setting: &Setting) -> bool {
        let value = || Some(setting.value.clone());
        match setting.name {
            "resolve" => self.resolve.push(setting.value.clone()),
            "connect-to" => self.connect_to.push(setting.value.clone()),
            "proxy" | "proxy1.0" => (self.proxy, self.socks, self.socks4) = (value(), false, false),
            "socks4" | "socks4a" | "socks5" | "socks5-hostname" => {
                (self.proxy, self.socks, self.socks4) = (value(), true, setting.name == "socks4");
            }
            "preproxy" => self.preproxy = value(),
            "noproxy" => self.noproxy = value(),
            "unix-socket" => self.unix = value(),
            "abstract-unix-socket" => self.unix = Some(Bytes([b"@", setting.value.as_slice()].concat())),
            "doh-url" => {
                self.doh = !setting.value.is_empty();
                self.doh_url = value().filter(|url| !url.is_empty());
            }
            "dns-servers" => self.doh = true,
            "interface" => self.interface = value(),
            "ftp-port" => self.ftp_port = value(),
            "ipv4" => self.family = Some(false),
            "ipv6" => self.family = Some(true),
            _ => return false,
        }
        true
    }
}

/// The variables that name proxies (curl(1), "ENVIRONMENT").
pub type Variables = BTreeMap<String, Bytes>;

/// The port of a proxy that names none, and of one that is spoken to by https.
const PROXY_PORTS: (u16, u16) = (1080, 443);

/// Addresses of names as `--resolve` gives them: curl keeps them for all that follows on the line.
#[derive(Debug, Default)]
pub struct Names {
    entries: BTreeMap<(String, u16), Vec<IpAddr>>,
    /// Only the group that says `*` looks for it.
    wildcard: bool,
}

impl Names {
    /// Takes up a group's entries, `[+]HOST:PORT:ADDRESS[,ADDRESS]` or `-HOST:PORT`. An error where curl makes no
    /// request because of one.
    pub fn take(&mut self, route: &Route) -> Result<(), ()> {
        self.wildcard = false;
        for entry in &route.resolve {
            let entry = std::str::from_utf8(entry).map_err(|_| ())?;
            let (removes, text) = match entry.strip_prefix('-') {
                Some(text) => (true, text),
                None => (false, entry.strip_prefix('+').unwrap_or(entry)),
            };
            let parsed = text.split_once(':').map(|(name, rest)| (name, rest.split_once(':').unwrap_or((rest, ""))));
            let key = |name: &str, port: &str| Some((name.to_ascii_lowercase(), port.parse::<u16>().ok()?));
            match parsed.and_then(|(name, (port, addresses))| Some((key(name, port)?, addresses))) {
                Some((key, _)) if removes => {
                    self.entries.remove(&key);
                }
                // What cannot be removed is passed over.
                None if removes => {}
                None => return Err(()),
                Some((key, addresses)) => {
                    let found = addresses_of(addresses)?;
                    self.wildcard |= key.0 == "*";
                    self.entries.insert(key, found);
                }
            }
        }
        Ok(())
    }

    /// The first address that a name is given, of the family that is asked for.
    fn of(&self, host: &str, port: u16, family: Option<bool>) -> Option<IpAddr> {
        let entry = |name: &str| self.entries.get(&(name.to_owned(), port));
        let found = entry(host).or_else(|| entry("*").filter(|_| self.wildcard))?;
        found.iter().find(|address| family.is_none_or(|six| six == address.is_ipv6())).copied()
    }
}

fn addresses_of(text: &str) -> Result<Vec<IpAddr>, ()> {
    let mut out = Vec::new();
    for address in text.split(',').filter(|address| !address.is_empty()) {
        let bare = match address.strip_prefix('[') {
            Some(inside) => inside.strip_suffix(']').ok_or(())?,
            None => address,
        };
        if !bare.is_empty() {
            out.push(bare.parse().map_err(|_| ())?);
        }
    }
    if out.is_empty() { Err(()) } else { Ok(out) }
}

/// Where TCP goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// `host:port` or `unix:/path`; `None` where it is the URL's own.
    pub connect: Option<String>,
    /// Through an HTTP proxy.
    pub http_proxy: bool,
    /// Its proxy cannot be told where to: curl connects to that and goes no further.
    pub in_vain: bool,
}

/// The way of one request. An error where curl makes none: a proxy or an entry that it does not take.
pub fn way(route: &Route, url: &Url, variables: &Variables, names: &Names, release: Release) -> Result<Way, ()> {
    if let Some(path) = &route.unix {
        return Ok(Way { connect: Some(format!("unix:{}", shown(path))), ..Way::default() });
    }
    let Proxies { socks, version4, http } = proxies(route, url, variables, release)?;
    let http_proxy = http.is_some();
    // SOCKS 4 has no room for an address of IPv6.
    let in_vain = version4 && !http_proxy && url.host.contains(':');
    if let Some(proxy) = socks.or(http) {
        let there = match &proxy {
            Proxy::Unix(path) => format!("unix:{path}"),
            Proxy::Tcp(host, port) => resolved(names, route, host, *port),
        };
        return Ok(Way { connect: Some(there), http_proxy, in_vain });
    }
    let (host, port) = connect_to(route, url)?;
    // An address of the other family is none to go to.
    let other_family = |address: IpAddr| route.family.is_some_and(|six| six != address.is_ipv6());
    if release != Release::Later && host.parse().is_ok_and(other_family) {
        return Err(());
    }
    let there = match host == url.host && url.dotted {
        true => names.of(&format!("{host}."), port, route.family).map(|address| joined(&address.to_string(), port)),
        false => Some(resolved(names, route, &host, port)),
    };
    let there = there.unwrap_or_else(|| joined(&host, port));
    Ok(Way { connect: (there != joined(&url.host, url.port)).then_some(there), http_proxy, in_vain })
}

fn resolved(names: &Names, route: &Route, host: &str, port: u16) -> String {
    match names.of(host, port, route.family) {
        Some(address) => joined(&address.to_string(), port),
        None => joined(host, port),
    }
}

#[derive(Debug)]
enum Proxy {
    Tcp(String, u16),
    Unix(String),
}

/// The SOCKS and the HTTP proxy of a request; TCP goes to the first.
#[derive(Debug, Default)]
struct Proxies {
    socks: Option<Proxy>,
    /// The SOCKS proxy is spoken to in version 4.
    version4: bool,
    http: Option<Proxy>,
}

fn proxies(route: &Route, url: &Url, variables: &Variables, release: Release) -> Result<Proxies, ()> {
    let list = match &route.noproxy {
        Some(list) => Some(list.clone()),
        None => variable(variables, &["no_proxy", "NO_PROXY"]),
    };
    if list.is_some_and(|list| spared(&url.host, &list, release)) {
        return Ok(Proxies::default());
    }
    let named = match (&route.proxy, &route.preproxy) {
        (None, None) => from_variables(url, variables),
        (proxy, _) => proxy.clone(),
    };
    let mut found = Proxies::default();
    for (i, proxy) in [named.as_ref(), route.preproxy.as_ref()].into_iter().enumerate() {
        let Some(proxy) = proxy.filter(|proxy| !proxy.is_empty()) else { continue };
        let four = url::scheme(proxy).map_or(route.socks4 && i == 0, |(name, _)| matches!(&*name, "socks" | "socks4"));
        match proxy_of(proxy, route.socks && i == 0)? {
            (proxy, true) => (found.socks, found.version4) = (Some(proxy), four),
            (proxy, false) => found.http = Some(proxy),
        }
    }
    Ok(found)
}

/// `[scheme://][user@]host[:port]`, and whether it speaks SOCKS.
fn proxy_of(text: &[u8], socks: bool) -> Result<(Proxy, bool), ()> {
    let parts = Parts::of(text, How::default()).ok_or(())?;
    let (socks, https) = match parts.scheme.as_str() {
        "http" => (socks, false),
        "https" => (false, true),
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => (true, false),
        // Nor is a guess from the name (`ftp.…`) a scheme of a proxy.
        _ => return Err(()),
    };
    let host = shown(&parts.host).to_ascii_lowercase();
    if socks && host == "localhost" && !parts.path.is_empty() {
        return Ok((Proxy::Unix(shown(parts.path())), true));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_owned();
    let port = parts.port.unwrap_or(if https { PROXY_PORTS.1 } else { PROXY_PORTS.0 });
    Ok((Proxy::Tcp(host, port), socks))
}

fn from_variables(url: &Url, variables: &Variables) -> Option<Bytes> {
    let own = format!("{}_proxy", url.scheme);
    let upper = own.to_ascii_uppercase();
    // HTTP_PROXY is not read: a CGI server sets it from a request's header.
    let upper = if own == "http_proxy" { own.clone() } else { upper };
    variable(variables, &[&own, &upper]).or_else(|| variable(variables, &["all_proxy", "ALL_PROXY"]))
}

/// The first that is set to something.
fn variable(variables: &Variables, names: &[&str]) -> Option<Bytes> {
    names.iter().filter_map(|name| variables.get(*name)).find(|value| !value.is_empty()).cloned()
}

/// Whether the list spares the host (lib/noproxy.c): `*`, a network for an IPv4 address, the name itself or one above.
fn spared(host: &str, list: &[u8], release: Release) -> bool {
    let Ok(list) = std::str::from_utf8(list) else { return false };
    if list == "*" {
        return true;
    }
    let address = host.parse::<Ipv4Addr>().ok();
    // Newer releases look no further than a blank that no comma follows.
    let list = match list.trim_start().split_once([' ', '\t']) {
        Some((before, after)) if release.is_v8() && !before.ends_with(',') && !after.trim_start().starts_with(',') => {
            before
        }
        _ => list,
    };
    list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| match address {
        Some(address) => within(address, entry),
        None => {
            let entry = entry.strip_suffix('.').unwrap_or(entry);
            let entry = entry.strip_prefix('.').unwrap_or(entry).to_ascii_lowercase();
            let before = host.strip_suffix(entry.as_str());
            before.is_some_and(|before| before.is_empty() || (!entry.is_empty() && before.ends_with('.')))
        }
    })
}

/// `10.0.0.0/8`, or the address itself.
fn within(address: Ipv4Addr, entry: &str) -> bool {
    let (network, bits) = entry.split_once('/').unwrap_or((entry, "0"));
    let digits = bits.bytes().take_while(u8::is_ascii_digit).count();
    let bits: u32 = bits[..digits].parse().unwrap_or(0);
    let Ok(network) = network.parse::<Ipv4Addr>() else { return false };
    match bits {
        0 | 32 => address == network,
        1..32 => (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0,
        _ => false,
    }
}

/// `HOST1:PORT1:HOST2:PORT2`: the first entry that fits and says something; an empty part stands for any, or for no
/// change.
fn connect_to(route: &Route, url: &Url) -> Result<(String, u16), ()> {
    let own = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    for entry in &route.connect_to {
        let entry = shown(entry);
        let after = match entry.strip_prefix(':') {
            Some(rest) => Some(rest),
            None => {
                let head = entry.get(..own.len()).filter(|head| head.eq_ignore_ascii_case(&own));
                head.and_then(|_| entry[own.len()..].strip_prefix(':'))
            }
        };
        let target = after.and_then(|rest| match rest.strip_prefix(':') {
            Some(target) => Some(target),
            None => rest.split_once(':').filter(|(port, _)| port.parse() == Ok(url.port)).map(|(_, target)| target),
        });
        let Some(target) = target else { continue };
        let (host, port) = match target.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':').unwrap_or_default()),
            None => target.split_once(':').unwrap_or((target, "")),
        };
        let to_port: Option<u16> = if port.is_empty() { None } else { Some(port.parse().map_err(|_| ())?) };
        if host.is_empty() && to_port.is_none() {
            continue;
        }
        let host = if host.is_empty() { url.host.clone() } else { host.to_ascii_lowercase() };
        return Ok((host, to_port.unwrap_or(url.port)));
    }
    Ok((url.host.clone(), url.port))
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::super::url::parse;
    use super::*;

    fn to(url: &str, set: impl FnOnce(&mut Route), variables: &[(&str, &str)]) -> String {
        let mut route = Route::default();
        set(&mut route);
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from(*value))).collect();
        let url = parse(url.as_bytes(), How::default()).unwrap();
        let mut names = Names::default();
        match names.take(&route).and_then(|()| way(&route, &url, &variables, &names, Release::V7_88)) {
            Ok(way) => way.connect.unwrap_or("-".into()),
            Err(()) => "none".into(),
        }
    }

    #[test]
    fn each_way_of_going_elsewhere_is_seen() {
        assert_eq!(to("http://h/", |_| {}, &[]), "-");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:80:1.2.3.4,5.6.7.8".into()], &[]), "1.2.3.4:80");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["*:80:1.2.3.4".into()], &[]), "1.2.3.4:80");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:443:1.2.3.4".into()], &[]), "-");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:80:[::1]".into()], &[]), "[::1]:80");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:80:other".into()], &[]), "none");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:80:1.2.3.4".into(), "-h:80".into()], &[]), "-");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["::evil:".into()], &[]), "evil:443");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["::evil".into()], &[]), "evil:443");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["x::evil:".into()], &[]), "-");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["H:443::8443".into()], &[]), "h:8443");
        assert_eq!(to("https://h/", |r| r.connect_to = vec![":::x".into()], &[]), "none");
        assert_eq!(to("http://[::1]/", |r| r.connect_to = vec!["[::1]:80:[::2]:".into()], &[]), "[::2]:80");
        assert_eq!(to("https://h/", |r| r.proxy = Some("socks5://u:p@P".into()), &[]), "p:1080");
        assert_eq!(to("https://h/", |r| r.proxy = Some("https://p".into()), &[]), "p:443");
        assert_eq!(to("https://h/", |r| r.proxy = Some("ftp://p".into()), &[]), "none");
        assert_eq!(to("https://h/", |r| r.proxy = Some("socks5h://localhost/run/s".into()), &[]), "unix:/run/s");
        assert_eq!(to("http://h/", |r| r.unix = Some("/run/d.sock".into()), &[]), "unix:/run/d.sock");
        let both = |r: &mut Route| (r.proxy, r.preproxy) = (Some("p".into()), Some("socks5://q".into()));
        assert_eq!(to("http://h/", both, &[]), "q:1080");
        let named = |r: &mut Route| (r.proxy, r.resolve) = (Some("p".into()), vec!["p:1080:1.2.3.4".into()]);
        assert_eq!(to("http://h/", named, &[]), "1.2.3.4:1080");
    }

    #[test]
    fn variables_name_proxies_as_curl_reads_them() {
        assert_eq!(to("http://h/", |_| {}, &[("http_proxy", "p:3128")]), "p:3128");
        assert_eq!(to("http://h/", |_| {}, &[("HTTP_PROXY", "p:3128")]), "-");
        assert_eq!(to("https://h/", |_| {}, &[("HTTPS_PROXY", "http://p:3128/")]), "p:3128");
        assert_eq!(to("http://h/", |_| {}, &[("ALL_PROXY", "p")]), "p:1080");
        assert_eq!(to("http://h/", |r| r.proxy = Some("".into()), &[("ALL_PROXY", "p")]), "-");
        assert_eq!(to("http://a.h/", |_| {}, &[("http_proxy", "p"), ("no_proxy", "x, .h")]), "-");
        assert_eq!(to("http://ah/", |_| {}, &[("http_proxy", "p"), ("no_proxy", "h")]), "p:1080");
        assert_eq!(to("http://10.1.2.3/", |_| {}, &[("http_proxy", "p"), ("no_proxy", "10.0.0.0/8")]), "-");
        assert_eq!(to("http://10.1.2.3/", |_| {}, &[("http_proxy", "p"), ("no_proxy", "2.3")]), "p:1080");
        assert_eq!(to("http://[::1]/", |_| {}, &[("http_proxy", "p"), ("no_proxy", "[::1]")]), "p:1080");
        assert_eq!(
            to("http://h/", |r| r.noproxy = Some("".into()), &[("http_proxy", "p"), ("no_proxy", "h")]),
            "p:1080"
        );
    }
}
