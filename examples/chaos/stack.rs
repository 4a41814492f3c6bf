//! The caches: copies in memory before Redis, and a lock between processes.

use std::{sync::Arc, time::Duration};

use larder::{
    BackendExt, Bytes, Error, ErrorKind, FullDict, LayerExt, Memo, Msgpack, PayloadExt, Redis,
    RedisLock, Region, Tiered, Transform, Transformed,
};

use crate::truth::Item;

/// Typed values before bytes that say when they are damaged. `FullDict`, because it knows ages to the
/// microsecond.
pub(crate) type Values = Region<
    Tiered<Memo<Arc<Item>>, FullDict<Msgpack<Transformed<Sealed, Redis>>>, Redis>,
    RedisLock,
>;

/// What the names of all keys begin with.
pub(crate) const PREFIX: &str = "chaos:";

/// When a value is stale.
pub(crate) const EXPIRE: Duration = Duration::from_secs(3);
/// When it is gone.
pub(crate) const KEEP: Duration = Duration::from_secs(6);
/// How long Redis may take for an answer, and a connection to come up.
pub(crate) const RESPONSE: Duration = Duration::from_millis(250);
/// How long a caller waits for another one. Longer than a lease, so that nobody gives up on a process
/// whose lease is still to end.
pub(crate) const WAIT: Duration = Duration::from_secs(4);
/// How long a process that is gone blocks the others.
const LEASE: Duration = Duration::from_secs(1);

/// The caches of one process: they share nothing with those of another but the server at `url`.
pub(crate) fn process(url: &str) -> larder::Result<Values> {
    let redis = Redis::builder(url).tracking(PREFIX);
    let redis = redis.connect_timeout(RESPONSE).response_timeout(RESPONSE).build()?;
    let stack = redis.clone().transform(Sealed).msgpack().full_dict();
    let stack = stack.behind(Memo::new()).coherent(redis.clone())?;
    Region::builder(stack)
        .lock(RedisLock::builder(&redis).lease(LEASE).build()?)
        .expire_after(EXPIRE)
        .keep_for(KEEP)
        .wait_timeout(WAIT)
        .build()
}

/// A checksum behind the bytes. Without one a flipped bit may make another value, which no codec can tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed;

const SUM: usize = 8;

fn sum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..SUM]);
    sum
}

impl Transform for Sealed {
    fn seal(&self, plain: Bytes) -> larder::Result<Bytes> {
        Ok([&plain[..], &sum(&plain)].concat().into())
    }

    fn open(&self, sealed: Bytes) -> larder::Result<Bytes> {
        match sealed.split_last_chunk::<SUM>() {
            Some((plain, last)) if *last == sum(plain) => Ok(sealed.slice(..plain.len())),
            _ => Err(Error::new(ErrorKind::Decode, "sealed").with_message("the checksum is wrong")),
        }
    }
}
