//! Settings into transfers: what each group between `--next` asks for, URL by URL.

use crate::model::Bytes;

use super::line::Setting;

/// The settings of one group.
#[derive(Debug, Default)]
pub struct Group {
    pub nodes: Vec<Node>,
    /// `--request`, verbatim.
    pub request: Option<Bytes>,
    pub request_target: Option<Bytes>,
    pub get: bool,
    /// `--head`, or the GET that `--no-head` asks for.
    pub head: Option<bool>,
    pub form: bool,
    pub data: Vec<Data>,
    pub query: Vec<Data>,
    /// Files that are sent within a body, a header or a query.
    pub sends: Vec<Bytes>,
    pub writes: Vec<Bytes>,
    pub follows: bool,
    pub as_is: bool,
    pub no_glob: bool,
    pub scheme: Option<Bytes>,
    pub names_by_header: bool,
    pub output_dir: Option<Bytes>,
    pub route: Route,
    /// A library that curl would load.
    pub engine: Option<Bytes>,
    /// The caller's own credential: `--user`, `--netrc`, an `Authorization` header.
    pub own_credential: bool,
    /// Certificates are not checked.
    pub insecure: bool,
    remote_names: bool,
}

/// Where the group's connections go instead of the URL's host.
#[derive(Debug, Default)]
pub struct Route {
    pub resolve: Vec<Bytes>,
    pub connect_to: Vec<Bytes>,
    pub proxy: Option<Bytes>,
    pub preproxy: Option<Bytes>,
    pub noproxy: Option<Bytes>,
    pub unix: Option<Bytes>,
    pub doh: bool,
}

/// A URL with its own output and upload. Each is filled in order, apart from the others.
#[derive(Debug, Default)]
pub struct Node {
    pub url: Option<Bytes>,
    pub output: Option<Output>,
    pub upload: Option<Bytes>,
    filled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    File(Bytes),
    /// `--remote-name`.
    Remote,
}

/// What `--data` and its like add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    Text(Vec<u8>),
    /// A file's content, with what stands before it; `-` is standard input.
    File(Vec<u8>, Bytes),
}

/// All that the line says: the groups, and what holds for all of them.
#[derive(Debug, Default)]
pub struct Plan {
    pub groups: Vec<Group>,
    /// Files written whatever the group: traces, standard error.
    pub writes: Vec<Bytes>,
    /// Something that would show a credential: `--verbose`, a trace.
    pub shows_headers: bool,
    pub refused: Option<String>,
    /// A word that would end the request's line or a header early, so that the server reads another request than is
    /// written: curl sends it as it is.
    pub splits: Option<&'static str>,
}

impl Plan {
    pub fn of(settings: &[Setting]) -> Plan {
        let mut plan = Plan::default();
        let mut group = Group::default();
        for setting in settings {
            if splits(setting) {
                plan.splits.get_or_insert(setting.name);
            }
            if setting.name == "next" {
                if group.nodes.iter().any(|node| node.url.is_some()) {
                    plan.groups.push(std::mem::take(&mut group));
                }
            } else if !plan.global(setting)
                && let Err(why) = group.set(setting)
            {
                plan.refused.get_or_insert(why);
            }
        }
        plan.groups.push(group);
        plan
    }

    fn global(&mut self, setting: &Setting) -> bool {
        match setting.name {
            "trace" | "trace-ascii" => {
                self.shows_headers = true;
                // `%` is standard error.
                self.writes.extend((setting.value.as_slice() != b"%").then(|| setting.value.clone()));
            }
            "libcurl" => {
                self.shows_headers = true;
                self.writes.push(setting.value.clone());
            }
            "stderr" => self.writes.push(setting.value.clone()),
            "verbose" => self.shows_headers |= setting.on,
            _ => return false,
        }
        true
    }
}

/// A method is a token and a target has no blank (RFC 9112 section 3); nothing else in a request's head holds a line's end.
fn splits(setting: &Setting) -> bool {
    let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    match setting.name {
        "request" => !setting.value.iter().all(token),
        "request-target" => setting.value.iter().any(|b| b.is_ascii_whitespace() || b.is_ascii_control()),
        "header" | "proxy-header" | "user-agent" | "referer" | "cookie" | "range" | "oauth2-bearer" | "url-query"
        | "user" | "aws-sigv4" | "time-cond" | "continue-at" => {
            setting.value.iter().any(|b| matches!(b, b'\r' | b'\n'))
        }
        _ => false,
    }
}

