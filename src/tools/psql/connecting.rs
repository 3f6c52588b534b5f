//! Where a line and its scripts connect.

use serde_json::json;

use super::conninfo::{self, Params, Target, Trouble};
use super::meaning::{Meaning, program};
use super::options::Line;
use super::path::{Path, Paths};
use super::session;
use super::slash::Arg;
use super::variables::boolean;
use super::{fact, sources, unsafe_encoding};
use crate::model::{Effect, Facts, Invocation, visible};

impl Meaning {
    /// The line's own connection; false where libpq would take its words for none and psql would end.
    pub fn connection(&mut self, line: &Line, invocation: &Invocation, facts: &Facts) -> bool {
        self.sources = sources(line, invocation, facts);
        match conninfo::resolve(&self.sources) {
            Ok(target) => {
                if let Some(encoding) = target.params.get("client_encoding")
                    && unsafe_encoding(encoding.as_bytes())
                {
                    self.doubt("encoding", format!("client encoding {encoding} changes where quotes end"));
                }
                if target.host.is_none() && self.chosen_by_wrapper(invocation, facts) {
                    self.doubt("cluster_wrapper", "Debian's wrapper of psql chooses a server when the line names none");
                }
                self.first = Some(target.clone());
                self.target = Some(target.clone());
                self.connects();
                let options = target.params.get("options").cloned();
                self.server_options(options.as_ref(), true);
            }
            Err(Trouble::Malformed) => return false,
            // psql would refuse it as its files stood. They may be others when it looks, and a line of an entry may have it
            // ask a directory for the rest (libpq's LDAP lookup).
            Err(Trouble::Service) => {
                self.doubt(
                    "connection",
                    "the service files that were read do not have the service, or more than settings",
                );
                return false;
            }
            Err(Trouble::ServiceFile) => self.doubt("connection", "a service file that the line names was not read"),
            Err(Trouble::NoUser) => self.doubt("connection", "the name of the user who runs psql is not known"),
        }
        true
    }

    fn chosen_by_wrapper(&self, invocation: &Invocation, facts: &Facts) -> bool {
        invocation.variables.contains_key("PGCLUSTER") || facts.get(fact::WRAPPER).unwrap_or(false)
    }

    /// What PGOPTIONS or `options` set for the session.
    fn server_options(&mut self, options: Option<&String>, first: bool) {
        self.path = Paths::new(Path::Default);
        let Some(options) = options else { return };
        let Some(settings) = session::settings(options) else {
            return self.doubt("role", "the connection's options are not plain settings");
        };
        for (name, value) in settings {
            match name.as_str() {
                "search_path" => {
                    let names = session::names(&value);
                    let path = names.as_deref().map_or(Path::Unclear, Path::of);
                    self.path = Paths::new(path);
                    self.shadowed(names.as_deref().unwrap_or_default());
                }
                // As SET ROLE does.
                "role" | "session_authorization" => {
                    self.operation("sql.grant", Effect::Escalate, Some(format!("{name} {value}")), "SET");
                }
                "standard_conforming_strings" if first && boolean(value.as_bytes()).is_some() => {}
                "standard_conforming_strings" | "backslash_quote" if boolean(value.as_bytes()) != Some(true) => {
                    self.doubt("string_syntax", format!("the connection's options set {name}"));
                }
                "client_encoding" if unsafe_encoding(value.as_bytes()) => {
                    self.doubt("encoding", format!("client encoding {value} changes where quotes end"));
                }
                _ => {}
            }
        }
    }

