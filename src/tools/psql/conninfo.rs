//! Where psql would connect: options, conninfo strings, URIs, service entries and PG* variables, in libpq's order
//! (PostgreSQL documentation, "Connection Strings" and "Environment Variables").

use std::collections::BTreeMap;

use super::parameters;
use super::version::Version;
use crate::model::Bytes;

/// Connection parameters by libpq's names. An empty value in a connection string stands in the way of what is said
/// elsewhere, and means the default; an empty word of the line is as good as none.
pub type Params = BTreeMap<String, String>;

/// The variables that stand for parameters. PGPASSWORD is not among them: its value never leaves the machine.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGOPTIONS", "options"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGSSLKEY", "sslkey"),
];

/// More of them, of which only matters whether libpq takes their words.
pub const CHECKED: &[(&str, &str)] = &[
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGSSLMODE", "sslmode"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

/// What a connection asks for, once everything has had its say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The first host as named; `None` for the local socket.
    pub host: Option<String>,
    /// Where TCP goes instead of asking for the host's address.
    pub hostaddr: Option<String>,
    pub port: u16,
    pub database: String,
    pub user: String,
    /// More than one host is named; psql would try them in turn.
    pub several: bool,
    /// All parameters that were given, passwords left out.
    pub params: Params,
}

impl Target {
    /// The library that OpenSSL is to load for the key, which may be any file: with a colon in it `sslkey` is `ENGINE:KEY`
    /// (PostgreSQL documentation, "Parameter Key Words"; ENGINE_by_id(3)).
    pub fn engine(&self) -> Option<&str> {
        self.params.get("sslkey")?.split_once(':').map(|(engine, _)| engine)
    }

    /// What `\c` takes over into the next connection.
    #[cfg(feature = "reading")]
    pub fn kept(&self) -> Params {
        let mut params = self.params.clone();
        params.retain(|_, value| !value.is_empty());
        params.insert("user".into(), self.user.clone());
        params.insert("dbname".into(), self.database.clone());
        params.entry("port".into()).or_insert_with(|| self.port.to_string());
        params
    }
}

/// Why a target cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// libpq would not take what is given.
    Malformed,
    /// The service named is in none of the files, or with what is no setting.
    Service,
    /// The string names a service file of its own, which nobody read.
    ServiceFile,
    /// Nobody knows the name of the user who runs psql.
    NoUser,
}

/// The things a target is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `-h`, `-p`, `-U` or what stands for them.
    pub host: Option<Bytes>,
    pub port: Option<Bytes>,
    pub user: Option<Bytes>,
    /// A name, a conninfo string or a URI.
    pub dbname: Option<Bytes>,
    pub environment: Params,
    /// Variables whose words libpq checks, by their parameters.
    pub words: Params,
    /// PGSERVICE.
    pub service: Option<String>,
    /// Entries of the service files, without passwords.
    pub services: BTreeMap<String, Params>,
    pub os_user: Option<String>,
    /// Of psql, where it is known: the parameters that its libpq has.
    pub version: Option<Version>,
}

/// Whether libpq would take the text apart rather than as a database's name.
pub fn is_string(text: &str) -> bool {
    uri_rest(text).is_some() || text.contains('=')
}

fn uri_rest(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// Takes a conninfo string or a URI apart, as the libpq of that version does.
pub fn parse(text: &str, version: Option<Version>) -> Result<Params, Trouble> {
    let params = match uri_rest(text) {
        Some(rest) => uri(rest),
        None => pairs(text),
    };
    params.filter(|params| params.keys().all(|key| parameters::known(key, version))).ok_or(Trouble::Malformed)
}

/// `key = value` pairs; values bare or in single quotes, backslash escapes the next character in both.
fn pairs(text: &str) -> Option<Params> {
    let mut params = Params::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Some(params);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_ascii_whitespace()) {
            key.push(c);
        }
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        chars.next_if_eq(&'=')?;
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        let mut value = String::new();
        if chars.next_if_eq(&'\'').is_some() {
            loop {
                match chars.next()? {
                    '\'' => break,
                    '\\' => value.push(chars.next()?),
                    c => value.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_ascii_whitespace()) {
                match c {
                    '\\' => value.extend(chars.next()),
                    c => value.push(c),
                }
            }
        }
        params.insert(key, value);
    }
}

