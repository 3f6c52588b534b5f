//! What holds for every line: the order of independent options changes nothing, and a dry run asks for no more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::Kubectl;
use super::tests::{gathered, read};
use crate::model::Reading;
use crate::tools::Tool as _;

/// A line in words that stay where they are, and options that may stand anywhere before `--`.
const LINES: [(&str, &[&str]); 14] = [
    ("get pods web-1", &["-n prod", "-o yaml", "--as=bob", "--show-labels"]),
    ("get deploy,svc", &["-l app=web", "-A", "--context prod", "-owide"]),
    ("delete pods", &["--all", "--wait=false", "-nprod", "--grace-period 0", "--force"]),
    ("delete po/a cm/b", &["--ignore-not-found", "--cascade=orphan", "--context=prod"]),
    ("apply", &["-f two.yaml", "--server-side", "--force-conflicts", "-n kube-system"]),
    ("apply", &["-Rf dir", "--overwrite=false", "--validate", "--as-group=ops", "--as bob"]),
    ("apply", &["-k kust", "--prune", "--all"]),
    ("create -f deploy.yaml", &["--save-config", "-o name", "--validate=false"]),
    ("scale deploy/web", &["--replicas=2", "--current-replicas=1", "-n prod"]),
    ("label nodes a=b", &["--all", "--overwrite", "--field-manager=x"]),
    ("run demo", &["--image=x", "--port 80", "--expose", "-l a=b", "--env A=b"]),
    ("drain n1", &["--force", "--disable-eviction", "--ignore-daemonsets"]),
    ("expose deploy web", &["--port=80", "--name front", "--selector=a=b"]),
    ("create rolebinding x", &["--clusterrole=admin", "--user=eve", "--user=ann", "-n prod"]),
];

fn same(one: &Reading, other: &Reading) -> bool {
    let text = |reading: &Reading| format!("{:?} {:?} {:?}", reading.effective, reading.operations, reading.doubts);
    text(one) == text(other)
}

/// The changing calls of a reading.
fn changes(reading: &Reading) -> BTreeSet<String> {
    let calls = reading.effective["calls"].as_array().unwrap();
    let changes = |call: &&Value| !matches!(call["verb"].as_str(), Some("get" | "list" | "watch"));
    calls.iter().filter(changes).map(Value::to_string).collect()
}

#[test]
fn a_kuberc_is_in_doubt_where_it_touches_the_line_and_nowhere_else() {
    let of = |line: &str, version: &str| {
        let (invocation, mut facts) = gathered(line);
        facts.version = Some(version.to_owned());
        Kubectl.read(&invocation, &facts)
    };
    for (line, version, doubted) in [
        ("KUBERC=rc.yaml kubectl gp", "1.36.3", true),
        ("KUBERC=rc.yaml kubectl delete pods x", "1.34.0", true),
        ("KUBERC=rc.yaml kubectl get pods", "1.36.3", false),
        ("kubectl delete pods x --kuberc rc.yaml", "1.36.3", true),
        ("KUBERC=off kubectl delete pods x", "1.36.3", false),
        ("KUBERC=rc.yaml KUBECTL_KUBERC=false kubectl delete pods x", "1.36.3", false),
        ("KUBERC=rc.yaml kubectl delete pods x", "1.33.1", false),
        ("KUBERC=rc.yaml KUBECTL_KUBERC=true kubectl delete pods x", "1.33.1", true),
        ("KUBERC=rc.yaml KUBECTL_KUBERC=true kubectl delete pods x", "1.32.4", false),
    ] {
        assert_eq!(!of(line, version).doubts.is_empty(), doubted, "{line} {version}");
    }
}

#[test]
fn a_kustomization_on_another_machine_is_in_doubt_by_every_name_that_kustomize_takes() {
    for place in ["github.com/a/b", "GitHub.com/a/b?ref=v1", "git::https://x.test/a", "https://x.test/a", "me@x.test:a"]
    {
        for line in [format!("kubectl apply -k {place}"), format!("kubectl kustomize {place}")] {
            let reading = read(&line);
            assert!(!reading.doubts.is_empty() && reading.effective["context"].is_null(), "{line}");
        }
    }
    assert!(read("kubectl apply -k github.co").effective["context"].is_string());
}

#[test]
fn an_option_newer_than_kubectl_is_refused_and_one_between_two_versions_is_in_doubt() {
    let of = |version: Option<&str>| {
        let (invocation, mut facts) = gathered("kubectl get pods --as=bob --as-user-extra=a=b");
        facts.version = version.map(str::to_owned);
        Kubectl.read(&invocation, &facts)
    };
    assert!(of(Some("1.32.4")).effective["context"].is_string());
    assert!(!of(Some("1.34.1")).doubts.is_empty());
    assert!(!of(None).doubts.is_empty());
    assert!(of(Some("1.36.3")).doubts.is_empty() && !of(Some("1.37.1")).operations.is_empty());
}

proptest! {
    #[test]
    fn the_order_of_independent_options_changes_nothing(
        at in 0..LINES.len(),
        keys in prop::collection::vec(any::<u32>(), 5),
        places in prop::collection::vec(any::<prop::sample::Index>(), 5),
    ) {
        let (words, options) = LINES[at];
        let plain = format!("kubectl {words} {}", options.join(" "));
        // The first word names the command: it stays first.
        let mut parts: Vec<&str> = words.split(' ').collect();
        if parts.get(1) == Some(&"-f") {
            parts = vec!["create", "-f deploy.yaml"];
        }
        let fixed = if parts[0] == "create" { 2.min(parts.len()) } else { 1 };
        let mut order: Vec<usize> = (0..options.len()).collect();
        order.sort_by_key(|n| keys[*n]);
        // Those that add up keep their order among themselves.
        let mut users = options.iter().filter(|option| option.starts_with("--user="));
        for (n, place) in order.into_iter().zip(places) {
            let option = if options[n].starts_with("--user=") { users.next().unwrap() } else { options[n] };
            let place = fixed + place.index(parts.len() + 1 - fixed);
            parts.insert(place, option);
        }
        let shuffled = format!("kubectl {}", parts.join(" "));
        prop_assert!(same(&read(&plain), &read(&shuffled)), "{plain}\n{shuffled}");
    }

    #[test]
    fn a_dry_run_asks_for_no_more(at in 0..LINES.len(), server in any::<bool>()) {
        let (words, options) = LINES[at];
        let plain = read(&format!("kubectl {words} {}", options.join(" ")));
        let kind = if server { "server" } else { "client" };
        let dry = read(&format!("kubectl {words} {} --dry-run={kind}", options.join(" ")));
        prop_assert!(changes(&dry).is_subset(&changes(&plain)), "{words}");
        prop_assert!(server || changes(&dry).is_empty() || words.starts_with("get"), "{words}");
        prop_assert!(dry.operations.len() <= plain.operations.len(), "{words}");
    }
}
