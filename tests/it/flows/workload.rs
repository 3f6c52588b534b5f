//! A job logs in with the token that its platform signed, without a person.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis::model::SubjectKind;
use portcullis::server::config::Workload;
use portcullis::server::identity;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::login::post;
use crate::support::gate::Gate;

/// A platform that signs its jobs' tokens: its metadata, its key, and nothing else.
struct Platform {
    issuer: String,
    key: EncodingKey,
}

impl Platform {
    async fn start() -> Platform {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "k", "use": "sig" }] });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async || Json(metadata)))
            .route("/keys", get(async || Json(keys)));
        tokio::spawn(async { axum::serve(listener, router).await });
        Platform { issuer, key: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    fn token(&self, gate: &Gate, change: impl FnOnce(&mut Value)) -> String {
        let now = gate.app.now().0 / 1_000_000;
        let mut claims = json!({
            "iss": self.issuer, "aud": "https://gate.example", "sub": "repo:acme/app:ref:refs/heads/main",
            "iat": now, "exp": now + 300, "repository": "acme/app", "ref": "refs/heads/main",
        });
        change(&mut claims);
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

async fn exchange(gate: &Gate, token: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "portcullis"),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    post(gate, "/oauth/token", &form).await
}

#[tokio::test]
async fn a_job_logs_in_as_a_machine_with_its_own_token_and_any_other_job_does_not() {
    let platform = Platform::start().await;
    let issuer = platform.issuer.clone();
    let claims = [("repository", "acme/app"), ("ref", "refs/heads/main")];
    let claims: BTreeMap<String, String> = claims.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let gate = Gate::with(|config| {
        config.workloads = vec![Workload {
            name: "ci-app".to_owned(),
            issuer,
            audience: "https://gate.example".to_owned(),
            claims,
            groups: vec!["ci".to_owned()],
            ca_file: None,
        }];
    })
    .await;

    let (status, tokens) = exchange(&gate, &platform.token(&gate, |_| {})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let token = tokens["access_token"].as_str().unwrap();
    let who = identity::authenticate_bearer(&gate.app, token).await.unwrap().subject;
    assert_eq!((who.id.as_str(), who.kind), ("workload/ci-app", SubjectKind::Machine));
    assert_eq!(who.groups, ["ci"]);

    for (claim, wrong) in [
        ("repository", json!("acme/other")),
        ("ref", json!("refs/heads/feature")),
        ("ref", json!(null)),
        ("aud", json!("https://other.example")),
        ("iss", json!("https://token.actions.example")),
        ("exp", json!(1)),
    ] {
        let bad = platform.token(&gate, |claims| claims[claim] = wrong.clone());
        let (status, answer) = exchange(&gate, &bad).await;
        assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")), "{claim} {wrong}");
    }
    // The same claims, signed by somebody else.
    let stranger = Platform { issuer: platform.issuer.clone(), ..Platform::start().await };
    assert_eq!(exchange(&gate, &stranger.token(&gate, |_| {})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(exchange(&gate, "not.a.token").await.0, StatusCode::BAD_REQUEST);
}
