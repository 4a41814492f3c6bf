//! What the benchmarks share: tables whose rows are measured in turn, traces of keys, a count of
//! allocations, and the figures of a run as JSON.
//!
//! A row's ratio is that to the first row of its table, round by round: a machine that changes its speed
//! changes it for both. Nanoseconds alone say little; ratios are what a run is for.

#![allow(
    clippy::panic,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "programs, not a library"
)]

mod allocations;
mod ceiling;
mod contender;
pub mod origin;
#[cfg(feature = "peers")]
pub mod peers;
mod python;
mod report;
mod sample;
mod table;
mod trace;
mod values;

pub use allocations::live_bytes;
pub use ceiling::redis_benchmark;
pub use contender::Contender;
pub use python::Python;
pub use report::{Report, said};
pub use sample::{Sample, now, timed};
pub use table::Table;
pub use trace::Trace;
pub use values::{Blob, Row, User, Value, rows};
