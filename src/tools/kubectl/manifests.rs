//! Manifests: which files a line names (`-f` file, folder, standard input; `-k` folder), and which objects stand in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::options::{self, Line};
use super::paths::{is_manifest, is_page, is_stdin};
use super::resources::{self, Type};
use super::yaml::{self, End};
use super::{fields, selector, sources};
use crate::model::{Content, Facts};

/// Fact: names in the folders that the line reads, by folder.
pub(super) const FOLDERS: &str = "folders";
/// Fact: what kubectl makes of the paths that are not there: the paths that match, or none.
pub(super) const PATTERNS: &str = "patterns";

/// Folders below folders, for `-R`; deeper is not followed, and the reading doubts.
pub(super) const DEPTH: usize = 16;

/// Folders that are listed, and kustomizations that are followed, for one line. Folders of folders, and kustomizations
/// that name each other, are as many as the agent likes within any depth; what lies beyond is a doubt.
pub(super) const PLACES: usize = 1024;

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: String,
    /// Without the group.
    pub version: String,
    pub of: Type,
    /// `*` where only `generateName` is given: the server chooses.
    pub name: String,
    pub namespace: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// It has no name of its own: kubectl applies none such.
    pub unnamed: bool,
    /// Something may have given it other labels.
    pub relabelled: bool,
    /// The end of a name that is a digest of the content; empty for all but generated objects.
    pub hash: String,
}

/// What the manifests of a line come to.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub objects: Vec<Object>,
    /// Paths as the line names them; standard input is not a file.
    pub files: Vec<String>,
    /// `(kind of doubt, detail)`.
    pub doubts: Vec<(&'static str, String)>,
    /// Why kubectl would not go on.
    pub refused: Option<String>,
    /// What may still be gone through: a byte of content is one, and each name counts as [`NAME`].
    left: usize,
    /// What kubectl leaves out, complaining; where nothing else is there, it does not go on.
    pub mistake: Option<String>,
    /// A file is read up to the first object that says not what it is.
    validates: bool,
    /// The same of a list that is none; what only warns does not look into lists.
    validates_lists: bool,
    /// A kustomization that is built may have charts in it.
    pub charts: bool,
    /// Of kubectl; it says where a file ends.
    minor: Option<u32>,
    /// What is read now belongs to a kustomization.
    pub builds: bool,
}

/// What going to one more file or folder costs beside its bytes.
const NAME: usize = 64;

/// What `-f` names. `run` takes the options of a deletion, this among them, and looks at none; a `get` by its path
/// sends nothing.
pub(super) fn named(line: &Line) -> Vec<String> {
    let raw = line.value("raw").is_some_and(|path| !path.is_empty());
    match line.command.path.as_slice() {
        ["run"] => Vec::new(),
        ["get"] if raw => Vec::new(),
        _ => line.values("filename"),
    }
}

