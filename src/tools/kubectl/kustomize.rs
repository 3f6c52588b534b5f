//! Kustomizations (`-k`): what they collect, and what they make of it, as far as kinds, names and namespaces go.
//!
//! A file must lie in or below the folder of the kustomization that names it; another folder's kustomization may lie
//! anywhere. What a kustomization does beyond that (components, replacements, charts, plugins) is a doubt.

use serde_json::{Map, Value, json};

use super::digests::digest;
use super::fields::{
    HARMLESS, PLACING, PLAIN, UNREAD, fields, gives_texts, is_kustomization, labels_of, patch_files, patches,
    replaces_within, sources,
};
use super::gathering::Gathering;
use super::manifests::{DEPTH, Manifests, Object, PATTERNS, join, texts};
use super::paths::is_url;
use super::resources;
use super::{paths, yaml};
use crate::model::Facts;

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Kinds that keep their names without prefix and suffix.
const UNPREFIXED: [&str; 3] = ["CustomResourceDefinition", "APIService", "Namespace"];

impl Gathering<'_> {
    pub fn kustomization(&mut self, folder: &str, depth: usize) {
        if is_url(folder) || !self.goes_on() {
            return;
        }
        if paths::is_absent(folder, self.world, 0) {
            self.listed.patterns.insert(folder.to_owned(), Vec::new());
        }
        if self.world.is_file(folder.as_bytes()) {
            self.listed.patterns.insert(folder.to_owned(), Vec::new());
        }
        let before = self.contents.len();
        for path in NAMES.iter().map(|name| join(folder, name)).filter(|path| self.world.is_file(path.as_bytes())) {
            self.file(&path);
        }
        if self.contents.len() == before && self.world.list(folder.as_bytes()).is_some() {
            self.listed.patterns.insert(folder.to_owned(), Vec::new());
        }
        let Some(content) = self.contents.get(before) else { return };
        let Ok(value) = fields(&content.bytes) else { return };
        let named = ["resources", "bases", "components"].into_iter().flat_map(|key| texts(&value, key));
        for resource in named {
            let below = at(folder, resource);
            match () {
                () if is_url(resource) && !self.world.is_file(below.as_bytes()) => {}
                () if !self.world.is_dir(below.as_bytes()) => self.built_in(folder, below),
                () if depth < DEPTH => self.kustomization(&below, depth + 1),
                () => {}
            }
        }
        for path in patch_files(&value) {
            self.built_in(folder, at(folder, &path));
        }
        for below in sources(&value).map(|path| at(folder, &path)) {
            if self.is_unfit(&below, folder) {
                self.listed.patterns.insert(below, Vec::new());
            }
        }
    }

    /// A file that a kustomization names, where kustomize takes it.
    fn built_in(&mut self, folder: &str, path: String) {
        match self.is_unfit(&path, folder) {
            true => drop(self.listed.patterns.insert(path, Vec::new())),
            false => self.file(&path),
        }
    }

    fn is_unfit(&self, path: &str, folder: &str) -> bool {
        paths::is_absent(path, self.world, 0) || self.lies_outside(path, folder)
    }
}

impl Manifests {
    pub fn kustomization(&mut self, folder: &str, facts: &Facts, depth: usize) {
        self.built(folder, facts, depth, None);
    }

