use std::{slice, str};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
        VariantAccess, Visitor, value::Error,
    },
    forward_to_deserialize_any,
};

use super::{
    budget::Budget,
    graph::{Graph, Id, Node},
    int::PyInt,
    token,
};

/// Reads one part of a graph.
#[derive(Clone, Copy)]
pub(super) struct Reader<'g> {
    graph: &'g Graph<'g>,
    budget: &'g Budget,
    id: Id,
}

impl<'g> Reader<'g> {
    pub(super) const fn new(graph: &'g Graph<'g>, budget: &'g Budget) -> Self {
        Self { graph, budget, id: graph.root }
    }

    const fn at(self, id: Id) -> Self {
        Self { id, ..self }
    }

    fn node(self) -> &'g Node<'g> {
        self.graph.node(self.id)
    }

    // Every container counts, also where the type says how many parts it has: a tuple of one tuple twice,
    // forty times over, is a handful of bytes.

    fn items<'de, V: Visitor<'de>>(self, items: &'g [Id], visitor: V) -> Result<V::Value, Error> {
        self.budget.visit(items.len())?;
        visitor.visit_seq(Items { reader: self, items: items.iter() })
    }

    fn entries<'de, V: Visitor<'de>>(
        self,
        items: &'g [(Id, Id)],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.budget.visit(items.len())?;
        visitor.visit_map(Entries { reader: self, items: items.iter(), value: None })
    }

    fn text<'de, V: Visitor<'de>>(self, text: &str, visitor: V) -> Result<V::Value, Error> {
        self.budget.spend(text.len())?;
        visitor.visit_str(text)
    }

    fn bytes<'de, V: Visitor<'de>>(self, bytes: &[u8], visitor: V) -> Result<V::Value, Error> {
        self.budget.spend(bytes.len())?;
        visitor.visit_bytes(bytes)
    }

    /// By a name that tells what serde has no word for.
    fn named<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(Variant { name: name.into_deserializer(), content: self })
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node() {
            Node::None => visitor.visit_unit(),
            Node::Bool(bool) => visitor.visit_bool(*bool),
            Node::Int(int) => match u64::try_from(*int) {
                Ok(int) => visitor.visit_u64(int),
                Err(_) => visitor.visit_i64(*int),
            },
            Node::Long(bytes) => visit_long(bytes, visitor),
            Node::Float(float) => visitor.visit_f64(*float),
            Node::Text(text) => self.text(text, visitor),
            Node::Bytes(bytes) => self.bytes(bytes, visitor),
            Node::OldText(bytes) => match str::from_utf8(bytes) {
                Ok(text) => self.text(text, visitor),
                Err(_) => self.bytes(bytes, visitor),
            },
            Node::List(items) | Node::Set(items) => self.items(items, visitor),
            Node::Tuple(items) | Node::FrozenSet(items) => self.items(items, visitor),
            Node::CachedValue(parts) => self.items(parts, visitor),
            Node::Dict(items) => self.entries(items, visitor),
            Node::Class(_) => Err(Error::custom("the pickle holds a class, which is not data")),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node() {
            Node::OldText(bytes) => self.bytes(bytes, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node() {
            Node::Bytes(bytes) => {
                self.budget.visit(bytes.len())?;
                visitor.visit_seq(Numbers(bytes.iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node() {
            Node::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (name, self.node()) {
            (token::INT, Node::Int(int)) => visitor.visit_i64(*int),
            (token::INT, Node::Long(bytes)) => self.bytes(bytes, visitor),
            (token::INT, other) => {
                Err(Error::custom(format_args!("expected an int, found {}", other.describe())))
            }
            (token::VALUE, Node::Long(_)) => self.named(token::INT, visitor),
            (token::VALUE, Node::Tuple(_) | Node::CachedValue(_)) => {
                self.named(token::TUPLE, visitor)
            }
            (token::VALUE, Node::Set(_)) => self.named(token::SET, visitor),
            (token::VALUE, Node::FrozenSet(_)) => self.named(token::FROZEN_SET, visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// A unit variant is its name, another a dict of its name and its content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.node() {
            Node::Text(_) | Node::OldText(_) => visitor.visit_enum(Name(self)),
            Node::Dict(items) => match items[..] {
                [(name, content)] => {
                    visitor.visit_enum(Variant { name: self.at(name), content: self.at(content) })
                }
                _ => Err(Error::custom("a variant is a dict of its name and its content")),
            },
            other => Err(Error::custom(format_args!("a variant cannot be {}", other.describe()))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct map
        struct identifier
    }
}

/// The narrowest type that holds it, as the other codecs do.
fn visit_long<'de, V: Visitor<'de>>(bytes: &[u8], visitor: V) -> Result<V::Value, Error> {
    let too_long = |bytes: &[u8]| {
        let count = bytes.len();
        Error::custom(format_args!("an int of {count} bytes; `PyInt` has room for it"))
    };
    // Longer ones are not even looked at: one may be in many places.
    if bytes.len() > 17 {
        return Err(too_long(bytes));
    }
    let int = PyInt::from_le_bytes(bytes);
    if let Ok(int) = u64::try_from(&int) {
        visitor.visit_u64(int)
    } else if let Ok(int) = i64::try_from(&int) {
        visitor.visit_i64(int)
    } else if let Ok(int) = u128::try_from(&int) {
        visitor.visit_u128(int)
    } else if let Ok(int) = i128::try_from(&int) {
        visitor.visit_i128(int)
    } else {
        Err(too_long(bytes))
    }
}

struct Items<'g> {
    reader: Reader<'g>,
    items: slice::Iter<'g, Id>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let next = self.items.next();
        next.map(|item| seed.deserialize(self.reader.at(*item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Bytes as the numbers they are.
struct Numbers<'g>(slice::Iter<'g, u8>);

impl<'de> SeqAccess<'de> for Numbers<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.0.next().map(|byte| seed.deserialize(byte.into_deserializer())).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'g> {
    reader: Reader<'g>,
    items: slice::Iter<'g, (Id, Id)>,
    value: Option<Id>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.items.next() else { return Ok(None) };
        self.value = Some(*value);
        seed.deserialize(self.reader.at(*key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value without its key"))?;
        seed.deserialize(self.reader.at(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// A variant that is its name.
struct Name<'g>(Reader<'g>);

impl<'de> EnumAccess<'de> for Name<'_> {
    type Error = Error;
    type Variant = Unit;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Unit), Error> {
        Ok((seed.deserialize(self.0)?, Unit))
    }
}

struct Unit;

fn has_no_content<T>() -> Result<T, Error> {
    Err(Error::custom("a variant with content is a dict of its name and its content"))
}

impl<'de> VariantAccess<'de> for Unit {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        has_no_content()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        has_no_content()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        has_no_content()
    }
}

/// A variant with its content.
struct Variant<'g, N> {
    name: N,
    content: Reader<'g>,
}

impl<'de, 'g, N: Deserializer<'de, Error = Error>> EnumAccess<'de> for Variant<'g, N> {
    type Error = Error;
    type Variant = Reader<'g>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Reader<'g>), Error> {
        Ok((seed.deserialize(self.name)?, self.content))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::custom("a variant without content is its name"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }
}
