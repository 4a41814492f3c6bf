//! What no codec here lets through, in one place.
//!
//! Two wrappers stand between a value and the serde implementation of a wire format. On the way in,
//! [`de`] bounds what hostile bytes can do: how deep they nest (serde's `Option` and newtypes, some
//! formats' enums, recurse without reading a byte) and how many elements they announce. On the way
//! out, [`ser`] refuses what would not come back, by the same count, so that a value that was
//! written is a value that can be read.

mod de;
mod ser;

use std::{cell::Cell, error::Error as StdError, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

pub(super) use self::{de::Bounded, ser::Checked};
use crate::{Error, ErrorKind, Result};

/// How deep a value may nest, counting each sequence, tuple, map, struct, enum, newtype and `Some`.
///
/// One less than `serde_json` has room for. A debug build takes 1 to 5 KiB of stack a level, and 8
/// where a level is a struct of a dozen fields: at most half of a thread of 2 MiB.
const MAX_DEPTH: u8 = 127;

const TOO_DEEP: &str = "the value nests deeper than 127 levels";
const TOO_MANY: &str = "more elements are announced than the bytes can hold";
const TOO_EMPTY: &str = "more than 4096 elements that take up no bytes";
const LOST_NONE: &str = "`Some` of nothing (`Some(None)`, `Some(())`) would be read as `None`; use \
                         `Postcard`, or an enum";
const NOT_FINITE: &str = "JSON has no form for NaN and infinities; use `Msgpack` or `Postcard`";
const SKIPPED_FIELD: &str = "a field left out by `skip_serializing_if` would shift the ones after \
                             it; use `MsgpackNamed` or `Json`";
#[cfg(any(feature = "codec-msgpack", feature = "codec-postcard"))]
const LEFT_OVER: &str = "bytes are left over after the value";

/// How a wire format differs from serde's data model.
pub(super) trait Rules {
    /// The name for errors.
    const LAYER: &'static str;
    /// `Some(x)` is written as `x`, and `()` as `None`.
    const BARE_SOME: bool;
    /// Unit structs are written as `None`.
    const BARE_UNIT_STRUCT: bool;
    /// Floats have to be finite.
    const FINITE: bool;
    /// A field that `skip_serializing_if` leaves out may be missing at the end of a struct.
    const MISSING_LAST: bool;
    /// And in the middle, because fields have names.
    const MISSING_ANY: bool;
    /// How many elements of sequences and maps there may be beyond one for each byte.
    const EMPTY_ELEMENTS: usize;

    /// How many elements a value may have that is read from `bytes`.
    fn most_elements(bytes: usize) -> usize {
        bytes.saturating_add(Self::EMPTY_ELEMENTS)
    }
}

/// What is shared by all levels of one value.
pub(super) struct Limits {
    /// Decoding: how many elements may still be announced. Encoding: how many were.
    elements: Cell<usize>,
    /// How many of them may take up no bytes.
    empty: usize,
    /// How many levels there may still be.
    depth: Cell<u8>,
    /// Why we refused; some formats' errors keep no text.
    refusal: Cell<Option<&'static str>>,
}

impl Limits {
    const fn new(elements: usize, empty: usize) -> Self {
        Self {
            elements: Cell::new(elements),
            empty,
            depth: Cell::new(MAX_DEPTH),
            refusal: Cell::new(None),
        }
    }

    /// The error for bytes after the value.
    #[cfg(any(feature = "codec-msgpack", feature = "codec-postcard"))]
    pub(super) fn left_over<E: serde::de::Error>(&self) -> E {
        self.refuse_read(LEFT_OVER)
    }

    #[cold]
    fn refuse_read<E: serde::de::Error>(&self, why: &'static str) -> E {
        self.refusal.set(Some(why));
        E::custom(why)
    }

    #[cold]
    fn refuse_write<E: serde::ser::Error>(&self, why: &'static str) -> E {
        self.refusal.set(Some(why));
        E::custom(why)
    }

    #[cold]
    fn error(
        &self,
        kind: ErrorKind,
        layer: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    ) -> Error {
        let error = Error::new(kind, layer).with_source(source);
        match self.refusal.get() {
            Some(why) => error.with_message(why),
            None => error,
        }
    }
}

/// Appends `value` to `out` by means of `write`, which hands what it is given to the format.
pub(super) fn encode<R: Rules, T: Serialize + ?Sized, E: StdError + Send + Sync + 'static>(
    value: &T,
    out: &mut Vec<u8>,
    write: impl FnOnce(&Checked<'_, T, R>, &mut Vec<u8>) -> Result<(), E>,
) -> Result<()> {
    let limits = Limits::new(0, R::EMPTY_ELEMENTS);
    let start = out.len();
    write(&Checked::new(value, &limits), out)
        .map_err(|error| limits.error(ErrorKind::Encode, R::LAYER, Box::new(error)))?;
    let written = out.len() - start;
    if R::EMPTY_ELEMENTS > 0 && limits.elements.get() > written + R::EMPTY_ELEMENTS {
        return Err(Error::new(ErrorKind::Encode, R::LAYER).with_message(TOO_EMPTY));
    }
    Ok(())
}

/// Reads a value from `bytes` by means of `read`, which hands what it is given to the format.
pub(super) fn decode<R: Rules, T: DeserializeOwned, E: StdError + Send + Sync + 'static>(
    bytes: &[u8],
    read: impl FnOnce(Bounded<'_, PhantomData<T>>) -> Result<T, E>,
) -> Result<T> {
    let limits = Limits::new(R::most_elements(bytes.len()), R::EMPTY_ELEMENTS);
    read(Bounded::new(PhantomData, &limits))
        .map_err(|error| limits.error(ErrorKind::Decode, R::LAYER, Box::new(error)))
}
