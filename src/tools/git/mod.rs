//! git: what a line would do to this repository and to which refs of which remote, which programs it would start, and
//! how a token reaches it.
//!
//! [`line`] finds the command, [`options`] takes its words apart, [`push`], [`fetch`] and [`local`] say what it does,
//! [`plain`] reads what needs no question,
//! [`programs`], [`hooks`], [`drivers`] and [`prompts`] what else would run, [`meaning`] turns that into operations. README.md says what is pinned between the
//! reading and the run.

mod attributes;
mod autocorrect;
mod credentials;
mod delivery;
mod described;
mod drivers;
mod facts;
mod fetch;
mod gather;
mod hooks;
mod line;
mod local;
mod meaning;
mod nested;
mod options;
mod own;
mod parts;
mod peers;
mod plain;
mod programs;
mod promised;
mod prompts;
mod push;
mod reach;
#[cfg(feature = "reading")]
mod reading;
mod refs;
mod remotes;
mod resolved;
mod signatures;
mod ssh;
mod stdin;
mod unparsable;
mod written;

#[cfg(all(test, feature = "reading"))]
mod tests;

use super::{DeliveryError, OwnPrograms, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Bytes, Delivery, Facts, Grant, Invocation, Terms};

use facts::Known;
use line::{Command, Line};
use meaning::{Meaning, Scene, Weight};
use options::Words;

pub struct Git;

impl Tool for Git {
    fn name(&self) -> &'static str {
        "git"
    }

    fn variables(&self) -> &'static [&'static str] {
        // Named one by one: GIT_CONFIG_VALUE_n, and whatever else somebody keeps under GIT_, may hold a secret.
        &[
            "EDITOR",
            "GIT_ALLOW_PROTOCOL",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            "GIT_ASKPASS",
            "GIT_ATTR_SOURCE",
            "GIT_COMMON_DIR",
            "GIT_CONFIG",
            "GIT_CONFIG_COUNT",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_NOSYSTEM",
            "GIT_CONFIG_SYSTEM",
            "GIT_CURL_VERBOSE",
            "GIT_DIFFTOOL_NO_PROMPT",
            "GIT_DIR",
            "GIT_EDITOR",
            "GIT_EXEC_PATH",
            "GIT_EXTERNAL_DIFF",
            "GIT_EXTERNAL_DIFF_TRUST_EXIT_CODE",
            "GIT_INDEX_FILE",
            "GIT_NAMESPACE",
            "GIT_NO_LAZY_FETCH",
            "GIT_PAGER_IN_USE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_PAGER",
            "GIT_PROTOCOL_FROM_USER",
            "GIT_PROXY_COMMAND",
            "GIT_PROXY_SSL_CAINFO",
            "GIT_SEQUENCE_EDITOR",
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_SSH_VARIANT",
            "GIT_SSL_CAINFO",
            "GIT_SSL_CAPATH",
            "GIT_SSL_NO_VERIFY",
            "GIT_TEMPLATE_DIR",
            "GIT_TERMINAL_PROMPT",
            "GIT_TEST_FSMONITOR",
            "GIT_TRACE*",
            "GIT_WORK_TREE",
            "HOME",
            "PAGER",
            "SSH_ASKPASS",
            "TERM",
            "VISUAL",
            "XDG_CONFIG_HOME",
        ]
    }

    fn constants(&self) -> &'static [&'static [&'static str]] {
        &[&["--version"], &["--exec-path"], plain::SYSTEM_FILE]
    }

    fn own_programs(&self) -> Option<&'static dyn OwnPrograms> {
        Some(&own::Own)
    }

    fn gather(&self, invocation: &Invocation, world: &dyn World) -> Facts {
        gather::gather(invocation, world)
    }

    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading {
        reading::read(invocation, facts).in_bounds()
    }

    fn deliver(
        &self,
        invocation: &Invocation,
        facts: Facts,
        terms: &Terms,
        grants: Vec<Grant>,
    ) -> Result<Delivery, DeliveryError> {
        delivery::deliver(invocation, &facts, terms, grants)
    }
}

fn scene<'a>(invocation: &'a Invocation, known: &'a Known, line: &'a Line, version: Option<&'a str>) -> Scene<'a> {
    let mut config = known.config.clone().unwrap_or_default();
    line.globals.settings.iter().for_each(|setting| config.add_command(setting));
    let old = known.legacy_remotes.iter().filter(|entry| match entry.key.rsplit_once('.') {
        Some((remote, _)) => config.get(&format!("{remote}.url")).is_none(),
        None => false,
    });
    let old: Vec<_> = old.cloned().collect();
    config.0.extend(old);
    Scene { invocation, known, config, globals: &line.globals, version }
}

