//! What is read of git's files without git, held to what git says of them: the facts of a line are the same both ways.

use std::cell::Cell;
use std::collections::BTreeMap;

use portcullis::model::{Bytes, Content, Facts};
use portcullis::tools::world::Look;
use portcullis::tools::{Limits, Tool, World, by_name};

use super::super::dice::Dice;
use super::{Machine, machine, words};

/// The same machine, where questions to git are counted and nothing can be looked at, if so wished.
struct Counted<'a> {
    machine: &'a Machine,
    looks: bool,
    asked: Cell<usize>,
}

impl World for Counted<'_> {
    fn limits(&self) -> Limits {
        self.machine.limits()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        self.machine.file(path)
    }

    fn stdin(&self) -> Option<Content> {
        None
    }

    fn list(&self, path: &[u8]) -> Option<Vec<Bytes>> {
        self.machine.list(path)
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.machine.is_file(path)
    }

    fn is_dir(&self, path: &[u8]) -> bool {
        self.machine.is_dir(path)
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        self.machine.program(name)
    }

    fn ask_tool(&self, args: &[&[u8]]) -> Option<Vec<u8>> {
        self.asked.set(
            self.asked.get()
                + usize::from(![[b"--version".as_slice()], [b"--exec-path"]].iter().any(|told| args == told)),
        );
        self.machine.ask_tool(args)
    }

    fn home(&self) -> Option<Bytes> {
        self.machine.home()
    }

    fn variable(&self, name: &str) -> Option<Bytes> {
        self.machine.variable(name)
    }

    fn look(&self, path: &[u8]) -> Look {
        if self.looks { self.machine.look(path) } else { Look::Unknown }
    }

    fn real(&self, path: &[u8]) -> Option<Bytes> {
        self.machine.real(path)
    }

    fn said(&self, question: &[&str]) -> Option<Vec<u8>> {
        self.machine.said(question)
    }
}

/// The facts of a line, and how often git was asked for them.
fn facts(machine: &Machine, line: &str, looks: bool) -> (Facts, usize) {
    let git: &dyn Tool = by_name("git").unwrap();
    let invocation = machine.invocation(git, &words(line));
    let world = Counted { machine, looks, asked: Cell::new(0) };
    let facts = git.gather(&invocation, &world);
    (facts, world.asked.get())
}

/// `state | line`: where the files alone say it all.
const PLAIN: &[&str] = &[
    "| status",
    "| log --oneline",
    "| --no-pager diff",
    "| -C . status",
    "| -C ../tree -C . -c user.name=x -c branch.A.b.Merge=refs/heads/y commit -m x",
    "| -c core.fsmonitor=planted status",
    "| --version",
    "mkdir -p a/b | -C a/b status",
    "git checkout -q --detach | status",
    "git checkout -q feature | status",
    "git checkout -q --orphan unborn | status",
    "git pack-refs --all | status",
    "mkdir ../outside | -C ../outside status",
    "| init ../new",
    "mkdir -p ~/.config/git; git config -f ~/.config/git/config alias.x 'log -1' | x",
    "printf '[a]b\\n[a \"B \\\\\" c\\\\\\\\\"]D-1 = x # y\\n\\te=\"  q;\" z\\\\t\\\\n\\\\\"  ; c\\n;x\\n[core] quotePath=off' >> ~/.gitconfig | status",
    "printf '[a]\\nb =\\nc = \"\"\\nd = a   b \\ne = \"\" x\\nf=\\\\\\\\' >> .git/config | status",
    "printf '#!/bin/sh\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit | commit -m x",
    "git config alias.st 'status -s' | st",
    "git config --global credential.https://h.example/a.helper '!f() { echo password=x; }; f' | fetch",
    "git config remote.origin.url https://me:secret@h.example/x | fetch",
];

/// Where git has to be asked, because of the state or the line.
const OTHER: &[&str] = &[
    "git config --global include.path other; git config -f ~/other a.b c | status",
    "git config includeIf.onbranch:main.path x; git config -f .git/x a.b c | status",
    "git config core.hooksPath ../hooks | commit -m x",
    "git config core.worktree .. | status",
    "git config core.bare true | log",
    "git config extensions.worktreeConfig true; git config core.repositoryformatversion 1; git config --worktree a.b c | status",
    "git config core.repositoryformatversion 7 | status",
    "git worktree add -q ../other-tree | -C ../other-tree status",
    "mkdir sub; git init -q --separate-git-dir ../elsewhere sub | -C sub status",
    "| -C .git log",
    "| -C .git/refs log",
    "| -C ../origin.git log",
    "| --git-dir=.git status",
    "| --git-dir ../origin.git log",
    "| --bare log",
    "| --work-tree=.. status",
    "| -C nowhere status",
    "| -c a.b status",
    "| -c include.path=../other status",
    "| -c 1.b=c status",
    "| --config-env=a.b=HOME status",
    "git symbolic-ref refs/heads/name refs/heads/main; git symbolic-ref HEAD refs/heads/name | status",
    "echo nonsense > .git/HEAD | status",
    "rm -r .git/refs | status",
    "mv .git real; ln -s real .git | status",
    "rm .git/config | status",
    "printf '\\357\\273\\277[a]b=c\\n' > ~/.gitconfig | status",
    "printf '[a]\\r\\nb=c\\r\\n' > ~/.gitconfig | status",
    "printf '[a]b=c\\\\\\n d\\n' > ~/.gitconfig | status",
    "printf '[a]b=c\\td\\n' > ~/.gitconfig | status",
    "printf '[a.B.c]d=e\\n' > ~/.gitconfig | status",
    "printf '[a]b=\\377\\n' > ~/.gitconfig | status",
    "printf '[a]b=\"c\\n' > ~/.gitconfig | status",
    "printf '[a \"b]c=d\\n' > ~/.gitconfig | status",
    "printf '[a] =d\\n' > ~/.gitconfig | status",
    "printf '[a]b=\\\\x\\n' > ~/.gitconfig | status",
    "printf 'b=c\\n' > ~/.gitconfig | status",
    "printf '[a]b c\\n' > ~/.gitconfig | status",
    "printf '[a]b_c=d\\n' > ~/.gitconfig | status",
    "mv ~/.gitconfig ~/real; ln -s real ~/.gitconfig | status",
];

