//! Programs that git puts between a file and itself: the file system monitor, diff programs, text converters, filters
//! and merge drivers (gitattributes(5), git-config(1)).

use super::facts::parse_bool;
use super::hooks;
use super::meaning::{Meaning, Scene};
use super::options::{Words, minor};
use crate::tools::options::Given;

/// Commands that never read the index, however they are called; of any other it is taken that they do.
const WITHOUT_INDEX: &str = " branch bugreport bundle cherry clone commit-graph commit-tree config count-objects \
    credential credential-cache credential-store diagnose fast-export fmt-merge-msg for-each-ref format-patch \
    get-tar-commit-id hash-object help init init-db interpret-trailers log ls-remote ls-tree mailinfo mailsplit merge-base \
    merge-file merge-tree mktag mktree multi-pack-index name-rev notes pack-refs patch-id push range-diff reflog replace \
    request-pull rev-list rev-parse send-pack shortlog show show-branch show-index show-ref stripspace symbolic-ref tag \
    archive cat-file check-mailmap check-ref-format column unpack-file update-ref upload-pack var verify-commit verify-pack \
    verify-tag version whatchanged ";

/// Commands that show changes, and do so as a diff only where the line asks for one.
const LOGS: &[&str] = &["log", "whatchanged", "reflog", "diff-tree", "diff-index", "diff-files"];

/// Output formats that leave the changes themselves out.
const SUMMARIES: &[&str] = &[
    "name-only",
    "name-status",
    "stat",
    "shortstat",
    "numstat",
    "raw",
    "summary",
    "compact-summary",
    "dirstat",
    "dirstat-by-file",
    "cumulative",
    "check",
    "quiet",
    "no-patch",
];

pub fn add(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    if reads_index(scene, command, sub, words) {
        monitor(scene, meaning);
    }
    diffs(scene, command, sub, words, meaning);
    filters(scene, command, sub, words, meaning);
    merges(scene, command, words, meaning);
}

/// `core.fsmonitor`, or without it the variable of git's own tests, names a program that is asked at each reading of
/// the index.
fn monitor(scene: &Scene<'_>, meaning: &mut Meaning) {
    let program = scene.config.get("core.fsmonitor").map(str::to_owned);
    let program = program.or_else(|| scene.filled("GIT_TEST_FSMONITOR"));
    program.filter(|p| !p.is_empty() && parse_bool(p).is_none()).into_iter().for_each(|p| meaning.runs(p));
}

fn reads_index(scene: &Scene<'_>, command: &str, sub: &str, words: &Words) -> bool {
    // `:path` is a revision that stands in the index; such words may also come from standard input.
    let names_it = words.operands.iter().any(|word| word.starts_with(':') || word.contains("..:"));
    let reads_words = ["stdin", "batch", "batch-check", "batch-command"].iter().any(|o| words.last(o).is_some());
    if names_it || words.on("indexed-objects") || (reads_words && command != "push") {
        return true;
    }
    match (command, sub) {
        ("stash", "list" | "show" | "drop" | "clear") => false,
        ("worktree", "remove") => !words.on("force"),
        ("worktree", sub) => matches!(sub, "add" | "move"),
        ("apply", _) => words.any(&["index", "cached", "3way", "intent-to-add"]),
        ("difftool" | "mergetool", _) if words.last("tool-help").is_some() => false,
        ("read-tree", _) if words.given.is_empty() => false,
        ("fsmonitor--daemon", _) | ("rerere", "status" | "clear" | "gc" | "diff") => false,
        // Without the setting it hangs on a folder that may be there.
        ("rerere", _) => scene.config.bool("rerere.enabled") != Some(false),
        ("diff", _) if compares_objects(scene, words) => false,
        ("remote", sub) => sub == "update" || words.on("fetch"),
        ("sparse-checkout", "list") | ("bisect", "log" | "terms" | "help") => false,
        ("fetch", _) => words.last("recurse-submodules").is_none_or(|g| !g.negated),
        ("diff" | "grep", _) => !words.on("no-index") && words.last("index").is_none_or(|g| !g.negated),
        ("describe", _) => words.last("dirty").is_some() || words.last("broken").is_some(),
        _ => !WITHOUT_INDEX.contains(&format!(" {command} ")),
    }
}

/// `diff A B`, `diff A..B`, where both are objects whatever files there are.
fn compares_objects(scene: &Scene<'_>, words: &Words) -> bool {
    let before = words.before_dashes.unwrap_or(words.operands.len());
    let revisions = words.operands.get(..before).unwrap_or_default();
    scene.known.resolved == Some(true) && (revisions.len() > 1 || revisions.iter().any(|word| word.contains("..")))
}

