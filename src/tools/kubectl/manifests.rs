//! Manifests: which files a line names (`-f` file, folder, standard input; `-k` folder), and which objects stand in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::options::Line;
use super::resources::{self, Type};
use super::yaml;
use crate::model::{Content, Facts};
use crate::tools::World;

/// Fact: names in the folders that the line reads, by folder.
pub(super) const FOLDERS: &str = "folders";

/// Folders below folders, for `-R`; deeper is not followed, and the reading doubts.
const DEPTH: usize = 16;

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: String,
    pub of: Type,
    /// `*` where only `generateName` is given: the server chooses.
    pub name: String,
    pub namespace: Option<String>,
}

/// What the manifests of a line come to.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub objects: Vec<Object>,
    /// Paths as the line names them; standard input is not a file.
    pub files: Vec<String>,
    /// `(kind of doubt, detail)`.
    pub doubts: Vec<(&'static str, String)>,
}

/// Collects the contents on the agent's side: returns them and the folders' names.
pub(super) fn gather(line: &Line, world: &dyn World) -> (Vec<Content>, BTreeMap<String, Vec<String>>) {
    let mut gathering = Gathering { world, contents: Vec::new(), folders: BTreeMap::new() };
    for path in line.values("filename") {
        match path.as_str() {
            "-" => {
                let wanted = gathering.contents.iter().all(|c| c.source != crate::model::ContentSource::Stdin);
                gathering.contents.extend(wanted.then(|| world.stdin()).flatten());
            }
            path if is_url(path) => {}
            path if world.is_dir(path.as_bytes()) => gathering.folder(path, line.on("recursive"), 0),
            path => gathering.file(path),
        }
    }
    for path in line.every("kustomize") {
        gathering.kustomization(&path, 0);
    }
    if let Some(path) = line.value("patch-file") {
        gathering.file(path);
    }
    (gathering.contents, gathering.folders)
}

struct Gathering<'a> {
    world: &'a dyn World,
    contents: Vec<Content>,
    folders: BTreeMap<String, Vec<String>>,
}

impl Gathering<'_> {
    fn file(&mut self, path: &str) {
        if self.contents.len() < self.world.limits().files {
            self.contents.extend(self.world.file(path.as_bytes()));
        }
    }

    fn folder(&mut self, path: &str, recursive: bool, depth: usize) {
        let Some(names) = self.world.list(path.as_bytes()) else { return };
        let Some(names) = names.iter().map(|name| name.text().map(str::to_owned)).collect::<Option<Vec<_>>>() else {
            return;
        };
        self.folders.insert(path.to_owned(), names.clone());
        for name in names {
            let below = join(path, &name);
            if self.world.is_dir(below.as_bytes()) {
                // Noted with a slash, so that the reading knows it for a folder.
                if let Some(list) = self.folders.get_mut(path)
                    && let Some(entry) = list.iter_mut().find(|entry| **entry == name)
                {
                    entry.push('/');
                }
                if recursive && depth < DEPTH {
                    self.folder(&below, recursive, depth + 1);
                }
            } else if is_manifest(&name) {
                self.file(&below);
            }
        }
    }

    fn kustomization(&mut self, folder: &str, depth: usize) {
        let Some(path) =
            KUSTOMIZATIONS.iter().map(|name| join(folder, name)).find(|p| self.world.is_file(p.as_bytes()))
        else {
            return;
        };
        let before = self.contents.len();
        self.file(&path);
        let Some(content) = self.contents.get(before) else { return };
        let Ok(value) = yaml::first(&content.bytes) else { return };
        for resource in texts(&value, "resources") {
            let below = join(folder, resource);
            if self.world.is_dir(below.as_bytes()) {
                if depth < DEPTH {
                    self.kustomization(&below, depth + 1);
                }
            } else if !is_url(resource) {
                self.file(&below);
            }
        }
    }
}

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields of a kustomization that only say what it is and what it collects.
const PLAIN: [&str; 4] = ["apiVersion", "kind", "metadata", "resources"];

/// Fields of a kustomization that leave kinds, names and namespaces as they are.
const HARMLESS: [&str; 9] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "images",
    "replicas",
];

/// The objects of everything that the line names, on the server's side.
pub(super) fn read(line: &Line, facts: &Facts) -> Manifests {
    let mut out = Manifests::default();
    let folders: BTreeMap<String, Vec<String>> = facts.get(FOLDERS).unwrap_or_default();
    for path in line.values("filename") {
        match path.as_str() {
            "-" => out.content(facts.stdin(), "standard input"),
            path if is_url(path) => {
                out.doubts.push(("unread_content", format!("the manifest at {path} is on another machine")));
            }
            path if folders.contains_key(path) => out.folder(path, line.on("recursive"), &folders, facts, 0),
            path => out.file(path, facts),
        }
    }
    for folder in line.every("kustomize") {
        out.kustomization(&folder, facts, 0);
    }
    out
}

impl Manifests {
    fn file(&mut self, path: &str, facts: &Facts) {
        self.files.push(path.to_owned());
        self.content(facts.file(path.as_bytes()), path);
    }

    fn content(&mut self, content: Option<&Content>, name: &str) {
        match content {
            None => self.doubts.push(("unread_content", format!("{name} could not be read"))),
            Some(content) if content.truncated => {
                self.doubts.push(("unread_content", format!("{name} could not be read to its end")));
            }
            Some(content) => match yaml::documents(&content.bytes) {
                Ok(documents) => documents.iter().for_each(|document| self.document(document, None, name)),
                Err(why) => self.doubts.push(("unreadable_content", format!("{name}: {why}"))),
            },
        }
    }

