//! What real tools move a lot with: a clone, a table's copy, and text at a terminal, where script(1) stands beside.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::bulk::{fill, shown};
use super::support::desk::Desk;
use super::support::postgres;
use super::support::site::Site;
use super::{median, setting, tool};

const ROUNDS: usize = 3;

pub fn run(site: &Site) {
    println!("{:44} {:>8} {:>12}", "seconds", "p50", "of its base");
    clone(site);
    copy(site);
    terminal(site);
}

/// Each in turn; the first is what the others are measured by.
fn compared(rows: &[(&str, &dyn Fn() -> f64)]) {
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        rows.iter().zip(&mut times).for_each(|((_, body), times)| times.push(body()));
    }
    let middles: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    for ((name, _), middle) in rows.iter().zip(&middles) {
        println!("{name:44} {middle:8.2} {:12.2}", middle / middles[0]);
    }
}

fn timed(mut command: Command) -> f64 {
    let began = Instant::now();
    let done = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert!(done.status.success(), "{}", done.stderr.escape_ascii());
    began.elapsed().as_secs_f64()
}

/// Of random bytes, so that nothing of it is packed away.
fn clone(site: &Site) {
    let mebibytes = setting("CLONE_MEBIBYTES", 500);
    let origin = site.path("work/origin");
    let git =
        |words: &[&str]| assert!(Command::new("git").arg("-C").arg(&origin).args(words).status().unwrap().success());
    fs::create_dir_all(&origin).unwrap();
    git(&["init", "-q"]);
    for n in 0..mebibytes.div_ceil(10) {
        let mut random = std::io::Read::take(File::open("/dev/urandom").unwrap(), 10 << 20);
        std::io::copy(&mut random, &mut File::create(origin.join(format!("{n}"))).unwrap()).unwrap();
    }
    git(&["add", "."]);
    git(&["-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "-m", "all"]);
    let url = format!("file://{}", origin.display());
    let clone = |gated: bool| {
        let to = site.path("work/clone");
        let mut command = tool(site, "git", gated);
        command.args(["clone", "-q", &url]).arg(&to);
        let took = timed(command);
        fs::remove_dir_all(to).unwrap();
        took
    };
    let name = |how: &str| format!("git clone of {mebibytes} MiB {how}");
    compared(&[(&name("bare"), &|| clone(false)), (&name("gated"), &|| clone(true))]);
    fs::remove_dir_all(origin).unwrap();
}

fn copy(site: &Site) {
    if !Path::new("/usr/bin/psql").exists() {
        println!("skipped: psql is not installed");
        return;
    }
    let mebibytes = setting("COPY_MEBIBYTES", 1024);
    let database = postgres::database();
    let at = format!("host=127.0.0.1 port={} dbname={} user=postgres", database.port, database.name);
    let psql = |gated: bool, statement: &str, input: Option<&Path>, output: Option<&Path>| {
        let mut command = tool(site, "psql", gated);
        command.args(["-X", "-q", "-d", &at, "-c", statement]);
        input.map(|path| command.stdin(File::open(path).unwrap()));
        command.stdout(output.map_or_else(Stdio::null, |path| File::create(path).unwrap().into()));
        timed(command)
    };
    let table = "CREATE TABLE items (id bigint, path text, status int, took text)";
    psql(false, table, None, None);
    // A row is 64 bytes in text.
    let rows = mebibytes << 14;
    let filled = format!(
        "INSERT INTO items SELECT n, '/items/' || n % 997 || '/parts/of/it', 200, lpad(n::text, 24, '.') FROM generate_series(1, {rows}) n"
    );
    psql(false, &filled, None, None);
    let file = site.path("work/items");
    let name = |way: &str, how: &str| format!("psql COPY of {mebibytes} MiB {way} {how}");
    let out = |gated| psql(gated, "COPY items TO STDOUT", None, Some(&file));
    compared(&[(&name("out", "bare"), &|| out(false)), (&name("out", "gated"), &|| out(true))]);
    let into = |gated| psql(gated, "COPY items FROM STDIN", Some(&file), None);
    compared(&[(&name("in", "bare"), &|| into(false)), (&name("in", "gated"), &|| into(true))]);
    fs::remove_file(file).unwrap();
}

fn terminal(site: &Site) {
    let mebibytes = setting("TERMINAL_MEBIBYTES", 64);
    let path = site.path("work/text");
    fill(&path, mebibytes);
    let curl = |gated: bool| shown(site, &path, gated);
    let script = || {
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &format!("/usr/bin/curl -s file://{}", path.display()), "/dev/null"]);
        command.current_dir(site.path("work")).env_clear().env("PATH", "/usr/bin:/bin");
        command
    };
    let seen = |command: &Command| {
        let began = Instant::now();
        let left = Desk::sit(command).rest();
        assert!(left.status.success() && left.seen.len() >= mebibytes << 20, "{} bytes", left.seen.len());
        began.elapsed().as_secs_f64()
    };
    let name = |how: &str| format!("{mebibytes} MiB at a terminal {how}");
    compared(&[
        (&name("by script -q"), &|| seen(&script())),
        (&name("bare"), &|| seen(&curl(false))),
        (&name("gated"), &|| seen(&curl(true))),
    ]);
    fs::remove_file(path).unwrap();
}