/// The objects of everything that the line names, on the server's side.
pub(super) fn read(line: &Line, facts: &Facts) -> Manifests {
    let mut out = Manifests::within(facts);
    out.validates = matches!(line.command.path.as_slice(), ["create" | "apply" | "replace"])
        && !matches!(line.value("validate"), Some("0" | "f" | "F" | "false" | "FALSE" | "False" | "ignore"));
    out.validates_lists = out.validates && line.value("validate") != Some("warn");
    out.minor = facts.version.as_deref().and_then(options::minor);
    out.charts = fields::may_have_charts(&facts.contents);
    let folders = Folders::of(facts);
    if line.value("raw").is_some_and(|path| !path.is_empty()) {
        // What is sent to a path is not looked into.
        out.files = named(line).into_iter().filter(|path| !is_stdin(path)).collect();
        if let Some(path) = out.files.iter().find(|path| folders.patterns.get(*path).is_some_and(Vec::is_empty)) {
            out.refused = Some(format!("{path} is not there"));
        }
        return out;
    }
    if let Some(path) = sources::wanted(line).iter().find(|path| folders.patterns.contains_key(*path)) {
        out.refuse(format!("{path} is not there, or not what it should be"));
    }
    for path in named(line) {
        match path.as_str() {
            path if is_stdin(path) => out.content(facts.stdin(), "standard input"),
            path if is_page(path) => {
                out.doubts.push(("unread_content", format!("the manifest at {path} is on another machine")));
            }
            path => match folders.patterns.get(path) {
                Some(none) if none.is_empty() => out.refuse(format!("the path {path} does not exist")),
                Some(found) => found.iter().for_each(|path| out.named(path, line.on("recursive"), &folders, facts)),
                None => out.named(path, line.on("recursive"), &folders, facts),
            },
        }
    }
    if let Some(folder) = line.value("kustomize").filter(|folder| !folder.is_empty() && line.command.path != ["run"]) {
        out.kustomization(folder, facts, 0);
    }
    let built = line.words().first().map_or(".", |word| word).to_owned();
    if line.command.path == ["kustomize"] && folders.patterns.get(&built).is_some_and(Vec::is_empty) {
        out.refuse(format!("no kustomization is in {built}"));
    }
    if let Some(why) = out.mistake.take().filter(|_| out.objects.is_empty() && out.doubts.is_empty()) {
        out.refuse(why);
    }
    // Of these the labels that count stand in the manifest; others look at those that the server has.
    let by_file =
        matches!(line.command.path.as_slice(), ["apply" | "create" | "diff" | "scale" | "delete" | "describe"]);
    if let Some(selector) = line.selector().filter(|_| by_file) {
        out.objects.retain(|object| object.relabelled || selector::may_match(selector, &object.labels));
    }
    // Only what is new may leave its name to the server.
    let names = matches!(line.command.path[0], "create" | "apply" | "kustomize");
    if !names && out.doubts.is_empty() && !out.objects.is_empty() && out.objects.iter().all(|object| object.unnamed) {
        out.refuse("an object has no name".to_owned());
    }
    out.objects.retain(|object| names || !object.unnamed);
    out
}

/// What the agent's side listed.
struct Folders {
    folders: BTreeMap<String, Vec<String>>,
    patterns: BTreeMap<String, Vec<String>>,
}

impl Folders {
    fn of(facts: &Facts) -> Self {
        Folders { folders: facts.get(FOLDERS).unwrap_or_default(), patterns: facts.get(PATTERNS).unwrap_or_default() }
    }
}

impl Manifests {
    /// Nothing yet, and room for every content four times over: a line may name one twice, but not a thousand times.
    pub fn within(facts: &Facts) -> Self {
        let bytes: usize = facts.contents.iter().map(|content| content.bytes.len()).sum();
        Manifests { left: 4 * (bytes + PLACES * NAME), ..Manifests::default() }
    }

    /// Whether there is room for one more name with this much behind it. Where there is none, that is the doubt.
    pub fn goes_on(&mut self, bytes: usize) -> bool {
        let room = self.left.checked_sub(NAME + bytes);
        if room.is_none() && self.left > 0 {
            self.doubts.push(("unread_content", "the line leads to more files than are followed".to_owned()));
        }
        self.left = room.unwrap_or(0);
        room.is_some()
    }

    /// What kubectl complains of, and goes on with the rest, where there is any.
    fn mistake(&mut self, why: String) {
        self.mistake.get_or_insert(why);
    }

