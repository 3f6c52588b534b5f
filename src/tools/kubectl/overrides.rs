//! `--overrides` of `run` and `expose`: what it makes of the object that the line describes.

use serde_json::Value;

use super::fields::is_called;
use super::meaning::Meaning;
use super::resources::{self, Type};
use super::yaml;

/// What says which object it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    version: String,
    kind: String,
    /// `*` where the server chooses.
    pub name: String,
}

impl Identity {
    pub fn new(version: &str, kind: &str, name: &str) -> Self {
        Identity { version: version.to_owned(), kind: kind.to_owned(), name: name.to_owned() }
    }

    /// Its type, where kubectl itself knows the kind.
    pub fn kind_of(&self) -> Option<Type> {
        resources::registered(&self.version, &self.kind)
    }

    /// Whether kubectl may know a kind all the same: one of Kubernetes' own groups that the table lacks.
    pub fn may_be_known(&self) -> bool {
        let group = self.version.rsplit_once('/').map_or("", |(group, _)| group);
        // Of the oldest groups the table has all.
        let whole = matches!(group, "" | "apps" | "batch" | "autoscaling");
        let own = !whole && (!group.contains('.') || group.ends_with(".k8s.io"));
        own && !self.version.is_empty() && !self.kind.is_empty() && !resources::is_none(&self.version, &self.kind)
    }

    /// RFC 7386, as far as it says which object it is; a strategic merge does the same with these.
    fn merge(&mut self, value: &Value) {
        for (field, at) in [(&mut self.version, "/apiVersion"), (&mut self.kind, "/kind")] {
            match value.pointer(at) {
                Some(Value::String(text)) => text.clone_into(field),
                Some(_) => field.clear(),
                None => {}
            }
        }
        match value.pointer("/metadata/name") {
            Some(Value::String(text)) if !text.is_empty() => text.clone_into(&mut self.name),
            Some(_) => "*".clone_into(&mut self.name),
            None => {}
        }
    }
}

/// The object with the line's overrides; `None` where they are none. A doubt where they could not be read.
pub(super) fn of(m: &mut Meaning<'_>, mut object: Identity) -> Option<Identity> {
    let Some(text) = m.line.value("overrides").filter(|text| !text.is_empty()) else { return Some(object) };
    let steps = match m.line.value("override-type") {
        None | Some("" | "merge" | "strategic") => false,
        Some("json") => true,
        Some(_) => {
            m.refuse("the type of the overrides is unknown");
            return None;
        }
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(all)) if steps => all.iter().for_each(|step| patch(m, step, &mut object)),
        Ok(value @ Value::Object(_)) if !steps => merge(m, &value, &mut object),
        Err(_) if yaml::is_json(text) => doubt(m),
        _ => return None,
    }
    Some(object)
}

/// Go takes what says the kind in any case, too, and of several fields the last; in ASCII that is the one that is written
/// as it should be.
fn merge(m: &mut Meaning<'_>, value: &Value, object: &mut Identity) {
    object.merge(value);
    let says =
        |key: &str, name: &str, set: &str| key != name && is_called(key, name) && (set.is_empty() || !key.is_ascii());
    let keys = value.as_object().into_iter().flat_map(|map| map.keys());
    if keys.into_iter().any(|key| says(key, "apiVersion", &object.version) || says(key, "kind", &object.kind)) {
        doubt(m);
    }
}

pub(super) fn doubt(m: &mut Meaning<'_>) {
    m.doubts.push(("unknown_objects", "--overrides may change what is created".to_owned()));
}

/// One step of an RFC 6902 patch.
fn patch(m: &mut Meaning<'_>, step: &Value, object: &mut Identity) {
    let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
    let field = match text("path") {
        _ if text("op") == "test" => return,
        "/metadata/name" => &mut object.name,
        "/kind" => &mut object.kind,
        "/apiVersion" => &mut object.version,
        path @ ("" | "/metadata") => {
            let value = step.get("value").filter(|value| value.is_object() && matches!(text("op"), "add" | "replace"));
            return match value {
                Some(value) if path.is_empty() => {
                    *object = Identity::new("", "", "*");
                    merge(m, value, object);
                }
                Some(value) => {
                    "*".clone_into(&mut object.name);
                    object.merge(&serde_json::json!({ "metadata": value }));
                }
                None => doubt(m),
            };
        }
        // Below one of these nothing says which object it is.
        path if ["/spec", "/metadata/", "/status", "/data", "/stringData", "/rules", "/subjects", "/roleRef"]
            .iter()
            .any(|safe| path.starts_with(safe)) =>
        {
            return;
        }
        _ => return doubt(m),
    };
    match step.get("value").and_then(Value::as_str) {
        Some(new) if matches!(text("op"), "add" | "replace") => new.clone_into(field),
        _ => doubt(m),
    }
}
