//! What the transfers of a line are: requests, files written, files sent; and these as operations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Bytes, Effect, Facts, Invocation, Operation, Reading, Resource};

use super::line::Line;
use super::transfer::{Data, Group, Node, Output, Plan};
use super::url::{How, Url, parse};
use super::{globs, route};

/// One request of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub url: Url,
    /// `None` for schemes that have none.
    pub method: Option<String>,
    /// Where TCP goes, when it is not the URL's own.
    pub connect: Option<String>,
    pub follows: bool,
}

/// Everything the line would do.
#[derive(Debug, Default)]
pub struct Meaning {
    pub requests: Vec<Request>,
    pub sends: BTreeSet<String>,
    pub writes: BTreeSet<String>,
    /// Local files that are read by `file:` URLs.
    pub reads: BTreeSet<String>,
    pub loads: BTreeSet<String>,
    pub bypasses_dns: bool,
    pub follows: bool,
    pub refused: Option<String>,
    pub too_many: bool,
    /// curl gives up at a transfer whose output file has no name; what follows is not reached.
    gave_up: bool,
}

impl Meaning {
    pub fn of(plan: &Plan, invocation: &Invocation) -> Meaning {
        let mut meaning = Meaning { refused: plan.refused.clone(), ..Meaning::default() };
        for group in &plan.groups {
            if let Err(why) = meaning.group(group, invocation) {
                meaning.refused.get_or_insert(why);
            }
        }
        for path in &plan.writes {
            meaning.write(path);
        }
        if meaning.refused.is_some() {
            return Meaning { refused: meaning.refused, ..Meaning::default() };
        }
        meaning
    }

    fn group(&mut self, group: &Group, invocation: &Invocation) -> Result<(), String> {
        let before = self.requests.len();
        for node in group.nodes.iter().filter(|node| node.url.is_some()) {
            self.node(group, node, invocation)?;
        }
        self.follows |= group.follows;
        let elsewhere = !group.route.resolve.is_empty() || !group.route.connect_to.is_empty();
        self.bypasses_dns |= group.route.doh
            || self.requests[before..].iter().any(|request| request.connect.is_some())
            || (group.follows && elsewhere);
        let data = group.data.iter().chain(&group.query);
        let from_data = data.filter_map(|data| match data {
            Data::File(_, path) => Some(path),
            Data::Text(_) => None,
        });
        for path in group.sends.iter().chain(from_data) {
            self.send(path);
        }
        group.writes.iter().for_each(|path| self.write(path));
        self.loads.extend(group.engine.iter().map(|name| shown(name)));
        Ok(())
    }

