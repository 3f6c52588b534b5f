//! YAML as kubectl reads it: its own splitting into documents, then YAML 1.1's words, duplicate keys and octals.
//!
//! Where readers differ (`%` directives, `...`, text behind `---`, keys that are not text, anything but UTF-8), nothing is
//! returned but the reason: a manifest that two readers understand in two ways is one that nobody inspected.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Every document of a file: a stream of JSON values, or YAML.
pub(super) fn documents(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err("it begins with a byte order mark".to_owned());
    }
    // apimachinery's hasJSONPrefix: the first character that is not white space.
    if text.trim_start().starts_with('{') {
        return json(text);
    }
    split(text)?.into_iter().filter_map(|document| one(&document).transpose()).collect()
}

/// The first document, for files that hold one.
pub(super) fn first(bytes: &[u8]) -> Result<Value, String> {
    Ok(documents(bytes)?.into_iter().next().unwrap_or(Value::Null))
}

fn json(text: &str) -> Result<Vec<Value>, String> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .collect::<Result<_, _>>()
        .map_err(|error| format!("it begins as JSON and does not go on so: {error}"))
}

/// apimachinery's YAMLReader: a line `---` with nothing behind it but a comment ends a document.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("---") {
            if !rest.trim().is_empty() && !rest.trim_start().starts_with('#') {
                return Err("text stands behind ---".to_owned());
            }
            documents.push(String::new());
        } else if line.starts_with("...") || line.starts_with('%') {
            return Err("it has a directive or an end mark".to_owned());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    Ok(documents)
}

/// One document; `None` where there is nothing in it.
fn one(text: &str) -> Result<Option<Value>, String> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(None);
    }
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
    };
    let value: Document = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or("it is no YAML").to_owned()
    })?;
    Ok((!value.0.is_null()).then_some(value.0))
}

/// A JSON value out of YAML, whose keys must be text that no reader takes for something else.
struct Document(Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match odd_key(&value) {
            Some(key) => Err(D::Error::custom(format!("the key {key:?} is not plain text"))),
            None => Ok(Document(value)),
        }
    }
}

/// A key that YAML 1.1 reads as a truth value, a number or nothing (`yes:`, `1:`, `~:`).
fn odd_key(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => {
            map.iter().find_map(|(key, value)| if is_odd(key) { Some(key.as_str()) } else { odd_key(value) })
        }
        Value::Array(list) => list.iter().find_map(odd_key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_odd(key: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "<<"];
    words.iter().any(|word| key.eq_ignore_ascii_case(word))
}
