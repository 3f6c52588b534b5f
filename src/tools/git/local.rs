//! How strong the commands are that stay on this machine. Destructive is what git's own commands do not bring back
//! without the reflog: work that was in no commit, refs that are gone or point elsewhere.

use super::facts::canonical;
use super::meaning::{Scene, Weight};
use super::options::{FILTERS, Words};
use super::stdin;

use Weight::{ConfigWrite, LocalDestructive, LocalWrite, Read};

/// Commands that only look, whatever their options (files they may write are told elsewhere).
const READS: &str = " annotate blame bugreport cat-file check-attr check-ignore check-mailmap check-ref-format cherry column \
    count-objects credential describe diagnose diff diff-files diff-index diff-tree difftool fast-export fmt-merge-msg \
    for-each-ref fsck fsck-objects get-tar-commit-id grep help interpret-trailers log ls-files ls-remote ls-tree mailinfo \
    merge-base merge-tree name-rev patch-id pickaxe range-diff request-pull rev-list rev-parse shortlog show show-branch \
    show-index show-ref status stripspace var verify-commit verify-pack verify-tag version whatchanged \
    archive format-patch hash-object pack-objects unpack-file upload-pack upload-archive merge-file credential-cache ";

/// Commands that change the repository or the work tree and lose nothing.
const WRITES: &str = " add am apply bundle cherry-pick commit commit-graph commit-tree fast-import fetch-pack gc hook index-pack \
    init init-db mailsplit maintenance merge merge-index merge-octopus merge-one-file merge-ours merge-recursive \
    merge-recursive-ours merge-recursive-theirs merge-resolve merge-subtree mergetool mktag mktree multi-pack-index mv \
    notes pack-redundant pack-refs prune-packed quiltimport rebase receive-pack refs repack replace replay rerere reset \
    restore revert rm stage sparse-checkout stash subtree switch tag unpack-objects update-index update-ref \
    update-server-info worktree write-tree branch bisect checkout checkout-index read-tree symbolic-ref reflog \
    submodule--helper fsmonitor--daemon credential-store ";

/// The strength of a command; `None` where nothing is known about it.
pub fn weight(scene: &Scene<'_>, command: &str, sub: &str, words: &Words) -> Option<Weight> {
    // A setting that is named stands where a part's own words do.
    let named = (command, sub.is_empty()) == ("config", false);
    let by_options = if named { None } else { by_options(scene, command, words) };
    if let Some(weight) = by_options.or_else(|| by_part(scene, command, sub, words)) {
        return Some(weight);
    }
    let listed = |list: &str| list.contains(&format!(" {command} "));
    if listed(READS) {
        return Some(Read);
    }
    listed(WRITES).then_some(LocalWrite)
}

