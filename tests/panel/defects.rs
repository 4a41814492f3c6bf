//! What was wrong with `pyramid_debugtoolbar_dogpile`, and is not here.

use larder::{
    BackendExt, Key, LayerExt, Memory, Observed, PayloadExt, Recorder, RequestScope, Result,
};

use crate::{page, recording, rows, support, users};

/// There, the database and the time of `delete_multi` were swapped: the panel raised `TypeError`, or added
/// the number of the database to the time.
#[tokio::test]
async fn a_delete_multi_has_its_own_time_and_database() -> Result<()> {
    let server = support::redis_server::RedisServer::start();
    let recording = recording();
    let redis = larder::Redis::builder(server.tcp_url()).database(3).build()?;
    let recorder = Recorder::new("users").to(&recording);
    let users = Observed::with(recorder, redis).postcard().framed().region();
    users.delete_multi(["a", "b"]).await?;
    let call = &recording.outside().seen().calls[0];
    assert_eq!((call.place().name, call.place().database), ("redis", Some(3)));
    let took = call.took.unwrap();
    assert!(took.as_nanos() > 0 && took.as_secs() < 3, "{took:?}");
    let html = page(&recording, "/cache/calls?request=outside").await;
    let total = &rows(&html, "class=\"totals\"")[0];
    assert!(!total[1].ends_with(" s"), "{total:?}");
    Ok(())
}

/// There, `get` and `set` of backends of bytes were not logged at all, only what is deleted.
#[tokio::test]
async fn backends_of_bytes_are_recorded() -> Result<()> {
    let recording = recording();
    let users = users(&recording);
    users.set("a", 1_u8).await?;
    users.get::<u8>("a").await?;
    let html = page(&recording, "/cache/calls?request=outside").await;
    let calls: Vec<_> = rows(&html, "id=\"log\"").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(calls, ["set", "get"]);
    Ok(())
}

/// There, the first call to memcached raised `AttributeError`, and Redis had no database ("n/a").
#[tokio::test]
async fn memcached_is_recorded_and_redis_has_its_database() -> Result<()> {
    let redis = support::redis_server::RedisServer::start();
    let memcached = support::memcached_server::MemcachedServer::start();
    let recording = recording();
    let recorder = |name: &'static str| Recorder::new(name).to(&recording);
    let first = Observed::with(recorder("first"), larder::Redis::new(redis.tcp_url())?);
    let second = Observed::with(recorder("second"), larder::Memcached::new(memcached.url())?);
    first.postcard().framed().region().get::<u8>("a").await?;
    second.postcard().framed().region().get::<u8>("a").await?;
    let html = page(&recording, "/cache/calls?request=outside").await;
    let places: Vec<_> = rows(&html, "id=\"log\"").into_iter().map(|row| row[8].clone()).collect();
    assert_eq!(places, ["redis 0", "memcached"]);
    Ok(())
}

/// There, a call whose backend raised was not logged.
#[tokio::test]
async fn a_call_that_fails_is_recorded_with_its_error() -> Result<()> {
    let recording = recording();
    let nobody = larder::Redis::new("redis://127.0.0.1:1")?;
    let recorder = Recorder::new("users").to(&recording);
    let users = Observed::with(recorder, nobody).postcard().framed().region();
    assert_eq!(users.get_or_create("a", async || 1_u8).await?, 1, "the application goes on");
    let html = page(&recording, "/cache/calls?request=outside").await;
    let list = rows(&html, "id=\"log\"");
    let gets: Vec<_> = list.iter().filter(|row| row[1] == "get").collect();
    assert!(gets[0][3].starts_with("error: redis:"), "{list:?}");
    let totals = rows(&html, "class=\"totals\"");
    assert_ne!(totals[0].last().unwrap(), "", "{totals:?}");
    Ok(())
}

/// There, the request was a variable of the thread: other threads, and all that is asynchronous, had none.
#[tokio::test]
async fn threads_and_tasks_belong_to_their_request() -> Result<()> {
    let recording = recording();
    let users = users(&recording);
    let scope = RequestScope::new("GET /");
    let ask = async |key: &'static str| {
        tokio::task::yield_now().await;
        users.get::<u8>(key).await
    };
    let (left, right) = scope.run(async { tokio::join!(ask("left"), ask("right")) }).await;
    left.and(right)?;
    let (inner, far) = (scope.clone(), users.clone());
    tokio::spawn(inner.run(async move { far.get::<u8>("task").await })).await.unwrap()?;
    let (inner, blocking) = (scope.clone(), users.blocking());
    let thread = std::thread::spawn(move || inner.run_blocking(|| blocking.get::<u8>("thread")));
    thread.join().unwrap()?;
    let html = page(&recording, &format!("/cache/calls?request={}", scope.id())).await;
    let mut keys: Vec<_> =
        rows(&html, "id=\"log\"").into_iter().map(|row| row[2].clone()).collect();
    keys.sort();
    assert_eq!(keys, ["left", "right", "task", "thread"]);
    assert_eq!(recording.outside().calls(), 0);
    Ok(())
}

/// There, a cold `get_or_create` was two misses and a set, and nothing said that a value was created.
#[tokio::test]
async fn a_cold_get_or_create_is_one_miss() -> Result<()> {
    let recording = recording();
    users(&recording).get_or_create("a", async || 1_u8).await?;
    let html = page(&recording, "/cache/calls?request=outside").await;
    let told: Vec<_> =
        rows(&html, "id=\"log\"").into_iter().map(|row| format!("{} {}", row[1], row[3])).collect();
    assert_eq!(told, ["get miss", "created 1 value", "set stored"]);
    Ok(())
}

/// There, the key was the mangled one, and the region was not told.
#[tokio::test]
async fn the_region_is_told_and_the_key_is_that_of_the_caller() -> Result<()> {
    let recording = recording();
    let recorder = Recorder::new("users").to(&recording);
    let stack = Memory::new().prefixed("app:").hstore().postcard().framed();
    Observed::with(recorder, stack).region().get::<u8>(("user-15", "posts")).await?;
    let call = &recording.outside().seen().calls[0];
    let key = call.lines[0].key.as_ref().unwrap();
    assert_eq!((&*call.label().region, key.as_key()), ("users", Key::from(("user-15", "posts"))));
    Ok(())
}
