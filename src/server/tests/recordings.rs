use std::fs;

use axum::http::StatusCode;
use bytes::Bytes;

use super::{Gate, agent, alice, deny, judged, subject};
use crate::model::{Digest, Exit, Micros, SubjectKind};
use crate::server::{recordings, sessions};
use crate::wire::contract::{End, Seal, Whole};

#[tokio::test]
async fn a_gap_and_other_bytes_are_refused_and_the_same_bytes_are_taken_again() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    let append = async |offset, bytes: &'static [u8]| {
        recordings::append(&gate.app, &agent(), &id, offset, Bytes::from_static(bytes))
            .await
            .map(|stored| stored.length)
    };
    assert_eq!(append(0, b"abc").await.unwrap(), 3);
    assert_eq!(append(0, b"abc").await.unwrap(), 3);
    assert_eq!(append(4, b"x").await.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(append(1, b"xc").await.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(append(1, b"bcde").await.unwrap(), 5);
    assert_eq!(append(5, b"").await.unwrap(), 5);
    assert_eq!(append(u64::MAX, b"x").await.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(fs::read(gate.data.path().join(format!("recordings/{id}.jsonl"))).unwrap(), b"abcde");
}

#[tokio::test]
async fn what_a_crash_left_unacknowledged_does_not_count() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    recordings::append(&gate.app, &agent(), &id, 0, Bytes::from_static(b"abc")).await.unwrap();
    let path = gate.data.path().join(format!("recordings/{id}.jsonl"));
    fs::write(&path, b"abc-half-written").unwrap();
    let gate = gate.reopen().await;
    let seal = |text: &[u8]| Seal { length: text.len() as u64, sha256: Digest::of(text) };
    let stored = recordings::append(&gate.app, &agent(), &id, 3, Bytes::from_static(b"def")).await.unwrap();
    assert_eq!(stored.length, 6);
    recordings::seal(&gate.app, &agent(), &id, seal(b"abcdef")).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"abcdef");
}

#[tokio::test]
async fn a_seal_that_does_not_fit_is_refused_and_logged_and_one_that_fits_is_final() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    recordings::append(&gate.app, &agent(), &id, 0, Bytes::from_static(b"abc")).await.unwrap();
    let seal = async |length, of: &[u8]| {
        recordings::seal(&gate.app, &agent(), &id, Seal { length, sha256: Digest::of(of) }).await
    };
    assert_eq!(seal(3, b"abd").await.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(seal(4, b"abc").await.unwrap_err().status(), StatusCode::CONFLICT);
    seal(3, b"abc").await.unwrap();
    seal(3, b"abc").await.unwrap();
    assert_eq!(seal(3, b"abd").await.unwrap_err().status(), StatusCode::CONFLICT);
    let more = recordings::append(&gate.app, &agent(), &id, 3, Bytes::from_static(b"d")).await;
    assert_eq!(more.map(|_| ()).unwrap_err().status(), StatusCode::CONFLICT);
    let log = gate.log().await;
    assert_eq!(log, ["decision", "recording.mismatch", "recording.mismatch", "recording.sealed"]);
}

#[tokio::test]
async fn a_recording_belongs_to_a_run_that_was_allowed_and_to_whoever_ran_it() {
    let gate = Gate::open().await;
    let refused = judged("push", deny());
    let id = refused.invocation.id.clone();
    let _ = gate.asks(refused).await;
    let append = async |who, id| recordings::append(&gate.app, &who, id, 0, Bytes::from_static(b"x")).await.map(|_| ());
    assert_eq!(append(agent(), &id).await.unwrap_err().status(), StatusCode::CONFLICT);
    let id = gate.allowed().await;
    assert_eq!(append(alice(), &id).await.unwrap_err().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn looking_at_anothers_recording_is_for_auditors_and_in_the_log() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    recordings::append(&gate.app, &agent(), &id, 0, Bytes::from_static(b"abc")).await.unwrap();
    assert!(sessions::recording(&gate.app, &agent(), &id).await.is_ok());
    let looked = |log: Vec<String>| log.iter().filter(|kind| *kind == "recording.read").count();
    assert_eq!(looked(gate.log().await), 0);
    let refused = sessions::recording(&gate.app, &alice(), &id).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    let machine = subject("robot", SubjectKind::Machine, &["auditors"]);
    assert!(sessions::recording(&gate.app, &machine, &id).await.is_err());
    let auditor = subject("eve", SubjectKind::Person, &["auditors"]);
    assert!(sessions::recording(&gate.app, &auditor, &id).await.is_ok());
    assert_eq!(looked(gate.log().await), 1);
}

fn whole(recording: &str, of: &str) -> Whole {
    let end = End { exit: Exit::Code(0), duration: Micros(5), bytes: 1, masked: Vec::new() };
    let seal = Seal { length: of.len() as u64, sha256: Digest::of(of.as_bytes()) };
    Whole { end, seal, recording: recording.into() }
}

#[tokio::test]
async fn a_command_that_arrives_whole_is_ended_stored_and_sealed_at_once_and_may_arrive_again() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    let path = gate.data.path().join(format!("recordings/{id}.jsonl"));
    fs::write(&path, "what a crash left behind").unwrap();
    for _ in 0..2 {
        recordings::whole(&gate.app, &agent(), &id, whole("abc", "abc")).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
    }
    assert_eq!(gate.log().await, ["decision", "end", "recording.sealed"]);
    let other = recordings::whole(&gate.app, &agent(), &id, whole("abd", "abd")).await;
    assert_eq!(other.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(fs::read(&path).unwrap(), b"abc");
}

#[tokio::test]
async fn a_command_that_was_begun_in_pieces_may_come_whole_afterwards() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    recordings::append(&gate.app, &agent(), &id, 0, Bytes::from_static(b"ab")).await.unwrap();
    recordings::whole(&gate.app, &agent(), &id, whole("abc", "abc")).await.unwrap();
    assert_eq!(gate.log().await, ["decision", "end", "recording.sealed"]);
}

#[tokio::test]
async fn a_whole_that_is_not_what_its_seal_says_ends_the_command_and_is_logged_as_a_mismatch() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    let wrong = recordings::whole(&gate.app, &agent(), &id, whole("abc", "abd")).await;
    assert_eq!(wrong.unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(gate.log().await, ["decision", "end", "recording.mismatch"]);
    let stranger = subject("other", SubjectKind::Machine, &[]);
    let theirs = recordings::whole(&gate.app, &stranger, &id, whole("abc", "abc")).await;
    assert_eq!(theirs.unwrap_err().status(), StatusCode::NOT_FOUND);
}
