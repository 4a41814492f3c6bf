//! `RedisLock::released` on servers that do not push: an ACL forbids it, or they are too old.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]
#![cfg(all(unix, feature = "backend-redis"))]

#[cfg(test)]
mod support;

use std::{
    fmt::{Debug, Write},
    future::ready,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use larder::{Lock, Redis, RedisLock, Seen};
use support::{
    DEADLINE,
    redis_server::{Monitor, RedisServer, Reply},
    until,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const NAME: &str = "larder:lock:k";
const LONG: Duration = Duration::from_secs(60);

/// Keeps what is logged as a warning.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("larder") && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                write!(self.0, " {}={value:?}", field.name()).unwrap();
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

/// A lock that does not poll where it is told.
fn never_polling(server: &RedisServer, user: &str) -> RedisLock {
    let url = format!("redis://{user}:s3cret@127.0.0.1:{}", server.port());
    let builder = Redis::builder(url).connect_timeout(DEADLINE).response_timeout(DEADLINE);
    let redis = builder.build().unwrap();
    RedisLock::builder(&redis).poll_interval(LONG).build().unwrap()
}

/// Waits until somebody looked at the lock `count` times more; what else was said.
async fn looks(server: &RedisServer, monitor: &mut Monitor, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    until("the looks", || {
        all.extend(monitor.seen(server));
        let looks = all.iter().filter(|line| **line == format!("PTTL {NAME}")).count();
        ready((looks >= count).then_some(()))
    })
    .await;
    all.retain(|line| !line.ends_with(NAME));
    all
}

#[tokio::test]
async fn waits_poll_and_say_so_once() {
    let secretive = ["--rename-command", "HELLO", "GOODBYE"];
    for (server, rule, reason) in [
        (RedisServer::start(), "-client|tracking", "NOPERM"),
        (RedisServer::start_with(&secretive), "+@all", "ERR"),
    ] {
        let rules = ["ACL", "SETUSER", "u", "on", ">s3cret", "~*", "&*", "+@all", rule];
        assert_eq!(server.call(&rules), Reply::Simple("OK".into()));
        let warnings = Warnings::default();
        let _logging = tracing::subscriber::set_default(warnings.clone());
        let lock = never_polling(&server, "u");
        server.call(&["SET", NAME, "other"]);
        let waiting = tokio::spawn({
            let lock = lock.clone();
            async move { lock.released("k".into(), &mut Seen::default()).await }
        });
        let mut monitor = server.raw().monitor();
        looks(&server, &mut monitor, 3).await;
        let start = Instant::now();
        server.call(&["DEL", NAME]);
        waiting.await.unwrap().unwrap();
        assert!(start.elapsed() < LONG / 10, "{:?}", start.elapsed());

        // The server is not asked again by the next wait, nor is it said again.
        monitor.seen(&server);
        lock.released("k".into(), &mut Seen::default()).await.unwrap();
        assert!(looks(&server, &mut monitor, 1).await.is_empty());
        let said = warnings.0.lock().unwrap();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("does not push") && said[0].contains(reason), "{said:?}");
        assert!(!said[0].contains("s3cret"), "{said:?}");
    }
}
