//! Layers forward everything: batches as batches, capabilities, and what a stack can be.
#![cfg(all(feature = "backend-memory", feature = "codec-json", feature = "codec-msgpack"))]

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use larder::{
    Always, Backend, BackendExt, Batch, Bytes, Capabilities, Coded, EntryTtl, Error, ErrorKind,
    Event, Expires, Framed, FramedFormat, FullDict, HashBackend, HashExpiry, Hstore, Immediate,
    IntTime, Json, JsonCodec, Key, LayerExt, Level, Logging, Memo, Memory, Msgpack, MsgpackCodec,
    Never, NoMeta, Null, Observe, Observed, Op, Payload, PayloadExt, PerField, Precision, Prefixed,
    Put, Raw, Region, Result, Store, Timestamp, Transform, Transformed, Typed, Versioned,
    WriteOpts,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

/// Counts the calls that would be round trips.
#[derive(Default)]
struct Counting {
    memory: Memory,
    trips: AtomicUsize,
}

impl Counting {
    fn trip(&self) -> &Memory {
        self.trips.fetch_add(1, SeqCst);
        &self.memory
    }

    fn trips(&self) -> usize {
        self.trips.swap(0, SeqCst)
    }
}

impl Level for Counting {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.trip().remove(key).await
    }

    async fn remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        self.trip().remove_multi(keys).await
    }

    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }
}

impl Backend for Counting {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.trip().get(key).await
    }

    async fn set(&self, key: Key<'_>, value: Bytes, opts: WriteOpts<'_>) -> Result<()> {
        self.trip().set(key, value, opts).await
    }

    async fn get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.trip().get_multi(keys).await
    }

    async fn set_multi(&self, puts: &[Put<'_, Bytes>]) -> Result<()> {
        self.trip().set_multi(puts).await
    }
}

