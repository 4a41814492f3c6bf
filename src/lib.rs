#![doc = include_str!("guide.md")]

pub mod backend;
mod capabilities;
mod clock;
pub mod codec;
#[cfg(feature = "config")]
pub mod config;
#[cfg(any(feature = "dates-chrono", feature = "dates-time"))]
pub mod dates;
mod entry;
mod error;
mod ext;
pub mod format;
pub mod function;
mod key;
pub mod layer;
pub mod lock;
#[cfg(feature = "macros")]
mod macros;
pub mod observe;
mod opts;
#[cfg(feature = "panel")]
pub mod panel;
mod region;
#[cfg(feature = "request")]
pub mod request;
mod runtime;
mod seldom;
mod shared_error;
pub mod stacks;
mod store;
mod sync;
#[cfg(feature = "template-minijinja")]
pub mod template;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transform;
#[cfg(any(feature = "config", feature = "template-minijinja"))]
mod units;

#[cfg(feature = "config")]
pub use self::config::{Config, Declared, FromConfig, Regions};
#[cfg(feature = "macros")]
pub use self::macros::{cached, cached_multi};
#[cfg(feature = "panel")]
pub use self::panel::{Panel, panel};

#[cfg(feature = "request")]
#[doc(no_inline)]
pub use self::request::*;
#[doc(no_inline)]
pub use self::{backend::*, codec::*, format::*, layer::*, lock::*, observe::*, transform::*};
pub use self::{
    capabilities::{Capabilities, Expires, Immediate, Place, Precision},
    clock::{Clock, ManualClock, Timestamp},
    entry::{Entry, Meta},
    error::{Error, ErrorKind, Failure, Result},
    ext::{BackendExt, LayerExt, PayloadExt},
    key::{AsKey, DogpileFunction, DogpileKey, Key, KeyBuf, PyStr},
    opts::{Put, ReadOpts, Tiers, WriteOpts},
    region::{
        Blocking, Created, Found, Invalidation, Invalidator, Lifetimes, Marks, OnTimeout, Options,
        Outcomes, Region, RegionBuilder, RegionSource, SharedMarks, Stats, Typed, Verdict,
    },
    shared_error::SharedError,
    store::{Batch, EntryTtl, Level, Store},
};
pub use bytes::Bytes;

/// The README's examples are tested with the others.
#[cfg(all(
    doctest,
    feature = "backend-memory",
    feature = "backend-file",
    feature = "codec-postcard",
    feature = "backend-redis",
    feature = "codec-pickle",
    feature = "config-toml",
    feature = "format-dogpile",
    feature = "macros",
    feature = "request"
))]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those of the page about Python.
#[cfg(all(
    doctest,
    feature = "backend-redis",
    feature = "codec-pickle",
    feature = "format-dogpile"
))]
#[doc = include_str!("../docs/python.md")]
struct Python;

/// And those of the page about the panel.
#[cfg(all(doctest, feature = "backend-memory", feature = "codec-postcard", feature = "panel"))]
#[doc = include_str!("../docs/panel.md")]
struct ThePanel;
