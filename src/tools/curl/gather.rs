//! What the reading of a line needs of this machine: configs, curl's version where it decides, which files are there.

use serde_json::json;

use crate::model::{Bytes, Content, ContentSource, Digest, Facts, Invocation};
use crate::tools::World;
use crate::tools::options::{Item, Problem};
use crate::tools::world::{Kind as Folder, Look};

use super::data::Data;
use super::line::{Line, content, is_stdin};
use super::meaning::Meaning;
use super::options::{self, Release};
use super::outputs::before_dots;
use super::stores::{self, Kind, Store};
use super::transfer::Group;
use super::{CURLRC, ENGINES, EXISTING, FOLDERS, LACKS, MISSING, STORES, config, scan};

/// How deep configs are followed that name configs.
const DEPTH: usize = 8;

/// How many files of one line are looked for.
const FILES: usize = 256;

/// Where OpenSSL 3 keeps its engines, in Debian, in distributions with lib64, and where it is built by hand.
const ENGINE_FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/engines-3/",
    "/usr/lib/aarch64-linux-gnu/engines-3/",
    "/usr/lib64/engines-3/",
    "/usr/local/lib/engines-3/",
];

pub fn facts(invocation: &Invocation, world: &dyn World) -> Facts {
    let mut facts = Facts::default();
    if !config::disabled(&invocation.args) {
        let [older, newer] = [Release::V7_88, Release::V8].map(|release| config::implicit(world, release));
        if older != newer {
            ask(world, &mut facts);
        }
        if let Some(path) = if Release::of(facts.version.as_deref()).is_v8() { newer } else { older } {
            facts.facts.insert(CURLRC.to_owned(), json!(Bytes::from(path.as_slice())));
            snapshot(&path, world, &mut facts, 0);
        }
    }
    let items = scan::words(&invocation.args, Release::Other);
    let mut missing = Vec::new();
    for path in Line::configs(&items).take(FILES) {
        if !snapshot(path, world, &mut facts, 0) && is_missing(path, world) {
            missing.push(path.clone());
        }
    }
    let configs: Vec<_> =
        facts.contents.iter().flat_map(|content| config::lines(&content.bytes, Release::Other).0).collect();
    let mut all = items.iter().chain(configs.iter().flat_map(|line| &line.items));
    if all.any(decides) {
        ask(world, &mut facts);
    }
    look(invocation, world, &mut facts, &missing);
    if facts.version.is_none() && varies(invocation, &mut facts) {
        ask(world, &mut facts);
        look(invocation, world, &mut facts, &missing);
    }
    facts
}

/// Looks for the files that decide what a line does, once its configs are read.
fn look(invocation: &Invocation, world: &dyn World, facts: &mut Facts, configs: &[Bytes]) {
    let mut missing = configs.to_vec();
    insert(facts, MISSING, &missing);
    let mut line = Line::read(invocation, facts);
    let mut known: Vec<Store> = Vec::new();
    let mut engines: Vec<Bytes> = Vec::new();
    for group in line.plan.groups.iter().take(FILES) {
        queries(group, world, facts, &mut missing);
        known.extend(stores_of(group, world));
        missing.extend(group.etag_compare.iter().filter(|path| is_missing(path, world)).cloned());
        engines.extend(group.engine.iter().filter(|name| is_engine(name, world)).cloned());
    }
    insert(facts, MISSING, &missing);
    insert(facts, STORES, &known);
    insert(facts, ENGINES, &engines);
    let climbs = |text: &Bytes| text.windows(3).any(|at| at == b"/..");
    let dotted = invocation.args.iter().any(climbs) || facts.contents.iter().any(|content| climbs(&content.bytes));
    if dotted || line.plan.groups.iter().any(|group| group.no_clobber) {
        let meaning = Meaning::of(&mut line.plan, invocation, facts);
        insert(facts, FOLDERS, &folders(&meaning, invocation, world));
        insert(facts, EXISTING, &existing(&meaning, world));
    }
}

/// Whether the line does something else with one release than with another.
fn varies(invocation: &Invocation, facts: &mut Facts) -> bool {
    let mut read = |version: &str| {
        facts.version = Some(version.to_owned());
        let mut line = Line::read(invocation, facts);
        let meaning = Meaning::of(&mut line.plan, invocation, facts);
        (line.refused.is_some(), line.prints, line.configs, line.plan.odd, line.unknown, line.unread, meaning)
    };
    let differs = read("7.88.1") != read("8.14.1");
    facts.version = None;
    differs
}

fn insert<T: serde::Serialize>(facts: &mut Facts, name: &str, all: &[T]) {
    if !all.is_empty() {
        facts.facts.insert(name.to_owned(), json!(all));
    }
}

/// Takes in a config and those that it names, each once. False where it cannot be read.
fn snapshot(path: &[u8], world: &dyn World, facts: &mut Facts, depth: usize) -> bool {
    if depth > DEPTH || content(path, facts).is_some() || facts.contents.len() > FILES {
        return true;
    }
    let content = match if is_stdin(path) { world.stdin() } else { world.file(path) } {
        Some(content) => content,
        // curl opens a folder, too, and finds no line in it.
        None if world.is_dir(path) => Content {
            source: ContentSource::File(path.into()),
            sha256: Digest::of(b""),
            bytes: Bytes::default(),
            truncated: false,
        },
        None => return false,
    };
    let text = content.bytes.clone();
    facts.contents.push(content);
    for line in config::lines(&text, Release::Other).0 {
        for nested in Line::configs(&line.items) {
            snapshot(nested, world, facts, depth + 1);
        }
    }
    true
}

