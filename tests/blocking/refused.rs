//! On the one thread of a current-thread runtime: hits, what needs no waiting, and clear errors.

use std::{sync::mpsc, thread, time::Duration};

use larder::{
    BackendExt, Blocking, Error, ErrorKind, Failure, File, Invalidation, LayerExt, Lock, Null,
    PayloadExt, Redis, Region, Result, SharedMarks,
};
use tokio::runtime::Builder;

use crate::{
    current_thread, file, guarded, locked_file, locked_redis, memo, memory, redis,
    support::redis_server::RedisServer,
    until,
    words::{self, Stack},
};

/// Runs `call` on the thread that drives a current-thread runtime, in its main task and in another.
fn on_the_only_thread(call: impl Fn() + Send + Clone + 'static) {
    let again = call.clone();
    current_thread().block_on(async move {
        call();
        tokio::spawn(async move { again() }).await.unwrap();
    });
}

fn is_refused<T: std::fmt::Debug>(answer: Result<T>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("spawn_blocking"), "{error}");
}

fn cache<E>(failure: Failure<E>) -> Error {
    match failure {
        Failure::Cache(error) => error,
        Failure::Creator(_) => panic!("no creator may be called"),
    }
}

/// Whatever writes or creates is refused before it has begun.
fn refuses_work<S: Stack, L: Lock>(region: &Blocking<S, L>) {
    let never = || -> u64 { panic!("no creator may be called") };
    let never_any = |_| -> Vec<(&str, u64)> { panic!("no creator may be called") };
    is_refused(region.set("a", 1));
    is_refused(region.set_multi([("a", 1)]));
    is_refused(region.delete("a"));
    is_refused(region.delete_multi(["a"]));
    is_refused(region.get_or_create("a", never));
    is_refused(region.try_get_or_create("a", || Ok::<_, ()>(never())).map_err(cache));
    is_refused(region.get_or_create_with("a", || never().into()));
    is_refused(region.get_or_create_in_background("a", never));
    is_refused(region.refresh("a", never));
    is_refused(region.get_or_create_multi(["a"], never_any));
    let answers = region.try_get_or_create_multi(["hit", "a"], |keys| Ok::<_, ()>(never_any(keys)));
    is_refused(answers.into_iter().nth(1).unwrap().map_err(cache));
    let named = region.set("a", 1).unwrap_err();
    assert_eq!(named.key(), Some("a".into()));
    assert_eq!(region.region().in_flight(), 0);
}

fn refuses_reads<S: Stack, L: Lock>(region: &Blocking<S, L>) {
    is_refused(region.get("hit"));
    is_refused(region.get_multi(["hit"]));
    is_refused(region.entry("hit"));
}

fn hits<S: Stack, L: Lock>(region: &Blocking<S, L>) {
    assert_eq!(region.get("hit").unwrap(), Some(5));
    assert_eq!(region.get_multi(["hit", "a"]).unwrap(), [Some(5), None]);
    assert_eq!(region.entry("hit").unwrap().unwrap().value, 5);
    assert_eq!(region.get_or_create("hit", || 0).unwrap(), 5);
    assert_eq!(region.get_or_create_in_background("hit", || 0).unwrap(), 5);
    assert_eq!(
        region.get_or_create_multi(["hit"], |_| Vec::<(&str, _)>::new()).unwrap(),
        [Some(5)]
    );
}

#[test]
fn in_memory_everything_is_done() {
    guarded(|| {
        let (memo, memory) = (memo().blocking(), memory().typed::<u64>().blocking());
        let (memos, memories) = (memo.clone(), memory.clone());
        current_thread().block_on(async move {
            words::all(&memo, "main");
            words::all(&memory, "main");
            let task = tokio::spawn(async move {
                words::all(&memos, "task");
                words::all(&memories, "task");
            });
            task.await.unwrap();
        });
        // Not even with timers of the runtime's own.
        let bare = Builder::new_current_thread().build().unwrap();
        let null = Null.postcard().framed().region().blocking();
        bare.block_on(async { assert_eq!(null.get_or_create("a", || 1).unwrap(), 1) });
    });
}

