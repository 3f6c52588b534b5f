//! Lines put together at random from kubectl's own option table; the API server says what each one did.
//!
//! A seed gives always the same line. A run takes a few dozen; PORTCULLIS_LINES=N takes N of them, and PORTCULLIS_SEED=N
//! begins at another place. Told is what a reading must never miss: changes, secrets, identities, programs, and lines
//! that go on though they were read as refused. PORTCULLIS_STRICT=1 tells every difference; many are then the cluster's
//! state and no mistake.

use super::super::dice::Dice;
use super::{alone, ask_for_certificate, differences, kubectl, seed, server};
use crate::twice;

const TABLE: &str = include_str!("../../../src/tools/kubectl/commands.txt");

/// Commands, each with the words that it may be about; `|` separates the choices.
const COMMANDS: &[(&str, &str)] = &[
    ("get", THINGS),
    ("get", "pods|secrets|all|cm,secret|no/node-1|deploy web|po/web-1 svc/web|pods web-1 web-2|"),
    ("describe", THINGS),
    ("label", "pods web-1 a=b|po/web-1 a-|deploy web svc q=1|nodes node-1 a=b c-|cm settings a=b c=d|pods,svc a=b"),
    ("annotate", "pods web-1 a=b|po/web-1 a-|deploy/web a=b|ns prod a=b|secrets db a=b|sts,ds a=b"),
    ("delete", THINGS),
    ("apply", ""),
    ("create", ""),
    ("replace", ""),
    ("diff", ""),
    ("patch", "deploy web|deploy/web|cm settings|no/node-1|pods web-1|"),
    ("scale", "deploy web|deploy/web sts/db|rs none|deploy,sts|"),
    ("set image", "deploy/web app=x|deploy web app=x|pods web-1 app=x|deploy app=x|deploy/web sts/db *=x|app=x"),
    ("set env", "deploy/web A=b|deploy web A-|sts/db|deploy A=b|deploy/web A=b B-"),
    ("set resources", "deploy/web|deploy web|deploy|"),
    ("set selector", "svc web a=b|svc/web a=b|"),
    ("set serviceaccount", "deploy/web builder|deploy web builder|deploy builder"),
    ("set subject", "rolebinding rb0|rolebinding/rb0|clusterrolebinding/nope"),
    ("rollout pause", "deploy/web|deploy web|ds/agent|deploy|"),
    ("rollout resume", "deploy/web|deploy web|deploy|"),
    ("rollout restart", "deploy/web|deploy web|ds/agent sts/db|deploy,ds|deploy|po/web-1"),
    ("expose", "deploy web|deploy/web|svc/web|po/web-1|deploy web sts|cm/settings"),
    ("autoscale", "deploy web|deploy/web|sts/db|deploy|po/web-1"),
    ("run", "gen|gen extra|gen -- sh -c x|"),
    ("taint", "nodes node-1 k=v:NoSchedule|no node-1 old-|nodes k=v:NoExecute|node node-1 node-2 a=b:NoSchedule"),
    ("cordon", "node-1|node/node-1|node-1 node-2|"),
    ("uncordon", "node-2|node/node-2|"),
    ("drain", "node-1|node/node-2|"),
    ("auth can-i", "get pods|delete deploy/web|'*' '*'|get|"),
    ("auth reconcile", ""),
    ("certificate approve", "csr1|csr/csr1|csr1 csr2|"),
    ("config set-context", "dev|other|--current"),
    ("config view", ""),
    ("config use-context", "prod|nowhere"),
    ("top pod", "|web-1|web-1 web-2"),
    ("top node", "|node-1"),
    ("events", ""),
    ("create configmap", "gen|gen two|"),
    ("create secret generic", "gen|"),
    ("create secret tls", "gen"),
    ("create secret docker-registry", "gen"),
    ("create namespace", "gen|"),
    ("create deployment", "gen|gen -- sh|"),
    ("create job", "gen|gen -- sh"),
    ("create cronjob", "gen|gen -- sh"),
    ("create role", "gen"),
    ("create clusterrole", "gen"),
    ("create rolebinding", "gen"),
    ("create clusterrolebinding", "gen"),
    ("create token", "builder|"),
    ("create quota", "gen"),
    ("create poddisruptionbudget", "gen"),
    ("create priorityclass", "gen"),
    ("create ingress", "gen"),
    ("create service clusterip", "gen"),
    ("create service nodeport", "gen"),
    ("create service externalname", "gen"),
    ("create serviceaccount", "gen|gen two"),
    ("debug", "web-1|pod/web-1|node/node-1|web-1 web-2|deploy/web"),
    ("cp", "vars.env web-1:/x|web-1:/x out|prod/api-1:/x y|a b"),
    ("apply view-last-applied", "deploy/web|deploy web|"),
    ("apply set-last-applied", ""),
    ("kustomize", "base|gen|over|missing|"),
];