    /// A component works on what the kustomization that names it has collected so far: the objects `from` there.
    fn built(&mut self, folder: &str, facts: &Facts, depth: usize, component: Option<usize>) {
        let patterns = facts.facts.get(PATTERNS).and_then(Value::as_object);
        let found: Vec<_> = NAMES
            .iter()
            .map(|name| join(folder, name))
            .filter_map(|path| facts.file(path.as_bytes()).map(|content| (path, content)))
            .collect();
        let (path, content) = match found.as_slice() {
            [] if patterns.is_some_and(|patterns| patterns.contains_key(folder)) => {
                return self.refuse(format!("no kustomization is in {folder}"));
            }
            [_, _, ..] => return self.refuse(format!("several kustomizations are in {folder}")),
            [one] if depth < DEPTH && !one.1.truncated => one,
            _ => return self.doubts.push(("unread_content", format!("no kustomization could be read in {folder}"))),
        };
        if !self.goes_on(content.bytes.len()) {
            return;
        }
        self.files.push(path.clone());
        let value = match fields(&content.bytes) {
            Ok(value) => value,
            Err(why) => return self.doubts.push(("unreadable_content", format!("{path}: {why}"))),
        };
        if !is_kustomization(&value, component.is_some(), depth) || !gives_texts(&value) {
            return self.refuse(format!("{path} is of the wrong kind"));
        }
        let unfit = |path: &String| patterns.is_some_and(|patterns| patterns.contains_key(&at(folder, path)));
        if let Some(path) = patch_files(&value).chain(sources(&value)).find(unfit) {
            return self.refuse(format!("{path} is not there, or not in or below {folder}"));
        }
        let before = component.unwrap_or(self.objects.len());
        for resource in texts(&value, "resources").into_iter().chain(texts(&value, "bases")) {
            let below = at(folder, resource);
            // A file is looked for first.
            if is_url(resource) && (resource.contains("://") || facts.file(below.as_bytes()).is_none()) {
                self.doubts.push(("unread_content", format!("the kustomization at {resource} is on another machine")));
            } else if facts.file(below.as_bytes()).is_none() {
                self.kustomization(&below, facts, depth + 1);
            } else {
                self.builds = true;
                self.file(&below, facts);
                self.builds = false;
            }
        }
        for name in texts(&value, "components") {
            match is_url(name) {
                true => self.doubts.push(("unread_content", format!("the component at {name} is on another machine"))),
                false => self.built(&at(folder, name), facts, depth + 1, Some(before)),
            }
        }
        self.files.extend(patch_files(&value).chain(sources(&value)).map(|path| at(folder, &path)));
        // What is called a list needs no name.
        if self.objects[before..].iter().any(|object| object.unnamed && !object.kind.ends_with("List")) {
            return self.refuse(format!("{path} collects something without a name"));
        }
        if self.has_twins(before) {
            return self.refuse(format!("{path} collects something twice"));
        }
        self.generated(&value);
        // These patches come after what renames and places; where nothing does, they are like all others.
        let plain = PLACING.iter().all(|key| value.get(key).is_none());
        for (key, set) in value.as_object().into_iter().flatten() {
            let key = if key == "patchesJson6902" && plain { "patches" } else { key };
            self.transformed(key, set, before, path, folder, facts);
        }
        self.placed(&value, before);
        let relabels = patches(&value).next().is_some()
            || ["replacements", "buildMetadata"].iter().any(|key| value.get(key).is_some());
        let common = value.get("commonLabels").into_iter().map(|labels| json!({ "labels": labels }));
        let pairs = value.get("labels").and_then(Value::as_array).into_iter().flatten();
        let given: Vec<Value> = common.chain(pairs.map(|one| json!({ "labels": one.get("pairs") }))).collect();
        for object in &mut self.objects[before..] {
            object.relabelled |= relabels;
            object.labels.extend(labels_of(given.iter()));
        }
    }

    fn transformed(&mut self, key: &str, set: &Value, before: usize, path: &str, folder: &str, facts: &Facts) {
        let harmless = match key {
            "namespace" | "namePrefix" | "nameSuffix" => set.is_string(),
            "configMapGenerator" | "secretGenerator" => set.is_array(),
            // Only `kubectl kustomize` has the option without which none is built.
            "helmCharts" | "helmChartInflationGenerator" if set.as_array().is_some_and(|list| !list.is_empty()) => {
                return self.refuse(format!("{path}: charts are not built"));
            }
            "replacements" => replaces_within(set),
            // Variables stand for values in commands, variables and notes; what else they may stand in is configured apart.
            "vars" => set.is_array(),
            "buildMetadata" => set.is_array(),
            "crds" | "openapi" | "configurations" | "generators" | "transformers" | "validators" | "helmCharts" => {
                set.is_null() || set.as_array().is_some_and(Vec::is_empty) || set.as_object().is_some_and(Map::is_empty)
            }
            "patches" | "patchesStrategicMerge" | "patchesJson6902" => {
                let whole = json!({ key: set });
                let early = key != "patchesJson6902";
                patches(&whole).all(|patch| self.patched(&patch, early, before, folder, facts))
            }
            key => HARMLESS.contains(&key),
        };
        if !harmless
            && !UNREAD.contains(&key)
            && !key.starts_with("patches")
            && !key.ends_with("Generator")
            && !PLACING.contains(&key)
        {
            return self.refuse(format!("{path}: no kustomization has {key}"));
        }
        if !harmless {
            self.doubts.push(("unreadable_content", format!("{path}: what {key} does is not read")));
        }
    }

