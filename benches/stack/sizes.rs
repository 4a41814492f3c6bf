//! How large the futures are that a caller holds while it waits.

use std::mem::size_of_val;

use larder::{
    BackendExt, Hstore, IntTime, LayerExt, Logging, Memo, Memory, Msgpack, PayloadExt, Postcard,
    Redis, RedisLock, Region, Store, lock::Lock,
};
use larder_benches::{Report, User};

use crate::case::create;

/// Bytes of the futures of a hit and of a batch, for some stacks.
pub fn measure(report: &mut Report) {
    println!("\nBytes of futures");
    println!("{:<64} {:>8} {:>14} {:>20}", "", "get", "get_or_create", "get_or_create_multi");
    let redis = Redis::new("redis://localhost").expect("a sound URL");
    let memo: Region<Memo<User>> = Memo::new().region();
    row(report, "Region<Memo<T>>", &memo);
    let logging: Region<Logging<Memo<User>>> = Memo::new().logging().region();
    row(report, "Region<Logging<Memo<T>>>", &logging);
    let bytes: Region<Logging<IntTime<Postcard<Memory>>>> =
        Memory::new().postcard().int_time().logging().region();
    row(report, "Region<Logging<IntTime<Postcard<Memory>>>>", &bytes);
    let far: Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>> =
        redis.clone().hstore().msgpack().int_time().logging().region();
    row(report, "Region<Logging<IntTime<Msgpack<Hstore<Redis>>>>>", &far);
    let stack = redis.clone().hstore().msgpack().int_time().logging();
    let locked = Region::builder(stack).lock(RedisLock::new(&redis)).build().expect("sound");
    row(report, "the same with RedisLock", &locked);
}

fn row<S: Store<User>, L: Lock>(report: &mut Report, name: &str, region: &Region<S, L>) {
    let get = size_of_val(&region.get::<User>("k"));
    let single = size_of_val(&region.get_or_create("k", create));
    let none = async |_| Vec::<(&str, User)>::new();
    let batch = size_of_val(&region.get_or_create_multi(["k"], none));
    println!("{name:<64} {get:>8} {single:>14} {batch:>20}");
    let sizes =
        serde_json::json!({ "get": get, "get_or_create": single, "get_or_create_multi": batch });
    report.row("Bytes of futures", name, &sizes);
}
