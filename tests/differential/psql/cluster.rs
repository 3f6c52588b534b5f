//! A throwaway cluster, one a run, with a log in JSON of every statement. It ends with this process: a shell of the
//! cluster's user waits on a pipe that we hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const PASSWORD: &str = "superuser-of-this-run";

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

pub struct Cluster {
    pub port: u16,
    bin: PathBuf,
    folder: PathBuf,
    _shell: Child,
}

pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(start)
}

fn start() -> Cluster {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL's server programs (Debian: postgresql)")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let bin = found.pop().expect("PostgreSQL's server programs (Debian: postgresql)");
    let folder = std::env::temp_dir().join(format!("portcullis-differential-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("password"), PASSWORD).unwrap();
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root {
        assert!(Command::new("chown").args(["-R", "postgres"]).arg(&folder).status().unwrap().success());
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = r#"
        cd "$1" || exit 1
        "$2/initdb" -D data --no-sync -U postgres -E UTF8 --locale=C --auth=scram-sha-256 --pwfile=password >initdb.log 2>&1 || exit 1
        "$2/postgres" -D data -p "$3" -h 127.0.0.1 -k '' -F -c log_statement=all -c log_destination=jsonlog \
            -c logging_collector=on -c log_directory="$1" -c log_filename=server.log -c log_file_mode=0644 \
            -c log_disconnections=on >out.log 2>&1 &
        read -r _
        kill -INT "$!"
        wait
        cd / && rm -rf "$1"
    "#;
    let mut command = Command::new(if root { "setpriv" } else { "sh" });
    if root {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
    }
    let shell = command.args(["-c", script, "sh"]).arg(&folder).arg(&bin).arg(port.to_string());
    let shell = shell.stdin(Stdio::piped()).spawn().unwrap();
    let cluster = Cluster { port, bin, folder, _shell: shell };
    let until = Instant::now() + Duration::from_secs(60);
    let mut ready = Command::new(cluster.program("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    while !ready.status().unwrap().success() {
        assert!(Instant::now() < until, "PostgreSQL does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster.execute("template1", TABLES);
    cluster
}

impl Cluster {
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// A new database with the tables.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // One at a time: a template must not be in use.
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let name = format!("line{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let held = ONE.lock().unwrap_or_else(|held| held.into_inner());
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        drop(held);
        name
    }

    pub fn execute(&self, database: &str, sql: &str) {
        self.answer(database, sql);
    }

    /// As the superuser; what psql prints without decoration. Not in what [`Self::statements`] gives back.
    pub fn answer(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(self.program("psql"));
        command.env("PGPASSWORD", PASSWORD).env("PGAPPNAME", "support");
        command.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        command.args(["-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The texts that the server met in this database, in order; the session has ended.
    pub fn statements(&self, database: &str) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let (ended, statements) = logged(&self.folder, database);
            if ended {
                return statements;
            }
            assert!(
                Instant::now() < until,
                "the log does not show the end of the session in {database}: {statements:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn logged(folder: &Path, database: &str) -> (bool, Vec<String>) {
    let log = fs::read_to_string(folder.join("server.json")).unwrap_or_default();
    let mut ended = false;
    let mut statements = Vec::new();
    for line in log.lines() {
        let Ok(entry) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        if entry["dbname"] != database || entry["application_name"] == "support" {
            continue;
        }
        let message = entry["message"].as_str().unwrap_or_default();
        ended |= message.starts_with("disconnection:");
        if let Some(text) = message.strip_prefix("statement: ") {
            statements.push(text.to_owned());
        }
    }
    (ended, statements)
}
