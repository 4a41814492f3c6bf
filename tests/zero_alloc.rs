//! A hit allocates nothing, whatever the depth of the stack; and a bound in bytes is kept.
#![cfg(all(feature = "backend-memory", feature = "codec-postcard", feature = "codec-msgpack"))]
#![expect(unsafe_code, reason = "a counting allocator is unsafe to write")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use larder::{
    BackendExt, Blocking, Either, Framed, FullDict, Hstore, IntTime, Key, LayerExt, Logging, Memo,
    Memory, Msgpack, NoMeta, Null, PayloadExt, Postcard, Region, Store, Tiered,
};
use serde::{Deserialize, Serialize};

struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });
thread_local!(static LIVE_BYTES: Cell<isize> = const { Cell::new(0) });

fn count() {
    ALLOCATIONS.with(|n| n.set(n.get() + 1));
}

/// A block with its header, in steps of 16 bytes, as common allocators have it.
fn live(size: usize, sign: isize) {
    let block = (size + 8).next_multiple_of(16).max(32).cast_signed();
    LIVE_BYTES.with(|n| n.set(n.get() + sign * block));
}

// SAFETY: everything is left to `System`; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        live(layout.size(), 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        live(layout.size(), -1);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        live(layout.size(), -1);
        live(size, 1);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        live(layout.size(), 1);
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A hit never waits: it is done after one poll.
fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a hit had to wait"),
    }
}

fn allocations<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let before = ALLOCATIONS.with(Cell::get);
    let result = f();
    (ALLOCATIONS.with(Cell::get) - before, result)
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    age: u32,
    score: f64,
}

const USER: User = User { id: 1, age: 2, score: 0.5 };

fn check<S: Store<User> + 'static>(region: &Region<S>) {
    // The first read of a thread registers it with the sharded lock under the map, once and for
    // all stores: that is the thread's cost, not the hit's.
    poll_once(region.get::<User>("absent")).unwrap();
    for key in [Key::from("plain"), Key::from(("space", "name"))] {
        poll_once(region.set(key, USER)).unwrap();
        // The very first hit of the entry counts, too.
        let hit = allocations(|| poll_once(region.get_or_create(key, async || unreachable!())));
        assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "get_or_create {key:?}");
        let create = async || -> Result<User, ()> { unreachable!() };
        let hit = allocations(|| poll_once(region.try_get_or_create(key, create)));
        assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "try_get_or_create {key:?}");
        let hit = allocations(|| poll_once(region.get::<User>(key)));
        assert_eq!((hit.0, hit.1.unwrap()), (0, Some(USER)), "get {key:?}");
        let hit = allocations(|| poll_once(region.entry::<User>(key)));
        assert_eq!((hit.0, hit.1.unwrap().unwrap().value), (0, USER), "entry {key:?}");
        check_blocking(&region.blocking(), key);
    }
    let miss = allocations(|| poll_once(region.get::<User>("absent")));
    assert_eq!((miss.0, miss.1.unwrap()), (0, None), "a miss");
}

/// No allocation also means no runtime: the thread of larder's own is started by who needs it.
fn check_blocking<S: Store<User> + 'static>(region: &Blocking<S>, key: Key<'_>) {
    let hit = allocations(|| region.get_or_create(key, || unreachable!()));
    assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "blocking get_or_create {key:?}");
    let create = || -> Result<User, ()> { unreachable!() };
    let hit = allocations(|| region.try_get_or_create(key, create));
    assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "blocking try_get_or_create {key:?}");
    let hit = allocations(|| region.get_or_create_in_background(key, || unreachable!()));
    assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "blocking get_or_create_in_background {key:?}");
    let hit = allocations(|| region.get::<User>(key));
    assert_eq!((hit.0, hit.1.unwrap()), (0, Some(USER)), "blocking get {key:?}");
    let hit = allocations(|| region.entry::<User>(key));
    assert_eq!((hit.0, hit.1.unwrap().unwrap().value), (0, USER), "blocking entry {key:?}");
    let miss = allocations(|| region.get::<User>("absent"));
    assert_eq!((miss.0, miss.1.unwrap()), (0, None), "a blocking miss");
}

/// The whole policy is asked, too.
fn expiring<S: Store<User>>(stack: S) -> Region<S> {
    Region::builder(stack).expire_after(Duration::from_secs(60)).build().unwrap()
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1_u8))).0, 1);
    let region: Region<Memo<User>> = Memo::new().region();
    assert_ne!(allocations(|| poll_once(region.set("k", USER))).0, 0);
}

