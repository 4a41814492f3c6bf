//! The type that a Rust program would have for values such as these.

use std::collections::{BTreeMap, HashSet};

use larder::PyValue;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq, SerializeTuple},
};

use crate::value::{items, named};

/// More names than this are those of a map, not of a struct.
const MOST_FIELDS: usize = 64;
/// So many names have a number in a pickle.
const MOST_NUMBERED: usize = 256;
/// Longer lists are no tuples.
const LONGEST_TUPLE: usize = 16;

/// What all values of a prefix have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schema {
    is_optional: bool,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Nothing was seen.
    Never,
    Bool,
    Int {
        is_signed: bool,
    },
    Float,
    Text,
    Bytes,
    List(Box<Schema>),
    Tuple(Vec<Schema>),
    /// Names and their types.
    Struct(BTreeMap<String, Schema>),
    Map(Box<Schema>, Box<Schema>),
    /// An enum.
    Mixed,
}

impl Schema {
    pub(crate) const NEVER: Self = Self { is_optional: false, kind: Kind::Never };

    pub(crate) fn of(value: &PyValue) -> Self {
        let all = |values: &mut dyn Iterator<Item = &PyValue>| {
            Box::new(values.map(Self::of).fold(Self::NEVER, Self::join))
        };
        let kind = match value {
            PyValue::None => Kind::Never,
            PyValue::Bool(_) => Kind::Bool,
            PyValue::Int(int) => Kind::Int { is_signed: u64::try_from(int).is_err() },
            PyValue::Float(_) => Kind::Float,
            PyValue::Text(_) => Kind::Text,
            PyValue::Bytes(_) => Kind::Bytes,
            PyValue::List(items) | PyValue::Tuple(items)
                if (1..=LONGEST_TUPLE).contains(&items.len()) =>
            {
                Kind::Tuple(items.iter().map(Self::of).collect())
            }
            PyValue::List(items)
            | PyValue::Tuple(items)
            | PyValue::Set(items)
            | PyValue::FrozenSet(items) => Kind::List(all(&mut items.iter())),
            PyValue::Dict(pairs) => {
                let name = |(name, value): &(PyValue, PyValue)| match name {
                    PyValue::Text(name) => Some((name.clone(), Self::of(value))),
                    _ => None,
                };
                let named = pairs.iter().map(name).collect::<Option<BTreeMap<_, _>>>();
                match named.filter(|named| (1..=MOST_FIELDS).contains(&named.len())) {
                    Some(named) => Kind::Struct(named),
                    None => Kind::Map(
                        all(&mut pairs.iter().map(|(name, _)| name)),
                        all(&mut pairs.iter().map(|(_, value)| value)),
                    ),
                }
            }
        };
        Self { is_optional: *value == PyValue::None, kind }
    }

    /// The type of both.
    pub(crate) fn join(self, other: Self) -> Self {
        let is_optional = self.is_optional || other.is_optional;
        Self { is_optional, kind: self.kind.join(other.kind) }
    }

    /// Whether there are structs in it.
    pub(crate) fn has_names(&self) -> bool {
        match &self.kind {
            Kind::Struct(_) => true,
            Kind::List(items) => items.has_names(),
            Kind::Tuple(items) => items.iter().any(Self::has_names),
            Kind::Map(names, values) => names.has_names() || values.has_names(),
            _ => false,
        }
    }

