//! A throwaway PostgreSQL cluster for the tests of one program.
//!
//! It ends with this process, however that ends: a shell of the cluster's user waits on a pipe that we hold. `pg_ctl -w`
//! says when the server takes connections, so nothing here waits by the clock.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The superuser's, `postgres`.
pub const PASSWORD: &str = "test-password";

pub struct Cluster {
    pub port: u16,
    bin: PathBuf,
    folder: PathBuf,
    _shell: Child,
}

/// `name` goes into the folder's; `settings` are the server's, as `name=value`.
pub fn start(name: &str, settings: &[&str]) -> Cluster {
    let bin = programs();
    let folder = std::env::temp_dir().join(format!("portcullis-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("password"), PASSWORD).unwrap();
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root {
        assert!(Command::new("chown").args(["-R", "postgres"]).arg(&folder).status().unwrap().success());
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = r#"
        cd "$1" || exit 1
        bin=$2
        "$bin/initdb" -D data --no-sync -U postgres -E UTF8 --locale=C --auth=scram-sha-256 --pwfile=password >start.log 2>&1 &&
            "$bin/pg_ctl" -w -s -D data -l server.log -o "$3" start >>start.log 2>&1 && echo started
        read -r _
        "$bin/pg_ctl" -w -s -D data -m immediate stop >>start.log 2>&1
        cd / && rm -rf "$1"
    "#;
    let mut options = format!("-p {port} -h 127.0.0.1 -k '' -F -c log_statement=all -c max_connections=100");
    settings.iter().for_each(|setting| options += &format!(" -c {setting}"));
    let mut command = match root {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        }
        false => Command::new("sh"),
    };
    let shell = command.args(["-c", script, "sh"]).arg(&folder).arg(&bin).arg(options);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let why = || fs::read_to_string(folder.join("start.log")).unwrap_or_default();
    assert_eq!(said, "started\n", "PostgreSQL does not start: {}", why());
    Cluster { port, bin, folder, _shell: shell }
}

/// PORTCULLIS_POSTGRES names a folder of programs; else the newest that Debian's packages installed.
fn programs() -> PathBuf {
    if let Some(bin) = std::env::var_os("PORTCULLIS_POSTGRES") {
        return bin.into();
    }
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL's server programs (Debian: postgresql)")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL's server programs (Debian: postgresql)")
}

impl Cluster {
    /// One of PostgreSQL's own programs, not Debian's wrapper of it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// As the superuser: what psql prints without decoration.
    pub fn psql(&self, database: &str, sql: &str, variables: &[(&str, &str)]) -> String {
        let mut command = Command::new(self.program("psql"));
        command.env("PGPASSWORD", PASSWORD).env("PGAPPNAME", "support");
        command.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        command.args(["-d", database, "-v", "ON_ERROR_STOP=1"]);
        command.args(variables.iter().map(|(name, value)| format!("--set={name}={value}")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