/// Diff programs and text converters, where attributes bring them in.
fn diffs(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    let config = &scene.config;
    // A file of a commit is shown as it is (builtin/log.c, `show_blob_object`).
    let blobs = command == "show" && scene.known.resolved == Some(true);
    let shows = shows_changes(command, sub, words) && !blobs;
    let plumbing = matches!(command, "diff-tree" | "diff-index" | "diff-files");
    let asked = words.last("ext-diff").map(|g| !g.negated);
    let external = asked.unwrap_or(command == "diff");
    let compared = Compared::of(scene, command, words, external && !shows);
    if shows && external || compared.by_any {
        runs_external(scene, command, plumbing, meaning);
    } else if compared.by_trusted {
        runs_trusted(scene, meaning);
    }
    // What the message's template shows of the changes is converted, but by no diff program.
    let verbose = match command {
        "status" => words.last("verbose").is_some(),
        "commit" => words.last("verbose").map_or(config.get("commit.verbose").is_some(), |g| !g.negated),
        _ => false,
    };
    let searches =
        (LOGS.contains(&command) || matches!(command, "diff" | "show")) && (words.letter('S') || words.letter('G'));
    let looks = shows || searches || compared.converted;
    let converts = match words.last("textconv") {
        Some(given) => !given.negated && (looks || blobs || matches!(command, "grep" | "cat-file")),
        None => looks && !matches!(command, "format-patch" | "stash") && !plumbing || verbose,
    };
    if converts {
        assigned(scene, command, ("diff", "textconv"), meaning);
    }
}

fn runs_external(scene: &Scene<'_>, command: &str, plumbing: bool, meaning: &mut Meaning) {
    let configured = scene.config.get("diff.external").filter(|_| !plumbing).map(str::to_owned);
    let program = scene.filled("GIT_EXTERNAL_DIFF").or(configured);
    program.filter(|p| !p.is_empty()).into_iter().for_each(|p| meaning.runs(p));
    assigned(scene, command, ("diff", "command"), meaning);
}

/// How `diff` looks into files that it does not show, for its exit status alone (diff.c, `diff_setup_done`,
/// `diff_flush`).
#[derive(Default)]
struct Compared {
    /// By whatever diff program there is: before 2.46.
    by_any: bool,
    /// By a program whose exit status is taken for the answer.
    by_trusted: bool,
    converted: bool,
}

impl Compared {
    fn of(scene: &Scene<'_>, command: &str, words: &Words, external: bool) -> Self {
        let exits = words.on("quiet") || words.on("no-patch") && words.on("exit-code");
        if command != "diff" || !exits {
            return Self::default();
        }
        // What is to be ignored hangs on the text.
        let ignores = IGNORES.iter().any(|option| words.last(option).is_some());
        let newer = minor(scene.version) >= 46;
        Compared {
            by_any: external && ignores && !newer,
            by_trusted: external && newer,
            converted: ignores || external && newer,
        }
    }
}

const IGNORES: &[&str] =
    &["ignore-all-space", "ignore-space-change", "ignore-space-at-eol", "ignore-cr-at-eol", "ignore-matching-lines"];

/// Diff programs whose exit status git takes for an answer (git-config(1), `diff.trustExitCode`; since 2.46).
fn runs_trusted(scene: &Scene<'_>, meaning: &mut Meaning) {
    let config = &scene.config;
    let is_on = |text: Option<&str>| text.and_then(parse_bool) == Some(true);
    let by_variable = scene.filled("GIT_EXTERNAL_DIFF");
    let (program, trust) = match &by_variable {
        Some(program) => (Some(program.as_str()), scene.variable("GIT_EXTERNAL_DIFF_TRUST_EXIT_CODE")),
        None => (config.get("diff.external"), config.get("diff.trustexitcode").map(str::to_owned)),
    };
    program.filter(|p| !p.is_empty() && is_on(trust.as_deref())).into_iter().for_each(|p| meaning.runs(p));
    for (driver, program) in config.middles("diff", "command").filter(|(_, program)| !program.is_empty()) {
        let trusted = config.bool(&format!("diff.{driver}.trustexitcode")) == Some(true);
        if trusted && scene.known.attributes.contains(&format!("diff={driver}")) {
            meaning.runs(program);
        }
    }
}

