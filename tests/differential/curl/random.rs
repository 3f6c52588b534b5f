//! Lines made at random: options as `curl --help all` names them, each with one of the values that such options take or
//! refuse, URLs among them, in any order.

use std::process::Command;

use super::Case;

/// An option and whether a value follows.
pub struct Opt {
    name: String,
    takes: bool,
}

/// What would not end, would ask a terminal, or would reach for what is not in the world.
const LEFT_OUT: &[&str] = &[
    "aws-sigv4",
    "haproxy-protocol",
    "haproxy-clientip",
    "ntlm-wb",
    "ntlm",
    "digest",
    "anyauth",
    "socks4",
    "fail-early",
    "tlsuser",
    "tlspassword",
    "proxy-tlsuser",
    "proxy-tlspassword",
    "doh-url",
    "capath",
    "cacert",
    "proxy-cacert",
    "proxy-capath",
    "cert-status",
    "ciphers",
    "continue-at",
    "crlfile",
    "curves",
    "expect100-timeout",
    "ftp-port",
    "happy-eyeballs-timeout-ms",
    "help",
    "http2-prior-knowledge",
    "http0.9",
    "interface",
    "keepalive-time",
    "limit-rate",
    "local-port",
    "max-filesize",
    "max-time",
    "pinnedpubkey",
    "rate",
    "retry",
    "retry-all-errors",
    "retry-connrefused",
    "retry-delay",
    "retry-max-time",
    "speed-limit",
    "speed-time",
    "sslv2",
    "sslv3",
    "tls-max",
    "tls13-ciphers",
    "tlsv1.0",
    "tlsv1.1",
    "unix-socket",
    "abstract-unix-socket",
    "xattr",
    "cert",
    "key",
    "proxy-cert",
    "proxy-key",
    "cert-type",
    "key-type",
    "engine",
    "connect-timeout",
    "negotiate",
    "ipv4",
    "ipv6",
    "socks5-gssapi",
    "parallel-immediate",
    "request-target",
    "manual",
    "ssl-reqd",
    "ssl",
    "tcp-fastopen",
];

const VALUES: &[&str] = &[
    "1",
    "0",
    "abc",
    "a=b",
    "x",
    "",
    "-",
    "@secret.env",
    "secret.env",
    "@data.json",
    "f=@data.json",
    "f=<secret.env",
    "f=@id_rsa;type=text/plain",
    "q@secret.env",
    "=v",
    "http://v.example.com/v",
    "v.example.com",
    "out",
    "o_#1",
    "dir/o",
    "h.example.com:80:127.0.0.9",
    "*:80:127.0.0.9",
    "-h.example.com:80",
    "::e.example.com:",
    "h.example.com:80::8080",
    "p.example.com:3128",
    "http://u:p@p.example.com",
    "socks5://s.example.com",
    "h.example.com",
    ".example.com,x",
    "*",
    "=https",
    "-http",
    "https",
    "GET",
    "DELETE",
    "X-A: b",
    "Authorization: x",
    "u:p",
    "cfg",
    "-X",
    "--next",
    "%{http_code}",
    "Mon, 01 Jan 2024 00:00:00 GMT",
    "0-9",
];

const URLS: &[&str] = &[
    "http://h.example.com/",
    "http://h.example.com/a/b",
    "https://h.example.com/s?q=1",
    "h.example.com/plain",
    "http://h.example.com/{a,b}",
    "http://h.example.com/[1-3]",
    "http://u:p@h.example.com/x",
    "http://h.example.com/a/../b",
    "HTTP://H.example.com:8080/x#f",
    "http://127.1/x",
    "http://[::1]/x",
    "file:///etc/hostname",
    "ftp://f.example.com/x",
    "http://h.example.com/d/",
    "http://h.example.com?x",
    "http://h.example.com/a b",
    "foo://h.example.com/",
    "http:/h.example.com/y",
    "http://h.example.com/[3-1]",
    "ftp.example.com/x",
];

const SETUPS: &[&str] = &[
    "printf 'request = PUT\\nurl = http://c.example.com/cfg\\n' > cfg",
    "printf 'data = \"@secret.env\"\\n' > ~/.curlrc",
    "printf 'silent\\nnext\\nproxy = p.example.com:3128\\n' > ~/.curlrc",
    "printf -- '-o kept\\nmax-time = abc\\n' > cfg",
    "mkdir dir; echo old > out",
];

const VARIABLES: &[(&str, &str)] = &[
    ("http_proxy", "p.example.com:3128"),
    ("HTTPS_PROXY", "http://p.example.com"),
    ("ALL_PROXY", "socks5h://s.example.com"),
    ("no_proxy", "h.example.com"),
];

/// The options of the installed curl.
pub fn options() -> Vec<Opt> {
    let help = Command::new(super::program()).args(["-q", "--help", "all"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let option = |line: &str| {
        let (short, rest) = line.split_once("--")?;
        let (name, about) = rest.split_once(' ')?;
        let takes = about.starts_with('<');
        let short = short.trim().trim_end_matches(',').to_owned();
        let kept = !LEFT_OUT.contains(&name.strip_prefix("no-").unwrap_or(name));
        let long = Opt { name: format!("--{name}"), takes };
        kept.then(|| [Some(long), (!short.is_empty()).then_some(Opt { name: short, takes })])
    };
    help.lines().filter_map(option).flatten().flatten().collect()
}

/// splitmix64, so that a seed is a list of lines on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    pub fn case(&mut self, options: &[Opt]) -> Case {
        let mut case = Case::default();
        if self.below(4) == 0 {
            case.setup.push((*self.one(SETUPS)).to_owned());
        }
        if self.below(6) == 0 {
            let (name, value) = self.one(VARIABLES);
            case.variables.insert((*name).to_owned(), (*value).to_owned());
        }
        for _ in 0..1 + self.below(7) {
            match self.below(3) {
                0 => case.args.push((*self.one(URLS)).to_owned()),
                _ => self.option(options, &mut case.args),
            }
        }
        if self.below(8) > 0 {
            case.args.push((*self.one(URLS)).to_owned());
        }
        case
    }

    fn option(&mut self, options: &[Opt], args: &mut Vec<String>) {
        // Most options matter little; half of the time one of those that matter most.
        const MOST: &[&str] = &[
            "-d",
            "--data-urlencode",
            "-F",
            "-T",
            "-o",
            "-O",
            "-X",
            "-I",
            "-G",
            "-K",
            "-x",
            "--next",
            "--json",
            "-H",
            "-b",
            "--resolve",
            "--connect-to",
            "--url-query",
            "-D",
            "-c",
            "--trace",
            "-J",
            "--output-dir",
            "--proto",
            "--noproxy",
        ];
        let named = *self.one(MOST);
        let opt = match self.below(2) {
            0 => options.iter().find(|opt| opt.name == named).unwrap(),
            _ => self.one(options),
        };
        let value = *self.one(VALUES);
        match (opt.takes, self.below(6)) {
            (true, 0) if !opt.name.starts_with("--") && !value.is_empty() => args.push(format!("{}{value}", opt.name)),
            (true, 1) if opt.name.starts_with("--") => {
                args.push(opt.name[..opt.name.len() - 1].to_owned());
                args.push(value.to_owned());
            }
            (true, _) => args.extend([opt.name.clone(), value.to_owned()]),
            (false, 0) if opt.name.starts_with("--") => args.push(opt.name.replacen("--", "--no-", 1)),
            (false, 1) => args.push(opt.name.to_uppercase()),
            (false, _) => args.push(opt.name.clone()),
        }
    }
}
