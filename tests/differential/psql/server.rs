//! The run's cluster, with a log in JSON of every statement and every session.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use crate::cluster::{self, Cluster, PASSWORD};

/// The whole cluster's: while one line runs, so do others. A line that changes a role changes `spare`.
const ROLES: &str = "
CREATE ROLE app LOGIN PASSWORD :'password';
CREATE ROLE admin LOGIN SUPERUSER PASSWORD :'password';
CREATE ROLE forgetful LOGIN;
CREATE ROLE spare LOGIN;
CREATE ROLE \"-c\" LOGIN PASSWORD :'password';
";

/// What each database begins with.
const TABLES: &str = "
CREATE TABLE users (id int PRIMARY KEY, email text, active bool);
CREATE TABLE orders (id int PRIMARY KEY, user_id int, total int);
CREATE TABLE audit_log (action text);
CREATE SCHEMA archive; CREATE TABLE archive.old (id int);
GRANT USAGE ON SCHEMA archive TO PUBLIC;
INSERT INTO users VALUES (1, 'ada@example.com', true);
INSERT INTO orders VALUES (1, 1, 20);
CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'DELETE FROM users';
";

/// What the server logged of the programs that called themselves by one name.
#[derive(Debug, Default, Clone)]
pub struct Sessions {
    /// Database and user of each connection, in order.
    pub connections: Vec<(String, String)>,
    /// The texts that the server met, in order.
    pub statements: Vec<String>,
    ended: usize,
    /// A marker that was logged after everything else.
    complete: bool,
}

pub struct Server {
    pub cluster: Cluster,
    log: Mutex<Log>,
    grown: Condvar,
    /// Databases that were used and not changed.
    clean: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Log {
    programs: BTreeMap<String, Sessions>,
    /// The program of each session that has not ended.
    open: BTreeMap<String, String>,
}

pub fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(start);
    static READER: LazyLock<()> = LazyLock::new(|| follow(&SERVER));
    LazyLock::force(&READER);
    &SERVER
}

fn start() -> Server {
    let settings = [
        "log_destination=jsonlog",
        "logging_collector=on",
        "log_directory=..",
        "log_filename=statements.log",
        "log_file_mode=0644",
        "log_connections=on",
        "log_disconnections=on",
    ];
    let cluster = cluster::start("differential", &settings);
    cluster.psql("template1", &format!("{ROLES}{TABLES}"), &[("password", PASSWORD)]);
    cluster.psql("postgres", TABLES, &[]);
    Server { cluster, log: Mutex::default(), grown: Condvar::new(), clean: Mutex::default() }
}

/// A thread that takes in what is appended to the log, for as long as this process lives.
fn follow(server: &'static Server) {
    let mut tail = Command::new("tail");
    tail.args(["-n", "+1", "-F", &format!("--pid={}", std::process::id())]);
    let tail = tail.arg(server.cluster.folder().join("statements.json"));
    let lines = BufReader::new(tail.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap().stdout.unwrap());
    std::thread::spawn(move || {
        for line in lines.lines() {
            let entry: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            server.held().note(&entry);
            server.grown.notify_all();
        }
    });
}

impl Log {
    fn note(&mut self, entry: &serde_json::Value) {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (message, session) = (text("message"), text("session_id"));
        if let Some(words) = message.strip_prefix("connection authorized: ") {
            let name = words.split("application_name=").nth(1).unwrap_or_default();
            let name = name.split(' ').next().unwrap_or_default().to_owned();
            let target = (text("dbname").to_owned(), text("user").to_owned());
            self.programs.entry(name.clone()).or_default().connections.push(target);
            self.open.insert(session.to_owned(), name);
        } else if let Some(statement) = message.strip_prefix("statement: ") {
            if let Some(name) = statement.strip_prefix("SELECT 'all of ").and_then(|rest| rest.strip_suffix("';")) {
                self.programs.entry(name.to_owned()).or_default().complete = true;
            } else if let Some(name) = self.open.get(session) {
                self.programs.entry(name.clone()).or_default().statements.push(statement.to_owned());
            }
        } else if (message.starts_with("disconnection:") || text("error_severity") == "FATAL")
            && let Some(name) = self.open.remove(session)
        {
            self.programs.entry(name).or_default().ended += 1;
        }
    }
}

impl Server {
    fn held(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|held| held.into_inner())
    }

    /// A database with the tables, and nothing else.
    pub fn database(&self) -> String {
        if let Some(name) = self.clean.lock().unwrap().pop() {
            return name;
        }
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // One at a time: a template must not be in use.
        static ONE: Mutex<()> = Mutex::new(());
        let name = format!("base{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let held = ONE.lock().unwrap_or_else(|held| held.into_inner());
        self.cluster.psql("postgres", &format!("CREATE DATABASE {name}"), &[]);
        drop(held);
        name
    }

    /// A database that is as it was.
    pub fn give_back(&self, database: String) {
        self.clean.lock().unwrap().push(database);
    }

    /// All that was logged of the program that called itself `name`, which has ended.
    pub fn sessions(&self, name: &str) -> Sessions {
        // Logged behind everything the program did: after it, no connection of the program's is still to be seen.
        self.cluster.psql("postgres", &format!("SELECT 'all of {name}';"), &[]);
        let grows = |log: &mut Log| {
            let sessions = log.programs.get(name);
            sessions.is_none_or(|sessions| !sessions.complete || sessions.ended < sessions.connections.len())
        };
        let (log, late) = self.grown.wait_timeout_while(self.held(), Duration::from_secs(60), grows).unwrap();
        assert!(!late.timed_out(), "the log does not show the end of {name}: {:?}", log.programs.get(name));
        log.programs.get(name).cloned().unwrap_or_default()
    }
}