fn shows_changes(command: &str, sub: &str, words: &Words) -> bool {
    let summary = words.any(SUMMARIES) || SUMMARIES.iter().any(|o| words.last(o).is_some_and(|g| !g.negated));
    let patch = words.any(PATCHES) || words.letter('u') || words.letter('c') || words.last("unified").is_some();
    let patch = patch && !ends_without_patch(words);
    match (command, sub) {
        ("diff", _) if words.on("quiet") => false,
        ("blame" | "annotate" | "pickaxe" | "format-patch" | "range-diff", _) => true,
        ("diff" | "show", _) | ("stash", "show") => !summary || patch,
        ("stash", "list") | ("request-pull", _) => patch,
        _ => LOGS.contains(&command) && patch,
    }
}

const PATCHES: &[&str] = &["patch", "patch-with-stat", "patch-with-raw", "binary", "cc", "remerge-diff", "dd"];

/// `-s` takes back what stands before it.
fn ends_without_patch(words: &Words) -> bool {
    let asks = |long: &str, short| PATCHES.contains(&long) || long == "unified" || matches!(short, Some('u' | 'c'));
    let about = |given: &&Given| given.opt.long == "no-patch" || asks(given.opt.long, given.opt.short);
    words.given.iter().rev().find(about).is_some_and(|given| (given.opt.long == "no-patch") != given.negated)
}

/// The programs `SECTION.<driver>.NAME` of the drivers that attributes assign.
fn assigned(scene: &Scene<'_>, command: &str, (section, name): (&str, &str), meaning: &mut Meaning) {
    for (driver, program) in scene.config.middles(section, name) {
        // What is cloned brings its own attributes.
        let any = command == "clone";
        if (any || scene.known.attributes.contains(&format!("{section}={driver}"))) && !program.is_empty() {
            meaning.runs(program);
        }
    }
}

/// Whether files of the work tree are read as they would be committed.
fn cleans(command: &str, sub: &str, words: &Words) -> bool {
    match command {
        "add" | "stage" | "commit" | "status" | "diff" | "update-index" | "apply" | "am" | "rm" | "mv" | "difftool" => {
            true
        }
        "stash" => !matches!(sub, "list" | "show" | "drop" | "clear"),
        "hash-object" => {
            !words.on("no-filters")
                && (words.last("path").is_some() || !words.on("stdin") || !words.operands.is_empty())
        }
        "describe" => words.last("dirty").is_some() || words.last("broken").is_some(),
        "ls-files" => words.on("modified"),
        "diff-files" => true,
        "diff-index" => !words.on("cached"),
        // Without a commit to begin with, the file is blamed as it lies there.
        "blame" | "annotate" | "pickaxe" => {
            let leaves_out = words.on("not") || words.operands.iter().any(|word| word.starts_with('^'));
            words.operands.len() == 1 || leaves_out || words.last("contents").is_some()
        }
        "worktree" => sub == "remove" && !words.on("force"),
        _ => false,
    }
}

fn filters(scene: &Scene<'_>, command: &str, sub: &str, words: &Words, meaning: &mut Meaning) {
    if matches!((command, sub), ("stash", "list" | "show" | "drop" | "clear") | ("sparse-checkout", "list"))
        || (command == "cat-file" && !words.on("filters"))
        || (command == "clone" && words.any(hooks::WITHOUT_FILES))
    {
        return;
    }
    let cleans = cleans(command, sub, words);
    let smudges = matches!(
        command,
        "checkout"
            | "switch"
            | "restore"
            | "reset"
            | "merge"
            | "pull"
            | "rebase"
            | "cherry-pick"
            | "revert"
            | "stash"
            | "archive"
            | "clone"
            | "checkout-index"
            | "read-tree"
            | "sparse-checkout"
            | "bisect"
            | "am"
            | "cat-file"
            | "filter-branch"
            | "merge-recursive"
    ) || matches!((command, sub), ("submodule", "add" | "update") | ("worktree", "add"));
    // What was there before is looked at again; a clone had nothing before.
    let cleans = cleans || smudges && command != "clone";
    for (name, runs) in [("clean", cleans), ("smudge", smudges), ("process", cleans || smudges)] {
        if runs {
            assigned(scene, command, ("filter", name), meaning);
        }
    }
}

fn merges(scene: &Scene<'_>, command: &str, words: &Words, meaning: &mut Meaning) {
    let merges = match command {
        "merge" | "pull" | "rebase" | "cherry-pick" | "revert" | "stash" | "am" | "checkout" | "merge-recursive"
        | "merge-tree" | "replay" => true,
        "switch" | "restore" => words.any(&["merge", "conflict"]),
        "apply" => words.on("3way"),
        _ => false,
    };
    if merges {
        assigned(scene, command, ("merge", "driver"), meaning);
        // Every path without an attribute of its own merges by this one.
        if let Some(driver) = scene.config.get("merge.default")
            && let Some(program) = scene.config.get(&format!("merge.{driver}.driver"))
        {
            meaning.runs(program);
        }
    }
}
