use axum::http::StatusCode;

use super::{Gate, agent, alice, ask, judged};
use crate::model::{Exit, Micros, Terms};
use crate::policy::Verdict;
use crate::server::{ending, grants};
use crate::wire::contract::End;

#[tokio::test]
async fn grants_are_drawn_once_by_whoever_was_allowed_and_soon() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    assert_eq!(grants::draw(&gate.app, &alice(), &id).await.map(|_| ()).unwrap_err().status(), StatusCode::NOT_FOUND);
    assert!(grants::draw(&gate.app, &agent(), &id).await.unwrap().is_empty());
    assert_eq!(grants::draw(&gate.app, &agent(), &id).await.map(|_| ()).unwrap_err().status(), StatusCode::CONFLICT);

    let late = gate.allowed().await;
    gate.pass(601);
    assert_eq!(grants::draw(&gate.app, &agent(), &late).await.map(|_| ()).unwrap_err().status(), StatusCode::CONFLICT);
    assert_eq!(gate.log().await.iter().filter(|kind| *kind == "grant.barred").count(), 2);
}

#[tokio::test]
async fn nothing_is_lent_to_what_waits_or_has_ended() {
    let gate = Gate::open().await;
    let waiting = judged("push", ask("approvers", 1));
    let id = waiting.invocation.id.clone();
    let _ = gate.asks(waiting).await;
    assert_eq!(grants::draw(&gate.app, &agent(), &id).await.map(|_| ()).unwrap_err().status(), StatusCode::CONFLICT);

    let id = gate.allowed().await;
    let end = End { exit: Exit::Code(0), duration: Micros(1), bytes: 0, masked: Vec::new() };
    ending::end(&gate.app, &agent(), &id, end).await.unwrap();
    assert_eq!(grants::draw(&gate.app, &agent(), &id).await.map(|_| ()).unwrap_err().status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_credential_that_is_not_configured_is_said_and_logged() {
    let gate = Gate::open().await;
    let terms = Terms { grants: vec!["nowhere".to_owned()], ..Terms::default() };
    let judged = judged("push", Verdict::Allow { terms, policies: Vec::new() });
    let id = judged.invocation.id.clone();
    let _ = gate.asks(judged).await;
    assert!(grants::draw(&gate.app, &agent(), &id).await.is_err());
    assert!(gate.log().await.contains(&"grant.failed".to_owned()));
}
