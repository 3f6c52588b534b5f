//! Logging a keeper in: the device grant over HTTP, with a person on the page.

use portcullis::model::SubjectKind;
use portcullis::server::identity;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::gate::Gate;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub async fn post(gate: &Gate, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(format!("{}{path}", gate.url)).form(form).send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

pub async fn begin(gate: &Gate) -> Value {
    let form = [("client_id", "portcullis"), ("device_name", "ci-7 \u{1b}[2J<b>")];
    let (status, body) = post(gate, "/oauth/device_authorization", &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

pub async fn poll(gate: &Gate, begun: &Value) -> Value {
    let code = begun["device_code"].as_str().unwrap();
    let form = [("grant_type", DEVICE_CODE), ("device_code", code), ("client_id", "portcullis")];
    post(gate, "/oauth/token", &form).await.1
}

async fn refresh(gate: &Gate, token: &str) -> Value {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "portcullis")];
    post(gate, "/oauth/token", &form).await.1
}

async fn answer(gate: &Gate, begun: &Value, user: &str, answer: &str) -> StatusCode {
    let mut browser = Browser::default();
    let page = browser.get(begun["verification_uri_complete"].as_str().unwrap()).await;
    let form = [
        ("csrf", page.field("csrf")),
        ("user_code", page.field("user_code")),
        ("user", user.to_owned()),
        ("answer", answer.to_owned()),
    ];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(&format!("{}/device", gate.url), &form).await.status
}

async fn log_in(gate: &Gate, user: &str) -> Value {
    let begun = begin(gate).await;
    assert_eq!(answer(gate, &begun, user, "yes").await, StatusCode::OK);
    let tokens = poll(gate, &begun).await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
    tokens
}

fn text<'a>(tokens: &'a Value, key: &str) -> &'a str {
    tokens[key].as_str().unwrap()
}

#[tokio::test]
async fn a_device_is_logged_in_once_a_person_says_yes_on_the_page() {
    let gate = Gate::dev().await;
    let begun = begin(&gate).await;
    assert_eq!(poll(&gate, &begun).await["error"], "authorization_pending");

    let mut browser = Browser::default();
    let page = browser.get(text(&begun, "verification_uri_complete")).await;
    assert!(page.body.contains(text(&begun, "user_code")), "the code is there to be compared");
    assert!(page.body.contains("ci-7 \\x1b[2J&#60;b&#62;"), "who asks is shown, and drives nothing: {}", page.body);
    assert!(page.body.contains("127.0.0.1"));
    assert!(page.body.contains("Development only"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));

    assert_eq!(answer(&gate, &begun, "agent", "yes").await, StatusCode::OK);
    let tokens = poll(&gate, &begun).await;
    let who = identity::authenticate_bearer(&gate.app, text(&tokens, "access_token")).await.unwrap();
    assert_eq!((who.subject.id.as_str(), who.subject.kind), ("agent", SubjectKind::Machine));
    assert_eq!(poll(&gate, &begun).await["error"], "invalid_grant", "a device code serves once");
}

#[tokio::test]
async fn polling_too_fast_makes_the_pause_longer_and_a_no_or_silence_ends_it() {
    let gate = Gate::dev().await;
    let begun = begin(&gate).await;
    assert_eq!(poll(&gate, &begun).await["error"], "authorization_pending");
    assert_eq!(poll(&gate, &begun).await["error"], "slow_down");
    gate.pass(3);
    assert_eq!(poll(&gate, &begun).await["error"], "slow_down", "two seconds no longer do");
    gate.pass(13);
    assert_eq!(poll(&gate, &begun).await["error"], "authorization_pending");
    assert_eq!(answer(&gate, &begun, "alice", "no").await, StatusCode::OK);
    assert_eq!(poll(&gate, &begun).await["error"], "access_denied");

    let begun = begin(&gate).await;
    gate.pass(601);
    assert_eq!(poll(&gate, &begun).await["error"], "expired_token");
}

