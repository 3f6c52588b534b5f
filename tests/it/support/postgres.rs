//! A throwaway PostgreSQL cluster, one a run, and a database of its own for each test.
//!
//! The cluster ends with this process, however it ends: a shell of the cluster's user waits on a pipe that we hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _};

/// Every password of the cluster but those of minted roles.
pub const PASSWORD: &str = "test-password";
pub const ISSUER: &str = "portcullis_issuer";

/// What the databases hold: an owner role and a few tables of its own.
const SHOP: &str = "
CREATE SCHEMA archive AUTHORIZATION shop;
SET ROLE shop;
CREATE TABLE orders (id serial PRIMARY KEY, customer text NOT NULL, email text NOT NULL, total numeric NOT NULL);
INSERT INTO orders (customer, email, total) VALUES ('Ada', 'ada@example.com', 12.5), ('Grace', 'grace@example.org', 99);
CREATE TABLE salaries (id int PRIMARY KEY, amount numeric NOT NULL);
INSERT INTO salaries VALUES (1, 100000);
CREATE TABLE archive.old_orders (id int);
CREATE TABLE \"Odd \"\"name\"\"; DROP TABLE orders\" (\"a b\" int);
RESET ROLE;
";

pub struct Cluster {
    pub port: u16,
    bin: PathBuf,
    folder: PathBuf,
    _shell: Child,
}

pub struct Database {
    pub name: String,
    pub port: u16,
}

/// The run's cluster, started by the first test that needs it.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(start)
}

fn start() -> Cluster {
    let bin = programs();
    let folder = std::env::temp_dir().join(format!("portcullis-pg-{}", std::process::id()));
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
        "$2/postgres" -D data -p "$3" -h 127.0.0.1 -k '' -F -c log_statement=all -c max_connections=100 >server.log 2>&1 &
        read -r _
        kill -INT "$!"
        wait
        cd / && rm -rf "$1"
    "#;
    let mut command = match root {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        }
        false => Command::new("sh"),
    };
    let shell = command.args(["-c", script, "sh"]).arg(&folder).arg(&bin).arg(port.to_string());
    let shell = shell.stdin(Stdio::piped()).spawn().unwrap();
    let cluster = Cluster { port, bin, folder, _shell: shell };
    let until = Instant::now() + Duration::from_secs(60);
    let mut ready = Command::new(cluster.bin.join("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    while !ready.status().unwrap().success() {
        assert!(Instant::now() < until, "PostgreSQL does not start: {}", cluster.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster.psql("postgres", "CREATE ROLE shop NOLOGIN", &[]);
    cluster
}

fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL's server programs (Debian: postgresql)")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL's server programs (Debian: postgresql)")
}

impl Cluster {
    /// All that the server logged, with every statement in it.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("server.log")).unwrap_or_default()).into_owned()
    }

    /// A new database, filled, with the issuer set up by the project's own script.
    pub fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("shop{}", NEXT.fetch_add(1, Ordering::SeqCst));
        // Closed to PUBLIC before it takes connections: tests that run beside this one must not find it open.
        self.psql("postgres", &format!("CREATE DATABASE {name} OWNER shop ALLOW_CONNECTIONS false"), &[]);
        self.psql("postgres", &format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"), &[]);
        self.psql("postgres", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"), &[]);
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/issuers/postgres/setup.sql");
        let setup = fs::read_to_string(setup).unwrap();
        // Roles are the cluster's: two tests must not make the same one at once.
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let held = ONE.lock().unwrap_or_else(|held| held.into_inner());
        self.psql(&name, &setup, &[("owner", "shop"), ("issuer", ISSUER), ("password", PASSWORD)]);
        drop(held);
        self.psql(&name, SHOP, &[]);
        Database { name, port: self.port }
    }

    fn psql(&self, database: &str, sql: &str, variables: &[(&str, &str)]) {
        use std::io::Write as _;
        let mut command = Command::new(self.bin.join("psql"));
        command.env("PGPASSWORD", PASSWORD).args(["-X", "-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(["-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1"]);
        command.args(variables.iter().map(|(name, value)| format!("--set={name}={value}")));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Database {
    pub async fn connect(&self, role: &str, password: &str) -> Result<PgConnection, sqlx::Error> {
        self.connect_to(&self.name, role, password).await
    }

    pub async fn connect_to(&self, database: &str, role: &str, password: &str) -> Result<PgConnection, sqlx::Error> {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port).database(database);
        PgConnection::connect_with(&options.username(role).password(password).ssl_mode(PgSslMode::Disable)).await
    }

    /// As the superuser: the first column of each row, as text.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connect("postgres", PASSWORD).await.unwrap();
        let rows = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
        connection.close().await.unwrap();
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
