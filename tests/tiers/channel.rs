//! Copies that other larders drop by telling each other.

use larder::{Redis, RedisChannel, testing::Calls};

use super::*;
use crate::support::{DEADLINE, redis_server::RedisServer, until};

type Spoken = Tiered<Memo<String>, Far, RedisChannel>;

/// A process that shares `truth`, which is not in the server.
async fn process(truth: &Truth, server: &RedisServer) -> Spoken {
    let redis = Redis::builder(server.unix_url());
    let redis = redis.connect_timeout(DEADLINE).response_timeout(DEADLINE).build().unwrap();
    let channel = RedisChannel::new(&redis, "changes");
    // Else copies that are made before it listens would go when it does.
    channel.ping().await.unwrap();
    Tiered::new(Memo::new(), far(truth).0).coherent(channel).unwrap()
}

async fn dropped(tiers: &Spoken, key: impl Into<Key<'_>>) {
    let key = key.into();
    until("a message", async || get(tiers.l1(), key).await.is_none().then_some(())).await;
}

#[tokio::test]
async fn others_hear_of_what_is_written_and_removed_and_oneself_does_not() {
    let (server, truth) = (RedisServer::start(), truth());
    let (one, other) = (process(&truth, &server).await, process(&truth, &server).await);
    put(&one, "k", "old").await;
    dropped(&other, "k").await;
    for change in ["write", "remove", "write many", "remove many"] {
        put(&one, "k", "old").await;
        dropped(&other, "k").await;
        assert_eq!(get(&other, "k").await.as_deref(), Some("old"));
        assert_eq!(get(one.l1(), "k").await.as_deref(), Some("old"));
        let new = entry("new");
        let put = |key: &'static str| larder::Put::new(key.into(), &new, WriteOpts::default());
        match change {
            "write" => one.write("k".into(), &new, WriteOpts::default()).await.unwrap(),
            "remove" => one.remove("k".into()).await.unwrap(),
            "write many" => one.write_multi(&[put("k"), put("m")]).await.unwrap(),
            _ => one.remove_multi(&["k".into(), "m".into()]).await.unwrap(),
        }
        dropped(&other, "k").await;
        let expected = change.starts_with("write").then_some("new");
        assert_eq!(get(&other, "k").await.as_deref(), expected, "{change}");
        assert_eq!(get(one.l1(), "k").await.as_deref(), expected, "its own copy stays");
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_made_up_for() {
    let (mut server, truth) = (RedisServer::start(), truth());
    let (one, other) = (process(&truth, &server).await, process(&truth, &server).await);
    // Behind the channel's back: news of it that come late would take the copy along.
    put(one.l2(), "k", "old").await;
    assert_eq!(get(&other, "k").await.as_deref(), Some("old"));
    assert!(get(other.l1(), "k").await.is_some());
    server.kill();
    put(&one, "k", "new").await;
    assert_eq!(get(&other, "k").await.as_deref(), Some("old"), "it cannot know");
    server.restart();
    dropped(&other, "k").await;
    assert_eq!(get(&other, "k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_write_that_was_dropped_is_told_all_the_same() {
    let (server, truth) = (RedisServer::start(), truth());
    let (far, chaos) = far(&truth);
    let redis = Redis::new(server.unix_url()).unwrap();
    let channel = RedisChannel::new(&redis, "changes");
    channel.ping().await.unwrap();
    let one = Tiered::new(Memo::<String>::new(), far).coherent(channel).unwrap();
    let other = process(&truth, &server).await;
    put(&one, "k", "old").await;
    until("a copy", async || {
        get(&other, "k").await;
        get(other.l1(), "k").await.map(drop)
    })
    .await;
    let hold = chaos.hold_answer(Calls::Writes);
    let new = entry("new");
    tokio::select! {
        biased;
        _ = one.write("k".into(), &new, WriteOpts::default()) => panic!("it was held"),
        () = hold.reached() => {}
    }
    until("the news", async || (get(&other, "k").await.as_deref() == Some("new")).then_some(()))
        .await;
}

#[tokio::test]
async fn what_cannot_be_read_may_mean_anything() {
    let (server, truth) = (RedisServer::start(), truth());
    let one = process(&truth, &server).await;
    for message in ["", "1", "2 from the future", "1 not a token", "\u{0}\u{1}\u{2}"] {
        put(&one, "k", "v").await;
        assert!(get(one.l1(), "k").await.is_some());
        server.call(&["PUBLISH", "changes", message]);
        dropped(&one, "k").await;
    }
}

#[tokio::test]
async fn tiers_of_one_process_hear_each_other() {
    let (server, truth) = (RedisServer::start(), truth());
    let redis = Redis::new(server.unix_url()).unwrap();
    let channel = RedisChannel::new(&redis, "changes");
    let tiers =
        || Tiered::new(Memo::<String>::new(), far(&truth).0).coherent(channel.clone()).unwrap();
    channel.ping().await.unwrap();
    let (one, other) = (tiers(), tiers());
    put(&one, "k", "old").await;
    assert_eq!(get(&other, "k").await.as_deref(), Some("old"));
    put(&one, "k", "new").await;
    assert_eq!(get(&other, "k").await.as_deref(), Some("new"), "at once");
    assert_eq!(get(one.l1(), "k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn who_was_not_heard_yet_tells_all_the_same() {
    let (server, truth) = (RedisServer::start(), truth());
    let one = process(&truth, &server).await;
    put(&one, "k", "old").await;
    // Its first call, over a channel that it does not hear yet.
    let redis = Redis::new(server.unix_url()).unwrap();
    let other = Tiered::new(Memo::<String>::new(), far(&truth).0);
    let other = other.coherent(RedisChannel::new(&redis, "changes")).unwrap();
    other.remove("k".into()).await.unwrap();
    dropped(&one, "k").await;
}
