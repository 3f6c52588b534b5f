//! The cases of `cases/lines.txt`, and what a table cannot say.

mod handed;

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::Kubectl;
use crate::model::{
    Bytes, Content, ContentSource, Digest, Facts, Invocation, InvocationId, Pin, Reading, StreamKind, Streams,
};
use crate::tools::{Limits, Tool as _, World};

const CONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: prod, cluster: {server: "https://k8s.prod.test:6443"}}
- {name: dev, cluster: {server: "http://127.0.0.1:8080"}}
- {name: plug, cluster: {server: "https://plug.test"}}
- {name: led, cluster: {server: "https://k8s.prod.test:6443", proxy-url: "http://a:SECRET@p.test"}}
contexts:
- {name: prod, context: {cluster: prod, user: admin, namespace: payments}}
- {name: dev, context: {cluster: dev, user: dev}}
- {name: plug, context: {cluster: plug, user: plug}}
- {name: acting, context: {cluster: prod, user: acting}}
- {name: led, context: {cluster: led, user: admin}}
users:
- {name: admin, user: {token: SECRET-TOKEN}}
- {name: dev, user: {client-key-data: SECRET-KEY}}
- {name: plug, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/login, args: [SECRET-ARG]}}}
- {name: acting, user: {token: SECRET-TOKEN, as: root, as-groups: [wheel]}}
"#;

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
const TWO: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n---\n\
    # and a namespace\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n--- # the end\n";
const LIST: &str = r#"{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"p"}},
    {"apiVersion":"cert-manager.io/v1","kind":"Certificate","metadata":{"generateName":"c-"}}]}"#;

/// Their names were had from `kubectl kustomize`.
const GENERATORS: &str = "configMapGenerator: [{name: made, literals: [a=b, c=d]}]\n\
    secretGenerator: [{name: s, type: Opaque, literals: [p=q]}]\n";

/// The machine that every case runs on: a home, a work folder, one plugin.
struct Table {
    files: BTreeMap<&'static str, &'static str>,
    asked_stdin: Cell<bool>,
    variables: BTreeMap<&'static str, &'static str>,
}

impl Table {
    fn new() -> Self {
        let files = [
            ("/home/.kube/config", CONFIG),
            ("deploy.yaml", DEPLOYMENT),
            ("two.yaml", TWO),
            ("list.json", LIST),
            ("dir/b.yaml", TWO),
            ("dir/deep/c.yaml", DEPLOYMENT),
            ("dir/note.txt", "not a manifest"),
            ("end.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n...\nkind: Secret\n"),
            ("yes.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {yes: no}\n"),
            ("behind.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n--- {kind: Secret}\n"),
            ("kust/kustomization.yaml", "resources: [base]\n"),
            ("kust/base/kustomization.yaml", "resources: [deploy.yaml]\n"),
            ("kust/base/deploy.yaml", DEPLOYMENT),
            ("escape/kustomization.yaml", "resources: [../deploy.yaml]\n"),
            ("named/kustomization.yaml", "resources: [two.yaml]\nnamespace: prod\nnamePrefix: x-\n"),
            ("named/two.yaml", TWO),
            ("merging/kustomization.yaml", "resources: [a.yaml]\n"),
            ("merging/a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n<<: {kind: Secret}\n"),
            (
                "many.json",
                "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}\n---\nkind: Secret\n",
            ),
            ("gen/kustomization.yaml", GENERATORS),
            (
                "patched/kustomization.yaml",
                "resources: [deploy.yaml]\npatches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/x, value: 1}]'}]\n",
            ),
            ("patched/deploy.yaml", DEPLOYMENT),
            ("envs/kustomization.yaml", "secretGenerator: [{name: env, envs: [.env]}]\n"),
            ("envs/.env", "A=1\n"),
            ("key.pem", "-----BEGIN "),
            ("x", ""),
            ("pipe", ""),
            ("rc.yaml", "aliases: [{name: gp, command: get}]\ndefaults: [{command: delete, options: []}]\n"),
            (".env", "A=1"),
            (
                "renaming/kustomization.yaml",
                "resources: [deploy.yaml]\npatches: [{target: {kind: Deployment}, patch: '[{op: add, path: /metadata/namespace, value: x}]'}]\n",
            ),
            ("renaming/deploy.yaml", DEPLOYMENT),
            (
                "roles.yaml",
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: prod}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: nowhere}\n",
            ),
        ];
        Table { files: files.into_iter().collect(), asked_stdin: Cell::new(false), variables: BTreeMap::new() }
    }

    fn find(&self, path: &[u8]) -> Option<(&'static str, &'static str)> {
        let path = without_dots(std::str::from_utf8(path).ok()?);
        self.files.get_key_value(path.as_str()).map(|(path, text)| (*path, *text))
    }
}

fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn content(source: ContentSource, text: &str) -> Content {
    Content { source, sha256: Digest::of(text.as_bytes()), bytes: text.into(), truncated: false }
}

impl World for Table {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        self.find(path).map(|(_, text)| content(ContentSource::File(path.into()), text))
    }

    fn stdin(&self) -> Option<Content> {
        self.asked_stdin.set(true);
        Some(content(ContentSource::Stdin, DEPLOYMENT))
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        let folder = match std::str::from_utf8(path).ok()?.trim_end_matches('/') {
            "." => String::new(),
            folder => format!("{folder}/"),
        };
        let below = self.files.keys().filter_map(|file| file.strip_prefix(folder.as_str()));
        let mut names: Vec<Bytes> = below.filter_map(|rest| rest.split('/').next()).map(Bytes::from).collect();
        names.dedup();
        (!names.is_empty()).then_some(names)
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        // A pipe has a name in /proc alone.
        let path = without_dots(std::str::from_utf8(path).ok()?);
        (!path.ends_with("pipe")).then(|| path.into())
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.find(path).is_some()
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.list(path).is_some()
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        ["kubectl-frob", "kubectl-create-thing"].contains(&name).then(|| format!("/bin/{name}").into())
    }

    fn ask_tool(&self, _args: &[&[u8]]) -> Option<Vec<u8>> {
        Some(br#"{"clientVersion":{"gitVersion":"v1.32.4"}}"#.to_vec())
    }

    fn home(&self) -> Option<Bytes> {
        Some("/home".into())
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.variables.get(name).map(|value| (*value).into())
    }
}

