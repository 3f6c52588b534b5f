//! Settings into transfers: what each group between `--next` asks for, URL by URL, as curl takes them up one by one.

use crate::model::{Bytes, Facts};

use super::data::Data;
use super::options::Release;
use super::route::Route;
use super::stores::{Kind as Holds, Store};
use super::{forms, values};

/// One thing that curl is told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The option's long name.
    pub name: &'static str,
    pub value: Bytes,
    /// False for `--no-…`.
    pub on: bool,
}

/// Why curl goes no further with its words.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    Refused(String),
    /// It prints something instead: the engines that it knows.
    Prints,
}

/// A method that options ask for; curl takes one (SetHTTPrequest).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Get,
    Head,
    Form,
    Post,
    Put,
}

/// The settings of one group.
#[derive(Debug, Default)]
pub struct Group {
    pub nodes: Vec<Node>,
    /// What the options ask for so far.
    pub kind: Option<Kind>,
    /// `--request`, verbatim.
    pub request: Option<Bytes>,
    pub request_target: Option<Bytes>,
    pub get: bool,
    pub no_body: bool,
    /// Each with whether `--json` gave it.
    pub data: Vec<(Data, bool)>,
    pub query: Vec<Data>,
    /// Files that are sent within a form.
    pub form_files: Vec<Bytes>,
    /// Files whose lines are sent as headers.
    pub header_files: Vec<Bytes>,
    /// The same for a proxy that speaks HTTP; without one they stay here.
    pub proxy_header_files: Vec<Bytes>,
    pub cookie_files: Vec<Bytes>,
    pub etag_compare: Option<Bytes>,
    pub etag_save: Option<Bytes>,
    pub dump_header: Option<Bytes>,
    pub cookie_jar: Option<Bytes>,
    pub hsts: Option<Bytes>,
    pub alt_svc: Option<Bytes>,
    pub netrc: bool,
    pub netrc_file: Option<Bytes>,
    pub follows: bool,
    pub as_is: bool,
    pub no_glob: bool,
    pub no_user: bool,
    pub no_clobber: bool,
    /// `--proto-default`.
    pub scheme: Option<Bytes>,
    /// `--proto`: what is left of all.
    pub schemes: Option<Vec<&'static str>>,
    pub names_by_header: bool,
    pub output_dir: Option<Bytes>,
    pub route: Route,
    /// A library that curl would load.
    pub engine: Option<Bytes>,
    /// Files that `--write-out` of curl 8.3 writes.
    pub written_out: Vec<Bytes>,
    /// `--aws-sigv4`.
    signature: Option<Bytes>,
    /// `--user`: then no login is looked up.
    pub user: bool,
    /// The ways to log in that curl may choose from.
    logins: Vec<&'static str>,
    /// A header of the caller's stands in the place of a login.
    authorizes: bool,
    /// `--junk-session-cookies`.
    pub no_session: bool,
    /// The caller's own credential: `--user`, `--netrc`, an `Authorization` header.
    pub own_credential: bool,
    /// Certificates are not checked.
    pub insecure: bool,
    /// The least and the greatest 1.x of TLS, where one is said.
    tls: [Option<u8>; 2],
    remote_names: bool,
    /// Before these, all nodes have a URL, an output, an upload.
    next: [usize; 3],
    form_depth: i32,
    odd_form: bool,
    /// A part of the form has an encoder that curl does not have.
    pub odd_encoder: bool,
    shows_headers: bool,
    resumes_here: bool,
    fails: bool,
    fails_with_body: bool,
}

/// A URL with its own output and upload. Each is filled in order, apart from the others.
#[derive(Debug, Default)]
pub struct Node {
    pub url: Option<Bytes>,
    pub output: Option<Output>,
    /// Empty for `-T ''`: nothing is sent.
    pub upload: Option<Bytes>,
    filled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    File(Bytes),
    /// `--remote-name`.
    Remote,
}

