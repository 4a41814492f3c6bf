//! A hit: larder, the store underneath, and the peers, on the same traffic.
//!
//! 100,000 keys by Zipf's law with exponent 0.99, all of them there. `cargo bench --bench hit`.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

use std::{fmt::Write as _, sync::Arc, time::Duration};

use larder::{
    BackendExt, IntTime, LayerExt, Logging, Memo, Memory, PayloadExt, Postcard, Region, Store,
    Tiered,
};
use larder_benches::{Blob, Python, Report, Table, Trace, User, Value, origin};
#[cfg(feature = "peers")]
use larder_benches::{
    Contender,
    peers::{Cached, Cachet, Foyer, Hitbox, Moka},
};

const KEYS: u32 = 100_000;
/// Twice the keys, because some keep their room in parts, of which none may be full.
const ROOM: usize = 200_000;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _context = runtime.enter();
    let mut report = Report::new("hit");
    let trace = Trace::zipf(KEYS, 0.99, 400_000, 1);
    let python = Arc::new(std::sync::Mutex::new(python(&trace)));
    for threads in [1, 2] {
        let title = format!("A struct of five fields, {threads} thread(s)");
        let mut table = rows::<User>(&title, threads, &trace);
        #[cfg(feature = "peers")]
        peers::<User, Cached, Hitbox<User>>(&mut table, &trace);
        if threads == 1 && python.lock().expect("one thread").is_some() {
            let python = Arc::clone(&python);
            table.batch("dogpile.cache, memory (Python)", move || {
                let mut python = python.lock().expect("one thread");
                python.as_mut().expect("it is there").sample("10000")
            });
        }
        report.table(table);
        let title = format!("100 bytes, {threads} thread(s)");
        let mut table = rows::<Blob>(&title, threads, &trace);
        #[cfg(feature = "peers")]
        peers::<Blob, Cached, Hitbox<Blob>>(&mut table, &trace);
        report.table(table);
    }
    assert_eq!(origin::asked(), 0, "every call was a hit");
    report.save();
}

/// A creation that is none: what is asked for is there.
async fn none<V: Value>() -> V {
    origin::ask().await
}

fn filled<V: Value, S: Store<V>>(region: Region<S>) -> Region<S> {
    let keys = Trace::each(KEYS);
    for n in 0..keys.len() {
        larder_benches::now(region.set(keys.get(n), V::sample())).expect("memory takes everything");
    }
    region
}

/// The store underneath, and larder over it.
fn rows<'a, V: Value>(title: &str, threads: u32, trace: &'a Trace) -> Table<'a> {
    let mut table = Table::new(title, "ns", 20_000).threads(threads);
    let bare = quick_cache::sync::Cache::<String, V>::new(ROOM);
    for n in 0..KEYS {
        bare.insert(Trace::key(n), V::sample());
    }
    table.traffic("quick_cache: get", trace, async move |key| bare.get(key).expect("a hit"));

    let memo: Region<Logging<Memo<V>>> = filled(Memo::with_capacity(ROOM).logging().region());
    table.traffic("larder: Region<Logging<Memo<T>>>", trace, async move |key| {
        memo.get_or_create(key, none).await.expect("no error")
    });

    let builder = Region::builder(Memo::with_capacity(ROOM).logging()).expire_after(HOUR);
    let expiring: Region<Logging<Memo<V>>> = filled(builder.build().expect("sound"));
    table.traffic("larder: Region<Logging<Memo<T>>>, with a lifetime", trace, async move |key| {
        expiring.get_or_create(key, none).await.expect("no error")
    });

    let far = Memory::with_capacity(ROOM).postcard().int_time();
    let tiers: Region<Tiered<Memo<V>, IntTime<Postcard<Memory>>>> =
        filled(far.behind(Memo::with_capacity(ROOM)).region());
    table.traffic(
        "larder: Region<Tiered<Memo<T>, IntTime<Postcard<Memory>>>>",
        trace,
        async move |key| tiers.get_or_create(key, none).await.expect("no error"),
    );

    let stack = Memory::with_capacity(ROOM).postcard().int_time().logging();
    let bytes: Region<Logging<IntTime<Postcard<Memory>>>> = filled::<V, _>(stack.region());
    table.traffic(
        "larder: Region<Logging<IntTime<Postcard<Memory>>>>, bytes",
        trace,
        async move |key| bytes.get_or_create(key, none::<V>).await.expect("no error"),
    );
    table
}

#[cfg(feature = "peers")]
fn peers<'a, V, C, H>(table: &mut Table<'a>, trace: &'a Trace)
where
    V: Value,
    C: Contender<V>,
    H: Contender<V>,
{
    peer::<V, Moka<V, false>>("moka: get_with_by_ref", table, trace);
    peer::<V, Moka<V, true>>("moka: the same with a lifetime", table, trace);
    peer::<V, Foyer<V>>("foyer: get_or_fetch, S3-FIFO", table, trace);
    peer::<V, C>("cached: #[cached], async, by key, with a lifetime", table, trace);
    peer::<V, Cachet<V>>("cachet: get_or_insert, with a lifetime", table, trace);
    peer::<V, H>("hitbox: #[cached] over moka, bytes, with a lifetime", table, trace);
}

#[cfg(feature = "peers")]
fn peer<'a, V: Value, P: Contender<V>>(name: &str, table: &mut Table<'a>, trace: &'a Trace) {
    let peer = P::with_room(ROOM);
    let runtime = tokio::runtime::Handle::current();
    runtime.block_on(async {
        for n in 0..KEYS {
            peer.get_or_create(&Trace::key(n)).await.expect("the source does not fail");
        }
    });
    origin::asked();
    table.traffic(name, trace, async move |key| peer.get_or_create(key).await.expect("a hit"));
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
