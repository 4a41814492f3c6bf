//! A thousand keys: read through in one call, in a thousand calls, by hand, and by the Python original.
//!
//! `cargo bench --bench batch` starts its own Redis and its own cluster of three. Warm: all keys are there; half
//! warm: every other one; cold: none. The first row of each table is written by hand, without any lock.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

mod by_hand;
mod calls;
mod place;
#[path = "../../tests/support/mod.rs"]
mod support;

use larder::Redis;
use larder_benches::{Report, Sample, Table};
use place::{Place, State, Way};
use support::{proxy::CountingProxy, redis_cluster::RedisCluster, redis_server::RedisServer};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: u32 = 11;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut report = Report::new("batch");
    single(&runtime, &mut report);
    cluster(&runtime, &mut report);
    report.save();
}

fn single(runtime: &Runtime, report: &mut Report) {
    let server = RedisServer::start();
    // Times are those of the socket, round trips are counted on another way to the same server.
    let proxy = runtime.block_on(CountingProxy::start(server.port()));
    let (url, counted_url) = (server.unix_url(), proxy.url());
    let redis = Redis::new(&url).expect("a sound URL");
    let counted = Redis::new(&counted_url).expect("a sound URL");
    let mut ways = vec![by_hand::single(runtime, &url, &counted_url)];
    ways.extend(calls::through_larder(runtime, &redis, Some(&counted)));
    ways.extend(calls::python(&url, &counted_url));
    let place = Place::new(runtime, vec![server], redis, Some(proxy));
    measure(report, "Redis over a UNIX socket", &place, &ways);
}

fn cluster(runtime: &Runtime, report: &mut Report) {
    let cluster = RedisCluster::start("redis-server");
    let redis = Redis::cluster(cluster.urls()).build().expect("sound URLs");
    let mut ways = vec![by_hand::cluster(runtime, &cluster)];
    ways.extend(calls::through_larder(runtime, &redis, None));
    let place = Place::new(runtime, cluster.nodes, redis, None);
    measure(report, "a cluster of three over TCP", &place, &ways);
}

fn measure(report: &mut Report, name: &str, place: &Place, ways: &[Way]) {
    for way in ways {
        // Connects, and leaves everything behind.
        (way.call)();
        if let Some(counted) = &way.counted {
            counted();
        }
    }
    for state in State::ALL {
        let title = format!("1000 keys, {}, {name}", state.name());
        let mut table = Table::new(title, "ms", 1).rounds(ROUNDS);
        for way in ways {
            table.batch(&way.name, move || {
                place.reset(state);
                Sample::time((way.call)())
            });
            place.reset(state);
            let before = place.commands();
            (way.call)();
            table.figure("commands", f64::from(place.commands() - before));
            if let (Some(counted), Some(proxy)) = (&way.counted, &place.proxy) {
                place.reset(state);
                proxy.take();
                counted();
                let trips = u32::try_from(proxy.take()).expect("a small number");
                table.figure("round trips", f64::from(trips));
            }
        }
        report.table(table);
    }
}
