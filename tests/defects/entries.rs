//! What is stored, and what is read: D11, D12, D14, D15, D17, D18, D20.

use std::{ptr, sync::Mutex, time::Duration};

use larder::{
    Backend, BackendExt, Bytes, Event, Format, Formatted, FullDictFormat, Json, Key, LayerExt,
    Level, ManualClock, Memo, Memory, Msgpack, Observe, Observed, Op, Options, PayloadExt,
    Postcard, Raw, Region, Store, Timestamp, WriteOpts,
};

use crate::support::{
    redis_server::RedisServer,
    region::{patient, process, process_with},
};

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[tokio::test]
async fn d11_without_an_expiry_nothing_is_ever_stale() {
    let server = RedisServer::start();
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let region = process_with(&server, |builder| builder.clock(time.clock()));
    region.set("k", 1_u64).await.unwrap();
    assert_eq!(server.call(&["PTTL", "k"]).int(), -1);
    time.advance(CENTURY);
    let for_ever = region.with(Options::new().expire_after(Duration::MAX));
    for region in [region, for_ever] {
        let never = async || -> u64 { unreachable!() };
        assert_eq!(region.get("k").await.unwrap(), Some(1_u64));
        assert_eq!(region.get_multi(["k"]).await.unwrap(), [Some(1_u64)]);
        assert!(!region.entry::<u64>("k").await.unwrap().unwrap().is_stale());
        assert_eq!(region.get_or_create("k", never).await.unwrap(), 1);
        let none = async |_| -> Vec<(&str, u64)> { unreachable!() };
        assert_eq!(region.get_or_create_multi(["k"], none).await.unwrap(), [Some(1)]);
    }
}

async fn one_form_of<S: Store<u64>>(region: &Region<S>, key: Key<'_>) {
    let never = async || -> u64 { unreachable!() };
    region.set(key, 1).await.unwrap();
    assert_eq!(region.get(key).await.unwrap(), Some(1_u64));
    assert_eq!(region.get_multi([key]).await.unwrap(), [Some(1_u64)]);
    assert_eq!(region.entry::<u64>(key).await.unwrap().unwrap().value, 1);
    assert_eq!(region.get_or_create(key, never).await.unwrap(), 1);
    let none = async |_| -> Vec<(Key<'_>, u64)> { unreachable!() };
    assert_eq!(region.get_or_create_multi([key], none).await.unwrap(), [Some(1)]);
    region.delete(key).await.unwrap();
    assert_eq!(region.get_or_create(key, async || 2_u64).await.unwrap(), 2);
    region.set_multi([(key, 3_u64)]).await.unwrap();
    assert_eq!(region.refresh(key, async || 4_u64).await.unwrap(), 4);
    assert_eq!(region.get(key).await.unwrap(), Some(4_u64));
    region.delete_multi([key]).await.unwrap();
    let made = region.get_or_create_multi([key], async |missing| [(missing[0], 5_u64)]).await;
    assert_eq!(made.unwrap(), [Some(5)]);
    assert_eq!(region.get(key).await.unwrap(), Some(5_u64));
}

#[tokio::test]
async fn d12_all_methods_use_one_form_of_a_key() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let long = "long ".repeat(100);
    let keys = [
        Key::from("k"),
        Key::from(""),
        Key::from("a b\r\n\"ü\0"),
        Key::from(long.as_str()),
        Key::from(("s", "k")),
        Key::from(("s", "")),
    ];
    let plain = redis.clone().json().full_dict().region();
    let hashes = redis.clone().hstore().json().full_dict().region();
    for key in keys {
        one_form_of(&plain, key).await;
        assert_eq!(server.call(&["DBSIZE"]).int(), 1, "{key}");
        plain.delete(key).await.unwrap();
        one_form_of(&hashes, key).await;
        assert_eq!(server.call(&["DBSIZE"]).int(), 1, "{key}");
        hashes.delete(key).await.unwrap();
        assert_eq!(server.call(&["DBSIZE"]).int(), 0, "{key}");
    }
}

