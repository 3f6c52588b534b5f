//! Values that curl refuses while it reads its words (tool_paramhlp.c of 7.88.1): then no request is made.

use super::url::SCHEMES;
use crate::model::Bytes;

/// Why curl does not take the value for the option, if so.
pub fn refused(name: &str, value: &[u8]) -> Option<&'static str> {
    let fine = match name {
        "connect-timeout" | "max-time" | "expect100-timeout" => seconds(value),
        "limit-rate" | "max-filesize" => size(value),
        "rate" => rate(value),
        "create-file-mode" => number(value, 8).is_some_and(|n| (0..=0o777).contains(&n)),
        "max-redirs" => number(value, 10).is_some_and(|n| n >= -1),
        "retry"
        | "keepalive-time"
        | "tftp-blksize"
        | "happy-eyeballs-timeout-ms"
        | "speed-time"
        | "speed-limit"
        | "parallel-max" => number(value, 10).is_some_and(|n| n >= 0),
        "retry-delay" | "retry-max-time" => number(value, 10).is_some_and(|n| (0..=i64::MAX / 1000).contains(&n)),
        "local-port" => ports(value),
        "tls-max" => matches!(value, b"default" | b"1.0" | b"1.1" | b"1.2" | b"1.3"),
        "continue-at" => value == b"-" || offset(value),
        "proto" | "proto-redir" => protocols(value).is_some(),
        "proto-default" => scheme(value).is_some(),
        "hostpubmd5" => value.len() == 32,
        "tlsauthtype" | "proxy-tlsauthtype" => value.eq_ignore_ascii_case(b"SRP"),
        "output" => !value.is_empty(),
        "range" => !value.first().is_some_and(u8::is_ascii_digit) || value.contains(&b'-') || leading(value).is_some(),
        "metalink" => false,
        _ => true,
    };
    (!fine).then_some("has a value that curl does not take")
}

/// strtol(3): blanks, a sign, digits, and nothing after them.
fn number(value: &[u8], radix: u32) -> Option<i64> {
    let blanks = value.iter().take_while(|b| matches!(b, b' ' | b'\t'..=b'\r')).count();
    i64::from_str_radix(std::str::from_utf8(&value[blanks..]).ok()?, radix).ok()
}

/// strtol(3) with the base that the digits begin with.
fn offset(value: &[u8]) -> bool {
    let hexadecimal = [b"0x".as_slice(), b"0X"].iter().find_map(|begin| value.strip_prefix(*begin));
    match (hexadecimal, value) {
        (_, [b'-', ..]) => false,
        (Some(digits), _) => digits.first().is_some_and(|b| b.is_ascii_hexdigit()) && number(digits, 16).is_some(),
        (None, [b'0', digits @ ..]) if !digits.is_empty() => digits[0].is_ascii_digit() && number(digits, 8).is_some(),
        (None, value) => number(value, 10).is_some(),
    }
}

/// strtod(3), not negative; `5s` is none.
fn seconds(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let text = text.trim_ascii_start();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => u32::from_str_radix(digits, 16).is_ok(),
        None => text.parse::<f64>().is_ok_and(|n| (0.0..=i64::MAX as f64 / 1000.0).contains(&n)),
    }
}

/// The digits that a value begins with, and what follows; blanks may stand before them, a sign may not be a minus.
fn leading(value: &[u8]) -> Option<(i64, &[u8])> {
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b"+").unwrap_or(value);
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
    Some((number, &value[digits..]))
}

/// Bytes, perhaps with a unit.
fn size(value: &[u8]) -> bool {
    let Some((number, unit)) = leading(value) else { return false };
    let most = match unit {
        b"" | b"b" | b"B" => i64::MAX,
        b"k" | b"K" => i64::MAX >> 10,
        b"m" | b"M" => i64::MAX >> 20,
        b"g" | b"G" => i64::MAX >> 30,
        _ => return false,
    };
    number <= most
}

/// `N/s`, `N/m`, `N/h`, `N/d` or `N`.
fn rate(value: &[u8]) -> bool {
    let at = value.iter().position(|b| *b == b'/').unwrap_or(value.len());
    let unit = value.get(at + 1);
    at <= 25
        && number(&value[..at], 10).is_some_and(|n| n >= 1)
        && (at == value.len() || matches!(unit, Some(b's' | b'm' | b'h' | b'd')))
}

