//! How time and memory grow with the number of entries, and how much is found where there is no room for all.
//!
//! `cargo bench --bench scale`. Ten million entries of a hundred bytes take long and 10 GB of memory:
//! `LARDER_BENCH_LONG=1` has them, too.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

mod capacity;
mod growth;
mod shelf;

use larder_benches::{Blob, Report};

fn main() {
    let mut report = Report::new("scale");
    capacity::measure(&mut report);
    let long = std::env::var_os("LARDER_BENCH_LONG").is_some();
    for entries in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        growth::measure::<u64>(&mut report, "8 bytes", entries);
        if entries < 10_000_000 || long {
            growth::measure::<Blob>(&mut report, "100 bytes", entries);
        } else {
            println!("\n{entries} entries of 100 bytes are left out; LARDER_BENCH_LONG=1 has them");
        }
    }
    report.save();
}