fn meaning(scene: &Scene<'_>, line: &Line) -> Meaning {
    if nowhere(scene, line) {
        return Meaning::refused("Unable to read current working directory");
    }
    if unparsable::names_no_variable(scene) {
        return Meaning::refused("--config-env without a variable that is set");
    }
    if scene.known.no_folder {
        return Meaning::refused("cannot change to the folder of -C");
    }
    let mut meaning = match &line.command {
        Command::Info { .. } => Meaning::of(Weight::Read),
        Command::Refused { why, .. } => Meaning::refused(why.clone()),
        Command::Unknown { word } => {
            let mut meaning = Meaning::of(Weight::LocalWrite);
            meaning.runs(format!("git-{word}"));
            meaning.doubt("unknown_command", format!("git {word}"));
            meaning
        }
        Command::External { name, program } => {
            let mut meaning = Meaning::of(Weight::LocalWrite);
            meaning.subcommand = Some(name.clone());
            meaning.runs(program.clone());
            meaning
        }
        Command::Shell { text } => {
            let mut meaning = Meaning::of(Weight::LocalWrite);
            meaning.subcommand = Some("!sh".into());
            meaning.runs(text.clone());
            meaning.doubt("shell_alias", text.clone());
            meaning
        }
        Command::Known { name, .. } if unparsable::reads_configuration(scene, name) && unparsable::is_so(scene) => {
            Meaning { subcommand: Some(name.clone()), ..Meaning::refused("unable to parse command-line config") }
        }
        Command::Known { name, args } => command(scene, name, args),
    };
    // An alias may bring settings that only git could resolve.
    let from_alias = line.expanded && line.globals.settings.iter().any(|setting| line::includes(setting));
    if meaning.refused.is_none() && (from_alias || (line.expanded && !line.globals.settings_from_variables.is_empty()))
    {
        meaning.runs("a program that these settings may name");
        meaning.doubt("unknown_fact", "an alias brings settings that only git can resolve");
    }
    meaning
}

/// Commands that git starts before it asks where it is.
const PLACELESS: &[&str] = &[
    "check-ref-format",
    "clone",
    "credential-cache",
    "credential-cache--daemon",
    "credential-store",
    "env--helper",
    "get-tar-commit-id",
    "init",
    "init-db",
    "mailsplit",
    "receive-pack",
    "remote-ext",
    "remote-fd",
    "stripspace",
    "upload-archive",
    "upload-archive--writer",
    "upload-pack",
    "version",
];

/// The work folder is deleted, and git, which could not even list its configuration there, will not go on.
fn nowhere(scene: &Scene<'_>, line: &Line) -> bool {
    let gone = scene.invocation.cwd.is_none() && scene.globals.folders.is_empty() && scene.known.config.is_none();
    gone && match &line.command {
        Command::Known { name, args } => {
            options::is_builtin(name, scene.version)
                && !PLACELESS.contains(&name.as_str())
                && (name != "help" || !args.is_empty())
        }
        Command::Shell { .. } => true,
        Command::Info { .. } | Command::Refused { .. } | Command::External { .. } | Command::Unknown { .. } => false,
    }
}

/// Whether configuration can make no difference to the line: `git --version`, and `git help` without a topic.
#[cfg(feature = "reading")]
fn needs_no_configuration(line: &Line) -> bool {
    let fixed = match &line.command {
        Command::Info { .. } | Command::Refused { .. } => true,
        Command::Known { name, args } => name == "version" || (name == "help" && args.is_empty()),
        Command::External { .. } | Command::Shell { .. } | Command::Unknown { .. } => false,
    };
    // A pager would be one that is configured.
    fixed && line.globals.paginate != Some(true)
}

/// Commands that have commands of their own.
const WITH_PARTS: &[&str] = &[
    "stash",
    "remote",
    "notes",
    "worktree",
    "reflog",
    "bundle",
    "sparse-checkout",
    "commit-graph",
    "multi-pack-index",
    "maintenance",
    "hook",
    "submodule",
    "bisect",
    "rerere",
    "credential",
];

