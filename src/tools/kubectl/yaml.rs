//! YAML as kubectl reads it: its own splitting into documents, then YAML 1.1's words, duplicate keys and octals.
//!
//! Where readers differ (`%` directives, text behind `---`, keys that are not text, anything but UTF-8), nothing is
//! returned but the reason: a manifest that two readers understand in two ways is one that nobody inspected.

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Every document of a file: a stream of JSON values, or YAML.
pub(super) fn documents(bytes: &[u8]) -> Result<Vec<Value>, String> {
    documents_before(bytes, false).and_then(|(documents, broken)| match broken {
        true => Err(BROKEN.to_owned()),
        false => Ok(documents),
    })
}

const BROKEN: &str = "text stands behind ---";

/// The same, and whether a mark with text behind it ends the file before its end: kubectl refuses what comes then, and did
/// not always (the table's version does). In what kustomize `builds` a map's own keys win over merged ones.
pub(super) fn documents_before(bytes: &[u8], builds: bool) -> Result<(Vec<Value>, bool), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    // apimachinery's hasJSONPrefix: the first character that is not white space; a byte order mark makes it YAML.
    if text.trim_start().starts_with('{') {
        return json(text);
    }
    let (documents, broken) = split(text)?;
    let one = if builds { one::<true> } else { one::<false> };
    let documents = documents.into_iter().filter_map(|document| one(&document).transpose());
    Ok((documents.collect::<Result<_, _>>()?, broken))
}

/// Whether something ends a file before its end.
pub(super) fn breaks(bytes: &[u8]) -> bool {
    documents_before(bytes, false).is_ok_and(|(_, broken)| broken)
}

/// The first document, for files that hold one.
pub(super) fn first(bytes: &[u8]) -> Result<Value, String> {
    Ok(documents(bytes)?.into_iter().next().unwrap_or(Value::Null))
}

/// A stream of values, and whether something stands behind them that is no JSON, by Go's reading too.
fn json(text: &str) -> Result<(Vec<Value>, bool), String> {
    let stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut out = Vec::new();
    for next in stream {
        match next {
            Ok(value) => out.push(value),
            // Go takes halves of characters, and goes deeper.
            Err(error) if text.contains("\\u") || error.to_string().contains("recursion") => {
                return Err(format!("it begins as JSON and does not go on so: {error}"));
            }
            Err(_) => return Ok((out, true)),
        }
    }
    Ok((out, false))
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
fn one<const OWN: bool>(text: &str) -> Result<Option<Value>, String> {
    if is_blank(text) {
        return Ok(None);
    }
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::AsOrdinary,
        legacy_octal_numbers: true,
    };
    let value: Document<OWN> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or("it is no YAML").to_owned()
    })?;
    Ok((!value.0.is_null()).then_some(value.0))
}

/// A JSON value out of YAML, whose keys must be text that no reader takes for something else.
struct Document<const OWN: bool>(Value);

impl<'de, const OWN: bool> Deserialize<'de> for Document<OWN> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Node::<OWN>(value) = Node::deserialize(deserializer)?;
        match odd_key(&value) {
            Some(key) => Err(D::Error::custom(format!("the key {key:?} is not plain text"))),
            None => Ok(Document(value)),
        }
    }
}

/// Any value. A merge (`<<`) sets its keys where it stands, over those before it, as go-yaml 2 has it; by YAML's own rule a
/// map's `OWN` keys win.
struct Node<const OWN: bool>(Value);

impl<'de, const OWN: bool> Deserialize<'de> for Node<OWN> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Nodes::<OWN>).map(Node)
    }
}

struct Nodes<const OWN: bool>;

impl<'de, const OWN: bool> Visitor<'de> for Nodes<OWN> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Node::<OWN>(value)) = sequence.next_element()? {
            out.push(value);
        }
        Ok(out.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Node::<OWN>(value) = map.next_value()?;
            let merged = match value {
                value if key != "<<" => {
                    out.insert(key, value);
                    continue;
                }
                Value::Object(merged) => vec![merged],
                // Of several the first counts.
                Value::Array(several) => several.into_iter().rev().map(into_map).collect::<Result<_, _>>()?,
                _ => return Err(A::Error::custom(NO_MAP)),
            };
            let merged: Map<String, Value> = merged.into_iter().flatten().collect();
            for (key, value) in merged {
                if !OWN || !out.contains_key(&key) {
                    out.insert(key, value);
                }
            }
        }
        Ok(out.into())
    }
}

const NO_MAP: &str = "what is merged is no map";

fn into_map<E: serde::de::Error>(value: Value) -> Result<Map<String, Value>, E> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(E::custom(NO_MAP)),
    }
}

/// A key that YAML 1.1 reads as a truth value, a number or nothing (`yes:`, `~:`), where the keys say what the object is:
/// at the top, and in the metadata there. Deeper they are data.
fn odd_key(value: &Value) -> Option<&str> {
    let places = [Some(value), value.get("metadata")].into_iter().flatten();
    places.filter_map(Value::as_object).flat_map(|map| map.keys()).map(String::as_str).find(|key| is_odd(key))
}

fn is_odd(key: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ""];
    words.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// Whether what names and marks an object is text, as kubectl needs it to be.
pub(super) fn has_texts(metadata: &Value) -> bool {
    let is_text = |value: &Value| value.is_string() || value.is_null();
    let within =
        |key: &str| metadata.get(key).and_then(Value::as_object).into_iter().flatten().all(|(_, v)| is_text(v));
    ["name", "namespace"].iter().filter_map(|key| metadata.get(key)).all(is_text)
        && within("labels")
        && within("annotations")
}
