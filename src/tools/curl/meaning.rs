//! What a line would do: its requests in order, files sent and written. It follows curl transfer by transfer
//! (tool_operate.c), because where curl gives up at one, those behind it are not made.

use std::collections::BTreeSet;

use crate::model::{Bytes, Facts, Invocation};

#[cfg(feature = "reading")]
use super::FOLDERS;
use super::beside;
use super::data::{joined, small_escapes};
use super::globs::{Expanded, Glob, MOST};
use super::line::is_stdin;
use super::options::Release;
#[cfg(feature = "reading")]
use super::outputs::plain;
use super::outputs::{output, with_file_name};
use super::request::Request;
use super::route::{self, Names, Way};
use super::stores::{Asked, Host, Kind as Holds, Store};
use super::transfer::{Group, Kind, Node, Plan};
use super::url::{How, Parts, Url, is_newer, scheme, shown};
use super::{ENGINES, EXISTING, MISSING, STORES};

/// Patterns are written out up to this many bytes.
const EXPANDED: u64 = 1 << 20;

/// How many bytes of URLs and queries are gone through in all; curl itself would take longer than anybody waits.
const BYTES: usize = 4 << 20;

/// Everything the line would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    pub requests: Vec<Request>,
    /// What it connects to and then asks for nothing: the name it looks up and the address have gone out all the same.
    pub reached: Vec<Request>,
    pub sends: BTreeSet<String>,
    pub writes: BTreeSet<String>,
    /// Local files that are read by `file:` URLs.
    pub reads: BTreeSet<String>,
    pub loads: BTreeSet<String>,
    pub bypasses_dns: bool,
    pub follows: bool,
    /// Why curl gives up before it asks for anything.
    pub refused: Option<String>,
    /// What stands for more requests than are listed.
    pub too_many: bool,
    /// A host whose ASCII form is not certain.
    pub unsure: Option<String>,
}

/// curl gives up: nothing that follows is done.
pub struct GaveUp(pub &'static str);

/// One transfer in the making.
struct Transfer<'a> {
    group: &'a Group,
    node: &'a Node,
    url: &'a Expanded,
    upload: Option<&'a Bytes>,
}

struct Walk<'a> {
    meaning: Meaning,
    names: Names,
    variables: &'a route::Variables,
    facts: &'a Facts,
    release: Release,
    missing: Vec<Bytes>,
    existing: BTreeSet<String>,
    stores: Vec<Store>,
    engines: Vec<Bytes>,
    made: u64,
    bytes: usize,
    fail_early: bool,
}

impl Meaning {
    pub fn of(plan: &mut Plan, invocation: &Invocation, facts: &Facts) -> Meaning {
        let existing = facts.get::<Vec<Bytes>>(EXISTING).unwrap_or_default();
        let mut walk = Walk {
            meaning: Meaning::default(),
            names: Names::default(),
            variables: &invocation.variables,
            facts,
            release: Release::of(facts.version.as_deref()),
            missing: facts.get(MISSING).unwrap_or_default(),
            existing: existing.iter().map(|path| shown(path)).collect(),
            stores: facts.get(STORES).unwrap_or_default(),
            engines: facts.get(ENGINES).unwrap_or_default(),
            made: 0,
            bytes: 0,
            // Side by side, what fails does not keep the others from being asked.
            fail_early: plan.fail_early && !plan.parallel,
        };
        for group in &mut plan.groups {
            let Err(GaveUp(why)) = walk.group(group) else { continue };
            // Side by side, curl makes all transfers ready before it starts the first.
            if plan.parallel && walk.made < plan.at_once {
                walk.meaning = Meaning { writes: walk.meaning.writes, loads: walk.meaning.loads, ..Meaning::default() };
            }
            if walk.meaning.connections().next().is_none() {
                walk.meaning.refused = Some(why.to_owned());
            }
            break;
        }
        let (made, mut meaning) = (walk.made, walk.meaning);
        let asks = made > 0;
        for path in plan.trace.iter().filter(|_| asks).chain(&plan.libcurl) {
            meaning.write(path);
        }
        meaning
    }

    /// Whatever it connects to, also where it comes to no request.
    pub fn connections(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().chain(&self.reached)
    }

    /// Every path that is touched.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.sends.iter().chain(&self.writes).chain(&self.reads)
    }

    /// Says every path as plainly as it can be said.
    #[cfg(feature = "reading")]
    pub fn settle(&mut self, invocation: &Invocation, facts: &Facts) {
        let folders: Vec<String> = facts.get(FOLDERS).unwrap_or_default();
        let cwd = invocation.cwd.as_ref().and_then(Bytes::text);
        for paths in [&mut self.sends, &mut self.writes, &mut self.reads] {
            *paths = std::mem::take(paths).iter().map(|path| plain(path, cwd, &folders)).collect();
        }
    }

    /// Notes a file that is written.
    pub fn write(&mut self, path: &[u8]) {
        if !matches!(path, b"" | b"-" | b"/dev/null" | b"/dev/stdout" | b"/dev/stderr") {
            self.writes.insert(shown(path));
        }
    }

    fn send(&mut self, path: &[u8]) {
        if !matches!(path, b"" | b"/dev/null") && !is_stdin(path) {
            self.sends.insert(shown(path));
        }
    }
}

