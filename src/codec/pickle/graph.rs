use std::borrow::Cow;

use super::class::Class;

/// The place of a part in the [`Graph`].
pub(super) type Id = u32;

/// What a pickle has built: parts that refer to each other by number, so that one may be in many places,
/// and even in itself.
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Id,
}

pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer that has no room there: little-endian two's complement.
    Long(Cow<'a, [u8]>),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// A `str` of Python 2, which is text or bytes.
    OldText(Cow<'a, [u8]>),
    List(Vec<Id>),
    Tuple(Box<[Id]>),
    Set(Vec<Id>),
    FrozenSet(Box<[Id]>),
    Dict(Vec<(Id, Id)>),
    /// Payload and metadata.
    CachedValue([Id; 2]),
    /// On its way to be called.
    Class(Class),
}

impl<'a> Graph<'a> {
    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }
}

impl Node<'_> {
    /// For errors.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Long(_) => "an int",
            Self::Float(_) => "a float",
            Self::Text(_) | Self::OldText(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Set(_) => "a set",
            Self::FrozenSet(_) => "a frozenset",
            Self::Dict(_) => "a dict",
            Self::CachedValue(_) => "a CachedValue",
            Self::Class(_) => "a class",
        }
    }
}
