//! Many callers, and callers that give up.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use tokio::task::{JoinSet, yield_now};

use super::{
    basics::get_multi,
    report::{Outcome, all, ensure, holds, shown},
    subject::Subject,
};
use crate::{Key, Put, WriteOpts};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// Tasks that write and read side by side.
const TASKS: u64 = 16;
/// What each of them does.
const ROUNDS: usize = 50;
/// Polls after which a call that is still not done is let alone.
const POLLS: usize = 30;

pub(super) async fn every_task_reads_what_it_wrote<S: Subject>(subject: Arc<S>) -> Outcome {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let subject = Arc::clone(&subject);
        tasks.spawn(async move {
            let name = format!("own{task}");
            let keys = [Key::from(&name), ("own", &name).into()];
            for number in (task << 32..).take(ROUNDS) {
                let put = |key| Put::new(key, subject.value(number), FOREVER);
                if number % 2 == 0 {
                    subject.set_multi(&keys.map(put)).await?;
                } else {
                    for Put { key, value, opts, .. } in keys.map(put) {
                        subject.set(key, value, opts).await?;
                    }
                }
                yield_now().await;
                let wanted = Some(subject.value(number));
                let found = get_multi(&*subject, &keys).await?;
                holds(keys[0], &found, &vec![wanted.clone(), wanted.clone()])?;
                holds(keys[1], &subject.get(keys[1]).await?, &wanted)?;
            }
            Ok(())
        });
    }
    all(tasks).await
}

/// One writes 0, 1, 2, ..; who begins to read after a write returned sees that one or a later one.
pub(super) async fn reads_see_the_last_write<S: Subject>(subject: Arc<S>) -> Outcome {
    let key = Key::from("counted");
    let values: Arc<Vec<_>> = Arc::new((0..=200).map(|n| subject.value(n)).collect());
    subject.set(key, values[0].clone(), FOREVER).await?;
    let written = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (subject, values) = (Arc::clone(&subject), Arc::clone(&values));
        let written = Arc::clone(&written);
        tasks.spawn(async move {
            loop {
                let least = written.load(SeqCst);
                let found = subject.get(key).await?;
                let number = values.iter().position(|value| Some(value) == found.as_ref());
                let known = number.is_some_and(|number| number >= least);
                let found = shown(found);
                ensure(known, || format!("{key}: {found}, after write {least} had returned"))?;
                if least + 1 == values.len() {
                    return Ok(());
                }
                yield_now().await;
            }
        });
    }
    tasks.spawn(async move {
        for (number, value) in values.iter().enumerate().skip(1) {
            subject.set(key, value.clone(), FOREVER).await?;
            written.store(number, SeqCst);
            yield_now().await;
        }
        Ok(())
    });
    all(tasks).await
}

pub(super) async fn values_are_whole<S: Subject>(subject: Arc<S>) -> Outcome {
    let (one, two) = (Key::from("contested"), Key::from(("contested-space", "name")));
    let values: Arc<Vec<_>> = Arc::new((0..8).map(|n| subject.long_or_short(n)).collect());
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let (subject, values) = (Arc::clone(&subject), Arc::clone(&values));
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let key = if round % 2 == 0 { one } else { two };
                if task % 2 == 0 {
                    subject.set(key, values[(task + round) % 8].clone(), FOREVER).await?;
                } else {
                    whole(key, subject.get(key).await?.as_ref(), &values)?;
                }
                yield_now().await;
            }
            Ok(())
        });
    }
    all(tasks).await?;
    for key in [one, two] {
        let found = subject.get(key).await?;
        ensure(found.is_some(), || format!("{key}: not there after so many writes"))?;
        whole(key, found.as_ref(), &values)?;
    }
    Ok(())
}

fn whole<V: PartialEq + std::fmt::Debug>(key: Key<'_>, found: Option<&V>, values: &[V]) -> Outcome {
    let known = found.is_none_or(|found| values.contains(found));
    ensure(known, || format!("{key}: nobody wrote {}", shown(found)))
}

/// Drops `call` after so many polls, unless it is done by then.
pub(super) async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut polled = 0;
    poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match call.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whether a dropped write takes place is open, now or later; everything else is not.
pub(super) async fn dropped_calls_harm_nobody<S: Subject>(subject: Arc<S>) -> Outcome {
    let (one, two) = (Key::from("dropped"), Key::from(("dropped-space", "name")));
    let keys = [one, two];
    let values: Vec<_> = (0..3).map(|number| subject.long_or_short(number)).collect();
    for polls in 0..POLLS {
        let put = |key, number: usize| Put::new(key, values[number].clone(), FOREVER);
        let done = [
            dropped_after(polls, subject.set(one, values[0].clone(), FOREVER)).await.is_some(),
            dropped_after(polls, subject.set_multi(&[put(two, 1), put(one, 2)])).await.is_some(),
            dropped_after(polls, subject.get(one)).await.is_some(),
            dropped_after(polls, subject.get_multi(&keys)).await.is_some(),
            dropped_after(polls, subject.remove(one)).await.is_some(),
            dropped_after(polls, subject.remove_multi(&keys)).await.is_some(),
        ];
        for key in keys {
            whole(key, subject.get(key).await?.as_ref(), &values)?;
        }
        // Others get their own answers, not those nobody waited for.
        for (number, key) in (100..).zip([Key::from("bystander"), ("bystanders", "1").into()]) {
            subject.set(key, subject.value(number + polls as u64), FOREVER).await?;
            let wanted = Some(subject.value(number + polls as u64));
            holds(key, &subject.get(key).await?, &wanted)?;
            holds(key, &get_multi(&*subject, &[one, key]).await?.pop(), &Some(wanted))?;
        }
        if done.iter().all(|done| *done) {
            break;
        }
    }
    Ok(())
}