impl Walk<'_> {
    fn group(&mut self, group: &mut Group) -> Result<(), GaveUp> {
        if group.nodes.first().is_none_or(|node| node.url.is_none()) {
            return Err(GaveUp("there is no URL"));
        }
        if !group.data.is_empty() {
            let kind = match (group.get, group.no_body) {
                (true, true) => Kind::Head,
                (true, false) => Kind::Get,
                (false, _) => Kind::Post,
            };
            group.ask(kind).map_err(|_| GaveUp("more than one method is asked for"))?;
        }
        let (before, reached, made) = (self.meaning.requests.len(), self.meaning.reached.len(), self.made);
        self.meaning.loads.extend(group.engine.iter().map(|name| shown(name)));
        self.meaning.follows |= group.follows;
        let resolves = self.names.take(&group.route).is_ok();
        let nodes = std::mem::take(&mut group.nodes);
        let done = nodes.iter().try_for_each(|node| self.node(group, node, resolves));
        group.nodes = nodes;
        self.sent(group, before);
        if self.made > made {
            self.kept(group);
        }
        let connections = [&self.meaning.requests[before..], &self.meaning.reached[reached..]].concat();
        match beside::asked(&group.route, &connections, self.release) {
            Ok(more) => self.meaning.reached.extend(more),
            Err(server) => self.meaning.unsure = Some(server),
        }
        let requests = &self.meaning.requests[before..];
        let elsewhere = !group.route.resolve.is_empty() || !group.route.connect_to.is_empty();
        self.meaning.bypasses_dns |= !requests.is_empty() && (group.route.doh || (group.follows && elsewhere))
            || requests.iter().any(|request| request.connect.is_some());
        done
    }

    fn node(&mut self, group: &mut Group, node: &Node, resolves: bool) -> Result<(), GaveUp> {
        let Some(url) = &node.url else { return Ok(()) };
        let upload = node.upload.as_ref().filter(|path| !path.is_empty());
        let uploads = match upload {
            Some(path) => self.expanded(group, path)?.into_iter().map(|one| Some(Bytes(one.url))).collect(),
            None => vec![None],
        };
        let urls = self.expanded(group, url)?;
        for upload in &uploads {
            for url in &urls {
                self.bytes += url.url.len() + 256;
                if self.meaning.connections().count() as u64 > MOST || self.bytes > BYTES {
                    self.meaning.too_many = true;
                    return Ok(());
                }
                if upload.is_some() {
                    self.opened(group);
                    group.ask(Kind::Put).map_err(|_| GaveUp("more than one method is asked for"))?;
                }
                self.transfer(&Transfer { group, node, url, upload: upload.as_ref() }, resolves)?;
            }
        }
        Ok(())
    }

    /// What a pattern stands for; where that is a great many, one in their place.
    fn expanded(&mut self, group: &Group, pattern: &[u8]) -> Result<Vec<Expanded>, GaveUp> {
        if group.no_glob {
            return Ok(vec![Expanded::plain(pattern)]);
        }
        let glob = Glob::of(pattern).map_err(|_| GaveUp("curl does not take the pattern of a URL"))?;
        let few = glob.amount <= MOST && glob.amount * pattern.len() as u64 <= EXPANDED;
        if few || glob.amount == 1 {
            return Ok(glob.expand());
        }
        self.meaning.too_many = true;
        Ok(vec![Expanded::plain(&glob.summary())])
    }

    /// Files that curl opens when it makes a transfer ready, whatever becomes of it.
    fn opened(&mut self, group: &Group) {
        for path in group.etag_save.iter() {
            self.meaning.write(path);
        }
    }

    fn transfer(&mut self, transfer: &Transfer<'_>, resolves: bool) -> Result<(), GaveUp> {
        let Transfer { group, node, url, upload } = transfer;
        let strict = self.release == Release::V7_88;
        if let Some(path) = &group.etag_compare
            && strict
            && group.etag_save.is_none()
            && self.missing.contains(path)
        {
            return Err(GaveUp("the file of --etag-compare is not there"));
        }
        self.opened(group);
        group.dump_header.iter().for_each(|path| self.meaning.write(path));
        let output = output(group, node, url, self.release)?;
        let mut text = url.url.clone();
        let stdin = upload.is_some_and(|path| matches!(path.as_slice(), b"-" | b"."));
        if let Some(path) = upload.filter(|_| !stdin) {
            text = with_file_name(text, path, self.release).ok_or(GaveUp("curl does not take the URL of an upload"))?;
        }
        if !group.query.is_empty() || (group.get && !group.data.is_empty()) {
            self.bytes += group.query_size(self.facts);
            text = self.with_query(group, &text).ok_or(GaveUp("curl does not take the URL of a query"))?;
        }
        if group.odd_encoder {
            return Err(GaveUp("curl does not have the encoder of a form's part"));
        }
        if group.engine.as_ref().is_some_and(|engine| !self.engines.contains(engine)) {
            return Err(GaveUp("the library of --engine is not there"));
        }
        self.made += 1;
        if self.performed(transfer, &text, output, resolves).is_none() && self.fail_early {
            return Err(GaveUp("curl does not take a URL"));
        }
        Ok(())
    }

    /// `--get` puts the data into the query; without it `--url-query` its own.
    fn with_query(&self, group: &Group, text: &[u8]) -> Option<Vec<u8>> {
        let mut parts = Parts::of(text, How::of(self.release))?;
        parts.url()?;
        let more = if group.get && !group.data.is_empty() {
            joined(group.data.iter().map(|(data, json)| (data, *json)), self.facts, &self.missing)
        } else {
            joined(group.query.iter().map(|data| (data, false)), self.facts, &self.missing)
        };
        let more = small_escapes(&more);
        let mut query = parts.query.take().unwrap_or_default();
        if !query.is_empty() && !query.ends_with(b"&") {
            query.push(b'&');
        }
        query.extend(more);
        parts.query = Some(query);
        Some(parts.text())
    }

    /// The transfer itself; `None` where curl goes on to the next without having asked for anything.
    fn performed(
        &mut self,
        transfer: &Transfer<'_>,
        text: &[u8],
        output: Option<Vec<u8>>,
        resolves: bool,
    ) -> Option<()> {
        let Transfer { group, upload, .. } = transfer;
        let text = match &group.scheme {
            Some(default) if scheme(text).is_none() => [default.as_slice(), b"://", text].concat(),
            _ => text.to_vec(),
        };
        let mut url =
            Parts::of(&text, How { as_is: group.as_is, no_user: group.no_user, release: self.release })?.url()?;
        self.only_https(group, &mut url);
        let left_out = group.schemes.as_ref().is_some_and(|schemes| !schemes.contains(&url.scheme.as_str()));
        if left_out || (is_newer(&url.scheme) && self.release == Release::V7_88) {
            return None;
        }
        if !resolves {
            return None;
        }
        if url.scheme == "file" {
            match upload {
                Some(_) => self.meaning.write(url.path.as_bytes()),
                None => {
                    self.meaning.reads.insert(url.path.clone());
                }
            }
            output.iter().for_each(|path| self.answered(group, path));
            return Some(());
        }
        let mut way = route::way(&group.route, &url, self.variables, &self.names, self.release).ok()?;
        if way.connect.is_none() {
            way.connect = self.other_service(group, &url);
        }
        if url.unsure {
            self.meaning.unsure.get_or_insert(url.host.clone());
        }
        if let Some(target) = group.request_target.as_ref().filter(|_| url.is_http()) {
            url.path = shown(target);
        }
        // What is wrong with it curl sees only when it is connected.
        let in_vain = way.in_vain
            || url.is_http() && self.release == Release::V7_88 && group.signs_in_vain()
            || matches!(url.scheme.as_str(), "https" | "wss") && group.no_tls();
        let method = (url.is_http() || is_newer(&url.scheme)).then(|| method(group, upload.is_some()));
        let as_http = method.is_some() || (way.http_proxy && url.scheme == "ftp");
        let asks_first = method.is_some() && self.asks_first(group, &url, upload.is_some());
        let led = group.route.doh && beside::is_led(&url, way.connect.as_deref());
        let Way { connect, http_proxy, .. } = way;
        let request = Request { url, method, connect, http_proxy, led, follows: group.follows, as_http };
        if in_vain {
            self.meaning.reached.push(request);
            return Some(());
        }
        output.iter().for_each(|path| self.answered(group, path));
        upload.iter().for_each(|path| self.meaning.send(if path.as_slice() == b"." { b"-" } else { path }));
        self.meaning.requests.extend(asks_first.then(|| request.clone()));
        self.meaning.requests.push(request);
        Some(())
    }

    /// With a login that takes an answer of the server's, curl sends a request with a body first without it.
    fn asks_first(&self, group: &Group, url: &Url, uploads: bool) -> bool {
        let body = uploads || matches!(group.kind, Some(Kind::Form | Kind::Post)) && !group.no_body;
        let asked = || Asked::of(std::iter::once(url));
        let looked_up = || {
            let paths = group.netrc_paths(&self.stores);
            let stores =
                self.stores.iter().filter(|s| s.kind == Holds::Logins && paths.iter().any(|path| **path == s.path));
            stores.into_iter().any(|store| asked().is_any_of(&store.hosts, false))
        };
        body && group.negotiates() && (group.user || url.userinfo || looked_up())
    }

    /// `--hsts`: a host that is only asked by https.
    fn only_https(&self, group: &Group, url: &mut Url) {
        let known = |path: &Bytes| self.hosts(path, Holds::Https).any(|host| host.is(&url.host));
        if url.scheme == "http" && group.hsts.as_ref().is_some_and(known) {
            url.scheme = "https".to_owned();
            if url.port == 80 {
                url.port = 443;
            }
        }
    }

    /// `--alt-svc`: the other service of a host.
    fn other_service(&self, group: &Group, url: &Url) -> Option<String> {
        let path = group.alt_svc.as_ref().filter(|_| url.scheme == "https")?;
        let (_, to) = self
            .hosts(path, Holds::Services)
            .filter(|host| host.is(&url.host))
            .find_map(|host| host.to.as_ref().filter(|(port, _)| *port == url.port))?;
        Some(to.clone())
    }

    fn hosts<'s>(&'s self, path: &'s Bytes, kind: Holds) -> impl Iterator<Item = &'s Host> {
        self.stores.iter().filter(move |store| store.kind == kind && store.path == *path).flat_map(|store| &store.hosts)
    }

    /// Files that leave with the requests of a group.
    fn sent(&mut self, group: &Group, before: usize) {
        let requests = self.meaning.requests[before..].to_vec();
        let http = requests.iter().any(|request| request.as_http);
        let mail = requests.iter().any(|r| matches!(r.url.scheme.as_str(), "smtp" | "smtps" | "imap" | "imaps"));
        if requests.is_empty() {
            return;
        }
        let bodies = group.data.iter().filter(|_| http || group.get).map(|(data, _)| data);
        let queries = group.query.iter().filter(|_| !group.get || group.data.is_empty());
        let from_data = bodies.chain(queries).filter_map(super::data::Data::path);
        let forms = group.form_files.iter().filter(|_| http || mail);
        let proxied = requests.iter().any(|request| request.http_proxy);
        let to_proxy = group.proxy_header_files.iter().filter(|_| proxied);
        let headers = group.header_files.iter().chain(&group.etag_compare).filter(|_| http).chain(to_proxy);
        let headers =
            headers.filter(|path| group.etag_compare.as_ref() != Some(*path) || !self.missing.contains(*path));
        let asked = Asked::of(requests.iter().map(|request| &request.url));
        let held = group.cookie_files.iter().filter(|_| http).map(|path| (path, Holds::Cookies));
        let held = held.chain(group.netrc_paths(&self.stores).into_iter().map(|path| (path, Holds::Logins)));
        let held = held.filter(|(path, kind)| {
            let store = self.stores.iter().find(|store| store.kind == *kind && store.path == **path);
            store.is_none_or(|store| asked.is_any_of(&store.hosts, group.no_session))
        });
        let all: Vec<&Bytes> = from_data.chain(forms).chain(headers).chain(held.map(|(path, _)| path)).collect();
        all.into_iter().for_each(|path| self.meaning.send(path));
    }

    /// Files that are written when a transfer is over, also one that failed.
    fn kept(&mut self, group: &Group) {
        let kept = [&group.cookie_jar, &group.hsts, &group.alt_svc].into_iter().flatten();
        let written_out = group.written_out.iter().filter(|_| self.release != Release::V7_88);
        let kept: Vec<&Bytes> = kept.chain(written_out).collect();
        kept.into_iter().for_each(|path| self.meaning.write(path));
    }

    /// A file that an answer goes to. `--no-clobber`: what is there already stays, and a number is put behind the name.
    fn answered(&mut self, group: &Group, path: &[u8]) {
        let named = !matches!(path, b"" | b"-" | b"/dev/null" | b"/dev/stdout" | b"/dev/stderr" | b"*");
        if !group.no_clobber || !named {
            return self.meaning.write(path);
        }
        let name = shown(path);
        let numbered = (1..100).map(|n| format!("{name}.{n}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !self.existing.contains(name));
        self.existing.extend(free.clone());
        self.meaning.writes.extend(free);
    }
}

/// The method, as curl infers it.
fn method(group: &Group, upload: bool) -> String {
    match (&group.request, group.kind) {
        (Some(own), _) => shown(own),
        (None, _) if upload => "PUT".to_owned(),
        (None, _) if group.no_body => "HEAD".to_owned(),
        (None, Some(Kind::Form | Kind::Post)) => "POST".to_owned(),
        (None, _) => "GET".to_owned(),
    }
}
