//! The digest of its content that ends the name of a generated object.

use serde_json::{Map, Value, json};

use super::manifests::texts;
use crate::model::Digest;

/// kustomize's hasher: ten letters of a SHA-256 over the object in JSON with sorted keys, some digits written as letters.
/// It looks for the name in a field that is not there, so the name never counts.
pub(super) fn digest(generator: &Value, kind: &str) -> Option<String> {
    use base64::Engine as _;
    if ["files", "envs", "env"].iter().any(|key| generator.get(key).is_some_and(|v| !v.is_null())) {
        return None;
    }
    let mut data = Map::new();
    for literal in texts(generator, "literals") {
        let (key, value) = literal.split_once('=')?;
        let quoted = |mark: char| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark);
        let value = if quoted('"') || quoted('\'') { &value[1..value.len() - 1] } else { value };
        let value = match kind {
            "Secret" => base64::engine::general_purpose::STANDARD.encode(value),
            _ => value.to_owned(),
        };
        data.insert(key.to_owned(), json!(value));
    }
    let data = if data.is_empty() { json!("") } else { Value::Object(data) };
    let of = generator.get("type").and_then(Value::as_str).unwrap_or("Opaque");
    Some(letters(kind, "", of, &data))
}

/// The same of `kubectl create --append-hash`, where the name counts.
#[cfg(feature = "reading")]
pub(super) fn hash(kind: &str, name: &str, of: &str, literals: &[(String, String)]) -> String {
    use base64::Engine as _;
    let value = |value: &String| match kind {
        "Secret" => json!(base64::engine::general_purpose::STANDARD.encode(value)),
        _ => json!(value),
    };
    let data: Map<String, Value> = literals.iter().map(|(key, text)| (key.clone(), value(text))).collect();
    letters(kind, name, of, &Value::Object(data))
}

fn letters(kind: &str, name: &str, of: &str, data: &Value) -> String {
    let object = match kind {
        "Secret" => json!({ "data": data, "kind": kind, "name": name, "type": of }),
        _ => json!({ "data": data, "kind": kind, "name": name }),
    };
    // Go's encoder writes these as escapes.
    let text = object.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let hex = Digest::of(text.as_bytes()).to_string();
    let letter = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    hex.chars().take(10).map(letter).collect()
}
