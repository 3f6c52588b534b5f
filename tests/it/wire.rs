//! The JSON of every type that crosses a wire, as snapshots: a change of contract shows in review.
//!
//! To accept a change on purpose: `INSTA_UPDATE=always cargo test --test it wire`, and raise the version that it is of.

use std::collections::BTreeMap;

use portcullis::model::*;
use portcullis::wire::contract::*;
use portcullis::wire::frames::{self, FromKeeper, FromShim};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Its JSON is as it was, and reads back to the same JSON.
fn snapshot<T: Serialize + DeserializeOwned>(name: &str, value: &T) {
    let json = serde_json::to_value(value).unwrap();
    let again: T = serde_json::from_value(json.clone()).expect("it reads back");
    assert_eq!(serde_json::to_value(&again).unwrap(), json, "{name} does not read back to itself");
    insta::assert_snapshot!(name, serde_json::to_string_pretty(&json).unwrap());
}

fn invocation() -> Invocation {
    Invocation {
        id: InvocationId::from_ulid(1),
        tool: "git".into(),
        argv0: "git".into(),
        args: vec!["push".into(), Bytes::from(&b"caf\xe9"[..])],
        cwd: Some("/home/agent/app".into()),
        variables: BTreeMap::from([("GIT_DIR".to_owned(), "x".into())]),
        streams: Streams { stdin: StreamKind::Terminal, stdout: StreamKind::Pipe, stderr: StreamKind::Null },
        parent: Some(InvocationId::from_ulid(2)),
        pin: Pin::Pinned,
    }
}

fn facts() -> Facts {
    Facts {
        version: Some("2.47.3".into()),
        facts: BTreeMap::from([("git.branch".to_owned(), json!("main"))]),
        contents: vec![
            Content { source: ContentSource::Stdin, sha256: Digest::of(b"a"), bytes: "a".into(), truncated: false },
            Content {
                source: ContentSource::File("f.sql".into()),
                sha256: Digest::of(b"b"),
                bytes: "b".into(),
                truncated: true,
            },
        ],
    }
}

fn terms() -> Terms {
    Terms {
        record_stdin: true,
        unrecorded: false,
        masks: vec!["secrets".into()],
        masking: Masking::default(),
        limit_seconds: Some(600),
        environment: vec![("PGOPTIONS".into(), "-c statement_timeout=5s".into())],
        grants: vec!["orders-ro".into()],
        quiet_programs: true,
    }
}

fn ticket() -> ApprovalTicket {
    ApprovalTicket {
        id: ApprovalId::from_ulid(3),
        what: "git push origin release".into(),
        groups: vec!["release-managers".into()],
        needed: 2,
        given: 1,
        url: "https://gate.example/a/7f3k2m".into(),
        expires: Micros(1_700_000_000_000_000),
        policies: vec!["release-needs-a-human".into()],
    }
}

fn refusal() -> Refusal {
    Refusal {
        kind: RefusalKind::Forbidden,
        what: "git push --force to main".into(),
        why: "policy protect-main forbids it".into(),
        hint: Some("open a pull request".into()),
        policies: vec!["protect-main".into()],
    }
}

fn subject() -> Subject {
    Subject { id: "alice".into(), name: "Alice".into(), kind: SubjectKind::Person, groups: vec!["dba".into()] }
}

fn grant(kind: GrantKind) -> Grant {
    Grant { name: "orders-ro".into(), kind, secret: Secret::new(b"s3cret".to_vec()), expires: Micros(5) }
}

