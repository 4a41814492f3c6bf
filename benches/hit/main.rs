//! A hit: larder, the store underneath, and the peers, on the same traffic.
//!
//! Keys by Zipf's law with exponent 0.99, all of them there: 100,000, of which most are not in the processor's caches,
//! and 1000, which are. `cargo bench --bench hit`.
//!
//! Equal means: each is called directly, as its users do, and is filled in the order of the keys, which is not that of
//! their popularity. (Filled in the latter, those asked for most are neighbours in memory, and found faster.)

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

#[cfg(feature = "peers")]
mod peers;

use std::{fmt::Write as _, sync::Arc, time::Duration};

use larder::{
    BackendExt, IntTime, LayerExt, Logging, Memo, Memory, PayloadExt, Postcard, Region, Store,
    Tiered,
};
use larder_benches::{Blob, Python, Report, Table, Trace, User, Value, origin};

const MANY: u32 = 100_000;
const FEW: u32 = 1_000;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _context = runtime.enter();
    let mut report = Report::new("hit");
    let (many, few) = (Trace::zipf(MANY, 0.99, 400_000, 1), Trace::zipf(FEW, 0.99, 400_000, 1));
    let python = Arc::new(std::sync::Mutex::new(python(&many)));
    for (threads, times) in [(1, "1 thread"), (2, "2 threads")] {
        let mut user = table(&format!("A struct of five fields, {times}"), threads);
        rows::<User>(&mut user, MANY, &many);
        if threads == 1 && python.lock().expect("one thread").is_some() {
            let python = Arc::clone(&python);
            user.batch("dogpile.cache, memory (Python)", move || {
                let mut python = python.lock().expect("one thread");
                python.as_mut().expect("it is there").sample("10000")
            });
        }
        report.table(user);
        let mut blob = table(&format!("100 bytes, {times}"), threads);
        rows::<Blob>(&mut blob, MANY, &many);
        report.table(blob);
    }
    let mut warm = table("A struct of five fields, 1 thread, a thousand keys", 1);
    rows::<User>(&mut warm, FEW, &few);
    report.table(warm);
    assert_eq!(origin::asked(), 0, "every call was a hit");
    report.save();
}

fn table<'a>(title: &str, threads: u32) -> Table<'a> {
    Table::new(title, "ns", 20_000).threads(threads)
}

/// Twice the keys, because some keep their room in parts, of which none may be full.
fn room(keys: u32) -> usize {
    2 * keys as usize
}

#[cfg(feature = "peers")]
fn rows<'a, V: peers::Cacheable>(table: &mut Table<'a>, keys: u32, trace: &'a Trace) {
    ours::<V>(table, keys, trace);
    peers::rows::<V>(table, keys, trace);
}

#[cfg(not(feature = "peers"))]
fn rows<'a, V: Value>(table: &mut Table<'a>, keys: u32, trace: &'a Trace) {
    ours::<V>(table, keys, trace);
}

/// A creation that is none: what is asked for is there.
async fn none<V: Value>() -> V {
    origin::ask().await
}

fn filled<V: Value, S: Store<V>>(keys: u32, region: Region<S>) -> Region<S> {
    for n in 0..keys {
        let key = Trace::key(n);
        larder_benches::now(region.set(&key, V::sample())).expect("memory takes everything");
    }
    region
}

/// The store underneath, and larder over it.
fn ours<'a, V: Value>(table: &mut Table<'a>, keys: u32, trace: &'a Trace) {
    let room = room(keys);
    let bare = quick_cache::sync::Cache::<String, V>::new(room);
    for n in 0..keys {
        bare.insert(Trace::key(n), V::sample());
    }
    table.traffic("quick_cache: get", trace, async move |key| bare.get(key).expect("a hit"));

    let memo: Region<Logging<Memo<V>>> = filled(keys, Memo::with_capacity(room).logging().region());
    table.traffic("larder: Region<Logging<Memo<T>>>", trace, async move |key| {
        memo.get_or_create(key, none).await.expect("no error")
    });

    let builder = Region::builder(Memo::with_capacity(room).logging()).expire_after(HOUR);
    let expiring: Region<Logging<Memo<V>>> = filled(keys, builder.build().expect("sound"));
    table.traffic("larder: Region<Logging<Memo<T>>>, with a lifetime", trace, async move |key| {
        expiring.get_or_create(key, none).await.expect("no error")
    });

    let far = Memory::with_capacity(room).postcard().int_time();
    let tiers: Region<Tiered<Memo<V>, IntTime<Postcard<Memory>>>> =
        filled(keys, far.behind(Memo::with_capacity(room)).region());
    table.traffic(
        "larder: Region<Tiered<Memo<T>, IntTime<Postcard<Memory>>>>",
        trace,
        async move |key| tiers.get_or_create(key, none).await.expect("no error"),
    );

    let stack = Memory::with_capacity(room).postcard().int_time().logging();
    let bytes: Region<Logging<IntTime<Postcard<Memory>>>> = filled::<V, _>(keys, stack.region());
    table.traffic(
        "larder: Region<Logging<IntTime<Postcard<Memory>>>>, bytes",
        trace,
        async move |key| bytes.get_or_create(key, none::<V>).await.expect("no error"),
    );
}

/// The Python original, with the same trace.
fn python(trace: &Trace) -> Option<Python> {
    let file = tempfile::NamedTempFile::new().expect("a file for the trace");
    let mut text = String::new();
    for index in trace.indices() {
        let _ = writeln!(text, "{index}");
    }
    std::fs::write(file.path(), text).expect("the trace can be written");
    let mut python = Python::start("hit.py", &[&file.path().to_string_lossy()])?;
    // Answers when it has read the trace, which is then not needed any more.
    python.ask("1");
    Some(python)
}