    fn folder(&mut self, path: &str, deep: bool, folders: &BTreeMap<String, Vec<String>>, facts: &Facts, depth: usize) {
        let Some(names) = folders.get(path) else {
            return self.doubts.push(("unread_content", format!("the folder {path} could not be listed")));
        };
        for name in names {
            match name.strip_suffix('/') {
                Some(name) if deep && depth < DEPTH => self.folder(&join(path, name), deep, folders, facts, depth + 1),
                Some(name) if deep => self.doubts.push(("unread_content", format!("{name} is too deep"))),
                Some(_) => {}
                None if is_manifest(name) => self.file(&join(path, name), facts),
                None => {}
            }
        }
    }

    fn kustomization(&mut self, folder: &str, facts: &Facts, depth: usize) {
        let found = KUSTOMIZATIONS.iter().map(|name| join(folder, name)).find_map(|path| {
            facts.file(path.as_bytes()).filter(|content| !content.truncated).map(|content| (path, content))
        });
        let Some((path, content)) = found.filter(|_| depth < DEPTH) else {
            return self.doubts.push(("unread_content", format!("no kustomization could be read in {folder}")));
        };
        self.files.push(path.clone());
        let value = match yaml::first(&content.bytes) {
            Ok(value) => value,
            Err(why) => return self.doubts.push(("unreadable_content", format!("{path}: {why}"))),
        };
        let before = self.objects.len();
        for resource in texts(&value, "resources") {
            let below = join(folder, resource);
            if is_url(resource) || facts.file(below.as_bytes()).is_none() {
                self.kustomization(&below, facts, depth + 1);
            } else {
                self.file(&below, facts);
            }
        }
        for (key, set) in value.as_object().into_iter().flatten() {
            match (key.as_str(), set.as_str()) {
                ("namespace", Some(namespace)) => {
                    for object in self.objects[before..].iter_mut().filter(|object| object.of.namespaced) {
                        object.namespace = Some(namespace.to_owned());
                    }
                }
                ("namePrefix", Some(prefix)) => {
                    self.objects[before..].iter_mut().for_each(|object| object.name.insert_str(0, prefix));
                }
                ("nameSuffix", Some(suffix)) => {
                    self.objects[before..].iter_mut().for_each(|object| object.name.push_str(suffix));
                }
                (key, _) if HARMLESS.contains(&key) => {}
                (key, _) => self.doubts.push(("unreadable_content", format!("{path}: what {key} does is not read"))),
            }
        }
    }

    /// apimachinery: whatever has a list under `items` is a list; its items take kind and version from it where they
    /// have none of their own.
    fn document(&mut self, value: &Value, list: Option<&Value>, name: &str) {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(items) = value.get("items").and_then(Value::as_array) {
            return items.iter().for_each(|item| self.document(item, Some(value), name));
        }
        let own = |key: &str| text(value, key).filter(|text| !text.is_empty());
        let inherited = |key: &str| list.and_then(|list| text(list, key));
        let kind = own("kind").or_else(|| inherited("kind")?.strip_suffix("List").map(str::to_owned));
        let version = own("apiVersion").or_else(|| inherited("apiVersion"));
        let (Some(kind), Some(version)) = (kind.filter(|kind| !kind.is_empty()), version) else {
            let why = format!("{name} holds something without kind or apiVersion");
            return self.doubts.push(("unreadable_content", why));
        };
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        let name = match text(metadata, "name").filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => "*".to_owned(),
        };
        let of = resources::of_kind(&version, &kind);
        let namespace = text(metadata, "namespace").filter(|text| !text.is_empty());
        self.objects.push(Object { kind, of, name, namespace });
    }
}

/// The contents behind one value of `-f`, by their paths, in the order in which kubectl would read them.
pub(super) fn paths_of(value: &str, recursive: bool, facts: &Facts) -> Vec<String> {
    let folders: BTreeMap<String, Vec<String>> = facts.get(FOLDERS).unwrap_or_default();
    let mut found = Manifests::default();
    match folders.contains_key(value) {
        true => found.folder(value, recursive, &folders, facts, 0),
        false => found.files.push(value.to_owned()),
    }
    found.files
}

/// The manifests that a kustomization only collects; `None` where it does more with them, or could not be read whole.
pub(super) fn collected(folder: &str, facts: &Facts) -> Option<Vec<String>> {
    let mut out = Vec::new();
    collect(folder, facts, 0, &mut out)?;
    Some(out)
}

fn collect(folder: &str, facts: &Facts, depth: usize, out: &mut Vec<String>) -> Option<()> {
    let mut files = KUSTOMIZATIONS.iter().filter_map(|name| facts.file(join(folder, name).as_bytes()));
    let value = yaml::first(&files.next().filter(|_| depth < DEPTH)?.bytes).ok()?;
    if value.as_object()?.keys().any(|key| !PLAIN.contains(&key.as_str())) {
        return None;
    }
    for resource in texts(&value, "resources") {
        let below = join(folder, resource);
        match facts.file(below.as_bytes()) {
            Some(_) => out.push(below),
            None => collect(&below, facts, depth + 1, out)?,
        }
    }
    Some(())
}

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://") || path.contains("://") || path.starts_with("git@")
}

fn is_manifest(name: &str) -> bool {
    [".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

/// A path below a folder, as kubectl would name it.
fn join(folder: &str, name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    match folder.trim_end_matches('/') {
        "" if folder.starts_with('/') => format!("/{name}"),
        "" | "." => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}