fn command(scene: &Scene<'_>, name: &str, args: &[Bytes]) -> Meaning {
    let finish = |mut meaning: Meaning| {
        meaning.subcommand = Some(name.to_owned());
        meaning
    };
    if let [only] = args
        && only.as_slice() == b"-h"
    {
        return finish(Meaning::of(Weight::Read));
    }
    let (sub, args) = part(name, args, scene.version);
    let row = match (name, sub) {
        ("bisect", "view" | "visualize") => "log".to_owned(),
        (_, "") => name.to_owned(),
        _ => format!("{name} {sub}"),
    };
    let words = Words::read(&row, args, scene.version);
    if words.asks_help && words.problem.is_none() {
        return finish(Meaning::of(Weight::Read));
    }
    if let Some(problem) = &words.problem {
        if options::covers(scene.version) {
            return finish(Meaning::refused(problem.clone()));
        }
        let mut meaning = Meaning::of(Weight::LocalWrite);
        meaning.doubt("unknown_option", problem.clone());
        return finish(meaning);
    }
    let cloned;
    let scene = if name == "clone" {
        // Its settings are those of the new repository, at once.
        let mut config = scene.config.clone();
        words.values("config").for_each(|setting| config.add_command(&setting));
        cloned = Scene {
            config,
            known: scene.known,
            invocation: scene.invocation,
            globals: scene.globals,
            version: scene.version,
        };
        &cloned
    } else {
        scene
    };
    let mut meaning = effects(scene, name, sub, &words);
    if meaning.refused.is_none() {
        programs::add(scene, name, sub, &words, &mut meaning);
        written::add(name, sub, &words, &mut meaning);
        if words.not_text && meaning.weights.iter().any(|w| *w >= Weight::RemoteRead) {
            meaning.doubt("not_text", "a word of the line is not UTF-8");
        }
    }
    finish(meaning)
}

/// The command within a command, and the words after it.
fn part<'a>(name: &str, args: &'a [Bytes], version: Option<&str>) -> (&'a str, &'a [Bytes]) {
    if name == "config" && options::minor(version) >= 46 {
        // Behind an option it is the name of a setting.
        let sub = args.first().and_then(Bytes::text).filter(|word| parts::CONFIG.contains(word));
        return sub.map_or(("", args), |sub| (sub, &args[1..]));
    }
    if !WITH_PARTS.contains(&name) {
        return ("", args);
    }
    let at = match name {
        "notes" => of_notes(args),
        _ => args.iter().take_while(|a| a.starts_with(b"-")).count(),
    };
    match args.get(at).and_then(Bytes::text) {
        // `git stash -m x` is a push; `git remote -v` lists, and so does `git submodule --quiet`.
        Some(_) | None if name == "stash" && at > 0 => ("push", args),
        None if name == "stash" => ("push", args),
        Some(sub @ ("show" | "list" | "expire" | "delete" | "exists" | "drop")) if name == "reflog" && at == 0 => {
            (sub, &args[1..])
        }
        // Whatever else there is are words of `show`.
        _ if name == "reflog" => ("show", args),
        None => ("", args),
        Some(sub) if ["remote", "submodule", "notes"].contains(&name) || at == 0 => (sub, &args[at + 1..]),
        Some(_) => ("", args),
    }
}

/// How many words `--ref` and its value are, which stand before the command of `git notes`.
fn of_notes(args: &[Bytes]) -> usize {
    let mut at = 0;
    while let Some(word) = args.get(at).map(Bytes::as_slice).filter(|word| word.starts_with(b"--r")) {
        at += if b"--ref".starts_with(word) { 2 } else { 1 };
    }
    at.min(args.len())
}

fn effects(scene: &Scene<'_>, name: &str, sub: &str, words: &Words) -> Meaning {
    match name {
        "push" => return push::push(scene, words),
        "send-pack" => return push::send_pack(scene, words),
        "remote" => return fetch::remote(scene, sub, words),
        "submodule" => return fetch::submodule(scene, sub, words),
        _ => {}
    }
    if let Some(meaning) = fetch::read(scene, name, words) {
        return meaning;
    }
    if parts::is_none(name, sub) && options::covers(scene.version) {
        return Meaning::refused(format!("git {name} has no command {sub}"));
    }
    if name == "bisect" && scene.known.bisecting == Some(false) && !parts::BISECT.contains(&sub) {
        return Meaning::refused(format!("git bisect has no command {sub}"));
    }
    if parts::miscounted(name, sub, words, options::minor(scene.version)) && options::covers(scene.version) {
        return Meaning::refused(format!("not as many words as git {name} takes"));
    }
    if let Some(why) = local::refusal(scene, name, words) {
        return Meaning::refused(why);
    }
    if (name, sub) == ("maintenance", "run")
        && let Some(meaning) = fetch::prefetch(scene, words)
    {
        return meaning;
    }
    match local::weight(scene, name, sub, words) {
        Some(weight) => Meaning::of(weight),
        None if name == "config" => Meaning::refused("not a form of git config"),
        None => {
            let mut meaning = Meaning::of(Weight::LocalWrite);
            meaning.runs(format!("git-{name}"));
            meaning.doubt("unknown_command", format!("git {name} is not read"));
            meaning
        }
    }
}
