//! What a recording has of the operations and of the region's story: by request, bounded, off until started.
#![cfg(all(feature = "observe-recorded", feature = "backend-memory", feature = "codec-postcard"))]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{sync::Arc, time::Duration};

use larder::{
    BackendExt, Error, ErrorKind, Framed, Happened, Label, LayerExt, ManualClock, Memo, Memory,
    Observed, Op, PayloadExt, Postcard, Recorded, Recorder, Recording, RecordingBuilder, Region,
    RequestScope, Result, Timestamp,
    observe::recorded::{Call, Log, Totals, What},
};

type Bytes = Region<Framed<Postcard<Recorded<Memory>>>>;

fn started(builder: RecordingBuilder) -> Arc<Recording> {
    let recording = builder.build();
    recording.start();
    recording
}

fn recording() -> Arc<Recording> {
    started(Recording::builder())
}

fn region(recording: &Arc<Recording>) -> Bytes {
    let recorder = Recorder::new("users").to(recording);
    Observed::with(recorder, Memory::new()).postcard().framed().region()
}

fn whats(log: &Log) -> Vec<What> {
    log.seen().calls.iter().map(|call| call.what).collect()
}

fn totals(log: &Log) -> Totals {
    let mut all = Totals::default();
    log.seen().totals.iter().for_each(|(_, totals)| all += *totals);
    all
}

/// `user:1 hit 10`.
fn lines(call: &Call) -> Vec<String> {
    let line = |line: &larder::observe::recorded::Line| {
        let key = line.key.as_ref().unwrap().as_key();
        let hit = line.hit.map_or("", |hit| if hit { " hit" } else { " miss" });
        format!("{key}{hit}{}", line.bytes.map(|bytes| format!(" {bytes}")).unwrap_or_default())
    };
    call.lines.iter().map(line).collect()
}

#[tokio::test]
async fn every_kind_of_call_is_recorded_with_its_keys() -> Result<()> {
    let recording = recording();
    let users = region(&recording);
    let scope = RequestScope::new("GET /users");
    scope
        .run(async {
            users.get::<String>("a").await?;
            users.set("a", "ann".to_owned()).await?;
            users.get::<String>("a").await?;
            users.set_multi([("b", "bob".to_owned()), ("c", "cleo".to_owned())]).await?;
            users.get_multi::<String>(["a", "b", "x"]).await?;
            users.delete("a").await?;
            users.delete_multi(["b", "c"]).await
        })
        .await?;
    let requests = recording.requests();
    assert_eq!((requests.len(), requests[0].name()), (1, "GET /users"));
    let seen = requests[0].seen();
    let told: Vec<_> = seen.calls.iter().map(|call| (call.what, lines(call))).collect();
    let op = |op, lines: &[&str]| (What::Op(op), lines.iter().map(ToString::to_string).collect());
    assert_eq!(
        told,
        [
            op(Op::Get, &["a miss"]),
            op(Op::Set, &["a 9"]),
            op(Op::Get, &["a hit 9"]),
            op(Op::SetMulti, &["b 9", "c 10"]),
            op(Op::GetMulti, &["a hit 9", "b hit 9", "x miss"]),
            op(Op::Remove, &["a"]),
            op(Op::RemoveMulti, &["b", "c"]),
        ]
    );
    let totals = totals(&requests[0]);
    assert_eq!((totals[Op::Get].calls, totals[Op::Get].hits, totals[Op::Get].misses), (2, 1, 1));
    let multi = totals[Op::GetMulti];
    assert_eq!((multi.calls, multi.hits, multi.misses, multi.bytes), (1, 2, 1, 18));
    assert_eq!((totals.all().calls, requests[0].calls()), (7, 7));
    let call = &seen.calls[0];
    assert_eq!(
        (call.label().to_string(), call.place().to_string()),
        ("users".into(), "memory".into())
    );
    assert!(
        seen.calls.windows(2).all(|two| two[0].number < two[1].number && two[0].at <= two[1].at)
    );
    assert_eq!(whats(recording.outside()), []);
    Ok(())
}

#[tokio::test]
async fn a_cold_get_or_create_is_one_miss_and_its_story() -> Result<()> {
    let recording = recording();
    let users = region(&recording);
    for _ in 0..2 {
        users.get_or_create("a", async || "ann".to_owned()).await?;
    }
    let outside = recording.outside();
    assert_eq!(
        whats(outside),
        [What::Op(Op::Get), What::Region(Happened::Created), What::Op(Op::Set), What::Op(Op::Get),]
    );
    let totals = totals(outside);
    assert_eq!((totals[Op::Get].misses, totals[Op::Get].hits), (1, 1));
    let series = &recording.series()[0];
    let told = [Happened::Miss, Happened::Created, Happened::Fresh].map(|what| series.told(what));
    assert_eq!(told, [1, 1, 1]);
    assert_eq!(series.told_latency(Happened::Created).count(), 1);
    assert_eq!(series.latency(Op::Get).count(), 2);
    Ok(())
}