fn by_options(scene: &Scene<'_>, command: &str, words: &Words) -> Option<Weight> {
    let dry = words.on("dry-run");
    let count = words.operands.len();
    let destroys = |yes: bool| if yes { LocalDestructive } else { LocalWrite };
    Some(match command {
        "add" | "stage" | "mv" | "rm" | "clean" | "prune" | "prune-packed" | "commit" if dry => Read,
        "commit" if words.any(&["short", "porcelain", "long"]) => Read,
        "config" => return config(words),
        "branch" => branch(scene, words),
        "tag" => tag(scene, words),
        "checkout" => destroys(checkout_destroys(scene, words)),
        "switch" => destroys(words.any(&["discard-changes", "force"]) || moves_branch(scene, words, 'C')),
        // Only the index; what it held is mostly in the work tree too.
        "restore" => destroys(!words.on("staged") || words.on("worktree")),
        "reset" => destroys(last_of(words, &["mixed", "soft", "hard", "merge", "keep"], &["hard", "merge"])),
        "clean" => {
            destroys(words.any(&["force", "interactive"]) || scene.config.bool("clean.requireforce") == Some(false))
        }
        "prune" => LocalDestructive,
        "gc" => destroys(matches!(words.value("prune").as_deref(), Some("now" | "all"))),
        "rm" => destroys(words.on("force") && !words.on("cached")),
        "mv" => destroys(words.on("force")),
        "checkout-index" => destroys(words.on("force")),
        "read-tree" => destroys(words.on("reset") || (words.letter('u') && !words.letter('m'))),
        "filter-branch" => LocalDestructive,
        "fast-import" => destroys(words.on("force")),
        "symbolic-ref" => match count {
            _ if words.on("delete") => LocalDestructive,
            0 | 1 => Read,
            _ => LocalWrite,
        },
        "update-ref" => destroys(update_ref_destroys(scene, words)),
        "replace" if words.on("list") || words.given.is_empty() && count < 2 => Read,
        "replace" => destroys(words.any(&["delete", "force"])),
        "merge" | "rebase" | "cherry-pick" | "revert" | "am" if words.on("abort") => LocalDestructive,
        "cherry-pick" | "revert" | "am" | "rebase" if words.on("skip") => LocalDestructive,
        "rebase" | "am" if words.last("show-current-patch").is_some() => Read,
        "apply" if words.any(&["stat", "numstat", "summary", "check"]) && !words.on("apply") => Read,
        "hash-object" if words.letter('w') => LocalWrite,
        "pack-objects" if !words.on("stdout") => LocalWrite,
        // Nobody is named to whom it would go.
        "for-each-repo" if reaches_nobody(scene, words) => Read,
        "merge-file" if !words.on("stdout") => destroys(true),
        "interpret-trailers" if words.on("in-place") => LocalWrite,
        "fsck" if words.on("lost-found") => LocalWrite,
        "mailinfo" | "unpack-file" => LocalWrite,
        "credential-store" => match words.operands.first().map(String::as_str) {
            Some("store" | "erase") => ConfigWrite,
            _ => Read,
        },
        _ => return None,
    })
}

/// Options that set one and the same thing: the last of `all` on the line is one of `those`.
fn last_of(words: &Words, all: &[&str], those: &[&str]) -> bool {
    let mut given = words.given.iter().rev().filter(|g| all.contains(&g.opt.long));
    given.next().is_some_and(|g| !g.negated && those.contains(&g.opt.long))
}

