//! YAML as kubectl reads it: its own splitting into documents, then YAML 1.1's words, duplicate keys and octals.
//!
//! Where readers differ (`%` directives, text behind `---`, keys that are not text, anything but UTF-8), nothing is
//! returned but the reason: a manifest that two readers understand in two ways is one that nobody inspected.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Every document of a file: a stream of JSON values, or YAML.
pub(super) fn documents(bytes: &[u8]) -> Result<Vec<Value>, String> {
    documents_before(bytes).and_then(|(documents, broken)| match broken {
        true => Err("text stands behind ---".to_owned()),
        false => Ok(documents),
    })
}

/// The same, and whether a mark with text behind it ends the file before its end: kubectl refuses what comes then, and did
/// not always (the table's version does).
pub(super) fn documents_before(bytes: &[u8]) -> Result<(Vec<Value>, bool), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    // apimachinery's hasJSONPrefix: the first character that is not white space; a byte order mark makes it YAML.
    if text.trim_start().starts_with('{') {
        return Ok((json(text)?, false));
    }
    let (documents, broken) = split(text)?;
    let documents = documents.into_iter().filter_map(|document| one(&document).transpose());
    Ok((documents.collect::<Result<_, _>>()?, broken))
}

/// Whether a mark with text behind it stands in a file of YAML.
pub(super) fn breaks(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.trim_start().starts_with('{'));
    text.is_some_and(|text| matches!(split(text), Ok((_, true))))
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

/// apimachinery's YAMLReader: a line `---` with nothing behind it but a comment ends a document. The parser then takes the
/// first document of each piece: what stands behind an end mark is never looked at.
fn split(text: &str) -> Result<(Vec<String>, bool), String> {
    let mut documents = vec![String::new()];
    let mut ended = false;
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).split_inclusive('\n') {
        let last = documents.last_mut().filter(|_| !ended);
        if let Some(rest) = line.strip_prefix("---") {
            match () {
                () if rest.trim().is_empty() || rest.trim_start().starts_with('#') => {
                    documents.push(String::new());
                    ended = false;
                }
                // The document that it ends is not returned either.
                () => {
                    documents.pop();
                    return Ok((documents, true));
                }
            }
        } else if line.starts_with("...") {
            if line.trim_end() != "..." {
                return Err("text stands behind ...".to_owned());
            }
            ended = true;
        } else if line.starts_with('%') && !ended {
            return Err("it has a directive".to_owned());
        } else if let Some(last) = last {
            last.push_str(line);
        }
    }
    Ok((documents, false))
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// One document; `None` where there is nothing in it.
fn one(text: &str) -> Result<Option<Value>, String> {
    if is_blank(text) {
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

/// A key that YAML 1.1 reads as a truth value, a number or nothing (`yes:`, `~:`), where the keys say what the object is:
/// at the top, and in the metadata there. Deeper they are data.
fn odd_key(value: &Value) -> Option<&str> {
    let places = [Some(value), value.get("metadata")].into_iter().flatten();
    places.filter_map(Value::as_object).flat_map(|map| map.keys()).map(String::as_str).find(|key| is_odd(key))
}

fn is_odd(key: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "<<"];
    words.iter().any(|word| key.eq_ignore_ascii_case(word))
}