    /// How many bytes more than a dict a pickle of `value` has for its structs, whose names of fields it numbers:
    /// one for the number of each name that is not among `names`, and less than none for its repetitions.
    pub(crate) fn memo<'v>(&self, value: &'v PyValue, names: &mut HashSet<&'v str>) -> isize {
        match (&self.kind, value) {
            (Kind::Struct(fields), PyValue::Dict(pairs)) => {
                let field = |(name, value): &'v (PyValue, PyValue)| {
                    let PyValue::Text(name) = name else { return 0 };
                    let own = numbered(name, names);
                    own + fields.get(name).map_or(0, |schema| schema.memo(value, names))
                };
                pairs.iter().map(field).sum()
            }
            (Kind::Map(_, values), PyValue::Dict(pairs)) => {
                pairs.iter().map(|(_, value)| values.memo(value, names)).sum()
            }
            (Kind::Tuple(schemas), value) => {
                let parts = items(value).unwrap_or_default().iter().zip(schemas);
                parts.map(|(item, schema)| schema.memo(item, names)).sum()
            }
            (Kind::List(schema), value) => {
                let parts = items(value).unwrap_or_default().iter();
                parts.map(|item| schema.memo(item, names)).sum()
            }
            _ => 0,
        }
    }

    fn or_missing(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// How many bytes more than the text `name` has as the name of a field.
fn numbered<'v>(name: &'v str, names: &mut HashSet<&'v str>) -> isize {
    if names.contains(name) {
        let header = if name.len() < 256 { 2 } else { 5 };
        return 2 - (header + name.len()).cast_signed();
    }
    if names.len() < MOST_NUMBERED {
        names.insert(name);
        return 1;
    }
    0
}

impl Kind {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, kind) | (kind, Self::Never) => kind,
            (Self::Int { is_signed: a }, Self::Int { is_signed: b }) => {
                Self::Int { is_signed: a || b }
            }
            (Self::Int { .. }, Self::Float) | (Self::Float, Self::Int { .. }) => Self::Float,
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                Self::Tuple(a.into_iter().zip(b).map(|(a, b)| a.join(b)).collect())
            }
            (a @ (Self::Tuple(_) | Self::List(_)), b @ (Self::Tuple(_) | Self::List(_))) => {
                Self::List(Box::new(a.items().join(b.items())))
            }
            (Self::Struct(a), Self::Struct(b)) => join_fields(a, b),
            (a @ (Self::Struct(_) | Self::Map(..)), b @ (Self::Struct(_) | Self::Map(..))) => {
                let ((a_names, a), (b_names, b)) = (a.pairs(), b.pairs());
                Self::Map(Box::new(a_names.join(b_names)), Box::new(a.join(b)))
            }
            (a, b) if a == b => a,
            _ => Self::Mixed,
        }
    }

    /// The type of all items.
    fn items(self) -> Schema {
        match self {
            Self::Tuple(items) => items.into_iter().fold(Schema::NEVER, Schema::join),
            Self::List(item) => *item,
            _ => Schema::NEVER,
        }
    }

    /// The types of all names and of all values.
    fn pairs(self) -> (Schema, Schema) {
        match self {
            Self::Struct(fields) => (
                Schema { is_optional: false, kind: Self::Text },
                fields.into_values().fold(Schema::NEVER, Schema::join),
            ),
            Self::Map(names, values) => (*names, *values),
            _ => (Schema::NEVER, Schema::NEVER),
        }
    }
}

/// A struct, where fields may be missing; or a map, where most of them are.
fn join_fields(mut a: BTreeMap<String, Schema>, mut b: BTreeMap<String, Schema>) -> Kind {
    let shared = a.keys().filter(|name| b.contains_key(*name)).count();
    let all = a.len() + b.len() - shared;
    let is_within = shared == a.len().min(b.len());
    if all > MOST_FIELDS || !is_within && 2 * shared < all {
        let (a, b) = (Kind::Struct(a).pairs(), Kind::Struct(b).pairs());
        return Kind::Map(Box::new(a.0.join(b.0)), Box::new(a.1.join(b.1)));
    }
    for (name, one) in &mut a {
        let taken = std::mem::replace(one, Schema::NEVER);
        *one = match b.remove(name) {
            Some(other) => taken.join(other),
            None => taken.or_missing(),
        };
    }
    a.extend(b.into_iter().map(|(name, one)| (name, one.or_missing())));
    Kind::Struct(a)
}

