//! What the policies promise, asked of whole sets.

mod laws;

use serde_json::json;

use super::{Need, PolicySet, Question, Verdict};
use crate::model::{
    Doubt, Effect, Invocation, InvocationId, Operation, Pin, Reading, Refusal, RefusalKind, Resource, StreamKind,
    Streams, Subject, SubjectKind, Terms,
};

fn subject() -> Subject {
    Subject {
        id: "agent-7".to_owned(),
        name: "build agent".to_owned(),
        kind: SubjectKind::Machine,
        groups: vec!["agents".to_owned()],
    }
}

fn invocation(tool: &str, args: &[&str]) -> Invocation {
    Invocation {
        id: InvocationId::from_ulid(1),
        tool: tool.to_owned(),
        argv0: tool.into(),
        args: args.iter().map(|arg| (*arg).into()).collect(),
        cwd: None,
        variables: Default::default(),
        streams: Streams { stdin: StreamKind::Null, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

fn reading(tool: &str, operations: Vec<Operation>) -> Reading {
    Reading { tool: tool.to_owned(), version: None, effective: Default::default(), operations, doubts: Vec::new() }
}

fn on_ref(action: &str, effect: Effect, name: &str) -> Operation {
    let resource = Resource::new("Ref", format!("github.com/acme/app:{name}"))
        .with("host", "github.com")
        .with("path", "acme/app")
        .with("name", name);
    Operation::new(action, effect, resource)
}

fn push(name: &str) -> Operation {
    on_ref("git.push", Effect::Write, name)
}

fn table(name: &str) -> Resource {
    Resource::new("Table", format!("db:5432/shop/{name}"))
        .with("host", "db")
        .with("port", 5432)
        .with("database", "shop")
        .with("schema", "")
        .with("name", name)
}

fn select(name: &str) -> Operation {
    Operation::new("sql.select", Effect::Read, table(name))
}

fn set(cedar: &str) -> PolicySet {
    PolicySet::load(&[("p.cedar".to_owned(), cedar.to_owned())]).unwrap()
}

fn load_error(cedar: &str) -> String {
    match PolicySet::load(&[("p.cedar".to_owned(), cedar.to_owned())]) {
        Ok(_) => panic!("it loads: {cedar}"),
        Err(error) => error.to_string(),
    }
}

fn ask_about(policies: &PolicySet, tool: &str, reading: &Reading) -> Verdict {
    policies.decide(&Question { subject: &subject(), invocation: &invocation(tool, &["-x", "y"]), reading })
}

fn ask(policies: &PolicySet, operations: Vec<Operation>) -> Verdict {
    ask_about(policies, "git", &reading("git", operations))
}

fn refusal(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Deny(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

const PERMIT_PUSH: &str = r#"@id("pushing") permit (principal, action == Action::"git.push", resource);"#;
const ASK_PUSH: &str = r#"@id("ask") @approval("leads") @approvers("2") @expires("30m") @reason("it is late")
    forbid (principal, action == Action::"git.push", resource);"#;

#[test]
fn what_no_policy_permits_is_refused_in_words_that_name_it() {
    let refusal = refusal(ask(&set(""), vec![push("refs/heads/main")]));
    assert_eq!(refusal.kind, RefusalKind::NotPermitted);
    assert_eq!(refusal.what, "git push to main of github.com/acme/app");
    assert_eq!(refusal.why, "no policy permits git.push on github.com/acme/app:refs/heads/main");
}

#[test]
fn a_forbid_wins_and_its_reason_and_hint_are_said() {
    let shipped = PolicySet::shipped();
    let refusal = refusal(ask(&shipped, vec![on_ref("git.force_push", Effect::Destroy, "refs/heads/main")]));
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    assert_eq!(refusal.what, "git push --force to main of github.com/acme/app");
    assert_eq!(
        refusal.why,
        "policy protected-branches forbids rewriting or deleting main, master and release branches"
    );
    assert_eq!(refusal.hint.as_deref(), Some("push a branch and open a pull request"));
    assert_eq!(refusal.policies, ["protected-branches"]);
}

#[test]
fn the_shipped_policies_load_allow_reading_and_ask_for_the_rest() {
    let shipped = PolicySet::shipped();
    assert!(!shipped.is_empty());
    assert!(matches!(ask(&shipped, vec![push("refs/heads/topic")]), Verdict::Allow { .. }));
    assert!(matches!(ask(&shipped, vec![]), Verdict::Allow { .. }));
    let drop = Operation::new("sql.drop", Effect::Destroy, table("users"));
    assert!(matches!(ask(&shipped, vec![drop]), Verdict::Ask { .. }));
    let unknown = on_ref("git.delete_ref", Effect::Destroy, "refs/*");
    assert!(matches!(ask(&shipped, vec![unknown]), Verdict::Deny(_)));
    let run = Operation::new("program.run", Effect::Execute, Resource::new("Program", "sh").with("command", "sh"));
    assert!(matches!(ask(&shipped, vec![run]), Verdict::Ask { .. }));
}

#[test]
fn an_approval_is_asked_only_where_lifting_it_would_allow() {
    let both = set(&format!("{PERMIT_PUSH}\n{ASK_PUSH}"));
    match ask(&both, vec![push("refs/heads/main")]) {
        Verdict::Ask { needs, policies, terms } => {
            assert_eq!(
                needs,
                [Need {
                    groups: vec!["leads".to_owned()],
                    approvers: 2,
                    expires_seconds: 1800,
                    policy: "ask".to_owned(),
                    reason: Some("it is late".to_owned()),
                }]
            );
            assert_eq!(policies, ["ask"]);
            assert_eq!(terms.masks, ["secrets"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(refusal(ask(&set(ASK_PUSH), vec![push("refs/heads/main")])).kind, RefusalKind::NotPermitted);
    // One operation of the line that nothing permits: a human's yes could not help, so none is asked.
    let deleting = on_ref("git.delete_ref", Effect::Destroy, "refs/heads/old");
    assert_eq!(refusal(ask(&both, vec![push("refs/heads/main"), deleting])).kind, RefusalKind::NotPermitted);
    let hard = r#"@id("never") forbid (principal, action == Action::"git.push", resource);"#;
    let with_hard = set(&format!("{PERMIT_PUSH}\n{ASK_PUSH}\n{hard}"));
    assert_eq!(refusal(ask(&with_hard, vec![push("refs/heads/main")])).policies, ["never"]);
}

#[test]
fn obligations_of_all_permits_are_united_and_the_stricter_wins() {
    let policies = set(r#"
        @id("a") @mask("pii") @limit("10m") @grant("app-ro") permit (principal, action == Action::"git.push", resource);
        @id("b") @limit("90s") @record("stdin") @grant("zed, app-ro") permit (principal, action in Action::"write", resource);
        "#);
    match ask(&policies, vec![push("refs/heads/a")]) {
        Verdict::Allow { terms, policies } => {
            assert_eq!(terms.masks, ["pii", "secrets"]);
            assert_eq!(terms.limit_seconds, Some(90));
            assert_eq!(terms.grants, ["app-ro", "zed"]);
            assert!(terms.record_stdin && terms.quiet_programs);
            assert_eq!(policies, ["a", "b"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_goes_unrecorded_only_where_every_permit_says_so_and_nothing_else_is_asked() {
    let bare = r#"@id("bare") @record("none") permit (principal, action == Action::"git.push", resource);"#;
    let terms = |more: &str| match ask(&set(&format!("{bare}\n{more}")), vec![push("refs/heads/a")]) {
        Verdict::Allow { terms, .. } | Verdict::Ask { terms, .. } => terms,
        other => panic!("{other:?}"),
    };
    assert_eq!(terms(""), Terms { unrecorded: true, ..Terms::default() });
    for more in [
        r#"@id("other") permit (principal, action == Action::"git.push", resource);"#,
        r#"@id("masked") @mask("pii") permit (principal, action in Action::"write", resource);"#,
        r#"@id("ask") @approval("leads") forbid (principal, action == Action::"git.push", resource);"#,
    ] {
        let terms = terms(more);
        assert!(!terms.unrecorded && terms.masks.contains(&"secrets".to_owned()), "{more}");
    }
    for with in [r#"@mask("pii")"#, r#"@limit("10m")"#, r#"@grant("app")"#] {
        let both = format!(r#"@id("a") @record("none") {with} permit (principal, action, resource);"#);
        let refused = PolicySet::load(&[("a.cedar".to_owned(), both)]).err().unwrap();
        assert!(refused.to_string().contains("@record(\"none\")"), "{refused}");
    }
}

#[test]
fn a_policy_that_fails_denies_and_is_named_even_where_others_permit() {
    let broken = r#"@id("broken") forbid (principal, action == Action::"sql.select", resource is Table)
        when { resource.port + 9223372036854775807 > 0 };"#;
    let open = r#"@id("open") permit (principal, action, resource);"#;
    let refusal = refusal(ask(&set(&format!("{open}\n{broken}")), vec![select("users")]));
    assert_eq!(refusal.kind, RefusalKind::PolicyError);
    assert!(refusal.why.starts_with("policy broken failed to evaluate: "), "{}", refusal.why);
}

#[test]
fn a_doubt_is_accepted_by_name_only() {
    let mut doubtful = reading("git", vec![push("refs/heads/a")]);
    doubtful.doubts.push(Doubt { kind: "unknown_option".to_owned(), detail: "--frob\x1b[2J".to_owned() });
    let open = r#"@id("open") permit (principal, action, resource);"#;
    let refused = refusal(ask_about(&set(open), "git", &doubtful));
    assert_eq!(refused.kind, RefusalKind::Doubt);
    assert_eq!(refused.why, "cannot tell what git would do: unknown option: --frob\\x1b[2J");
    let named = r#"@id("accepted") permit (principal, action == Doubt::Action::"unknown_option", resource);"#;
    assert!(matches!(ask_about(&set(&format!("{open}\n{named}")), "git", &doubtful), Verdict::Allow { .. }));
    doubtful.doubts[0].kind = "never_heard_of".to_owned();
    let refused = refusal(ask_about(&set(&format!("{open}\n{named}")), "git", &doubtful));
    assert_eq!(refused.kind, RefusalKind::Doubt);
}

/// Names in `doubt("name"` and `doubts.push(("name"` of every reader.
fn raised() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for call in ["doubt(", "doubts.push(("] {
                for after in text.split(call).skip(1) {
                    let Some(rest) = after.trim_start().strip_prefix('"') else { continue };
                    found.push((rest.split('"').next().unwrap().to_owned(), path.display().to_string()));
                }
            }
        }
    }
    found
}

#[test]
fn every_doubt_that_a_reader_can_raise_is_in_the_list() {
    let raised = raised();
    assert!(raised.len() > 10, "the readers were not found");
    let missing: Vec<_> =
        raised.iter().filter(|(kind, _)| super::DOUBTS.iter().all(|(known, _)| known != kind)).collect();
    assert!(missing.is_empty(), "add to src/policy/doubts.rs: {missing:?}");
}

#[test]
fn what_the_schema_has_no_room_for_is_refused() {
    let open = set(r#"@id("open") permit (principal, action, resource);"#);
    let no_such_action = Operation::new("git.fly", Effect::Read, Resource::new("WorkTree", ".").with("path", "."));
    let no_path = Operation::new("git.read", Effect::Read, Resource::new("WorkTree", "."));
    let wrong_resource = Operation::new("git.read", Effect::Read, Resource::new("File", "a").with("path", "a"));
    let wrong_context = push("refs/heads/a").with("force", "yes");
    for operation in [no_such_action, no_path, wrong_resource, wrong_context] {
        let refusal = refusal(ask(&open, vec![operation.clone()]));
        assert_eq!(refusal.kind, RefusalKind::PolicyError, "{operation:?}");
    }
}

#[test]
fn groups_and_parents_can_be_named_in_a_policy() {
    let policies = set(r#"
        @id("one") permit (principal in Group::"agents", action == Action::"git.push", resource in Repository::"github.com/acme/app");
        @id("two") permit (principal, action == Action::"sql.select", resource in Database::"db:5432/shop");
        @id("three") permit (principal, action == Action::"k8s.get", resource in Namespace::"https://k8s:6443/pay");
        @id("four") permit (principal, action == Action::"http.get", resource in Host::"example.com");
        "#);
    let object = Resource::new("Object", "whatever")
        .with("server", "https://k8s:6443")
        .with("namespace", "pay")
        .with("group", "")
        .with("resource", "pods")
        .with("subresource", "")
        .with("name", "web");
    let url = Resource::new("Url", "https://example.com/a")
        .with("scheme", "https")
        .with("host", "example.com")
        .with("port", 443)
        .with("path", "/a");
    let all = vec![
        push("refs/heads/a"),
        select("users"),
        Operation::new("k8s.get", Effect::Read, object),
        Operation::new("http.get", Effect::Read, url),
    ];
    match ask(&policies, all) {
        Verdict::Allow { policies, .. } => assert_eq!(policies, ["four", "one", "three", "two"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_masked_column_used_outside_the_select_list_must_be_disclosed_by_name() {
    let read = r#"@id("read") @mask("pii") permit (principal, action == Action::"sql.select", resource);"#;
    let disclose = r#"@id("disclose") permit (principal, action == Action::"sql.disclose", resource);"#;
    let masks = ("masks.toml".to_owned(), "[pii]\ncolumns = [\"users.email\", \"*.ssn\"]\n".to_owned());
    let with = |cedar: &str| PolicySet::load(&[("p.cedar".to_owned(), cedar.to_owned()), masks.clone()]).unwrap();
    let where_on = |table: &str, columns: &[&str]| vec![select(table).with("outside", columns.to_vec())];

    let refused = refusal(ask(&with(read), where_on("users", &["u.Email"])));
    assert_eq!(refused.why, "no policy permits sql.disclose on db:5432/shop/users");
    assert!(matches!(ask(&with(&format!("{read}{disclose}")), where_on("users", &["email"])), Verdict::Allow { .. }));
    for (table, columns) in [("users", &["*"][..]), ("orders", &["ssn"]), ("*", &["email"])] {
        assert!(matches!(ask(&with(read), where_on(table, columns)), Verdict::Deny(_)), "{table} {columns:?}");
    }
    // The planner's samples hold values of any table.
    let columns_of = |table: &str, columns: &[&str]| vec![select(table).with("columns", columns.to_vec())];
    for columns in [&["most_common_vals"][..], &["*"], &["attname", "histogram_bounds"]] {
        assert!(matches!(ask(&with(read), columns_of("pg_stats", columns)), Verdict::Deny(_)), "{columns:?}");
    }
    assert!(matches!(ask(&with(read), columns_of("pg_stats", &["attname", "n_distinct"])), Verdict::Allow { .. }));
    assert!(matches!(ask(&with(read), columns_of("users", &["*"])), Verdict::Allow { .. }));
    for (table, columns) in [("orders", &["email"][..]), ("users", &["id"]), ("users", &[])] {
        assert!(matches!(ask(&with(read), where_on(table, columns)), Verdict::Allow { .. }), "{table} {columns:?}");
    }
}

#[test]
fn a_set_that_could_not_be_meant_does_not_load_and_says_where() {
    let permit = r#"permit (principal, action == Action::"git.push", resource);"#;
    let forbid = r#"forbid (principal, action == Action::"git.push", resource);"#;
    let cases = [
        (format!("\n{permit}"), "p.cedar:2:1: this policy has no @id"),
        (format!("@id(\"a\") {permit}\n  @id(\"a\") {forbid}"), "p.cedar:2:3: a second policy has @id(\"a\")"),
        (format!("@id(\"a\") @aproval(\"x\") {forbid}"), "p.cedar:1:1: no annotation is called @aproval"),
        (format!("@id(\"a\") @approval(\"x\") {permit}"), "p.cedar:1:1: @approval(\"x\"): belongs on a forbid"),
        (format!("@id(\"a\") @mask(\"pii\") {forbid}"), "p.cedar:1:1: @mask(\"pii\"): belongs on a permit"),
        (format!("@id(\"a\") @mask(\"pee\") {permit}"), "p.cedar:1:1: @mask(\"pee\"): no mask set is called"),
        (format!("@id(\"a\") @limit(\"soon\") {permit}"), "p.cedar:1:1: @limit(\"soon\"): is not a duration"),
        (format!("@id(\"a\") @limit(\"-5m\") {permit}"), "p.cedar:1:1: @limit(\"-5m\"): is not a duration"),
        (format!("@id(\"a\") @expires(\"5m\") {forbid}"), "p.cedar:1:1: @approvers and @expires say nothing"),
        (format!("@id(\"a\") @record(\"stdout\") {permit}"), "p.cedar:1:1: @record(\"stdout\"): is neither"),
        (format!("@id(\"A b\") {permit}"), "p.cedar:1:1: @id(\"A b\"): an id is"),
        ("@id(\"a\")\npermit (principal, action == Action::\"git.fly\", resource);".to_owned(), "p.cedar:2:"),
        ("@id(\"a\")\npermit (principal is Robot, action, resource);".to_owned(), "p.cedar:2:"),
        (
            "@id(\"a\")\nforbid (principal, action, resource) when { context.colour == \"red\" };".to_owned(),
            "p.cedar:2:",
        ),
        (
            "@id(\"a\")\nforbid (principal, action == Action::\"git.push\", resource) when { context.force };"
                .to_owned(),
            "p.cedar:2:",
        ),
        ("@id(\"a\")\nforbid (principal, action == Action::\"git.push\", resource is File);".to_owned(), "p.cedar:1:"),
        ("@id(\"a\")\npermit (principal, action == Doubt::Action::\"nothing\", resource);".to_owned(), "p.cedar:2:"),
        ("@id(\"a\")\npermit (principal, action, resource".to_owned(), "p.cedar:"),
        ("@id(\"a\")\npermit (principal == ?principal, action, resource);".to_owned(), "p.cedar:1:1: a template"),
    ];
    for (cedar, expected) in cases {
        let error = load_error(&cedar);
        assert!(error.starts_with(expected), "{cedar}\n{error}");
    }
    let masks = |text: &str| {
        PolicySet::load(&[("masks.toml".to_owned(), text.to_owned())]).err().map(|error| error.to_string()).unwrap()
    };
    assert!(masks("[pii]\ncolumns = [\"email\"]").starts_with("masks.toml:2:13: \"email\" is not table.column"));
    assert!(masks("[pee]\ncolumns = []").starts_with("masks.toml:1:2: unknown field `pee`"));
    assert!(
        masks("[pii]\ncolums = []").starts_with("masks.toml:2:1: unknown field"),
        "{}",
        masks("[pii]\ncolums = []")
    );
    for (text, expected) in [
        ("[[rule]]\nid = \"x\"\npatterns = ['ok', 'E-([0-9]']", "masks.toml:3:22: this pattern: unclosed group"),
        ("[[rule]]\nid = \"x\"\npatterns = [\"\\\\d\", \"a*\"]", "masks.toml:3:21: this pattern: matches the empty"),
        ("[[rule]]\nid = \"X y\"\nliterals = [\"abcd\"]", "masks.toml:2:6: \"X y\" is no id"),
        ("[[rule]]\nid = \"x\"", "masks.toml:2:6: rule \"x\" finds nothing"),
        ("[[rule]]\nid = \"x\"\nliterals = [\"abc\"]", "masks.toml:3:14: this literal has fewer than 4"),
        ("[[rule]]\nid = \"x\"\npaths = [\"a.b\"]", "masks.toml:3:11: this path is no path"),
        ("[[rule]]\nid = \"x\"\nset = \"fin\"\npaths = [\"$.b\"]", "masks.toml:3:7: no mask set is called \"fin\""),
        ("[marks]\nemail = \"stars\"", "masks.toml:2:9: no mark is called \"stars\""),
    ] {
        let error = masks(text);
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

#[test]
fn what_operators_mask_travels_with_the_terms_of_its_set() {
    let cedar = r#"@id("r") permit (principal, action == Action::"git.push", resource);"#;
    let masks = "[pii]\ncolumns = [\"*.email\"]\n[[rule]]\nid = \"badge\"\npatterns = ['E-[0-9]{6}']\n[marks]\nemail = \"format\"\n";
    let load = |cedar: String| {
        PolicySet::load(&[("p.cedar".to_owned(), cedar), ("masks.toml".to_owned(), masks.to_owned())]).unwrap()
    };
    let ids = |set: &PolicySet| {
        let Verdict::Allow { terms, .. } = ask(set, vec![push("refs/heads/a")]) else { panic!() };
        assert_eq!(terms.masking.styles["email"], crate::model::Style::Format);
        terms.masking.rules.into_iter().map(|rule| rule.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&load(cedar.to_owned())), ["badge"]);
    assert_eq!(ids(&load(cedar.replace("permit", "@mask(\"pii\") permit"))), ["email", "badge"]);
}

#[test]
fn the_digest_changes_with_every_byte_and_not_with_the_order_of_files() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let (a, b) = (file("a.cedar", PERMIT_PUSH), file("b.cedar", ASK_PUSH));
    let one = PolicySet::load(&[a.clone(), b.clone()]).unwrap();
    let other = PolicySet::load(&[b.clone(), a.clone()]).unwrap();
    assert_eq!(one.digest(), other.digest());
    let changed = PolicySet::load(&[a, file("b.cedar", &format!("{ASK_PUSH}\n"))]).unwrap();
    assert_ne!(one.digest(), changed.digest());
}

#[test]
fn an_explanation_names_what_decided_each_step() {
    let policies = set(&format!("{PERMIT_PUSH}\n{ASK_PUSH}"));
    let reading = reading("git", vec![push("refs/heads/a"), select("users")]);
    let explanation =
        policies.explain(&Question { subject: &subject(), invocation: &invocation("git", &[]), reading: &reading });
    let context = |effect: &str| json!({"claimed": true, "effect": effect, "nested": false, "pinned": true, "terminal": false, "tool": "git"});
    assert_eq!(
        serde_json::to_value(&explanation).unwrap(),
        json!({"verdict": "deny", "steps": [
            {"what": "git push to a of github.com/acme/app", "action": "git.push", "doubt": false,
             "outcome": "needs_approval", "permits": ["pushing"], "forbids": [], "lifted_by_approval": ["ask"], "errors": [],
             "request": {"principal": "User::\"agent-7\"", "action": "Action::\"git.push\"",
                         "resource": "Ref::\"github.com/acme/app:refs/heads/a\"",
                         "parents": ["Host::\"github.com\"", "Repository::\"github.com/acme/app\""],
                         "attributes": {"host": "github.com", "name": "refs/heads/a", "path": "acme/app"},
                         "context": context("write")}},
            {"what": "git SELECT on users of database shop", "action": "sql.select", "doubt": false,
             "outcome": "not_permitted", "permits": [], "forbids": [], "lifted_by_approval": [], "errors": [],
             "request": {"principal": "User::\"agent-7\"", "action": "Action::\"sql.select\"",
                         "resource": "Table::\"db:5432/shop/users\"",
                         "parents": ["Database::\"db:5432/shop\"", "Host::\"db\""],
                         "attributes": {"database": "shop", "host": "db", "name": "users", "port": 5432, "schema": ""},
                         "context": context("read")}},
        ]})
    );
}