#[test]
fn in_memory_too_nobody_is_waited_for() {
    guarded(|| {
        let region = memo();
        let (blocking, hasty) = (region.blocking(), region.blocking());
        let (begun, creating) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let leader = thread::spawn(move || {
            blocking.get_or_create("a", || {
                begun.send(()).unwrap();
                _ = released.recv();
                1
            })
        });
        creating.recv().unwrap();
        on_the_only_thread(move || {
            is_refused(hasty.get_or_create("a", || panic!("another one creates")));
            is_refused(hasty.get_or_create_multi(["a"], |_| -> Vec<(&str, u64)> {
                panic!("another one creates")
            }));
            assert_eq!(hasty.get_or_create("b", || 2).unwrap(), 2);
            assert!(hasty.key_is_locked("a").unwrap());
        });
        release.send(()).unwrap();
        assert_eq!(leader.join().unwrap().unwrap(), 1);
        assert_eq!(region.stats().creations, 2);
    });
}

fn a_file_hits<L: Lock>(region: &Region<impl Stack + 'static, L>) {
    let region = region.blocking();
    region.set("hit", 5).unwrap();
    on_the_only_thread(move || {
        hits(&region);
        refuses_work(&region);
    });
}

#[test]
fn a_file_is_read_and_nothing_else() {
    guarded(|| {
        let (region, file, _folder) = file();
        a_file_hits(&region);
        a_file_hits(&locked_file(&file, Duration::from_secs(5)));
    });
}

#[test]
fn a_server_is_not_even_asked() {
    guarded(|| {
        let server = RedisServer::start();
        let redis = redis(&server);
        let region = redis.clone().postcard().framed().region().blocking();
        on_the_only_thread(move || {
            refuses_reads(&region);
            refuses_work(&region);
        });
        let region = locked_redis(&redis, Duration::from_secs(5)).blocking();
        on_the_only_thread(move || {
            refuses_reads(&region);
            refuses_work(&region);
            is_refused(region.key_is_locked("a"));
        });
    });
}

type Marked = Region<larder::Memo<u64>, larder::Local, SharedMarks<Redis>>;

/// Marks that are shared are read where the stack alone could answer.
#[test]
fn shared_marks_are_read_where_that_can_wait() {
    guarded(|| {
        let server = RedisServer::start();
        let marks =
            |name| SharedMarks::new(redis(&server), name).interval(Duration::from_secs(3600));
        let build = |marks| Region::builder(larder::Memo::<u64>::new()).invalidator(marks).build();
        let region: Marked = build(marks("a")).unwrap();
        let blocking = region.blocking();
        blocking.set("hit", 5).unwrap();
        let call = blocking.clone();
        on_the_only_thread(move || {
            is_refused(call.get("hit"));
            is_refused(call.invalidate(Invalidation::Hard));
        });
        assert_eq!(blocking.get("hit").unwrap(), Some(5));
        let call = blocking.clone();
        // Now they are known.
        on_the_only_thread(move || assert_eq!(call.get("hit").unwrap(), Some(5)));
        blocking.invalidate(Invalidation::Hard).unwrap();
        assert_eq!(blocking.get("hit").unwrap(), None);
    });
}

/// Elsewhere the same calls of the same region go through meanwhile.
#[test]
fn a_refusal_is_about_the_place() {
    guarded(|| {
        let (region, file, _folder): (_, File, _) = file();
        drop(region);
        let region = locked_file(&file, Duration::from_secs(5));
        let (blocking, there) = (region.blocking(), region.blocking());
        current_thread().block_on(async move {
            is_refused(blocking.get_or_create("a", || 1));
            let task = tokio::task::spawn_blocking(move || there.get_or_create("a", || 2));
            assert_eq!(task.await.unwrap().unwrap(), 2);
            assert_eq!(blocking.get_or_create("a", || 3).unwrap(), 2);
        });
        until("the lease is given back", || !region.blocking().key_is_locked("a").unwrap());
    });
}
