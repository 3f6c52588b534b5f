//! What the gate costs, beside the bare tool and sudo with its log server, in one run: `benches/run.sh`, or for less
//! `benches/run.sh latency`. README.md says what the figures are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]

mod big;
mod bulk;
mod latency;
mod listener;
mod load;
mod short;
mod start;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::site::Site;

/// Everything on: recording, and all mask sets. But for `curl --version`, of which nothing is kept: its shim becomes curl.
const POLICY: &str = r#"
@id("all") @mask("pii") permit(principal, action, resource)
unless { action == Action::"tool.info" && context.tool == "curl" };
@id("not-kept") @record("none") permit(principal, action == Action::"tool.info", resource)
when { context.tool == "curl" };
"#;

/// What a part measures, printed as it goes.
type Part = fn(&Site);

/// The parts, by the words that ask for them.
const PARTS: &[(&str, Part)] = &[
    ("latency", latency::run),
    ("bulk", bulk::run),
    ("big", big::run),
    ("load", load::run),
    ("short", short::run),
    ("start", start::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let site = Site::start(POLICY);
    if words.iter().any(|word| word == "hold") {
        println!("{}", site.path("").display());
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    for (name, run) in PARTS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            println!("\n== {name}");
            run(&site);
        }
    }
}

/// A tool, bare or through its shim, in the same place and the same environment.
fn tool(site: &Site, name: &str, gated: bool) -> Command {
    let shims = site.path("lib/portcullis/shims");
    let program = if gated { shims.join(name) } else { Path::new("/usr/bin").join(name) };
    let mut command = Command::new(program);
    command.current_dir(site.path("work")).env_clear().stdin(Stdio::null());
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", site.path("agent")).env("LANG", "C.UTF-8");
    command.env("PGPASSWORD", support::postgres::PASSWORD);
    command
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The middle one.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A number that the environment may set smaller or larger.
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
