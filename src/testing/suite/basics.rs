//! One caller: single calls and batches.

use std::{sync::Arc, time::Duration};

use super::{
    report::{Outcome, ensure, holds, same, shown},
    subject::Subject,
};
use crate::{ErrorKind, Key, KeyBuf, Lease, Put, Result, WriteOpts};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// A key in a space, whose space is no plain key of these checks.
const PAIR: (&str, &str) = ("space", "name");

pub(super) async fn what_was_set_is_read<S: Subject>(subject: Arc<S>) -> Outcome {
    for (number, key) in (0..).zip([Key::from("plain"), PAIR.into()]) {
        holds(key, &subject.get(key).await?, &None)?;
        subject.set(key, subject.value(number), FOREVER).await?;
        for _ in 0..2 {
            holds(key, &subject.get(key).await?, &Some(subject.value(number)))?;
        }
    }
    Ok(())
}

pub(super) async fn set_replaces<S: Subject>(subject: Arc<S>) -> Outcome {
    for key in [Key::from("replaced"), PAIR.into()] {
        for number in 0..20 {
            subject.set(key, subject.long_or_short(number), FOREVER).await?;
            holds(key, &subject.get(key).await?, &Some(subject.long_or_short(number)))?;
        }
    }
    Ok(())
}

pub(super) async fn remove_forgets<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = [Key::from("removed"), "stays".into(), PAIR.into(), (PAIR.0, "stays").into()];
    for (number, key) in (0..).zip(keys) {
        subject.set(key, subject.value(number), FOREVER).await?;
    }
    for (removed, stays, number) in [(keys[0], keys[1], 1), (keys[2], keys[3], 3)] {
        subject.remove(removed).await?;
        holds(removed, &subject.get(removed).await?, &None)?;
        holds(stays, &subject.get(stays).await?, &Some(subject.value(number)))?;
        subject.set(removed, subject.value(9), FOREVER).await?;
        holds(removed, &subject.get(removed).await?, &Some(subject.value(9)))?;
    }
    Ok(())
}

pub(super) async fn a_glance_is_a_read<S: Subject>(subject: Arc<S>) -> Outcome {
    let agrees = async |key: Key<'_>, when: &str| {
        let agrees = subject.glance_agrees(key).await?;
        ensure(agrees, || format!("key {key:?}, {when}: a glance sees something else"))
    };
    for key in [Key::from("glanced"), PAIR.into()] {
        agrees(key, "before anything was set").await?;
        for number in 0..3 {
            subject.set(key, subject.value(number), FOREVER).await?;
            agrees(key, "after it was set").await?;
        }
        subject.set_multi(&[Put::new(key, subject.value(4), FOREVER)]).await?;
        agrees(key, "after it was set in a batch").await?;
        subject.remove(key).await?;
        agrees(key, "after it was removed").await?;
        subject.set(key, subject.value(5), FOREVER).await?;
        subject.remove_multi(&[key]).await?;
        agrees(key, "after it was removed in a batch").await?;
    }
    Ok(())
}

pub(super) async fn removing_a_missing_key_is_no_error<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = [Key::from("missing"), PAIR.into()];
    for key in keys {
        subject.remove(key).await?;
        subject.set(key, subject.value(1), FOREVER).await?;
        subject.remove(key).await?;
        subject.remove(key).await?;
    }
    Ok(subject.remove_multi(&keys).await?)
}

/// Keys of several spaces and none, among each other: `(number, key)`.
fn mixed(count: u64) -> Vec<(u64, KeyBuf)> {
    let key = |n: u64| match n % 3 {
        0 => Key::from(&format!("mixed{n}")).to_buf(),
        _ => Key::from((&format!("mixed-{}", n % 5), &format!("{n}"))).to_buf(),
    };
    (0..count).map(|n| (n, key(n))).collect()
}

fn borrowed(keys: &[(u64, KeyBuf)]) -> Vec<Key<'_>> {
    keys.iter().map(|(_, key)| key.as_key()).collect()
}

fn puts<'k, S: Subject>(subject: &S, keys: &'k [(u64, KeyBuf)]) -> Vec<Put<'k, S::Value>> {
    keys.iter().map(|(n, key)| Put::new(key.as_key(), subject.value(*n), FOREVER)).collect()
}

