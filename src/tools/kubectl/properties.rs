//! What holds for every line: the order of independent options changes nothing, and a dry run asks for no more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::tests::read;
use crate::model::Reading;

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
