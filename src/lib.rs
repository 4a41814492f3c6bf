//! A layered cache framework.

mod backend;
mod clock;
mod codec;
mod entry;
mod error;
mod ext;
mod format;
mod key;
mod layer;
mod observe;
mod region;
pub mod stacks;
mod store;
mod transform;

pub use self::{
    backend::*,
    clock::{Clock, ManualClock, Timestamp},
    codec::*,
    entry::{Entry, Meta},
    error::{Error, ErrorKind, Failure, Result},
    ext::{BackendExt, LayerExt, PayloadExt},
    format::*,
    key::{Key, KeyBuf},
    layer::*,
    observe::*,
    region::{Found, Region, RegionBuilder, Stats, Typed},
    store::{Batch, Capabilities, EntryTtl, Expires, Level, Precision, Put, Store, WriteOpts},
    transform::*,
};
pub use bytes::Bytes;