    /// The same thing, by kind, name and namespace, from two resources: kustomize does not go on.
    fn has_twins(&self, before: usize) -> bool {
        let mut seen = std::collections::HashSet::new();
        self.objects[before.min(self.objects.len())..]
            .iter()
            .filter(|object| object.name != "*")
            .any(|object| !seen.insert((&object.kind, &object.of.group, &object.name, &object.namespace)))
    }

    /// What one patch makes of the objects' names, and which it takes away. False where that is not read.
    /// Only `early` patches come before prefixes and namespaces, so only these may change what those work on.
    fn patched(&mut self, patch: &Value, early: bool, before: usize, folder: &str, facts: &Facts) -> bool {
        let options = patch.get("options").and_then(Value::as_object);
        let renames = options.is_some_and(|options| options.values().any(|value| value != &json!(false)));
        let Some(documents) = documents(patch, folder, facts) else { return false };
        documents.iter().all(|document| match document {
            Value::Array(steps) => {
                steps.iter().all(|step| self.stepped(step, patch.get("target").filter(|_| early), before))
            }
            Value::Object(map) if !renames => {
                // It names the object that it is for; one that is not there would be an error.
                let own = json!({ "kind": map.get("kind"), "name": document.pointer("/metadata/name") });
                let target = patch.get("target").unwrap_or(&own);
                match map.get("$patch").map(Value::as_str) {
                    Some(Some("delete")) => self.removed(target, before),
                    Some(_) => false,
                    None => {
                        patch.get("target").is_some()
                            || self.objects[before..].iter().any(|object| own["name"] == object.name.as_str())
                    }
                }
            }
            _ => false,
        })
    }

    fn removed(&mut self, target: &Value, before: usize) -> bool {
        let Some(goes) = self.objects[before..].iter().map(|object| is_for(target, object)).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let mut at = 0;
        self.objects.retain(|_| {
            at += 1;
            at <= before || !goes[at - 1 - before]
        });
        true
    }

    /// One step of an RFC 6902 patch.
    fn stepped(&mut self, step: &Value, target: Option<&Value>, before: usize) -> bool {
        let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
        let (op, path) = (text("op"), text("path"));
        let safe = ["/spec", "/data", "/metadata/labels", "/metadata/annotations", "/rules", "/stringData"];
        if safe.iter().any(|safe| path.starts_with(safe)) && (op != "move" || text("from").starts_with("/spec")) {
            return true;
        }
        let new = step.get("value").and_then(Value::as_str).filter(|_| matches!(op, "add" | "replace"));
        let (Some(new), Some(target)) = (new, target) else { return false };
        for object in &mut self.objects[before..] {
            match (is_for(target, object), path) {
                (Some(false), _) => {}
                (Some(true), "/metadata/name") => new.clone_into(&mut object.name),
                (Some(true), "/metadata/namespace") => object.namespace = Some(new.to_owned()),
                _ => return false,
            }
        }
        true
    }

    /// Names and namespaces, once all is collected: a field's place in the file means nothing.
    fn placed(&mut self, value: &Value, before: usize) {
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        for object in &mut self.objects[before..] {
            if !UNPREFIXED.contains(&object.kind.as_str()) {
                let (prefix, suffix) = (text("namePrefix").unwrap_or(""), text("nameSuffix").unwrap_or(""));
                let hash = if object.hash.is_empty() { String::new() } else { format!("-{}", object.hash) };
                let bare = object.name.strip_suffix(hash.as_str()).unwrap_or(&object.name);
                if object.name != "*" {
                    object.name = format!("{prefix}{bare}{suffix}{hash}");
                }
            }
            match text("namespace") {
                // It is the namespace that is meant.
                Some(namespace) if object.kind == "Namespace" => namespace.clone_into(&mut object.name),
                Some(namespace) if object.of.namespaced => object.namespace = Some(namespace.to_owned()),
                _ => {}
            }
        }
    }