/// `[NAME=value …] kubectl WORD…`, split as a shell would.
fn invocation(line: &str) -> Invocation {
    let words = shell_words::split(line).unwrap();
    let at = words.iter().position(|word| word == "kubectl").unwrap();
    let variables = words[..at].iter().filter_map(|word| word.split_once('='));
    Invocation {
        id: InvocationId::from_ulid(1),
        tool: "kubectl".to_owned(),
        argv0: "kubectl".into(),
        args: words[at + 1..].iter().map(|word| Bytes::from(word.as_str())).collect(),
        cwd: Some("/home/agent/app".into()),
        variables: variables.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

pub(super) fn gathered(line: &str) -> (Invocation, Facts) {
    let invocation = invocation(line);
    let facts = Kubectl.gather(&invocation, &Table::new());
    (invocation, facts)
}

pub(super) fn read(line: &str) -> Reading {
    let (invocation, facts) = gathered(line);
    Kubectl.read(&invocation, &facts)
}

/// A reading as the cases write it.
fn shown(reading: &Reading) -> String {
    let text = |key: &str| reading.effective[key].as_str().map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        let values = reading.effective[key].as_array().unwrap();
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let mut out = Vec::new();
    for call in reading.effective["calls"].as_array().unwrap() {
        let part = |key: &str, before: &str| call[key].as_str().map(|t| format!("{before}{t}")).unwrap_or_default();
        out.push(format!(
            "{}{}{}{}{}",
            part("verb", ""),
            part("resource", " "),
            part("subresource", "/"),
            part("name", " "),
            part("namespace", " in ")
        ));
    }
    out.extend(text("raw_path").map(|path| format!("raw {path}")));
    out.extend(text("server").filter(|at| at != "http://127.0.0.1:8080").map(|at| format!("at {at}")));
    if let Value::Object(acting) = &reading.effective["impersonate"] {
        let groups: Vec<_> = acting["groups"].as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
        out.push(format!("as {} of [{}]", acting["user"].as_str().unwrap_or("nobody"), groups.join(" ")));
    }
    for (key, word) in
        [("programs", "runs"), ("reads_files", "reads"), ("writes_files", "writes"), ("listens", "listens on")]
    {
        out.extend(list(key).iter().map(|item| format!("{word} {item}")));
    }
    out.extend(text("dry_run").map(|kind| format!("{kind} dry run")));
    out.extend(text("context").map(|_| "refused by the tool".to_owned()));
    out.extend(reading.doubts.iter().map(|doubt| format!("doubt {}", doubt.kind)));
    if out.is_empty() { "nothing".to_owned() } else { out.join("; ") }
}

#[test]
fn a_server_that_is_asked_for_nothing_but_its_types_is_asked_about() {
    for line in ["version", "api-resources", "explain pods", "delete pods", "create job j --from=cronjob"] {
        let reading = read(&format!("kubectl --server=https://other.example/x {line}"));
        let [operation] = &reading.operations[..] else { panic!("{line}: {:?}", reading.operations) };
        let server = &operation.resource.attributes["server"];
        assert_eq!(
            (operation.action.as_str(), server.as_str()),
            ("k8s.get", Some("https://other.example/x")),
            "{line}"
        );
    }
    let none = ["apply -f gone.yaml", "delete -f gone.yaml", "create configmap c --from-file=gone", "scale deploy"];
    for line in none.into_iter().chain([
        "version --client",
        "completion bash",
        "config view --minify --raw=false",
        "get --help",
    ]) {
        let reading = read(&format!("kubectl --server=https://other.example/x {line}"));
        assert!(reading.operations.iter().all(|operation| !operation.action.starts_with("k8s.")), "{line}");
    }
}

#[test]
fn where_a_proxy_leads_is_told() {
    let connects = |line: &str, variables: &[(&'static str, &'static str)]| -> Vec<bool> {
        let world = Table { variables: variables.iter().copied().collect(), ..Table::new() };
        let invocation = invocation(line);
        let reading = Kubectl.read(&invocation, &Kubectl.gather(&invocation, &world));
        reading.operations.iter().map(|operation| operation.context.get("connect") == Some(&"*".into())).collect()
    };
    assert_eq!(connects("kubectl --context=led get pods", &[]), [true]);
    assert_eq!(connects("kubectl --context=led version", &[]), [true]);
    assert_eq!(connects("kubectl --context=led delete pods", &[]), [true]);
    assert_eq!(connects("kubectl --context=prod get pods", &[]), [false]);
    assert_eq!(connects("kubectl --context=prod get pods", &[("https_proxy", "http://p.test")]), [true]);
    assert_eq!(connects("kubectl --context=prod get pods", &[("HTTPS_PROXY", "")]), [false]);
}

#[test]
fn every_line_of_the_cases_is_read_as_written_there() {
    let mut wrong = Vec::new();
    for case in include_str!("cases/lines.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (line, expected) = case.split_once(" -> ").unwrap_or((case, ""));
        let came = shown(&read(line.trim()));
        if came != expected.trim() {
            wrong.push(format!("{line} -> {came}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_secret_of_a_kubeconfig_leaves_the_machine() {
    for line in ["kubectl get pods", "kubectl get pods --context plug", "kubectl config view --raw"] {
        let (_, facts) = gathered(line);
        let sent = serde_json::to_string(&facts).unwrap();
        assert!(!sent.contains("SECRET"), "{sent}");
        assert!(sent.contains("k8s.prod.test"));
    }
}

#[test]
fn the_first_file_of_a_kubeconfig_list_wins() {
    struct Two(Table);
    impl World for Two {
        fn file(&self, path: &[u8]) -> Option<Content> {
            let other = "current-context: other\nclusters: [{name: dev, cluster: {server: 'https://other'}}]\n\
                         contexts: [{name: other, context: {cluster: dev}}]\n";
            match path {
                b"other" => Some(content(ContentSource::File(path.into()), other)),
                path => self.0.file(path),
            }
        }
        fn limits(&self) -> Limits {
            self.0.limits()
        }
        fn stdin(&self) -> Option<Content> {
            None
        }
        fn list(&self, _: &[u8]) -> Option<Vec<Bytes>> {
            None
        }
        fn is_file(&self, path: &[u8]) -> bool {
            self.0.is_file(path)
        }
        fn is_dir(&self, _: &[u8]) -> bool {
            false
        }
        fn program(&self, _: &str) -> Option<Bytes> {
            None
        }
        fn ask_tool(&self, _: &[&[u8]]) -> Option<Vec<u8>> {
            None
        }
        fn home(&self) -> Option<Bytes> {
            None
        }
        fn variable(&self, _: &str) -> Option<Bytes> {
            None
        }
    }
    let server = |list: &str| {
        let invocation = invocation(&format!("KUBECONFIG={list} kubectl get pods"));
        let facts = Kubectl.gather(&invocation, &Two(Table::new()));
        Kubectl.read(&invocation, &facts).effective["server"].clone()
    };
    assert_eq!(server("other:/home/.kube/config"), "https://other");
    assert_eq!(server("/home/.kube/config:other"), "http://127.0.0.1:8080");
    assert_eq!(server("nowhere::other"), "https://other");
}

#[test]
fn stdin_is_left_alone_unless_the_line_reads_a_manifest_from_it() {
    for (line, wanted) in
        [("kubectl get pods", false), ("kubectl exec -i web -- sh", false), ("kubectl apply -f -", true)]
    {
        let table = Table::new();
        Kubectl.gather(&invocation(line), &table);
        assert_eq!(table.asked_stdin.get(), wanted, "{line}");
    }
}

#[test]
fn an_option_that_the_table_lacks_is_refused_by_its_version_and_in_doubt_in_any_other() {
    let (invocation, mut facts) = gathered("kubectl get pods --frob");
    assert_eq!(shown(&Kubectl.read(&invocation, &facts)), "refused by the tool");
    facts.version = Some("1.34.0".to_owned());
    assert_eq!(Kubectl.read(&invocation, &facts).doubts[0].kind, "unknown_option");
    assert_eq!(Kubectl.read(&invocation, &facts).effective["calls"][0]["verb"], "*");
}

#[test]
fn what_was_not_gathered_is_in_doubt() {
    let reading = Kubectl.read(&invocation("kubectl apply -f deploy.yaml"), &Facts::default());
    let kinds: Vec<_> = reading.doubts.iter().map(|doubt| doubt.kind.as_str()).collect();
    assert_eq!(kinds, ["unknown_fact", "unread_content"]);
    assert_eq!(Kubectl.read(&invocation("kubectl frob"), &Facts::default()).doubts[0].kind, "unknown_command");
}

/// Facts are what the agent's side says: folders in folders, and kustomizations that name each other, may be as many as
/// 16 to the power of 16 with a few bytes each. What is not followed is a doubt.
#[test]
fn what_leads_to_itself_over_and_over_ends_in_a_doubt() {
    let twice = |text: &str| vec![text; 16].join(", ");
    let around = format!("resources: [{}]", twice("./"));
    let deeper: serde_json::Map<_, _> = (0..20)
        .map(|depth| (format!("dir{}", "/a".repeat(depth)), serde_json::json!(vec!["a/"; 16])))
        .chain([("same".to_owned(), serde_json::json!(vec!["/"; 16])), ("same/".to_owned(), vec!["/"; 16].into())])
        .collect();
    let facts = Facts {
        version: None,
        facts: [("folders".to_owned(), deeper.into())].into(),
        contents: [("dir/kustomization.yaml", around.as_str()), ("one.yaml", DEPLOYMENT)]
            .map(|(path, text)| content(ContentSource::File(path.into()), text))
            .into(),
    };
    let many = format!("kubectl apply {}", "-f one.yaml ".repeat(5000));
    for line in ["kubectl apply -k dir", "kubectl apply -Rf dir", "kubectl apply -Rf same", &many] {
        let reading = Kubectl.read(&invocation(line), &facts);
        assert!(reading.doubts.iter().any(|doubt| doubt.kind == "unread_content"), "{reading:?}");
    }
}
