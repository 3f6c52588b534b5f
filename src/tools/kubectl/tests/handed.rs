//! What is handed over: manifests as they were read, and what was lent in a kubeconfig of its own.

use serde_json::Value;

use super::*;
use crate::model::{Delivery, EnvChange, Grant, GrantKind, Micros, Part, Secret, Terms};

fn grant(server: &str) -> Grant {
    Grant {
        name: "cluster".to_owned(),
        kind: GrantKind::Kubernetes { server: server.to_owned(), ca: Some("PEM".to_owned()), namespace: None },
        secret: Secret::new(b"tok\"en".to_vec()),
        expires: Micros(0),
    }
}

fn deliver(line: &str, grants: Vec<Grant>) -> Result<Delivery, String> {
    let (invocation, facts) = gathered(line);
    Kubectl.deliver(&invocation, facts, &Terms::default(), grants).map_err(|error| error.why)
}

/// Arguments with `<N>` for memory files.
fn words(delivery: &Delivery) -> String {
    let word = |parts: &[Part]| -> String {
        let part = |part: &Part| match part {
            Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
            Part::File(index) => format!("<{index}>"),
            Part::Helper => "<helper>".to_owned(),
        };
        parts.iter().map(part).collect()
    };
    delivery.args.iter().map(|arg| word(&arg.0)).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_grant_arrives_in_a_kubeconfig_of_its_own_and_nowhere_else() {
    let delivery =
        deliver("kubectl --context prod get pods --as bob", vec![grant("https://k8s.prod.test:6443")]).unwrap();
    assert_eq!(words(&delivery), "--context prod get pods --as bob");
    let config: Value = serde_json::from_slice(delivery.files[0].bytes.expose()).unwrap();
    assert_eq!(config["current-context"], "prod");
    assert_eq!(config["contexts"][0]["name"], "prod");
    assert_eq!(config["contexts"][0]["context"]["namespace"], "payments");
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://k8s.prod.test:6443");
    assert_eq!(config["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
    assert_eq!(config["users"][0]["user"]["token"], "tok\"en");
    assert_eq!(config["users"][0]["user"]["as"], "bob");
    let set: Vec<_> =
        delivery.environment.iter().filter(|c| matches!(c, EnvChange::Set(name, _) if name == "KUBECONFIG")).collect();
    assert_eq!(set.len(), 1);
    for name in ["GODEBUG", "HTTP_PROXY", "SSL_CERT_FILE"] {
        assert!(delivery.environment.contains(&EnvChange::Remove(name.to_owned())));
    }
}

#[test]
fn the_kubeconfigs_own_impersonation_is_kept() {
    let delivery = deliver("kubectl --context acting get pods", vec![grant("https://k8s.prod.test:6443")]).unwrap();
    let config: Value = serde_json::from_slice(delivery.files[0].bytes.expose()).unwrap();
    assert_eq!(config["users"][0]["user"]["as"], "root");
    assert_eq!(config["users"][0]["user"]["as-groups"][0], "wheel");
}

#[test]
fn a_grant_is_not_delivered_where_it_could_go_astray() {
    let server = "https://k8s.prod.test:6443";
    for line in [
        "kubectl get pods --context prod --server https://evil.test",
        "kubectl get pods --context prod --kubeconfig /home/.kube/config",
        "kubectl get pods --context prod --insecure-skip-tls-verify",
        "kubectl get pods --context prod --token x",
        "kubectl edit deploy web --context prod",
        "kubectl create --edit -f deploy.yaml --context prod",
        "KUBECTL_EXTERNAL_DIFF=sh kubectl diff -f deploy.yaml --context prod",
        "kubectl proxy --context prod",
        "kubectl create configmap a --from-file=/proc/self/fd/4 --context prod",
        "kubectl create configmap a --from-file=x=../../../proc/self/fd/4 --context prod",
        "kubectl create configmap a --from-file=pipe --context prod",
        "kubectl cp /dev/fd/4 web:/tmp/x --context prod",
        "kubectl frob",
        // The line goes to dev, the credential is for prod.
        "kubectl get pods",
    ] {
        assert!(deliver(line, vec![grant(server)]).is_err(), "{line}");
    }
    assert!(deliver("kubectl get pods --context prod", vec![grant(server), grant(server)]).is_err());
    // What never talks to a server gets none.
    assert!(deliver("kubectl config view --raw", vec![grant(server)]).unwrap().files.is_empty());
    assert!(deliver("kubectl create configmap a --from-file=deploy.yaml --context prod", vec![grant(server)]).is_ok());
    // An option of the command's own is not the shared one of that name.
    assert!(deliver("kubectl create rolebinding x --user=eve --context prod --role=r", vec![grant(server)]).is_ok());
}

#[test]
fn manifests_reach_kubectl_as_the_bytes_that_were_read() {
    let cases = [
        ("kubectl apply -f deploy.yaml", "apply -f <0>"),
        ("kubectl apply --filename=deploy.yaml,two.yaml", "apply --filename=<0>,<1>"),
        ("kubectl apply -Rf dir", "apply -Rf <0>,<1>"),
        ("kubectl -n x apply -fdeploy.yaml --dry-run=server", "-n x apply -f<0> --dry-run=server"),
        ("kubectl apply -f 'dir/*.yaml'", "apply -f <0>"),
        ("kubectl apply -k kust", "apply -f <0>"),
        ("kubectl apply --kustomize=kust", "apply --filename=<0>"),
        ("kubectl apply -f -", "apply -f -"),
        ("kubectl logs -f deploy/web", "logs -f deploy/web"),
        ("kubectl patch deploy web --patch-file two.yaml", "patch deploy web --patch-file <0>"),
    ];
    for (line, expected) in cases {
        let delivery = deliver(line, vec![]).unwrap();
        assert_eq!(words(&delivery), expected, "{line}");
        assert_eq!(delivery.stdin.is_some(), line.ends_with(" -"), "{line}");
    }
    let delivery = deliver("kubectl apply -f deploy.yaml", vec![]).unwrap();
    assert_eq!(delivery.files[0].bytes.expose(), DEPLOYMENT.as_bytes());
    // What is built, and what kubectl would not take, does not reach it in another way.
    for line in [
        "kubectl apply -k named",
        "kubectl apply -k escape",
        "kubectl apply -k kust -k kust",
        "kubectl apply -k kust -f deploy.yaml",
        "kubectl delete -k kust -R",
        // A map's own keys win here, and with `-f` they do not.
        "kubectl apply -k merging",
    ] {
        assert!(deliver(line, vec![]).is_err(), "{line}");
    }
}