/// All that the line says: the groups, and what holds for all of them.
#[derive(Debug)]
pub struct Plan {
    /// Never empty; the last one takes settings.
    pub groups: Vec<Group>,
    /// Files that `--stderr` opens while curl still reads its words.
    pub stderr: Vec<Bytes>,
    pub trace: Option<Bytes>,
    pub libcurl: Option<Bytes>,
    pub parallel: bool,
    /// How many transfers run at a time.
    pub at_once: u64,
    pub fail_early: bool,
    /// Something that would show a credential: `--verbose`, a trace.
    pub shows_headers: bool,
    /// A word that would end the request's line or a header early, so that the server reads another request than is
    /// written: curl sends it as it is.
    pub splits: Option<&'static str>,
    pub release: Release,
    /// What 7.88 refuses and another release may take.
    pub odd: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan::of(Release::Other)
    }
}

impl Plan {
    pub fn of(release: Release) -> Plan {
        Plan {
            release,
            odd: Vec::new(),
            groups: vec![Group::default()],
            stderr: Vec::new(),
            trace: None,
            libcurl: None,
            parallel: false,
            at_once: 50,
            fail_early: false,
            shows_headers: false,
            splits: None,
        }
    }

    /// Takes up one setting. On an error curl stops; in a config it only warns and goes on.
    pub fn apply(&mut self, setting: &Setting) -> Result<(), Stop> {
        if let Some(why) =
            values::refused(setting.name, &setting.value).filter(|_| setting.on || setting.name == "metalink")
        {
            let why = format!("--{} {why}", setting.name);
            match self.release {
                Release::V7_88 => return Err(Stop::Refused(why)),
                Release::V8 | Release::Later | Release::Other => self.odd.push(why),
            }
        }
        let release = self.release;
        if values::splits(setting.name, &setting.value) {
            self.splits.get_or_insert(setting.name);
        }
        if setting.name == "next" {
            self.form_types();
            if self.last().nodes.first().is_some_and(|node| node.url.is_some()) {
                self.groups.push(Group::default());
            }
        } else if !self.global(setting) {
            self.last().set(setting, release)?;
        }
        let group = self.last();
        let letter_f =
            ["fail", "fail-early", "fail-with-body", "styled-output", "mail-rcpt-allowfails", "remove-on-error"];
        if letter_f.contains(&setting.name) && group.fails && group.fails_with_body && release != Release::Later {
            return Err(Stop::Refused("--fail and --fail-with-body exclude each other".to_owned()));
        }
        Ok(())
    }

    /// What curl refuses when it has read all its words.
    pub fn finish(&mut self) -> Result<(), Stop> {
        self.form_types();
        let strict = self.release == Release::V7_88;
        let group = self.last();
        match strict && group.names_by_header && (group.shows_headers || group.resumes_here) {
            true => Err(Stop::Refused("--remote-header-name goes with neither --include nor --continue-at -".into())),
            false => Ok(()),
        }
    }

    /// A type that is none: 7.88 refuses the form when it reads it, others only warn.
    fn form_types(&mut self) {
        if self.last().odd_form {
            self.odd.push("a form's part has a type that is no MAJOR/MINOR".to_owned());
        }
    }

    fn last(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let at = self.groups.len() - 1;
        &mut self.groups[at]
    }

    fn global(&mut self, setting: &Setting) -> bool {
        match setting.name {
            "trace" | "trace-ascii" => {
                self.shows_headers = true;
                // `%` is standard error.
                self.trace = Some(setting.value.clone()).filter(|path| path.as_slice() != b"%");
            }
            "verbose" => {
                self.shows_headers |= setting.on;
                self.trace = None;
            }
            "libcurl" => {
                self.shows_headers = true;
                self.libcurl = Some(setting.value.clone());
            }
            "stderr" => self.stderr.push(setting.value.clone()),
            "parallel" => self.parallel = setting.on,
            "parallel-max" => {
                let number = setting.value.text().and_then(|text| text.trim().parse().ok()).unwrap_or(50);
                self.at_once = if number == 0 { 50 } else { number };
            }
            "fail-early" => self.fail_early = setting.on,
            _ => return false,
        }
        true
    }
}

