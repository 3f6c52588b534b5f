//! The options of git's commands, by version, and one scan over a command's words.
//!
//! The table is `options.txt`; it is text so that somebody who knows git can check it without knowing Rust.

use crate::model::Bytes;
use crate::model::visible;
use crate::tools::options::{Given, Grammar, Item, Opt, Problem, Takes, scan};

const TABLE: &str = include_str!("options.txt");

/// The newest minor version of git 2 that the table was made for. Of later ones, an unknown option is a doubt.
const NEWEST: u32 = 47;

/// Compiled into git: no alias and no program on PATH can take their place.
const BUILTINS: &str = " add am annotate apply archive blame branch bugreport bundle cat-file check-attr check-ignore \
    check-mailmap check-ref-format checkout checkout--worker checkout-index cherry cherry-pick clean clone column commit \
    commit-graph commit-tree config count-objects credential credential-cache credential-cache--daemon credential-store \
    describe diagnose diff diff-files diff-index diff-tree difftool fast-export fast-import fetch fetch-pack \
    fmt-merge-msg for-each-ref for-each-repo format-patch fsck fsck-objects fsmonitor--daemon gc get-tar-commit-id grep \
    hash-object help hook index-pack init init-db interpret-trailers log ls-files ls-remote ls-tree mailinfo mailsplit \
    maintenance merge merge-base merge-file merge-index merge-ours merge-recursive merge-recursive-ours \
    merge-recursive-theirs merge-subtree merge-tree mktag mktree multi-pack-index mv name-rev notes pack-objects \
    pack-redundant pack-refs patch-id pickaxe prune prune-packed pull push range-diff read-tree rebase receive-pack \
    reflog remote remote-ext remote-fd repack replace rerere reset restore rev-list rev-parse revert rm send-pack \
    shortlog show show-branch show-index show-ref sparse-checkout stage stash status stripspace submodule--helper switch \
    symbolic-ref tag unpack-file unpack-objects update-index update-ref update-server-info upload-archive \
    upload-archive--writer upload-pack var verify-commit verify-pack verify-tag version whatchanged worktree write-tree ";

/// Built in only from a minor version on.
const LATER_BUILTINS: &[(&str, u32)] =
    &[("replay", 44), ("refs", 46), ("backfill", 49), ("repo", 52), ("last-modified", 52)];

/// git's own programs in its exec-path, which come before PATH and before aliases. Others (`send-email`, `svn`, `p4`,
/// `gui`) may be there or not, and are looked for.
const SCRIPTS: &str = " bisect daemon difftool--helper filter-branch http-backend http-fetch http-push imap-send instaweb \
    merge-octopus merge-one-file merge-resolve mergetool quiltimport remote-http remote-https remote-ftp remote-ftps \
    request-pull shell submodule subtree web--browse ";

pub fn is_builtin(word: &str, version: Option<&str>) -> bool {
    listed(BUILTINS, word) || LATER_BUILTINS.iter().any(|(name, since)| *name == word && minor(version) >= *since)
}

pub fn is_script(word: &str) -> bool {
    listed(SCRIPTS, word)
}

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && !word.contains(char::is_whitespace) && list.contains(&format!(" {word} "))
}

/// All commands that git has by itself.
pub fn commands() -> impl Iterator<Item = &'static str> {
    BUILTINS.split_whitespace().chain(SCRIPTS.split_whitespace())
}

/// `47` of `2.47.3`; the newest that the table knows where the version is unknown.
pub fn minor(version: Option<&str>) -> u32 {
    version.and_then(|v| v.split('.').nth(1)).and_then(|m| m.parse().ok()).unwrap_or(NEWEST)
}

/// Whether the table speaks for this version: what it does not list, git refuses.
pub fn covers(version: Option<&str>) -> bool {
    version.is_some_and(|v| v.starts_with("2.")) && (39..=NEWEST).contains(&minor(version))
}

