use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::token;

/// A collection that [`Pickle`](crate::Pickle) writes as a `set`, and not as a list.
///
/// The elements have to be what Python can hash: numbers, text, bytes, `None`, tuples of them. Over other
/// codecs, and when it is read, it is the collection inside.
///
/// ```
/// use std::collections::BTreeSet;
/// use larder::{Codec, PickleCodec, PySet};
///
/// let mut pickled = Vec::new();
/// PickleCodec.encode(&PySet(BTreeSet::from([1, 2])), &mut pickled)?;
/// assert_eq!(pickled, b"\x80\x04\x8f(K\x01K\x02\x90."); // {1, 2}
/// # Ok::<_, larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PySet<C>(pub C);

/// A collection that [`Pickle`](crate::Pickle) writes as a `frozenset`; see [`PySet`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PyFrozenSet<C>(pub C);

/// Writes any collection as a sequence.
pub(super) struct Elements<'a, C>(pub(super) &'a C);

impl<'a, C> Serialize for Elements<'a, C>
where
    &'a C: IntoIterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

macro_rules! sets {
    ($($set:ident, $token:ident;)*) => {$(
        impl<C> Serialize for $set<C>
        where
            for<'a> &'a C: IntoIterator<Item: Serialize>,
        {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(token::$token, &Elements(&self.0))
            }
        }

        impl<'de, C: Deserialize<'de>> Deserialize<'de> for $set<C> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Inside<C>(std::marker::PhantomData<C>);

                impl<'de, C: Deserialize<'de>> serde::de::Visitor<'de> for Inside<C> {
                    type Value = $set<C>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a set")
                    }

                    fn visit_newtype_struct<D: Deserializer<'de>>(
                        self,
                        inside: D,
                    ) -> Result<$set<C>, D::Error> {
                        C::deserialize(inside).map($set)
                    }
                }

                deserializer.deserialize_newtype_struct(token::$token, Inside(std::marker::PhantomData))
            }
        }

        impl<C> From<C> for $set<C> {
            fn from(elements: C) -> Self {
                Self(elements)
            }
        }
    )*};
}

sets! {
    PySet, SET;
    PyFrozenSet, FROZEN_SET;
}