#[test]
fn typed_hits_allocate_nothing() {
    let region: Region<Logging<Memo<User>>> = Memo::new().logging().region();
    check(&region);
    check(&expiring(Memo::new()));
}

#[test]
fn decoded_hits_allocate_nothing() {
    let region: Region<Logging<IntTime<Postcard<Memory>>>> =
        Memory::new().postcard().int_time().logging().region();
    check(&region);
    check(&expiring(Memory::new().postcard().int_time().logging()));
}

#[test]
fn deep_stacks_allocate_nothing() {
    type Deep = Logging<Logging<IntTime<Msgpack<Logging<Hstore<Logging<Memory>>>>>>>;
    check(&expiring::<Deep>(
        Memory::new().logging().hstore().logging().msgpack().int_time().logging().logging(),
    ));
    check(&expiring::<Framed<Postcard<Memory>>>(Memory::new().postcard().framed()));
    check(&expiring::<FullDict<Msgpack<Memory>>>(Memory::new().msgpack().full_dict()));
    check(&expiring::<NoMeta<Postcard<Memory>>>(Memory::new().postcard().no_meta()));
}

#[test]
fn hits_under_other_keys_allocate_nothing() {
    check(&expiring(Memo::new().prefixed("application:")));
    check(&expiring(Memo::new().versioned::<3>()));
    check(&expiring(Memory::new().prefixed("app:").postcard().framed().versioned::<3>().logging()));
    check(&expiring(Memory::new().prefixed("app:").hstore().versioned::<3>().msgpack().int_time()));
}

#[cfg(feature = "observe-recorded")]
#[test]
fn hits_that_nobody_records_allocate_nothing() {
    check(&expiring(Memo::new().recorded("users")));
    check(&expiring(Memory::new().recorded("users").postcard().framed().recorded("users")));
}

#[cfg(feature = "key-hashed")]
#[test]
fn hits_under_digests_and_rules_allocate_nothing() {
    use larder::{KeyHash, Sha1};

    check(&expiring(Memo::new().hashed()));
    check(&expiring(Memo::new().keyed(KeyHash::new().longer_than(4))));
    check(&expiring(Memo::new().keyed(KeyHash::with(Sha1))));
    check(&expiring(Memo::new().normalized()));
    check(&expiring(Memory::new().hashed().hstore().postcard().framed().normalized()));
}

#[test]
fn one_of_two_stacks_allocates_nothing() {
    type Backends = Either<Memory, Either<Null, Memory>>;
    let inner = Backends::Second(Either::Second(Memory::new()));
    check(&expiring(inner.hstore().msgpack().int_time()));
    let stack = Either::<Memo<User>, Framed<Postcard<Memory>>>::First(Memo::new());
    check(&expiring(stack.logging()));
}

#[cfg(feature = "observe-metered")]
#[test]
fn counted_hits_allocate_nothing() {
    let exporter = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    check(&expiring(Memo::new().metered("unheard")));
    metrics::with_local_recorder(&exporter, || {
        check(&expiring(Memo::new().metered("typed")));
        check(&expiring(Memory::new().hstore().msgpack().int_time().metered("bytes")));
    });
    let text = exporter.handle().render();
    assert!(text.contains("larder_hits_total{region=\"typed\",state=\"fresh\"}"), "{text}");
}

/// Of what the near tier has; only the way to the far one takes a box.
#[test]
fn hits_in_the_first_tier_allocate_nothing() {
    let near = || Memory::new().postcard().framed();
    let far = || Memory::new().msgpack().int_time();
    let deep = Tiered::new(Memo::new(), Tiered::new(near(), far()));
    for (what, hits) in [
        ("typed", hits_of(far().behind(Memo::new()))),
        ("bytes", hits_of(far().behind(near()).logging())),
        ("three tiers", hits_of(deep)),
    ] {
        assert_eq!(hits, 0, "{what}");
    }
}

fn hits_of<S: Store<User> + 'static>(stack: S) -> usize {
    let region = expiring(stack);
    // The first read of a thread, as above.
    poll_once(region.get::<User>("absent")).unwrap();
    poll_once(region.set("k", USER)).unwrap();
    let (created, user) =
        allocations(|| poll_once(region.get_or_create("k", async || unreachable!())));
    let (got, other) = allocations(|| poll_once(region.get::<User>("k")));
    assert_eq!((user.unwrap(), other.unwrap()), (USER, Some(USER)));
    created + got
}

