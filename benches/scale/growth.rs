//! Time and memory of so many entries.

use std::{cell::Cell, collections::HashMap};

use larder_benches::{Report, Table, Trace, Value, live_bytes, timed};

use crate::shelf::{Map, Near, OnDisk, Quick, Shelf};

const ROUNDS: u32 = 9;

/// Two tables: filling, a tenth of the entries at a time for each in turn, and hits by Zipf's law.
pub fn measure<V: Value>(report: &mut Report, size: &str, entries: u32) {
    // Twice the room, because some keep it in parts, of which none may be full.
    let room = 2 * entries as usize;
    let mut shelves: [Box<dyn Shelf<V>>; 5] = [
        Box::new(Map(HashMap::new())),
        Box::new(Quick(quick_cache::sync::Cache::new(room))),
        Box::new(Near::memo(room)),
        Box::new(Near::memory(room)),
        Box::new(OnDisk::new()),
    ];
    let memory = [const { Cell::new(0) }; 5];
    let part = entries / (ROUNDS + 1);
    let mut table = Table::new(format!("Filling with {entries} entries of {size}"), "ns", part);
    table = table.rounds(ROUNDS);
    for (shelf, memory) in shelves.iter_mut().zip(&memory) {
        let mut from = 0;
        table.batch(shelf.name(), move || {
            let keys: Vec<String> = (from..from + part).map(Trace::key).collect();
            from += part;
            let before = live_bytes();
            let sample = timed(part, || shelf.put(&keys));
            memory.set(memory.get() + live_bytes() - before);
            sample
        });
    }
    report.table(table);

    let calls = 20_000;
    let trace = Trace::zipf(entries, 0.99, 10 * calls, 3);
    let mut table = Table::new(format!("Hits among {entries} entries of {size}"), "ns", calls);
    table = table.rounds(ROUNDS);
    for (shelf, memory) in shelves.iter().zip(&memory) {
        let (trace, mut from) = (&trace, 0);
        table.batch(shelf.name(), move || {
            from = (from + calls as usize) % trace.len();
            timed(calls, || {
                for key in trace.turn(from, calls) {
                    assert!(std::hint::black_box(shelf.get(key)).is_some(), "all are there");
                }
            })
        });
        let each = |bytes: f64| bytes / f64::from(entries);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        match shelf.file_bytes() {
            Some(bytes) => table.figure("file bytes/entry", each(bytes as f64)),
            // As asked for from the allocator; what it adds for itself is not in it.
            None => table.figure("bytes/entry", each(memory.get() as f64)),
        }
    }
    report.table(table);
}