#[tokio::test]
async fn d14_the_stack_is_the_one_in_use() {
    let region = Memory::new().json().full_dict().region();
    let clone = region.clone();
    let other = region.with(Options::new().expire_after(CENTURY));
    let typed = region.typed::<u64>();
    for stack in [clone.stack(), other.stack(), typed.stack()] {
        assert!(ptr::eq(region.stack(), stack));
    }
    other.set("k", 1_u64).await.unwrap();
    let entry: larder::Entry<Option<u64>> = clone.stack().read("k".into()).await.unwrap().unwrap();
    assert_eq!(entry.value, Some(1));
    region.stack().remove("k".into()).await.unwrap();
    assert_eq!(typed.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn d15_empty_batches_ask_nobody() {
    let server = RedisServer::start();
    let region = process(&server);
    let typed = region.typed::<u64>();
    region.get::<u64>("k").await.unwrap();
    let mut monitor = server.raw().monitor();
    let none = || std::iter::empty::<&str>();
    assert_eq!(region.get_multi::<u64>(none()).await.unwrap(), []);
    region.set_multi(none().map(|key| (key, 1_u64))).await.unwrap();
    region.delete_multi(none()).await.unwrap();
    let create = async |_: Vec<&str>| -> Vec<(&str, u64)> { unreachable!() };
    assert_eq!(region.get_or_create_multi(none(), create).await.unwrap(), []);
    let fails = async |_: Vec<&str>| -> Result<Vec<(&str, u64)>, String> { unreachable!() };
    assert!(region.try_get_or_create_multi(none(), fails).await.is_empty());
    assert_eq!(typed.get_multi(none()).await.unwrap(), []);
    typed.set_multi(none().map(|key| (key, 1_u64))).await.unwrap();
    assert_eq!(typed.get_or_create_multi(none(), create).await.unwrap(), []);
    // And the backends themselves.
    let redis = patient(server.unix_url());
    redis.remove_multi(&[]).await.unwrap();
    assert!(redis.get_multi(&[]).await.unwrap().is_empty());
    redis.set_multi(&[]).await.unwrap();
    assert_eq!(monitor.seen(&server), [""; 0]);
}

#[tokio::test]
async fn d17_bytes_that_do_not_decode_are_a_miss_and_so_is_another_version() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let region = redis.clone().json().full_dict().region();
    let foreign: [&[u8]; 5] = [
        b"",
        b"\xff\xfe",
        b"[1]",
        b"{\"ct\": 1, \"v\": 2}|\"text\"",
        b"[\"text\",{\"v\":1,\"ct\":1}]",
    ];
    for (n, bytes) in (1..).zip(foreign) {
        server.raw().call(&[b"SET".as_slice(), b"k", bytes]);
        assert_eq!(region.get::<u64>("k").await.unwrap(), None);
        assert_eq!(region.get_multi::<u64>(["k"]).await.unwrap(), [None]);
        assert_eq!(region.entry::<u64>("k").await.unwrap(), None);
        assert_eq!(region.stats().unreadable, 4 * n - 1, "{bytes:?}");
        assert_eq!(region.get_or_create("k", async || n).await.unwrap(), n, "and made anew");
        assert_eq!(region.get("k").await.unwrap(), Some(n));
    }
    // `get` looks at the version, too.
    let newer = Formatted::with(FullDictFormat::<2>, redis.json()).region();
    region.set("k", 1_u64).await.unwrap();
    assert_eq!(newer.get::<u64>("k").await.unwrap(), None);
    assert_eq!(newer.get_multi::<u64>(["k"]).await.unwrap(), [None]);
    assert_eq!(newer.get_or_create("k", async || 2_u64).await.unwrap(), 2);
    assert_eq!((newer.stats().unreadable, region.get::<u64>("k").await.unwrap()), (0, None));
}

/// Notes the name of each operation.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<&'static str>>);

impl Observe for Notes {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.op.name());
    }
}