/// Asks curl for its version, and of which parts it is built. That takes a process, so only where it decides something.
fn ask(world: &dyn World, facts: &mut Facts) {
    let Some(text) = world.ask_tool(&[b"-q", b"--version"]) else { return };
    let Ok(text) = String::from_utf8(text) else { return };
    // `curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 …`
    facts.version = text.strip_prefix("curl ").and_then(|rest| rest.split_whitespace().next()).map(str::to_owned);
    let lacks: Vec<&str> = ["c-ares", "HTTP3"].into_iter().filter(|part| !text.contains(part)).collect();
    insert(facts, LACKS, &lacks);
}

/// Whether the item is one that a release or a build may not know.
fn decides(item: &Item) -> bool {
    match item {
        Item::Problem(problem) => matches!(problem, Problem::Unknown { .. } | Problem::Ambiguous { .. }),
        Item::Option(given) => options::needs(given.opt.long).is_some(),
        Item::Operand { .. } => false,
    }
}

/// Whether a file that could not be read is not there, so that curl cannot read it either.
fn is_missing(path: &[u8], world: &dyn World) -> bool {
    if path.is_empty() {
        return true;
    }
    if is_stdin(path) || world.is_file(path) || world.is_dir(path) {
        return false;
    }
    let (folder, name) = match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (if at == 0 { b"/" } else { &path[..at] }, &path[at + 1..]),
        None => (b".".as_slice(), path),
    };
    match world.list(folder) {
        Some(names) => !names.iter().any(|known| known.as_slice() == name),
        None => !world.is_dir(folder),
    }
}

/// Files whose content becomes part of a URL.
fn queries(group: &Group, world: &dyn World, facts: &mut Facts, missing: &mut Vec<Bytes>) {
    let data = group.data.iter().filter(|_| group.get).map(|(data, _)| data);
    for path in data.chain(&group.query).filter_map(Data::path) {
        if content(path, facts).is_some() || missing.contains(path) || facts.contents.len() + missing.len() > FILES {
            continue;
        }
        match if is_stdin(path) { world.stdin() } else { world.file(path) } {
            Some(content) => facts.contents.push(content),
            None if is_missing(path, world) => missing.push(path.clone()),
            None => {}
        }
    }
}

/// The hosts of which the group's files hold something. What cannot be told is left out, and taken for any host.
fn stores_of(group: &Group, world: &dyn World) -> Vec<Store> {
    let cookies = group.cookie_files.iter().map(|path| (path.clone(), Kind::Cookies, false));
    let logins = group.netrc_file.iter().map(|path| (path.clone(), Kind::Logins, false));
    let home = world.variable("HOME").filter(|_| group.netrc && group.netrc_file.is_none());
    let own = home.map(|home| (Bytes([&home[..], b"/.netrc"].concat()), Kind::Logins, true));
    let https = group.hsts.iter().map(|path| (path.clone(), Kind::Https, false));
    let services = group.alt_svc.iter().map(|path| (path.clone(), Kind::Services, false));
    let all = cookies.chain(logins).chain(own).chain(https).chain(services);
    let read = |(path, kind, is_default): (Bytes, Kind, bool)| {
        let hosts = match world.file(&path) {
            Some(content) if content.truncated => return None,
            Some(content) => stores::hosts(kind, &content.bytes),
            None if path.is_empty() || is_missing(&path, world) => Vec::new(),
            None => return None,
        };
        Some(Store { path, kind, hosts, is_default })
    };
    all.take(FILES).filter_map(read).collect()
}

/// OpenSSL takes an absolute name as it is, and puts others into its folder.
fn is_engine(name: &Bytes, world: &dyn World) -> bool {
    let candidate = |folder: &&str| [folder.as_bytes(), name, b".so"].concat();
    name.starts_with(b"/") && world.is_file(name)
        || ENGINE_FOLDERS.iter().map(candidate).any(|path| world.is_file(&path))
}

/// Of the folders before a `..` those that are no links.
fn folders(meaning: &Meaning, invocation: &Invocation, world: &dyn World) -> Vec<String> {
    let cwd = invocation.cwd.as_ref().map_or(b"".as_slice(), Bytes::as_slice);
    let is_one = |path: &String| {
        let whole =
            if path.starts_with('/') { path.clone().into_bytes() } else { [cwd, b"/", path.as_bytes()].concat() };
        whole.starts_with(b"/") && matches!(world.look(&whole), Look::There { kind: Folder::Folder, .. })
    };
    meaning.paths().take(FILES).flat_map(|path| before_dots(path)).take(FILES).filter(is_one).collect()
}

/// Output files that are there, and those with a number behind them.
fn existing(meaning: &Meaning, world: &dyn World) -> Vec<Bytes> {
    let mut found = Vec::new();
    for name in meaning.writes.iter().take(FILES) {
        let numbered = (1..100).map(|n| format!("{name}.{n}"));
        let names = std::iter::once(name.clone()).chain(numbered);
        found.extend(names.take_while(|name| world.is_file(name.as_bytes())).map(|name| Bytes::from(name.as_str())));
    }
    found
}
