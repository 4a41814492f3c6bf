//! Copies that a Redis server drops by telling of changes.

use larder::{
    ErrorKind, Hstore, IntTime, LayerExt, Msgpack, Redis, RedisBuilder, RedisLock, Region,
    testing::store_suite,
};

use super::*;
use crate::support::{DEADLINE, redis_server::RedisServer, until};

type Tracked = Tiered<Memo<String>, IntTime<Msgpack<Chaos<Redis>>>, Redis>;

fn patient(server: &RedisServer) -> RedisBuilder {
    Redis::builder(server.unix_url()).connect_timeout(DEADLINE).response_timeout(DEADLINE)
}

/// Two tiers, the second in `server`.
fn tracked(server: &RedisServer) -> (Arc<Tracked>, ChaosHandle) {
    let redis = patient(server).tracking("k").build().unwrap();
    let chaos = Chaos::new(redis.clone());
    let handle = chaos.handle();
    let tiers = Tiered::new(Memo::new(), chaos.msgpack().int_time()).coherent(redis).unwrap();
    (Arc::new(tiers), handle)
}

/// Waits until `tiers` has no copy of `key`.
async fn dropped(tiers: &Tracked, key: &str) {
    until("a push", async || get(tiers.l1(), key).await.is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_promises_of_a_store() {
    let server = RedisServer::start();
    let make = async || {
        server.call(&["FLUSHALL"]);
        let redis = patient(&server).tracking("").build().unwrap();
        Tiered::new(Memo::new(), redis.clone().msgpack().int_time()).coherent(redis).unwrap()
    };
    store_suite(make, |number| format!("value {number}")).await;
}

#[tokio::test]
async fn hears_of_what_others_change_whoever_they_are() {
    let server = RedisServer::start();
    let ((one, _), (other, _)) = (tracked(&server), tracked(&server));
    for change in ["write", "remove", "another program", "expiry", "flush"] {
        put(&*one, "k", "old").await;
        assert_eq!(get(&*one, "k").await.as_deref(), Some("old"));
        assert_eq!(get(one.l1(), "k").await.as_deref(), Some("old"), "a write leaves a copy");
        match change {
            "write" => put(&*other, "k", "new").await,
            "remove" => other.remove("k".into()).await.unwrap(),
            "another program" => drop(server.call(&["SET", "k", "something else"])),
            "expiry" => drop(server.call(&["PEXPIRE", "k", "1"])),
            _ => drop(server.call(&["FLUSHALL"])),
        }
        dropped(&one, "k").await;
        let expected = (change == "write").then_some("new");
        if change != "another program" {
            assert_eq!(get(&*one, "k").await.as_deref(), expected, "{change}");
        }
        assert_eq!(get(&*other, "n").await, None);
    }
}

#[tokio::test]
async fn a_hash_that_changes_takes_its_fields_along() {
    let server = RedisServer::start();
    let redis = || patient(&server).tracking("user:").build().unwrap();
    let tiers = |redis: Redis| {
        let far = Hstore::<_>::new(redis.clone()).prefixed("user:").msgpack().int_time();
        Tiered::new(Memo::<String>::new(), far).coherent(redis).unwrap()
    };
    let (one, other) = (tiers(redis()), tiers(redis()));
    for field in ["name", "mail"] {
        put(&one, ("15", field), "old").await;
        put(&one, ("16", field), "old").await;
    }
    put(&other, ("15", "name"), "new").await;
    until("a push", async || get(one.l1(), ("15", "mail")).await.is_none().then_some(())).await;
    assert_eq!(get(&one, ("15", "name")).await.as_deref(), Some("new"));
    assert_eq!(get(one.l1(), ("16", "name")).await.as_deref(), Some("old"));
}

#[tokio::test]
async fn what_is_not_told_is_not_copied() {
    let server = RedisServer::start();
    let (tiers, chaos) = tracked(&server);
    put(&*tiers, "other", "v").await;
    for reads in 1..3 {
        assert_eq!(get(&*tiers, "other").await.as_deref(), Some("v"));
        assert_eq!(chaos.asked(larder::testing::Calls::Reads), reads);
    }
    assert!(tiers.l1().is_empty());

    let plain = patient(&server).build().unwrap();
    let tiers = Tiered::new(Memo::<String>::new(), plain.clone().msgpack().int_time());
    let error = tiers.coherent(plain).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("tracking"), "{error}");
    let error = patient(&server).tracking("a").tracking("ab").build().unwrap_err();
    assert!(error.to_string().contains("prefix"), "{error}");
}

#[tokio::test]
async fn while_the_server_is_away_copies_are_served_and_when_it_is_back_they_are_gone() {
    let mut server = RedisServer::start();
    let (tiers, chaos) = tracked(&server);
    put(&*tiers, "k", "old").await;
    get(&*tiers, "k").await;
    server.kill();
    assert_eq!(get(&*tiers, "k").await.as_deref(), Some("old"));
    let written =
        tiers.write("k2".into(), &entry("written in the gap"), WriteOpts::default()).await;
    assert!(written.is_err());
    assert_eq!(get(&*tiers, "k2").await.as_deref(), Some("written in the gap"));
    server.restart();
    // Nobody asks the server: reads are served by copies.
    let asked = chaos.asked(larder::testing::Calls::All);
    dropped(&tiers, "k").await;
    dropped(&tiers, "k2").await;
    assert_eq!(chaos.asked(larder::testing::Calls::All), asked);
}

#[tokio::test]
async fn a_connection_that_was_cut_for_a_moment_hides_nothing() {
    let server = RedisServer::start();
    let (tiers, _) = tracked(&server);
    put(&*tiers, "k", "old").await;
    server.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    server.call(&["SET", "k", "changed in the gap"]);
    // The next answer of the server comes over a new connection.
    assert_eq!(get(&*tiers, "k3").await, None);
    assert_eq!(get(tiers.l1(), "k").await, None);
}

#[tokio::test]
async fn a_creation_under_a_lock_is_told_to_its_own_process_too() {
    let server = RedisServer::start();
    let redis = patient(&server).tracking("k").build().unwrap();
    let tiers = Tiered::new(Memo::<String>::new(), redis.clone().msgpack().int_time());
    let tiers = tiers.coherent(redis.clone()).unwrap();
    let region = Region::builder(tiers).lock(RedisLock::new(&redis)).build().unwrap();
    for n in 0..50 {
        let key = format!("k{n}");
        let made = region.get_or_create(&key, async || n.to_string()).await.unwrap();
        assert_eq!(made, n.to_string());
        assert_eq!(region.get::<String>(&key).await.unwrap(), Some(made));
    }
    assert_eq!(region.stats().creations, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_traffic_all_agree_in_the_end() {
    let server = RedisServer::start();
    let processes: Vec<_> = (0..3).map(|_| tracked(&server).0).collect();
    let mut tasks = Vec::new();
    for (at, tiers) in processes.iter().enumerate() {
        for task in 0..4 {
            let tiers = Arc::clone(tiers);
            tasks.push(tokio::spawn(async move {
                for n in 0..500 {
                    let key = ["k1", "k2", "k3", "k4", "k5"][(n * 7 + task) % 5];
                    match (n + at + task) % 9 {
                        0 => put(&*tiers, key, &format!("{at} {task} {n}")).await,
                        1 => tiers.remove(key.into()).await.unwrap(),
                        _ => drop(get(&*tiers, key).await),
                    }
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    for key in ["k1", "k2", "k3", "k4", "k5"] {
        let truth = get(processes[0].l2(), key).await;
        for tiers in &processes {
            until("the last push", async || (get(&**tiers, key).await == truth).then_some(()))
                .await;
        }
    }
}

/// Tiers over one connection, as a configuration makes them.
#[tokio::test]
async fn tiers_of_one_stack_do_not_forget_what_they_write_together() {
    let server = RedisServer::start();
    let redis = patient(&server).tracking("").build().unwrap();
    let middle = Tiered::new(Memory::new().postcard().framed(), redis.clone().postcard().framed());
    let middle = middle.coherent(redis.clone()).unwrap();
    let tiers = Tiered::new(Memo::<String>::new(), middle).coherent(redis.clone()).unwrap();
    let region = Region::builder(tiers).build().unwrap();
    redis.ping().await.unwrap();
    region.set("k", "v".to_owned()).await.unwrap();
    let tiers = region.stack();
    assert_eq!(get(tiers.l1(), "k").await.as_deref(), Some("v"));
    assert_eq!(get(tiers.l2().l1(), "k").await.as_deref(), Some("v"));

    // Another region over the same connection is told.
    let far = redis.clone().postcard().framed();
    let other = Tiered::new(Memo::<String>::new(), far).coherent(redis).unwrap().region();
    assert_eq!(other.get::<String>("k").await.unwrap().as_deref(), Some("v"));
    region.set("k", "new".to_owned()).await.unwrap();
    assert_eq!(other.get::<String>("k").await.unwrap().as_deref(), Some("new"), "at once");
    other.set("k", "newer".to_owned()).await.unwrap();
    assert_eq!(region.get::<String>("k").await.unwrap().as_deref(), Some("newer"), "at once");
}

#[cfg(all(feature = "backend-file", unix))]
#[tokio::test]
async fn copies_in_a_file_from_before_are_not_served() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let redis = patient(&server).tracking("k").build().unwrap();
        let file = larder::File::open(folder.path().join("copies")).unwrap();
        let tiers = Tiered::new(file.postcard().framed(), redis.clone().postcard().framed());
        tiers.coherent(redis).unwrap()
    };
    let tiers = open();
    put(&tiers, "k", "old").await;
    get(&tiers, "k").await;
    assert_eq!(get(tiers.l1(), "k").await.as_deref(), Some("old"));
    drop(tiers);
    put(&*tracked(&server).0, "k", "new").await;
    server.call(&["DEL", "k"]);
    let tiers = open();
    assert_eq!(get(tiers.l1(), "k").await.as_deref(), Some("old"), "it is there still");
    assert_eq!(get(&tiers, "k").await, None);
}

#[tokio::test]
async fn a_server_that_refuses_leaves_no_value_that_others_do_not_have() {
    let server = RedisServer::start();
    let (tiers, _) = tracked(&server);
    put(&*tiers, "k", "old").await;
    get(&*tiers, "k").await;
    server.call(&["CONFIG", "SET", "maxmemory", "1"]);
    let written = tiers.write("k".into(), &entry("new"), WriteOpts::default()).await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Backend);
    server.call(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(get(&*tiers, "k").await.as_deref(), Some("old"));
}
