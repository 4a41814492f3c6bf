//! What goes through: keys through every layer, and errors back with the caller's.

use std::sync::Arc;

use larder::{
    Backend, BackendExt, Bytes, Error, ErrorKind, HashBackend, HashExpiry, Key, LayerExt, Level,
    Memory, PayloadExt, Put, Result, Transform, WriteOpts,
    testing::{Calls, Chaos, Damage, Fault},
};

/// Seals what is not empty.
struct Sealed;

impl Transform for Sealed {
    fn seal(&self, plain: Bytes) -> Result<Bytes> {
        if plain.is_empty() { Err(Error::new(ErrorKind::Transform, "sealed")) } else { Ok(plain) }
    }

    fn open(&self, sealed: Bytes) -> Result<Bytes> {
        if sealed.is_empty() { Err(Error::new(ErrorKind::Decode, "sealed")) } else { Ok(sealed) }
    }
}

#[test]
fn every_level_says_what_those_below_it_make_of_a_key() {
    fn check(level: &impl Level) {
        let stored = level.stored_key(("s", "n").into());
        assert_eq!(stored, Some(Key::from(("app:s", "n")).to_buf()));
    }
    let bytes = || Memory::new().prefixed("app:");
    check(&bytes());
    check(&Arc::new(bytes()));
    check(&bytes().logging());
    check(&bytes().transform(Sealed));
    check(&bytes().hstore());
    check(&Chaos::new(bytes()));
    check(&bytes().json());
    check(&bytes().json().int_time());
    check(&Chaos::new(Arc::new(bytes().transform(Sealed).hstore().json().int_time().logging())));
}

fn named<V: std::fmt::Debug>(answer: Result<V>, key: Key<'_>) {
    let error = answer.unwrap_err();
    assert_eq!(error.key(), Some(key), "{error}");
}

#[tokio::test]
async fn errors_name_the_keys_of_the_caller() {
    let chaos = Chaos::new(Memory::new());
    let handle = chaos.handle();
    let stack = chaos.hashed().prefixed("app:");
    let (key, opts) = (Key::from(("s", "n")), WriteOpts::default());
    let value = || Bytes::from_static(b"v");
    handle.inject(Fault::Error(ErrorKind::Unavailable).on(Calls::All));
    named(stack.get(key).await, key);
    named(stack.set(key, value(), opts).await, key);
    named(stack.remove(key).await, key);
    named(stack.hash_get(key).await, key);
    named(stack.hash_set(key, value(), opts, HashExpiry::Never).await, key);
    named(stack.hash_remove(key).await, key);
    let store = stack.json().int_time().versioned::<3>().region();
    named(store.get::<u8>(key).await, key);
    named(store.set(key, 1_u8).await, key);
}

#[tokio::test]
async fn so_do_those_of_batches() {
    let stack = Memory::new().transform(Sealed).prefixed("app:");
    let (good, bad) = (Key::from("good"), Key::from(("s", "bad")));
    let put = |key, value: &'static str| Put::new(key, Bytes::from(value), WriteOpts::default());
    let puts = [put(good, "v"), put(bad, "")];
    named(stack.set_multi(&puts).await, bad);
    named(stack.hash_set_multi(&puts, HashExpiry::Never).await, bad);

    let chaos = Chaos::new(Memory::new());
    let handle = chaos.handle();
    let stack = chaos.transform(Sealed).normalized();
    stack.set_multi(&[put(good, "v"), put(bad, "v")]).await.unwrap();
    handle.inject(Fault::Corrupt(Damage::Replace(Bytes::new())));
    for found in [
        stack.get_multi(&[good, bad]).await.unwrap(),
        stack.hash_get_multi(&[good, bad]).await.unwrap(),
    ] {
        for (found, key) in found.into_iter().zip([good, bad]) {
            named(found, key);
        }
    }
    let entries = stack.json().int_time().prefixed("app:").region();
    entries.set_multi([(good, 1_u8), (bad, 2)]).await.unwrap();
    handle.calm();
    assert_eq!(entries.get_multi::<u8>([bad, good]).await.unwrap(), [Some(2), Some(1)]);
}
