use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use super::{Gate, ask, judged};
use crate::model::Decision;
use crate::server::http::router;

/// A browser without script, on the pages of one server.
struct Browser<'a> {
    gate: &'a Gate,
    cookies: Vec<String>,
}

struct Page {
    status: StatusCode,
    location: String,
    policy: String,
    body: String,
}

impl Page {
    fn field(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).expect("the form has this field");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser<'_> {
    async fn go(&mut self, request: axum::http::request::Builder, body: String) -> Page {
        let request = request.header(header::COOKIE, self.cookies.join("; ")).header(header::ACCEPT, "text/html");
        let response = router(self.gate.app.clone()).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|old| !old.starts_with(&format!("{name}=")));
            self.cookies.push(pair);
        }
        let of =
            |name| response.headers().get(name).map(|value: &header::HeaderValue| value.to_str().unwrap().to_owned());
        let (status, location) = (response.status(), of(header::LOCATION).unwrap_or_default());
        let policy = of(header::CONTENT_SECURITY_POLICY).unwrap_or_default();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Page { status, location, policy, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.go(Request::get(path), String::new()).await
    }

    async fn post(&mut self, path: &str, form: &str) -> Page {
        let request = Request::post(path)
            .header(header::ORIGIN, &self.gate.app.config.public_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.go(request, form.to_owned()).await
    }

    async fn sign_in(&mut self, user: &str) {
        let csrf = self.get("/login").await.field("csrf");
        let page = self.post("/login", &format!("csrf={csrf}&user={user}")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
}

/// Asks for something with a nasty name; the path of its page.
async fn opened(gate: &Gate) -> String {
    let Decision::Ask(ticket) = gate.asks(judged("<script>alert(1)</script>\u{202e}", ask("approvers", 1))).await
    else {
        panic!("it waits")
    };
    ticket.url.strip_prefix(&gate.app.config.public_url).unwrap().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_reads_what_is_asked_and_approves_it_on_the_page() {
    let gate = Gate::open().await;
    let path = opened(&gate).await;
    let mut browser = Browser { gate: &gate, cookies: Vec::new() };
    assert_eq!(browser.get(&path).await.location, format!("/login?next={path}"));
    browser.sign_in("alice").await;
    assert!(browser.get("/approvals").await.body.contains(&path));

    let page = browser.get(&path).await;
    assert!(page.policy.starts_with("default-src 'none'") && !page.policy.contains("script"), "{}", page.policy);
    assert!(!page.body.contains("<script") && !page.body.contains('\u{202e}'), "{}", page.body);
    assert!(page.body.contains("&#60;script&#62;"), "it is shown, and drives nothing");

    let csrf = page.field("csrf");
    let crossing = browser.post(&format!("{path}/approve"), "csrf=another&reason=").await;
    assert_eq!(crossing.status, StatusCode::FORBIDDEN);
    assert!(crossing.body.contains("Not allowed"), "a page, not JSON: {}", crossing.body);
    let done = browser.post(&format!("{path}/approve"), &format!("csrf={csrf}&reason=fine")).await;
    assert_eq!((done.status, done.location.as_str()), (StatusCode::SEE_OTHER, path.as_str()));
    let page = browser.get(&path).await;
    assert!(page.body.contains("approved") && page.body.contains("fine"), "{}", page.body);
    assert!(!page.body.contains("<form"), "nobody answers twice");
    let late = browser.post(&format!("{path}/refuse"), &format!("csrf={csrf}&reason=no")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn whoever_asked_sees_no_buttons() {
    let gate = Gate::open().await;
    let path = opened(&gate).await;
    let mut browser = Browser { gate: &gate, cookies: Vec::new() };
    browser.sign_in("agent").await;
    let page = browser.get(&path).await;
    assert!(!page.body.contains("<form") && page.body.contains("a machine can never answer"), "{}", page.body);
    assert_eq!(browser.get("/audit").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/sessions").await.status, StatusCode::OK);
}

#[tokio::test]
async fn sessions_and_the_log_are_read_as_pages() {
    let gate = Gate::open().await;
    let id = gate.allowed().await;
    let mut browser = Browser { gate: &gate, cookies: Vec::new() };
    browser.sign_in("alice").await;
    assert!(browser.get("/sessions").await.body.contains(id.as_str()));
    assert!(browser.get(&format!("/sessions/{id}")).await.body.contains("git status"));
    assert!(browser.get("/audit").await.body.contains("decision"));
    assert_eq!(browser.get("/sessions/inv_nonsense").await.status, StatusCode::NOT_FOUND);
}