/// `N` or `N-M`.
fn ports(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(first) = number(&value[..digits], 10).filter(|n| *n <= 65535) else { return false };
    let rest = value[digits..].trim_ascii_start();
    match rest.strip_prefix(b"-") {
        None => true,
        Some(last) => {
            let last = last.trim_ascii_start();
            let word = last.iter().take(6).take_while(|b| !b.is_ascii_whitespace()).count();
            word == 0 || number(&last[..word], 10).is_some_and(|n| (first..=65535).contains(&n))
        }
    }
}

/// A scheme that this curl speaks.
pub fn scheme(name: &[u8]) -> Option<&'static str> {
    SCHEMES.iter().map(|(scheme, _)| *scheme).find(|scheme| scheme.as_bytes().eq_ignore_ascii_case(name))
}

/// `--proto`: the schemes that are left; `None` where curl does not take the list.
pub fn protocols(value: &[u8]) -> Option<Vec<&'static str>> {
    let all = || SCHEMES.iter().map(|(scheme, _)| *scheme).collect::<Vec<_>>();
    let mut left = all();
    for token in value.split(|b| *b == b',').filter(|token| !token.is_empty()) {
        let modifiers = token.iter().take_while(|b| !b.is_ascii_alphanumeric()).count();
        let (signs, name) = token.split_at(modifiers);
        if name.is_empty() || signs.iter().any(|sign| !matches!(sign, b'=' | b'-' | b'+')) {
            return None;
        }
        let sign = signs.last().copied().unwrap_or(b'+');
        let named = if name.eq_ignore_ascii_case(b"all") { all() } else { scheme(name).into_iter().collect() };
        match sign {
            b'-' => left.retain(|scheme| !named.contains(scheme)),
            b'=' => left = named,
            _ => left.extend(named),
        }
    }
    Some(left)
}

/// The files of `%output{name}` and `%output{>>name}` (curl 8.3).
pub fn written_out(format: &[u8]) -> Vec<Bytes> {
    let mut files = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.windows(8).position(|w| w == b"%output{") {
        rest = &rest[at + 8..];
        let Some(end) = rest.iter().position(|b| *b == b'}') else { break };
        files.push(Bytes::from(rest[..end].strip_prefix(b">>").unwrap_or(&rest[..end])));
    }
    files
}

/// A method is a token and a target has no blank (RFC 9112 section 3); nothing else in a request's head holds a line's end.
pub fn splits(name: &str, value: &Bytes) -> bool {
    let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    match name {
        "request" => !value.iter().all(token),
        "request-target" => value.iter().any(|b| b.is_ascii_whitespace() || b.is_ascii_control()),
        "header" | "proxy-header" | "user-agent" | "referer" | "cookie" | "range" | "oauth2-bearer" | "url-query"
        | "user" | "aws-sigv4" | "time-cond" | "continue-at" => value.iter().any(|b| matches!(b, b'\r' | b'\n')),
        _ => false,
    }
}

/// `3` of `tlsv1.3` and of `1.3`; every version is a `tlsv1`.
pub fn minor_of_tls(version: &str) -> Option<u8> {
    version.trim_start_matches("tlsv").strip_prefix("1.")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_refused_as_curl_refuses_them() {
        for (name, fine, refuses) in [
            ("max-time", "5 0.5 1e2 .5 0x10", "abc 5s -1 1e300"),
            ("limit-rate", "10 10k 3G", "10x k 10kb -1"),
            ("max-redirs", "-1 0 +5", "-2 x 5.0"),
            ("retry", "3", "-1 x"),
            ("rate", "2/s 10 3/day", "0 x 2/x"),
            ("tls-max", "1.2 default", "1.4 tls1.2"),
            ("continue-at", "- 10 0x10", "-5 x 08"),
            ("create-file-mode", "0644 777", "1000 8"),
            ("proto", "=https -all,https all,-ftp =nope", "?http -"),
            ("proto-default", "https", "nope"),
            ("local-port", "8000 8000-8010", "x 70000 8010-8000"),
        ] {
            fine.split(' ').for_each(|v| assert_eq!(refused(name, v.as_bytes()), None, "--{name} {v}"));
            refuses.split(' ').for_each(|v| assert!(refused(name, v.as_bytes()).is_some(), "--{name} {v}"));
        }
        assert_eq!(protocols(b"=https,ftp").unwrap(), ["https", "ftp"]);
        assert!(!protocols(b"-http").unwrap().contains(&"http"));
    }
}
