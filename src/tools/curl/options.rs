//! Every option of curl 7.88.1, and how its parser takes them.
//!
//! Two ways of curl's own: a long option takes no `=value`, and its name is read in either case.

use crate::model::Bytes;
use crate::tools::options::{Given, Grammar, Item, Opt, Takes, scan};

/// The version whose table this is; its patch releases have the same.
pub const VERSION: &str = "7.88.";

pub const GRAMMAR: Grammar<'static> = Grammar { equals: false, negate: true, ..Grammar::getopt_long(OPTIONS) };

/// Scans words as curl does.
pub fn words(words: &[Bytes]) -> Vec<Item> {
    let lowered: Vec<Bytes> = words
        .iter()
        .map(|word| if word.starts_with(b"--") { Bytes(word.to_ascii_lowercase()) } else { word.clone() })
        .collect();
    let mut items = scan(&GRAMMAR, &lowered);
    for item in &mut items {
        match item {
            Item::Operand { value, index, .. } => value.clone_from(&words[*index]),
            Item::Option(Given { value: Some(value), value_index: Some(index), .. }) => {
                value.clone_from(&words[*index])
            }
            Item::Option(_) | Item::Problem(_) => {}
        }
    }
    items
}

const fn switch(long: &'static str) -> Opt {
    Opt { long, short: None, takes: Takes::Nothing }
}

const fn switch_letter(long: &'static str, letter: char) -> Opt {
    Opt { long, short: Some(letter), takes: Takes::Nothing }
}

const fn value(long: &'static str) -> Opt {
    Opt { long, short: None, takes: Takes::Value }
}

const fn value_letter(long: &'static str, letter: char) -> Opt {
    Opt { long, short: Some(letter), takes: Takes::Value }
}

