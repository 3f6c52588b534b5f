//! Local files whose content goes into what is made or changed, beside manifests: which they are, and which of them
//! kubectl would not take. They are looked at on the agent's side, where they stay.

use std::collections::BTreeSet;

use super::options::Line;
use super::paths;
use crate::tools::World;
use crate::tools::world::{Kind, Look};

/// Their paths.
pub(super) fn of(line: &Line) -> Vec<String> {
    let mut out = Vec::new();
    for long in ["from-file", "from-env-file", "cert", "key", "patch-file"] {
        for value in line.values(long).into_iter().filter(|value| !value.is_empty()) {
            out.push(match value.split_once('=') {
                Some((_, path)) if long == "from-file" => path.to_owned(),
                _ => value,
            });
        }
    }
    out
}

/// Local files that a line is about and that must be there.
pub(super) fn wanted(line: &Line) -> Vec<String> {
    let mut out = of(line);
    out.extend(line.value("custom").filter(|path| !path.is_empty()).map(str::to_owned));
    if line.command.path == ["cp"] {
        // Only what is sent must be there.
        let words = line.words();
        let from = words.first().filter(|from| words.len() == 2 && paths::remote(from).is_none());
        out.extend(from.map(|from| (*from).to_owned()));
    }
    out
}

/// Whether one of them may lead to what kubectl itself holds, its credential among it: what is below `/proc` or `/dev`, also by
/// a link, is another file to each process.
pub(super) fn are_of_a_process(line: &Line, cwd: &[u8], world: &dyn World) -> bool {
    wanted(line).iter().any(|path| {
        let before = if path.starts_with('/') { Vec::new() } else { [cwd, b"/"].concat() };
        let real = world.real(&[&before, path.as_bytes()].concat());
        real.is_none_or(|real| real.starts_with(b"/proc/") || real.starts_with(b"/dev/"))
    })
}

/// Those of [`wanted`] that are not there, or not what kubectl needs.
pub(super) fn unfit(line: &Line, world: &dyn World) -> Vec<String> {
    let mut out: Vec<String> = wanted(line).into_iter().filter(|path| paths::is_absent(path, world, 0)).collect();
    out.extend(no_folders(line).into_iter().filter(|path| world.is_dir(path.as_bytes())));
    if line.command.path == ["create", "secret", "tls"] {
        // All that is said of a key is whether kubectl takes it for one.
        let taken = |path: &&str| {
            world.file(path.as_bytes()).is_none_or(|c| c.bytes.windows(11).any(|at| at == b"-----BEGIN "))
        };
        out.extend(
            ["cert", "key"]
                .into_iter()
                .filter_map(|long| line.value(long))
                .filter(|path| !taken(path))
                .map(str::to_owned),
        );
    }
    out.extend(clashing(line, world));
    out
}

/// Of the sources those that kubectl takes no folder for.
fn no_folders(line: &Line) -> Vec<String> {
    let mut out = [line.values("from-env-file"), line.every("patch-file")].concat();
    let all = line.command.path == ["create", "secret", "docker-registry"];
    out.extend(line.values("from-file").into_iter().filter_map(|value| match value.split_once('=') {
        Some((_, path)) => Some(path.to_owned()),
        None => all.then_some(value),
    }));
    out
}

/// The first source with a key that is none, or that another has: a file's own name, the names of a folder's files, the
/// variables of a file of them.
fn clashing(line: &Line, world: &dyn World) -> Option<String> {
    if !matches!(line.command.path.as_slice(), ["create", "configmap"] | ["create", "secret", "generic"]) {
        return None;
    }
    let literals = line.every("from-literal");
    let mut seen: BTreeSet<String> =
        literals.iter().filter_map(|text| Some(text.split_once('=')?.0.to_owned())).collect();
    for value in line.values("from-file").into_iter().filter(|value| !value.is_empty()) {
        let (keys, path) = match value.split_once('=') {
            Some((key, path)) => (vec![key.to_owned()], path.to_owned()),
            None => (names(&value, world), value),
        };
        if !keys.into_iter().all(|key| is_key(&key) && seen.insert(key)) {
            return Some(path);
        }
    }
    line.values("from-env-file").into_iter().find(|path| {
        let keys = variables(path, world);
        !keys.into_iter().all(|key| is_variable(&key) && seen.insert(key))
    })
}

/// What a source without a key of its own is filed under.
fn names(path: &str, world: &dyn World) -> Vec<String> {
    let base = || path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if !world.is_dir(path.as_bytes()) {
        return vec![base()];
    }
    let listed = world.list(path.as_bytes()).unwrap_or_default();
    let is_file = |name: &&str| {
        let below = super::manifests::join(path, name);
        // A link is no regular file, whatever it leads to; of a path that is not absolute only that can be told.
        let is_link =
            below.starts_with('/') && matches!(world.look(below.as_bytes()), Look::There { kind: Kind::Other, .. });
        world.is_file(below.as_bytes()) && !is_link
    };
    listed.iter().filter_map(|name| name.text()).filter(is_file).map(str::to_owned).collect()
}

/// The keys of a file of variables, where that can be read without taking it from kubectl.
fn variables(path: &str, world: &dyn World) -> Vec<String> {
    let content = world.is_file(path.as_bytes()).then(|| world.file(path.as_bytes())).flatten();
    let Some(content) = content.filter(|content| !content.truncated) else { return Vec::new() };
    let Ok(text) = std::str::from_utf8(content.bytes.as_slice()) else { return vec![String::new()] };
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim_start);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    keys.map(|line| line.split('=').next().unwrap_or_default().to_owned()).collect()
}

/// apimachinery's IsConfigMapKey.
pub(super) fn is_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        && text != "."
        && !text.starts_with("..")
}

/// apimachinery's IsEnvVarName.
pub(super) fn is_variable(text: &str) -> bool {
    is_key(text) && !text.starts_with(|c: char| c.is_ascii_digit())
}