struct Row {
    options: Vec<Opt>,
    lenient: bool,
    abbreviates: bool,
    stops: bool,
}

fn row(name: &str, minor: u32, depth: usize) -> Option<Row> {
    let name = match name {
        "stage" => "add",
        "annotate" | "pickaxe" => "blame",
        "init-db" => "init",
        "fsck-objects" => "fsck",
        "remote rm" => "remote remove",
        name => name,
    };
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let (flags, first) = lines.by_ref().find_map(|line| {
        let (head, rest) = line.split_once(':')?;
        let flags = head.strip_prefix(name)?;
        flags.chars().all(|c| matches!(c, '~' | '^' | '!')).then_some((flags, rest))
    })?;
    let mut row = Row {
        options: Vec::new(),
        lenient: flags.contains('~'),
        abbreviates: !flags.contains(['~', '^']),
        stops: flags.contains('!'),
    };
    for word in
        std::iter::once(first).chain(lines.take_while(|line| line.starts_with(' '))).flat_map(str::split_whitespace)
    {
        match word.strip_prefix('+') {
            Some(other) if depth < 3 => {
                let included = match other {
                    "rev" => "rev-options",
                    "diff" => "diff-options",
                    other => other,
                };
                row.options.extend(self::row(included, minor, depth + 1).map(|r| r.options).unwrap_or_default());
            }
            Some(_) => {}
            None => row.options.extend(option(word, minor)),
        }
    }
    Some(row)
}

/// `name=!,x@2.42`.
fn option(word: &'static str, minor: u32) -> Option<Opt> {
    let (word, since) = word.split_once('@').unwrap_or((word, "2.0"));
    if since.strip_prefix("2.").and_then(|m| m.parse().ok()).is_some_and(|m: u32| m > minor) {
        return None;
    }
    let (name, letter) = word.rsplit_once(',').unwrap_or((word, ""));
    let (name, stays) = name.split_once('!').map_or((name, None), |(name, since)| (name, Some(since)));
    let negates = stays.is_none_or(|since| since.parse().is_ok_and(|since: u32| since > minor));
    let (long, takes) = match (name.strip_suffix('='), name.strip_suffix('?')) {
        (Some(long), _) => (long, Takes::Value),
        (_, Some(long)) => (long, Takes::Attached),
        _ => (name, Takes::Nothing),
    };
    Some(Opt { long, short: letter.chars().next(), takes, negates })
}

/// A command's words, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub given: Vec<Given>,
    pub operands: Vec<String>,
    /// How many operands stood before `--`; `None` without one.
    pub before_dashes: Option<usize>,
    /// What git's parser would say no to.
    pub problem: Option<String>,
    /// The usage is shown, and the command does nothing.
    pub asks_help: bool,
    /// A word was no text; it is shown escaped.
    pub not_text: bool,
}