impl Group {
    fn set(&mut self, setting: &Setting, release: Release) -> Result<(), Stop> {
        let Setting { name, value, on } = setting;
        match *name {
            "url" => self.node(0, |node| node.url.is_some()).url = Some(value.clone()),
            "output" => self.node(1, |node| node.filled).out(Some(Output::File(value.clone()))),
            // What newer releases take back is only what stood before.
            "remote-name" if !on && release.is_v8() => {}
            "remote-name" => self.node(1, |node| node.filled).out(on.then_some(Output::Remote)),
            "remote-name-all" => self.remote_names = *on,
            "upload-file" => self.node(2, |node| node.upload.is_some()).upload = Some(value.clone()),
            "request" => self.request = Some(value.clone()),
            "request-target" => self.request_target = Some(value.clone()),
            "get" => self.get = *on,
            "head" => {
                (self.no_body, self.shows_headers) = (*on, *on);
                return self.ask(if *on { Kind::Head } else { Kind::Get });
            }
            "include" | "show-headers" => self.shows_headers = *on,
            "form" | "form-string" => {
                let form = forms::read(value, *name == "form-string").map_err(Stop::Refused)?;
                if form.odd_type && release == Release::V7_88 {
                    return Err(Stop::Refused("the type of a form's part is no MAJOR/MINOR".to_owned()));
                }
                self.odd_form |= form.odd_type;
                self.form_depth += form.nests;
                if self.form_depth < 0 {
                    self.form_depth = 0;
                    return Err(Stop::Refused("no part of the form is open".to_owned()));
                }
                self.form_files.extend(form.files);
                self.odd_encoder |= form.odd_encoder;
                return self.ask(Kind::Form);
            }
            "data" | "data-ascii" | "data-binary" | "data-raw" | "data-urlencode" | "json" => {
                self.data.push((Data::of(name, value), *name == "json"));
            }
            "url-query" => self.query.push(Data::of(name, value)),
            "engine" if value.eq_ignore_ascii_case(b"list") => return Err(Stop::Prints),
            "fail" => self.fails = *on,
            "fail-with-body" => self.fails_with_body = *on,
            _ if self.route.set(setting) || self.files(setting) => {}
            _ => self.switches(setting),
        }
        Ok(())
    }

    fn switches(&mut self, setting: &Setting) {
        let Setting { name, value, on } = setting;
        match *name {
            "location" | "location-trusted" => self.follows = *on,
            "path-as-is" => self.as_is = *on,
            "globoff" => self.no_glob = *on,
            "disallow-username-in-url" => self.no_user = *on,
            "proto-default" => self.scheme = Some(value.clone()),
            "proto" => self.schemes = values::protocols(value),
            "remote-header-name" => self.names_by_header = *on,
            "clobber" => self.no_clobber = !*on,
            "continue-at" => self.resumes_here = value.as_slice() == b"-",
            "insecure" => self.insecure = *on,
            "tlsv1" | "tlsv1.0" | "tlsv1.1" | "tlsv1.2" | "tlsv1.3" => self.tls[0] = values::minor_of_tls(name),
            "tls-max" => self.tls[1] = value.text().and_then(values::minor_of_tls),
            "engine" => self.engine = Some(value.clone()),
            "user" | "oauth2-bearer" | "aws-sigv4" => {
                self.own_credential = true;
                self.user |= *name == "user";
                if *name != "user" {
                    self.logins.push(name);
                }
                if *name == "aws-sigv4" {
                    self.signature = Some(value.clone());
                }
            }
            // A library is loaded for such a key, and the address may name it (RFC 7512 section 2.3, `module-path`).
            "cert" | "key" | "proxy-cert" | "proxy-key" => {
                self.own_credential |= value.to_ascii_lowercase().starts_with(b"pkcs11:");
            }
            "junk-session-cookies" => self.no_session = *on,
            "negotiate" | "ntlm" | "ntlm-wb" | "anyauth" | "digest" | "basic" => {
                self.own_credential |= *on && !matches!(*name, "basic" | "ntlm-wb");
                self.logins.retain(|login| login != name || *name == "anyauth");
                self.logins.extend(on.then_some(*name));
            }
            _ => {}
        }
    }

