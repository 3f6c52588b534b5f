//! Lays a node of pg_query out in an [`Arena`], in one pass: its types say their names and fields to serde.

use std::fmt;

use serde::ser::{Error, Impossible, Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::tree::{Arena, Item, Value};

/// Puts the node into the arena in the place of what was there. Fails for a shape that pg_query's types do not have.
pub fn lay(arena: &mut Arena, node: &pg_query::protobuf::Node) -> Result<(), Unshaped> {
    arena.items.clear();
    arena.text.clear();
    node.serialize(Place { arena, name: "" })
}

/// A value that is none of: number, flag, text, list, message.
#[derive(Debug)]
pub struct Unshaped;

impl fmt::Display for Unshaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parse tree has a shape that is not known")
    }
}

impl std::error::Error for Unshaped {}

impl Error for Unshaped {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Unshaped
    }
}

/// Where the next value goes, and what it is called there.
struct Place<'b> {
    arena: &'b mut Arena,
    name: &'static str,
}

/// A list or message that is being filled. The one message around every node is left out: its only field stands for it.
struct Open<'b> {
    arena: &'b mut Arena,
    at: Option<usize>,
    name: &'static str,
}

impl<'b> Place<'b> {
    fn put(self, value: Value) -> Open<'b> {
        let at = self.arena.items.len();
        self.arena.items.push(Item { name: self.name, value, next: at + 1 });
        Open { arena: self.arena, at: Some(at), name: "" }
    }

    fn number(self, number: i64) -> Result<(), Unshaped> {
        // Where things stood in the text is asked by nobody.
        if number != 0 && !self.name.ends_with("location") {
            self.put(Value::Number(number));
        }
        Ok(())
    }
}

impl Open<'_> {
    fn close(self) {
        let end = self.arena.items.len();
        if let Some(item) = self.at.and_then(|at| self.arena.items.get_mut(at)) {
            item.next = end;
        }
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Unshaped;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unshaped> {
        value.serialize(Place { arena: self.arena, name: "" })
    }

    fn end(self) -> Result<(), Unshaped> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = Unshaped;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unshaped> {
        let name = if self.at.is_some() { key } else { self.name };
        value.serialize(Place { arena: self.arena, name })
    }

    fn end(self) -> Result<(), Unshaped> {
        self.close();
        Ok(())
    }
}

impl<'b> Serializer for Place<'b> {
    type Ok = ();
    type Error = Unshaped;
    type SerializeSeq = Open<'b>;
    type SerializeStruct = Open<'b>;
    type SerializeTuple = Impossible<(), Unshaped>;
    type SerializeTupleStruct = Impossible<(), Unshaped>;
    type SerializeTupleVariant = Impossible<(), Unshaped>;
    type SerializeMap = Impossible<(), Unshaped>;
    type SerializeStructVariant = Impossible<(), Unshaped>;

    fn serialize_struct(self, message: &'static str, _: usize) -> Result<Open<'b>, Unshaped> {
        match message {
            "Node" => Ok(Open { at: None, name: self.name, arena: self.arena }),
            _ => Ok(self.put(Value::Message)),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unshaped> {
        let at = self.arena.items.len();
        let arena = &mut *self.arena;
        value.serialize(Place { arena, name: self.name })?;
        match self.arena.items.get_mut(at) {
            Some(item) => item.value = Value::Node(variant),
            // A type without fields of its own.
            None => drop(self.put(Value::Node(variant))),
        }
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Open<'b>, Unshaped> {
        match len {
            Some(0) => Ok(Open { at: None, name: "", arena: self.arena }),
            _ => Ok(self.put(Value::List)),
        }
    }

    fn serialize_bool(self, flag: bool) -> Result<(), Unshaped> {
        if flag {
            self.put(Value::Flag);
        }
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unshaped> {
        if !text.is_empty() {
            let from = self.arena.text.len();
            self.arena.text.push_str(text);
            let to = self.arena.text.len();
            self.put(Value::Text(from, to));
        }
        Ok(())
    }

    fn serialize_i32(self, number: i32) -> Result<(), Unshaped> {
        self.number(number.into())
    }

    fn serialize_i64(self, number: i64) -> Result<(), Unshaped> {
        self.number(number)
    }

    fn serialize_u32(self, number: u32) -> Result<(), Unshaped> {
        self.number(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<(), Unshaped> {
        self.number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Costs and numbers of rows, which only a planner's tree has.
    fn serialize_f64(self, _: f64) -> Result<(), Unshaped> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unshaped> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unshaped> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_i8(self, _: i8) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_i16(self, _: i16) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_u8(self, _: u8) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_u16(self, _: u16) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_char(self, _: char) -> Result<(), Unshaped> {
        Err(Unshaped)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unshaped> {
        Err(Unshaped)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unshaped> {
        Err(Unshaped)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unshaped> {
        Err(Unshaped)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unshaped> {
        Err(Unshaped)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unshaped> {
        Err(Unshaped)
    }
}
