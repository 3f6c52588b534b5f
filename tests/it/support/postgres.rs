//! A database of its own for each test, in the run's throwaway cluster.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _};

use super::cluster::{self, Cluster};

/// Every password of the cluster but those of minted roles.
pub use super::cluster::PASSWORD;

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

pub struct Database {
    pub name: String,
    pub port: u16,
}

/// The run's cluster, started by the first test that needs it.
fn running() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = cluster::start("pg", &[]);
        cluster.psql("postgres", "CREATE ROLE shop NOLOGIN", &[]);
        cluster
    })
}

/// All that the server logged, with every statement in it.
pub fn log() -> String {
    String::from_utf8_lossy(&fs::read(running().folder().join("server.log")).unwrap_or_default()).into_owned()
}

/// A new database, filled, with the issuer set up by the project's own script.
pub fn database() -> Database {
    let cluster = running();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("shop{}", NEXT.fetch_add(1, Ordering::SeqCst));
    // Closed to PUBLIC before it takes connections: tests that run beside this one must not find it open.
    cluster.psql("postgres", &format!("CREATE DATABASE {name} OWNER shop ALLOW_CONNECTIONS false"), &[]);
    cluster.psql("postgres", &format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"), &[]);
    cluster.psql("postgres", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"), &[]);
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/issuers/postgres/setup.sql");
    let setup = fs::read_to_string(setup).unwrap();
    // Roles are the cluster's: two tests must not make the same one at once.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let held = ONE.lock().unwrap_or_else(|held| held.into_inner());
    cluster.psql(&name, &setup, &[("owner", "shop"), ("issuer", ISSUER), ("password", PASSWORD)]);
    drop(held);
    let database = Database { name, port: cluster.port };
    database.execute(SHOP);
    database
}

impl Database {
    /// As the cluster's superuser.
    pub fn execute(&self, statements: &str) {
        running().psql(&self.name, statements, &[]);
    }

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