fn one(case: &str) -> (Machine, String) {
    let (state, line) = case.rsplit_once("| ").unwrap();
    let machine = machine();
    machine.shell(state);
    (machine, line.to_owned())
}

#[test]
fn what_the_files_say_is_what_git_says_and_costs_no_question() {
    for case in PLAIN {
        let (machine, line) = one(case);
        let ((read, questions), (asked, _)) = (facts(&machine, &line, true), facts(&machine, &line, false));
        assert_eq!(read, asked, "{case}");
        assert_eq!(questions, 0, "{case}");
    }
}

#[test]
fn whatever_is_not_plain_is_left_to_git() {
    for case in OTHER {
        let (machine, line) = one(case);
        let ((read, questions), (asked, _)) = (facts(&machine, &line, true), facts(&machine, &line, false));
        assert_eq!(read, asked, "{case}");
        assert!(questions > 0, "{case}");
    }
}

#[test]
fn a_variable_that_moves_something_leaves_it_to_git() {
    let variables = [
        ("GIT_DIR", "../origin.git"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "maybe"),
        ("GIT_CONFIG_PARAMETERS", "'a.b'='c'"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("XDG_CONFIG_HOME", ""),
        ("HOME", ""),
    ];
    for (name, value) in variables {
        let mut machine = machine();
        machine.environment.insert(name.to_owned(), value.to_owned());
        let ((read, questions), (asked, _)) = (facts(&machine, "status", true), facts(&machine, "status", false));
        assert_eq!(read, asked, "{name}={value}");
        assert!(questions > 0, "{name}={value}");
    }
}

/// `git config` alone heeds it, and would answer for that file were the variable left to it.
#[test]
fn a_file_that_only_git_config_reads_changes_no_answer() {
    let mut machine = machine();
    let (plain, _) = facts(&machine, "status", true);
    machine.environment.insert("GIT_CONFIG".to_owned(), "../x".to_owned());
    assert_eq!(facts(&machine, "status", false).0, plain);
    assert_eq!(facts(&machine, "status", true), (plain, 0));
}

#[test]
fn the_systems_file_is_read_where_git_reads_it() {
    for no_system in [None, Some("0"), Some("1")] {
        let mut machine = machine();
        machine.environment.remove("GIT_CONFIG_NOSYSTEM");
        machine.environment.extend(no_system.map(|value| ("GIT_CONFIG_NOSYSTEM".to_owned(), value.to_owned())));
        let ((read, questions), (asked, _)) = (facts(&machine, "status", true), facts(&machine, "status", false));
        assert_eq!((read, questions), (asked, 0), "{no_system:?}");
    }
}

/// Files put together from pieces in which the syntax has its corners: read the same, or not at all.
#[test]
fn a_file_of_any_pieces_is_read_as_git_reads_it_or_not_at_all() {
    let pieces = [
        "[a]",
        "[a \"b\"]",
        "[A-1]",
        "[a.B]",
        "[a \"\\\"\"]",
        "[ a]",
        "[]",
        "\n",
        "\n",
        "\n",
        " ",
        "\t",
        "x",
        "y = ",
        "z=",
        "=",
        "\"",
        "\\\\",
        "\\n",
        "\\t",
        "\\",
        "#",
        ";",
        "b",
        "'",
        "1",
        "-",
        "é",
        ".",
        "]",
        "true",
        "  ",
    ];
    let mut dice = Dice::new(0x2545_f491_4f6c_dd1d);
    let machine = machine();
    let mut plain = BTreeMap::new();
    for _ in 0..400 {
        let length = 2 + dice.below(10);
        let text: String = std::iter::once("[s]\nk").chain((0..length).map(|_| dice.pick(&pieces))).collect();
        std::fs::write(machine.path("home/.gitconfig"), &text).unwrap();
        let ((read, questions), (asked, _)) = (facts(&machine, "--version", true), facts(&machine, "--version", false));
        assert_eq!(read.facts.get("git.config"), asked.facts.get("git.config"), "{text:?}");
        *plain.entry(questions == 0).or_insert(0) += 1;
    }
    assert!(plain[&true] > 25 && plain[&false] > 25, "both ways are tried: {plain:?}");
}
