//! Everything that is ours keeps its promises.

use std::time::Duration;

use larder::{
    Always, Backend, BackendExt, Bytes, Hstore, LayerExt, Local, Memo, Memory, Never, Null,
    PayloadExt, PerField, Result, Store, Transform, WriteOpts,
    testing::{
        Chaos, backend_suite, entry_ttl_suite, expiry_suite, fence_suite, hash_backend_suite,
        lease_suite, lock_suite, store_suite,
    },
};

use crate::{
    desk::{Desk, Slip},
    shelf::{Flaw, Shelf},
};

/// Leases that outlast a busy machine, and those that end while a test runs.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

/// Turns every byte over.
struct Flip;

impl Transform for Flip {
    fn seal(&self, plain: Bytes) -> Result<Bytes> {
        Ok(plain.iter().map(|byte| !byte).collect())
    }

    fn open(&self, sealed: Bytes) -> Result<Bytes> {
        self.seal(sealed)
    }
}

fn text(number: u64) -> String {
    format!("value {number}")
}

/// The suites for stores, on a stack that keeps lifetimes of entries' own.
async fn with_ttl<S: Store<String> + larder::EntryTtl + 'static>(make: impl Fn() -> S) {
    store_suite(|| async { make() }, text).await;
    entry_ttl_suite(|| async { make() }, text).await;
}

