//! kubectl is lent a token in a kubeconfig of its own: the real kubectl, and a TLS listener in the API server's place
//! that writes down who asked.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::process::PATIENCE;
use crate::support::site::{Setup, Site, words};

const TOKEN: &str = "a-token-for-the-cluster-z9x8c7v6";
const OWN: &str = "the-agents-own-token-b5n4m3";

/// Answers every request with 403 and gives its head on; its certificate authority as PEM.
fn api_server() -> (u16, String, mpsc::Receiver<String>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, heads) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(tls) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            let mut stream = BufReader::new(rustls::StreamOwned::new(tls, stream));
            let mut head = String::new();
            while stream.read_line(&mut head).is_ok_and(|n| n > 2) {}
            if send.send(head).is_err() {
                return;
            }
            let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}"#;
            let answer = format!(
                "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.get_mut().write_all(answer.as_bytes());
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }
    });
    (port, made.cert.pem(), heads)
}

#[test]
fn kubectl_asks_with_the_lent_token_and_never_with_one_of_the_agents_own() {
    if std::process::Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return; // tests/run.sh says that it is skipped
    }
    let (port, ca, heads) = api_server();
    let address = format!("https://127.0.0.1:{port}");
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("ca.pem"), ca).unwrap();
    fs::write(files.path().join("token"), TOKEN).unwrap();
    let credential = format!(
        "[[credential]]\nname = \"cluster\"\nkind = \"kubernetes\"\nserver = \"{address}\"\nca_file = \"{folder}/ca.pem\"\ntoken_file = \"{folder}/token\"\n",
        folder = files.path().display()
    );
    let policy = r#"@id("look") @grant("cluster") permit(principal, action in [Action::"k8s.get", Action::"k8s.list"], resource);"#;
    let site = Site::with(&Setup { policy, server: &credential, ..Setup::default() });
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"{address}\", insecure-skip-tls-verify: true}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u, namespace: shop}}}}]\nusers: [{{name: u, user: {{token: {OWN}}}}}]\n"
    );
    fs::create_dir(site.path("agent/.kube")).unwrap();
    fs::write(site.path("agent/.kube/config"), kubeconfig).unwrap();
    let asked = site.shim("kubectl").args(["get", "pods"]).output().unwrap();
    assert_eq!(asked.status.code(), Some(1), "the API server says no: {}", words(&asked));
    assert!(!words(&asked).contains(TOKEN), "{}", words(&asked));
    let head = heads.recv_timeout(PATIENCE).unwrap();
    let authorization: Vec<&str> =
        head.lines().filter(|l| l.to_ascii_lowercase().starts_with("authorization:")).collect();
    assert_eq!(authorization, [format!("Authorization: Bearer {TOKEN}")], "{head}");

    let refused = site.shim("kubectl").args(["delete", "pod", "web"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
}
