use axum::http::StatusCode;

use super::{Gate, agent, alice, allow, ask, bob, judged, need, subject};
use crate::model::{ApprovalTicket, Decision, InvocationId, RefusalKind, SubjectKind, Terms};
use crate::policy::Verdict;
use crate::server::approvals::{answer, expire};
use crate::server::invocations;
use crate::wire::contract::ApprovalState;

fn ticket(decision: Decision) -> ApprovalTicket {
    match decision {
        Decision::Ask(ticket) => ticket,
        other => panic!("it does not wait: {other:?}"),
    }
}

/// Asks, and gives the id and what was answered.
async fn asked(gate: &Gate, word: &str, verdict: Verdict) -> (InvocationId, Decision) {
    let judged = judged(word, verdict);
    (judged.invocation.id.clone(), gate.asks(judged).await)
}

async fn now(gate: &Gate, id: &InvocationId) -> Decision {
    invocations::decision(&gate.app, &agent(), id).await.unwrap().decision
}

#[tokio::test]
async fn the_asker_machines_and_strangers_cannot_answer_and_each_try_is_in_the_log() {
    let gate = Gate::open().await;
    let asker = subject("carol", SubjectKind::Person, &["approvers"]);
    let judged = judged("push", ask("approvers", 1));
    let mine = invocations::accept(&gate.app, asker.clone(), judged).await.unwrap();
    let id = ticket(mine.decision).id;

    let machine = subject("robot", SubjectKind::Machine, &["approvers"]);
    for who in [&asker, &machine] {
        let refused = answer(&gate.app, &id, who, true, "me").await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{refused}");
    }
    // An auditor sees it, and is in no group that may answer; whoever may not even see it learns nothing.
    let auditor = subject("eve", SubjectKind::Person, &["auditors"]);
    assert_eq!(answer(&gate.app, &id, &auditor, true, "").await.unwrap_err().status(), StatusCode::FORBIDDEN);
    let stranger = subject("mallory", SubjectKind::Person, &["guests"]);
    assert_eq!(answer(&gate.app, &id, &stranger, true, "").await.unwrap_err().status(), StatusCode::NOT_FOUND);

    let log = gate.log().await;
    assert_eq!(log.iter().filter(|kind| *kind == "approval.barred").count(), 3, "{log:?}");
    assert_eq!(answer(&gate.app, &id, &bob(), true, "fine").await.unwrap().state, ApprovalState::Approved);
}

#[tokio::test]
async fn the_same_command_takes_up_the_open_question_and_then_the_unused_yes_once() {
    let gate = Gate::open().await;
    let (first, decision) = asked(&gate, "push", ask("approvers", 1)).await;
    let open = ticket(decision);
    let (second, decision) = asked(&gate, "push", ask("approvers", 1)).await;
    assert_eq!(ticket(decision).id, open.id, "nobody is asked twice");

    answer(&gate.app, &open.id, &bob(), true, "").await.unwrap();
    let (third, decision) = asked(&gate, "push", ask("approvers", 1)).await;
    assert!(matches!(decision, Decision::Allow(_)), "{decision:?}");
    assert!(matches!(now(&gate, &third).await, Decision::Allow(_)), "its own yes stays its own");
    for id in [&first, &second] {
        assert_ne!(ticket(now(&gate, id).await).id, open.id, "a yes is for one run");
    }
    assert_eq!(gate.log().await.iter().filter(|kind| *kind == "approval.consumed").count(), 1);
}

#[tokio::test]
async fn another_asker_another_command_or_a_stricter_policy_does_not_use_a_yes() {
    let gate = Gate::open().await;
    let (_, decision) = asked(&gate, "push", ask("approvers", 1)).await;
    let open = ticket(decision).id;
    answer(&gate.app, &open, &bob(), true, "").await.unwrap();

    let other = invocations::accept(&gate.app, alice(), judged("push", ask("approvers", 1))).await.unwrap();
    assert_ne!(ticket(other.decision).id, open);
    assert_ne!(ticket(asked(&gate, "push --force", ask("approvers", 1)).await.1).id, open);
    assert_ne!(ticket(asked(&gate, "push", ask("database-owners", 1)).await.1).id, open);
    assert_ne!(ticket(asked(&gate, "push", ask("approvers", 2)).await.1).id, open);
    assert!(matches!(asked(&gate, "push", ask("approvers", 1)).await.1, Decision::Allow(_)));
}

