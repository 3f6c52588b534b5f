//! Where git finds attributes that start a planted program: in the index, in the commits that files are taken from, in
//! what is only fetched by the line. The form is that of [`super::programs`]; all of them run each time.

use super::programs::agree;

/// A branch with attributes that the work tree does not have, and a file that differs there.
const BRANCH: &str = "git checkout -q -b at; echo '*.txt filter=x' > .gitattributes; echo z >> a.txt; git add .; \
                      git commit -q -m at; git checkout -q main";

/// The same in a repository beside.
const BESIDE: &str = "git clone -q . ../src; cd ../src; git checkout -q -b at; echo '*.txt filter=x' > .gitattributes; \
                      echo z >> a.txt; git add .; git -c user.name=a -c user.email=a commit -q -m at; cd ../tree";

const ON_BRANCH: &[&str] = &[
    "-c filter.x.smudge=planted checkout at",
    "-c filter.x.smudge=planted checkout -q -b new at",
    "-c filter.x.smudge=planted checkout at -- a.txt .gitattributes",
    "-c filter.x.smudge=planted checkout at a.txt",
    "-c filter.x.smudge=planted checkout at a.txt .gitattributes",
    "-c filter.x.smudge=planted restore --source=at a.txt",
    "-c filter.x.smudge=planted restore --source=at a.txt .gitattributes",
    "-c filter.x.smudge=planted switch at",
    "-c filter.x.smudge=planted switch --detach at",
    "-c filter.x.smudge=planted restore --source=at .",
    "-c filter.x.smudge=planted reset --hard at",
    "-c filter.x.smudge=planted merge at",
    "-c filter.x.smudge=planted merge --no-ff -m x at",
    "-c filter.x.smudge=planted cherry-pick at",
    "~ -c filter.x.smudge=planted rebase at",
    "-c filter.x.smudge=planted read-tree -u -m at",
    "-c filter.x.smudge=planted worktree add ../wt at",
    "-c filter.x.smudge=planted worktree add ../at",
    "-c filter.x.smudge=planted archive at",
    "-c filter.x.smudge=planted switch feature",
    "-c filter.x.smudge=planted checkout feature",
    "-c filter.x.smudge=planted checkout -b new",
    "-c filter.x.smudge=planted reset --hard",
    "-c filter.x.smudge=planted checkout HEAD~1 -- a.txt",
    "-c filter.y.smudge=planted checkout at",
    "-c filter.x.smudge=planted status",
    "-c filter.x.smudge=planted submodule status",
];

