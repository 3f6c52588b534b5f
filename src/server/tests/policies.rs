use std::fs;

use super::agent;
use crate::model::{Facts, RefusalKind};
use crate::policy::Verdict;
use crate::server::policies::Policies;
use crate::server::question::{Judged, judge};
use crate::wire::contract::Ask;

const GOOD: &str = "@id(\"all\")\npermit(principal, action, resource);\n";
const BAD: &str = "@id(\"all\")\npermit(principal, action, resource)\n\nwhen { oops\n";

fn asked(policies: &Policies) -> Judged {
    let invocation = super::judged("status", super::allow()).invocation;
    judge(policies, &agent(), Ask { invocation, facts: Facts::default() }).unwrap()
}

#[test]
fn a_policy_that_is_broken_at_the_start_refuses_everything_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gate.cedar"), BAD).unwrap();
    let policies = Policies::open(Some(folder.path().to_owned()));
    let why = policies.current().map(|_| ()).unwrap_err();
    assert!(why.contains("gate.cedar:"), "{why}");
    assert_eq!(policies.trouble(), Some(why));
    let judged = asked(&policies);
    let Verdict::Deny(refusal) = judged.verdict else { panic!("{:?}", judged.verdict) };
    assert_eq!(refusal.kind, RefusalKind::PolicyError);
    assert!(refusal.why.contains("gate.cedar:"), "{}", refusal.why);

    fs::write(folder.path().join("gate.cedar"), GOOD).unwrap();
    policies.reload();
    assert!(policies.current().is_ok());
    assert_eq!(policies.trouble(), None);
}

#[test]
fn a_policy_that_is_broken_later_leaves_the_old_one_in_force_and_is_a_trouble() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gate.cedar"), GOOD).unwrap();
    let policies = Policies::open(Some(folder.path().to_owned()));
    let before = policies.current().unwrap().digest();
    fs::write(folder.path().join("gate.cedar"), BAD).unwrap();
    policies.reload();
    assert_eq!(policies.current().unwrap().digest(), before);
    assert!(policies.trouble().unwrap().contains("gate.cedar:"));

    fs::remove_file(folder.path().join("gate.cedar")).unwrap();
    policies.reload();
    assert_eq!(policies.current().unwrap().digest(), before, "an empty folder is no policy");
}

#[test]
fn a_folder_that_is_not_there_permits_nothing() {
    let policies = Policies::open(Some("/nonexistent/policies".into()));
    assert!(policies.current().is_err());
}

#[test]
fn the_policies_that_ship_load() {
    assert!(!Policies::open(None).current().unwrap().is_empty());
}