impl Group {
    /// An error is what curl refuses.
    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        let Setting { name, value, on } = setting;
        match *name {
            "url" => self.node(|node| node.url.is_some()).url = Some(value.clone()),
            "output" => self.node(|node| node.output.is_some() && node.filled).out(Output::File(value.clone())),
            "remote-name" if *on => self.node(|node| node.output.is_some() && node.filled).out(Output::Remote),
            "remote-name-all" => self.remote_names = *on,
            "upload-file" => self.node(|node| node.upload.is_some()).upload = Some(value.clone()),
            "request" => self.request = Some(value.clone()),
            "request-target" => self.request_target = Some(value.clone()),
            "get" => self.get = *on,
            "head" => return self.method(Some(*on), false),
            "form" => {
                self.sends.extend(form_files(value));
                return self.method(None, true);
            }
            "form-string" => return self.method(None, true),
            "data" | "data-ascii" | "data-binary" | "json" => self.data.push(match value.strip_prefix(b"@") {
                Some(path) => Data::File(Vec::new(), path.into()),
                None => Data::Text(value.to_vec()),
            }),
            "data-raw" => self.data.push(Data::Text(value.to_vec())),
            "data-urlencode" => self.data.push(encoded(value)),
            "url-query" => self.query.push(match value.strip_prefix(b"+") {
                Some(plain) => Data::Text(plain.to_vec()),
                None => encoded(value),
            }),
            "location" | "location-trusted" => self.follows = *on,
            "path-as-is" => self.as_is = *on,
            "globoff" => self.no_glob = *on,
            "proto-default" => self.scheme = Some(value.clone()),
            "remote-header-name" => self.names_by_header = *on,
            "output-dir" => self.output_dir = Some(value.clone()),
            "insecure" => self.insecure = *on,
            "engine" => self.engine = Some(value.clone()).filter(|value| value.as_slice() != b"list"),
            _ if self.route.set(setting) => {}
            _ => self.files(setting),
        }
        Ok(())
    }

    /// Options that name files, and the caller's own credentials.
    fn files(&mut self, setting: &Setting) {
        let Setting { name, value, on } = setting;
        match *name {
            "dump-header" | "cookie-jar" | "etag-save" => self.writes.push(value.clone()),
            "hsts" | "alt-svc" if !value.is_empty() => self.writes.push(value.clone()),
            "header" | "proxy-header" => {
                self.sends.extend(value.strip_prefix(b"@").map(Bytes::from));
                self.own_credential |= value.to_ascii_lowercase().starts_with(b"authorization");
            }
            "cookie" => match value.strip_prefix(b"@") {
                Some(path) => self.sends.push(path.into()),
                None if !value.contains(&b'=') && !value.is_empty() => self.sends.push(value.clone()),
                None => {}
            },
            "etag-compare" => self.sends.push(value.clone()),
            "user" | "oauth2-bearer" | "aws-sigv4" => self.own_credential = true,
            "netrc" | "netrc-optional" | "negotiate" | "ntlm" | "anyauth" | "digest" => self.own_credential |= *on,
            "netrc-file" => {
                self.own_credential = true;
                self.sends.push(value.clone());
            }
            _ => {}
        }
    }

    /// curl takes one of HEAD (or the GET of `--no-head`) and a form.
    fn method(&mut self, head: Option<bool>, form: bool) -> Result<(), String> {
        self.form |= form;
        if head.is_some() {
            if self.head.is_some() && self.head != head {
                return Err("more than one method is asked for".to_owned());
            }
            self.head = head;
        }
        if self.form && self.head.is_some() { Err("more than one method is asked for".to_owned()) } else { Ok(()) }
    }

    /// The first node whose part is not filled yet, or a new one.
    fn node(&mut self, filled: impl Fn(&Node) -> bool) -> &mut Node {
        let at = self.nodes.iter().position(|node| !filled(node)).unwrap_or(self.nodes.len());
        if at == self.nodes.len() {
            let output = self.remote_names.then_some(Output::Remote);
            self.nodes.push(Node { output, ..Node::default() });
        }
        &mut self.nodes[at]
    }
}

impl Node {
    fn out(&mut self, output: Output) {
        self.output = Some(output);
        self.filled = true;
    }
}

