//! Plain keys as fields of hashes: no two meet, and the hashes are small.

use std::collections::HashMap;

use larder::{
    BackendExt, Key, KeyBuf, LayerExt, Level, Null, PayloadExt, Put, Region, Store, WriteOpts,
};
use proptest::prelude::*;

use crate::support::{
    proxy::CountingProxy,
    redis_server::{RedisServer, Reply},
    region::patient,
};

/// Keys that are close to each other: of few characters, those that the layers mark and look for.
fn keys() -> impl Strategy<Value = Vec<KeyBuf>> {
    let text = "[019a|./]{0,5}|[0-9]{17,22}";
    let key = (proptest::option::of(text), text).prop_map(|(space, name)| match space {
        None => Key::from(&name).to_buf(),
        Some(space) => Key::from((&space, &name)).to_buf(),
    });
    proptest::collection::vec(key, 1..200)
}

/// No two keys become one, and no plain key gets the name of a space, unless it had it.
fn check(stack: &impl Level, keys: &[KeyBuf]) -> Result<(), TestCaseError> {
    let mut stored: HashMap<KeyBuf, Key<'_>> = HashMap::new();
    let mut spaces: HashMap<String, Key<'_>> = HashMap::new();
    for key in keys.iter().map(KeyBuf::as_key) {
        let becomes = stack.stored_key(key).unwrap();
        if let Some(space) = becomes.as_key().space() {
            spaces.insert(space.to_owned(), key);
        }
        let before = stored.insert(becomes, key);
        prop_assert!(before.is_none_or(|before| before == key), "{before:?} and {key:?}");
    }
    for (becomes, key) in &stored {
        if let (None, Some(other)) = (becomes.as_key().space(), spaces.get(becomes.as_key().name()))
        {
            prop_assert_eq!(
                other.space(),
                Some(key.name()),
                "{:?} is the hash of {:?}",
                key,
                other
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_two_keys_meet(keys in keys()) {
        check(&Null.split_at::<'|'>(), &keys)?;
        check(&Null.split_at::<'1'>(), &keys)?;
        check(&Null.bucketed::<2>(), &keys)?;
        check(&Null.bucketed::<10>(), &keys)?;
        check(&Null.bucketed::<128>(), &keys)?;
        check(&Null.bucketed::<{ u32::MAX }>(), &keys)?;
        check(&Null.bucketed::<10>().split_at::<'|'>(), &keys)?;
    }
}

#[tokio::test]
async fn a_thousand_plain_keys_are_ten_small_hashes() {
    let server = RedisServer::start();
    let redis = patient(server.unix_url());
    let stack = || redis.clone().hstore().bucketed::<100>().json().int_time();
    let region: Region<_> = stack().prefixed("user:").region();
    let names: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    region.set_multi(names.iter().zip(0_u32..)).await.unwrap();
    assert_eq!(server.call(&["DBSIZE"]).int(), 10);
    assert_eq!(server.call(&["HLEN", "user:3"]).int(), 100);
    assert_eq!(server.call(&["HEXISTS", "user:3", "42"]).int(), 1);
    assert_eq!(server.call(&["OBJECT", "ENCODING", "user:3"]), Reply::from("listpack"));
    let found = region.get_multi::<u32>(&names).await.unwrap();
    assert_eq!(found, (0..1000).map(Some).collect::<Vec<_>>());
    region.delete_multi(&names[1..]).await.unwrap();
    assert_eq!(region.get::<u32>("0").await.unwrap(), Some(0));
    assert_eq!(server.call(&["HLEN", "user:0"]).int(), 1);
}

#[tokio::test]
async fn every_operation_is_one_round_trip() {
    async fn check(stack: impl Store<u8>, proxy: &CountingProxy) {
        let names: Vec<String> = (0..300).map(|n| format!("user-{}|{n}", n % 7)).collect();
        let mut keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
        keys.extend([Key::from(("user-1", "2")), "about".into(), "".into()]);
        let entry =
            larder::Entry::new(Some(1_u8), larder::Meta::new(larder::Timestamp::from_secs(1)));
        stack.read(keys[0]).await.unwrap();
        proxy.take();
        let puts: Vec<_> =
            keys.iter().map(|key| Put::new(*key, &entry, WriteOpts::default())).collect();
        stack.write_multi(&puts).await.unwrap();
        assert_eq!(proxy.take(), 1, "set_multi");
        let found = stack.read_multi(&keys).await.unwrap();
        assert!(found.iter().all(|found| found.as_ref().is_ok_and(Option::is_some)));
        assert_eq!(proxy.take(), 1, "get_multi");
        for key in &keys[290..] {
            stack.write(*key, &entry, WriteOpts::default()).await.unwrap();
            assert_eq!(proxy.take(), 1, "set {key}");
            assert!(stack.read(*key).await.unwrap().is_some());
            assert_eq!(proxy.take(), 1, "get {key}");
        }
        stack.remove_multi(&keys).await.unwrap();
        assert_eq!(proxy.take(), 1, "remove_multi");
    }

    let server = RedisServer::start();
    let proxy = CountingProxy::start(server.port()).await;
    let redis = patient(proxy.url());
    check(redis.clone().hstore().split_at::<'|'>().json().int_time(), &proxy).await;
    check(redis.hstore().bucketed::<100>().json().int_time(), &proxy).await;
    assert_eq!(server.call(&["DBSIZE"]).int(), 0);
}
