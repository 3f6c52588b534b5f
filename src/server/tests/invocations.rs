use axum::http::StatusCode;

use super::{Gate, agent, alice, allow, ask, deny, judged};
use crate::model::{Decision, Digest, Exit, Micros};
use crate::server::question::Judged;
use crate::server::{ending, invocations};
use crate::wire::contract::End;

#[tokio::test]
async fn the_same_id_twice_gets_the_same_answer_and_one_entry() {
    let gate = Gate::open().await;
    let first = judged("push", ask("approvers", 1));
    let again = same(&first);
    let one = gate.asks(first).await;
    let two = gate.asks(again).await;
    assert_eq!(one, two);
    assert_eq!(gate.log().await, ["approval.asked", "decision"]);
}

#[tokio::test]
async fn an_id_belongs_to_whoever_used_it_first_and_to_its_digest() {
    let gate = Gate::open().await;
    let first = judged("push", allow());
    let (other, stranger) = (same(&first), same(&first));
    let id = first.invocation.id.clone();
    let _ = gate.asks(first).await;

    let other = Judged { digest: Digest::of(b"another"), ..other };
    let refused = invocations::accept(&gate.app, agent(), other).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = invocations::accept(&gate.app, alice(), stranger).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let hidden = invocations::decision(&gate.app, &alice(), &id).await.unwrap_err();
    assert_eq!(hidden.status(), StatusCode::NOT_FOUND);
    assert_eq!(gate.log().await, ["decision", "invocation.conflict", "invocation.conflict"]);
}

#[tokio::test]
async fn an_end_is_written_once_and_the_id_is_used_up() {
    let gate = Gate::open().await;
    let first = judged("status", allow());
    let (id, again) = (first.invocation.id.clone(), same(&first));
    let _ = gate.asks(first).await;
    for code in [0, 1] {
        let end = End { exit: Exit::Code(code), duration: Micros(5), bytes: 3, masked: vec![("email".to_owned(), 2)] };
        ending::end(&gate.app, &agent(), &id, end).await.unwrap();
    }
    assert_eq!(gate.log().await, ["decision", "end"]);
    let refused = invocations::accept(&gate.app, agent(), again).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_was_refused_cannot_end() {
    let gate = Gate::open().await;
    let refused = judged("push", deny());
    let id = refused.invocation.id.clone();
    assert!(matches!(gate.asks(refused).await, Decision::Deny(_)));
    let end = End { exit: Exit::Lost, duration: Micros(0), bytes: 0, masked: Vec::new() };
    assert_eq!(ending::end(&gate.app, &agent(), &id, end).await.unwrap_err().status(), StatusCode::CONFLICT);
}

/// The very same question, once more.
fn same(first: &Judged) -> Judged {
    Judged {
        invocation: first.invocation.clone(),
        digest: first.digest,
        reading: first.reading.clone(),
        verdict: first.verdict.clone(),
        policies: None,
        tool: first.tool.clone(),
        command: first.command.clone(),
        cwd: first.cwd.clone(),
        operations: Vec::new(),
        previews: Vec::new(),
    }
}
