//! What a layer adds to a stack, what types and futures weigh, and that they do not grow unnoticed.
//!
//! The bytes of `tests/sizes.txt` are those of one compiler; another one may lay futures out otherwise.
//! `BLESS=1 cargo test --all-features --test sizes` writes them down anew.
#![cfg(all(
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-msgpack",
    feature = "codec-postcard",
))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{collections::BTreeMap, fmt::Write as _, fs, process::Command, time::Duration};

use larder::{
    BackendExt, Entry, Error, ErrorKind, Framed, FullDict, Hstore, IntTime, Key, KeyBuf, LayerExt,
    Logging, Memo, Memory, Meta, Msgpack, NoMeta, PayloadExt, Postcard, Redis, RedisLock, Region,
    Tiered,
};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sizes.txt");

/// What may be added before it counts as growth, in percent: of the compiler that wrote the baseline, and
/// of any other.
const SAME: usize = 5;
const OTHER: usize = 50;

type Whole = Logging<IntTime<Msgpack<Hstore<Redis>>>>;
type Bytes = Logging<IntTime<Postcard<Memory>>>;
type Tiers = Tiered<Memo<u64>, IntTime<Postcard<Memory>>>;

#[test]
fn a_layer_without_state_adds_nothing() {
    assert_eq!(size_of::<Logging<Memo<u64>>>(), size_of::<Memo<u64>>());
    assert_eq!(size_of::<Bytes>(), size_of::<Memory>());
    assert_eq!(size_of::<FullDict<Msgpack<Hstore<Memory>>>>(), size_of::<Hstore<Memory>>());
    assert_eq!(size_of::<NoMeta<Postcard<Memory>>>(), size_of::<Memory>());
    assert_eq!(size_of::<Framed<Postcard<Memory>>>(), size_of::<Memory>());
    assert_eq!(size_of::<Whole>(), size_of::<Hstore<Redis>>());
    // Whatever the stack: clones share it.
    assert_eq!(size_of::<Region<Memo<u64>>>(), size_of::<Region<Whole>>());
}

/// The bytes of the futures of one region.
macro_rules! futures {
    ($sizes:ident, $name:literal, $region:expr) => {
        let region = $region;
        let mut add = |call: &str, bytes| $sizes.insert(format!("{}: {call}", $name), bytes);
        let keys = ["a", "b"];
        add("get", size_of_val(&region.get::<u64>("k")));
        add("get_multi", size_of_val(&region.get_multi::<u64>(keys)));
        add("set", size_of_val(&region.set("k", 1_u64)));
        add("delete", size_of_val(&region.delete("k")));
        add("get_or_create", size_of_val(&region.get_or_create("k", async || 1_u64)));
        let fails = async || Err::<u64, Error>(Error::new(ErrorKind::Unavailable, "test"));
        add("try_get_or_create", size_of_val(&region.try_get_or_create("k", fails)));
        let many = async |keys: Vec<&'static str>| keys.into_iter().map(|key| (key, 1_u64));
        add("get_or_create_multi", size_of_val(&region.get_or_create_multi(keys, many)));
    };
}

fn sizes() -> BTreeMap<String, usize> {
    let mut sizes = BTreeMap::new();
    for (name, bytes) in [
        ("Key", size_of::<Key<'_>>()),
        ("KeyBuf", size_of::<KeyBuf>()),
        ("Meta", size_of::<Meta>()),
        ("Entry<Option<u64>>", size_of::<Entry<Option<u64>>>()),
        ("Error", size_of::<Error>()),
        ("Region<Memo<u64>>", size_of::<Region<Memo<u64>>>()),
    ] {
        sizes.insert(name.to_owned(), bytes);
    }
    futures!(sizes, "Memo<u64>", Memo::new().region());
    futures!(sizes, "Logging<Memo<u64>>", Memo::new().logging().region());
    futures!(sizes, "Logging<IntTime<Postcard<Memory>>>", {
        let region: Region<Bytes> = Memory::new().postcard().int_time().logging().region();
        region
    });
    futures!(sizes, "Tiered<Memo<u64>, IntTime<Postcard<Memory>>>", {
        let tiers: Region<Tiers> = Memory::new().postcard().int_time().behind(Memo::new()).region();
        tiers
    });
    // Nobody is connected to: the futures are not polled.
    let redis = Redis::new("redis://127.0.0.1:1").unwrap();
    futures!(sizes, "Logging<IntTime<Msgpack<Hstore<Redis>>>>", {
        let region: Region<Whole> = redis.clone().hstore().msgpack().int_time().logging().region();
        region
    });
    futures!(sizes, "the same with RedisLock", {
        let lock = RedisLock::new(&redis);
        let stack: Whole = redis.hstore().msgpack().int_time().logging();
        let builder = Region::builder(stack).lock(lock).expire_after(Duration::from_secs(60));
        builder.build().unwrap()
    });
    sizes
}

fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("-V").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn types_and_futures_do_not_grow() {
    let sizes = sizes();
    if std::env::var_os("BLESS").is_some() {
        let mut text = format!("# {}\n", compiler());
        for (name, bytes) in &sizes {
            let _ = writeln!(text, "{bytes:>6}  {name}");
        }
        fs::write(BASELINE, text).unwrap();
        return;
    }
    let text = fs::read_to_string(BASELINE).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let allowed = if header == format!("# {}", compiler()) { SAME } else { OTHER };
    let baseline: BTreeMap<&str, usize> = lines
        .lines()
        .map(|line| line.trim().split_once("  ").unwrap())
        .map(|(bytes, name)| (name, bytes.parse().unwrap()))
        .collect();
    let mut grown = String::new();
    for (name, bytes) in &sizes {
        match baseline.get(name.as_str()) {
            Some(before) if bytes * 100 <= before * (100 + allowed) => {}
            Some(before) => _ = writeln!(grown, "{name}: {bytes} bytes instead of {before}"),
            None => _ = writeln!(grown, "{name}: {bytes} bytes, and no baseline"),
        }
    }
    assert!(grown.is_empty(), "more than {allowed} %; BLESS=1 if it is worth it:\n{grown}");
    assert_eq!(sizes.len(), baseline.len(), "the baseline has what is not there any more");
}
