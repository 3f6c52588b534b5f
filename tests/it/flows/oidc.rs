//! Signing in at a real OpenID provider, driven over HTTP: what a person's browser does, without the person.

use portcullis::model::SubjectKind;
use portcullis::server::config::Oidc;
use portcullis::server::identity;
use reqwest::{StatusCode, Url, header};

use super::login::{begin, poll};
use crate::support::browser::{Browser, Page};
use crate::support::gate::Gate;
use crate::support::oidc::{Provider, SECRET};

struct World {
    gate: Gate,
    _provider: Provider,
    _secret: tempfile::NamedTempFile,
}

async fn world() -> World {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let mut provider = None;
    let gate = Gate::with_provider(|url| {
        let started = Provider::start(&format!("{url}/login/callback"));
        let issuer = started.issuer.clone();
        provider = Some(started);
        Oidc {
            issuer,
            client_id: "gate".to_owned(),
            client_secret_file: Some(secret.path().to_owned()),
            groups_claim: "groups".to_owned(),
            scopes: vec!["profile".to_owned()],
            ca_file: None,
            machine_groups: vec!["bots".to_owned()],
        }
    })
    .await;
    World { gate, _provider: provider.unwrap(), _secret: secret }
}

/// The provider's two pages: who, and yes.
async fn sign_in(browser: &mut Browser, page: Page, who: &str) -> Page {
    assert!(page.body.contains("name=\"login\""), "{}: {}", page.url, page.body);
    let form = [("prompt", "login"), ("login", who), ("password", "any")];
    let page = browser.post(page.url.as_str(), &form).await;
    assert!(page.body.contains("value=\"consent\""), "{}: {}", page.url, page.body);
    browser.post(page.url.as_str(), &[("prompt", "consent")]).await
}

/// Follows redirects up to the answer that would go to our callback, and gives that address instead of going there.
async fn callback_of(browser: &mut Browser, gate: &Gate, who: &str) -> Url {
    let page = browser.get(&format!("{}/login?next=/device", gate.url)).await;
    let form = [("prompt", "login"), ("login", who), ("password", "any")];
    let page = browser.post(page.url.as_str(), &form).await;
    let form: &[(&str, &str)] = &[("prompt", "consent")];
    let mut response = browser.once(&page.url, Some(form)).await;
    let mut url = page.url;
    loop {
        url = url.join(response.headers()[header::LOCATION].to_str().unwrap()).unwrap();
        if url.path() == "/login/callback" {
            return url;
        }
        response = browser.once(&url, None).await;
    }
}

#[tokio::test]
async fn a_person_signs_in_at_the_provider_and_logs_a_device_in_with_their_groups() {
    let world = world().await;
    let begun = begin(&world.gate).await;
    let mut browser = Browser::default();
    let page = browser.get(begun["verification_uri_complete"].as_str().unwrap()).await;
    let page = sign_in(&mut browser, page, "alice").await;
    assert_eq!(page.url.path(), "/device", "back where they were going: {}", page.body);
    assert!(page.body.contains(begun["user_code"].as_str().unwrap()) && page.body.contains("Name of alice"));
    assert!(!page.body.contains("Development"));

    let (csrf, code) = (page.field("csrf"), page.field("user_code"));
    let form = [("csrf", csrf.as_str()), ("user_code", code.as_str()), ("answer", "yes")];
    assert_eq!(browser.post(&format!("{}/device", world.gate.url), &form).await.status, StatusCode::OK);
    let tokens = poll(&world.gate, &begun).await;
    let token = tokens["access_token"].as_str().unwrap();
    let who = identity::authenticate_bearer(&world.gate.app, token).await.unwrap().subject;
    assert_eq!((who.id.as_str(), who.name.as_str(), who.kind), ("alice", "Name of alice", SubjectKind::Person));
    assert_eq!(who.groups, ["release-managers", "staff"]);
}

#[tokio::test]
async fn a_member_of_a_machine_group_is_a_machine() {
    let world = world().await;
    let mut browser = Browser::default();
    let page = browser.get(&format!("{}/login?next=/logout", world.gate.url)).await;
    sign_in(&mut browser, page, "robot").await;
    let audit = "SELECT text FROM audit ORDER BY seq DESC LIMIT 1";
    let text: String = sqlx::query_scalar(audit).fetch_one(world.gate.app.store.pool()).await.unwrap();
    assert!(text.contains("browser.signed_in") && text.contains("robot"), "{text}");
    let who: String =
        sqlx::query_scalar("SELECT who FROM web_sessions").fetch_one(world.gate.app.store.pool()).await.unwrap();
    assert!(who.contains(r#""kind":"machine""#), "{who}");
}

#[tokio::test]
async fn with_a_provider_nobody_picks_a_user() {
    let world = world().await;
    let form = [("csrf", "x"), ("user", "alice"), ("next", "/")];
    let picked = Browser::default().post(&format!("{}/login", world.gate.url), &form).await;
    assert_eq!(picked.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_answer_serves_once_and_only_the_browser_that_asked() {
    let world = world().await;
    let mut thief = Browser::default();
    let mut browser = Browser::default();
    let address = callback_of(&mut browser, &world.gate, "alice").await;
    assert_eq!(thief.get(address.as_str()).await.status, StatusCode::BAD_REQUEST, "begun in another browser");
    assert_eq!(browser.get(address.as_str()).await.status, StatusCode::BAD_REQUEST, "and a state serves once");

    let mut browser = Browser::default();
    let address = callback_of(&mut browser, &world.gate, "alice").await;
    let other_issuer = address.as_str().replace("iss=http%3A%2F%2F127", "iss=http%3A%2F%2F128");
    assert_ne!(other_issuer, address.as_str());
    assert_eq!(browser.get(&other_issuer).await.status, StatusCode::FORBIDDEN);
    assert!(browser.get(&format!("{}/logout", world.gate.url)).await.body.contains("not signed in"));
}

#[tokio::test]
async fn a_code_that_the_provider_did_not_give_signs_nobody_in() {
    let world = world().await;
    let mut browser = Browser::default();
    let mut address = callback_of(&mut browser, &world.gate, "alice").await;
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    address
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(key, value)| (key, if key == "code" { "made-up" } else { value.as_str() })));
    assert_eq!(browser.get(address.as_str()).await.status, StatusCode::FORBIDDEN);
}
