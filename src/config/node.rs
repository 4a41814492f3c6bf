use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

use super::Value;

/// What a source says under one name: a value, a table, or, where sources contradict each other,
/// both.
#[derive(Clone, Default)]
pub(super) struct Node {
    pub(super) value: Option<Value>,
    /// Where it was written, in words.
    pub(super) place: Option<Box<str>>,
    /// How many sources are below the one that says it.
    pub(super) layer: u32,
    pub(super) below: BTreeMap<String, Node>,
}

impl Node {
    pub(super) fn value(value: Value, place: Option<Box<str>>) -> Self {
        Self { value: Some(value), place, ..Self::default() }
    }

    /// The node at `path`, made if it is missing.
    pub(super) fn at<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) -> &mut Self {
        path.into_iter().fold(self, |node, name| node.below.entry(name.to_owned()).or_default())
    }

    /// The node at `path`.
    pub(super) fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |node, name| node.below.get(name))
    }

    /// The table called `name`, which the environment may write otherwise.
    pub(super) fn table(&self, name: &str) -> Option<&Self> {
        self.below.get(self.spelled(name)?)
    }

    /// How `name` is written here.
    fn spelled<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.below.contains_key(name) {
            return Some(name);
        }
        self.below.keys().find(|key| folded(key).eq(folded(name))).map(String::as_str)
    }

    /// Takes over what `other`, a root, says about regions.
    pub(super) fn overlay(&mut self, mut other: Self) {
        other.raise(self.highest() + 1);
        for (name, table) in other.below {
            let name = self.spelled(&name).unwrap_or(&name).to_owned();
            self.below.entry(name).or_default().replace(table);
        }
    }

    fn highest(&self) -> u32 {
        self.below.values().map(Self::highest).fold(self.layer, u32::max)
    }

    fn raise(&mut self, by: u32) {
        self.layer += by;
        self.below.values_mut().for_each(|node| node.raise(by));
    }

    fn replace(&mut self, other: Self) {
        if other.value.is_some() {
            (self.value, self.place, self.layer) = (other.value, other.place, other.layer);
        } else if self.place.is_none() {
            self.place = other.place;
        }
        for (name, node) in other.below {
            self.below.entry(name).or_default().replace(node);
        }
    }
}

/// Variables of the environment have neither small letters nor `-`.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|c| if c == '-' || c == '.' { '_' } else { c.to_ascii_lowercase() })
}

/// Names and places, no values: any of them may be a secret.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            _ if !self.below.is_empty() => self.below.fmt(f),
            Some(place) => f.write_str(place),
            None => f.write_str("_"),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

/// Takes whatever there is, so that serde has no reason to name a value in an error of its own.
impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a table")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::value(Value::Flag(flag), None))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::value(Value::Integer(number.into()), None))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Node, E> {
        Ok(Node::value(Value::Integer(number), None))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::value(Value::Integer(number.into()), None))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Node, E> {
        let value = i128::try_from(number).map_or(Value::Other("a huge number"), Value::Integer);
        Ok(Node::value(value, None))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::value(Value::Float(number), None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::value(Value::Text(text.to_owned()), None))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::value(Value::Other("bytes"), None))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::value(Value::Other("nothing"), None))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::value(Value::Other("nothing"), None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element::<Node>()? {
            all.push(one.value.unwrap_or(Value::Other("a table")));
        }
        Ok(Node::value(Value::List(all), None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut below = BTreeMap::new();
        while let Some((name, node)) = map.next_entry::<String, Node>()? {
            if below.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "`{}` is there twice",
                    name.escape_debug()
                )));
            }
            below.insert(name, node);
        }
        Ok(Node { below, ..Node::default() })
    }
}
