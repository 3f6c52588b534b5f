//! The rows of `tests/conformance` behind a whole installation: the shim, the keeper, the server, records and masks.
//!
//! `PORTCULLIS_CONFORMANCE=FOLDER cargo test --all-features --test it conformance` tries the other recorders of sessions
//! in the same run, and writes the table there as `table.md` and `table.json`. With programs that were built for use, in the
//! folder `PORTCULLIS_BENCH_PROGRAMS` (`benches/run.sh` makes `target/bench-programs`), its figures mean something.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::site::{Setup, Site, words};
use crate::support::sudo::Sudo;

/// env(1) stands in git's place, so that every line is a subcommand that nobody knows.
const POLICY: &str = r#"
@id("all") @mask("secrets") permit(principal, action, resource);
@id("unknown") @mask("secrets") permit(principal, action in [Doubt::Action::"unknown_command", Doubt::Action::"unknown_fact"], resource);
@id("bytes") @mask("secrets") permit(principal, action == Doubt::Action::"not_text", resource);
"#;

/// script(1) takes one string for a shell, and its file as an argument.
const SCRIPT: &str = "script=bash -c 'exec script -qec \"${*@Q}\" /dev/null' script";

/// What others have that record a session, each where Debian's package of it is installed.
#[allow(clippy::print_stderr, reason = "what is skipped is said")]
fn others() -> Vec<String> {
    let mut others = Vec::new();
    let mut add = |program: &str, wrapper: &str, version: &str| {
        if Path::new(program).exists() {
            others.extend(["--wrapper".to_owned(), wrapper.to_owned()]);
            others.extend((!version.is_empty()).then(|| format!("--version={version}")));
        } else {
            eprintln!("skipped: {program} is not installed");
        }
    };
    add("/usr/bin/sudo", "sudo=sudo -n", "");
    add("/usr/bin/script", SCRIPT, "script=script --version");
    add("/usr/bin/unbuffer", "unbuffer=unbuffer -p", "unbuffer=dpkg-query -W -f 'expect ${Version}' expect");
    others
}

#[test]
#[allow(clippy::print_stderr, reason = "what is skipped is said")]
fn every_row_holds_behind_shim_keeper_and_server() {
    let site = Site::with(&Setup { policy: POLICY, ..Setup::default() });
    site.gate_anything();
    let folder = std::env::var_os("PORTCULLIS_CONFORMANCE").map(PathBuf::from);
    let mut run = Command::new("python3");
    run.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/run")).args(["--runs", "50", "--patience", "120"]);
    run.arg("--json").arg(site.path("table.json")).arg("--markdown");
    run.args(["--wrapper", "bare=", "--wrapper"]);
    run.arg(format!("portcullis={}", site.path("lib/portcullis/shims/git").display()));
    run.arg(format!("--version=portcullis={} --version", site.path("bin/portcullis").display()));
    let mut sudo = None;
    if folder.is_none() {
        // Programs that were built to be debugged take their time with masks.
        run.args(["--mebibytes", "8"]);
    } else {
        run.args(others());
        sudo = Sudo::set_up();
        if sudo.is_none() {
            eprintln!("skipped: sudo_logsrvd: it needs root and Debian's sudo");
        }
    }
    // It goes on for minutes, and says each row as it comes.
    let done = run.stderr(if folder.is_some() { Stdio::inherit() } else { Stdio::piped() }).output().unwrap();
    drop(sudo);
    let table: serde_json::Value =
        serde_json::from_slice(&std::fs::read(site.path("table.json")).unwrap_or_else(|_| panic!("{}", words(&done))))
            .unwrap();
    if let Some(folder) = folder {
        std::fs::copy(site.path("table.json"), folder.join("table.json")).unwrap();
        std::fs::write(folder.join("table.md"), &done.stdout).unwrap();
    }
    let rows = table["portcullis"]["rows"].as_object().unwrap();
    assert!(rows.len() > 40, "{}", words(&done));
    let differs: Vec<_> = rows.iter().filter(|(_, row)| row["outcome"] == "differs").collect();
    assert!(differs.is_empty(), "{differs:#?}");
}