impl Words {
    /// `command` is `push`, or `stash push`. Without a row in the table every word that starts with a dash is passed over.
    pub fn read(command: &str, args: &[Bytes], version: Option<&str>) -> Self {
        let row = row(command, minor(version), 0);
        let (lenient, abbreviates, stops) =
            row.as_ref().map_or((true, false, false), |r| (r.lenient, r.abbreviates, r.stops));
        let options = row.map(|r| r.options).unwrap_or_default();
        let grammar = Grammar {
            options: &options,
            abbreviate: abbreviates,
            equals: true,
            short_equals: false,
            switch_values: false,
            negate: true,
            permute: !stops,
            end_word: Some(b"end-of-options"),
        };
        let mut words = Words { not_text: args.iter().any(|a| a.text().is_none()), ..Words::default() };
        let dashes = args.iter().position(|a| a.as_slice() == b"--");
        if let Some(at) = dashes {
            let options_end_before = scan(&grammar, &args[..at]);
            let open = options_end_before
                .last()
                .is_some_and(|item| matches!(item, Item::Problem(Problem::MissingValue { .. })));
            if !open {
                let operand = |item: &&Item| matches!(item, Item::Operand { .. });
                words.before_dashes = Some(options_end_before.iter().filter(operand).count());
            }
        }
        for item in scan(&grammar, args) {
            match item {
                Item::Option(given) => words.given.push(given),
                // After `--end-of-options` it still stands before paths.
                Item::Operand { index, .. } if Some(index) == dashes && listed(KEEP_DASHES, command) => {}
                Item::Operand { value, .. } => words.operands.push(text(&value)),
                Item::Problem(Problem::MissingValue { opt, index }) if FILTERS.contains(&opt.long) => {
                    words.given.push(Given { opt, value: None, negated: false, index, value_index: None });
                }
                Item::Problem(Problem::Unknown { .. }) if lenient => {}
                Item::Problem(Problem::Unknown { word, .. }) if !abbreviates && is_count(&word) => {}
                Item::Problem(Problem::Unknown { word, .. }) if asks_for_help(&word, &options) => {
                    words.asks_help = true
                }
                Item::Problem(problem) => words.problem = words.problem.take().or(Some(say(&problem))),
            }
        }
        words
    }

    /// Whether a switch is on at the end of the line: the last word about it wins.
    pub fn on(&self, long: &str) -> bool {
        self.last(long).is_some_and(|g| !g.negated)
    }

    /// The last word about a long option.
    pub fn last(&self, long: &str) -> Option<&Given> {
        self.given.iter().rev().find(|g| g.opt.long == long)
    }

    /// The option by its letter, given and not taken back.
    pub fn letter(&self, letter: char) -> bool {
        self.given.iter().rev().find(|g| g.opt.short == Some(letter)).is_some_and(|g| !g.negated)
    }

    pub fn value(&self, long: &str) -> Option<String> {
        self.last(long).filter(|g| !g.negated).and_then(|g| g.value.as_ref()).map(text)
    }

    pub fn values<'a>(&'a self, long: &'a str) -> impl Iterator<Item = String> + 'a {
        self.given.iter().filter(move |g| g.opt.long == long).filter_map(|g| g.value.as_ref()).map(text)
    }

    /// Whether options name revisions, whatever the operands are.
    pub fn takes_sources(&self) -> bool {
        self.given.iter().any(|given| listed(SOURCES, given.opt.long))
    }

    pub fn any(&self, longs: &[&str]) -> bool {
        longs.iter().any(|long| self.on(long))
    }
}

/// Commands that tell paths apart by a `--` of their own (PARSE_OPT_KEEP_DASHDASH, setup_revisions).
const KEEP_DASHES: &str = " annotate blame checkout diff diff-files diff-index diff-tree difftool log pickaxe reset restore \
    rev-list shortlog show switch whatchanged ";

/// Options that name revisions beside those that are operands (git-rev-list(1)).
const SOURCES: &str =
    " all alternate-refs bisect branches default glob indexed-objects reflog remotes stdin tags walk-reflogs ";

/// Options that choose among branches or tags, which are then listed. They need no value where the line ends with them:
/// HEAD is meant (PARSE_OPT_LASTARG_DEFAULT).
pub const FILTERS: &[&str] = &["contains", "no-contains", "with", "without", "merged", "no-merged", "points-at"];

/// `-3` of the log family.
fn is_count(word: &[u8]) -> bool {
    word.len() > 1 && word[1..].iter().all(u8::is_ascii_digit)
}

/// parse-options.c: a letter `h` that is no option of the command shows how it is used, and nothing more happens.
fn asks_for_help(word: &[u8], options: &[Opt]) -> bool {
    let unknown = |letter: &&u8| !options.iter().any(|o| o.short == Some(char::from(**letter)));
    match word {
        b"--help" | b"--help-all" => true,
        [b'-', b'-', ..] => false,
        word => word.iter().skip(1).find(unknown) == Some(&b'h'),
    }
}

