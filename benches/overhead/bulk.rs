//! How fast bytes pass: through the shim's own pipe with redaction and recording on, and past it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::support::site::Site;
use super::{median, setting, tool};

const ROUNDS: usize = 5;

pub fn run(site: &Site) {
    let mebibytes = setting("MEBIBYTES", 256);
    let path = site.path("work/bulk");
    fill(&path, mebibytes);
    let curl = |gated: bool| shown(site, &path, gated);
    let cat = || {
        let mut command = Command::new("sh");
        command.args(["-c", "cat \"$1\" | cat", "sh"]).arg(&path);
        command
    };
    let hash = |gated: bool| {
        let mut command = tool(site, "git", gated);
        command.args(["hash-object", "--stdin"]).stdin(File::open(&path).unwrap());
        command
    };
    let rows: [(&str, &dyn Fn() -> Command); 5] = [
        ("cat | cat", &cat),
        ("curl file:// bare", &|| curl(false)),
        ("curl file:// gated", &|| curl(true)),
        ("git hash-object --stdin bare", &|| hash(false)),
        ("git hash-object --stdin gated", &|| hash(true)),
    ];
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, command), times) in rows.iter().zip(&mut times) {
            times.push(drained(command()));
        }
    }
    println!("{:36} {:>10} {:>12}", format!("{mebibytes} MiB of text"), "MiB/s", "of its base");
    let rates: Vec<f64> = times.iter_mut().map(|times| mebibytes as f64 / median(times)).collect();
    for ((name, _), (rate, base)) in rows.iter().zip(rates.iter().zip([0, 0, 0, 3, 3])) {
        println!("{name:36} {rate:10.0} {:12.2}", rate / rates[base]);
    }
    std::fs::remove_file(path).unwrap();
}

/// A file as curl shows it.
pub fn shown(site: &Site, path: &Path, gated: bool) -> Command {
    let mut command = tool(site, "curl", gated);
    command.args(["-s", &format!("file://{}", path.display())]);
    command
}

/// Lines as programs write them, none with a secret in it.
pub fn fill(path: &Path, mebibytes: usize) {
    let line =
        |n: usize| format!("{n:08} INFO request handled: path=/items/{} status=200 took={}us\n", n % 997, n % 7919);
    let text: String = (0..).map(line).take((1 << 20) / 64).collect();
    let mut file = File::create(path).unwrap();
    let mut left = mebibytes << 20;
    while left > 0 {
        let take = left.min(text.len());
        file.write_all(&text.as_bytes()[..take]).unwrap();
        left -= take;
    }
    file.sync_all().unwrap();
}

/// Seconds until the last byte and the end.
fn drained(mut command: Command) -> f64 {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut chunk = vec![0; 1 << 20];
    while out.read(&mut chunk).unwrap() > 0 {}
    assert!(child.wait().unwrap().success());
    began.elapsed().as_secs_f64()
}
