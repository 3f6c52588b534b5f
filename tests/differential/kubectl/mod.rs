//! kubectl against a real API server: the calls of its audit log, and what strace(1) saw on the machine.

mod apiserver;
mod generator;
mod judge;
mod machine;
mod tables;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use apiserver::{ApiServer, server};
use machine::Machine;

use crate::twice;

struct Line {
    /// kubectl's words for what the cluster must hold before the line is tried; they are not judged.
    before: Option<Vec<String>>,
    variables: Vec<(String, String)>,
    args: Vec<String>,
    stdin: Option<String>,
}

/// `[kubectl WORD… ;] [NAME=value …] kubectl WORD… [< FILE]`, split as a shell would.
fn line(text: &str) -> Line {
    let mut words = shell_words::split(text).unwrap();
    let before = words.iter().position(|word| word == ";").map(|at| words.drain(..=at).take(at).skip(1).collect());
    let stdin = words.iter().rposition(|word| word == "<").map(|at| words.drain(at..).nth(1).unwrap());
    let at = words.iter().position(|word| word == "kubectl").unwrap();
    let args = words.split_off(at + 1);
    let variables = words[..at].iter().filter_map(|word| word.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Line { before, variables, args, stdin }
}

/// The kubectl on PATH and its version.
fn kubectl() -> Option<(PathBuf, String)> {
    let output = std::process::Command::new("kubectl").args(["version", "--client", "-o", "json"]).output().ok()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let version = json.pointer("/clientVersion/gitVersion")?.as_str()?.trim_start_matches('v').to_owned();
    let folders = std::env::var("PATH").ok()?;
    let path = folders.split(':').map(|folder| Path::new(folder).join("kubectl")).find(|path| path.is_file())?;
    Some((path, version))
}

/// What the cluster holds before each line.
fn seed(server: &ApiServer) {
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/kubectl/seed.yaml");
    let output = server.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", seed]);
    assert!(output.status.success(), "{}", output.stderr.escape_ascii());
    let running = r#"{"status":{"phase":"Running"}}"#;
    server.kubectl(&["patch", "pod", "web-1", "web-2", "--subresource=status", "-p", running]);
    server.requests();
}

/// What a line needs to find and the seed does not have.
fn prepare(server: &ApiServer, before: &[String]) {
    let words: Vec<&str> = before.iter().map(String::as_str).collect();
    let output = server.kubectl(&words);
    assert!(output.status.success(), "{words:?}: {}", output.stderr.escape_ascii());
}

/// A request for a client's certificate, which takes a key.
fn ask_for_certificate(server: &ApiServer) {
    let script = r#"cd "$1" && openssl req -new -key ca.key -subj /CN=ann 2>/dev/null | base64 -w0"#;
    let output = std::process::Command::new("sh").args(["-c", script, "sh"]).arg(&server.folder).output().unwrap();
    let request = String::from_utf8(output.stdout).unwrap();
    for name in ["csr1", "csr2"] {
        let text = format!(
            "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {{name: {name}}}\n\
             spec: {{signerName: example.com/s, usages: [client auth], request: \"{request}\"}}\n"
        );
        std::fs::write(server.folder.join("request.yaml"), text).unwrap();
        let output = server.kubectl(&["apply", "-f", &server.folder.join("request.yaml").display().to_string()]);
        assert!(output.status.success(), "{}", output.stderr.escape_ascii());
    }
}

/// Deletes what a line made or changed; what the cluster holds before each line is there again after [`seed`]. Without a
/// controller a namespace stays for ever, and is emptied of what the seed does not say of it.
fn clean(server: &ApiServer, requests: &[apiserver::Request]) {
    let changes = |request: &&apiserver::Request| {
        matches!(request.verb.as_str(), "create" | "patch" | "update" | "delete") && !request.uri.contains("dryRun")
    };
    let done = |request: &&apiserver::Request| request.code.is_some_and(|code| code < 300) && !request.name.is_empty();
    let mut paths = BTreeSet::new();
    for request in requests.iter().filter(changes).filter(done) {
        let path = request.uri.split('?').next().unwrap_or_default();
        let path = path.strip_suffix(&format!("/{}", request.subresource)).unwrap_or(path);
        match (request.resource.as_str(), request.verb.as_str()) {
            ("namespaces", "patch" | "update") => {
                let none = r#"{"metadata":{"labels":null,"annotations":null}}"#;
                server.kubectl(&["patch", "namespace", &request.name, "--type=merge", "-p", none]);
            }
            ("namespaces" | "customresourcedefinitions", _) => {}
            (_, "create") if request.subresource.is_empty() => drop(paths.insert(format!("{path}/{}", request.name))),
            _ => drop(paths.insert(path.to_owned())),
        }
    }
    for path in paths {
        // What waits for its dependents to go is gone by another deletion.
        server.kubectl(&["delete", "--raw", &format!("{path}?gracePeriodSeconds=0&propagationPolicy=Background")]);
    }
    if requests.iter().filter(changes).any(|request| request.resource == "certificatesigningrequests") {
        ask_for_certificate(server);
    }
}

/// The first word of a line that is one of kubectl's commands.
fn command(args: &[String]) -> &str {
    args.iter().find(|word| COMMANDS.contains(&word.as_str())).map_or("", String::as_str)
}

const COMMANDS: [&str; 11] =
    ["wait", "proxy", "reconcile", "version", "diff", "describe", "rollout", "drain", "logs", "exec", "expose"];

fn differences(server: &ApiServer, text: &str, kubectl: &(PathBuf, String)) -> Vec<String> {
    let line = line(text);
    let mut machine = Machine::new(server, &kubectl.0);
    for (name, value) in &line.variables {
        let value = machine.spelled(value, server);
        machine.set(name, &value);
    }
    if let Some(file) = &line.stdin {
        machine.give(std::fs::read_to_string(machine.path("tree").join(file)).unwrap());
    }
    let args: Vec<String> = line.args.iter().map(|word| machine.spelled(word, server)).collect();
    let reading = machine.read(&args, &kubectl.1);
    let mut tried = (Vec::new(), None);
    // Some lines wait for what never comes; one that had no time to do its work on a busy machine gets more.
    for seconds in [5, 60] {
        if let Some(before) = &line.before {
            prepare(server, before);
        }
        server.requests();
        let ran = machine.run(&args, seconds);
        let requests = server.requests();
        let out = judge::differences(&machine, command(&args), &reading, &ran, &requests);
        let changes = |r: &apiserver::Request| !matches!(r.verb.as_str(), "get" | "list" | "watch");
        if line.before.is_some() || requests.iter().any(|r| changes(r) && r.code.is_none_or(|code| code < 300)) {
            clean(server, &requests);
            seed(server);
        }
        let late = ran.code == Some(124);
        tried = (out, Some(ran));
        if tried.0.is_empty() || !late {
            break;
        }
    }
    let (out, Some(ran)) = tried else { return Vec::new() };
    match out.is_empty() {
        true => out,
        false => {
            let words = ran.stderr.lines().next().unwrap_or_default().to_owned();
            out.into_iter().chain([format!("kubectl said ({:?}): {words}", ran.code)]).collect()
        }
    }
}

/// There is one API server, and what one test does to it the other must not see in its log.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Every fourth line is tried; with `DIFFERENTIAL=all` in the environment every one, which takes a quarter of an hour.
#[test]
fn every_line_does_what_was_read_of_it() {
    let (Some(kubectl), Some(server)) = (kubectl(), server()) else { return };
    let _alone = alone();
    seed(server);
    ask_for_certificate(server);
    // A number is the generator's.
    let only = std::env::var("PORTCULLIS_LINES").ok().filter(|text| text.parse::<u64>().is_err());
    let text = match &only {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("lines.txt").to_owned(),
    };
    let all = only.is_some() || std::env::var_os("DIFFERENTIAL").is_some_and(|which| which == "all");
    let (mut wrong, mut count) = (Vec::new(), 0);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for text in lines.step_by(if all { 1 } else { 4 }) {
        count += 1;
        wrong.extend(twice(|| {
            let differences = differences(server, text, &kubectl);
            (!differences.is_empty()).then(|| format!("{text}\n    {}", differences.join("\n    ")))
        }));
    }
    assert!(wrong.is_empty(), "{} of {count} lines differ\n{}", wrong.len(), wrong.join("\n"));
}