impl HashBackend for Counting {
    async fn hash_get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.trip().hash_get(key).await
    }

    async fn hash_set(
        &self,
        key: Key<'_>,
        value: Bytes,
        opts: WriteOpts<'_>,
        expiry: HashExpiry,
    ) -> Result<()> {
        self.trip().hash_set(key, value, opts, expiry).await
    }

    async fn hash_remove(&self, key: Key<'_>) -> Result<()> {
        self.trip().hash_remove(key).await
    }

    async fn hash_get_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Bytes>> {
        self.trip().hash_get_multi(keys).await
    }

    async fn hash_set_multi(&self, puts: &[Put<'_, Bytes>], expiry: HashExpiry) -> Result<()> {
        self.trip().hash_set_multi(puts, expiry).await
    }

    async fn hash_remove_multi(&self, keys: &[Key<'_>]) -> Result<()> {
        self.trip().hash_remove_multi(keys).await
    }
}

/// Turns every byte around, and refuses bytes it did not write.
#[derive(Clone, Copy, Debug)]
struct Flip;

impl Transform for Flip {
    fn seal(&self, plain: Bytes) -> Result<Bytes> {
        Ok([b"!", &*plain].concat().iter().map(|byte| !byte).collect())
    }

    fn open(&self, sealed: Bytes) -> Result<Bytes> {
        match sealed.split_first() {
            Some((&first, rest)) if first == !b'!' => Ok(rest.iter().map(|byte| !byte).collect()),
            _ => Err(Error::new(ErrorKind::Decode, "flip")),
        }
    }
}

#[tokio::test]
async fn every_operation_is_one_round_trip_through_every_layer() {
    let store = Arc::new(Counting::default());
    let region = Arc::clone(&store)
        .logging()
        .prefixed("app:")
        .transform(Flip)
        .logging()
        .hstore()
        .transform(Flip)
        .versioned::<3>()
        .logging()
        .msgpack()
        .int_time()
        .prefixed("users:")
        .logging()
        .region();

    let keys =
        || [Key::from("a"), ("h", "a").into(), "b".into(), ("h", "b").into(), ("g", "a").into()];
    region.set_multi(keys().into_iter().zip(0_u32..)).await.unwrap();
    assert_eq!(store.trips(), 1, "set_multi");
    let wanted = [Some(4), Some(0), None, Some(1), Some(0), Some(3)];
    let asked = [
        ("g", "a").into(),
        Key::from("a"),
        "x".into(),
        ("h", "a").into(),
        "a".into(),
        ("h", "b").into(),
    ];
    assert_eq!(region.get_multi::<u32>(asked).await.unwrap(), wanted);
    assert_eq!(store.trips(), 1, "get_multi");
    for key in keys() {
        assert!(region.get::<u32>(key).await.unwrap().is_some());
        assert_eq!(store.trips(), 1, "get");
        region.get_or_create(key, async || 9_u32).await.unwrap();
        assert_eq!(store.trips(), 1, "a hit");
        region.set(key, 1_u32).await.unwrap();
        assert_eq!(store.trips(), 1, "set");
    }
    region.delete_multi(keys()).await.unwrap();
    assert_eq!(store.trips(), 1, "delete_multi");
    assert_eq!(region.get_multi::<u32>(keys()).await.unwrap(), [None; 5]);
    assert_eq!(store.trips(), 1);
    region.get_or_create("cold", async || 1_u32).await.unwrap();
    assert_eq!(store.trips(), 2, "a creation nobody else was near reads once and writes once");
    region.delete("cold").await.unwrap();
    assert_eq!(store.trips(), 1, "delete");
}

#[tokio::test]
async fn transforms_see_all_bytes_and_their_refusals_are_misses() {
    let memory = Arc::new(Memory::new());
    let region = Arc::clone(&memory).transform(Flip).json().no_meta().region();
    region.set("k", 7_u8).await.unwrap();
    let stored = memory.get("k".into()).await.unwrap().unwrap();
    assert_eq!(&stored[..], [!b'!', !b'7']);
    memory.set("bad".into(), Bytes::from_static(b"7"), WriteOpts::default()).await.unwrap();
    assert_eq!(region.get_multi::<u8>(["bad", "k"]).await.unwrap(), [None, Some(7)]);
    assert_eq!(region.get::<u8>("bad").await.unwrap(), None);
    assert_eq!(region.stats().unreadable, 2);
}

#[tokio::test]
async fn hstore_and_plain_stores_keep_pairs_apart() {
    let region = Memory::new().hstore().json().int_time().region();
    region.set(("a", "b,c"), 1_u8).await.unwrap();
    region.set(("a,b", "c"), 2_u8).await.unwrap();
    region.set("a,b,c", 3_u8).await.unwrap();
    let keys = [Key::from(("a", "b,c")), ("a,b", "c").into(), "a,b,c".into()];
    assert_eq!(region.get_multi::<u8>(keys).await.unwrap(), [Some(1), Some(2), Some(3)]);
}

/// Keeps what it was told, as text.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observe for Notes {
    fn observe(&self, event: &Event<'_>) {
        let Event { op, keys, hits, bytes, error, .. } = *event;
        let error = error.map(Error::kind);
        let note = format!("{} {keys:?} {hits:?} {bytes:?} {error:?}", op.name());
        self.0.lock().expect("nobody panics while holding it").push(note);
    }
}

#[tokio::test]
async fn observers_see_one_event_for_each_operation() {
    let entries = Observed::with(Notes::default(), Memory::new().json().int_time()).region();
    entries.set("k", 1_u8).await.unwrap();
    entries.get::<u8>("k").await.unwrap();
    entries.get_multi::<u8>(["k", "x"]).await.unwrap();
    entries.get::<String>("k").await.unwrap();
    entries.set_multi([("a", 1_u8), ("b", 2)]).await.unwrap();
    entries.delete("k").await.unwrap();
    entries.delete_multi(["a", "b"]).await.unwrap();
    assert_eq!(
        *entries.stack().observer().0.lock().unwrap(),
        [
            r#"set ["k"] None None None"#,
            r#"get ["k"] Some(1) None None"#,
            r#"get_multi ["k", "x"] Some(1) None None"#,
            r#"get ["k"] None None Some(Decode)"#,
            r#"set_multi ["a", "b"] None None None"#,
            r#"remove ["k"] None None None"#,
            r#"remove_multi ["a", "b"] None None None"#,
        ]
    );

    // At the level of bytes, hashes included.
    let notes = Arc::new(Observed::with(Notes::default(), Memory::new()));
    let bytes = Arc::clone(&notes).hstore().json().no_meta().region();
    bytes.set(("h", "k"), 100_u8).await.unwrap();
    bytes.get_multi::<u8>([Key::from(("h", "k")), "x".into()]).await.unwrap();
    bytes.get::<u8>("x").await.unwrap();
    assert_eq!(
        *notes.observer().0.lock().unwrap(),
        [
            r#"set [("h", "k")] None Some(3) None"#,
            r#"get_multi [("h", "k"), "x"] Some(1) Some(3) None"#,
            r#"get ["x"] Some(0) None None"#,
        ]
    );
    assert_eq!(Op::RemoveMulti.name(), "remove_multi");
}

