//! git: refs of a bare remote, as `git push --porcelain` reports them.

mod attributes;
mod deeds;
mod generated;
mod plain;
mod programs;
mod push;
mod ssh;
mod tables;
mod world;

use std::sync::LazyLock;

use portcullis::model::Reading;
use portcullis::tools::{Tool, by_name};

use world::Machine;

/// Two branches that went another way than the remote's, a tag, two bare remotes.
const WORLD: &str = r#"
printf '#!/bin/sh\n: > "$HOME/../ran"\nexit 1\n' > ../bin/planted; chmod +x ../bin/planted
git config --global user.name T; git config --global user.email t@example.com; git config --global init.defaultBranch main
git init -q --bare ../origin.git; git init -q --bare ../other.git; git init -q .
echo 1 > a.txt; git add .; git commit -qm one; echo 2 >> a.txt; git commit -qam two; git tag v1; git tag -a v2 -m v2
git branch feature; git branch old
git remote add origin ../origin.git; git remote add other ../other.git
git push -q origin main feature old v1; git push -q other main; git branch -q -D old
git fetch -q --all; git branch -q -u origin/main main
git commit -q --amend -m 'another two'; git branch -qf feature main; git checkout -q main
"#;

/// Built once: each line gets a copy.
static TEMPLATE: LazyLock<Machine> = LazyLock::new(|| {
    let machine = Machine::new("git");
    machine.shell(WORLD);
    machine
});

fn machine() -> Machine {
    let machine = Machine::new("git");
    machine.copy_of(TEMPLATE.root.path());
    machine
}

fn words(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap()
}

fn read(machine: &Machine, args: &[String]) -> Reading {
    let git: &dyn Tool = by_name("git").unwrap();
    let invocation = machine.invocation(git, args);
    let facts = git.gather(&invocation, machine);
    git.read(&invocation, &facts)
}