#[tokio::test]
async fn memory() {
    backend_suite(|| async { Memory::new() }).await;
    hash_backend_suite(|| async { Memory::new() }).await;
    expiry_suite(|clock| async { Memory::new().with_clock(clock) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_on_many_threads() {
    backend_suite(|| async { Memory::new() }).await;
    hash_backend_suite(|| async { std::sync::Arc::new(Memory::with_max_bytes(256 << 20)) }).await;
}

#[tokio::test]
async fn memo() {
    with_ttl(Memo::new).await;
}

#[tokio::test]
async fn byte_layers() {
    backend_suite(|| async { Memory::new().logging() }).await;
    hash_backend_suite(|| async { Memory::new().logging() }).await;
    backend_suite(|| async { Memory::new().transform(Flip) }).await;
    hash_backend_suite(|| async { Memory::new().transform(Flip) }).await;
    backend_suite(|| async { Memory::new().hstore() }).await;
    backend_suite(|| async { Hstore::<_, Always>::with_policy(Memory::new()) }).await;
    backend_suite(|| async { Hstore::<_, Never>::with_policy(Memory::new()) }).await;
    backend_suite(|| async { Chaos::new(Memory::new()) }).await;
    hash_backend_suite(|| async { Chaos::new(Memory::new()) }).await;
}

#[tokio::test]
async fn what_keeps_time_through_layers() {
    expiry_suite(|clock| async { Memory::new().with_clock(clock).hstore() }).await;
    expiry_suite(|clock| async {
        Hstore::<_, Always>::with_policy(Memory::new().with_clock(clock).transform(Flip)).logging()
    })
    .await;
    expiry_suite(|clock| async {
        Hstore::<_, Never>::with_policy(Chaos::new(Memory::new().with_clock(clock)))
    })
    .await;
}

#[tokio::test]
async fn formats_and_codecs() {
    store_suite(|| async { Memory::new().json().full_dict() }, text).await;
    store_suite(|| async { Memory::new().msgpack().int_time() }, text).await;
    store_suite(|| async { Memory::new().raw().no_meta() }, text).await;
    store_suite(|| async { Memory::new().msgpack_named().int_time().logging() }, text).await;
    store_suite(|| async { Memory::new().postcard().coarse() }, text).await;
    with_ttl(|| Memory::new().postcard().framed()).await;
    with_ttl(|| Chaos::new(Memory::new().json().framed()).logging()).await;
}

#[tokio::test]
async fn null_keeps_nothing_and_answers_in_form() {
    let write = WriteOpts::default();
    Null.set("k".into(), Bytes::from("v"), write).await.unwrap();
    let found = Null.get_multi(&["k".into(), "k".into()]).await.unwrap();
    assert!(matches!(found[..], [Ok(None), Ok(None)]));
    assert!(Null.get_multi(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn local_locks_nothing() {
    lock_suite(|| async { Local }).await;
}

#[cfg(all(feature = "backend-file", target_pointer_width = "64"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    let (folder, count) = (tempfile::tempdir().unwrap(), AtomicUsize::new(0));
    let next = || folder.path().join(count.fetch_add(1, Relaxed).to_string());
    backend_suite(|| async { larder::File::open(next()).unwrap() }).await;
    expiry_suite(|clock| async { larder::File::builder(next()).clock(clock).build().unwrap() })
        .await;
    with_ttl(|| larder::File::open(next()).unwrap().postcard().framed()).await;
}

#[cfg(all(feature = "backend-file", target_pointer_width = "64"))]
#[tokio::test]
async fn locks_in_a_file() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use larder::{File, FileLock};

    let (folder, count) = (tempfile::tempdir().unwrap(), AtomicUsize::new(0));
    let next = || File::open(folder.path().join(count.fetch_add(1, Relaxed).to_string())).unwrap();
    let lock = |file: &File, lasts| FileLock::builder(file).lasts(lasts).build().unwrap();
    lock_suite(|| async { lock(&next(), LONG) }).await;
    lease_suite(|| async { lock(&next(), SHORT) }).await;
    fence_suite(|| async {
        let file = next();
        (file.clone(), lock(&file, LONG))
    })
    .await;
}

#[cfg(feature = "lock-dbm")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lock_files() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use larder::DbmLock;

    let (folder, count) = (tempfile::tempdir().unwrap(), AtomicUsize::new(0));
    let next = || folder.path().join(count.fetch_add(1, Relaxed).to_string());
    lock_suite(|| async { DbmLock::new(next()).unwrap() }).await;
}

#[cfg(feature = "backend-redis")]
mod redis {
    use larder::{Redis, RedisLock};

    use super::*;
    use crate::apart::Apart;
    use crate::support::{
        DEADLINE,
        redis_server::{RedisServer, newer},
    };

    /// A client of the server, which forgets everything first.
    fn empty(server: &RedisServer, url: String) -> Redis {
        server.call(&["FLUSHALL"]);
        // Patient, because the machine may be busy.
        let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn over_tcp() {
        let server = RedisServer::start();
        backend_suite(|| async { empty(&server, server.tcp_url()) }).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn over_a_unix_socket() {
        let server = RedisServer::start();
        let make = || async { empty(&server, server.unix_url()) };
        backend_suite(make).await;
        hash_backend_suite(make).await;
    }

    fn lock(redis: &Redis, lease: Duration) -> RedisLock {
        RedisLock::builder(redis).lease(lease).build().unwrap()
    }

    #[tokio::test]
    async fn locks() {
        let server = RedisServer::start();
        let make = || empty(&server, server.unix_url());
        lock_suite(|| async { lock(&make(), LONG) }).await;
        lease_suite(|| async { lock(&make(), SHORT) }).await;
        lock_suite(|| async {
            Apart::new(RedisLock::builder(&make()).dogpile().lease(LONG).build().unwrap())
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn fences() {
        let server = RedisServer::start();
        let make = || empty(&server, server.unix_url());
        fence_suite(|| async {
            let redis = make();
            (redis.clone(), lock(&redis, LONG))
        })
        .await;
        fence_suite(|| async {
            let redis = make();
            (redis.clone().transform(Flip).hstore().logging(), lock(&redis, LONG))
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn newer_servers() {
        for name in ["redis-8", "valkey-8", "valkey-9"] {
            let server = RedisServer::start_program(newer(name), &[]);
            let make = || async { empty(&server, server.unix_url()) };
            hash_backend_suite(make).await;
            fence_suite(|| async {
                let redis = make().await;
                (Hstore::<_, PerField>::with_policy(redis.clone()), lock(&redis, LONG))
            })
            .await;
        }
    }

    #[tokio::test]
    async fn under_layers() {
        let server = RedisServer::start();
        let make = || empty(&server, server.unix_url());
        backend_suite(|| async { make().hstore() }).await;
        backend_suite(|| async { Hstore::<_, Always>::with_policy(make().transform(Flip)) }).await;
        with_ttl(|| make().hstore().postcard().framed()).await;
        store_suite(|| async { make().msgpack().int_time().logging() }, text).await;
    }
}

#[cfg(feature = "backend-memcached")]
mod memcached {
    use larder::{Memcached, MemcachedLock};

    use super::*;
    use crate::apart::Apart;
    use crate::support::{DEADLINE, memcached_server::MemcachedServer};

    /// A client of the servers, which forget everything first.
    fn empty(servers: &[MemcachedServer]) -> Memcached {
        for server in servers {
            assert_eq!(server.ask("flush_all"), "OK");
        }
        // Patient, because the machine may be busy.
        let builder = Memcached::builder(servers.iter().map(MemcachedServer::url));
        builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
    }

    /// Servers that take a value of a megabyte.
    fn servers<const N: usize>() -> [MemcachedServer; N] {
        [(); N].map(|()| MemcachedServer::start_with(&["-I", "2m"]))
    }

    #[tokio::test]
    async fn one_over_tcp() {
        let servers = servers::<1>();
        backend_suite(|| async { empty(&servers) }).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_over_a_unix_socket() {
        let servers = [MemcachedServer::start_unix_with(&["-I", "2m"])];
        backend_suite(|| async { empty(&servers) }).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn three() {
        let servers = servers::<3>();
        backend_suite(|| async { empty(&servers) }).await;
        backend_suite(|| async { empty(&servers).transform(Flip).logging().prefixed("p:") }).await;
        with_ttl(|| empty(&servers).postcard().framed()).await;
        store_suite(|| async { empty(&servers).msgpack().int_time() }, text).await;
    }

    fn lock(memcached: &Memcached, lease: Duration) -> MemcachedLock {
        MemcachedLock::builder(memcached).lease(lease).build().unwrap()
    }

    #[tokio::test]
    async fn locks_on_one() {
        let servers = servers::<1>();
        lock_suite(|| async { lock(&empty(&servers), LONG) }).await;
        lease_suite(|| async { lock(&empty(&servers), Duration::from_secs(1)) }).await;
        lock_suite(|| async {
            let builder = MemcachedLock::builder(&empty(&servers));
            Apart::new(builder.dogpile().lease(LONG).build().unwrap())
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn locks_on_three() {
        let servers = servers::<3>();
        lock_suite(|| async { lock(&empty(&servers), LONG) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_broken_ones_are_made_from() {
    backend_suite(|| async { Shelf::new(Flaw::None) }).await;
    hash_backend_suite(|| async { Shelf::new(Flaw::None) }).await;
    expiry_suite(|clock| async { Shelf::new(Flaw::None).with_clock(clock) }).await;
    let desk = || Desk::new(Slip::None, LONG);
    lock_suite(|| async { desk() }).await;
    lease_suite(|| async { Desk::new(Slip::None, SHORT) }).await;
    fence_suite(|| async {
        let desk = desk();
        (Shelf::new(Flaw::None).with_desk(desk.clone()), desk)
    })
    .await;
    backend_suite(|| async { Shelf::new(Flaw::None).with_desk(desk()) }).await;
}

#[test]
fn any_runtime_will_do() {
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    bare.block_on(backend_suite(|| async { Memory::new() }));
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    // In a task, too: the future of a suite is `Send`.
    threads.block_on(threads.spawn(backend_suite(|| async { Memory::new() }))).unwrap();
}