/// What git says no to before it does anything, though each option is one of its own.
pub fn refusal(scene: &Scene<'_>, command: &str, words: &Words) -> Option<&'static str> {
    let count = words.operands.len();
    match command {
        "clean" => {
            let forced = words.any(&["force", "dry-run", "interactive"]);
            (!forced && scene.config.bool("clean.requireforce") != Some(false)).then_some("clean without --force")
        }
        "branch" => of_branch(words),
        "tag" => of_tag(words),
        "for-each-repo" if words.last("config").is_none() => Some("nobody is named"),
        "config" if several(words, CONFIG_FILES) => Some("several files at once"),
        "config" if several(words, CONFIG_ACTIONS) => Some("several things at once"),
        "config" if words.on("fixed-value") => {
            let one = ["get", "get-all", "get-regexp", "unset", "unset-all"];
            let pattern = if words.any(&one) { 2 } else { 3 };
            (words.last("value").is_none() && count < pattern).then_some("--fixed-value without a pattern")
        }
        "update-ref" => {
            let fits = match (words.on("stdin"), words.letter('d')) {
                (true, deletes) => count == 0 && !deletes,
                (false, true) => (1..=2).contains(&count),
                (false, false) => (2..=3).contains(&count),
            };
            (!fits).then_some("not a form of git update-ref")
        }
        "grep" => {
            let before = words.before_dashes.unwrap_or(count).min(count);
            // Behind the end of the options the pattern may begin with whatever it likes (2.44).
            let late = words.operands[..before].iter().skip(1).any(|word| word.starts_with('-'));
            late.then_some("an option after the pattern")
        }
        "maintenance" => {
            let tasks = ["commit-graph", "gc", "incremental-repack", "loose-objects", "pack-refs", "prefetch"];
            let unknown = words.values("task").any(|task| !tasks.contains(&task.to_ascii_lowercase().as_str()));
            (unknown && super::options::covers(scene.version)).then_some("no such task")
        }
        "rebase" => {
            let idle = |command: &String| command.trim_matches([' ', '\t', '\r', '\x0c', '\x0b']).is_empty();
            let command = |command: String| idle(&command) || command.contains('\n');
            words.values("exec").any(command).then_some("no command for --exec")
        }
        "reset" => {
            let whole = words.any(&["hard", "soft", "merge", "keep"]);
            let paths = words.before_dashes.is_some_and(|before| count > before);
            (whole && paths).then_some("a hard or soft reset of paths")
        }
        _ => None,
    }
}

/// builtin/branch.c, `cmd_branch`.
fn of_branch(words: &Words) -> Option<&'static str> {
    let count = words.operands.len();
    let deletes = words.on("delete") || words.letter('D');
    let moves = words.any(&["move", "copy"]) || words.letter('M') || words.letter('C');
    let lists = words.on("list") || words.any(FILTERS);
    let single = ["edit-description", "set-upstream-to", "unset-upstream"].map(|o| words.on(o));
    let (shows, one) = (words.on("show-current"), single.contains(&true));
    if [deletes, moves, lists, shows].into_iter().chain(single).filter(|on| *on).count() > 1 {
        return Some("several things at once");
    }
    let fits = match (deletes, moves, lists || shows) {
        (true, ..) => count > 0,
        (_, true, _) => (1..=2).contains(&count),
        (.., true) => true,
        _ => count <= if one { 1 } else { 2 },
    };
    if !fits {
        return Some("the branch's name is missing, or there are too many");
    }
    let elsewhere = words.any(&["all", "remotes"]) && count > 0;
    let makes = !(deletes || moves || lists || shows || one);
    ((makes && elsewhere) || (deletes && words.on("all"))).then_some("a branch of this repository alone")
}

/// builtin/tag.c, `cmd_tag`.
fn of_tag(words: &Words) -> Option<&'static str> {
    let modes = ["delete", "verify", "list"].into_iter().filter(|mode| words.on(mode)).count();
    let chooses = words.any(FILTERS) || words.letter('n');
    if modes > 1 || (chooses && words.any(&["delete", "verify"])) {
        return Some("several things at once");
    }
    let makes = words.any(&["annotate", "sign", "message", "file", "local-user", "force"]);
    let shows = modes > 0 || chooses || words.operands.is_empty();
    if makes && shows {
        return Some("options of a new tag, and none is made");
    }
    (!shows && words.operands.len() > 2).then_some("too many words")
}

/// Where settings stand, and what is done with them: git takes one of each.
const CONFIG_FILES: &[&str] = &["global", "system", "local", "worktree", "file", "blob"];
const CONFIG_ACTIONS: &[&str] = &[
    "get",
    "get-all",
    "get-regexp",
    "get-urlmatch",
    "replace-all",
    "add",
    "unset",
    "unset-all",
    "rename-section",
    "remove-section",
    "list",
    "edit",
    "get-color",
    "get-colorbool",
];

fn several(words: &Words, options: &[&str]) -> bool {
    options.iter().filter(|option| words.last(option).is_some_and(|given| !given.negated)).count() > 1
}

