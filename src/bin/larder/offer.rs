//! The stacks on offer, and what one gives up with each of them.

use std::{collections::HashSet, fmt};

use larder::{
    CoarseFormat, DogpileFormat, Entry, Format as _, FramedFormat, FullDictFormat, IntTimeFormat,
    JsonCodec, Meta, MsgpackCodec, MsgpackNamedCodec, NoMetaFormat, PickleCodec, PostcardCodec,
    PyValue, RawCodec, Timestamp,
};
use serde::Serialize;

use crate::schema::{Schema, Typed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Dogpile,
    FullDict,
    IntTime,
    Framed,
    Coarse,
    NoMeta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    MsgpackNamed,
    Msgpack,
    Postcard,
    Pickle,
    Raw,
}

/// A format over a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) format: Format,
    pub(crate) codec: Codec,
}

/// All of them.
pub(crate) fn offers() -> impl Iterator<Item = Offer> {
    use self::{
        Codec::{Json, Msgpack, MsgpackNamed, Pickle, Postcard, Raw},
        Format::{Coarse, Dogpile, Framed, FullDict, IntTime, NoMeta},
    };
    let codecs = [Json, MsgpackNamed, Msgpack, Postcard, Pickle, Raw];
    let formats = [Dogpile, FullDict, IntTime, Framed, Coarse, NoMeta];
    codecs.into_iter().flat_map(move |codec| formats.map(|format| Offer { format, codec }))
}

impl Offer {
    /// The bytes of `value`, if this stack takes it.
    pub(crate) fn bytes(
        self,
        value: &PyValue,
        schema: &Schema,
        created: Timestamp,
    ) -> Option<Vec<u8>> {
        let typed = |tagged| Typed { value, schema, tagged };
        match self.codec {
            Codec::Json => self.framed(&JsonCodec, value, created),
            Codec::MsgpackNamed => self.framed(&MsgpackNamedCodec, value, created),
            Codec::Msgpack => self.framed(&MsgpackCodec, &typed(false), created),
            Codec::Postcard => self.framed(&PostcardCodec, &typed(true), created),
            Codec::Pickle => {
                let mut bytes = self.framed(&PickleCodec, value, created)?;
                // Only how many there are counts.
                let memo = schema.memo(value, &mut HashSet::new());
                bytes.resize(bytes.len().saturating_add_signed(memo), b'.');
                Some(bytes)
            }
            Codec::Raw => self.framed(&RawCodec, value, created),
        }
    }

    fn framed(
        self,
        codec: &impl larder::Codec,
        value: &impl Serialize,
        created: Timestamp,
    ) -> Option<Vec<u8>> {
        let (entry, mut out) = (Entry::new(value, Meta::new(created)), Vec::new());
        let done = match self.format {
            Format::Dogpile => DogpileFormat::<2>.encode(codec, &entry, &mut out),
            Format::FullDict => FullDictFormat::<1>.encode(codec, &entry, &mut out),
            Format::IntTime => IntTimeFormat.encode(codec, &entry, &mut out),
            Format::Framed => FramedFormat.encode(codec, &entry, &mut out),
            Format::Coarse => CoarseFormat.encode(codec, &entry, &mut out),
            Format::NoMeta => NoMetaFormat.encode(codec, &entry, &mut out),
        };
        done.ok().map(|()| out)
    }

    /// How exactly the time of creation is kept.
    pub(crate) fn precision(self) -> Option<&'static str> {
        match self.format {
            Format::Dogpile | Format::FullDict => Some("us"),
            Format::IntTime | Format::Framed => Some("s"),
            Format::Coarse => Some("64 s"),
            Format::NoMeta => None,
        }
    }

    /// Whether programs in other languages can read it without larder.
    pub(crate) fn is_portable(self) -> bool {
        let framed = matches!(self.format, Format::Framed | Format::Coarse);
        let codec = matches!(self.codec, Codec::Json | Codec::MsgpackNamed | Codec::Msgpack);
        codec && !framed
    }

    /// What one has not got with it; `has_names` where the values are structs, or have some inside.
    pub(crate) fn gives_up(self, has_names: bool) -> Vec<&'static str> {
        let codec = match self.codec {
            Codec::Json => None,
            Codec::Msgpack if has_names => Some(
                "structs by position: fields may be renamed, but neither moved nor left out, and people \
                 need a tool to read them",
            ),
            Codec::MsgpackNamed | Codec::Msgpack => Some("people need a tool to read it"),
            Codec::Postcard => Some(
                "only Rust reads it, with the very type that wrote it: Python does not, and a changed \
                 type needs new keys (`Versioned`)",
            ),
            Codec::Pickle => Some("only Python and larder read it"),
            Codec::Raw => Some("texts, numbers and bytes only, nothing with parts"),
        };
        let format = match self.format {
            Format::Dogpile | Format::FullDict => None,
            Format::IntTime => Some("whole seconds: an expiry under one second is refused"),
            Format::Framed => {
                Some("whole seconds, in five bytes that other programs would have to skip")
            }
            Format::Coarse => Some(
                "times in steps of 64 seconds, for lifetimes of hours, in three bytes that other \
                 programs would have to skip",
            ),
            Format::NoMeta => Some(
                "no time of creation: nothing but the TTL ends an entry, no soft invalidation, no old \
                 value while a new one is made",
            ),
        };
        codec.into_iter().chain(format).collect()
    }

    /// The type over `backend`.
    pub(crate) fn over(self, backend: &str) -> String {
        format!("{:?}<{:?}<{backend}>>", self.format, self.codec)
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}<{:?}>", self.format, self.codec)
    }
}

#[cfg(test)]
mod tests {
    use larder::{Codec as _, PickleCodec, Timestamp};
    use serde::Serialize;

    use super::{Codec, Format, Offer};
    use crate::schema::Schema;

    #[derive(Serialize)]
    struct Team<'t> {
        name: &'t str,
        people: Vec<Person<'t>>,
        lead: Option<Person<'t>>,
    }

    #[derive(Serialize)]
    struct Person<'t> {
        name: &'t str,
        a_long_name: u32,
    }

    /// Names of fields are in the memo of a pickle, where those of a dict are not.
    #[test]
    fn pickles_of_structs_are_as_long_as_they_are_written() {
        for count in [0, 1, 20] {
            let person = || Person { name: "Ann", a_long_name: 7 };
            let people = (0..count).map(|_| person()).collect();
            let team = Team { name: "A", people, lead: Some(person()) };
            let mut written = Vec::new();
            PickleCodec.encode(&team, &mut written).ok();
            let value = crate::stack::Codec::Pickle.decode(&written);
            let offer = Offer { format: Format::NoMeta, codec: Codec::Pickle };
            let bytes = value.and_then(|value| {
                offer.bytes(&value, &Schema::of(&value), Timestamp::from_micros(0))
            });
            assert_eq!(bytes.map(|bytes| bytes.len()), Some(written.len()), "{count}");
        }
    }
}
