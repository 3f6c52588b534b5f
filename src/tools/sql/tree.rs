//! A parse tree as a tree of names: pg_query's types have some 270 shapes, and a walk that must miss none of them
//! follows their serialised form instead, where a child is a child whatever its type.

use serde_json::Value;

static NOTHING: Value = Value::Null;

/// A message of the parse tree, or a list of them, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a>(pub &'a Value);

impl<'a> Tree<'a> {
    /// The type's name and its fields, where this is a node.
    pub fn node(self) -> Option<(&'a str, Tree<'a>)> {
        let inner = match self.0.get("node") {
            Some(inner) if self.0.as_object().is_some_and(|fields| fields.len() == 1) => inner,
            _ => return None,
        };
        let (name, fields) = inner.as_object()?.iter().next()?;
        Some((name.as_str(), Tree(fields)))
    }

    /// The fields of a node of this type.
    pub fn as_node(self, name: &str) -> Option<Tree<'a>> {
        self.node().filter(|(found, _)| *found == name).map(|(_, fields)| fields)
    }

    pub fn field(self, name: &str) -> Tree<'a> {
        Tree(self.0.get(name).unwrap_or(&NOTHING))
    }

    pub fn list(self, name: &str) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        self.field(name).items()
    }

    pub fn items(self) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        self.0.as_array().into_iter().flatten().map(Tree)
    }

    pub fn is_nothing(self) -> bool {
        self.0.is_null()
    }

    /// Nothing, or a list of nothing.
    pub fn is_empty(self) -> bool {
        self.is_nothing() || self.0.as_array().is_some_and(Vec::is_empty)
    }

    pub fn text(self, name: &str) -> &'a str {
        self.field(name).0.as_str().unwrap_or("")
    }

    pub fn number(self, name: &str) -> i64 {
        self.field(name).0.as_i64().unwrap_or(0)
    }

    pub fn flag(self, name: &str) -> bool {
        self.field(name).0.as_bool().unwrap_or(false)
    }

    /// Every message, list and node right below.
    pub fn children(self) -> Vec<Tree<'a>> {
        match self.0 {
            Value::Array(items) => items.iter().map(Tree).collect(),
            Value::Object(fields) => fields.values().filter(|v| v.is_object() || v.is_array()).map(Tree).collect(),
            _ => Vec::new(),
        }
    }

    /// The strings of a list of String nodes: a qualified name.
    pub fn names(self, name: &str) -> Vec<&'a str> {
        self.list(name).filter_map(|item| item.as_node("String").map(|s| s.text("sval"))).collect()
    }

    /// Whether this is a RangeVar that stands in a field of its own, without a node around it.
    pub fn is_bare_table(self) -> bool {
        self.0.get("relname").is_some() && self.0.get("relpersistence").is_some()
    }
}
