//! A PostgreSQL cluster of the demo's own: made, filled and ended with it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::processes::Processes;

/// The database, its owner, and the role by which the server mints roles. `portcullis_issuer` can hand on what `shop`
/// owns and nothing else; it is no superuser.
const SHOP: &str = "
CREATE ROLE shop NOLOGIN;
CREATE DATABASE shop OWNER shop;
REVOKE ALL ON DATABASE shop, postgres, template1 FROM PUBLIC;
CREATE ROLE portcullis_issuer LOGIN CREATEROLE PASSWORD :'password';
GRANT shop TO portcullis_issuer WITH ADMIN OPTION;
\\connect shop
ALTER SCHEMA public OWNER TO shop;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SET ROLE shop;
CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, email text NOT NULL, total numeric NOT NULL);
INSERT INTO orders VALUES (1, 'Ada', 'ada@example.com', 12.50), (2, 'Grace', 'grace@example.org', 99.00);
CREATE TABLE old_orders (id int);
";

pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    pub port: u16,
    /// The user who runs it: PostgreSQL refuses root.
    user: Option<&'static str>,
}

impl Cluster {
    /// Makes, starts and fills it. `password` is the issuer role's.
    pub fn start(folder: &Path, log: &Path, password: &str, processes: &mut Processes) -> Result<Self> {
        let user = is_root().then_some("postgres");
        let cluster = Cluster { programs: programs()?, folder: folder.to_owned(), port: free_port()?, user };
        cluster.init()?;
        let server = cluster.programs.join("postgres");
        let (server, data) = (text(&server)?, text(&cluster.folder)?);
        let port = cluster.port.to_string();
        let mut words = cluster.as_user();
        words.extend([server, "-D", data, "-p", &port, "-h", "127.0.0.1", "-k", data, "-F"]);
        processes.start("PostgreSQL", "INT", &words, log)?;
        cluster.wait()?;
        cluster.sql("postgres", SHOP, &[("password", password)])?;
        Ok(cluster)
    }

    fn init(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        if let Some(user) = self.user {
            run(Command::new("chown").arg(user).arg(&self.folder))
                .context("the cluster's folder cannot be given to postgres")?;
        }
        let initdb = self.programs.join("initdb");
        let mut words = self.as_user();
        words.extend([
            text(&initdb)?,
            "-D",
            text(&self.folder)?,
            "--no-sync",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        // Its socket lies in a folder that only its own user can enter.
        words.extend(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        let mut command = Command::new(words[0]);
        run(command.args(&words[1..]).current_dir("/")).context("initdb failed")?;
        Ok(())
    }

    fn wait(&self) -> Result<()> {
        let ready = self.programs.join("pg_isready");
        for _ in 0..100 {
            let mut command = Command::new(&ready);
            command.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if command.status()?.success() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        bail!("PostgreSQL does not answer on port {}", self.port)
    }

    /// Runs SQL as the superuser, over the cluster's own socket; its answer, unaligned and without headings.
    pub fn sql(&self, database: &str, sql: &str, variables: &[(&str, &str)]) -> Result<String> {
        let psql = self.programs.join("psql");
        let (psql, folder, port) = (text(&psql)?, text(&self.folder)?, self.port.to_string());
        let assignments: Vec<String> = variables.iter().map(|(name, value)| format!("--set={name}={value}")).collect();
        let mut words = self.as_user();
        words.extend([psql, "-X", "-q", "-A", "-t", "-h", folder, "-p", &port, "-U", "postgres", "-d", database]);
        words.extend(["-v", "ON_ERROR_STOP=1"]);
        words.extend(assignments.iter().map(String::as_str));
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("psql does not start")?;
        child.stdin.take().context("no stdin")?.write_all(sql.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("psql: {}", portcullis::model::visible::line(&output.stderr, 400));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn as_user(&self) -> Vec<&str> {
        match self.user {
            Some(user) => vec!["setpriv", "--reuid", user, "--regid", user, "--clear-groups"],
            None => vec!["env"],
        }
    }
}

/// The newest that Debian's packages have here, or the one on PATH.
fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin).context("PostgreSQL's initdb is not installed (Debian package postgresql)")
}

/// Free at this moment; PostgreSQL cannot be told to choose one itself.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{}", portcullis::model::visible::line(&output.stderr, 400));
    }
    Ok(())
}
