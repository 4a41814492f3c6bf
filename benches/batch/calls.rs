//! The keys through larder, in one call and in many, and through the Python original.

use std::{cell::RefCell, rc::Rc, time::Duration};

use larder::{BackendExt, IntTime, Lock, Msgpack, PayloadExt, Redis, RedisLock, Region, Wire};
use larder_benches::{Python, User, Value as _, timed};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::place::{Way, keys};

type Users<W, L> = Region<IntTime<Msgpack<Redis<W>>>, L>;

/// All ways over `redis`, with those over `counted` beside them.
pub fn through_larder<'a, W: Wire>(
    runtime: &'a Runtime,
    redis: &Redis<W>,
    counted: Option<&Redis<W>>,
) -> Vec<Way<'a>> {
    let stack = |redis: &Redis<W>| {
        Region::builder(redis.clone().msgpack().int_time()).expire_after(Duration::from_secs(3600))
    };
    let local = |redis: &Redis<W>| stack(redis).build().expect("sound");
    let locked =
        |redis: &Redis<W>| stack(redis).lock(RedisLock::new(redis)).build().expect("sound");
    let (alone, fleet) = (local(redis), locked(redis));
    let (counted_alone, counted_fleet) = (counted.map(local), counted.map(locked));
    let fleet_ways = [counted_fleet.clone(), counted_fleet.clone(), counted_fleet];
    let [first, second, third] = fleet_ways;
    vec![
        way(runtime, "get_or_create_multi", alone, counted_alone, multi),
        way(runtime, "get_or_create_multi, RedisLock", fleet.clone(), first, multi),
        way(runtime, "1000 get_or_create at once, RedisLock", fleet.clone(), second, at_once),
        way(runtime, "1000 get_or_create in turn, RedisLock", fleet, third, in_turn),
    ]
}

fn way<'a, R: 'a>(
    runtime: &'a Runtime,
    name: &str,
    direct: R,
    counted: Option<R>,
    call: impl AsyncFn(&R) + Copy + 'a,
) -> Way<'a> {
    let counted = counted
        .map(|region| -> Box<dyn Fn() + 'a> { Box::new(move || runtime.block_on(call(&region))) });
    let call = move || timed(1, || runtime.block_on(call(&direct))).seconds;
    Way { name: name.to_owned(), call: Box::new(call), counted }
}

async fn multi<W: Wire, L: Lock>(users: &Users<W, L>) {
    let create = async |missing: Vec<String>| missing.into_iter().map(|key| (key, User::sample()));
    let found = users.get_or_create_multi(keys(), create).await.expect("no error");
    assert!(found.iter().all(Option::is_some));
}

async fn at_once<W: Wire, L: Lock>(users: &Users<W, L>) {
    let mut tasks = JoinSet::new();
    for key in keys() {
        let users = users.clone();
        tasks.spawn(async move {
            users.get_or_create(&key, async || User::sample()).await.expect("no error")
        });
    }
    tasks.join_all().await;
}

async fn in_turn<W: Wire, L: Lock>(users: &Users<W, L>) {
    for key in keys() {
        users.get_or_create(&key, async || User::sample()).await.expect("no error");
    }
}

/// The ways of dogpile.cache, which are none where it is not installed.
pub fn python(url: &str, counted_url: &str) -> Vec<Way<'static>> {
    let Some(python) = Python::start("batch.py", &[url, counted_url]) else { return Vec::new() };
    let python = Rc::new(RefCell::new(python));
    let way = |(lock, name): (&'static str, &str)| {
        let (direct, counted) = (Rc::clone(&python), Rc::clone(&python));
        let ask = move |python: &RefCell<Python>, server| {
            python.borrow_mut().sample(&format!("{server} {lock}")).seconds
        };
        Way {
            name: format!("dogpile.cache: get_or_create_multi{name} (Python)"),
            call: Box::new(move || ask(&direct, "direct")),
            counted: Some(Box::new(move || _ = ask(&counted, "counted"))),
        }
    };
    [("local", ""), ("distributed", ", distributed_lock")].map(way).into()
}