    pub fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(why);
    }

    fn named(&mut self, path: &str, deep: bool, folders: &Folders, facts: &Facts) {
        match folders.folders.contains_key(path) {
            true => self.folder(path, deep, folders, facts, 0),
            false => self.file(path, facts),
        }
    }

    pub fn file(&mut self, path: &str, facts: &Facts) {
        let content = facts.file(path.as_bytes());
        if self.goes_on(content.map_or(0, |content| content.bytes.len())) {
            self.files.push(path.to_owned());
            self.content(content, path);
        }
    }

    fn content(&mut self, content: Option<&Content>, name: &str) {
        match content {
            None => self.doubts.push(("unread_content", format!("{name} could not be read"))),
            Some(content) if content.truncated => {
                self.doubts.push(("unread_content", format!("{name} could not be read to its end")));
            }
            Some(content) => match yaml::documents_before(&content.bytes, self.builds) {
                Ok((_, end)) if end != End::Whole && !self.minor.is_some_and(|minor| end.is_for(minor)) => {
                    self.doubts.push(("unreadable_content", format!("{name}: text stands where a document begins")));
                }
                Ok((documents, end)) => {
                    let mut kinded = documents.iter();
                    while kinded.next().is_some_and(|document| self.document(document, name)) {}
                    if end != End::Whole {
                        self.mistake(format!("{name}: text stands where a document begins"));
                    }
                }
                Err(why) => self.doubts.push(("unreadable_content", format!("{name}: {why}"))),
            },
        }
    }

    fn folder(&mut self, path: &str, deep: bool, folders: &Folders, facts: &Facts, depth: usize) {
        let Some(names) = folders.folders.get(path) else {
            return self.doubts.push(("unread_content", format!("the folder {path} could not be listed")));
        };
        for name in names {
            if !self.goes_on(0) {
                return;
            }
            match name.strip_suffix('/') {
                Some(name) if deep && depth < DEPTH => self.folder(&join(path, name), deep, folders, facts, depth + 1),
                Some(name) if deep => self.doubts.push(("unread_content", format!("{name} is too deep"))),
                Some(_) => {}
                None if is_manifest(name) => self.file(&join(path, name), facts),
                None => {}
            }
        }
    }

    /// apimachinery: whatever has a list under `items` is a list; its items take kind and version from it where they
    /// have none of their own. A list in a list spoils the whole. False where kubectl reads the file no further.
    fn document(&mut self, value: &Value, name: &str) -> bool {
        let items = |value: &Value| value.get("items").is_some_and(Value::is_array);
        let said = |key: &str| value.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !said("kind") || !said("apiVersion") && self.validates {
            self.mistake(format!("{name} holds something without kind or apiVersion"));
            return !self.validates;
        }
        match value.get("items").and_then(Value::as_array) {
            Some(list) if !list.iter().all(Value::is_object) => {
                self.mistake(format!("{name} holds a list of what is no object"));
                return !self.validates_lists;
            }
            Some(list) if list.iter().any(items) => self.mistake(format!("{name} holds a list within a list")),
            Some(list) => list.iter().for_each(|item| self.object(item, Some(value), name)),
            None if value.get("kind").and_then(Value::as_str) == Some("List") => {
                self.mistake(format!("{name} holds a list of nothing"));
                return !self.validates_lists || value.get("items").is_some();
            }
            None => self.object(value, None, name),
        }
        true
    }

    fn object(&mut self, value: &Value, list: Option<&Value>, name: &str) {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let own = |key: &str| text(value, key).filter(|text| !text.is_empty());
        let inherited = |key: &str| list.and_then(|list| text(list, key));
        let kind = own("kind").or_else(|| inherited("kind")?.strip_suffix("List").map(str::to_owned));
        let version = own("apiVersion").or_else(|| inherited("apiVersion"));
        let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
            return self.mistake(format!("{name} holds something without a kind"));
        };
        // Unvalidated, a version that is not there is the core's.
        let version = version.unwrap_or_default();

        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        if !yaml::has_texts(metadata) {
            return self.mistake(format!("{name} holds a name or a label that is no text"));
        }
        let name = match text(metadata, "name").filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => "*".to_owned(),
        };
        let unnamed = name == "*";
        let of = resources::of_kind(&version, &kind);
        if resources::is_none(&version, &kind) {
            return self.mistake(format!("no server has {kind}"));
        }
        let namespace = text(metadata, "namespace").filter(|text| !text.is_empty());
        let labels = metadata.get("labels").and_then(Value::as_object).into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let version = version.rsplit('/').next().unwrap_or_default().to_owned();
        self.objects.push(Object {
            kind,
            version,
            of,
            name,
            namespace,
            labels,
            unnamed,
            relabelled: false,
            hash: String::new(),
        });
    }
}

/// The contents behind one value of `-f`, by their paths, in the order in which kubectl would read them.
pub(super) fn paths_of(value: &str, recursive: bool, facts: &Facts) -> Vec<String> {
    let folders = Folders::of(facts);
    let mut found = Manifests::within(facts);
    let mut add = |path: &str| match folders.folders.contains_key(path) {
        true => found.folder(path, recursive, &folders, facts, 0),
        false => found.files.push(path.to_owned()),
    };
    match folders.patterns.get(value).filter(|paths| !paths.is_empty()) {
        Some(paths) => paths.iter().for_each(|path| add(path)),
        None => add(value),
    }
    found.files
}

pub(super) fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A path below a folder, as kubectl would name it.
pub(super) fn join(folder: &str, name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    match folder.trim_end_matches('/') {
        "" if folder.starts_with('/') => format!("/{name}"),
        "" | "." => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}
