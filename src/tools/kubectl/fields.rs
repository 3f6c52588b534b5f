//! The fields of a kustomization (kustomize's types.Kustomization): which there are, and what stands in them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::manifests::texts;
use super::yaml;
use crate::model::Content;

/// Fields that only say what it is and what it collects.
pub(super) const PLAIN: [&str; 4] = ["apiVersion", "kind", "metadata", "resources"];

/// Fields that leave kinds, names and namespaces as they are.
pub(super) const HARMLESS: [&str; 13] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "images",
    "replicas",
    "generatorOptions",
    "sortOptions",
];

/// Fields whose effect is not read (kustomize's types.Kustomization).
pub(super) const UNREAD: [&str; 13] = [
    "imageTags",
    "replacements",
    "vars",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "helmGlobals",
    "helmCharts",
    "openapi",
    "buildMetadata",
    "inventory",
];

/// Fields that change what is collected, or add to it.
const PATCHING: [&str; 7] = [
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "configMapGenerator",
    "secretGenerator",
    "helmChartInflationGenerator",
    "namespace",
];

/// Fields that name and place.
pub(super) const PLACING: [&str; 3] = ["namespace", "namePrefix", "nameSuffix"];

/// A kustomization, its fields in the case that they are written in here: Go takes them in any.
pub(super) fn fields(bytes: &[u8]) -> Result<Value, String> {
    yaml::first(bytes).and_then(in_case)
}

/// Fields below those of the kustomization itself.
const BELOW: [&str; 24] = [
    "name",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "type",
    "options",
    "disableNameSuffixHash",
    "path",
    "patch",
    "target",
    "group",
    "version",
    "labelSelector",
    "annotationSelector",
    "pairs",
    "targets",
    "select",
    "source",
    "fieldPaths",
    "allowNameChange",
    "allowKindChange",
    "patchesJson6902",
];

/// Whether Go's JSON takes a key for the field.
pub(super) fn is_called(key: &str, name: &str) -> bool {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").eq_ignore_ascii_case(name)
}

fn in_case(value: Value) -> Result<Value, String> {
    // What stands below these are names of their own; `labels` is also a list of what is none.
    const NAMES_OF: [&str; 6] = ["pairs", "commonLabels", "commonAnnotations", "annotations", "metadata", "labels"];
    let known = HARMLESS.iter().chain(&UNREAD).chain(&PLACING).chain(&PATCHING).chain(&BELOW);
    Ok(match value {
        Value::Array(all) => Value::Array(all.into_iter().map(in_case).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                let name = known.clone().find(|name| is_called(&key, name));
                let name = name.map_or(key, |name| (*name).to_owned());
                let names = NAMES_OF.contains(&name.as_str()) && !value.is_array();
                let value = if names { value } else { in_case(value)? };
                if out.insert(name, value).is_some() {
                    return Err("one field is written in two ways".to_owned());
                }
            }
            Value::Object(out)
        }
        value => value,
    })
}

/// Whether it is one, of the version that kustomize wants. Alone a component is taken, too, but not as a resource.
pub(super) fn is_kustomization(value: &Value, component: bool, depth: usize) -> bool {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = match text("kind") {
        "" | "Kustomization" if !component => "v1beta1",
        "Component" if component || depth == 0 => "v1alpha1",
        _ => return false,
    };
    text("apiVersion").is_empty() || text("apiVersion") == format!("kustomize.config.k8s.io/{version}")
}

/// Files that patches stand in.
pub(super) fn patch_files(value: &Value) -> impl Iterator<Item = String> {
    patches(value).filter_map(|patch| Some(patch.get("path")?.as_str()?.to_owned()))
}

/// Files that generators take their values from.
pub(super) fn sources(value: &Value) -> impl Iterator<Item = String> {
    let generators = ["configMapGenerator", "secretGenerator"].into_iter();
    let generators = generators.filter_map(|key| value.get(key)?.as_array()).flatten();
    generators.flat_map(|generator| {
        let envs = texts(generator, "envs").into_iter().chain(generator.get("env").and_then(Value::as_str));
        let files = texts(generator, "files").into_iter();
        let files = files.map(|file| file.split_once('=').map_or(file, |(_, path)| path));
        files.chain(envs).map(str::to_owned).collect::<Vec<_>>()
    })
}

/// Each patch of a kustomization as `{path, patch, options}`, whatever field it stands in.
pub(super) fn patches(value: &Value) -> impl Iterator<Item = Value> {
    let list = |key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let of_strings = list("patchesStrategicMerge").into_iter().map(|patch| match patch.as_str() {
        // What is one by itself is no path.
        Some(text) if yaml::first(text.as_bytes()).is_ok_and(|value| !value.is_string()) => json!({ "patch": text }),
        Some(path) => json!({ "path": path }),
        None => json!({ "patch": patch.to_string() }),
    });
    list("patches").into_iter().chain(list("patchesJson6902")).chain(of_strings)
}

/// Whether replacements leave kinds, names and namespaces as they are.
pub(super) fn replaces_within(set: &Value) -> bool {
    let within = |field: &Value| {
        let safe = ["spec.", "data.", "stringData.", "metadata.labels.", "metadata.annotations.", "rules."];
        field.as_str().is_some_and(|field| safe.iter().any(|safe| field.starts_with(safe)))
    };
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    set.as_array().is_some_and(|all| {
        all.iter().all(|one| {
            let targets = list(one, "targets");
            !targets.is_empty()
                && targets.iter().all(|target| {
                    let fields = list(target, "fieldPaths");
                    !fields.is_empty() && fields.iter().all(within)
                })
        })
    })
}

/// What stands under `labels` in each of these.
pub(super) fn labels_of<'a>(all: impl Iterator<Item = &'a Value>) -> BTreeMap<String, String> {
    let maps = all.filter_map(|one| one.get("labels")?.as_object()).flatten();
    maps.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Whether the labels and notes that a kustomization gives are texts; it is none otherwise.
pub(super) fn gives_texts(value: &Value) -> bool {
    let pairs = value.get("labels").and_then(Value::as_array).into_iter().flatten().filter_map(|one| one.get("pairs"));
    let maps = ["commonLabels", "commonAnnotations"].iter().filter_map(|key| value.get(key)).chain(pairs);
    maps.filter_map(Value::as_object).flatten().all(|(_, given)| given.is_string() || given.is_null())
}

/// Whether a kustomization names a chart, or something on another machine that may.
pub(super) fn may_have_charts(contents: &[Content]) -> bool {
    let signs: [&[u8]; 4] = [b"elmChart", b"://", b"git@", b"github.com"];
    let names = |content: &Content| signs.iter().any(|sign| content.bytes.windows(sign.len()).any(|at| at == *sign));
    contents.is_empty() || contents.iter().any(|content| content.truncated || names(content))
}
