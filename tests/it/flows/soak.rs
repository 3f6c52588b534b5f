//! Many commands of all kinds, killed at any moment: when all is over, nothing of them is left.
//!
//! `SOAK=10000 cargo test --all-features --test it soak` for as many.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::postgres::{self, Database, ISSUER, PASSWORD};
use crate::support::process::PATIENCE;
use crate::support::site::{Setup, Site, words};

const COMMANDS: usize = 200;
const AT_ONCE: usize = 8;

/// All is permitted; the host is lent a token, and the database a role made for the one command.
const POLICY: &str = r#"
@id("all") permit(principal, action, resource)
unless { action in [Action::"http.get", Action::"sql.connect", Action::"sql.select", Action::"sql.session"] };
@id("api") @grant("api") @mask("secrets") permit(principal, action in [Action::"http.get"], resource);
@id("shop") @grant("shop") @mask("secrets")
permit(principal, action in [Action::"sql.connect", Action::"sql.select", Action::"sql.session"], resource);
@id("aliases") permit(principal, action == Doubt::Action::"shell_alias", resource);
"#;

/// Answers a line, or bytes without end.
fn host() -> String {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", host.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in host.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let mut said = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na line\n");
                while head.contains("/endless") && said.is_ok() {
                    said = stream.write_all(&[b'x'; 1000]);
                }
                // Slowly, where the reader never has enough and all of it is recorded.
                while head.contains("/trickle") && said.is_ok() {
                    std::thread::sleep(Duration::from_millis(2));
                    said = stream.write_all(&[b'x'; 1000]);
                }
            });
        }
    });
    address
}

/// A sequence that looks like chance and is the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What the commands are pointed at.
struct World {
    site: Site,
    host: String,
    database: Database,
}

impl World {
    fn open() -> World {
        let (host, database) = (host(), postgres::database());
        let server = format!(
            "[[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{host}/\"\ntoken_file = \"data/token\"\n\
             [[credential]]\nname = \"shop\"\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = {}\n\
             database = \"{}\"\nrole = \"{ISSUER}\"\npassword_file = \"data/password\"\n",
            database.port, database.name
        );
        let site = Site::with(&Setup { policy: POLICY, server: &server, ..Setup::default() });
        fs::write(site.path("data/token"), "a-token-q1w2e3r4t5z6").unwrap();
        fs::write(site.path("data/password"), PASSWORD).unwrap();
        repository(&site);
        World { site, host, database }
    }

    /// Lines of a shell's.
    fn lines(&self) -> Vec<String> {
        let host = &self.host;
        let psql = format!("psql -X -h 127.0.0.1 -p {} -d {}", self.database.port, self.database.name);
        let mut lines = [
            "git --version",
            "git status",
            "git log | head -1",
            "git pull -q",
            "git -c alias.say='!seq 2000' say",
            "script -qec 'git --no-pager log' /dev/null",
        ]
        .map(str::to_owned)
        .to_vec();
        lines.push(format!("curl -sS {host}/line"));
        lines.push(format!("curl -sSN {host}/endless | head -c 100000"));
        lines.push(format!("exec curl -sSN -m 2 {host}/trickle"));
        lines.push(format!("{psql} -c 'select id, customer from orders'"));
        lines.push(format!("{psql} -c 'select pg_sleep(1), id from orders'"));
        lines.push(format!("{psql} -c 'copy (select customer from orders) to stdout' | cat"));
        lines
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        let like = self.site.shim("git");
        command.args(["-c", &format!("set -o pipefail; {line}")]).env_clear();
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("SOAK", self.site.path("")).current_dir(self.site.path("work")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Roles that were made for commands, and their sessions.
    fn roles(&self) -> String {
        let mut psql = self.site.bare("psql");
        psql.env("PGPASSWORD", PASSWORD).args(["-X", "-At", "-h", "127.0.0.1", "-U", "postgres", "-d"]);
        psql.args([&self.database.name, "-p", &self.database.port.to_string(), "-c"]);
        // The cluster is shared with other tests; the roles' names begin alike, and their mark names the database.
        psql.arg(format!(
            "select rolname from pg_roles where shobj_description(oid, 'pg_authid') like '%\"{}\"%'
             union all select usename from pg_stat_activity where datname = '{0}' and usename like 'pc\\_%'",
            self.database.name
        ));
        let done = psql.output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
        String::from_utf8(done.stdout).unwrap()
    }
}

/// Processes that were started with our mark in their environment, or that belong to the shims.
fn marked(mark: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark.as_bytes())
    };
    processes.filter(has).collect()
}

/// What a daemon's descriptors are of, but for the store's files: how many it opens of these is up to its pool.
fn open_files(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let files = files.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    files.filter(|file| !file.to_string_lossy().contains("/data/portcullis.db")).collect()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn repository(site: &Site) {
    let git = |folder: &Path, args: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let done = Command::new("/usr/bin/git").args(identity).args(args).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
    };
    let work = site.path("work");
    git(&work, &["init", "-q", "-b", "main", "../upstream"]);
    for n in 0..50 {
        git(&site.path("upstream"), &["commit", "-q", "--allow-empty", "-m", &format!("commit {n}")]);
    }
    git(&work, &["clone", "-q", "../upstream", "."]);
}