/// The answers, all of which must be readable.
pub(super) async fn get_multi<S: Subject>(
    subject: &S,
    keys: &[Key<'_>],
) -> Result<Vec<Option<S::Value>>> {
    subject.get_multi(keys).await?.into_iter().collect()
}

pub(super) async fn batches_answer_in_order<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = mixed(12);
    for put in puts(&*subject, &keys) {
        subject.set(put.key, put.value, put.opts).await?;
    }
    // Backwards, some of them again, and some that are not there.
    let absent = [Key::from("absent"), ("mixed-1", "absent").into(), ("absent", "1").into()];
    let known = borrowed(&keys);
    let mut asked: Vec<(Key<'_>, Option<u64>)> = Vec::new();
    for (number, key) in keys.iter().rev() {
        asked.push((key.as_key(), Some(*number)));
        asked.push((absent[asked.len() % absent.len()], None));
        asked.push((known[5], Some(5)));
    }
    let (asked, numbers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let found = get_multi(&*subject, &asked).await?;
    ensure(found.len() == asked.len(), || {
        format!("{} answers to {} keys", found.len(), asked.len())
    })?;
    for (at, (found, number)) in found.iter().zip(numbers).enumerate() {
        let what = format!("answer {at} of get_multi, to {}", asked[at]);
        same(what, found, &number.map(|number| subject.value(number)))?;
    }
    Ok(())
}

pub(super) async fn batches_write_everything<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = mixed(1000);
    subject.set_multi(&puts(&*subject, &keys)).await?;
    for (number, key) in keys.iter().step_by(7) {
        holds(key.as_key(), &subject.get(key.as_key()).await?, &Some(subject.value(*number)))?;
    }
    let found = get_multi(&*subject, &borrowed(&keys)).await?;
    let wanted: Vec<_> = keys.iter().map(|(number, _)| Some(subject.value(*number))).collect();
    same("1000 keys after one set_multi", &found, &wanted)
}

pub(super) async fn the_last_of_two_writes_wins<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = [Key::from("doubled"), PAIR.into()];
    let put = |key, number| Put::new(key, subject.value(number), FOREVER);
    let [plain, pair] = keys;
    subject
        .set_multi(&[put(plain, 1), put(pair, 2), put(plain, 3), put(pair, 4), put(plain, 5)])
        .await?;
    holds(plain, &subject.get(plain).await?, &Some(subject.value(5)))?;
    holds(pair, &subject.get(pair).await?, &Some(subject.value(4)))
}

pub(super) async fn batches_remove_what_is_named<S: Subject>(subject: Arc<S>) -> Outcome {
    let keys = mixed(30);
    subject.set_multi(&puts(&*subject, &keys)).await?;
    let known = borrowed(&keys);
    let mut removed: Vec<Key<'_>> = known.iter().copied().step_by(2).collect();
    // Twice, and with some that are not there.
    removed.extend([known[4], "absent".into(), ("mixed-1", "absent").into()]);
    subject.remove_multi(&removed).await?;
    for (at, key) in known.into_iter().enumerate() {
        let wanted = (at % 2 == 1).then(|| subject.value(at as u64));
        holds(key, &subject.get(key).await?, &wanted)?;
    }
    Ok(())
}

pub(super) async fn empty_batches_do_nothing<S: Subject>(subject: Arc<S>) -> Outcome {
    let key = Key::from("bystander");
    subject.set(key, subject.value(1), FOREVER).await?;
    let found = get_multi(&*subject, &[]).await?;
    ensure(found.is_empty(), || format!("{} answers to no keys", found.len()))?;
    subject.set_multi(&[]).await?;
    subject.remove_multi(&[]).await?;
    holds(key, &subject.get(key).await?, &Some(subject.value(1)))
}

/// No check waits: that entries go in time is for a clock that can be moved.
pub(super) async fn lifetimes_are_taken<S: Subject>(subject: Arc<S>) -> Outcome {
    let hour = Duration::from_secs(3600);
    let long = [Some(hour), None, Some(Duration::from_secs(u64::MAX)), Some(Duration::MAX)];
    for (number, keep_for) in (0..).zip(long) {
        for key in [Key::from("kept"), PAIR.into()] {
            let (opts, value) = (WriteOpts::keep_for(keep_for), subject.value(number));
            subject.set(key, value.clone(), opts).await?;
            let what = format!("{key}, to be kept for {keep_for:?}");
            same(&what, &subject.get(key).await?, &Some(value.clone()))?;
            subject.remove(key).await?;
            subject.set_multi(&[Put::new(key, value.clone(), opts)]).await?;
            same(what, &subject.get(key).await?, &Some(value))?;
            subject.remove(key).await?;
        }
    }
    // Gone at once or in a moment; neither an error.
    for keep_for in [Duration::ZERO, Duration::from_nanos(1)] {
        let opts = WriteOpts::keep_for(Some(keep_for));
        subject.set("short".into(), subject.value(1), opts).await?;
    }
    Ok(())
}

/// A store that checks leases refuses one that nobody holds; any other does not look at it.
pub(super) async fn leases_are_checked_or_ignored<S: Subject>(subject: Arc<S>) -> Outcome {
    let key = Key::from("fenced");
    subject.set(key, subject.value(1), FOREVER).await?;
    let lease = Lease::new(key, *b"larder: a lock that nobody holds");
    let put = Put::new(key, subject.value(2), FOREVER.fenced(&lease));
    let checks = subject.capabilities().fence.is_some();
    let number = if checks { 1 } else { 2 };
    for written in [
        subject.set(key, put.value.clone(), put.opts).await,
        subject.set_multi(std::slice::from_ref(&put)).await,
    ] {
        match written {
            Err(error) if checks && error.kind() == ErrorKind::LeaseLost => {}
            Err(error) => return Err(error.into()),
            Ok(()) => ensure(!checks, || format!("{} was written without its lease", shown(key)))?,
        }
        holds(key, &subject.get(key).await?, &Some(subject.value(number)))?;
    }
    Ok(())
}
