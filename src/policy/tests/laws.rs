//! What holds for every set of policies.

use proptest::prelude::*;

use super::*;

/// A policy of each sort, over the actions and refs that `operations` draws from.
fn policy() -> impl Strategy<Value = (bool, bool, String)> {
    let scope = prop::sample::select(vec![
        "principal, action, resource",
        "principal, action == Action::\"git.push\", resource",
        "principal, action in [Action::\"write\", Action::\"destroy\"], resource",
        "principal in Group::\"agents\", action, resource",
        "principal in Group::\"people\", action, resource",
    ]);
    (any::<bool>(), any::<bool>(), scope).prop_map(|(permits, approval, scope)| (permits, approval, scope.to_owned()))
}

fn written(policies: &[(bool, bool, String)]) -> String {
    policies
        .iter()
        .enumerate()
        .map(|(i, (permits, approval, scope))| match (permits, approval) {
            (true, _) => format!("@id(\"p{i}\") permit ({scope});\n"),
            (false, true) => format!("@id(\"p{i}\") @approval(\"leads\") forbid ({scope});\n"),
            (false, false) => format!("@id(\"p{i}\") forbid ({scope});\n"),
        })
        .collect()
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop::sample::select(vec![
        push("refs/heads/a"),
        on_ref("git.delete_ref", Effect::Destroy, "refs/heads/a"),
        select("users"),
    ]);
    prop::collection::vec(one, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn one_more_permit_never_skips_an_approval_or_a_forbid(
        policies in prop::collection::vec(policy(), 0..6), operations in operations()
    ) {
        let before = ask(&set(&written(&policies)), operations.clone());
        let mut more = policies.clone();
        more.push((true, false, "principal, action, resource".to_owned()));
        let after = ask(&set(&written(&more)), operations);
        let kept = match before {
            Verdict::Allow { .. } => matches!(after, Verdict::Allow { .. }),
            Verdict::Ask { .. } => matches!(after, Verdict::Ask { .. }),
            Verdict::Deny(refusal) if refusal.kind == RefusalKind::Forbidden => matches!(after, Verdict::Deny(_)),
            Verdict::Deny(_) => true,
        };
        prop_assert!(kept, "{after:?}");
    }

    #[test]
    fn without_permits_everything_is_denied(
        policies in prop::collection::vec(policy(), 0..6), operations in operations()
    ) {
        let forbids: Vec<_> = policies.into_iter().filter(|(permits, ..)| !permits).collect();
        prop_assert!(matches!(ask(&set(&written(&forbids)), operations), Verdict::Deny(_)));
    }

    #[test]
    fn a_failing_policy_always_denies(policies in prop::collection::vec(policy(), 0..6), permits in any::<bool>()) {
        let effect = if permits { "permit" } else { "forbid" };
        let broken = format!(
            "@id(\"broken\") {effect} (principal, action == Action::\"sql.select\", resource is Table) \
             when {{ resource.port * 9223372036854775807 > 0 }};\n"
        );
        let verdict = ask(&set(&format!("{}{broken}", written(&policies))), vec![select("users")]);
        prop_assert_eq!(refusal(verdict).kind, RefusalKind::PolicyError);
    }
}
