//! Hosts as libcurl 7.88 takes them: names, numbers, addresses in brackets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::idn;
use super::url::{cut, shown};

/// An IPv6 address in its shorter form, in brackets, without its zone.
pub fn address(inside: &[u8]) -> Option<Vec<u8>> {
    let (text, zone) = cut(inside, b"%");
    let zone = zone.strip_prefix(b"%25").filter(|zone| !zone.is_empty()).or_else(|| zone.strip_prefix(b"%"));
    if zone.is_some_and(|zone| zone.is_empty() || zone.len() > 15) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let parsed: Ipv6Addr = text.parse().ok()?;
    // inet_ntop(3) writes the last four bytes as a dotted quad where all before them are zero.
    let quad = matches!(parsed.segments(), [0, 0, 0, 0, 0, 0, high, _] if high > 0).then(|| {
        let [.., a, b, c, d] = parsed.octets();
        format!("::{}", Ipv4Addr::new(a, b, c, d))
    });
    let normal = quad.unwrap_or_else(|| parsed.to_string());
    let host = if normal.len() < text.len() { normal } else { text.to_ascii_lowercase() };
    Some(format!("[{host}]").into_bytes())
}

/// A host that is no address in brackets: a number, or a name whose escapes are taken back.
pub fn plain(host: &[u8]) -> Option<Vec<u8>> {
    if let Some(quad) = std::str::from_utf8(host).ok().and_then(quad) {
        return Some(quad.into_bytes());
    }
    let name = decoded(host)?;
    let bad = |b: &u8| b.is_ascii_control() || b" /:#?!@{}[]\\$'\"^`*<>=;,+&()".contains(b);
    (!name.is_empty() && !name.iter().any(bad)).then_some(name)
}

/// The name that is looked up: lower case, ASCII, no dot at its end; the resolver takes numbers, too.
pub fn host_name(host: &[u8]) -> Option<(String, bool)> {
    if let Some(inside) = host.strip_prefix(b"[") {
        return Some((shown(&inside[..inside.len() - 1]), false));
    }
    let text = std::str::from_utf8(host).ok()?;
    let (name, unsure) = if text.is_ascii() { (text.to_ascii_lowercase(), false) } else { idn::ascii(text)? };
    let name = name.strip_suffix('.').unwrap_or(&name);
    Some((quad(name).unwrap_or_else(|| name.to_owned()), unsure))
}

/// `%41` for `A`.
pub fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|d| *first == b'%' && d.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(digits) => {
                out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    Some(out)
}

/// A number or up to four of them, decimal, octal or hexadecimal, as inet_aton(3) has it.
pub fn quad(host: &str) -> Option<String> {
    if host.len() > 64 {
        return None;
    }
    let parts: Vec<u64> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) || *last >= 1 << (8 * (4 - first.len())) {
        return None;
    }
    let mut address = *last;
    for (i, part) in first.iter().enumerate() {
        address |= part << (8 * (3 - i));
    }
    Some(Ipv4Addr::from(u32::try_from(address).ok()?).to_string())
}

pub fn number(text: &str) -> Option<u64> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// libcurl guesses from the first label.
pub fn guess(host: &[u8]) -> &'static str {
    let label = host.split(|b| *b == b'.').next().unwrap_or_default();
    let whole = label.len() == host.len();
    let known = ["ftp", "dict", "ldap", "imap", "smtp", "pop3"];
    known.into_iter().find(|name| !whole && label.eq_ignore_ascii_case(name.as_bytes())).unwrap_or("http")
}
