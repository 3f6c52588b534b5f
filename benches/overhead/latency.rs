//! How long commands take that do next to nothing, each in turn, so that a busy machine is busy for all of them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::listener::Listener;
use super::support::postgres;
use super::support::site::Site;
use super::support::sudo::Sudo;
use super::{milliseconds, setting, tool};

const WARM_UP: usize = 5;

struct Row<'a> {
    name: String,
    /// The row of the bare tool.
    bare: usize,
    command: Box<dyn Fn() -> Command + 'a>,
    times: Vec<f64>,
}

pub fn run(site: &Site) {
    let listener = Listener::start();
    let sudo = Sudo::set_up();
    let mut rows = Vec::new();
    for (program, words) in lines(site, &listener) {
        let bare = rows.len();
        let shown = format!("{program} {}", words.first().map_or("", String::as_str));
        for (gated, how) in [(false, "bare"), (true, "gated")] {
            let words = words.clone();
            let command = move || {
                let mut command = tool(site, program, gated);
                command.args(&words);
                command
            };
            rows.push(Row { name: format!("{shown} {how}"), bare, command: Box::new(command), times: Vec::new() });
        }
    }
    if sudo.is_some() {
        let command = move || {
            let mut command = Command::new("/usr/bin/sudo");
            command.current_dir(site.path("work")).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
            command.args(["-n", "/usr/bin/git", "--version"]);
            command
        };
        let name = "git --version by sudo, sudo_logsrvd".to_owned();
        rows.push(Row { name, bare: 0, command: Box::new(command), times: Vec::new() });
    } else {
        println!("skipped: sudo with sudo_logsrvd: it needs root, Debian's sudo and its sudo_logsrvd");
    }
    for run in 0..WARM_UP + setting("RUNS", 200) {
        for row in &mut rows {
            let began = Instant::now();
            let done = (row.command)().output().unwrap();
            let took = milliseconds(began.elapsed());
            assert!(done.status.success(), "{}: {}", row.name, done.stderr.escape_ascii());
            if run >= WARM_UP {
                row.times.push(took);
            }
        }
    }
    table(&mut rows);
}

fn table(rows: &mut [Row<'_>]) {
    let mut figures = Vec::new();
    for row in rows.iter_mut() {
        row.times.sort_by(f64::total_cmp);
        let at = |percent: usize| row.times[(row.times.len() * percent / 100).min(row.times.len() - 1)];
        figures.push([at(50), at(95), at(99)]);
    }
    println!("{:36} {:>8} {:>8} {:>8} {:>10} {:>10}", "ms", "p50", "p95", "p99", "added p50", "added p99");
    for (row, [p50, p95, p99]) in rows.iter().zip(&figures) {
        let bare = figures[row.bare];
        println!("{:36} {p50:8.2} {p95:8.2} {p99:8.2} {:10.2} {:10.2}", row.name, p50 - bare[0], p99 - bare[2]);
    }
    let added = |name: &str| {
        let at = rows.iter().position(|row| row.name.starts_with(name));
        at.map(|at| figures[at][0] - figures[rows[at].bare][0])
    };
    if let (Some(ours), Some(sudo)) = (added("git --version gated"), added("git --version by sudo")) {
        println!("ours / sudo with sudo_logsrvd, added at p50: {:.3}", ours / sudo);
    }
}

/// What agents run all day. Those whose program or server is not here are left out, and said to be.
fn lines(site: &Site, listener: &Listener) -> Vec<(&'static str, Vec<String>)> {
    let made = Command::new("git").args(["init", "-q"]).arg(site.path("work")).status().unwrap();
    assert!(made.success());
    let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut lines = vec![
        ("git", words(&["--version"])),
        ("git", words(&["status"])),
        ("curl", words(&["--version"])),
        ("curl", words(&["-s", &format!("http://127.0.0.1:{}/", listener.port)])),
    ];
    if Path::new("/usr/bin/psql").exists() {
        let database = postgres::database();
        let at = format!("host=127.0.0.1 port={} dbname={} user=postgres", database.port, database.name);
        lines.push(("psql", words(&["-X", "-d", &at, "-c", "select 1"])));
    } else {
        println!("skipped: psql is not installed");
    }
    if Path::new("/usr/bin/kubectl").exists() {
        let server = format!("--server=http://127.0.0.1:{}", listener.port);
        lines.push(("kubectl", words(&["get", "pods", &server])));
    } else {
        println!("skipped: kubectl is not installed");
    }
    lines
}