#[tokio::test]
async fn stale_failed_and_waited_are_part_of_the_story() -> Result<()> {
    let (recording, clock) = (recording(), ManualClock::new(Timestamp::from_secs(1_000)));
    let recorder = Recorder::new("users").to(&recording);
    let users = Region::builder(Observed::with(recorder, Memo::<String>::new()))
        .expire_after(Duration::from_secs(10))
        .clock(clock.clock())
        .build()?;
    let slow = users.get_or_create("a", async || {
        tokio::time::sleep(Duration::from_millis(5)).await;
        "ann".to_owned()
    });
    let (first, second) = tokio::join!(slow, users.get_or_create("a", async || "other".to_owned()));
    assert_eq!((first?, second?), ("ann".to_owned(), "ann".to_owned()));
    clock.advance(Duration::from_secs(11));
    let failed = users.try_get_or_create("a", async || Err(())).await;
    assert_eq!(failed.unwrap(), "ann");
    let story: Vec<_> = recording.outside().seen().calls.iter().map(|call| call.what).collect();
    for what in [Happened::Created, Happened::Waited, Happened::CreatorFailed, Happened::Stale] {
        let count = story.iter().filter(|told| **told == What::Region(what)).count();
        assert_eq!(count, 1, "{what:?} in {story:?}");
    }
    Ok(())
}