    /// `configMapGenerator` and `secretGenerator`. The name of what they make ends in a digest of its content, unless
    /// they are told otherwise; of content that stands in files it is left open.
    fn generated(&mut self, value: &Value) {
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            for generator in value.get(key).and_then(Value::as_array).into_iter().flatten() {
                let unsuffixed = [generator.get("options"), value.get("generatorOptions")]
                    .into_iter()
                    .flatten()
                    .find_map(|options| options.get("disableNameSuffixHash")?.as_bool());
                let text = |key: &str| generator.get(key).and_then(Value::as_str);
                let name = text("name").unwrap_or_default();
                let hash = match unsuffixed {
                    Some(true) => Some(String::new()),
                    _ => digest(generator, kind),
                };
                if text("behavior").is_some_and(|behavior| behavior != "create") {
                    // It changes what is collected already, and its name with it.
                    for object in self.objects.iter_mut().filter(|object| object.kind == kind) {
                        "*".clone_into(&mut object.name);
                        object.relabelled = true;
                    }
                    continue;
                }
                self.objects.push(Object {
                    kind: kind.to_owned(),
                    version: "v1".to_owned(),
                    of: resources::of_kind("v1", kind),
                    name: match hash.as_deref() {
                        None => "*".to_owned(),
                        Some("") => name.to_owned(),
                        Some(hash) => format!("{name}-{hash}"),
                    },
                    namespace: text("namespace").map(str::to_owned),
                    labels: labels_of([value.get("generatorOptions"), generator.get("options")].into_iter().flatten()),
                    unnamed: false,
                    relabelled: false,
                    hash: hash.unwrap_or_default(),
                });
            }
        }
    }
}

/// A path that a kustomization names.
fn at(folder: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { join(folder, path) }
}

/// The documents of a patch, inline or in a file.
fn documents(patch: &Value, folder: &str, facts: &Facts) -> Option<Vec<Value>> {
    let inline = patch.get("patch").and_then(Value::as_str).filter(|text| !text.is_empty());
    match (inline, patch.get("path").and_then(Value::as_str)) {
        (Some(text), _) => yaml::documents(text.as_bytes(), true).ok(),
        (None, Some(path)) => {
            let content = facts.file(at(folder, path).as_bytes()).filter(|content| !content.truncated)?;
            yaml::documents(&content.bytes, true).ok()
        }
        _ => None,
    }
}

/// Whether a patch is for this object: kind, name and namespace of its target are patterns of the whole word, of which
/// plain words alone are read. `None` where that cannot be told.
fn is_for(target: &Value, object: &Object) -> Option<bool> {
    let map = target.as_object()?;
    let mut all = true;
    for (key, wanted) in map {
        let wanted = wanted.as_str()?;
        let parts: Vec<&str> = wanted.split(".*").collect();
        let plain = parts.iter().all(|part| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        let is = match key.as_str() {
            "kind" => object.kind.as_str(),
            "name" => object.name.as_str(),
            // kustomize's own word for what lies in none.
            "namespace" if !object.of.namespaced => "_non_namespaceable_",
            "namespace" => object.namespace.as_deref().unwrap_or("default"),
            "group" => object.of.group.as_str(),
            "version" => object.version.as_str(),
            _ => return None,
        };
        all &= wanted.is_empty() || plain.then(|| is_made_of(is, &parts))?;
    }
    Some(all)
}

/// Whether the parts follow one another, with anything between them.
fn is_made_of(text: &str, parts: &[&str]) -> bool {
    let [first, between @ .., last] = parts else { return parts == [text] };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The manifests that a kustomization only collects; `None` where it does more with them, or could not be read whole.
pub(super) fn collected(folder: &str, facts: &Facts) -> Option<Vec<String>> {
    let mut found = Manifests::within(facts);
    collect(folder, facts, 0, &mut found)?;
    Some(found.files)
}

fn collect(folder: &str, facts: &Facts, depth: usize, out: &mut Manifests) -> Option<()> {
    let mut files = NAMES.iter().filter_map(|name| facts.file(join(folder, name).as_bytes()));
    let bytes = &files.next().filter(|_| depth < DEPTH)?.bytes;
    let value = fields(bytes).ok().filter(|_| out.goes_on(bytes.len()))?;
    if value.as_object()?.keys().any(|key| !PLAIN.contains(&key.as_str())) {
        return None;
    }
    for resource in texts(&value, "resources") {
        let below = at(folder, resource);
        match facts.file(below.as_bytes()) {
            // What `-f` reads otherwise cannot be handed over with it.
            Some(content) if out.goes_on(0) && yaml::is_plain(&content.bytes) => out.files.push(below),
            Some(_) => return None,
            None => collect(&below, facts, depth + 1, out)?,
        }
    }
    Some(())
}
