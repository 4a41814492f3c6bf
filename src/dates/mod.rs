//! Dates, times and durations as Python's serializers write them.
//!
//! MessagePack and JSON know no dates, so programs in Python agree on a form of their own. The two that come
//! with `dogpile_backend_redis_advanced` are here, for the types of chrono (feature `dates-chrono`) and of
//! time (feature `dates-time`), as wrappers that may stand wherever a value may: in structs, `Option`, `Vec`,
//! maps.
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-msgpack", feature = "dates-chrono"))] {
//! use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
//! use larder::{BackendExt, LayerExt, Memory, PayloadExt, dates::AsDict};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct User {
//!     born: Option<AsDict<NaiveDate>>,
//!     seen: Vec<AsDict<DateTime<Utc>>>,
//!     online: AsDict<TimeDelta>,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let user = User {
//!     born: NaiveDate::from_ymd_opt(2020, 1, 2).map(AsDict::new),
//!     seen: vec![AsDict::new(DateTime::UNIX_EPOCH)],
//!     online: TimeDelta::seconds(90).into(),
//! };
//! let region = Memory::new().msgpack_named().int_time().region();
//! region.set("user:1", user.clone()).await?;
//! assert_eq!(region.get::<User>("user:1").await?, Some(user));
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! | | `AsDict` | `AsExt` |
//! |---|---|---|
//! | `DateTime<Utc>`, `NaiveDateTime`; `OffsetDateTime`, `PrimitiveDateTime` | `{"__datetime__": true, "0": 1577934245.5}` | code 1, seconds |
//! | `NaiveDate`; `Date` | `{"__date__": true, "0": "20200102"}` | code 2, year, month, day |
//! | `TimeDelta`; `Duration` | `{"__timedelta__": true, "0": 90.0}` | code 3, seconds |
//! | codecs | all that know maps | [`Msgpack`](crate::Msgpack), [`MsgpackNamed`](crate::MsgpackNamed) |
//! | read, too | whole numbers for floats, either order, names as bytes (Python 2) | |
//! | of times, it holds | microseconds | seconds from 1970 to 2106, and no negative spans |
//!
//! What a form has no room for is cut off when the wrapper is made (downwards, as Python's `floor` does), so
//! that what comes back is what was stored. Years outside of 1 to 9999 and spans of more than 999999999 days
//! are refused when they are written, as Python could not read them. Seconds as a float tell every
//! microsecond up to 2³³ seconds, which is from 1697-10-17 to 2242-03-16, and spans of 272 years; beyond
//! that, what would not come back to the microsecond is refused: round it to whole seconds.
//!
//! In the keys of dogpile.cache, all of these types are arguments ([`PyStr`](crate::PyStr)), in the text that
//! Python's `str()` makes of them: `2020-01-02 03:04:05.678901`, of a moment with an offset
//! `2020-01-02 03:04:05+00:00`, `2020-01-02`, `1 day, 0:01:30`.
//!
//! # Times that Python has shifted
//!
//! A time without a zone is in UTC: so the encoders of Python write it, and so it is read here. Their decoders
//! read it in the local zone of the process (`datetime.fromtimestamp`), so what a program has read and
//! written again is off by its offset from UTC, once more each time; and so is what a program takes from
//! `datetime.now()`. For such data the wrappers have a second parameter, the [`Zone`] whose clock it shows:
//!
//! ```
//! # #[cfg(all(feature = "codec-json", feature = "dates-chrono"))] {
//! use chrono::NaiveDateTime;
//! use larder::{Codec, JsonCodec, dates::{AsDict, East}};
//!
//! let noon = br#"{"__datetime__": true, "0": 43200}"#;
//! let utc: AsDict<NaiveDateTime> = JsonCodec.decode(noon)?;
//! let from_paris: AsDict<NaiveDateTime, East<3600>> = JsonCodec.decode(noon)?;
//! assert_eq!(utc.to_string(), "1970-01-01 12:00:00");
//! assert_eq!(from_paris.to_string(), "1970-01-01 11:00:00");
//! # }
//! # Ok::<_, larder::Error>(())
//! ```
//!
//! They write as they read, so whoever wants to be rid of the shift reads with a zone and writes without.
//! Nothing in the data tells which of the two it is: no key should hold both.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    ops::Deref,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

#[cfg(feature = "dates-chrono")]
mod chrono;
mod dict;
mod ext;
mod form;
mod parts;
mod raw;
mod text;
#[cfg(feature = "dates-time")]
mod time;
mod zone;

use self::raw::{OUTSIDE, Raw};
pub use self::zone::{East, Zone};