/// Names without their `no-`: `--no-buffer` is `buffer`, turned off.
pub const OPTIONS: &[Opt] = &[
    value("abstract-unix-socket"),
    switch("alpn"),
    value("alt-svc"),
    switch("anyauth"),
    switch_letter("append", 'a'),
    value("aws-sigv4"),
    switch("basic"),
    switch_letter("buffer", 'N'),
    value("cacert"),
    value("capath"),
    value_letter("cert", 'E'),
    switch("cert-status"),
    value("cert-type"),
    value("ciphers"),
    switch("clobber"),
    switch("compressed"),
    switch("compressed-ssh"),
    value_letter("config", 'K'),
    value("connect-timeout"),
    value("connect-to"),
    value_letter("continue-at", 'C'),
    value_letter("cookie", 'b'),
    value_letter("cookie-jar", 'c'),
    switch("create-dirs"),
    value("create-file-mode"),
    switch("crlf"),
    value("crlfile"),
    value("curves"),
    value_letter("data", 'd'),
    value("data-ascii"),
    value("data-binary"),
    value("data-raw"),
    value("data-urlencode"),
    value("delegation"),
    switch("digest"),
    switch_letter("disable", 'q'),
    switch("disable-eprt"),
    switch("disable-epsv"),
    switch("disallow-username-in-url"),
    value("dns-interface"),
    value("dns-ipv4-addr"),
    value("dns-ipv6-addr"),
    value("dns-servers"),
    switch("doh-cert-status"),
    switch("doh-insecure"),
    value("doh-url"),
    value_letter("dump-header", 'D'),
    value("egd-file"),
    value("engine"),
    switch("eprt"),
    switch("epsv"),
    value("etag-compare"),
    value("etag-save"),
    value("expect100-timeout"),
    switch_letter("fail", 'f'),
    switch("fail-early"),
    switch("fail-with-body"),
    switch("false-start"),
    value_letter("form", 'F'),
    switch("form-escape"),
    value("form-string"),
    value("ftp-account"),
    value("ftp-alternative-to-user"),
    switch("ftp-create-dirs"),
    value("ftp-method"),
    switch("ftp-pasv"),
    value_letter("ftp-port", 'P'),
    switch("ftp-pret"),
    switch("ftp-skip-pasv-ip"),
    switch("ftp-ssl"),
    switch("ftp-ssl-ccc"),
    value("ftp-ssl-ccc-mode"),
    switch("ftp-ssl-control"),
    switch("ftp-ssl-reqd"),
    switch_letter("get", 'G'),
    switch_letter("globoff", 'g'),
    value("happy-eyeballs-timeout-ms"),
    switch("haproxy-protocol"),
    switch_letter("head", 'I'),
    value_letter("header", 'H'),
    switch_letter("help", 'h'),
    value("hostpubmd5"),
    value("hostpubsha256"),
    value("hsts"),
    switch("http0.9"),
    switch_letter("http1.0", '0'),
    switch("http1.1"),
    switch("http2"),
    switch("http2-prior-knowledge"),
    switch("http3"),
    switch("http3-only"),
    switch("ignore-content-length"),
    switch_letter("include", 'i'),
    switch_letter("insecure", 'k'),
    value("interface"),
    switch_letter("ipv4", '4'),
    switch_letter("ipv6", '6'),
    value("json"),
    switch_letter("junk-session-cookies", 'j'),
    switch("keepalive"),
    value("keepalive-time"),
    value("key"),
    value("key-type"),
    value("krb"),
    value("krb4"),
    value("libcurl"),
    value("limit-rate"),
    switch_letter("list-only", 'l'),
    value("local-port"),
    switch_letter("location", 'L'),
    switch("location-trusted"),
    value("login-options"),
    value("mail-auth"),
    value("mail-from"),
    value("mail-rcpt"),
    switch("mail-rcpt-allowfails"),
    switch_letter("manual", 'M'),
    value("max-filesize"),
    value("max-redirs"),
    value_letter("max-time", 'm'),
    switch("metalink"),
    switch("negotiate"),
    switch_letter("netrc", 'n'),
    value("netrc-file"),
    switch("netrc-optional"),
    switch_letter("next", ':'),
    value("noproxy"),
    switch("npn"),
    switch("ntlm"),
    switch("ntlm-wb"),
    value("oauth2-bearer"),
    value_letter("output", 'o'),
    value("output-dir"),
    switch_letter("parallel", 'Z'),
    switch("parallel-immediate"),
    value("parallel-max"),
    value("pass"),
    switch("path-as-is"),
    value("pinnedpubkey"),
    switch("post301"),
    switch("post302"),
    switch("post303"),
    value("preproxy"),
    switch_letter("progress-bar", '#'),
    switch("progress-meter"),
    value("proto"),
    value("proto-default"),
    value("proto-redir"),
    value_letter("proxy", 'x'),
    switch("proxy-anyauth"),
    switch("proxy-basic"),
    value("proxy-cacert"),
    value("proxy-capath"),
    value("proxy-cert"),
    value("proxy-cert-type"),
    value("proxy-ciphers"),
    value("proxy-crlfile"),
    switch("proxy-digest"),
    value("proxy-header"),
    switch("proxy-insecure"),
    value("proxy-key"),
    value("proxy-key-type"),
    switch("proxy-negotiate"),
    switch("proxy-ntlm"),
    value("proxy-pass"),
    value("proxy-pinnedpubkey"),
    value("proxy-service-name"),
    switch("proxy-ssl-allow-beast"),
    switch("proxy-ssl-auto-client-cert"),
    value("proxy-tls13-ciphers"),
    value("proxy-tlsauthtype"),
    value("proxy-tlspassword"),
    value("proxy-tlsuser"),
    switch("proxy-tlsv1"),
    value_letter("proxy-user", 'U'),
    value("proxy1.0"),
    switch_letter("proxytunnel", 'p'),
    value("pubkey"),
    value_letter("quote", 'Q'),
    value("random-file"),
    value_letter("range", 'r'),
    value("rate"),
    switch("raw"),
    value_letter("referer", 'e'),
    switch_letter("remote-header-name", 'J'),
    switch_letter("remote-name", 'O'),
    switch("remote-name-all"),
    switch_letter("remote-time", 'R'),
    switch("remove-on-error"),
    value_letter("request", 'X'),
    value("request-target"),
    value("resolve"),
    value("retry"),
    switch("retry-all-errors"),
    switch("retry-connrefused"),
    value("retry-delay"),
    value("retry-max-time"),
    value("sasl-authzid"),
    switch("sasl-ir"),
    value("service-name"),
    switch("sessionid"),
    switch_letter("show-error", 'S'),
    switch_letter("silent", 's'),
    value("socks4"),
    value("socks4a"),
    value("socks5"),
    switch("socks5-basic"),
    switch("socks5-gssapi"),
    switch("socks5-gssapi-nec"),
    value("socks5-gssapi-service"),
    value("socks5-hostname"),
    value_letter("speed-limit", 'Y'),
    value_letter("speed-time", 'y'),
    switch("ssl"),
    switch("ssl-allow-beast"),
    switch("ssl-auto-client-cert"),
    switch("ssl-no-revoke"),
    switch("ssl-reqd"),
    switch("ssl-revoke-best-effort"),
    switch_letter("sslv2", '2'),
    switch_letter("sslv3", '3'),
    value("stderr"),
    switch("styled-output"),
    switch("suppress-connect-headers"),
    switch("tcp-fastopen"),
    switch("tcp-nodelay"),
    value_letter("telnet-option", 't'),
    switch("test-event"),
    value("tftp-blksize"),
    switch("tftp-no-options"),
    value_letter("time-cond", 'z'),
    value("tls-max"),
    value("tls13-ciphers"),
    value("tlsauthtype"),
    value("tlspassword"),
    value("tlsuser"),
    switch_letter("tlsv1", '1'),
    switch("tlsv1.0"),
    switch("tlsv1.1"),
    switch("tlsv1.2"),
    switch("tlsv1.3"),
    switch("tr-encoding"),
    value("trace"),
    value("trace-ascii"),
    switch("trace-time"),
    value("unix-socket"),
    value_letter("upload-file", 'T'),
    value("url"),
    value("url-query"),
    switch_letter("use-ascii", 'B'),
    value_letter("user", 'u'),
    value_letter("user-agent", 'A'),
    switch_letter("verbose", 'v'),
    switch_letter("version", 'V'),
    value_letter("write-out", 'w'),
    switch("xattr"),
];

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the real curl is asked")]
mod tests {
    use std::process::Command;