/// Commands whose first operand is a command of its own.
fn by_part(scene: &Scene<'_>, command: &str, sub: &str, words: &Words) -> Option<Weight> {
    let destroys = |yes: bool| if yes { LocalDestructive } else { LocalWrite };
    Some(match (command, sub) {
        ("stash", "list" | "show") => Read,
        ("stash", "drop" | "clear") => LocalDestructive,
        ("stash", _) => LocalWrite,
        ("worktree", "list") => Read,
        ("worktree", "remove") => destroys(words.on("force")),
        ("worktree", "add") => destroys(moves_branch(scene, words, 'B')),
        ("worktree", "prune") if words.on("dry-run") => Read,
        ("notes", "" | "list" | "show" | "get-ref") => Read,
        ("notes", "add" | "copy") => destroys(words.on("force")),
        ("notes", "remove") => LocalDestructive,
        ("notes", "prune") => {
            if words.on("dry-run") {
                Read
            } else {
                LocalDestructive
            }
        }
        ("reflog", "expire" | "delete") => {
            if words.on("dry-run") {
                Read
            } else {
                LocalDestructive
            }
        }
        ("reflog", _) => Read,
        ("bundle", "verify" | "list-heads") => Read,
        ("bundle", "create") if words.operands.first().is_some_and(|file| file == "-") => Read,
        ("sparse-checkout", "list" | "check-rules") => Read,
        ("commit-graph" | "multi-pack-index", "verify") => Read,
        ("maintenance", "start" | "stop" | "register" | "unregister") => ConfigWrite,
        ("bisect", "log" | "view" | "visualize" | "terms" | "help") => Read,
        ("rerere", "") => LocalWrite,
        ("rerere", "status" | "remaining" | "diff") => Read,
        ("rerere", "clear" | "forget") => LocalDestructive,
        ("credential", "approve" | "reject") => ConfigWrite,
        ("config", "get" | "list") => Read,
        ("config", sub) if !sub.is_empty() => ConfigWrite,
        _ => return None,
    })
}

fn branch(scene: &Scene<'_>, words: &Words) -> Weight {
    if words.any(&["set-upstream-to", "unset-upstream", "edit-description", "set-upstream"]) {
        return ConfigWrite;
    }
    let letter = |c| words.letter(c);
    if words.on("delete") || letter('D') {
        return LocalDestructive;
    }
    let forced = words.on("force") || letter('M') || letter('C');
    let moves = words.on("move") || words.on("copy") || letter('M') || letter('C');
    let target = words.operands.get(if moves { words.operands.len().saturating_sub(1) } else { 0 });
    // A forced branch that is not there yet replaces none.
    let new = target.is_some_and(|name| scene.known.refs.is_some() && !has(scene, &format!("refs/heads/{name}")));
    if moves || (!lists(words) && !words.operands.is_empty()) {
        return if forced && !new { LocalDestructive } else { LocalWrite };
    }
    Read
}

/// Options that make `branch` and `tag` list, so that operands are patterns.
fn lists(words: &Words) -> bool {
    words.any(&["list", "show-current", "all", "remotes"]) || words.any(FILTERS)
}

fn tag(scene: &Scene<'_>, words: &Words) -> Weight {
    if words.on("delete") {
        return LocalDestructive;
    }
    let annotated = words.given.iter().any(|g| g.opt.short == Some('n'));
    if words.on("verify") || lists(words) || annotated || words.operands.is_empty() {
        return Read;
    }
    let there = words.operands.first().is_some_and(|name| has(scene, &format!("refs/tags/{name}")));
    // Without the refs at hand a forced tag is taken to replace one.
    if words.on("force") && (there || scene.known.refs.is_none()) { LocalDestructive } else { LocalWrite }
}

/// `-B NAME`, `-C NAME`: a branch that is there is moved, one that is not is made.
fn moves_branch(scene: &Scene<'_>, words: &Words, letter: char) -> bool {
    let given = words.given.iter().rev().find(|given| given.opt.short == Some(letter) && !given.negated);
    let name = given.and_then(|given| given.value.as_ref()).map(super::options::text);
    let known = scene.known.refs.as_ref().is_some_and(|refs| !refs.truncated);
    given.is_some() && name.is_none_or(|name| !known || has(scene, &format!("refs/heads/{name}")))
}

