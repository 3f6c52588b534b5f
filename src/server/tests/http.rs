use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Gate, agent, ask, bob, judged};
use crate::model::Subject;
use crate::server::approvals::{answer, list};
use crate::server::http::router;
use crate::server::identity::logins;

async fn token(gate: &Gate, who: Subject) -> String {
    let begin = gate.app.store.write(move |tx| Box::pin(async move { logins::begin(tx, &who, "test").await }));
    begin.await.unwrap().access.to_string()
}

async fn send(gate: &Gate, request: Request<Body>) -> (StatusCode, Value) {
    let response: Response<Body> = router(gate.app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn get(path: &str, token: &str) -> Request<Body> {
    let request = Request::get(path).header("portcullis-version", "1");
    request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_wait_ends_when_a_human_answers() {
    let gate = Gate::open().await;
    let token = token(&gate, agent()).await;
    let waiting = judged("push", ask("approvers", 1));
    let path = format!("/v1/invocations/{}/decision?wait=60", waiting.invocation.id);
    let _ = gate.asks(waiting).await;
    let mut connection = gate.app.store.pool().acquire().await.unwrap();
    let open = list(&mut connection, None, None, 1, gate.app.now()).await.unwrap().remove(0).id;
    let wait = send(&gate, get(&path, &token));
    let yes = async {
        // Not before somebody listens.
        while gate.app.store.changes().waiters() == 0 {
            tokio::task::yield_now().await;
        }
        answer(&gate.app, &open, &bob(), true, "").await.unwrap();
    };
    let both = futures_util::future::join(wait, yes);
    let ((status, body), ()) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    assert_eq!((status, body["decision"]["decision"].as_str()), (StatusCode::OK, Some("allow")), "{body}");
}

#[tokio::test]
async fn a_wait_ends_when_the_server_stops() {
    let gate = Gate::open().await;
    let token = token(&gate, agent()).await;
    let waiting = judged("push", ask("approvers", 1));
    let path = format!("/v1/invocations/{}/decision?wait=60", waiting.invocation.id);
    let _ = gate.asks(waiting).await;
    let stop = async {
        while gate.app.store.changes().waiters() == 0 {
            tokio::task::yield_now().await;
        }
        gate.app.stop();
    };
    let both = futures_util::future::join(send(&gate, get(&path, &token)), stop);
    let ((status, body), ()) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    assert_eq!((status, body["decision"]["decision"].as_str()), (StatusCode::OK, Some("ask")), "{body}");
}

#[tokio::test]
async fn whoever_is_not_signed_in_or_speaks_another_version_gets_words_and_a_request_id() {
    let gate = Gate::open().await;
    let (status, body) = send(&gate, get("/v1/whoami", "nonsense")).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("not_signed_in")));
    assert!(body["request"].as_str().unwrap().starts_with("req_"));
    let (status, body) = send(&gate, Request::get("/v1/whoami").body(Body::empty()).unwrap()).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UPGRADE_REQUIRED, Some("version")));
}

#[tokio::test]
async fn a_content_that_lies_about_its_digest_is_refused() {
    let gate = Gate::open().await;
    let token = token(&gate, agent()).await;
    let invocation = judged("status", super::allow()).invocation;
    let content = serde_json::json!({ "source": "stdin", "sha256": "0".repeat(64), "bytes": "DROP TABLE orders" });
    let body = serde_json::json!({ "invocation": invocation, "facts": { "contents": [content] } });
    let request = Request::post("/v1/invocations").header("portcullis-version", "1");
    let request =
        request.header("authorization", format!("Bearer {token}")).body(Body::from(body.to_string())).unwrap();
    let (status, body) = send(&gate, request).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad_request")), "{body}");
}

#[tokio::test]
async fn the_audit_log_is_for_auditors() {
    let gate = Gate::open().await;
    let token = token(&gate, agent()).await;
    assert_eq!(send(&gate, get("/v1/audit", &token)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(send(&gate, get("/v1/audit/head", &token)).await.0, StatusCode::FORBIDDEN);
}