#[test]
fn after_many_commands_that_were_killed_at_any_moment_nothing_is_left() {
    let mut world = World::open();
    let commands = std::env::var("SOAK").map_or(COMMANDS, |text| text.parse().unwrap());
    let mark = format!("SOAK={}", world.site.path("").display());
    let daemons = [world.site.keeper.child().id(), world.site.server.child().id()];
    let lines = world.lines();
    // Each does what it should while nobody is killed, and the first opens what is opened once.
    for line in &lines {
        let done = world.command(line).stderr(Stdio::piped()).output().unwrap();
        // SIGPIPE, and what curl says in its place or when its time is over (EXIT CODES in curl(1)).
        let well = [0, 128 + 13, 23, 28].map(Some).contains(&done.status.code());
        assert!(well, "{line}: {}", words(&done));
    }
    until("a recording was not sent", || waiting(&world.site) == 0);
    let before = (daemons.map(open_files), stays(&world.site));
    let (mut chance, mut running, mut struck) = (Chance(0x9e37_79b9_7f4a_7c15), Vec::<Child>::new(), 0);
    for _ in 0..commands {
        let line = &lines[chance.below(lines.len() as u64) as usize];
        running.push(world.command(line).spawn().unwrap());
        if running.len() >= AT_ONCE {
            std::thread::sleep(Duration::from_millis(chance.below(40)));
            struck += usize::from(strike(&mark, &mut chance));
        }
        while running.len() >= AT_ONCE {
            running.retain_mut(|child| child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    for mut child in running {
        child.wait().unwrap();
    }
    assert!(struck > commands / 4, "{struck} of {commands} were struck");
    until("a process is left", || marked(&mark).is_empty());
    until("a recording was not sent", || waiting(&world.site) == 0);
    until("a role is left", || world.roles().is_empty());
    for (daemon, before) in daemons.into_iter().zip(before.0) {
        until("a daemon holds a descriptor", || open_files(daemon).len() <= before.len());
        assert!(!open_files(daemon).iter().any(|file| file.starts_with("/memfd:")));
    }
    assert_eq!(stays(&world.site), before.1);
    nothing_is_half_recorded(&world.site, commands, struck);
}

/// All files of server, keeper and agent but the recordings and git's own.
fn stays(site: &Site) -> BTreeSet<String> {
    let mut find = Command::new("find");
    find.current_dir(site.path("")).args(["state", "run", "data", "agent", "etc", "lib"]);
    let found = find.args(["-not", "-path", "data/recordings/*"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Something happens to one of the processes: a shim, a tool or whatever a tool has started.
fn strike(mark: &str, chance: &mut Chance) -> bool {
    let signal = match chance.below(4) {
        0 => return false,
        1 => Signal::TERM,
        _ => Signal::KILL,
    };
    let there = marked(mark);
    if there.is_empty() {
        return false;
    }
    let victim = there[chance.below(there.len() as u64) as usize];
    kill_process(Pid::from_raw(victim).unwrap(), signal).is_ok()
}

/// Recordings that the keeper still has.
fn waiting(site: &Site) -> u64 {
    let socket = site.path("run/keeper.sock");
    let status = site.cli().args(["status", "--json", "--socket"]).arg(socket).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_else(|_| panic!("{}", words(&status)));
    status["spool"]["waiting"].as_u64().unwrap() + status["spool"]["live"].as_u64().unwrap()
}

/// Every session that the server knows, newest first.
fn sessions(site: &Site) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let mut list = site.alice();
        list.args(["sessions", "list", "--json", "--limit", "500"]);
        if let Some(last) = all.last() {
            list.args(["--before", last["id"].as_str().unwrap()]);
        }
        let listed = list.output().unwrap();
        assert!(listed.status.success(), "{}", words(&listed));
        let mut page: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let Value::Array(page) = page["sessions"].take() else { panic!("no list") };
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn nothing_is_half_recorded(site: &Site, commands: usize, struck: usize) {
    let sessions = sessions(site);
    assert!(sessions.len() >= commands / 2, "most commands were asked about");
    let (sealed, never_run): (Vec<_>, Vec<_>) = sessions.iter().partition(|session| !session["sealed"].is_null());
    for session in &sealed {
        assert!(!session["exit"].is_null(), "{session:#}");
    }
    // One whose shim was killed after it asked and before it drew was never run.
    for session in &never_run {
        assert!(session["recorded"] == 0 && session["exit"].is_null(), "{session:#}");
    }
    assert!(never_run.len() <= struck, "{} of {struck}", never_run.len());
    let kept = Command::new("find").arg(site.path("data/recordings")).args(["-type", "f"]).output().unwrap();
    assert_eq!(kept.stdout.split(|byte| *byte == b'\n').count() - 1, sealed.len());
    let verified = site.alice().args(["audit", "verify", "--recordings", "all"]).output().unwrap();
    assert!(verified.status.success(), "{}", words(&verified));
    for entry in site.audit().iter().filter(|entry| entry["kind"] == "end") {
        assert_ne!(entry["revoked"], Value::Bool(false), "{entry:#}");
    }
}
