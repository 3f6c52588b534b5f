//! Where a connection goes when it is not the URL's own host: proxies, `--resolve`, `--connect-to`, unix sockets.

use std::collections::BTreeMap;

use crate::model::Bytes;

use super::transfer::Route;
use super::url::Url;

/// The variables that name proxies (curl(1), "ENVIRONMENT").
pub type Variables = BTreeMap<String, Bytes>;

/// `host:port` or `unix:/path` where TCP goes; `None` where it is the URL's own.
pub fn connect(route: &Route, url: &Url, variables: &Variables) -> Option<String> {
    if let Some(path) = &route.unix {
        return Some(format!("unix:{}", shown(path)));
    }
    if let Some(proxy) = proxy(route, url, variables) {
        return Some(proxy);
    }
    let (host, port) = connect_to(route, url).unwrap_or_else(|| (url.host.clone(), url.port));
    let there = resolved(route, &host, port).map(|address| joined(&address, port)).unwrap_or(joined(&host, port));
    (there != joined(&url.host, url.port)).then_some(there)
}

fn proxy(route: &Route, url: &Url, variables: &Variables) -> Option<String> {
    let first = route.preproxy.as_ref().filter(|proxy| !proxy.is_empty());
    let named = match (&route.proxy, first) {
        (Some(proxy), _) => Some(proxy.clone()),
        (None, Some(first)) => Some(first.clone()),
        (None, None) => from_variables(url, variables),
    };
    let named = named.filter(|proxy| !proxy.is_empty())?;
    let spared = match &route.noproxy {
        Some(list) => spared(url, list),
        None => variable(variables, &["no_proxy", "NO_PROXY"]).is_some_and(|list| spared(url, &list)),
    };
    (!spared).then(|| proxy_address(first.unwrap_or(&named)))
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

/// Whether the list spares the host: `*`, the host itself, or a domain above it.
fn spared(url: &Url, list: &[u8]) -> bool {
    let Ok(list) = std::str::from_utf8(list) else { return false };
    if list.trim() == "*" {
        return true;
    }
    list.split([',', ' ']).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        !entry.is_empty()
            && url.host.strip_suffix(entry).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// `[scheme://][user@]host[:port]`; 1080 is the port where none is named, 443 with https.
fn proxy_address(proxy: &[u8]) -> String {
    let text = shown(proxy);
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", &text));
    let rest = rest.split('/').next().unwrap_or_default();
    let host = rest.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let has_port = host.rsplit_once(':').is_some_and(|(before, port)| {
        !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && (!before.contains(':') || before.ends_with(']'))
    });
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 1080 };
    if has_port { host } else { format!("{}:{port}", host.trim_end_matches(':')) }
}

/// `HOST1:PORT1:HOST2:PORT2`: the first entry that fits; an empty part stands for any, or for no change.
fn connect_to(route: &Route, url: &Url) -> Option<(String, u16)> {
    route.connect_to.iter().find_map(|entry| {
        let text = std::str::from_utf8(entry).ok()?;
        let [host, port, to_host, to_port] = parts::<4>(text)?;
        let fits = (host.is_empty() || host.eq_ignore_ascii_case(&url.host))
            && (port.is_empty() || port.parse() == Ok(url.port));
        let host = if to_host.is_empty() { url.host.clone() } else { to_host.to_ascii_lowercase() };
        fits.then(|| (host, to_port.parse().unwrap_or(url.port)))
    })
}

/// `[+]HOST:PORT:ADDRESS[,ADDRESS]`: the last entry that names this host, else the last for any host.
fn resolved(route: &Route, host: &str, port: u16) -> Option<String> {
    let entry = |wanted: &str| {
        let mut found = None;
        for entry in &route.resolve {
            let text = std::str::from_utf8(entry).unwrap_or_default();
            let (removes, text) = match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            };
            let Some((name, rest)) = name_and_rest(text) else { continue };
            let (at, addresses) = rest.split_once(':').unwrap_or((rest, ""));
            if name.eq_ignore_ascii_case(wanted) && at.parse() == Ok(port) {
                let first = addresses.split(',').next().unwrap_or_default();
                found = (!removes).then(|| first.trim_start_matches('[').trim_end_matches(']').to_owned());
            }
        }
        found
    };
    entry(host).or_else(|| entry("*"))
}

/// A name, perhaps in brackets, and what follows its colon.
fn name_and_rest(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(inside) => {
            let (name, rest) = inside.split_once(']')?;
            Some((name, rest.strip_prefix(':')?))
        }
        None => text.split_once(':'),
    }
}

/// Parts divided by colons; brackets keep an address together.
fn parts<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut out = [""; N];
    let mut rest = text;
    for (i, part) in out.iter_mut().enumerate() {
        let (name, after) = match name_and_rest(rest) {
            Some(found) => found,
            None if i + 1 == N => (rest.trim_start_matches('[').trim_end_matches(']'), ""),
            None => return None,
        };
        *part = name;
        rest = after;
    }
    Some(out)
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::url::{How, parse};
    use super::*;

    fn to(url: &str, set: impl FnOnce(&mut Route), variables: &[(&str, &str)]) -> String {
        let mut route = Route::default();
        set(&mut route);
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from(*value))).collect();
        let url = parse(url.as_bytes(), How::default()).unwrap();
        connect(&route, &url, &variables).unwrap_or("-".into())
    }

    #[test]
    fn each_way_of_going_elsewhere_is_seen() {
        assert_eq!(to("http://h/", |_| {}, &[]), "-");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:80:1.2.3.4,5.6.7.8".into()], &[]), "1.2.3.4:80");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["*:80:1.2.3.4".into()], &[]), "1.2.3.4:80");
        assert_eq!(to("http://h/", |r| r.resolve = vec!["h:443:1.2.3.4".into()], &[]), "-");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["::evil:".into()], &[]), "evil:443");
        assert_eq!(to("https://h/", |r| r.connect_to = vec!["x::evil:".into()], &[]), "-");
        assert_eq!(to("https://h/", |r| r.proxy = Some("socks5://u:p@P".into()), &[]), "p:1080");
        assert_eq!(to("http://h/", |r| r.unix = Some("/run/d.sock".into()), &[]), "unix:/run/d.sock");
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
        assert_eq!(
            to("http://h/", |r| r.noproxy = Some("".into()), &[("http_proxy", "p"), ("no_proxy", "h")]),
            "p:1080"
        );
    }
}
