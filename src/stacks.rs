//! Stacks that people pick, by the place the bytes live in and by who else reads them.
//!
//! | alias | bytes of metadata | pick it when |
//! |---|---|---|
//! | [`InProcess<T>`](InProcess) | - | one process asks, values are typed, nothing has to survive |
//! | [`InProcessBytes`] | 5 | the same for values of many types, or to bound the store by bytes |
//! | [`Embedded`] | 5 | entries survive restarts and are shared by the processes of one machine |
//! | [`RedisSmallest`] | 5 | many machines share, Rust only, memory counts |
//! | [`RedisShared`] | 6 | many machines share, other languages read along, memory counts |
//! | [`RedisPortable`] | about 35 | people and scripts look at the entries with their own eyes |
//! | [`DogpileRedis`] | about 35 | Python services with dogpile.cache read and write the same entries |
//! | [`NearRedis<T>`](NearRedis) | 5 | many machines share, and most reads are served inside the process, in step with the server |
//! | [`MemcachedSmallest`] | 5 | many machines share memcached servers, Rust only |
//!
//! They are stacks, not regions: put a proxy around them or hand them to a region as they are. The
//! last parameter is the backend, for stacks that watch or transform their bytes, or have them
//! elsewhere: `RedisSmallest<RedisCluster>`.
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
//! use larder::{Logging, Memory, Region, stacks::InProcessBytes};
//!
//! type Pages = Region<Logging<InProcessBytes>>;
//! type Watched = Region<InProcessBytes<Logging<Memory>>>;
//! # let _ = (Pages::default(), Watched::default());
//! # }
//! ```

/// Typed values inside the process: a hit is a clone of `T`. No bytes, no codec, nothing survives.
#[cfg(feature = "backend-memory")]
pub type InProcess<T> = crate::Memo<T>;

/// Values of any serde type inside the process, as bytes: one store for many types, bounded by
/// bytes if you like ([`Memory::with_max_bytes`](crate::Memory::with_max_bytes)). A hit decodes.
#[cfg(all(feature = "backend-memory", feature = "codec-postcard"))]
pub type InProcessBytes<B = crate::Memory> = crate::Framed<crate::Postcard<B>>;

/// A file beside the application: survives restarts, shared by the processes of one machine, needs
/// no server.
#[cfg(all(
    feature = "backend-file",
    feature = "codec-postcard",
    unix,
    target_pointer_width = "64"
))]
pub type Embedded<B = crate::File> = crate::Framed<crate::Postcard<B>>;

/// The fewest bytes in Redis that still know their age: packed hashes for keys in a space,
/// Postcard, and a header of 5 bytes. Rust on both sides.
#[cfg(all(feature = "backend-redis", feature = "codec-postcard"))]
pub type RedisSmallest<B = crate::Redis> = crate::Framed<crate::Postcard<crate::Hstore<B>>>;

/// Small in Redis and readable from every language: packed hashes for keys in a space, and
/// MessagePack of `[value, seconds]`.
#[cfg(all(feature = "backend-redis", feature = "codec-msgpack"))]
pub type RedisShared<B = crate::Redis> = crate::IntTime<crate::Msgpack<crate::Hstore<B>>>;

/// The most telling in Redis: JSON of `[value, {"v": 1, "ct": seconds}]` under plain keys, for
/// people with `redis-cli`.
#[cfg(all(feature = "backend-redis", feature = "codec-json"))]
pub type RedisPortable<B = crate::Redis> = crate::FullDict<crate::Json<B>>;

/// The entries of dogpile.cache as it writes them to Redis unless told otherwise: pickles behind metadata
/// in JSON, under plain keys. `DogpileRedis<Hstore<Redis>>` for the hashes of
/// `dogpile_backend_redis_advanced.hstore`.
#[cfg(all(feature = "backend-redis", feature = "codec-pickle", feature = "format-dogpile"))]
pub type DogpileRedis<B = crate::Redis> = crate::Dogpile<crate::Pickle<B>>;

/// What `dogpile_backend_redis_advanced` 0.5 writes with `Serializer_PickleIntTime_ProxyBackend`: the pickled
/// class `CachedValue`, with the whole second of creation.
#[cfg(feature = "codec-pickle")]
pub type PickleIntTime<B> = crate::IntDict<crate::Pickle<B>>;

/// What `dogpile_backend_redis_advanced` 0.5 writes with `Serializer_PickleNoMeta_ProxyBackend`: the pickled
/// value and nothing else.
#[cfg(feature = "codec-pickle")]
pub type PickleNoMeta<B> = crate::NoMeta<crate::Pickle<B>>;

/// Typed copies inside the process before Redis, which tells of changes. Built with
/// [`Tiered::new`](crate::Tiered::new) and [`coherent`](crate::Tiered::coherent).
#[cfg(all(feature = "backend-memory", feature = "backend-redis", feature = "codec-postcard"))]
pub type NearRedis<T, B = crate::Redis> =
    crate::Tiered<crate::Memo<T>, crate::Framed<crate::Postcard<B>>, crate::Redis>;

/// The fewest bytes in memcached that still know their age: Postcard, and a header of 5 bytes. Rust on
/// both sides.
#[cfg(all(feature = "backend-memcached", feature = "codec-postcard"))]
pub type MemcachedSmallest<B = crate::Memcached> = crate::Framed<crate::Postcard<B>>;
