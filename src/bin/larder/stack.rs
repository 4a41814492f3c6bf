//! The stacks of larder, as far as they can be seen in bytes.

use std::fmt;

use larder::{Codec as _, JsonCodec, MsgpackCodec, PickleCodec, PyValue, RawCodec};

/// How value and metadata stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Format {
    /// With the version of its values, as the two that follow.
    Dogpile(u32),
    FullDict(u32),
    IntDict(u32),
    IntTime,
    Framed,
    Coarse,
    NoMeta,
}

/// How values become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Codec {
    Json,
    Msgpack,
    Pickle,
    Raw,
    /// Bytes that do not describe themselves.
    Other,
}

/// A format over a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stack {
    pub(crate) format: Format,
    pub(crate) codec: Codec,
}

impl Codec {
    pub(crate) const ALL: [Self; 5] =
        [Self::Json, Self::Msgpack, Self::Pickle, Self::Raw, Self::Other];

    /// The value in `bytes`, if this codec could have written them.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<PyValue> {
        match self {
            Self::Json => JsonCodec.decode(bytes).ok(),
            Self::Msgpack => MsgpackCodec.decode(bytes).ok(),
            Self::Pickle => PickleCodec.decode(bytes).ok(),
            Self::Raw => RawCodec.decode(bytes).ok(),
            Self::Other => None,
        }
    }

    /// What this codec says of bytes that it cannot read, without its advice to who writes them.
    pub(crate) fn refusal(self, bytes: &[u8]) -> Option<String> {
        let error = match self {
            Self::Pickle => PickleCodec.decode::<PyValue>(bytes).err()?,
            // Bytes that another codec cannot read are not taken for its own.
            _ => return None,
        };
        let said = error.to_string();
        let said = said.split_once(": ").map_or(said.as_str(), |(_, said)| said);
        Some(said.split(';').next().unwrap_or(said).to_owned())
    }
}

/// Whether this is how pickles begin and end, from protocol 2 on; or before it, those of classes.
pub(crate) fn looks_pickled(bytes: &[u8]) -> bool {
    match bytes {
        [0x80, 2..=5, .., b'.'] => true,
        [b'c', rest @ .., b'.'] => {
            let mut names = rest.splitn(3, |byte| *byte == b'\n');
            let mut is_name = || {
                let name = names.next().filter(|name| !name.is_empty());
                name.is_some_and(|name| {
                    name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
                })
            };
            is_name() && is_name() && names.next().is_some()
        }
        _ => false,
    }
}

/// `Dogpile<Pickle>`, and `FullDict<Pickle, 2>` where the version is not the one that need not be written.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codec = match self.codec {
            Codec::Other => "Postcard?".into(),
            codec => format!("{codec:?}"),
        };
        let (name, version, default) = match self.format {
            Format::Dogpile(version) => ("Dogpile", version, 2),
            Format::FullDict(version) => ("FullDict", version, 1),
            Format::IntDict(version) => ("IntDict", version, 2),
            other => return write!(f, "{other:?}<{codec}>"),
        };
        if version == default {
            write!(f, "{name}<{codec}>")
        } else {
            write!(f, "{name}<{codec}, {version}>")
        }
    }
}