impl Notes {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

async fn everything<S: Store<u64>>(region: &Region<S>) {
    region.set("k", 1).await.unwrap();
    assert_eq!(region.get("k").await.unwrap(), Some(1_u64));
    region.set_multi([("k", 1_u64), ("l", 2)]).await.unwrap();
    assert_eq!(region.get_multi(["k", "l"]).await.unwrap(), [Some(1_u64), Some(2)]);
    region.delete("k").await.unwrap();
    region.delete_multi(["k", "l"]).await.unwrap();
    region.get_or_create("k", async || 1_u64).await.unwrap();
    let create = async |missing: Vec<&'static str>| missing.into_iter().map(|key| (key, 2_u64));
    region.get_or_create_multi(["k", "l"], create).await.unwrap();
}

#[tokio::test]
async fn d18_a_proxy_sees_every_operation_on_stacks_of_every_kind() {
    let all = [
        Op::Set,
        Op::Get,
        Op::SetMulti,
        Op::GetMulti,
        Op::Remove,
        Op::RemoveMulti, // asked for
        Op::Get,
        Op::Set, // a key read through
        Op::GetMulti,
        Op::SetMulti, // and a batch
    ]
    .map(Op::name);
    let server = RedisServer::start();
    let (inner, outer, typed) = (Notes::default(), Notes::default(), Notes::default());
    // Around the bytes and around the entries of one stack.
    let bytes = Observed::with(&inner, patient(server.unix_url()).hstore());
    let region = Observed::with(&outer, bytes.msgpack().int_time()).region();
    everything(&region).await;
    assert_eq!(outer.take(), all);
    assert_eq!(inner.take(), all);
    everything(&Observed::with(&typed, Memo::<u64>::new()).region()).await;
    assert_eq!(typed.take(), all);
    // What a stack can do, it still can when it is watched.
    let watched = Observed::with(&inner, patient(server.unix_url()));
    assert_eq!(watched.capabilities(), patient(server.unix_url()).capabilities());
}

/// `os.system("touch FILE")` when it is unpickled, in protocol 0.
fn pickle_that_runs(file: &str) -> Vec<u8> {
    format!("cos\nsystem\n(S'touch {file}'\ntR.").into_bytes()
}

async fn is_a_counted_miss<F, P>(stack: Formatted<F, P>, bytes: &[u8])
where
    F: Format,
    Formatted<F, P>: Store<String>,
{
    let region = Region::new(stack);
    assert_eq!(region.get::<String>("k").await.unwrap(), None, "{}", bytes.escape_ascii());
    assert_eq!(region.stats().unreadable, 1, "{}", bytes.escape_ascii());
}

#[tokio::test]
async fn d20_decoding_runs_nothing_and_refuses_what_is_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("it ran");
    let runs = pickle_that_runs(&trace.to_string_lossy());
    let mut dogpile = b"{\"ct\": 1471113698.76127, \"v\": 2}|".to_vec();
    dogpile.extend_from_slice(&runs);
    // `pickle.dumps("a", 4)`, and what dogpile before 1.1 wrote.
    let text = b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.".to_vec();
    let tuple = b"\x80\x02cdogpile.cache.api\nCachedValue\nq\x00X\x01\x00\x00\x00a.".to_vec();
    for bytes in [runs, dogpile, text, tuple] {
        let memory = std::sync::Arc::new(Memory::new());
        memory.set("k".into(), Bytes::from(bytes.clone()), WriteOpts::default()).await.unwrap();
        let store = || std::sync::Arc::clone(&memory);
        is_a_counted_miss(Json::new(store()).full_dict(), &bytes).await;
        is_a_counted_miss(Json::new(store()).int_time(), &bytes).await;
        is_a_counted_miss(Json::new(store()).no_meta(), &bytes).await;
        is_a_counted_miss(Msgpack::new(store()).full_dict(), &bytes).await;
        is_a_counted_miss(Msgpack::new(store()).int_time(), &bytes).await;
        is_a_counted_miss(Msgpack::new(store()).no_meta(), &bytes).await;
        is_a_counted_miss(Postcard::new(store()).framed(), &bytes).await;
        is_a_counted_miss(Msgpack::new(store()).framed(), &bytes).await;
        is_a_counted_miss(Raw::new(store()).framed(), &bytes).await;
    }
    assert!(!trace.exists());
}
