//! An expired key under the traffic of several processes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use larder::{ManualClock, Timestamp};

use crate::support::{
    redis_server::RedisServer,
    region::{process_with, unlocked},
    until,
};

const PERIOD: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_creation_a_period_and_nobody_is_blocked_while_there_is_a_stale_value() {
    let server = RedisServer::start();
    let time = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let process = || {
        process_with(&server, |builder| {
            builder.expire_after(PERIOD).keep_forever().clock(time.clock())
        })
    };
    let regions = [process(), process(), process()];
    regions[0].set("k", 0_u64).await.unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let creations = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let more_calls = async |calls: &AtomicU64| {
        let enough = calls.load(SeqCst) + 100;
        until("traffic", async || (calls.load(SeqCst) >= enough).then_some(())).await;
    };
    let traffic: Vec<_> = (0..24)
        .map(|task| {
            let region = regions[task % 3].clone();
            let (calls, creations, stop) =
                (Arc::clone(&calls), Arc::clone(&creations), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(SeqCst) {
                    let create = async || {
                        let number = creations.fetch_add(1, SeqCst) + 1;
                        // It ends only if the calls of the others go on meanwhile.
                        let enough = calls.load(SeqCst) + 100;
                        until("traffic beside a refresh", async || {
                            (calls.load(SeqCst) >= enough).then_some(())
                        })
                        .await;
                        number
                    };
                    region.get_or_create("k", create).await.unwrap();
                    calls.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for period in 1..=10 {
        more_calls(&calls).await;
        time.advance(PERIOD + Duration::from_micros(1));
        until("a new value", async || {
            regions[0].get::<u64>("k").await.unwrap().filter(|value| *value == period)
        })
        .await;
        more_calls(&calls).await;
        assert_eq!(creations.load(SeqCst), period, "once in each period, whatever the process");
    }
    stop.store(true, SeqCst);
    for task in traffic {
        task.await.unwrap();
    }
    assert!(regions.iter().map(|region| region.stats().stale).sum::<u64>() >= 1000);
    unlocked(&server).await;
}
