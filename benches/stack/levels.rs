//! What each level adds to those below it, inside the process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::{
    Backend, BackendExt, Bytes, Hstore, IntTime, Key, LayerExt, Logging, Memo, Memory, Msgpack,
    PayloadExt, Postcard, Region, Store, Tiered, WriteOpts,
};
use larder_benches::{User, Value as _, now};

use crate::case::{Section, create, each, filled, hits, keys};

const HOUR: Duration = Duration::from_secs(3600);
/// `IntTime<Msgpack<..>>` over memory.
type Seconds = IntTime<Msgpack<Memory>>;

/// Values as they are.
pub fn typed() -> Section {
    Section::new("Levels over Memo<T>")
        .case("quick_cache: get", || {
            let bare = quick_cache::sync::Cache::<String, User>::new(100_000);
            for key in keys() {
                bare.insert(key.clone(), User::sample());
            }
            each(move |key| bare.get(key).expect("a hit"))
        })
        .case("Memo<T>: read", || {
            let memo = filled(Memo::<User>::new().region());
            each(move |key| read(memo.stack(), key.into()))
        })
        .case("Logging<Memo<T>>: read", || {
            let memo: Region<Logging<Memo<User>>> = filled(Memo::new().logging().region());
            each(move |key| read(memo.stack(), key.into()))
        })
        .case("Region<Memo<T>>: get", || {
            let memo = filled(Memo::<User>::new().region());
            each(move |key| now(memo.get::<User>(key)).expect("no error").expect("a hit"))
        })
        .case("Region<Logging<Memo<T>>>: get", || {
            let memo = filled(Memo::<User>::new().logging().region());
            each(move |key| now(memo.get::<User>(key)).expect("no error").expect("a hit"))
        })
        .case("Region<Memo<T>>: get_or_create", || hits(Memo::new().region()))
        .case("Region<Logging<Memo<T>>>: get_or_create", || hits(Memo::new().logging().region()))
        .case("the same, get_or_create_with", || {
            let memo = filled(Memo::<User>::new().logging().region());
            let create = async || larder::Created::new(create().await);
            each(move |key| now(memo.get_or_create_with(key, create)).expect("no error"))
        })
        .case("the same, blocking()", || {
            let memo = filled(Memo::<User>::new().logging().region()).blocking();
            each(move |key| memo.get_or_create(key, User::sample).expect("no error"))
        })
        .case("the same with an expiry (reads the clock twice)", || {
            let builder = Region::builder(Memo::new().logging()).expire_after(HOUR);
            hits(builder.build().expect("sound"))
        })
        .case("Region<Tiered<Memo<T>, IntTime<Postcard<Memory>>>>", || {
            let tiers: Tiered<Memo<User>, IntTime<Postcard<Memory>>> =
                Memory::new().postcard().int_time().behind(Memo::new());
            hits(tiers.region())
        })
}

/// Values as bytes, beside the codec called by hand.
pub fn bytes() -> Section {
    Section::new("Levels over Memory")
        .case("by hand: Memory::get, rmp-serde, age", || {
            let memory = stored();
            each(move |key| by_hand(&memory, key))
        })
        .case("Memory: get", || {
            let memory = stored();
            each(move |key| now(memory.get(key.into())).expect("no error").expect("a hit"))
        })
        .case("IntTime<Msgpack<Memory>>: read", || {
            let region: Region<Seconds> = filled(Memory::new().msgpack().int_time().region());
            each(move |key| read(region.stack(), key.into()))
        })
        .case("IntTime<Msgpack<Hstore<Memory>>>: read", || {
            let region: Region<IntTime<Msgpack<Hstore<Memory>>>> =
                filled(Memory::new().hstore().msgpack().int_time().region());
            each(move |key| read(region.stack(), key.into()))
        })
        .case("Logging<IntTime<Msgpack<Memory>>>: read", || {
            let region: Region<Logging<Seconds>> =
                filled(Memory::new().msgpack().int_time().logging().region());
            each(move |key| read(region.stack(), key.into()))
        })
        .case("Region<Logging<IntTime<Msgpack<Memory>>>>: get", || {
            let region = filled(expiring());
            each(move |key| now(region.get::<User>(key)).expect("no error").expect("a hit"))
        })
        .case("Region<Logging<IntTime<Msgpack<Memory>>>>: get_or_create", || hits(expiring()))
        .case("Region<Logging<IntTime<Postcard<Memory>>>>: get_or_create", || {
            let stack = Memory::new().postcard().int_time().logging();
            hits(Region::builder(stack).expire_after(HOUR).build().expect("sound"))
        })
}

fn read<S: Store<User>>(stack: &S, key: Key<'_>) -> User {
    let entry = now(stack.read(key)).expect("no error").expect("a hit");
    entry.value.expect("something is there")
}

fn expiring() -> Region<Logging<Seconds>> {
    let stack = Memory::new().msgpack().int_time().logging();
    Region::builder(stack).expire_after(HOUR).build().expect("sound")
}

/// What the others write, under each of the keys.
fn stored() -> Memory {
    let memory = Memory::new();
    let entry = (User::sample(), seconds());
    let bytes = Bytes::from(rmp_serde::to_vec(&entry).expect("a value"));
    for key in keys() {
        let set = memory.set(key.into(), bytes.clone(), WriteOpts::default());
        now(set).expect("memory takes everything");
    }
    memory
}

fn by_hand(memory: &Memory, key: &str) -> User {
    let bytes = now(memory.get(key.into())).expect("no error").expect("a hit");
    let (user, created_at): (User, u64) = rmp_serde::from_slice(&bytes).expect("an entry");
    assert!(seconds().saturating_sub(created_at) <= HOUR.as_secs(), "it is young");
    user
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