/// A moment, a day or a span of time that is written in a form of Python: [`AsDict`] or [`AsExt`].
///
/// It is used as the `T` that it holds. `Z` is the [`Zone`] whose clock is written: by default UTC.
pub struct Dated<T, F, Z = East<0>> {
    value: T,
    form: PhantomData<fn() -> (F, Z)>,
}

/// In the dict form: `{"__datetime__": true, "0": 1577934245.5}`. See [the module](self).
pub type AsDict<T, Z = East<0>> = Dated<T, Dict, Z>;

/// As an extension type of MessagePack. See [the module](self).
///
/// What Python 2 wrote so, Python 3 cannot write any more (`struct.pack(">I", 1.0)` is an error), but reads.
pub type AsExt<T, Z = East<0>> = Dated<T, Ext, Z>;

/// The form of [`AsDict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dict {}

/// The form of [`AsExt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ext {}

/// The types that have a form in Python: those of chrono and of time that [the module](self) lists.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in Python's serializers",
    label = "is no date, time or duration of `chrono` or `time`",
    note = "moments are `DateTime<Utc>`, `NaiveDateTime`, `OffsetDateTime` or `PrimitiveDateTime`, days `NaiveDate` or `Date`, spans `TimeDelta` or `Duration`; see the features `dates-chrono` and `dates-time`"
)]
pub trait PyDate: convert::Convert {}

mod convert {
    use super::raw::Raw;

    /// From and to what all libraries have in common.
    pub trait Convert: Sized {
        type Raw: Raw;

        /// Without what is less than a microsecond. `None` where Python has nothing of the kind.
        fn to_raw(&self) -> Option<Self::Raw>;

        fn from_raw(raw: Self::Raw) -> Option<Self>;
    }
}

impl<T: PyDate, F: form::Form> Dated<T, F> {
    /// Wraps `value`, without what the form has no room for: less than a microsecond in [`AsDict`], than a
    /// second in [`AsExt`].
    pub fn new(value: T) -> Self {
        value.into()
    }
}

impl<T, F, Z> Dated<T, F, Z> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    const fn of(value: T) -> Self {
        Self { value, form: PhantomData }
    }
}

impl<T: PyDate, F: form::Form, Z> From<T> for Dated<T, F, Z> {
    fn from(value: T) -> Self {
        let cut = value.to_raw().and_then(|raw| T::from_raw(F::cut(raw)));
        // What is out of range is told when it is written.
        Self::of(cut.unwrap_or(value))
    }
}

impl<T: PyDate, F: form::Form, Z: Zone> Serialize for Dated<T, F, Z> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = self.value.to_raw().and_then(Raw::shown_in::<Z>);
        F::write(raw.ok_or_else(|| ser::Error::custom(OUTSIDE))?, serializer)
    }
}

impl<'de, T: PyDate, F: form::Form, Z: Zone> Deserialize<'de> for Dated<T, F, Z> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = F::read::<T::Raw, D>(deserializer)?.meant_by::<Z>().and_then(T::from_raw);
        value.map(Self::of).ok_or_else(|| de::Error::custom(OUTSIDE))
    }
}

impl<T, F, Z> Deref for Dated<T, F, Z> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone, F, Z> Clone for Dated<T, F, Z> {
    fn clone(&self) -> Self {
        Self::of(self.value.clone())
    }
}

impl<T: Copy, F, Z> Copy for Dated<T, F, Z> {}

impl<T: PartialEq, F, Z> PartialEq for Dated<T, F, Z> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq, F, Z> Eq for Dated<T, F, Z> {}

impl<T: PartialOrd, F, Z> PartialOrd for Dated<T, F, Z> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord, F, Z> Ord for Dated<T, F, Z> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Hash, F, Z> Hash for Dated<T, F, Z> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: fmt::Debug, F, Z> fmt::Debug for Dated<T, F, Z> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display, F, Z> fmt::Display for Dated<T, F, Z> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// What every type of a library has.
macro_rules! dates {
    ($($ty:ty: $raw:ty, |$value:ident| $to:expr, |$read:ident| $from:expr;)*) => {$(
        impl crate::dates::PyDate for $ty {}

        impl crate::dates::convert::Convert for $ty {
            type Raw = $raw;

            fn to_raw(&self) -> Option<$raw> {
                let $value = self;
                $to
            }

            fn from_raw($read: $raw) -> Option<Self> {
                $from
            }
        }

        impl<F, Z> From<crate::dates::Dated<$ty, F, Z>> for $ty {
            fn from(dated: crate::dates::Dated<$ty, F, Z>) -> Self {
                dated.into_inner()
            }
        }
    )*};
}
use dates;