#[tokio::test]
async fn every_need_is_met_by_different_people_of_its_own_groups() {
    let gate = Gate::open().await;
    let verdict = Verdict::Ask {
        terms: Terms::default(),
        needs: vec![need("approvers", 2), need("database-owners", 1)],
        policies: Vec::new(),
    };
    let (id, decision) = asked(&gate, "drop", verdict).await;
    let open = ticket(decision);
    assert_eq!((open.needed, open.given), (3, 0));

    assert_eq!(answer(&gate.app, &open.id, &bob(), true, "").await.unwrap().state, ApprovalState::Pending);
    let twice = answer(&gate.app, &open.id, &bob(), true, "").await.unwrap_err();
    assert_eq!(twice.status(), StatusCode::CONFLICT);
    assert_eq!(ticket(now(&gate, &id).await).given, 1);
    let carol = subject("carol", SubjectKind::Person, &["approvers"]);
    assert_eq!(answer(&gate.app, &open.id, &carol, true, "").await.unwrap().state, ApprovalState::Pending);
    assert_eq!(answer(&gate.app, &open.id, &alice(), true, "").await.unwrap().state, ApprovalState::Approved);
    assert!(matches!(now(&gate, &id).await, Decision::Allow(_)));
}

#[tokio::test]
async fn one_no_settles_it_and_holds_until_the_question_would_have_expired() {
    let gate = Gate::open().await;
    let (id, decision) = asked(&gate, "push", ask("approvers", 2)).await;
    let open = ticket(decision).id;
    answer(&gate.app, &open, &bob(), false, "not on a\u{1b}[2J Friday").await.unwrap();
    for decision in [now(&gate, &id).await, asked(&gate, "push", ask("approvers", 2)).await.1] {
        let Decision::Deny(refusal) = decision else { panic!("{decision:?}") };
        assert_eq!(refusal.kind, RefusalKind::Refused);
        assert_eq!(refusal.why, "bob refused it: not on a\\x1b[2J Friday");
    }
    assert_eq!(answer(&gate.app, &open, &alice(), true, "").await.unwrap_err().status(), StatusCode::CONFLICT);
    gate.pass(601);
    assert_ne!(ticket(asked(&gate, "push", ask("approvers", 2)).await.1).id, open);
}

#[tokio::test]
async fn an_expired_question_is_no_yes_and_nobody_can_answer_it() {
    let gate = Gate::open().await;
    let (id, decision) = asked(&gate, "push", ask("approvers", 1)).await;
    let open = ticket(decision).id;
    gate.pass(600);
    assert_eq!(answer(&gate.app, &open, &bob(), true, "").await.unwrap_err().status(), StatusCode::CONFLICT);
    expire(&gate.app).await.unwrap();
    let Decision::Deny(refusal) = now(&gate, &id).await else { panic!("it is over") };
    assert_eq!(refusal.kind, RefusalKind::Expired);
    assert_ne!(ticket(asked(&gate, "push", ask("approvers", 1)).await.1).id, open);
    assert!(gate.log().await.contains(&"approval.expired".to_owned()));
}

#[tokio::test]
async fn an_old_yes_lapses() {
    let gate = Gate::open().await;
    let open = ticket(asked(&gate, "push", ask("approvers", 1)).await.1).id;
    gate.pass(300);
    answer(&gate.app, &open, &bob(), true, "").await.unwrap();
    gate.pass(601);
    assert_ne!(ticket(asked(&gate, "push", ask("approvers", 1)).await.1).id, open);
}

#[tokio::test]
async fn a_question_and_its_answers_survive_a_restart() {
    let gate = Gate::open().await;
    let (id, decision) = asked(&gate, "push", ask("approvers", 2)).await;
    let open = ticket(decision).id;
    answer(&gate.app, &open, &bob(), true, "").await.unwrap();
    let gate = gate.reopen().await;
    assert_eq!(ticket(now(&gate, &id).await).given, 1);
    answer(&gate.app, &open, &alice(), true, "").await.unwrap();
    let gate = gate.reopen().await;
    assert!(matches!(now(&gate, &id).await, Decision::Allow(_)));
}

#[tokio::test]
async fn a_policy_that_allows_now_needs_no_approval_and_leaves_the_yes_unused() {
    let gate = Gate::open().await;
    let open = ticket(asked(&gate, "push", ask("approvers", 1)).await.1).id;
    answer(&gate.app, &open, &bob(), true, "").await.unwrap();
    assert!(matches!(asked(&gate, "push", allow()).await.1, Decision::Allow(_)));
    assert!(!gate.log().await.contains(&"approval.consumed".to_owned()));
}