    use super::*;

    fn curl(args: &[&str]) -> Option<(String, String)> {
        let output = Command::new("curl").args(args).env_clear().output().ok()?;
        Some((String::from_utf8(output.stdout).ok()?, String::from_utf8(output.stderr).ok()?))
    }

    #[test]
    fn the_table_is_that_of_the_installed_curl() {
        let Some((version, _)) = curl(&["-q", "--version"]).filter(|(v, _)| v.starts_with("curl 7.88.")) else {
            return; // another version has another table
        };
        let (help, _) = curl(&["-q", "--help", "all"]).unwrap();
        for line in help.lines().filter_map(|line| line.split_once("--").map(|(before, after)| (before.trim(), after)))
        {
            let (before, after) = line;
            let (name, about) = after.split_once(' ').unwrap();
            let found = OPTIONS.iter().find(|o| o.long == name.strip_prefix("no-").unwrap_or(name));
            let opt = found.unwrap_or_else(|| panic!("{version}: --{name} is missing"));
            assert_eq!(opt.short, before.strip_prefix('-').and_then(|b| b.chars().next()), "--{name}");
            if about.starts_with('<') && name != "help" {
                assert_eq!(opt.takes, Takes::Value, "--{name}");
            }
        }
        // Help does not say of every option whether a value follows; the parser does.
        for opt in OPTIONS {
            let (_, error) = curl(&["-q", &format!("--{}", opt.long)]).unwrap();
            assert!(!error.contains("is unknown"), "--{}: {error}", opt.long);
            assert_eq!(error.contains("requires parameter"), opt.takes == Takes::Value, "--{}: {error}", opt.long);
        }
    }

    #[test]
    fn names_are_taken_in_either_case_and_values_as_they_are() {
        let line: Vec<Bytes> = ["--DATA", "--X", "-oA", "--No-Location", "Https://H"].map(Bytes::from).to_vec();
        let shown: Vec<String> = words(&line)
            .into_iter()
            .map(|item| match item {
                Item::Option(g) => format!("{}{:?}", if g.negated { "!" } else { "" }, (g.opt.long, g.value)),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(shown[..2], [r#"("data", Some("--X"))"#, r#"("output", Some("A"))"#]);
        assert!(shown[2].starts_with(r#"!("location""#), "{shown:?}");
        assert!(shown[3].contains("Https://H"));
    }
}