/// `[user[:password]@][host][:port][,…][/dbname][?param=value&…]`.
fn uri(rest: &str) -> Option<Params> {
    let mut params = Params::new();
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority_end = before_query.find('/').unwrap_or(before_query.len());
    // libpq looks for `@` before the first slash only.
    let (user_info, hosts) = match before_query[..authority_end].split_once('@') {
        Some((info, hosts)) => (Some(info), hosts),
        None => (None, &before_query[..authority_end]),
    };
    if let Some(info) = user_info {
        let (user, password) = info.split_once(':').map_or((info, None), |(u, p)| (u, Some(p)));
        put(&mut params, "user", decode(user)?);
        put(&mut params, "password", decode(password.unwrap_or(""))?);
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for part in hosts.split(',') {
        let (name, port) = match part.strip_prefix('[') {
            Some(inner) => {
                let (name, after) = inner.split_once(']')?;
                (name, after.strip_prefix(':').unwrap_or(after))
            }
            None => part.split_once(':').unwrap_or((part, "")),
        };
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    put(&mut params, "host", names.join(","));
    let port = ports.join(",");
    if port.bytes().any(|b| b != b',') {
        put(&mut params, "port", port);
    }
    put(&mut params, "dbname", decode(before_query.get(authority_end + 1..).unwrap_or(""))?);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (decode(key)?, decode(value)?);
        match (key.as_str(), value.as_str()) {
            ("ssl", "true") => put(&mut params, "sslmode", "require".into()),
            _ => {
                params.insert(key, value);
            }
        }
    }
    Some(params)
}

fn put(params: &mut Params, key: &str, value: String) {
    if !value.is_empty() {
        params.insert(key.to_owned(), value);
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: u8| char::from(b).to_digit(16);
        let value = digit(bytes.next()?)? * 16 + digit(bytes.next()?)?;
        // %00 is forbidden.
        out.push(u8::try_from(value).ok().filter(|b| *b != 0)?);
    }
    String::from_utf8(out).ok()
}

/// Puts the sources together. What a conninfo string says beats `-h`, `-p` and `-U`; these beat the service, which
/// beats the environment.
pub fn resolve(sources: &Sources) -> Result<Target, Trouble> {
    let mut params = Params::new();
    for (key, word) in [("host", &sources.host), ("port", &sources.port), ("user", &sources.user)] {
        if let Some(word) = word {
            put(&mut params, key, text_of(word)?);
        }
    }
    if let Some(word) = &sources.dbname {
        let text = text_of(word)?;
        if is_string(&text) {
            params.extend(parse(&text, sources.version)?);
        } else {
            put(&mut params, "dbname", text);
        }
    }
    complete(params, sources)
}

/// The same for parameters that are already apart (`\c`).
pub fn complete(mut params: Params, sources: &Sources) -> Result<Target, Trouble> {
    params.remove("password");
    if params.get("servicefile").is_some_and(|path| !path.is_empty()) {
        return Err(Trouble::ServiceFile);
    }
    let service = params.get("service").or(sources.service.as_ref()).cloned();
    let malformed = || if service.is_some() { Trouble::Service } else { Trouble::Malformed };
    if let Some(service) = &service {
        let entry = sources.services.get(service).ok_or(Trouble::Service)?;
        if entry.contains_key(BROKEN) {
            return Err(Trouble::Service);
        }
        for (key, value) in entry {
            params.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    for (key, value) in &sources.environment {
        params.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let first = |key: &str| {
        params.get(key).and_then(|list| list.split(',').next()).filter(|one| !one.is_empty()).map(str::to_owned)
    };
    let said = |key: &str| params.get(key).filter(|value| !value.is_empty());
    let user = said("user").or(sources.os_user.as_ref()).cloned().ok_or(Trouble::NoUser)?;
    let port = match first("port") {
        Some(text) => text.trim().parse().ok().filter(|port| *port > 0).ok_or_else(malformed)?,
        None => 5432,
    };
    let words = sources.words.iter().filter(|(key, _)| !params.contains_key(*key));
    let all = params.iter().chain(words).map(|(key, value)| (key.clone(), value.clone())).collect();
    if !parameters::accepted(&all) {
        return Err(malformed());
    }
    let hostaddr = first("hostaddr");
    Ok(Target {
        host: first("host").or_else(|| hostaddr.clone()),
        hostaddr,
        port,
        database: said("dbname").cloned().unwrap_or_else(|| user.clone()),
        user,
        several: ["host", "hostaddr"].iter().any(|key| params.get(*key).is_some_and(|list| list.contains(','))),
        params,
    })
}

fn text_of(word: &Bytes) -> Result<String, Trouble> {
    word.text().map(str::to_owned).ok_or(Trouble::Malformed)
}

/// The key of an entry in which libpq finds a mistake.
const BROKEN: &str = "";

/// Reads a service file (the entries' passwords are dropped, they stay on the machine). What is no `key=value` with a
/// key that libpq knows is a mistake for whoever asks for that entry (`user = x` is one, for the blank), or an LDAP URL.
pub fn service_file(bytes: &[u8]) -> BTreeMap<String, Params> {
    let mut services: BTreeMap<String, Params> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in bytes.split(|b| *b == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else {
            // The name of another entry, a comment, or no setting that could be said.
            match line.trim_ascii_start().first() {
                Some(b'[') => current = None,
                Some(b'#') => {}
                _ => {
                    let entry = current.as_ref().and_then(|name| services.get_mut(name));
                    entry.and_then(|entry| entry.insert(BROKEN.to_owned(), String::new()));
                }
            }
            continue;
        };
        let line = line.trim_matches([' ', '\t', '\r', '\x0c', '\x0b']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or(name).to_owned();
            // Of two entries of one name libpq takes the first.
            current = (!services.contains_key(&name)).then_some(name);
            if let Some(name) = &current {
                services.insert(name.clone(), Params::new());
            }
        } else if let Some(entry) = current.as_ref().and_then(|name| services.get_mut(name)) {
            match line.split_once('=') {
                Some(("password", _)) => {}
                Some((key, value)) if key != "service" && parameters::known(key, None) && !value.contains('\0') => {
                    entry.entry(key.to_owned()).or_insert_with(|| value.to_owned());
                }
                Some(_) | None => {
                    entry.insert(BROKEN.to_owned(), String::new());
                }
            }
        }
    }
    services
}

/// A conninfo string that says these parameters and no others.
pub fn write(params: &Params) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    params.iter().map(|(key, value)| format!("{key}='{}'", quoted(value))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(dbname: &str, environment: &[(&str, &str)]) -> String {
        let sources = Sources {
            host: Some("flag".into()),
            user: Some("flaguser".into()),
            dbname: Some(dbname.into()),
            environment: environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            services: service_file(b"# x\n[prod]\nhost=svc\nport=5433\npassword=no\nuser=svcuser\n"),
            os_user: Some("me".into()),
            version: Version::of(Some("15.18")),
            ..Sources::default()
        };
        match resolve(&sources) {
            Ok(t) => format!("{}@{}:{}/{}", t.user, t.host.unwrap_or_default(), t.port, t.database),
            Err(trouble) => format!("{trouble:?}"),
        }
    }

    #[test]
    fn a_service_file_that_the_string_names_is_no_missing_service() {
        let dbname = Some("servicefile=own.conf service=prod".into());
        let answer = |version| {
            let version = Version::of(Some(version));
            resolve(&Sources { dbname: dbname.clone(), version, ..Sources::default() })
        };
        assert_eq!(answer("15.18"), Err(Trouble::Malformed));
        assert_eq!(answer("18.1"), Err(Trouble::ServiceFile));
    }

    #[test]
    fn a_connection_string_beats_the_options_beside_it() {
        for (dbname, expect) in [
            ("shop", "flaguser@flag:5432/shop"),
            ("host=a user=b", "b@a:5432/b"),
            ("host=a dbname = 'x y'  port=1", "flaguser@a:1/x y"),
            (r"host=a dbname='it\'s'", "flaguser@a:5432/it's"),
            ("postgres://u:p@h:5/d?sslmode=require", "u@h:5/d"),
            ("postgresql://h1:1,h2:2/d", "flaguser@h1:1/d"),
            ("postgresql://[::1]:7/", "flaguser@::1:7/flaguser"),
            ("postgresql:///d?host=/run&port=9", "flaguser@/run:9/d"),
            ("postgresql://%68ost/d%20b", "flaguser@host:5432/d b"),
            ("service=prod dbname=d", "flaguser@flag:5433/d"),
            ("host=", "flaguser@:5432/flaguser"),
            ("host= user=''", "flaguser@user='':5432/flaguser"),
            ("host='' user=''", "me@:5432/me"),
            ("postgresql:///d?host=&user=", "me@:5432/d"),
            ("postgresql://@:/d", "flaguser@flag:5432/d"),
            ("dbname=''", "flaguser@flag:5432/flaguser"),
            ("dbname=d service=''", "Service"),
            ("dbname=d sslmode=''", "Malformed"),
            ("dbname=d sslnegotiation=direct", "Malformed"),
            ("host=a b", "Malformed"),
            ("host=a bogus=b", "Malformed"),
            ("host=a sslmode=bogus", "Malformed"),
            ("host=a,b port=1,2,3", "Malformed"),
            ("service=none", "Service"),
        ] {
            assert_eq!(target(dbname, &[]), expect, "{dbname}");
        }
        let environment = [("dbname", "env"), ("host", "envhost")];
        assert_eq!(target("", &environment), "flaguser@flag:5432/env");
        assert_eq!(target("dbname=''", &environment), "flaguser@flag:5432/flaguser");
    }

    #[test]
    fn an_entry_of_more_than_settings_is_not_taken_for_one_that_psql_refuses() {
        let of = |file: &[u8]| {
            let (services, service) = (service_file(file), Some("s".to_owned()));
            resolve(&Sources { services, service, os_user: Some("me".to_owned()), ..Sources::default() })
        };
        let files: [&[u8]; 6] = [
            b"[s]\nldap://d/x?a?one?(b=c)\nhost=a\n",
            b"[s]\nhost=a\nldap\n",
            b"[s]\nhost=a\nuser=\xff\n",
            b"[s]\nhost=a\0b\n",
            b"[s]\nsslmode=bogus\n",
            b"[t]\nhost=a\n",
        ];
        for file in files {
            assert_eq!(of(file).err(), Some(Trouble::Service), "{}", file.escape_ascii());
        }
        assert_eq!(of(b"[s]\nuser=u\n[\xff]\nhost=a\n").unwrap().host, None);
    }

    #[test]
    fn what_is_written_reads_back() {
        let params: Params = [("dbname", "it's \\ x"), ("host", "h")].map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!(parse(&write(&params), None), Ok(params));
    }
}