/// Text for names; what is none is shown escaped (and [`Words::not_text`] says so).
pub fn text(bytes: &Bytes) -> String {
    bytes.text().map_or_else(|| visible::line(bytes, usize::MAX), str::to_owned)
}

fn say(problem: &Problem) -> String {
    match problem {
        Problem::Unknown { word, .. } => format!("unknown option {}", visible::line(word, 80)),
        Problem::Ambiguous { word, .. } => format!("ambiguous option {}", visible::line(word, 80)),
        Problem::MissingValue { opt, .. } => format!("option {} lacks its value", opt.long),
        Problem::UnwantedValue { opt, .. } => format!("option {} takes no value", opt.long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str, line: &str) -> Words {
        let args: Vec<Bytes> = line.split(' ').map(Bytes::from).collect();
        Words::read(command, &args, Some("2.39.5"))
    }

    #[test]
    fn an_option_belongs_to_its_version() {
        let args = ["--branches".into()];
        assert!(Words::read("push", &args, Some("2.39.5")).problem.is_some());
        assert!(Words::read("push", &args, Some("2.47.3")).problem.is_none());
        let newer =
            [("hook run", "--to-stdin=x"), ("notes add", "--no-stripspace"), ("am", "--no-verify"), ("log", "--dd")];
        for (command, option) in newer {
            let problem = |version| Words::read(command, &[option.into()], Some(version)).problem;
            assert!(problem("2.39.5").is_some() && problem("2.47.3").is_none(), "{command} {option}");
        }
    }

    #[test]
    fn what_cannot_be_negated_is_no_option_with_no() {
        assert!(words("fetch", "--no-unshallow").problem.is_some());
        assert!(words("log", "--no-oneline").problem.is_some() && words("log", "--no-graph").problem.is_none());
        assert!(words("checkout", "--no-their").problem.is_some());
        let reset = |version| Words::read("reset", &["--no-hard".into()], Some(version)).problem;
        assert!(reset("2.39.5").is_none() && reset("2.47.3").is_some());
    }

    #[test]
    fn the_last_word_wins_and_bundles_come_apart() {
        assert!(words("push", "-qfu origin main").on("force"));
        assert!(!words("push", "--force --no-force").on("force"));
        assert!(words("push", "--mi").on("mirror"));
        assert!(words("push", "--forc").problem.is_some());
        assert!(words("clean", "-fdx").letter('x'));
        assert_eq!(words("log", "-1 --output x").value("output").as_deref(), Some("x"));
    }

    #[test]
    fn every_word_of_the_table_is_an_option_and_stands_there_once() {
        let named = |long: &str| long.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let since = |since: &str| since.strip_prefix("2.").is_some_and(|minor| minor.parse::<u32>().is_ok());
        let mut row = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let options = if line.starts_with(' ') {
                line
            } else {
                row.clear();
                line.split_once(':').unwrap().1
            };
            for word in options.split_whitespace().filter(|word| !word.starts_with('+')) {
                let (option, version) = word.split_once('@').map_or((word, None), |(o, v)| (o, Some(v)));
                let (name, letter) = option.split_once(',').unwrap_or((option, "x"));
                let (name, stays) = name.split_once('!').unwrap_or((name, ""));
                let long = name.trim_end_matches(['=', '?']);
                assert!(stays.is_empty() || stays.parse::<u32>().is_ok(), "{line}: {word}");
                assert!(named(long) && letter.len() == 1 && version.is_none_or(since), "{line}: {word}");
                assert!(!row.contains(&word), "{line}: {word}");
                row.push(word);
            }
        }
    }

    #[test]
    fn every_option_of_the_table_reads() {
        for line in TABLE.lines().filter(|l| !l.starts_with('#') && !l.starts_with(' ')) {
            let (name, _) = line.split_once(':').unwrap();
            assert!(row(name.trim_end_matches(['~', '^', '!']), NEWEST, 0).is_some(), "{name}");
        }
    }
}
