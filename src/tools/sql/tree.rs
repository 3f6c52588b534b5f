//! A parse tree as a tree of names: pg_query's types have some 270 shapes, and a walk that must miss none of them
//! follows one shape instead, where a child is a child whatever its type. [`super::layout`] makes it.

/// The messages of one statement, each before what is in it. What says nothing is not there: a zero, an empty text or
/// list, where something stands in the SQL.
#[derive(Debug, Default)]
pub struct Arena {
    pub items: Vec<Item>,
    pub text: String,
}

#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The field that holds it; empty in a list.
    pub name: &'static str,
    pub value: Value,
    /// Where the next one stands that is not in this one.
    pub next: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    Number(i64),
    Flag,
    /// From and to in the arena's text.
    Text(usize, usize),
    List,
    Message,
    /// A message of one of several types; this is the type's name.
    Node(&'static str),
}

/// A message of the parse tree, or a list of them, or nothing.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    arena: &'a Arena,
    at: usize,
}

impl Arena {
    /// The statement; nothing in an empty arena.
    pub fn root(&self) -> Tree<'_> {
        Tree { arena: self, at: if self.items.is_empty() { NOTHING } else { 0 } }
    }
}

const NOTHING: usize = usize::MAX;

impl<'a> Tree<'a> {
    /// All of the statement that this is a part of.
    pub fn whole(self) -> &'a Arena {
        self.arena
    }

    fn item(self) -> Option<&'a Item> {
        self.arena.items.get(self.at)
    }

    /// The type's name and its fields, where this is a node.
    pub fn node(self) -> Option<(&'static str, Tree<'a>)> {
        match self.item()?.value {
            Value::Node(name) => Some((name, self)),
            Value::Number(_) | Value::Flag | Value::Text(..) | Value::List | Value::Message => None,
        }
    }

    /// The fields of a node of this type.
    pub fn as_node(self, name: &str) -> Option<Tree<'a>> {
        self.node().filter(|(found, _)| *found == name).map(|(_, fields)| fields)
    }

    /// All that stands right below.
    fn inside(self) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        let Tree { arena, at } = self;
        let end = self.item().map_or(0, |item| item.next);
        let first = (at.wrapping_add(1) < end).then_some(at.wrapping_add(1));
        let after = move |at: &usize| arena.items.get(*at).map(|item| item.next).filter(|next| *next < end);
        std::iter::successors(first, after).map(move |at| Tree { arena, at })
    }

    pub fn field(self, name: &str) -> Tree<'a> {
        let named = |tree: &Tree<'a>| tree.item().is_some_and(|item| item.name == name);
        self.inside().find(named).unwrap_or(Tree { arena: self.arena, at: NOTHING })
    }

    pub fn list(self, name: &str) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        self.field(name).items()
    }

    pub fn items(self) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        let list = self.item().is_some_and(|item| item.value == Value::List);
        self.inside().take_while(move |_| list)
    }

    pub fn is_nothing(self) -> bool {
        self.item().is_none()
    }

    pub fn text(self, name: &str) -> &'a str {
        match self.field(name).item() {
            Some(Item { value: Value::Text(from, to), .. }) => self.arena.text.get(*from..*to).unwrap_or(""),
            _ => "",
        }
    }

    pub fn number(self, name: &str) -> i64 {
        match self.field(name).item() {
            Some(Item { value: Value::Number(number), .. }) => *number,
            _ => 0,
        }
    }

    pub fn flag(self, name: &str) -> bool {
        self.field(name).item().is_some_and(|item| item.value == Value::Flag)
    }

    /// Every message, list and node right below.
    pub fn children(self) -> impl Iterator<Item = Tree<'a>> + use<'a> {
        let holds = |value: Value| matches!(value, Value::List | Value::Message | Value::Node(_));
        self.inside().filter(move |tree| tree.item().is_some_and(|item| holds(item.value)))
    }

    /// The strings of a list of String nodes: a qualified name.
    pub fn names(self, name: &str) -> Vec<&'a str> {
        self.list(name).filter_map(|item| item.as_node("String").map(|s| s.text("sval"))).collect()
    }

    /// Whether this is a RangeVar that stands in a field of its own, without a node around it.
    pub fn is_bare_table(self) -> bool {
        self.item().is_some_and(|item| item.value == Value::Message)
            && !self.field("relname").is_nothing()
            && !self.field("relpersistence").is_nothing()
    }
}