fn has(scene: &Scene<'_>, full: &str) -> bool {
    scene.known.refs.as_ref().is_some_and(|r| r.names.iter().any(|n| n == full))
}

/// Files are overwritten by `checkout [<tree>] -- <path>`, `checkout <path>`, `-f`; a branch is moved by `-B`.
fn checkout_destroys(scene: &Scene<'_>, words: &Words) -> bool {
    if words.on("force")
        || moves_branch(scene, words, 'B')
        || words.on("ours")
        || words.on("theirs")
        || words.on("pathspec-from-file")
    {
        return true;
    }
    if words.letter('b') || words.letter('B') || words.last("orphan").is_some() || words.on("detach") {
        return false;
    }
    if words.on("patch") {
        return true;
    }
    match (words.before_dashes, words.operands.as_slice()) {
        (Some(before), operands) => operands.len() > before,
        (None, []) => false,
        (None, [only]) => !is_revision(scene, only),
        (None, [_, ..]) => words.last("track").is_none(),
    }
}

/// `checkout NAME`: a branch (also one that only a remote has), a tag, `-`, `HEAD~1`, an object id; else a path.
fn is_revision(scene: &Scene<'_>, name: &str) -> bool {
    let Some(refs) = &scene.known.refs else { return false };
    // `:/`, `:(top)`: a path from the top, though `:/text` may be a commit.
    if name.starts_with(':') {
        return false;
    }
    let base = name.split(['~', '^', '@', ':']).next().unwrap_or_default();
    let ends = |full: &String| {
        full == base
            || full
                .strip_prefix("refs/")
                .and_then(|r| r.split_once('/'))
                .is_some_and(|(_, rest)| rest == base || rest.split_once('/').is_some_and(|(_, last)| last == base))
    };
    let object = base.len() >= 4 && base.bytes().all(|b| b.is_ascii_hexdigit());
    matches!(base, "-" | "" | "HEAD" | "FETCH_HEAD" | "ORIG_HEAD" | "MERGE_HEAD")
        || object
        || refs.names.iter().any(ends)
}

/// What is not below `refs/` is not listed, and may lead to a branch (`HEAD`, `main-worktree/HEAD`, any symbolic ref).
fn may_be_there(scene: &Scene<'_>, name: &str) -> bool {
    let known = scene.known.refs.as_ref().is_some_and(|refs| !refs.truncated);
    !known || has(scene, name) || !name.starts_with("refs/")
}

/// `git for-each-repo` whose setting, as far as it is known, names no repository.
pub fn reaches_nobody(scene: &Scene<'_>, words: &Words) -> bool {
    let named = |key: String| !scene.config.all(&canonical(&key)).is_empty();
    scene.known.config.is_some() && !words.value("config").is_none_or(named)
}

fn update_ref_destroys(scene: &Scene<'_>, words: &Words) -> bool {
    if words.letter('d') {
        return true;
    }
    if words.on("stdin") {
        return stdin::update_ref_destroys(scene.known, words.letter('z'), &|name| may_be_there(scene, name));
    }
    // A new ref takes nothing away.
    words.operands.first().is_none_or(|name| may_be_there(scene, name))
}

/// The forms without a command; `None` where the name lacks its section (config.c, `git_config_parse_key`).
fn config(words: &Words) -> Option<Weight> {
    let count = words.operands.len();
    let reads = ["get", "get-all", "get-regexp", "get-urlmatch", "list", "get-color", "get-colorbool"];
    let writes = ["unset", "unset-all", "add", "replace-all", "rename-section", "remove-section", "edit"];
    if words.any(&writes) {
        return Some(ConfigWrite);
    }
    if words.any(&reads) {
        return Some(Read);
    }
    let first = words.operands.first().map(String::as_str);
    match (count, first) {
        (1, Some(_)) => Some(Read),
        (2 | 3, Some(name)) if name.contains('.') => Some(ConfigWrite),
        _ => None,
    }
}