    /// `\c`: a new connection, made of the words and what of the old one stays.
    pub fn reconnect(&mut self, words: &[Option<Arg>; 4], reuse: Option<bool>) {
        let known = !words.iter().flatten().any(|word| word.unknown);
        let text = |word: &Option<Arg>| word.as_ref().and_then(|w| String::from_utf8(w.text.clone()).ok());
        let [database, user, host, port] = [0, 1, 2, 3].map(|at| text(&words[at]));
        let string = database.as_deref().filter(|d| conninfo::is_string(d));
        let string = string.map(|text| conninfo::parse(text, self.sources.version));
        // psql complains and stays where it is.
        if matches!(string, Some(Err(_))) || (string.is_some() && (user.is_some() || host.is_some() || port.is_some()))
        {
            return;
        }
        let mut params = match (&self.target, reuse.unwrap_or(string.is_none())) {
            (Some(old), true) => old.kept(),
            _ => Params::new(),
        };
        match string {
            Some(Ok(more)) => {
                if params.contains_key("hostaddr") && more.contains_key("host") && !more.contains_key("hostaddr") {
                    self.doubt("reuse_previous", "whether \\connect keeps the address of the old host is not certain");
                }
                params.extend(more);
            }
            Some(Err(_)) => {}
            None => params.extend(database.map(|d| ("dbname".to_owned(), d))),
        }
        if host.is_some() {
            params.remove("hostaddr");
        }
        params.extend(user.map(|u| ("user".to_owned(), u)));
        params.extend(host.map(|h| ("host".to_owned(), h)));
        params.extend(port.map(|p| ("port".to_owned(), p)));
        // An empty word, also one of the string, is none; but what the old connection had does not come back for it.
        params.retain(|_, value| !value.is_empty());
        self.target = if known { conninfo::complete(params, &self.sources).ok() } else { None };
        let options = self.target.as_ref().and_then(|target| target.params.get("options").cloned());
        self.server_options(options.as_ref(), false);
        self.in_transaction = false;
        match &self.target {
            Some(t) => {
                let shown = json!({"host": t.host, "port": t.port, "db": t.database, "user": t.user});
                self.reconnects.push(shown);
            }
            None => {
                self.reconnects.push(json!({"host": "*", "port": null, "db": "*", "user": "*"}));
                self.doubt("connection", "\\connect goes where the text does not say");
            }
        }
        self.connects();
    }

    fn connects(&mut self) {
        self.operation("sql.connect", Effect::Read, None, "CONNECT");
        let engine = self.target.as_ref().and_then(Target::engine).map(|engine| visible::line(engine.as_bytes(), 1000));
        if let Some(engine) = engine {
            self.operation_on("program.run", Effect::Execute, program(&engine), None);
        }
    }

    /// Whether the last `\c` was taken is not in the text: from here on it may be either connection.
    pub fn stays_or_goes(&mut self) {
        self.target = None;
        self.path = Paths::new(Path::Unclear);
        self.doubt("connection", "whether \\connect is met is not in the text");
    }

    /// `\setenv` matters to programs psql starts, and to `\c`.
    pub fn environment(&mut self, name: &Arg, value: Option<&Arg>) {
        let shown = visible::line(&name.text, 80);
        let parameter = conninfo::ENVIRONMENT.iter().find(|(variable, _)| *variable == shown).map(|(_, key)| *key);
        match (parameter, value.map(|value| std::str::from_utf8(&value.text))) {
            (Some(key), Some(Ok(text))) if !name.unknown && value.is_some_and(|value| !value.unknown) => {
                self.sources.environment.insert(key.to_owned(), text.to_owned());
            }
            (Some(key), None) if !name.unknown => {
                self.sources.environment.remove(key);
            }
            _ => {
                // Of pagers and editors it is shown where they start, and pagers start at a terminal only.
                let pages = self.terminal && matches!(shown.as_str(), "PAGER" | "PSQL_PAGER" | "PSQL_WATCH_PAGER");
                let starts = pages || shown == "PATH";
                if name.unknown || starts || ["PG", "LD_"].iter().any(|begin| shown.starts_with(begin)) {
                    self.doubt("environment", format!("\\setenv {shown} changes what psql connects to or starts"));
                }
            }
        }
    }
}
