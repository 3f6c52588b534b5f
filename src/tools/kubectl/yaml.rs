//! YAML as kubectl reads it: its own splitting into documents, then YAML 1.1's words, duplicate keys and octals.
//!
//! Where readers differ (`%` directives, text behind `---`, keys that are not text, anything but UTF-8), nothing is
//! returned but the reason: a manifest that two readers understand in two ways is one that nobody inspected.

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_saphyr::{Spanned, Tagged};

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// At a mark with text behind it.
    Mark,
    /// Where what begins as JSON does not go on so.
    Json,
}

impl End {
    /// Whether kubectl of this minor version reads no further: it did not always look at a mark, and from 1.33 on goes
    /// on with YAML.
    pub fn is_for(self, minor: u32) -> bool {
        match self {
            End::Whole => true,
            End::Mark => minor >= 32,
            End::Json => minor < 33,
        }
    }
}

/// How far apimachinery looks for the brace that makes a file JSON.
const SNIFFED: usize = 4096;

/// Every document of a file: a stream of JSON values, or YAML, as kustomize `builds` with it or as `-f` has it.
pub(super) fn documents(bytes: &[u8], builds: bool) -> Result<Vec<Value>, String> {
    match documents_before(bytes, builds)? {
        (documents, End::Whole) => Ok(documents),
        _ => Err("text stands where a document begins".to_owned()),
    }
}

/// The same up to where the file `End`s. In what kustomize `builds` a map's own keys win over merged ones.
pub(super) fn documents_before(bytes: &[u8], builds: bool) -> Result<(Vec<Value>, End), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    // apimachinery's hasJSONPrefix: the first character that is not white space; a byte order mark makes it YAML.
    let begin = text.trim_start();
    if begin.starts_with('{') && text.len() - begin.len() < SNIFFED {
        return json(text);
    }
    let (documents, end) = split(text)?;
    let one = if builds { one::<true> } else { one::<false> };
    let documents = documents.into_iter().filter_map(|document| one(&document).transpose());
    Ok((documents.collect::<Result<_, _>>()?, end))
}

/// Whether `-f` and kustomize read the same.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    documents(bytes, true).is_ok_and(|documents| documents_before(bytes, false) == Ok((documents, End::Whole)))
}

/// Whether something ends a file before its end.
pub(super) fn breaks(bytes: &[u8]) -> bool {
    documents_before(bytes, false).is_ok_and(|(_, end)| end != End::Whole)
}

/// The first document, for files that hold one.
pub(super) fn first(bytes: &[u8]) -> Result<Value, String> {
    Ok(documents(bytes, false)?.into_iter().next().unwrap_or(Value::Null))
}

/// A stream of values, and whether something stands behind them that is no JSON.
fn json(text: &str) -> Result<(Vec<Value>, End), String> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut out = Vec::new();
    while let Some(next) = stream.next() {
        match next {
            Ok(value) => out.push(value),
            Err(error) if is_json(&text[stream.byte_offset()..]) => {
                return Err(format!("it begins as JSON and does not go on so: {error}"));
            }
            Err(_) => return Ok((out, End::Json)),
        }
    }
    Ok((out, End::Whole))
}

/// Whether a text begins with what Go takes for JSON: also halves of characters, numbers of any size, and any depth.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>().next().is_some_and(|next| next.is_ok())
}

/// apimachinery's YAMLReader: a line `---` with nothing behind it but a comment ends a document. The parser then takes the
/// first document of each piece: what stands behind an end mark is never looked at.
fn split(text: &str) -> Result<(Vec<String>, End), String> {
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
                    return Ok((documents, End::Mark));
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
    Ok((documents, End::Whole))
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
        while let Some(Tagged(key, tag)) = map.next_key::<Tagged<Spanned<String>>>()? {
            let Node::<OWN>(value) = map.next_value()?;
            let merged = match value {
                value if key.value != "<<" => {
                    out.insert(key.value, value);
                    continue;
                }
                // In quotes, with a tag or by another name it is a key like others.
                _ if tag.is_some() || key.referenced != key.defined || key.referenced.span().len() != 2 => {
                    return Err(A::Error::custom("a key is written as a merge is"));
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

#[cfg(test)]
mod tests {
    use super::{End, documents, documents_before};

    #[test]
    fn where_a_file_ends_depends_on_the_version() {
        let end = |text: &str| documents_before(text.as_bytes(), false).unwrap().1;
        let json = end("{\"kind\":\"ConfigMap\"}\n---\nkind: Secret\n");
        assert_eq!((json, json.is_for(32), json.is_for(33)), (End::Json, true, false));
        let mark = end("kind: ConfigMap\n--- x\nkind: Secret\n");
        assert_eq!((mark, mark.is_for(31), mark.is_for(32)), (End::Mark, false, true));
        assert_eq!(end("kind: ConfigMap\n---\nkind: Secret\n"), End::Whole);
    }

    #[test]
    fn what_readers_take_in_different_ways_is_not_read() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in [
            "kind: Secret\n\"<<\": {kind: ConfigMap}\n",
            "kind: Secret\n!!str <<: {kind: ConfigMap}\n",
            "kind: Secret\n!!merge <<: {kind: ConfigMap}\n",
            "kind: Secret\nx: &a <<\n*a : {kind: ConfigMap}\n",
            "{\"x\":1e999}",
            &deep,
        ] {
            assert!(documents(text.as_bytes(), false).is_err(), "{text}");
        }
        assert_eq!(documents(b"kind: Secret\n<<: {kind: ConfigMap}\n", false).unwrap()[0]["kind"], "ConfigMap");
        assert_eq!(documents(b"kind: Secret\n<<: {kind: ConfigMap}\n", true).unwrap()[0]["kind"], "Secret");
    }
}