#[test]
fn capabilities_reach_the_top() {
    let deep = Memory::new().prefixed("app:").logging().transform(Flip).hstore();
    let deep = deep.json().int_time().versioned::<3>().logging();
    let deep = deep.capabilities();
    assert_eq!((deep.expires, deep.created_at), (Expires::Always, Precision::Seconds));
    assert_eq!(deep.immediate, Immediate::All);
    let never = Hstore::<_, Never>::with_policy(Memory::new()).json().full_dict().capabilities();
    assert_eq!((never.expires, never.created_at), (Expires::PlainKeys, Precision::Micros));
    let always = Hstore::<_, Always>::with_policy(Memory::new()).json().no_meta().capabilities();
    assert_eq!((always.expires, always.created_at), (Expires::PlainKeys, Precision::None));
    let own = Hstore::<_, PerField>::with_policy(Memory::new()).capabilities();
    assert_eq!(own.expires, Expires::PlainKeys, "what an old server can keep");
}

#[tokio::test]
async fn memory_is_bounded_by_count_and_by_weight() {
    let by_count = Memory::with_capacity(100);
    let by_size = Memory::with_max_bytes(100_000);
    for n in 0..1_000 {
        let (key, value) = (n.to_string(), Bytes::from(vec![0; 1_000]));
        by_count.set((&key).into(), value.clone(), WriteOpts::default()).await.unwrap();
        by_size.set((&key).into(), value, WriteOpts::default()).await.unwrap();
    }
    assert!((50..=100).contains(&by_count.len()), "{}", by_count.len());
    assert!((45..=100).contains(&by_size.len()), "{}", by_size.len());
    assert!(by_size.weight() <= 100_000, "{}", by_size.weight());
    by_size.clear();
    assert!(by_size.is_empty() && by_size.weight() == 0);

    let memo: Memo<String> = Memo::with_weigher(1_000, |_, text| text.len() as u64);
    let entry = |text: &str| larder::Entry::new(Some(text.to_owned()), larder::Meta::none());
    for n in 0..1_000 {
        let entry = entry(&"x".repeat(n % 20));
        memo.write((&n.to_string()).into(), &entry, WriteOpts::default()).await.unwrap();
    }
    assert!(memo.weight() <= 1_000 && memo.len() > 10);
    // What weighs more than the whole is not kept.
    memo.write("huge".into(), &entry(&"x".repeat(5_000)), WriteOpts::default()).await.unwrap();
    assert_eq!(memo.read("huge".into()).await.unwrap(), None);
}

#[tokio::test]
async fn null_keeps_nothing_and_still_creates_once_at_a_time() {
    let region = Null.hstore().json().int_time().region();
    region.set("k", 1_u8).await.unwrap();
    region.set_multi([(("h", "k"), 1_u8)].map(|((s, n), v)| (Key::from((s, n)), v))).await.unwrap();
    assert_eq!(region.get_multi::<u8>(["k", "l"]).await.unwrap(), [None, None]);
    assert_eq!(region.get_or_create("k", async || 2_u8).await.unwrap(), 2);
}

#[test]
fn postfix_and_written_out_are_the_same_type() {
    type Users = Region<Logging<IntTime<Msgpack<Hstore<Memory>>>>>;
    type Renamed = Versioned<Framed<Json<Hstore<Prefixed<Memory>>>>, 3>;
    let _: Users = Memory::new().hstore().msgpack().int_time().logging().region();
    let _: Users = Users::default();
    let _: Region<Framed<Json<Transformed<Flip, Memory>>>> =
        Memory::new().transform(Flip).json().framed().region();
    let _: Region<FullDict<Raw<Null>>> = Null.raw().full_dict().region();
    let _: Region<NoMeta<Msgpack<Memory>>> = Memory::new().msgpack().no_meta().region();
    let _: Renamed = Memory::new().prefixed("app:").hstore().json().framed().versioned::<3>();
}

