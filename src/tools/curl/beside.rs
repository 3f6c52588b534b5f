//! What curl asks beside its requests: names of hosts that the line gives it to look up, and who answers for names.

use std::net::IpAddr;

use crate::model::Bytes;

use super::options::Release;
use super::request::Request;
use super::route::Route;
use super::url::{How, Parts, Url, scheme, shown};

/// For connections by this route: each name as a request of scheme `dns`, and the server of `--doh-url`, which is asked by
/// POST (RFC 8484) for any name. An error is a server that is not understood.
pub fn asked(route: &Route, connections: &[Request], release: Release) -> Result<Vec<Request>, String> {
    if connections.is_empty() {
        return Ok(Vec::new());
    }
    let mut out: Vec<Request> = names(route).into_iter().map(|host| beside(lookup(host), None)).collect();
    let any_name = !out.is_empty() || connections.iter().any(|request| request.led || request.follows);
    if let Some(text) = route.doh_url.as_ref().filter(|_| any_name) {
        // curl speaks to it by https where it names no scheme.
        let text = if scheme(text).is_none() { Bytes([b"https://", text.as_slice()].concat()) } else { text.clone() };
        let url = Parts::of(&text, How::of(release)).and_then(|parts| parts.url()).ok_or_else(|| shown(&text))?;
        out.push(beside(url, Some("POST")));
    }
    Ok(out)
}

/// Whether a name stands where TCP goes, so that whoever answers for names says where that is.
pub fn is_led(url: &Url, connect: Option<&str>) -> bool {
    let host = match connect {
        Some(path) if path.starts_with("unix:") => return false,
        Some(place) => place.rsplit_once(':').map_or(place, |(host, _)| host),
        None => &url.host,
    };
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_err()
}

/// `host!name` of `--interface` or a word that is no interface's, and the host of `--ftp-port`. A word without a dot is
/// taken for an interface: as a name it leads to nobody outside.
fn names(route: &Route) -> Vec<String> {
    let interface = route.interface.as_deref().filter(|value| !value.starts_with(b"if!"));
    let interface = interface.and_then(|value| value.rsplit(|b| *b == b'!').next());
    // `host:1000-2000`; the colons of an address of IPv6 are its own.
    let port = route.ftp_port.as_deref().and_then(|value| value.split(|b| *b == b':').next());
    let is_name = |name: &&[u8]| name.contains(&b'.') && shown(name).parse::<IpAddr>().is_err();
    interface.into_iter().chain(port).filter(is_name).map(shown).collect()
}

fn lookup(host: String) -> Url {
    let (scheme, path) = ("dns".to_owned(), "/".to_owned());
    Url { scheme, host, port: 53, path, dotted: false, userinfo: false, unsure: false }
}

fn beside(url: Url, method: Option<&str>) -> Request {
    let as_http = method.is_some();
    let method = method.map(str::to_owned);
    Request { url, method, connect: None, http_proxy: false, led: false, follows: false, as_http }
}