/// A value written by its type: structs by position.
pub(crate) struct Typed<'v> {
    pub(crate) value: &'v PyValue,
    pub(crate) schema: &'v Schema,
    /// Whether variants of enums say which they are, as they must where bytes do not describe themselves.
    pub(crate) tagged: bool,
}

impl<'v> Typed<'v> {
    fn part(&self, value: &'v PyValue, schema: &'v Schema) -> Self {
        Self { value, schema, tagged: self.tagged }
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.schema.is_optional, self.value) {
            (true, PyValue::None) => serializer.serialize_none(),
            (true, _) => serializer.serialize_some(&Present(self)),
            (false, _) => Present(self).serialize(serializer),
        }
    }
}

/// A value that is not missing.
struct Present<'v>(&'v Typed<'v>);

impl Serialize for Present<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let typed = self.0;
        match (&typed.schema.kind, typed.value) {
            (Kind::Int { is_signed: true }, PyValue::Int(int)) => match i64::try_from(int) {
                Ok(int) => serializer.serialize_i64(int),
                Err(_) => int.serialize(serializer),
            },
            (Kind::Int { is_signed: false }, PyValue::Int(int)) => match u64::try_from(int) {
                Ok(int) => serializer.serialize_u64(int),
                Err(_) => int.serialize(serializer),
            },
            (Kind::Float, PyValue::Int(int)) => match i32::try_from(int) {
                Ok(int) => serializer.serialize_f64(int.into()),
                Err(_) => serializer.serialize_f64(0.0), // any float takes the same room
            },
            (Kind::Tuple(schemas), value) => {
                let items = items(value).unwrap_or_default();
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for (item, schema) in items.iter().zip(schemas) {
                    tuple.serialize_element(&typed.part(item, schema))?;
                }
                tuple.end()
            }
            (Kind::List(schema), value) => {
                let items = items(value).unwrap_or_default();
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(&typed.part(item, schema))?;
                }
                seq.end()
            }
            (Kind::Struct(fields), PyValue::Dict(_)) => {
                let mut tuple = serializer.serialize_tuple(fields.len())?;
                for (name, schema) in fields {
                    let value = named(typed.value, name).unwrap_or(&PyValue::None);
                    tuple.serialize_element(&typed.part(value, schema))?;
                }
                tuple.end()
            }
            (Kind::Map(names, values), PyValue::Dict(pairs)) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (name, value) in pairs {
                    map.serialize_entry(&typed.part(name, names), &typed.part(value, values))?;
                }
                map.end()
            }
            (Kind::Mixed, value) if typed.tagged => Variant(value).serialize(serializer),
            (_, value) => value.serialize(serializer),
        }
    }
}

/// A variant of an enum of all kinds of values.
struct Variant<'v>(&'v PyValue);

impl Serialize for Variant<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match self.0 {
            PyValue::None => return serializer.serialize_unit_variant("", 0, ""),
            PyValue::Bool(_) => 1,
            PyValue::Int(_) => 2,
            PyValue::Float(_) => 3,
            PyValue::Text(_) => 4,
            PyValue::Bytes(_) => 5,
            PyValue::Dict(_) => 6,
            _ => 7,
        };
        serializer.serialize_newtype_variant("", number, "", &Inside(self.0))
    }
}

/// What is inside of a variant, made of variants itself.
struct Inside<'v>(&'v PyValue);

impl Serialize for Inside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            PyValue::Int(int) => match i64::try_from(int) {
                Ok(int) => serializer.serialize_i64(int),
                Err(_) => int.serialize(serializer),
            },
            PyValue::Dict(pairs) => serializer
                .collect_map(pairs.iter().map(|(name, value)| (Variant(name), Variant(value)))),
            value => match items(value) {
                Some(items) => serializer.collect_seq(items.iter().map(Variant)),
                None => value.serialize(serializer),
            },
        }
    }
}
