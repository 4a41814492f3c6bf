mod budget;
mod calls;
mod class;
mod de;
mod graph;
mod int;
mod items;
mod machine;
mod protocol_0;
mod ser;
mod set;
mod value;

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use self::{budget::Budget, de::Reader};
pub use self::{
    int::{ParsePyIntError, PyInt},
    set::{PyFrozenSet, PySet},
    value::PyValue,
};
use super::{
    Codec, Coded,
    guard::{self, Rules},
};
use crate::{Error, ErrorKind, Result};

/// Python's pickles over a backend, for data: what a Python service reads with `pickle.loads`, and what it
/// writes with `pickle.dumps`, in any protocol from 0 to 5.
///
/// A pickle is a program for a machine with a stack. This codec runs the part of it that builds data, and
/// nothing else: it imports nothing, calls nothing, and has no way to. So a pickle from a stranger is as
/// harmless here as JSON, which it is not in Python.
///
/// | Python | Rust |
/// |---|---|
/// | `None` | `None`, `()`, unit structs |
/// | `True` | `bool` |
/// | `7`, of any size | integers that have room for it; [`PyInt`] for any |
/// | `1.5` | `f64`, `f32` |
/// | `"text"` | text, `char`, unit variants (as their name) |
/// | `b"bytes"`, `bytearray(..)` | byte strings (`serde_bytes`); also read as sequences of numbers |
/// | `[1, 2]` | sequences |
/// | `(1, "a")` | tuples, arrays, tuple structs |
/// | `{"a": 1}` | maps, with keys of any type that Python can hash; structs, by name |
/// | `{"Variant": content}` | variants with content |
/// | `{1, 2}`, `frozenset(..)` | read as sequences; written by [`PySet`] and [`PyFrozenSet`] |
/// | `dogpile.cache.api.CachedValue` | the pair of value and dictionary that [`FullDict`](crate::FullDict) reads and writes |
/// | any of them | [`PyValue`], which tells lists from tuples |
///
/// `Some(x)` and newtypes are written as what is inside; `Some(None)` and `Some(())` are refused. The `str` of
/// Python 2 is read as text or as bytes, whichever it is.
///
/// Every other class is refused with an error that names it and counts as a miss: `datetime`, `Decimal`,
/// classes of the application. Let Python store dicts and numbers instead, or choose
/// [`Msgpack`](crate::Msgpack) on both sides.
///
/// # Bytes
///
/// Written in protocol 4, which Python reads since 3.4: without frames, and with memo entries for nothing
/// but the names of fields, which a list of structs repeats. `"a"` is `80 04 8c 01 61 2e`: 6 bytes, where
/// Python writes 16. See PEP 307, 3154 and 574, and `pickletools` in Python, for the format.
///
/// # Bounds
///
/// A pickle may use a part again by its number, so a few bytes can stand for much: a list of a list of a
/// list, each ten times the one below. A value may have 16 Ki parts and four for each byte of its pickle,
/// and 1 MiB of text and bytes and 32 for each. It nests at most 127 levels deep, as with every
/// codec; a list that contains itself nests for ever, and is refused. Integers written in decimal have at
/// most 4300 digits, as in Python itself. A larger value is a miss.
pub type Pickle<B> = Coded<PickleCodec, B>;

/// The codec of [`Pickle`].
///
/// ```
/// use larder::{Codec, PickleCodec};
///
/// // pickle.dumps({"id": 7, "tags": ("a", "b")})
/// let pickled = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x02id\x94K\x07\x8c\x04tags\
///                 \x94\x8c\x01a\x94\x8c\x01b\x94\x86\x94u.";
///
/// #[derive(serde::Deserialize, Debug, PartialEq)]
/// struct Post {
///     id: u64,
///     tags: Vec<String>,
/// }
///
/// let post: Post = PickleCodec.decode(pickled)?;
/// assert_eq!(post, Post { id: 7, tags: vec!["a".to_owned(), "b".to_owned()] });
///
/// // What would run a command in Python is refused here.
/// let refused = PickleCodec.decode::<Post>(b"cos\nsystem\n(S'echo'\ntR.").unwrap_err();
/// assert_eq!(refused.kind(), larder::ErrorKind::Decode);
/// # Ok::<_, larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PickleCodec;

impl Codec for PickleCodec {
    fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        guard::encode::<Self, _, _>(value, out, |value, out| ser::write(value, out))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let budget = Budget::new(bytes.len());
        let graph = machine::run(bytes, &budget).map_err(|error| {
            // In the message, since it names classes and no values.
            Error::new(ErrorKind::Decode, Self::LAYER).with_message(error.to_string())
        })?;
        guard::decode::<Self, _, _>(bytes, |value| value.deserialize(Reader::new(&graph, &budget)))
    }
}

impl Rules for PickleCodec {
    const LAYER: &'static str = "pickle";
    const BARE_SOME: bool = true;
    const BARE_UNIT_STRUCT: bool = true;
    const FINITE: bool = false;
    const MISSING_LAST: bool = true;
    const MISSING_ANY: bool = true;
    const EMPTY_ELEMENTS: usize = 0;

    fn most_elements(_: usize) -> usize {
        // The budget counts them, and what is announced is there.
        usize::MAX
    }
}

/// Names of newtypes by which this codec's serializer and deserializer know what serde has no word for.
/// To every other codec they are newtypes like any.
mod token {
    /// Little-endian two's complement.
    pub(super) const INT: &str = "larder::PyInt";
    pub(super) const SET: &str = "larder::PySet";
    pub(super) const FROZEN_SET: &str = "larder::PyFrozenSet";
    /// Asks for a value whose kind is told by these names where serde's words are not enough.
    pub(super) const VALUE: &str = "larder::PyValue";
    pub(super) const TUPLE: &str = "larder::PyTuple";
}
