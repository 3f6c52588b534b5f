//! Asks the machine for what a reading needs: read-only questions, no more of them than the command calls for.

use serde::Serialize;

use crate::model::{Bytes, Facts, Invocation, StreamKind};
use crate::tools::World;

use super::attributes;
use super::described;
use super::facts::{Config, Entry, Known, Place, Refs, name, without_password};
use super::line::{self, Command, Line};
use super::nested::{self, Walk};
use super::options::{self, Words};
use super::peers;
use super::plain::{self, Head, Repository};
use super::resolved;
use super::signatures;
use super::ssh;
use super::stdin;

/// More refs than this do not travel; a push that needs them all is then a doubt.
const MOST_REFS: usize = 20_000;

const LONGEST_PATH: usize = 4096;

/// Commands whose reading needs neither a repository nor its refs.
const PLACELESS: &[&str] = &["help", "version", "init", "init-db"];

/// Commands whose meaning hangs on the local refs.
const WITH_REFS: &[&str] = &["push", "send-pack", "tag", "branch", "checkout", "switch", "worktree", "update-ref"];

/// Variables whose values may be secret or long: only that they are set is told.
const SET_ONLY: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "SSLKEYLOGFILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
];

pub fn gather(invocation: &Invocation, world: &dyn World) -> Facts {
    let mut facts = Facts { version: version(world), ..Facts::default() };
    let args = &invocation.args;
    let globals: Vec<&[u8]> = question(&args[..line::global_words(args).min(args.len())]);
    let ask = |question: &[&[u8]]| world.ask_tool(&[globals.as_slice(), question].concat());
    let (config, repository) = match plain::look(invocation, world, facts.version.as_deref()) {
        Some(plain) => (Some(plain.config), plain.repository),
        None => {
            let listed = ask(&[b"config", b"--list", b"-z", b"--show-scope"]);
            (listed.map(|out| Config::parse(&out)), Repository::Ask)
        }
    };
    let mut known = Known { config, ..Known::default() };
    if let Some(config) = &known.config {
        let safe: Vec<Entry> = config.0.iter().map(safe).collect();
        put(&mut facts, name::CONFIG, &safe);
    }
    let line = look_up(invocation, world, &mut known, facts.version.as_deref());
    if !there(invocation, world, &line) {
        put(&mut facts, name::NO_FOLDER, &true);
    }
    let variables = line.globals.settings_from_variables.iter().filter_map(|setting| setting.rsplit_once('='));
    let unset: Vec<&str> = variables.map(|(_, name)| name).filter(|name| world.variable(name).is_none()).collect();
    if !unset.is_empty() {
        put(&mut facts, name::UNSET, &unset);
    }
    put(&mut facts, name::PROGRAMS, &known.programs);
    let set: Vec<&str> =
        SET_ONLY.iter().copied().filter(|v| world.variable(v).is_some_and(|b| !b.is_empty())).collect();
    put(&mut facts, name::VARIABLES_SET, &set);
    let Command::Known { name: command, args: words } = &line.command else { return facts };
    let version = facts.version.clone();
    let version = version.as_deref();
    if PLACELESS.contains(&command.as_str()) {
        return facts;
    }
    let ssh = ssh::gather(command, known.config.as_ref(), world);
    if !ssh.is_empty() {
        put(&mut facts, name::SSH, &ssh);
    }
    if command == "clone" {
        put(&mut facts, name::HOOKS, &peers::clone_hooks(world, &Words::read(command, words, version), &known, &line));
        return facts;
    }
    let (place, hooks, head) = match repository {
        Repository::None => return facts,
        Repository::Here { place, hooks, head } => (place, hooks, head),
        Repository::Ask => match ask_place(invocation, &line, &ask) {
            Some((place, hooks)) => (place, hooks, Head::Ask),
            None => return facts,
        },
    };
    let mut hooks = executable_hooks(world, &hooks);
    hooks.retain(|hook| hook != "pre-auto-gc" || peers::collects(world, &place, known.config.as_ref()));
    put(&mut facts, name::HOOKS, &hooks);
    let head = match head {
        Head::Ref(name) => Some(name),
        Head::Detached => None,
        Head::Ask => ask(&[b"symbolic-ref", b"-q", b"HEAD"]).map(|out| first_line(&out)),
    };
    if let Some(head) = head {
        put(&mut facts, name::HEAD, &head);
    }
    if WITH_REFS.contains(&command.as_str()) || command == "remote" {
        let format: &[u8] = b"--format=%(objecttype) %(refname)";
        if let Some(refs) = ask(&[b"for-each-ref", format]) {
            put(&mut facts, name::REFS, &read_refs(&refs));
        }
    }
    let old: Vec<Entry> = described::old_remotes(world, &place, known.config.as_ref()).iter().map(safe).collect();
    if !old.is_empty() {
        put(&mut facts, name::LEGACY_REMOTES, &old);
    }
    if command == "submodule"
        && let Some(modules) = described::modules(&place, &ask, world)
    {
        let modules: Vec<Entry> = modules.iter().map(safe).collect();
        put(&mut facts, name::MODULES, &modules);
    }
    if let Some(config) = known.config.as_ref().filter(|config| attributes::matter(config)) {
        let words = Words::read(command, words, version);
        let cwd = invocation.cwd.as_ref().map(Bytes::as_slice).unwrap_or_default();
        let globals = &line.globals;
        let scene = attributes::Scene { command, words: &words, globals, cwd, place: &place, config, world, ask: &ask };
        put(&mut facts, name::ATTRIBUTES, &scene.assigned());
    }
    let asks =
        |config: &Config| command == "diff" && config.get("core.fsmonitor").is_some() || attributes::matter(config);
    if known.config.as_ref().is_some_and(asks)
        && let Some(resolved) = resolved::look(command, &Words::read(command, words, version), &ask)
    {
        put(&mut facts, name::RESOLVED, &resolved);
    }
    if signatures::matter(command, known.config.as_ref())
        && let Some(signed) = signatures::any(&ask)
    {
        put(&mut facts, name::SIGNED, &signed);
    }
    let (sub, rest) = super::part(command, words, version);
    let row = if sub.is_empty() { command.clone() } else { format!("{command} {sub}") };
    let config = known.config.clone().unwrap_or_default();
    if nested::walk(&config, command, sub, &Words::read(&row, rest, version)) > Walk::Around {
        let nested = nested::look(&place, world, &ask);
        if nested != nested::Nested::default() {
            put(&mut facts, name::NESTED, &nested);
        }
    }
    state(command, &place, world, &ask, &mut facts);
    put(&mut facts, name::PLACE, &place);
    let words = Words::read(command, words, version);
    if stdin::decides(command, &words) && invocation.streams.stdin != StreamKind::Terminal {
        facts.contents.extend(world.stdin());
    }
    if matches!(command.as_str(), "push" | "send-pack") {
        let hooks = peers::hooks(invocation, world, &facts, &line);
        put(&mut facts, name::PEER_HOOKS, &hooks);
    }
    facts
}