#[tokio::test]
async fn a_refresh_token_seen_twice_ends_the_login_for_thief_and_owner() {
    let gate = Gate::dev().await;
    let first = log_in(&gate, "agent").await;
    let second = refresh(&gate, text(&first, "refresh_token")).await;
    let access = text(&second, "access_token");
    assert!(identity::authenticate_bearer(&gate.app, access).await.is_ok());

    gate.pass(30);
    assert_eq!(refresh(&gate, text(&first, "refresh_token")).await["error"], "invalid_grant");
    assert!(identity::authenticate_bearer(&gate.app, access).await.is_err(), "at once, not when it expires");
    assert_eq!(refresh(&gate, text(&second, "refresh_token")).await["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_may_be_repeated_once_and_soon() {
    let gate = Gate::dev().await;
    let first = log_in(&gate, "agent").await;
    let lost = refresh(&gate, text(&first, "refresh_token")).await;
    gate.pass(29);
    let second = refresh(&gate, text(&first, "refresh_token")).await;
    assert!(identity::authenticate_bearer(&gate.app, text(&second, "access_token")).await.is_ok(), "{second}");
    assert!(identity::authenticate_bearer(&gate.app, text(&lost, "access_token")).await.is_err());
    let third = refresh(&gate, text(&second, "refresh_token")).await;
    let access = text(&third, "access_token");
    assert!(identity::authenticate_bearer(&gate.app, access).await.is_ok(), "{third}");

    // Whoever has the lost answer after all is not the one who asked again.
    assert_eq!(refresh(&gate, text(&lost, "refresh_token")).await["error"], "invalid_grant");
    assert!(identity::authenticate_bearer(&gate.app, access).await.is_err());
}

#[tokio::test]
async fn a_refresh_token_seen_three_times_or_after_its_successor_ends_the_login() {
    let gate = Gate::dev().await;
    let first = log_in(&gate, "agent").await;
    refresh(&gate, text(&first, "refresh_token")).await;
    let second = refresh(&gate, text(&first, "refresh_token")).await;
    assert_eq!(refresh(&gate, text(&first, "refresh_token")).await["error"], "invalid_grant");
    assert!(identity::authenticate_bearer(&gate.app, text(&second, "access_token")).await.is_err());

    let first = log_in(&gate, "agent").await;
    let second = refresh(&gate, text(&first, "refresh_token")).await;
    let third = refresh(&gate, text(&second, "refresh_token")).await;
    assert_eq!(refresh(&gate, text(&first, "refresh_token")).await["error"], "invalid_grant");
    assert!(identity::authenticate_bearer(&gate.app, text(&third, "access_token")).await.is_err());
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes_and_at_once_when_revoked() {
    let gate = Gate::dev().await;
    let tokens = log_in(&gate, "alice").await;
    assert_eq!(tokens["expires_in"], 600);
    gate.pass(599);
    assert!(identity::authenticate_bearer(&gate.app, text(&tokens, "access_token")).await.is_ok());
    gate.pass(1);
    assert!(identity::authenticate_bearer(&gate.app, text(&tokens, "access_token")).await.is_err());

    let tokens = refresh(&gate, text(&tokens, "refresh_token")).await;
    let form = [("token", text(&tokens, "refresh_token")), ("client_id", "portcullis")];
    assert_eq!(post(&gate, "/oauth/revoke", &form).await.0, StatusCode::OK);
    assert!(identity::authenticate_bearer(&gate.app, text(&tokens, "access_token")).await.is_err());
    assert_eq!(refresh(&gate, text(&tokens, "refresh_token")).await["error"], "invalid_grant");
    assert_eq!(post(&gate, "/oauth/revoke", &[("token", "pcr_nonsense")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_nonsense_is_nobody() {
    let gate = Gate::dev().await;
    let tokens = log_in(&gate, "alice").await;
    for token in [text(&tokens, "refresh_token"), "", "pca_", "agent", "' OR 1=1 --"] {
        assert!(identity::authenticate_bearer(&gate.app, token).await.is_err(), "{token}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_or_from_another_site_changes_nothing() {
    let gate = Gate::dev().await;
    let begun = begin(&gate).await;
    let mut browser = Browser::default();
    let page = browser.get(text(&begun, "verification_uri_complete")).await;
    let (csrf, code) = (page.field("csrf"), page.field("user_code"));
    let url = format!("{}/device", gate.url);
    let form = |csrf| [("csrf", csrf), ("user_code", code.as_str()), ("user", "alice"), ("answer", "yes")];

    assert_eq!(browser.post(&url, &form("0000")).await.status, StatusCode::FORBIDDEN);
    let stranger = Browser::default().post(&url, &form(&csrf)).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN, "the token belongs to the other browser's cookie");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let crossing = client.post(&url).form(&form(&csrf)).header("origin", "https://evil.example");
    assert_eq!(crossing.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(poll(&gate, &begun).await["error"], "authorization_pending");

    assert_eq!(browser.post(&url, &form(&csrf)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn after_ten_wrong_codes_even_the_right_one_is_not_looked_at() {
    let gate = Gate::dev().await;
    let begun = begin(&gate).await;
    let mut browser = Browser::default();
    for _ in 0..10 {
        let wrong = browser.get(&format!("{}/device?user_code=BBBB-BBBB", gate.url)).await;
        assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    }
    let right = text(&begun, "verification_uri_complete");
    assert_eq!(browser.get(right).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_browser_signs_in_goes_where_it_was_going_and_out_again() {
    let gate = Gate::dev().await;
    let mut browser = Browser::default();
    let page = browser.get(&format!("{}/login?next=/logout", gate.url)).await;
    let (csrf, next) = (page.field("csrf"), page.field("next"));
    let form = [("csrf", csrf.as_str()), ("user", "alice"), ("next", next.as_str())];
    let page = browser.post(&format!("{}/login", gate.url), &form).await;
    assert!(page.url.path() == "/logout" && page.body.contains("signed in as alice"), "{}", page.body);
    let csrf = page.field("csrf");
    let page = browser.post(&format!("{}/logout", gate.url), &[("csrf", csrf.as_str())]).await;
    assert!(page.body.contains("Signed out"), "{}", page.body);
    assert!(browser.get(&format!("{}/logout", gate.url)).await.body.contains("not signed in"));
}