    fn node(&mut self, group: &Group, node: &Node, invocation: &Invocation) -> Result<(), String> {
        let one = |url: &Bytes| vec![globs::Expanded { url: url.to_vec(), parts: Vec::new() }];
        let url = node.url.as_ref().filter(|url| !url.is_empty());
        let Some(url) = url else { return Ok(()) };
        let globbed = |pattern: &Bytes| {
            if group.no_glob {
                return Ok(one(pattern));
            }
            globs::expand(pattern).or_else(|error| match error {
                globs::Error::Refused => Ok(Vec::new()),
                globs::Error::TooMany => Err(()),
            })
        };
        let upload = node.upload.as_ref().filter(|path| !path.is_empty());
        let uploads = upload.map_or(Ok(vec![None]), |path| {
            globbed(path).map(|all| all.into_iter().map(|one| Some(Bytes(one.url))).collect::<Vec<_>>())
        });
        let (Ok(urls), Ok(uploads)) = (globbed(url), uploads) else {
            self.too_many = true;
            return Ok(());
        };
        if urls.len() * uploads.len() + self.requests.len() > globs::MOST {
            self.too_many = true;
            return Ok(());
        }
        for upload in &uploads {
            for expanded in &urls {
                self.one(group, node, expanded, upload.as_ref(), invocation)?;
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        group: &Group,
        node: &Node,
        expanded: &globs::Expanded,
        upload: Option<&Bytes>,
        invocation: &Invocation,
    ) -> Result<(), String> {
        let scheme = group.scheme.as_ref().and_then(|scheme| scheme.text());
        let Some(mut url) = parse(&expanded.url, How { as_is: group.as_is, scheme }) else { return Ok(()) };
        let nameless = node.output == Some(Output::Remote) && !group.names_by_header && remote_name(&url).is_empty();
        self.gave_up |= nameless;
        if self.gave_up {
            return Ok(());
        }
        let method = method(group, upload.is_some())?;
        let stdin = upload.is_some_and(|path| matches!(path.as_slice(), b"-" | b"."));
        if url.scheme == "file" {
            match upload {
                Some(_) => self.write(&Bytes::from(url.path.as_str())),
                None => {
                    self.reads.insert(url.path.clone());
                }
            }
        } else if let Some(path) = upload.filter(|_| !stdin) {
            self.send(path);
            let file = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
            if url.path.ends_with('/') && !url.path.contains('?') {
                url.path.push_str(&shown(file));
            }
        }
        self.output(group, node, expanded, &url);
        if url.scheme == "file" {
            return Ok(());
        }
        let connect = route::connect(&group.route, &url, &invocation.variables);
        add_query(group, &mut url);
        if let Some(target) = group.request_target.as_ref().filter(|_| url.is_http()) {
            url.path = shown(target);
        }
        let method = url.is_http().then_some(method);
        self.requests.push(Request { url, method, connect, follows: group.follows });
        Ok(())
    }

    fn output(&mut self, group: &Group, node: &Node, expanded: &globs::Expanded, url: &Url) {
        let name = match &node.output {
            None => return,
            Some(Output::File(name)) if name.as_slice() == b"-" => return,
            Some(Output::File(name)) => numbered(name, &expanded.parts),
            Some(Output::Remote) if group.names_by_header => b"*".to_vec(),
            Some(Output::Remote) => remote_name(url).as_bytes().to_vec(),
        };
        let name = match &group.output_dir {
            Some(folder) => [folder.as_slice(), b"/", &name].concat(),
            None => name,
        };
        self.write(&Bytes(name));
    }

    fn write(&mut self, path: &Bytes) {
        if !path.is_empty() && !matches!(path.as_slice(), b"-" | b"/dev/null" | b"/dev/stdout" | b"/dev/stderr") {
            self.writes.insert(shown(path));
        }
    }

    fn send(&mut self, path: &Bytes) {
        if !matches!(path.as_slice(), b"-" | b"" | b"/dev/null" | b"/dev/stdin") {
            self.sends.insert(shown(path));
        }
    }
}

/// What follows the last slash, without the query.
fn remote_name(url: &Url) -> &str {
    let path = url.path.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// The method, as curl infers it. An error where it is asked for two.
fn method(group: &Group, upload: bool) -> Result<String, String> {
    let head = group.head.map(|head| if head { "HEAD" } else { "GET" });
    let posts = !group.data.is_empty() && !group.get;
    let gets = !group.data.is_empty() && group.get;
    let wanted = [
        head,
        group.form.then_some("POST"),
        posts.then_some("POST"),
        gets.then_some(if group.head == Some(true) { "HEAD" } else { "GET" }),
        upload.then_some("PUT"),
    ];
    let kinds = [group.form, posts, upload, group.head.is_some() || gets];
    if kinds.iter().filter(|kind| **kind).count() > 1 || (gets && group.head == Some(false) && group.form) {
        return Err("more than one method is asked for".to_owned());
    }
    match &group.request {
        Some(own) => Ok(shown(own)),
        None => Ok(wanted.into_iter().flatten().next().unwrap_or("GET").to_owned()),
    }
}

/// `--get` puts the data into the query, `--url-query` its own.
fn add_query(group: &Group, url: &mut Url) {
    let data = group.data.iter().filter(|_| group.get);
    let parts: Vec<String> = group
        .query
        .iter()
        .chain(data)
        .map(|data| match data {
            Data::Text(text) => small_escapes(&shown(text)),
            Data::File(name, _) => format!("{}*", shown(name)),
        })
        .filter(|part| !part.is_empty())
        .collect();
    for part in parts {
        let divider = match url.path.find('?') {
            None => "?",
            Some(at) if at + 1 == url.path.len() => "",
            Some(_) => "&",
        };
        url.path.push_str(divider);
        url.path.push_str(&part);
    }
}

/// libcurl writes the hexadecimal digits of what it appends to a query in lower case.
fn small_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('%').enumerate() {
        match part.get(..2).filter(|digits| i > 0 && digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(digits) => out.push_str(&format!("%{}{}", digits.to_ascii_lowercase(), &part[2..])),
            None if i > 0 => out.push_str(&format!("%{part}")),
            None => out.push_str(part),
        }
    }
    out
}

/// `#1` in the name of an output file is what stood in the first pattern.
fn numbered(name: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let number: usize = std::str::from_utf8(&after[..digits]).ok().and_then(|n| n.parse().ok()).unwrap_or(0);
        match parts.get(number.wrapping_sub(1)) {
            Some(part) if *first == b'#' && digits > 0 => {
                out.extend_from_slice(part);
                rest = &after[digits..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

pub fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

/// The reading of a line.
pub fn read(invocation: &Invocation, facts: &Facts) -> Reading {
    let line = Line::read(invocation, facts);
    let plan = Plan::of(&line.settings);
    let mut meaning = Meaning::default();
    if !line.prints && line.refused.is_none() {
        meaning = Meaning::of(&plan, invocation);
    }
    meaning.refused = meaning.refused.or(line.refused);
    let mut reading = Reading {
        tool: "curl".to_owned(),
        version: facts.version.clone(),
        effective: effective(&meaning, &line.configs),
        operations: operations(&meaning),
        doubts: Vec::new(),
    };
    for word in line.unknown {
        reading.doubt("unknown_option", format!("{word} is in no table of curl {}x", super::options::VERSION));
    }
    for why in line.unread {
        reading.doubt("unread_content", why);
    }
    if let Some(name) = plan.splits.filter(|_| meaning.refused.is_none()) {
        reading.doubt(
            "unreadable_content",
            format!("--{name} holds what ends a line of the request: the server may read another one"),
        );
    }
    if meaning.too_many {
        reading.doubt("unknown_fact", format!("a URL stands for more than {} requests", globs::MOST));
    }
    reading
}

fn effective(meaning: &Meaning, configs: &[Bytes]) -> std::collections::BTreeMap<String, Value> {
    let request = |request: &Request| {
        json!({
            "method": request.method, "scheme": request.url.scheme, "host": request.url.host,
            "port": request.url.port, "path": request.url.path, "connect": request.connect,
        })
    };
    let configs: Vec<String> = configs.iter().map(|path| shown(path)).collect();
    [
        ("requests", Value::from(meaning.requests.iter().map(request).collect::<Vec<_>>())),
        ("uploads_files", json!(meaning.sends)),
        ("writes_files", json!(meaning.writes)),
        ("reads_config", json!(configs)),
        ("bypass_dns", json!(meaning.bypasses_dns)),
        ("follows_redirects", json!(meaning.follows)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn operations(meaning: &Meaning) -> Vec<Operation> {
    let mut out: Vec<Operation> = Vec::new();
    for request in &meaning.requests {
        let operation = http(request);
        if !out.contains(&operation) {
            out.push(operation);
        }
    }
    let file = |path: &String| Resource::new("File", path.clone()).with("path", path.clone());
    out.extend(meaning.sends.iter().map(|path| Operation::new("file.send", Effect::Disclose, file(path))));
    out.extend(meaning.writes.iter().map(|path| Operation::new("file.write", Effect::Write, file(path))));
    out.extend(meaning.reads.iter().map(|path| Operation::new("file.read", Effect::Read, file(path))));
    let program = |name: &str| Resource::new("Program", name).with("command", name);
    out.extend(meaning.loads.iter().map(|name| Operation::new("program.run", Effect::Execute, program(name))));
    if out.is_empty() {
        let info = Operation::new("tool.info", Effect::Read, program("curl"));
        out.push(match &meaning.refused {
            Some(why) => info.with("detail", format!("refused by the tool: {why}")),
            None => info,
        });
    }
    out
}

fn http(request: &Request) -> Operation {
    let url = &request.url;
    let (action, effect) = match request.method.as_deref() {
        Some("GET" | "HEAD" | "OPTIONS") => ("http.get", Effect::Read),
        Some("DELETE") => ("http.delete", Effect::Destroy),
        Some(_) => ("http.send", Effect::Write),
        None => ("http.other", Effect::Execute),
    };
    let resource = Resource::new("Url", url.shown())
        .with("scheme", url.scheme.clone())
        .with("host", url.host.clone())
        .with("port", url.port)
        .with("path", url.path.clone());
    let mut operation = Operation::new(action, effect, resource).with("redirects", request.follows);
    if let Some(method) = &request.method {
        operation = operation.with("method", method.clone());
    }
    if let Some(connect) = &request.connect {
        operation = operation.with("connect", connect.clone());
    }
    operation
}