const LINES: &[&str] = &[
    // Of the index alone.
    "echo '*.txt filter=x' > .gitattributes; git add .; git commit -q -m at; rm .gitattributes a.txt | -c filter.x.smudge=planted checkout -- a.txt",
    "echo '*.txt filter=x' > .gitattributes; git add .; git commit -q -m at; rm .gitattributes a.txt | -c filter.x.smudge=planted restore a.txt",
    "echo '*.txt filter=x' > .gitattributes; git add .; git commit -q -m at; : > .gitattributes; rm a.txt | -c filter.x.smudge=planted restore a.txt",
    "echo '*.txt filter=x' > .gitattributes; git add .; git commit -q -m at; rm .gitattributes; echo z >> a.txt | -c filter.x.clean=planted add a.txt",
    "echo '*.txt diff=x' > .gitattributes; git add .; git commit -q -m at; rm .gitattributes; echo z >> a.txt | -c diff.x.command=planted diff",
    // What is put away and comes back.
    "echo '*.txt filter=x' > .gitattributes; echo z >> a.txt; git add .; git stash -q | -c filter.x.smudge=planted stash pop",
    "echo '*.txt filter=x' > .gitattributes; echo z >> a.txt; git add .; git stash -q | -c filter.x.smudge=planted stash apply 0",
    "echo x > b.bin; echo '*.bin filter=x' > .gitattributes; git add .; git commit -q -m b; git rm -q b.bin | -c filter.x.smudge=planted stash",
    "echo x > b.bin; echo '*.bin filter=x' > .gitattributes; git add .; git commit -q -m b; git rm -q b.bin; git commit -q -m c | -c filter.x.smudge=planted revert --no-edit HEAD",
    // Where the line stands, and what is a commit there.
    "mkdir -p s/d; echo z > s/d/b.md; echo '*.md filter=x' > .gitattributes | -c filter.x.clean=planted -C s add d",
    "mkdir s; echo q > s/q.md; git add s; git commit -q -m q; echo x > main; echo '*.md diff=x' > .gitattributes; echo z >> s/q.md | -c diff.x.command=planted -C s diff main",
    "echo x > main; echo '*.txt diff=x' > .gitattributes; echo z >> a.txt | -c diff.x.command=planted diff main --",
    // A relative name of the user's file is looked for from the top of the work tree.
    "mkdir s; echo '*.txt filter=x' > at; echo x > s/n.txt | -C s -c core.attributesFile=at -c filter.x.clean=planted add n.txt",
    "mkdir s; echo '*.txt filter=x' > s/at; echo x > s/n.txt | -C s -c core.attributesFile=at -c filter.x.clean=planted add n.txt",
    "mkdir s; echo '*.txt filter=x' > s/at; echo x > s/n.txt | -C s -c core.attributesFile=s/at -c filter.x.clean=planted add n.txt",
    "mkdir s; echo '*.txt filter=x' > ../at; echo x > s/n.txt | -C s -c core.attributesFile=../at -c filter.x.clean=planted add n.txt",
    "echo '*.txt filter=x' > at; echo x > n.txt | -C .. --git-dir=tree/.git --work-tree=tree -c core.attributesFile=at -c filter.x.clean=planted add n.txt",
    "echo '*.txt diff=x' > ../at; echo x >> a.txt | -C .. --git-dir=tree/.git --work-tree=tree -c core.attributesFile=at -c diff.x.textconv=planted log -p -1",
    // Words that are no patterns, and more files of attributes than anybody reads.
    "mkdir s; echo '*.md filter=x' > s/.gitattributes; echo x > s/a.md | -c filter.x.clean=planted --literal-pathspecs add s",
    "mkdir s; echo '*.md filter=x' > s/.gitattributes; echo x > s/a.md | GIT_LITERAL_PATHSPECS=1 -c filter.x.clean=planted add s",
    "for n in $(seq 300); do mkdir d$n; : > d$n/.gitattributes; done; mkdir z; echo '*.md filter=x' > z/.gitattributes; echo x > z/a.md | -c filter.x.clean=planted add z",
    // What a commit takes away is shown to its editor.
    "echo x > b.bin; echo '*.bin diff=x' > .gitattributes; git add .; git commit -q -m b; git rm -q b.bin | -c commit.verbose=true -c diff.x.textconv=planted -c core.editor=true commit",
    "echo x >> a.txt | GIT_PAGER_IN_USE=1 TERM=xterm -c interactive.diffFilter=planted add -p",
    "~ echo x >> a.txt | -c color.ui=Always -c interactive.diffFilter=planted add -p",
    "echo x >> a.txt | -c interactive.diffFilter=planted add -p",
];

const FROM_BESIDE: &[&str] = &[
    "-c filter.x.smudge=planted clone ../src ../dst",
    "clone -c filter.x.smudge=planted ../src ../dst",
    "-c filter.x.clean=planted clone ../src ../dst",
    "-c filter.x.smudge=planted pull ../src at",
];

#[test]
fn a_reading_says_when_attributes_bring_in_a_planted_program() {
    let after = |setup: &'static str| {
        move |line: &&str| match line.strip_prefix("~ ") {
            Some(line) => format!("~ {setup} | {line}"),
            None => format!("{setup} | {line}"),
        }
    };
    let lines = LINES.iter().map(|line| (*line).to_owned());
    let lines = lines.chain(ON_BRANCH.iter().map(after(BRANCH))).chain(FROM_BESIDE.iter().map(after(BESIDE)));
    agree(&lines.collect::<Vec<_>>());
}