#[cfg(feature = "request")]
#[test]
fn hits_in_the_store_of_a_request_allocate_nothing() {
    let typed = expiring(Memo::new().request_scoped());
    let bytes = expiring(Memory::new().postcard().framed().logging().request_scoped());
    larder::RequestScope::new("GET /").run_blocking(|| {
        check(&typed);
        check(&bytes);
    });
    // Nor do those that are passed through.
    check(&typed);
    check(&bytes);
}

#[cfg(feature = "config")]
#[test]
fn a_declared_region_is_found_without_allocating() {
    static USERS: larder::Declared<Region<Memo<User>>> = larder::Declared::new("users");
    USERS.configure(Memo::new().region()).unwrap();
    // The first one of a thread registers it.
    check(&USERS.load().unwrap());
    let found = allocations(|| poll_once(USERS.load().unwrap().get::<User>("plain")));
    assert_eq!((found.0, found.1.unwrap()), (0, Some(USER)));
}

#[test]
fn a_store_bounded_by_bytes_takes_no_more_memory_than_that() {
    const LIMIT: u64 = 8 << 20;
    for size in [4, 100, 2_000] {
        let before = LIVE_BYTES.with(Cell::get);
        let memory = std::sync::Arc::new(Memory::with_max_bytes(LIMIT));
        let region = std::sync::Arc::clone(&memory).postcard().framed().region();
        for n in 0..60_000 {
            poll_once(region.set(&format!("user:{n:06}"), "x".repeat(size))).unwrap();
        }
        let taken = LIVE_BYTES.with(Cell::get) - before;
        let taken = u64::try_from(taken).unwrap();
        assert!(memory.weight() > LIMIT * 9 / 10, "full: {}", memory.weight());
        assert!(taken < LIMIT * 6 / 5, "values of {size} bytes: {taken} bytes for {LIMIT}");
    }
}

#[cfg(feature = "macros")]
#[expect(clippy::unused_async, reason = "what would be slow work")]
mod functions {
    use std::sync::LazyLock;

    use larder::cached;

    use super::*;

    static USERS: LazyLock<Region<Logging<Memo<User>>>> =
        LazyLock::new(|| Memo::new().logging().region());

    #[cached(region = USERS, key = "user:{id}:{name:>4}", expire_after = "5m")]
    async fn by_template(id: u64, name: &str) -> Result<User, String> {
        if id == 0 { Err(name.to_owned()) } else { Ok(USER) }
    }

    #[cached(region = USERS, expire_after = || Duration::from_secs(id))]
    async fn derived(id: u64, name: &str, more: &[Option<User>]) -> Option<User> {
        (id + name.len() as u64 + more.len() as u64 > 0).then_some(USER)
    }

    #[cached(region = USERS, dogpile = "app.users:load", namespace = "eu")]
    async fn of_dogpile(id: u64, name: &str, ratio: f64, group: Option<u8>) -> User {
        User { id: id + name.len() as u64 + u64::from(group.is_some()) + ratio.to_bits(), ..USER }
    }

    #[cached(region = USERS, key = ("user-{id}", "posts"))]
    fn blocking(id: u64) -> User {
        User { id, ..USER }
    }

    #[test]
    fn a_hit_of_a_cached_function_allocates_nothing() {
        // The first read of a thread registers it, as above.
        poll_once(USERS.get::<User>("absent")).unwrap();
        poll_once(by_template(7, "ann")).unwrap();
        let hit = allocations(|| poll_once(by_template(7, "ann")));
        assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "a template");
        let more = [None, Some(USER)];
        poll_once(derived(7, "ann lee", &more)).unwrap();
        let hit = allocations(|| poll_once(derived(7, "ann lee", &more)));
        assert_eq!((hit.0, hit.1.unwrap()), (0, USER), "a derived key");
        let made = poll_once(of_dogpile(7, "ann lee", 2.0_f64.powi(-25), None));
        let hit = allocations(|| poll_once(of_dogpile(7, "ann lee", 2.0_f64.powi(-25), None)));
        assert_eq!((hit.0, hit.1), (0, made), "a key of dogpile");
        let made = blocking(7);
        let hit = allocations(|| blocking(7));
        assert_eq!((hit.0, hit.1), (0, made), "a function that is not asynchronous");
    }
}