const THINGS: &str = "pods|pods web-1|po/web-1|deploy,svc web|deploy/web svc/web|secrets db|nodes node-2|ns prod|\
    cm settings -n prod|pods,secrets|all|sts|jobs.batch once|pods.v1. web-1|POD web-1|po/web-1 web-2|";

/// Options that change what runs beneath a line, wait for what never comes, or ask someone.
const LEFT_OUT: &[&str] = &[
    "watch",
    "watch-only",
    "interactive",
    "wait",
    "timeout",
    "edit",
    "raw",
    "server",
    "token",
    "kubeconfig",
    "cache-dir",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "insecure-skip-tls-verify",
    "tls-server-name",
    "user",
    "cluster",
    "username",
    "password",
    "match-server-version",
    "request-timeout",
    "stdin",
    "tty",
    "attach",
    "rm",
    "enable-helm",
    "enable-alpha-plugins",
    "output-watch-events",
    "vmodule",
    "v",
    "log-flush-frequency",
    "profile",
    "profile-output",
    "mount",
    "network",
    "network-name",
    "helm-command",
    "leave-stdin-open",
    "quiet",
    "load-restrictor",
];

/// What an option is given, by its name.
fn values(long: &str) -> &'static [&'static str] {
    match long {
        "filename" => &[
            "deploy.yaml",
            "two.yaml",
            "dir",
            "list.json",
            "pod.yaml",
            "rb.yaml",
            "missing.yaml",
            "-",
            "podlist.yaml",
            "many",
        ],
        "kustomize" => &["base", "over", "gen", "patched", "comp", "k9", "missing"],
        "selector" => &["app=web", "app!=web", "app in (web,api)", "tier", ""],
        "field-selector" => &["metadata.name=web-1", "status.phase=Running"],
        "namespace" => &["prod", "default", "nowhere", ""],
        "output" => &["yaml", "json", "name", "wide", "jsonpath={.kind}", "frob"],
        "dry-run" => &["client", "server", "none", "true", "frob"],
        "context" => &["prod", "dev", "acting", "nowhere"],
        "as" => &["bob", "system:admin", ""],
        "as-group" => &["ops", "system:masters"],
        "patch" => &["{}", r#"{"metadata":{"labels":{"p":"1"}}}"#],
        "patch-file" => &["patch.yaml", "patch.json", "missing.json"],
        "type" => &["merge", "json", "strategic", "ClusterIP", "Opaque"],
        "subresource" => &["status", "scale"],
        "replicas" | "current-replicas" | "max" | "min" | "port" | "value" | "tail" | "chunk-size" => {
            &["1", "2", "0", "-1", "x"]
        }
        "image" => &["app:1", "x", ""],
        "env" => &["A=b", "B"],
        "from" => &["secret/db", "cm/settings", "cronjob/backup", "deploy/web"],
        "from-literal" => &["a=b", "c=d", "e"],
        "from-file" => &["vars.env", "k=key.pem", "dir", "missing"],
        "from-env-file" => &["vars.env", "missing"],
        "cert" | "key" => &["key.pem", "missing"],
        "verb" => &["get", "get,list", "*"],
        "resource" => &["pods", "deployments.apps", "secrets"],
        "role" | "clusterrole" => &["r0", "view", ""],
        "serviceaccount" => &["prod:builder", "builder"],
        "group" => &["ops", "system:masters"],
        "tcp" => &["80", "80:http", "x"],
        "rule" => &["a.test/x=web:80", "bad"],
        "hard" => &["pods=1", "pods"],
        "limits" | "requests" => &["cpu=1", "memory=1Gi"],
        "overrides" => &["{}", r#"{"metadata":{"name":"ov"}}"#, r#"{"spec":{"hostPID":true}}"#],
        "override-type" => &["merge", "strategic", "json"],
        "restart" => &["Never", "Always", "frob"],
        "grace-period" => &["0", "-1", "1"],
        "cascade" => &["background", "orphan"],
        "copy-to" => &["gen-copy"],
        "schedule" => &["* * * * *"],
        "min-available" | "max-unavailable" => &["1", "50%"],
        "validate" => &["true", "false", "ignore"],
        "prune-allowlist" => &["core/v1/ConfigMap", "apps/v1/Deployment"],
        "bound-object-kind" => &["Pod", "Frob"],
        "bound-object-name" | "name" | "container" => &["web-1", "gen"],
        "duration" | "since" => &["10m", "x"],
        "for" => &["pod/web-1", "web"],
        "types" => &["Normal", "Warning", "frob"],
        "output-directory" => &["out"],
        _ => &["x", "1"],
    }
}

fn options(command: &str) -> Vec<&'static str> {
    let named =
        |line: &&str| line.split('|').next().is_some_and(|names| names.trim().split(',').next() == Some(command));
    let row = TABLE.lines().filter(|line| !line.starts_with('#')).find(named).unwrap_or_else(|| panic!("{command}"));
    row.split_once('|').unwrap().1.split_whitespace().collect()
}

/// `x:long=` as the table has it, spelled in one of pflag's ways.
fn spelled(option: &str, dice: &mut Dice) -> Option<Vec<String>> {
    let (short, long) = option.split_once(':').map_or((None, option), |(short, long)| (Some(short), long));
    let name = long.trim_end_matches(['=', '?']);
    if LEFT_OUT.contains(&name) || name.contains('@') {
        return None;
    }
    let value = dice.pick(values(name)).to_owned();
    let way = dice.below(4);
    Some(match (long.ends_with('='), long.ends_with('?'), short) {
        (true, _, Some(short)) if way == 0 => vec![format!("-{short}"), value],
        (true, _, Some(short)) if way == 1 && !value.is_empty() => vec![format!("-{short}{value}")],
        (true, ..) if way == 2 => vec![format!("--{name}"), value],
        (true, ..) => vec![format!("--{name}={value}")],
        (_, true, _) if way == 0 => vec![format!("--{name}")],
        (_, true, _) => vec![format!("--{name}={value}")],
        (_, _, Some(short)) if way == 0 => vec![format!("-{short}")],
        _ if way == 1 => vec![format!("--{name}={}", dice.pick(&["true", "false", "1", "F", "x"]))],
        _ => vec![format!("--{name}")],
    })
}

/// The line of a seed.
fn line(seed: u64) -> String {
    let mut dice = Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for _ in 0..8 {
        dice.below(2);
    }
    let (command, about) = COMMANDS[dice.below(COMMANDS.len())];
    let choices: Vec<&str> = about.split('|').collect();
    let words = shell_words::split(dice.pick(&choices)).unwrap();
    let dashes = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let mut parts: Vec<Vec<String>> = words[..dashes].iter().map(|word| vec![word.clone()]).collect();
    let own = options(command);
    let wanted: &[&str] = match command {
        "apply" | "create" | "replace" | "diff" | "auth reconcile" | "apply set-last-applied" => &["f:filename="],
        "patch" => &["p:patch="],
        "scale" => &["replicas="],
        "autoscale" => &["max="],
        "run" | "debug" | "create deployment" => &["image="],
        "create job" => &["from="],
        "create cronjob" => &["image=", "schedule="],
        "create role" | "create clusterrole" => &["verb=", "resource="],
        "create rolebinding" | "create clusterrolebinding" => &["clusterrole=", "user="],
        "create service clusterip" | "create service nodeport" => &["tcp="],
        "create service externalname" => &["external-name="],
        "create secret tls" => &["cert=", "key="],
        "create poddisruptionbudget" => &["selector=", "min-available="],
        "create priorityclass" => &["value="],
        "create ingress" => &["rule="],
        "set subject" => &["user="],
        "set resources" => &["limits="],
        _ => &[],
    };
    // What a command needs is left out now and then.
    let needed: Vec<&str> = wanted.iter().copied().filter(|_| dice.below(12) > 0).collect();
    let mut chosen = needed;
    for _ in 0..dice.below(4) {
        if !own.is_empty() {
            chosen.push(own[dice.below(own.len())]);
        }
    }
    if dice.below(3) == 0 {
        chosen.push(dice.pick(&["n:namespace=", "context=", "as=", "as-group=", "n:namespace="]));
    }
    for option in chosen {
        if let Some(spelled) = spelled(option, &mut dice) {
            let at = dice.below(parts.len() + 1);
            parts.insert(at, spelled);
        }
    }
    let mut line: Vec<String> = command.split(' ').map(str::to_owned).collect();
    line.extend(parts.into_iter().flatten());
    if command == "delete" {
        line.push("--wait=false".to_owned());
    }
    line.extend(words[dashes..].iter().cloned());
    let stdin =
        if line.iter().any(|word| matches!(word.as_str(), "-" | "--filename=-" | "-f-")) { " < two.yaml" } else { "" };
    format!("kubectl {}{stdin}", shell_words::join(line))
}

/// What must never be missed, or all.
fn told(difference: &str, strict: bool) -> bool {
    let grave = ["UNDER", "acts as", "starts", "raw requests", "dry run read", "read as refused"];
    strict
        || grave.iter().any(|start| difference.starts_with(start))
        || difference.contains(": get secrets")
        || difference.contains(": list secrets")
}

#[test]
fn what_a_generated_line_does_is_never_read_as_less() {
    let (Some(kubectl), Some(server)) = (kubectl(), server()) else { return };
    let _alone = alone();
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    let strict = std::env::var_os("PORTCULLIS_STRICT").is_some();
    let (from, count) = (number("PORTCULLIS_SEED", 1), number("PORTCULLIS_LINES", 60));
    seed(server);
    ask_for_certificate(server);
    let mut wrong = Vec::new();
    for seed in from..from + count {
        let text = line(seed);
        wrong.extend(twice(|| {
            let differences = differences(server, &text, &kubectl);
            let told = differences.iter().any(|difference| told(difference, strict));
            told.then(|| format!("{seed}: {text}\n    {}", differences.join("\n    ")))
        }));
    }
    assert!(wrong.is_empty(), "{} of {count} lines differ\n{}", wrong.len(), wrong.join("\n"));
}
