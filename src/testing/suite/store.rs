//! What only stores of entries promise: metadata, and that there is nothing.

use std::{fmt::Debug, sync::Arc, time::Duration};

use super::{
    report::{Broken, Outcome, ensure, holds, same},
    subject::{CREATED, Entries, Subject},
};
use crate::{
    Capabilities, Entry, EntryTtl, ErrorKind, Key, Meta, Precision, Put, Result, Store, Timestamp,
    WriteOpts,
};

const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);

/// Rounding of an entry's own lifetime that a format may do, always up.
const TTL_STEP: Duration = Duration::from_millis(1);

type Subject3<S, T> = Arc<Entries<S, T>>;

/// Writes and reads an entry, by itself or in a batch.
async fn there_and_back<T: Send + Sync + Clone, S: Store<T>>(
    store: &S,
    entry: &Entry<Option<T>>,
    in_batch: bool,
) -> Result<Option<Entry<Option<T>>>> {
    let key = Key::from("entry");
    if in_batch {
        store.write_multi(&[Put::new(key, entry, FOREVER)]).await?;
        store.read_multi(&[key]).await?.pop().unwrap_or(Ok(None))
    } else {
        store.write(key, entry, FOREVER).await?;
        store.read(key).await
    }
}

pub(super) async fn creation_is_as_precise_as_said<T, S>(subject: Subject3<S, T>) -> Outcome
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + 'static,
{
    let Capabilities { created_at: precision, further_tiers, .. } = subject.capabilities();
    for micros in [0, 1, 999, 1_000, 499_999, 500_000, 761_270, 999_999] {
        let created = Timestamp::from_micros(CREATED.as_micros() + micros);
        let wanted = match precision {
            Precision::None => None,
            Precision::Coarse => Some(CREATED.floor(Duration::from_secs(64))),
            Precision::Seconds => Some(CREATED),
            Precision::Micros => Some(created),
        };
        for in_batch in [false, true] {
            let entry = Entry::new(Some(subject.value(1)), Meta::new(created));
            let found = there_and_back(&subject.store, &entry, in_batch).await?;
            let found = found.ok_or_else(|| Broken::new("what was written is not there"))?;
            same("the value", &found.value, &entry.value)?;
            // Of several tiers one may know it better.
            let is_better = further_tiers > 0 && found.meta.created_at() == Some(created);
            let wanted = if is_better { Some(created) } else { wanted };
            same(format!("the time {created:?}"), &found.meta.created_at(), &wanted)?;
            same("the lifetime", &found.meta.ttl(), &None)?;
        }
    }
    Ok(())
}

/// What an entry holds beside a value is kept, or refused as unsupported; never lost on the way.
pub(super) async fn nothing_is_lost_silently<T, S>(subject: Subject3<S, T>) -> Outcome
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + 'static,
{
    let ttl = Some(Duration::from_secs(90));
    let lively = Entry::new(Some(subject.value(1)), Meta::new(CREATED).with_ttl(ttl));
    let negative = Entry::new(None, Meta::new(CREATED));
    for (what, entry) in [("a lifetime of its own", lively), ("a negative entry", negative)] {
        for in_batch in [false, true] {
            match there_and_back(&subject.store, &entry, in_batch).await {
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => return Err(error.into()),
                Ok(found) => {
                    let found = found.map(|found| (found.value, found.meta.ttl()));
                    same(what, &found, &Some((entry.value.clone(), entry.meta.ttl())))?;
                }
            }
        }
    }
    Ok(())
}

pub(super) async fn entries_keep_their_lifetime<T, S>(subject: Subject3<S, T>) -> Outcome
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + EntryTtl + 'static,
{
    let lifetimes = [
        Duration::ZERO,
        Duration::from_micros(1),
        Duration::from_millis(127),
        Duration::from_millis(128),
        Duration::from_micros(1_500_001),
        Duration::from_secs(3600 * 24 * 365 * 10),
    ];
    for ttl in lifetimes {
        for value in [Some(subject.value(1)), None] {
            for in_batch in [false, true] {
                let entry = Entry::new(value.clone(), Meta::new(CREATED).with_ttl(Some(ttl)));
                let found = there_and_back(&subject.store, &entry, in_batch).await?;
                let found = found.ok_or_else(|| Broken::new("what was written is not there"))?;
                same("the value", &found.value, &value)?;
                let kept = found.meta.ttl();
                let good = kept.is_some_and(|kept| kept >= ttl && kept < ttl + TTL_STEP);
                ensure(good, || format!("a lifetime of {ttl:?} came back as {kept:?}"))?;
            }
        }
    }
    Ok(())
}

pub(super) async fn there_is_nothing_is_an_entry<T, S>(subject: Subject3<S, T>) -> Outcome
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + EntryTtl + 'static,
{
    let keys = ["known", "nothing", "missing"].map(Key::from);
    let known = Entry::new(Some(subject.value(1)), Meta::new(CREATED));
    let nothing = Entry::new(None, Meta::new(CREATED));
    let store = &subject.store;
    store
        .write_multi(&[Put::new(keys[0], &known, FOREVER), Put::new(keys[1], &nothing, FOREVER)])
        .await?;
    let wanted = [Some(Some(subject.value(1))), Some(None), None];
    let mut found = Vec::new();
    for entry in store.read_multi(&keys).await? {
        found.push(entry?.map(|entry| entry.value));
    }
    same("a value, nothing, and a miss, in a batch", &found, &wanted.to_vec())?;
    for (key, wanted) in keys.into_iter().zip(wanted) {
        holds(key, &store.read(key).await?.map(|entry| entry.value), &wanted)?;
    }
    // One takes the place of the other.
    for (entry, wanted) in [(&nothing, None), (&known, known.value.clone())] {
        store.write(keys[0], entry, FOREVER).await?;
        holds(keys[0], &store.read(keys[0]).await?.map(|entry| entry.value), &Some(wanted))?;
    }
    store.write(keys[0], &nothing, FOREVER).await?;
    store.remove(keys[0]).await?;
    holds(keys[0], &store.read(keys[0]).await?.map(|entry| entry.value), &None)
}