    /// Options that name files; the later one of two that name the same kind counts.
    fn files(&mut self, setting: &Setting) -> bool {
        let Setting { name, value, on } = setting;
        let path = Some(value.clone()).filter(|path| !path.is_empty());
        match *name {
            "dump-header" => self.dump_header = path,
            "cookie-jar" => self.cookie_jar = path,
            "etag-save" => self.etag_save = path,
            "etag-compare" => self.etag_compare = path,
            "hsts" => self.hsts = path,
            "alt-svc" => self.alt_svc = path,
            "output-dir" => self.output_dir = path,
            "header" | "proxy-header" => {
                let files = if name == &"header" { &mut self.header_files } else { &mut self.proxy_header_files };
                files.extend(value.strip_prefix(b"@").map(Bytes::from));
                let authorizes = value.to_ascii_lowercase().starts_with(b"authorization");
                self.own_credential |= authorizes;
                self.authorizes |= authorizes && name == &"header";
            }
            "cookie" => match value.strip_prefix(b"@") {
                Some(path) => self.cookie_files.push(path.into()),
                None if !value.contains(&b'=') => self.cookie_files.push(value.clone()),
                None => {}
            },
            "netrc" | "netrc-optional" => {
                self.netrc = *on;
                self.own_credential |= *on;
            }
            "netrc-file" => {
                self.own_credential = true;
                self.netrc_file = path;
            }
            "write-out" => self.written_out = values::written_out(value),
            _ => return false,
        }
        true
    }

    /// How many bytes the query gets.
    pub fn query_size(&self, facts: &Facts) -> usize {
        let data = self.data.iter().filter(|_| self.get).map(|(data, _)| data);
        data.chain(&self.query).map(|data| data.size(facts)).sum()
    }

    /// The files that logins are looked for in.
    pub fn netrc_paths<'a>(&'a self, stores: &'a [Store]) -> Vec<&'a Bytes> {
        let own = stores.iter().find(|store| store.kind == Holds::Logins && store.is_default).map(|store| &store.path);
        let own = own.filter(|_| self.netrc && self.netrc_file.is_none());
        self.netrc_file.iter().chain(own).filter(|_| !self.user && !self.authorizes).collect()
    }

    /// Whether curl is left with one way to log in, and it takes an answer of the server's.
    pub fn negotiates(&self) -> bool {
        matches!(self.logins.as_slice(), ["digest"] | ["ntlm"])
    }

    /// curl makes no request that it was told to sign for nobody: `--aws-sigv4 ''` with a user.
    pub fn signs_in_vain(&self) -> bool {
        self.user && self.signature.as_ref().is_some_and(|names| matches!(names.first(), None | Some(b':')))
    }

    /// The least version of TLS is a later one than the greatest.
    pub fn no_tls(&self) -> bool {
        matches!(self.tls, [Some(least), Some(greatest)] if least > greatest)
    }

    /// curl takes one kind of request.
    pub fn ask(&mut self, kind: Kind) -> Result<(), Stop> {
        if *self.kind.get_or_insert(kind) == kind {
            return Ok(());
        }
        Err(Stop::Refused("more than one method is asked for".to_owned()))
    }

    /// The first node whose part is not filled yet, or a new one.
    fn node(&mut self, part: usize, filled: impl Fn(&Node) -> bool) -> &mut Node {
        let mut at = self.next[part];
        while self.nodes.get(at).is_some_and(&filled) {
            at += 1;
        }
        self.next[part] = at;
        if at == self.nodes.len() {
            let output = self.remote_names.then_some(Output::Remote);
            self.nodes.push(Node { output, ..Node::default() });
        }
        &mut self.nodes[at]
    }
}

impl Node {
    fn out(&mut self, output: Option<Output>) {
        self.output = output;
        self.filled = true;
    }
}
