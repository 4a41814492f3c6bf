//! Where templates are rendered: threads, runtimes, and over servers and files.

use std::{error::Error as _, sync::Arc, thread};

use larder::{
    BackendExt, ErrorKind, File, Framed, LayerExt, Lock, Memcached, PayloadExt, Postcard, Redis,
    RedisLock, Region, Store, template::Fragments,
};
use minijinja::{Environment, context};
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
};

use crate::{
    Ticks, bare, failure, render, site,
    support::{DEADLINE, memcached_server::MemcachedServer, redis_server::RedisServer},
};

const PAGE: &str = "{% call cached('page', key=key) %}{{ tick() }}{% endcall %}";

fn over<S: Store<String> + 'static, L: Lock>(
    region: Region<S, L>,
) -> (Environment<'static>, Ticks) {
    let (mut site, ticks) = bare(&[("page.html", PAGE)]);
    Fragments::new().region("pages", region).install(&mut site).unwrap();
    (site, ticks)
}

fn redis(server: &RedisServer) -> Redis {
    let builder = Redis::builder(server.unix_url());
    builder.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap()
}

type Locked = Region<Framed<Postcard<Redis>>, RedisLock>;

fn locked(server: &RedisServer) -> Locked {
    let redis = redis(server);
    let lock = RedisLock::builder(&redis).lease(3 * DEADLINE).build().unwrap();
    Region::builder(redis.postcard().framed()).lock(lock).build().unwrap()
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The page, for this key.
fn shows(site: &Environment<'_>, key: &str) -> String {
    render(site, "page.html", context!(key)).unwrap()
}

#[test]
fn from_everywhere_that_can_wait() {
    let server = RedisServer::start();
    let (site, ticks) = over(locked(&server));
    let site = Arc::new(site);
    let job = |key: &'static str| {
        let site = Arc::clone(&site);
        move || {
            let first = shows(&site, key);
            assert_eq!(shows(&site, key), first);
        }
    };
    thread::spawn(job("thread")).join().unwrap();
    for (count, task, pool) in [(1, "task", "pool"), (2, "task of two", "pool of two")] {
        let runtime = workers(count);
        let work = job(task);
        runtime.block_on(runtime.spawn(async move { work() })).unwrap();
        runtime.block_on(async { spawn_blocking(job(pool)).await.unwrap() });
    }
    current_thread().block_on(async { spawn_blocking(job("single pool")).await.unwrap() });
    assert_eq!(ticks.count(), 6);
}

#[test]
fn a_task_of_a_current_thread_runtime_does_not_wait() {
    let server = RedisServer::start();
    let (over_redis, ticks) = over(redis(&server).postcard().framed().region());
    let (in_memory, _) = site(&[("page.html", PAGE)]);
    current_thread().block_on(async {
        assert_eq!([shows(&in_memory, "a"), shows(&in_memory, "a")], ["1", "1"]);
        let error = failure(&over_redis, "page.html", context!(key => 1));
        let text = error.to_string();
        assert!(text.contains("fragment `page`"), "{text}");
        assert!(text.contains("`tokio::task::spawn_blocking`"), "{text}");
        let cause = error.source().and_then(|cause| cause.downcast_ref::<larder::Error>());
        assert_eq!(cause.map(larder::Error::kind), Some(ErrorKind::Unsupported));
    });
    assert_eq!(ticks.count(), 0);
}

tokio::task_local! {
    static USER: &'static str;
}

/// A body runs where its page is rendered.
#[test]
fn bodies_see_the_locals_of_their_task() {
    let server = RedisServer::start();
    let (mut site, _) = bare(&[(
        "page.html",
        "{% call cached('page', key=user()) %}{{ user() }} {{ tick() }}{% endcall %}",
    )]);
    site.add_function("user", || USER.get());
    Fragments::new().region("pages", locked(&server)).install(&mut site).unwrap();
    let (site, runtime) = (Arc::new(site), workers(2));
    let tasks = ["ann", "bob"].map(|user| {
        let site = Arc::clone(&site);
        runtime.spawn(USER.scope(user, async move { render(&site, "page.html", ()).unwrap() }))
    });
    for (task, user) in tasks.into_iter().zip(["ann", "bob"]) {
        let text = runtime.block_on(task).unwrap();
        assert!(text.starts_with(user), "{text}");
    }
}

/// Processes that share a server share its fragments, and one of them renders.
#[test]
fn between_processes_one_renders() {
    let server = RedisServer::start();
    let sites: Vec<_> = (0..2).map(|_| over(locked(&server))).collect();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let site = sites[n % 2].0.clone();
            thread::spawn(move || shows(&site, "a"))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "1");
    }
    assert_eq!(sites.iter().map(|(_, ticks)| ticks.count()).sum::<usize>(), 1);
}

/// Keys longer than a store's names, which differ in the last letter or hold what a protocol minds.
fn any_key(site: &Environment<'_>, ticks: &Ticks) {
    let long = "ä b\r\n".repeat(2_000);
    let keys = [long.clone() + "x", long + "y", "a b".to_owned(), "a\r\nb".to_owned()];
    for _ in 0..2 {
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(shows(site, key), (at + 1).to_string());
        }
    }
    assert_eq!(ticks.count(), keys.len());
}

#[test]
fn any_key_in_memcached() {
    let server = MemcachedServer::start();
    let memcached = Memcached::builder([server.url()]);
    let memcached = memcached.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap();
    let (site, ticks) = over(memcached.postcard().framed().region());
    any_key(&site, &ticks);
}

#[test]
fn any_key_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::open(folder.path().join("cache.larder")).unwrap();
    let (site, ticks) = over(file.postcard().framed().region());
    any_key(&site, &ticks);
}

#[test]
fn any_key_in_redis() {
    let server = RedisServer::start();
    let (site, ticks) = over(redis(&server).postcard().framed().region());
    any_key(&site, &ticks);
}