// Layers without state weigh nothing, and an error is one word.
const_assert_eq!(
    size_of::<Logging<IntTime<Msgpack<Logging<Hstore<Transformed<Flip, Memory>>>>>>>(),
    size_of::<Memory>()
);
const_assert_eq!(size_of::<FullDict<Json<Memory>, 7>>(), size_of::<Memory>());
const_assert_eq!(size_of::<Versioned<IntTime<Json<Memory>>, 3>>(), size_of::<Memory>());
const_assert_eq!(size_of::<Hstore<(), Never>>(), 0);
const_assert_eq!(size_of::<Coded<MsgpackCodec, ()>>(), 0);
const_assert_eq!(size_of::<(JsonCodec, FramedFormat)>(), 0);
const_assert_eq!(size_of::<Region<Memory>>(), 3 * size_of::<usize>());
const_assert_eq!(size_of::<Typed<String, IntTime<Json<Memory>>>>(), 3 * size_of::<usize>());
const_assert_eq!(size_of::<Error>(), size_of::<usize>());
const_assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
const_assert_eq!(size_of::<Key<'_>>(), 4 * size_of::<usize>());
const_assert_eq!(size_of::<Timestamp>(), 8);

type Full = Logging<IntTime<Msgpack<Hstore<Memory>>>>;
assert_impl_all!(Region<Full>: Send, Sync, Clone, fmt::Debug, Unpin);
assert_impl_all!(Region<Memo<Mutex<u8>>>: Send, Sync);
assert_impl_all!(Error: Send, Sync, Clone, std::error::Error, Unpin);
assert_impl_all!(Key<'static>: Copy, Send, Sync, Eq, std::hash::Hash);
assert_impl_all!(Full: Store<String>, Level);
assert_not_impl_any!(Full: Backend, Payload);
assert_impl_all!(Msgpack<Memory>: Payload);
assert_impl_all!(Prefixed<Memory>: HashBackend, fmt::Debug);
assert_impl_all!(Prefixed<Framed<Msgpack<Memory>>>: Store<String>, EntryTtl);
assert_not_impl_any!(Prefixed<Hstore<Memory>>: HashBackend);
assert_not_impl_any!(Prefixed<IntTime<Msgpack<Memory>>>: EntryTtl, Backend);
assert_not_impl_any!(Memo<u8>: Store<u16>);

#[test]
fn futures_stay_small_and_can_be_sent() {
    fn size<F: Future + Send>(future: &F) -> usize {
        size_of_val(future)
    }
    let memo = Memo::<u64>::new().logging().region();
    let full = Region::<Full>::default();
    // A creator with a big state does not make the future of a hit bigger than that state: the
    // rest of the cold path is behind one box.
    let hits = [
        size(&memo.get::<u64>("k")),
        size(&memo.get_or_create("k", async || 1)),
        size(&full.get::<u64>("k")),
        size(&full.get_or_create("k", async || 1_u64)),
    ];
    assert!(hits.iter().all(|size| *size <= 640), "{hits:?}");
}

#[tokio::test]
async fn what_goes_for_want_of_room_is_counted_and_what_is_replaced_is_not() {
    let region = Memory::with_capacity(50).json().int_time().logging().region();
    for _ in 0..200 {
        region.set("k", 1_u8).await.unwrap();
    }
    assert_eq!(region.stack().evicted(), 0);
    for n in 0..500 {
        region.set(&format!("{n}"), 1_u8).await.unwrap();
    }
    let keys: Vec<String> = (0..500).map(|n| n.to_string()).chain(["k".to_owned()]).collect();
    let kept = region.get_multi::<u8>(keys.iter().map(String::as_str)).await.unwrap();
    let gone = kept.iter().filter(|value| value.is_none()).count();
    assert!(gone >= 400);
    assert_eq!(region.stack().evicted(), gone as u64);
}