/// Whether git can go to where each `-C` says, in order.
fn there(invocation: &Invocation, world: &dyn World, line: &Line) -> bool {
    let mut folder = invocation.cwd.as_ref().map(|cwd| cwd.as_slice().to_vec()).unwrap_or_default();
    line.globals.folders.iter().all(|next| {
        folder = join(&folder, next);
        // Step by step git gets to where one path would be too long (path_resolution(7), PATH_MAX).
        next.is_empty() || folder.len() >= LONGEST_PATH || world.is_dir(&folder)
    })
}

/// Lists the index, also where the line takes `:/` for a file's name.
pub const WHOLE_INDEX: &[&[u8]] = &[b"-c", b"core.fsmonitor=false", b"--no-literal-pathspecs", b"ls-files"];

/// What is under way, for the commands that do nothing without it.
fn state(command: &str, place: &Place, world: &dyn World, ask: &Ask<'_>, facts: &mut Facts) {
    match command {
        "bisect" => {
            let begun = world.is_file(&[place.git_dir.as_slice(), b"/BISECT_START"].concat());
            put(facts, name::BISECTING, &begun);
        }
        "mergetool" | "merge-index" => {
            if let Some(listed) = ask(&[WHOLE_INDEX, &[b"-u", b"--", b":/"]].concat()) {
                put(facts, name::UNMERGED, &!listed.is_empty());
            }
        }
        _ => {}
    }
}

fn put<T: Serialize>(facts: &mut Facts, name: &str, value: &T) {
    // A value of ours always has a JSON form; were it not so, the fact would be absent, and that is a doubt.
    if let Ok(value) = serde_json::to_value(value) {
        facts.facts.insert(name.to_owned(), value);
    }
}

fn version(world: &dyn World) -> Option<String> {
    let out = Bytes::from(world.ask_tool(&[b"--version"])?);
    let word = out.text()?.split_whitespace().nth(2)?;
    let digits: String = word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Some(digits.trim_end_matches('.').to_owned())
}

/// The global options that a question must stand under: not the pager, and not those that change no answer, which this
/// git may not even know.
fn question(words: &[Bytes]) -> Vec<&[u8]> {
    let idle: [&[u8]; 7] =
        [b"-p", b"--paginate", b"-P", b"--no-pager", b"--no-optional-locks", b"--no-advice", b"--no-lazy-fetch"];
    let mut kept = Vec::new();
    let mut words = words.iter().map(Bytes::as_slice);
    while let Some(word) = words.next() {
        match word {
            b"--attr-source" => drop(words.next()),
            word if word.starts_with(b"--attr-source=") || idle.contains(&word) => {}
            b"-c" | b"-C" | b"--git-dir" | b"--work-tree" | b"--namespace" | b"--config-env" | b"--super-prefix"
            | b"--shallow-file" => {
                kept.push(word);
                kept.extend(words.next());
            }
            word => kept.push(word),
        }
    }
    kept
}