#[tokio::test]
async fn requests_are_told_apart_whatever_runs_at_the_same_time() -> Result<()> {
    let recording = recording();
    let users = region(&recording);
    let requests = (0..20).map(|n| {
        let (scope, users) = (RequestScope::new(format!("GET /{n}")), users.clone());
        let inner = scope.clone();
        tokio::spawn(scope.run(async move {
            let key = format!("user:{n}");
            users.get_or_create(&key, async || n).await?;
            tokio::task::yield_now().await;
            // A task and a thread, with the request in hand.
            let (far, again) = (users.clone(), key.clone());
            tokio::spawn(inner.run(async move { far.get::<i32>(&again).await })).await.unwrap()?;
            let thread = tokio::task::spawn_blocking(move || {
                inner.run_blocking(|| users.blocking().get::<i32>(&key))
            });
            thread.await.unwrap()
        }))
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap()?;
    }
    let logs = recording.requests();
    assert_eq!(logs.len(), 20);
    for log in logs {
        let key = log.name().replace("GET /", "user:");
        let seen = log.seen();
        let keys: Vec<_> = seen.calls.iter().flat_map(|call| lines(call)).collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        assert!(keys.iter().all(|line| line.split(' ').next() == Some(&key)), "{key}: {keys:?}");
    }
    assert_eq!(whats(recording.outside()), []);
    Ok(())
}

#[tokio::test]
async fn tiers_are_apart_from_the_region_around_them() -> Result<()> {
    let recording = recording();
    let recorder = |label: Label| Recorder::new(label).to(&recording);
    let near = Observed::with(recorder(Label::new("users").tier("memory")), Memo::<u8>::new());
    let far = Observed::with(recorder(Label::new("users").tier("far")), Memory::new());
    let both = far.postcard().framed().behind(near);
    let users = Observed::with(recorder("users".into()), both).region();
    for _ in 0..3 {
        users.get_or_create("a", async || 1).await?;
    }
    let figures: Vec<_> = recording
        .series()
        .iter()
        .map(|series| {
            let gets = series.totals()[Op::Get];
            (series.label().to_string(), gets.hits, gets.misses, series.told(Happened::Created))
        })
        .collect();
    assert_eq!(
        figures,
        [
            ("users".to_owned(), 2, 1, 1),
            ("users / far".to_owned(), 0, 1, 0),
            ("users / memory".to_owned(), 2, 1, 0),
        ]
    );
    assert_eq!(recording.outside().calls(), 4, "those of the whole");
    Ok(())
}

#[tokio::test]
async fn off_until_started_and_after_it_was_stopped() -> Result<()> {
    let recording = Recording::builder().build();
    let users = region(&recording);
    let scope = RequestScope::new("GET /");
    scope.run(users.get_or_create("a", async || 1)).await?;
    recording.finish(&scope, Some(200));
    assert!(recording.requests().is_empty() && recording.series().is_empty());
    recording.start();
    scope.run(users.get_or_create("a", async || 1)).await?;
    recording.finish(&scope, Some(200));
    assert_eq!(recording.requests()[0].finished().unwrap().status, Some(200));
    recording.stop();
    users.get::<i32>("a").await?;
    assert_eq!((recording.requests().len(), recording.outside().calls()), (1, 0));
    recording.clear();
    assert!(recording.requests().is_empty() && recording.series().is_empty());
    Ok(())
}

#[tokio::test]
async fn requests_without_calls_are_listed_and_ignored_ones_are_not() -> Result<()> {
    let recording = recording();
    let users = region(&recording);
    let (idle, own) = (RequestScope::new("GET /idle"), RequestScope::new("GET /panel"));
    recording.finish(&idle, Some(404));
    recording.ignore(&own);
    own.run(users.get::<u8>("a")).await?;
    recording.finish(&own, Some(200));
    // One that is known to be its own only after it has asked.
    let late = RequestScope::new("GET /panel");
    late.run(users.get::<u8>("a")).await?;
    assert_eq!(recording.requests().len(), 2);
    recording.ignore(&late);
    recording.finish(&late, Some(200));
    let names: Vec<_> = recording.requests().iter().map(|log| log.name().to_owned()).collect();
    assert_eq!(names, ["GET /idle"]);
    Ok(())
}

#[tokio::test]
async fn memory_is_bounded_whatever_is_asked() -> Result<()> {
    let recording = started(Recording::builder().max_requests(3).max_lines(10));
    let users = region(&recording);
    for n in 0..5 {
        RequestScope::new(format!("GET /{n}")).run(users.get::<u8>("a")).await?;
    }
    let names: Vec<_> = recording.requests().iter().map(|log| log.name().to_owned()).collect();
    assert_eq!(names, ["GET /4", "GET /3", "GET /2"]);

    let many: Vec<_> = (0..25).map(|n| format!("user:{n}")).collect();
    let batch = || async {
        users.get_multi::<u8>(&many).await?;
        users.get::<u8>("last").await
    };
    RequestScope::new("GET /many").run(batch()).await?;
    let log = &recording.requests()[0];
    let seen = log.seen();
    assert_eq!((seen.calls.len(), seen.calls[0].lines.len(), seen.left_out), (1, 10, 16));
    assert_eq!((log.calls(), totals(log)[Op::GetMulti].misses), (2, 25), "all are counted");

    batch().await?;
    let seen = recording.outside().seen();
    assert_eq!(lines(&seen.calls[0]), ["last miss"], "outside of requests the last ones stay");
    assert_eq!(seen.left_out, 25);

    let name = "ä".repeat(5_000_000);
    users.get::<u8>((name.as_str(), name.as_str())).await?;
    let seen = recording.outside().seen();
    let line = &seen.calls.last().unwrap().lines[0];
    let key = line.key.as_ref().unwrap().as_key();
    assert_eq!((key.space().unwrap().len(), key.name().len(), line.is_cut), (200, 200, true));
    Ok(())
}

#[tokio::test]
async fn labels_are_bounded() -> Result<()> {
    let recording = recording();
    for n in 0..400 {
        let recorder = Recorder::new(format!("tenant {n}")).to(&recording);
        Observed::with(recorder, Memo::<u8>::new()).region().get::<u8>("a").await?;
    }
    let series = recording.series();
    let others = series.iter().find(|series| *series.label().region == *"others").unwrap();
    assert_eq!((series.len(), others.totals()[Op::Get].calls), (256, 145));
    Ok(())
}

#[tokio::test]
async fn values_are_kept_only_if_allowed_and_not_whole() -> Result<()> {
    let recording = recording();
    let users = region(&recording);
    users.set("a", "secret".to_owned()).await?;
    recording.keep_values(true);
    users.get::<String>("a").await?;
    users.set("b", "x".repeat(1_000)).await?;
    let seen = recording.outside().seen();
    let values: Vec<_> = seen.calls.iter().map(|call| call.lines[0].value.as_deref()).collect();
    assert_eq!(values[0], None);
    assert!(values[1].unwrap().ends_with(b"secret"));
    assert_eq!(values[2].unwrap().len(), 200);
    Ok(())
}

#[tokio::test]
async fn calls_that_fail_are_recorded() -> Result<()> {
    struct Broken;
    impl larder::Level for Broken {
        async fn remove(&self, _: larder::Key<'_>) -> Result<()> {
            Err(Error::new(ErrorKind::Backend, "broken").with_message("x".repeat(1_000)))
        }
    }
    let recording = recording();
    let broken = Observed::with(Recorder::new("broken").to(&recording), Broken).region();
    broken.delete("a").await.unwrap_err();
    broken.delete_multi(["a", "b"]).await.unwrap_err();
    let seen = recording.outside().seen();
    let kinds: Vec<_> = seen.calls.iter().map(|call| (call.what, call.lines.len())).collect();
    assert_eq!(kinds, [(What::Op(Op::Remove), 1), (What::Op(Op::RemoveMulti), 2)]);
    let error = seen.calls[0].error.as_deref().unwrap();
    assert!(error.starts_with("broken: xxx") && error.len() == 402, "{error}");
    assert_eq!(totals(recording.outside()).all().errors, 2);
    Ok(())
}

#[cfg(feature = "config")]
#[tokio::test]
async fn a_configured_region_is_recorded_under_its_name_for_the_process() -> Result<()> {
    let config = larder::Config::from_pairs([("cache.people.max_entries", "10")]);
    let people = Region::<Recorded<Memo<u8>>>::from_config(&config.region("people")?)?;
    people.get::<u8>("a").await?;
    Recording::global().start();
    people.get::<u8>("a").await?;
    Recording::global().stop();
    let series = Recording::global().series();
    let found =
        series.iter().map(|series| (series.label().to_string(), series.totals()[Op::Get].calls));
    assert_eq!(found.collect::<Vec<_>>(), [("people".to_owned(), 1)]);
    Ok(())
}
