//! How fast a stream is redacted, beside ripgrep on the same texts:
//! `cargo bench --no-default-features --features shim --bench redact [-- TEXT...]`. Prints a table, of the named texts
//! alone if there are any; ripgrep's column is empty where there is no `rg`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the processor has spent on this thread: others use the machine.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

use portcullis::model::{Raw, Secret};
use portcullis::redact::{Redactor, Settings, patterns};

/// Bytes of each text: `MEBIBYTES` in the environment, or 64.
fn size() -> usize {
    std::env::var("MEBIBYTES").map_or(64, |text| text.parse().unwrap()) << 20
}

/// How often each is measured; the best counts, since others use the machine.
const RUNS: usize = 5;

fn main() {
    let log = "commit 40a0cc4eab9679702443d8ac4d950b5e5d4cd5f7\nAuthor: A. Developer <dev at example>\n    Merge branch 'feature' into main\n";
    let json = "{\"id\": 455, \"name\": \"delta\", \"labels\": {\"app\": \"web\"}, \"created\": \"2025-11-03T10:00:00Z\", \"active\": true}\n";
    let table = "  1 | quartz  | 2025-11-03 10:00:00 | 19.90 | ordered by customer, shipped\n";
    let line = "2025-11-03T10:00:00Z INFO worker-3 handled GET /orders/7781 in 12 ms\n";
    let hits = format!("{}2025-11-03T10:00:01Z WARN retry password=x1y2z3w4\n", line.repeat(14));
    let requests: String = (0..1000)
        .map(|n| format!("{n:08} INFO request handled: path=/items/{} status=200 took={}us\n", n % 997, n * 7 % 7919))
        .collect();
    let binary: Vec<u8> = (0..=255u8).map(|b| b.wrapping_mul(167) | 0x80).collect();
    let long = json.replace('\n', " ");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    println!("{:22} {:>9} {:>12} {:>14} {:>9}", "MB/s", "secrets", "secrets,pii", "1000 granted", "ripgrep");
    for (name, unit) in [
        ("git log", log.as_bytes()),
        ("JSON lines", json.as_bytes()),
        ("psql table", table.as_bytes()),
        ("log", line.as_bytes()),
        ("log of requests", requests.as_bytes()),
        ("log, a hit each KB", hits.as_bytes()),
        ("log, a hit each line", b"2025-11-03T10:00:01Z WARN retry password=x1y2z3w4\n"),
        ("one line of JSON", long.as_bytes()),
        ("binary", &binary[..]),
    ] {
        if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
            continue;
        }
        let text: Vec<u8> = unit.iter().copied().cycle().take(size()).collect();
        let rates = [(&["secrets"][..], 1), (&["secrets", "pii"], 1), (&["secrets"], 1000)]
            .map(|(sets, n)| rate(&text, sets, n));
        let ripgrep = ripgrep(&text).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        println!("{name:22} {:9.0} {:12.0} {:14.0} {ripgrep:>9}", rates[0], rates[1], rates[2]);
    }
    let began = Instant::now();
    let mut redactor = redactor(&["secrets", "pii"], 1);
    println!("made in {:?}", began.elapsed());
    let began = Instant::now();
    let _ = redactor.push(Raw(b"password=x1y2z3w4\n".to_vec()));
    println!("the first secret found in {:?}", began.elapsed());
    let mut latencies: Vec<Duration> = (0..1000)
        .map(|n| {
            let line = format!("{n} rows, password=x1y2z3w{n}\n").into_bytes();
            let began = Instant::now();
            let _ = redactor.push(Raw(line));
            began.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    println!("a line in {:?} (median), {:?} (99 %)", latencies[500], latencies[990]);
}

fn redactor(sets: &[&str], granted: usize) -> Redactor {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let secrets: Vec<Secret> =
        (0..granted).map(|n| Secret::new(format!("correct-horse-{n}-battery-staple").into_bytes())).collect();
    let secrets: Vec<&Secret> = secrets.iter().collect();
    Redactor::new(&Settings { sets: &sets, secrets: &secrets }).unwrap()
}

fn rate(text: &[u8], sets: &[&str], granted: usize) -> f64 {
    best(text, || {
        let mut redactor = redactor(sets, granted);
        let began = spent();
        let mut out = 0;
        for chunk in text.chunks(64 << 10) {
            out += redactor.push(Raw(chunk.to_vec())).as_slice().len();
        }
        out += redactor.finish().0.as_slice().len();
        assert!(out > 0);
        Some(spent() - began)
    })
    .unwrap()
}

/// The same patterns in one search, one thread, the file in memory.
fn ripgrep(text: &[u8]) -> Option<f64> {
    let file = std::env::temp_dir().join(format!("redact-bench-{}", std::process::id()));
    let list = file.with_extension("patterns");
    let mut all = String::new();
    patterns().for_each(|pattern| writeln!(all, "(?-u){pattern}").unwrap());
    std::fs::write(&file, text).unwrap();
    std::fs::write(&list, all).unwrap();
    let rate = best(text, || {
        let began = Instant::now();
        let mut rg = Command::new("rg");
        rg.args(["--threads", "1", "--text", "--only-matching", "--no-config", "--file"]).arg(&list).arg(&file);
        rg.stdout(Stdio::null()).status().ok().filter(|status| status.code().is_some_and(|code| code < 2))?;
        Some(began.elapsed())
    });
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(&list).unwrap();
    rate
}

fn best(text: &[u8], run: impl Fn() -> Option<Duration>) -> Option<f64> {
    let fastest = (0..RUNS).map(|_| run()).collect::<Option<Vec<_>>>()?.into_iter().min()?;
    Some(text.len() as f64 / 1e6 / fastest.as_secs_f64())
}
