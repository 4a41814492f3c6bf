/// What a pickle may call: nothing but makers of data, none of which is run by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bytes,
    ByteArray,
    Tuple,
    Set,
    FrozenSet,
    /// `_codecs.encode`, which makes bytes of text where the protocol has none.
    Encode,
    /// `copyreg._reconstructor`, which makes subclasses of tuples in protocols 0 and 1.
    Reconstructor,
    CachedValue,
}

impl Class {
    /// By the names that Python 3, and Python 2 or Python 3 on its behalf, write.
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("builtins" | "__builtin__", "tuple") => Self::Tuple,
            ("builtins" | "__builtin__", "set") => Self::Set,
            ("builtins" | "__builtin__", "frozenset") => Self::FrozenSet,
            ("_codecs", "encode") => Self::Encode,
            ("copyreg" | "copy_reg", "_reconstructor") => Self::Reconstructor,
            (CACHED_VALUE_MODULE, CACHED_VALUE_NAME) => Self::CachedValue,
            _ => return None,
        })
    }
}

pub(super) const CACHED_VALUE_MODULE: &str = "dogpile.cache.api";
pub(super) const CACHED_VALUE_NAME: &str = "CachedValue";
