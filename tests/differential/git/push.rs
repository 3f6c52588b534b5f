//! Which refs a push asks for, and whether it is forced: the reading against `--porcelain` of the real push.

use std::collections::BTreeSet;

use super::{machine, read, words};
use crate::twice;

/// Lines from git-push(1) and its relatives; what comes before `|` is done to the world first.
const LINES: &[&str] = &[
    "push",
    "push origin main",
    "push origin HEAD",
    "push origin @",
    "push origin main feature",
    "push origin HEAD:main",
    "push origin feature:main",
    "push origin main:refs/heads/experimental",
    "push origin main:experimental",
    "push origin v1",
    "push origin v1:v9",
    "push origin tag v2",
    "push origin HEAD~1:refs/heads/feature",
    "push origin HEAD~1:feature",
    "push origin 'refs/heads/*'",
    "push origin 'refs/heads/*:refs/heads/b/*'",
    "push origin 'refs/heads/*:refs/heads/b/*' '^refs/heads/feature'",
    "push --all origin",
    "push --all",
    "push --tags",
    "push --tags origin main",
    "push --follow-tags origin main",
    "push origin :",
    "push origin +:",
    "push -u origin main",
    "push -f",
    "push -f origin main",
    "push --force origin main feature",
    "push --force-w origin main",
    "push --force-with-lease origin main",
    "push --force-with-lease=main origin main feature",
    "push --force --no-force origin main",
    "push --force-with-lease --no-force-with-lease origin main",
    "push origin +main",
    "push origin +main feature",
    "push origin '+refs/heads/*:refs/heads/*'",
    "push -vf origin main",
    "push origin main --force",
    "push --mirror origin",
    "push --mirror other",
    "push --prune origin 'refs/heads/*'",
    "push --prune --all --force origin",
    "push origin :feature",
    "push origin +:feature",
    "push origin --delete feature",
    "push -d origin feature v1",
    "push --delete origin refs/tags/v1",
    "push origin :v1",
    "push origin main :old",
    "push --repo=other",
    "push --repo other",
    "push ../other.git main",
    "push file://@/other.git main",
    "-c push.default=current push",
    "-c push.default=upstream push",
    "-c push.default=matching push",
    "-c push.default=matching push -f",
    "-c push.default=nothing push",
    "-c push.followTags=true push origin main",
    "-c remote.pushDefault=other push",
    "-c branch.main.pushRemote=other push",
    "-c remote.origin.push=+main:refs/heads/x push",
    "-c remote.origin.push=refs/heads/*:refs/heads/c/* push origin",
    "-c remote.origin.push=refs/heads/*:refs/heads/c/* push origin main",
    "-c remote.origin.mirror=true push",
    "-c alias.p='push --force' p origin main",
    "git checkout -q --detach | push",
    "git checkout -q --detach | push origin HEAD",
    "git checkout -q --detach | push origin HEAD:refs/heads/main",
    "git checkout -q -b topic | push",
    "git checkout -q -b topic | push -u origin HEAD",
    "git checkout -q -b topic | -c push.autoSetupRemote=true push",
    "git checkout -q -b topic origin/main | push",
    "git checkout -q -b topic origin/main; git config push.default upstream; git commit -q --allow-empty -m t | push",
    "git config remote.origin.pushurl ../other.git | push origin main",
    "git config url.@/other.git.pushInsteadOf ../origin.git | push origin main",
    "push --forc origin main",
    "push --delete origin",
    "push --all origin main",
    "push --all --mirror origin",
    "push --nonsense",
    "push origin 'refs/heads/*:refs/heads/main'",
    "push --tags --all origin",
];

/// What the real git said it would do with each ref.
#[derive(Default, PartialEq, Eq)]
struct Done {
    updated: BTreeSet<String>,
    deleted: BTreeSet<String>,
    forced: BTreeSet<String>,
    rejected: bool,
}

impl Done {
    /// git-push(1), OUTPUT: `<flag> TAB <from>:<to> TAB <summary>`.
    fn of(porcelain: &str) -> Self {
        let mut done = Done::default();
        for line in porcelain.lines() {
            let [flag, refs, summary] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { continue };
            let (_, to) = refs.split_once(':').unwrap();
            // A push option with a remote that only reads the ref it has: the reason is in the summary.
            done.rejected |= flag == "!" && summary.contains("rejected");
            match flag {
                "-" => done.deleted.insert(to.to_owned()),
                _ => done.updated.insert(to.to_owned()),
            };
            if flag == "+" {
                done.forced.insert(to.to_owned());
            }
        }
        done
    }
}

fn texts(value: &serde_json::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => pattern == name,
    }
}

/// Where the reading and git part, in words.
fn difference(line: &str) -> Option<String> {
    let (setup, typed) = line.split_once(" | ").unwrap_or(("", line));
    let machine = machine();
    machine.shell(&machine.spelled(setup));
    let args = words(&machine.spelled(typed));
    let reading = read(&machine, &args);
    let mut porcelain = args.clone();
    let is_alias = !args.iter().any(|a| a == "push");
    let at = args.iter().position(|a| a == "push" || (is_alias && a == "p")).unwrap();
    porcelain.insert(at + 1, "--porcelain".into());
    let output = machine.run(&porcelain);
    let done = Done::of(std::str::from_utf8(&output.stdout).unwrap());
    let (updated, deleted) = (texts(&reading.effective["refs_updated"]), texts(&reading.effective["refs_deleted"]));
    let force = reading.effective["force"].as_bool().unwrap();
    let effect = reading.effective["effect"].as_str().unwrap();
    let went = !done.updated.is_empty() || !done.deleted.is_empty();
    let said = format!("read {effect} {updated:?} -{deleted:?} force {force}, git {}", output.stdout.escape_ascii());
    if went != (effect == "remote_write") {
        return Some(format!("{line}: {said} {}", output.stderr.escape_ascii()));
    }
    let missed = done.updated != updated
        || !done.deleted.iter().all(|name| deleted.iter().any(|p| fits(p, name)))
        || deleted.iter().any(|name| !name.contains('*') && !done.deleted.contains(name));
    let force_hidden = !done.forced.is_empty() && !force;
    let named: BTreeSet<String> = reading
        .operations
        .iter()
        .filter(|o| o.action == "git.force_push")
        .map(|o| o.resource.attributes["name"].as_str().unwrap().to_owned())
        .collect();
    let force_elsewhere = !done.forced.iter().all(|name| named.contains(name));
    let false_force = force && done.rejected && named.len() == updated.len();
    (missed || force_hidden || force_elsewhere || false_force).then(|| format!("{line}: {said}"))
}

#[test]
fn a_push_asks_for_exactly_the_refs_that_git_would_send() {
    let wrong: Vec<String> = LINES.iter().filter_map(|line| twice(|| difference(line))).collect();
    assert!(wrong.is_empty(), "{} of {} lines differ:\n{}", wrong.len(), LINES.len(), wrong.join("\n"));
}
