//! Postfix building: `redis.hstore().msgpack().int_time().logging().region()` is the value of the
//! type `Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>`.

use crate::{
    Backend, Bucketed, Coarse, Framed, FullDict, HashBackend, Hstore, IntDict, IntTime, KeyMap,
    Keyed, Level, Logging, NoMeta, Payload, Prefixed, Raw, Region, SplitAt, Tiered, Transform,
    Transformed, Versioned,
};

/// What goes over bytes: byte layers and codecs.
pub trait BackendExt: Backend + Sized {
    /// Stores keys in a space as fields of a hash ([`Hstore`]).
    fn hstore(self) -> Hstore<Self>
    where
        Self: HashBackend,
    {
        Hstore::new(self)
    }

    /// Sends all bytes through `transform` ([`Transformed`]).
    fn transform<X: Transform>(self, transform: X) -> Transformed<X, Self> {
        Transformed::new(transform, self)
    }

    /// Writes values as JSON ([`Json`](crate::Json)).
    #[cfg(feature = "codec-json")]
    fn json(self) -> crate::Json<Self> {
        crate::Json::new(self)
    }

    /// Writes values as MessagePack, structs by position ([`Msgpack`](crate::Msgpack)).
    #[cfg(feature = "codec-msgpack")]
    fn msgpack(self) -> crate::Msgpack<Self> {
        crate::Msgpack::new(self)
    }

    /// Writes values as MessagePack, structs by name ([`MsgpackNamed`](crate::MsgpackNamed)).
    #[cfg(feature = "codec-msgpack")]
    fn msgpack_named(self) -> crate::MsgpackNamed<Self> {
        crate::MsgpackNamed::new(self)
    }

    /// Writes values as Postcard ([`Postcard`](crate::Postcard)).
    #[cfg(feature = "codec-postcard")]
    fn postcard(self) -> crate::Postcard<Self> {
        crate::Postcard::new(self)
    }

    /// Writes values as pickles of Python ([`Pickle`](crate::Pickle)).
    #[cfg(feature = "codec-pickle")]
    fn pickle(self) -> crate::Pickle<Self> {
        crate::Pickle::new(self)
    }

    /// Writes values as plain tagged text ([`Raw`]).
    fn raw(self) -> Raw<Self> {
        Raw::new(self)
    }
}

impl<B: Backend> BackendExt for B {}

/// What goes over a codec: the metadata formats.
pub trait PayloadExt: Payload + Sized {
    /// Value and a dictionary of metadata ([`FullDict`]).
    fn full_dict(self) -> FullDict<Self> {
        FullDict::new(self)
    }

    /// Value and whole second of creation ([`IntTime`]).
    fn int_time(self) -> IntTime<Self> {
        IntTime::new(self)
    }

    /// Value and a dictionary with the whole second of creation ([`IntDict`]).
    fn int_dict(self) -> IntDict<Self> {
        IntDict::new(self)
    }

    /// Metadata as dogpile.cache writes it, before the value ([`Dogpile`](crate::Dogpile)).
    #[cfg(feature = "format-dogpile")]
    fn dogpile(self) -> crate::Dogpile<Self> {
        crate::Dogpile::new(self)
    }

    /// Three bytes with a coarse time before the value ([`Coarse`]).
    fn coarse(self) -> Coarse<Self> {
        Coarse::new(self)
    }

    /// The bare value ([`NoMeta`]).
    fn no_meta(self) -> NoMeta<Self> {
        NoMeta::new(self)
    }

    /// A header of 5 bytes before the value ([`Framed`]).
    fn framed(self) -> Framed<Self> {
        Framed::new(self)
    }
}

impl<P: Payload> PayloadExt for P {}

/// What goes over every level.
pub trait LayerExt: Level + Sized {
    /// Logs each operation of this level ([`Logging`]).
    fn logging(self) -> Logging<Self> {
        Logging::new(self)
    }

    /// Counts and times each operation of this level, and what the region makes of its keys
    /// ([`Metered`](crate::Metered)): `.metered("users")`.
    #[cfg(feature = "observe-metered")]
    fn metered(self, label: impl Into<crate::Label>) -> crate::Metered<Self> {
        crate::Metered::with(crate::Meter::new(label), self)
    }

    /// Records each operation of this level under a label, for the panel
    /// ([`Recorded`](crate::Recorded)).
    #[cfg(feature = "observe-recorded")]
    fn recorded(self, label: impl Into<crate::Label>) -> crate::Recorded<Self> {
        crate::Observed::with(crate::Recorder::new(label), self)
    }

    /// Puts a text before every key ([`Prefixed`]).
    fn prefixed(self, prefix: impl Into<Box<str>>) -> Prefixed<Self> {
        Prefixed::new(prefix, self)
    }

    /// Puts a version before every key ([`Versioned`]).
    fn versioned<const V: u32>(self) -> Versioned<Self, V> {
        Versioned::new(self)
    }

    /// Splits plain keys at the first `C`, which makes hashes of them ([`SplitAt`]).
    fn split_at<const C: char>(self) -> SplitAt<Self, C> {
        SplitAt::new(self)
    }

    /// Packs keys that end with a number by `N` into one hash ([`Bucketed`]).
    fn bucketed<const N: u32>(self) -> Bucketed<Self, N> {
        Bucketed::new(self)
    }

    /// Replaces every key by a digest ([`Hashed`](crate::Hashed)).
    #[cfg(feature = "key-hashed")]
    fn hashed(self) -> crate::Hashed<Self> {
        crate::Hashed::new(self)
    }

    /// Makes keys obey the rules of memcached ([`Normalized`](crate::Normalized)).
    #[cfg(feature = "key-hashed")]
    fn normalized(self) -> crate::Normalized<Self> {
        crate::Normalized::new(self)
    }

    /// Changes keys as `map` says ([`Keyed`]).
    fn keyed<M: KeyMap>(self, map: M) -> Keyed<M, Self> {
        Keyed::with(map, self)
    }

    /// Puts `l1` before this stack, which is the truth behind it ([`Tiered`]).
    fn behind<L1: Level + 'static>(self, l1: L1) -> Tiered<L1, Self> {
        Tiered::new(l1, self)
    }

    /// Puts a store that lives as long as one request before this stack
    /// ([`RequestScoped`](crate::RequestScoped)).
    #[cfg(feature = "request")]
    fn request_scoped(self) -> crate::RequestScoped<Self> {
        crate::RequestScoped::new(self)
    }

    /// Finishes the stack with the default policy: entries never expire. For another policy see
    /// [`Region::builder`].
    fn region(self) -> Region<Self> {
        Region::new(self)
    }
}

impl<S: Level> LayerExt for S {}
