//! Every option of curl: those of 7.88.1, and those that came since.

use crate::tools::options::{Opt, Takes};

/// The release whose grammar and options are read. Patch releases have the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Release {
    /// 7.88: a unique beginning of a long name stands for it, in either case.
    V7_88,
    /// 8.7 to 8.14: long names are as they are, and there are more of them.
    V8,
    /// 8.15 and later: read as 8.14, and what 8.14 does not take is a doubt.
    Later,
    /// Another one, or it is not known: read as 7.88, and what 7.88 does not take is a doubt.
    #[default]
    Other,
}

impl Release {
    pub fn of(version: Option<&str>) -> Release {
        let mut numbers = version.unwrap_or_default().split('.').map(|n| n.parse().unwrap_or(0u16));
        match (numbers.next(), numbers.next()) {
            (Some(7), Some(88)) => Release::V7_88,
            (Some(8), Some(7..=14)) => Release::V8,
            (Some(8), Some(15..)) | (Some(9..), _) => Release::Later,
            _ => Release::Other,
        }
    }

    /// Whether what the table does not have is certainly no option.
    pub fn is_known(self) -> bool {
        matches!(self, Release::V7_88 | Release::V8)
    }

    /// Whether it goes by the rules of 8.7 and later.
    pub fn is_v8(self) -> bool {
        matches!(self, Release::V8 | Release::Later)
    }
}

/// The part of curl without which it refuses the option, as `curl --version` calls it.
pub fn needs(name: &str) -> Option<&'static str> {
    match name {
        "dns-interface" | "dns-ipv4-addr" | "dns-ipv6-addr" | "dns-servers" => Some("c-ares"),
        "http3" | "http3-only" => Some("HTTP3"),
        _ => None,
    }
}

/// Whether 7.88 does not have the option.
pub fn is_newer(name: &str) -> bool {
    NEWER.iter().any(|(opt, _)| opt.long == name)
}

const fn switch(long: &'static str) -> Opt {
    Opt { long, short: None, takes: Takes::Nothing, negates: true }
}

const fn switch_letter(long: &'static str, letter: char) -> Opt {
    Opt { long, short: Some(letter), takes: Takes::Nothing, negates: true }
}

const fn value(long: &'static str) -> Opt {
    Opt { long, short: None, takes: Takes::Value, negates: true }
}

const fn value_letter(long: &'static str, letter: char) -> Opt {
    Opt { long, short: Some(letter), takes: Takes::Value, negates: true }
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

/// Options without value that `--no-` does not turn off.
pub const ALONE: &[&str] = &[
    "http1.0",
    "http1.1",
    "http2",
    "http2-prior-knowledge",
    "http3",
    "http3-only",
    "ipv4",
    "ipv6",
    "next",
    "proxy-tlsv1",
    "sslv2",
    "sslv3",
    "tlsv1",
    "tlsv1.0",
    "tlsv1.1",
    "tlsv1.2",
    "tlsv1.3",
];

/// Options that 7.88 does not have, and the 8.x that brought each (curl's own list, docs/options-in-versions).
pub const NEWER: &[(Opt, u16)] = &[
    (switch("ca-native"), 2),
    (switch("dump-ca-embed"), 10),
    (value("ech"), 8),
    (value("haproxy-clientip"), 2),
    (value("ip-tos"), 9),
    (value("ipfs-gateway"), 4),
    (value("keepalive-cnt"), 9),
    (switch("mptcp"), 9),
    (switch("proxy-ca-native"), 2),
    (switch("proxy-http2"), 1),
    (switch("show-headers"), 10),
    (value("sigalgs"), 14),
    (switch("skip-existing"), 10),
    (value("ssl-sessions"), 12),
    (switch("test-duphandle"), 14),
    (switch("tls-earlydata"), 11),
    (value("trace-config"), 3),
    (switch("trace-ids"), 2),
    (value("upload-flags"), 13),
    (value("variable"), 3),
    (value("vlan-priority"), 9),
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

    /// Every option of a release: its own, and those that came before it.
    fn table(release: Release) -> Vec<Opt> {
        let newer = NEWER.iter().filter(|_| release == Release::V8).map(|(opt, _)| opt);
        OPTIONS.iter().chain(newer).copied().collect()
    }

    #[test]
    fn the_table_is_that_of_the_installed_curl() {
        let Some((version, _)) = curl(&["-q", "--version"]) else { return };
        let release = Release::of(version.split(' ').nth(1));
        if !release.is_known() {
            return; // another release has another table
        }
        let (help, _) = curl(&["-q", "--help", "all"]).unwrap();
        for (before, after) in help.lines().filter_map(|line| line.split_once("--")) {
            let (name, about) = after.split_once(' ').unwrap();
            let found = table(release).into_iter().find(|o| o.long == name.strip_prefix("no-").unwrap_or(name));
            let opt = found.unwrap_or_else(|| panic!("{version}: --{name} is missing"));
            assert_eq!(opt.short, before.trim().strip_prefix('-').and_then(|b| b.chars().next()), "--{name}");
            if about.starts_with('<') && name != "help" {
                assert_eq!(opt.takes, Takes::Value, "--{name}");
            }
        }
        // Help does not say of every option whether a value follows, nor of all that they are there; the parser does.
        for opt in table(release) {
            let (_, error) = curl(&["-q", &format!("--{}", opt.long)]).unwrap();
            assert!(!error.contains("is unknown"), "--{}: {error}", opt.long);
            assert_eq!(error.contains("requires parameter"), opt.takes == Takes::Value, "--{}: {error}", opt.long);
            let (_, error) = curl(&["-q", &format!("--no-{}", opt.long)]).unwrap();
            let alone = opt.takes == Takes::Value || ALONE.contains(&opt.long);
            let refuses = ["--no-", "isn't a boolean", "can't be reversed", "is not a boolean", "cannot be reversed"];
            let refused = error.contains("option --no-") && refuses[1..].iter().any(|why| error.contains(why));
            assert_eq!(refused, alone, "--no-{}: {error}", opt.long);
        }
    }

    #[test]
    fn the_table_is_that_of_the_manual_page() {
        let Some((version, _)) = curl(&["-q", "--version"]) else { return };
        let release = Release::of(version.split(' ').nth(1));
        let page = Command::new("zcat").arg("/usr/share/man/man1/curl.1.gz").output();
        let Some(page) = page.ok().and_then(|page| String::from_utf8(page.stdout).ok()) else { return };
        // `.IP "\-o, \-\-output <file>"`
        let page = page.replace('\\', "");
        if release != Release::V7_88 || !page.contains("curl 7.88") {
            return; // another page is for another table
        }
        let entries = page.lines().filter_map(|line| line.strip_prefix(".IP \"")?.split_once("--"));
        let names: Vec<&str> = entries.map(|(_, name)| &name[..name.find([' ', '"']).unwrap_or(name.len())]).collect();
        for name in &names {
            let long = name.strip_prefix("no-").unwrap_or(name);
            assert!(table(release).iter().any(|opt| opt.long == long), "--{name} of the manual page is missing");
        }
        assert!(names.len() > 200, "{names:?}");
    }
}