#[test]
fn the_vocabulary_is_as_it_was() {
    snapshot("invocation", &invocation());
    snapshot("facts", &facts());
    let mut reading = Reading {
        tool: "git".into(),
        version: None,
        effective: BTreeMap::from([("force".to_owned(), json!(true))]),
        operations: vec![
            Operation::new(
                "git.push",
                Effect::Write,
                Resource::new("Ref", "github.com/acme/app:refs/heads/main").with("name", "refs/heads/main"),
            )
            .with("force", true),
        ],
        doubts: Vec::new(),
    };
    reading.doubt("unknown_option", "--frob");
    snapshot("reading", &reading);
    snapshot("subject", &subject());
    snapshot("decision-allow", &Decision::Allow(terms()));
    snapshot("decision-ask", &Decision::Ask(ticket()));
    snapshot("decision-deny", &Decision::Deny(refusal()));
    let postgres = GrantKind::Postgres { host: "db".into(), port: 5432, database: "shop".into(), role: "pc_1".into() };
    snapshot("grant-postgres", &grant(postgres));
    snapshot("grant-token", &grant(GrantKind::Token { url: "https://git.example/".into(), username: None }));
    let kubernetes = GrantKind::Kubernetes { server: "https://k8s".into(), ca: None, namespace: Some("dev".into()) };
    snapshot("grant-kubernetes", &grant(kubernetes));
    let kinds = [
        FrameKind::Output("hi\n".into()),
        FrameKind::Error(Bytes::from(&b"\xff"[..])),
        FrameKind::Input("x".into()),
        FrameKind::Resize { columns: 80, rows: 24 },
        FrameKind::Mark("masked 2 email".into()),
        FrameKind::End(Exit::Code(0)),
        FrameKind::End(Exit::Signal(9)),
        FrameKind::End(Exit::Lost),
    ];
    snapshot("frames", &kinds.map(|kind| Frame { at: Micros(7), kind }).to_vec());
}

#[test]
fn the_contract_with_the_server_is_as_it_was() {
    assert_eq!(VERSION, 1);
    snapshot("ask", &Ask { invocation: invocation(), facts: facts() });
    snapshot("answer", &Answer::new(InvocationId::from_ulid(1), Digest::of(b"x"), Decision::Ask(ticket())));
    snapshot("end", &End { exit: Exit::Code(1), duration: Micros(9), bytes: 3, masked: vec![("email".into(), 2)] });
    let seal = Seal { length: 10, sha256: Digest::of(b"x") };
    snapshot("seal", &seal);
    let end = End { exit: Exit::Signal(9), duration: Micros(9), bytes: 0, masked: Vec::new() };
    snapshot("whole", &Whole { end, seal, recording: "{}\n".into() });
    let problem =
        Problem { code: "not_found".into(), detail: "there is none".into(), hint: None, request: "req_1".into() };
    snapshot("problem", &problem);
}

#[test]
fn the_socket_between_shim_and_keeper_is_as_it_was() {
    assert_eq!(frames::VERSION, 3);
    let frame = FromShim::Frame(Frame { at: Micros(1), kind: FrameKind::Error("x".into()) });
    assert_eq!(frames::encode(&frame).unwrap(), b"\0\0\0\x0a\x02\0\0\0\0\0\0\0\x01x");
    let from_shim = [
        FromShim::Hello(frames::Hello { version: 1, shim: "0.1.0".into() }),
        FromShim::Draw,
        FromShim::Above { tool: "git".into(), by_shell: false },
        FromShim::Passes { role: "fetch".into(), by_shell: false },
        FromShim::Started {
            pid: 7,
            helper: Some(HelperScope { grant: "g".into(), url: "https://h/p".into() }),
            role: Some("pull".into()),
        },
        FromShim::Frame(Frame { at: Micros(1), kind: FrameKind::Output("x".into()) }),
        FromShim::Credential { protocol: "https".into(), host: "h".into(), path: "p".into() },
    ];
    let values: Vec<Value> = from_shim.iter().map(|m| serde_json::to_value(m).unwrap()).collect();
    snapshot("from-shim", &values);
    let from_keeper = [
        FromKeeper::Welcome { version: 1, keeper: "0.1.0".into() },
        FromKeeper::Above { role: Some("pull".into()) },
        FromKeeper::Refused(refusal()),
        FromKeeper::Kept { frames: 3 },
        FromKeeper::Done,
        FromKeeper::Stop { why: "the disk is full".into() },
    ];
    let values: Vec<Value> = from_keeper.iter().map(|m| serde_json::to_value(m).unwrap()).collect();
    snapshot("from-keeper", &values);
}

#[test]
fn terms_with_an_obligation_that_is_not_known_are_no_terms() {
    let mut json = serde_json::to_value(terms()).unwrap();
    json["dance"] = json!(true);
    assert!(serde_json::from_value::<Terms>(json).is_err());
}