fn safe(entry: &Entry) -> Entry {
    let hidden = |key: &str| ["pass", "password", "token", "secret", "smtppass"].iter().any(|end| key.ends_with(end));
    let value = match &entry.value {
        Some(_) if hidden(&entry.key) => Some("REDACTED".to_owned()),
        Some(value) => Some(without_password(value)),
        None => None,
    };
    Entry { key: without_password(&entry.key), scope: entry.scope.clone(), value }
}

/// Reads the line again and again until every word that may be a program has been looked for.
fn look_up(invocation: &Invocation, world: &dyn World, known: &mut Known, version: Option<&str>) -> Line {
    let mut asked = None;
    loop {
        let line = line::read(&invocation.args, known, version);
        let unknown = line.sought.iter().find(|program| !known.programs.contains_key(*program)).cloned();
        let Some(program) = unknown else { return line };
        let own = line.globals.exec_path.clone().or_else(|| invocation.variables.get("GIT_EXEC_PATH").cloned());
        let own = own.filter(|folder| !folder.is_empty());
        let folder = own.or_else(|| asked.get_or_insert_with(|| exec_path(world)).clone());
        // Where git's own folder is not known, whatever may lie in it is there.
        let Some(folder) = folder else {
            known.programs.insert(program.clone(), Some(program.as_str().into()));
            continue;
        };
        let in_exec_path = Bytes::from([folder.as_slice(), b"/", program.as_bytes()].concat());
        let found = Some(in_exec_path).filter(|path| world.is_program(path)).or_else(|| world.program(&program));
        known.programs.insert(program, found);
    }
}

/// Where git's own programs lie; it looks there before it looks on PATH.
fn exec_path(world: &dyn World) -> Option<Bytes> {
    let said = world.ask_tool(&[b"--exec-path"])?;
    said.strip_suffix(b"\n").filter(|path| path.starts_with(b"/")).map(Bytes::from)
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    options::text(&Bytes::from(line))
}

fn ask_place(invocation: &Invocation, line: &Line, ask: &Ask<'_>) -> Option<(Place, Bytes)> {
    let questions: &[&[u8]] =
        &[b"rev-parse", b"--absolute-git-dir", b"--git-path", b"hooks", b"--is-bare-repository", b"--show-cdup"];
    read_place(&ask(questions)?, invocation, line)
}

/// The four answers of one `rev-parse`: git folder, hooks folder, bare or not, way up to the top.
fn read_place(out: &[u8], invocation: &Invocation, line: &Line) -> Option<(Place, Bytes)> {
    let mut lines = out.split(|b| *b == b'\n');
    let (git_dir, hooks, bare, up) = (lines.next()?, lines.next()?, lines.next()?, lines.next().unwrap_or_default());
    let start = invocation.cwd.as_ref().map(|c| c.as_slice()).unwrap_or_default();
    let folder = line.globals.folders.iter().fold(start.to_vec(), |folder, next| join(&folder, next));
    let work_tree = (bare == b"false" && !git_dir.is_empty()).then(|| Bytes::from(normal(&join(&folder, up))));
    Some((Place { git_dir: git_dir.into(), work_tree }, Bytes::from(join(&folder, hooks))))
}

pub fn join(folder: &[u8], path: &[u8]) -> Vec<u8> {
    match path {
        [b'/', ..] => path.to_vec(),
        [] => folder.to_vec(),
        path => [folder, b"/", path].concat(),
    }
}

/// Without `.` and `..`; the work folder itself has no links in it.
pub fn normal(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    [b"/".as_slice(), &parts.join(&b'/')].concat()
}

pub fn executable_hooks(world: &dyn World, folder: &[u8]) -> Vec<String> {
    let names = world.list(folder).unwrap_or_default();
    let is_hook =
        |name: &&Bytes| !name.ends_with(b".sample") && world.is_program(&[folder, b"/", name.as_slice()].concat());
    names.iter().filter(is_hook).map(options::text).collect()
}

fn read_refs(out: &[u8]) -> Refs {
    let mut refs = Refs::default();
    for line in out.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        if refs.names.len() == MOST_REFS {
            refs.truncated = true;
            break;
        }
        let line = options::text(&Bytes::from(line));
        let Some((kind, name)) = line.split_once(' ') else { continue };
        if kind == "tag" && name.starts_with("refs/tags/") {
            refs.annotated.push(name.to_owned());
        }
        refs.names.push(name.to_owned());
    }
    refs
}

/// A question to the real git, under the line's own global options.
pub type Ask<'a> = dyn Fn(&[&[u8]]) -> Option<Vec<u8>> + 'a;