impl Route {
    fn set(&mut self, setting: &Setting) -> bool {
        let value = || Some(setting.value.clone());
        match setting.name {
            "resolve" => self.resolve.push(setting.value.clone()),
            "connect-to" => self.connect_to.push(setting.value.clone()),
            "proxy" | "proxy1.0" | "socks4" | "socks4a" | "socks5" | "socks5-hostname" => self.proxy = value(),
            "preproxy" => self.preproxy = value(),
            "noproxy" => self.noproxy = value(),
            "unix-socket" => self.unix = value(),
            "abstract-unix-socket" => self.unix = Some(Bytes([b"@", setting.value.as_slice()].concat())),
            "doh-url" => self.doh = !setting.value.is_empty(),
            "dns-servers" => self.doh = true,
            _ => return false,
        }
        true
    }
}

/// `--data-urlencode`: the first `=`, and where there is none the first `@`, divides.
fn encoded(value: &[u8]) -> Data {
    let at = value.iter().position(|b| *b == b'=').or_else(|| value.iter().position(|b| *b == b'@'));
    match at {
        Some(at) if value[at] == b'@' => {
            let name = if at == 0 { Vec::new() } else { [&value[..at], b"="].concat() };
            Data::File(name, Bytes::from(&value[at + 1..]))
        }
        Some(at) => {
            let name = if at == 0 { &value[..0] } else { &value[..=at] };
            Data::Text([name, &percent(&value[at + 1..])].concat())
        }
        None => Data::Text(percent(value)),
    }
}

fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for b in text {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(*b),
            b' ' => out.push(b'+'),
            b => out.extend(format!("%{b:02X}").bytes()),
        }
    }
    out
}

/// The files of one `--form`: `name=@a;type=x`, `name=@a,b`, `name=<a`, `name=x;headers=@h`, with quotes.
fn form_files(value: &[u8]) -> Vec<Bytes> {
    let Some(at) = value.iter().position(|b| *b == b'=') else { return Vec::new() };
    let content = &value[at + 1..];
    let mut files = Vec::new();
    if let Some((b'@' | b'<', rest)) = content.split_first() {
        let several = content[0] == b'@';
        let mut rest = rest;
        loop {
            let (name, after) = word(rest, several);
            files.push(Bytes(name));
            let after = match after.iter().position(|b| *b == b',') {
                Some(comma) if several => &after[comma + 1..],
                _ => break,
            };
            rest = after;
        }
    }
    for (at, _) in content.iter().enumerate().filter(|(_, b)| **b == b';') {
        let attribute = content[at + 1..].trim_ascii_start();
        if let Some(rest) = attribute.strip_prefix(b"headers=")
            && let Some((b'@' | b'<', rest)) = rest.split_first()
        {
            files.push(Bytes(word(rest, false).0));
        }
    }
    files
}

/// A file name up to `;` (or `,`), or in double quotes, where a backslash keeps the next character.
fn word(text: &[u8], comma: bool) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut out = Vec::new();
        let mut rest = quoted;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (first, after.first()) {
                (b'\\', Some(next @ (b'"' | b'\\'))) => {
                    out.push(*next);
                    rest = &after[1..];
                }
                (b'"', _) => return (out, rest),
                (other, _) => out.push(*other),
            }
        }
    }
    let end = text.iter().position(|b| *b == b';' || comma && *b == b',').unwrap_or(text.len());
    (text[..end].trim_ascii_end().to_vec(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_form_are_found_and_nothing_else() {
        let files =
            |text: &str| form_files(text.as_bytes()).iter().map(|f| f.text().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(files("x=@a;type=text/plain"), ["a"]);
        assert_eq!(files("x=@a,b;filename=c"), ["a", "b"]);
        assert_eq!(files("x=<a,b"), ["a,b"]);
        assert_eq!(files(r#"x=@"a;\"b,c";type=y"#), [r#"a;"b,c"#]);
        assert_eq!(files("x=y;headers=@h"), ["h"]);
        assert_eq!(files("x=y@z"), Vec::<String>::new());
        assert_eq!(files("@x"), Vec::<String>::new());
    }

    #[test]
    fn data_urlencode_is_divided_at_the_equals_sign_before_the_at_sign() {
        assert_eq!(encoded(b"a b=c d"), Data::Text(b"a b=c+d".to_vec()));
        assert_eq!(encoded(b"=@f"), Data::Text(b"%40f".to_vec()));
        assert_eq!(encoded(b"x@f"), Data::File(b"x=".to_vec(), Bytes::from("f")));
        assert_eq!(encoded(b"@f"), Data::File(Vec::new(), Bytes::from("f")));
    }
}
