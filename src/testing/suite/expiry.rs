//! Entries that go in time, by a clock that the checks move.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    basics::get_multi,
    report::{Outcome, ensure, same},
    subject::{Plain, Subject},
};
use crate::{Backend, Expires, Key, ManualClock, Put, WriteOpts};

const MINUTE: Duration = Duration::from_secs(60);
const ALMOST_A_MINUTE: Duration = Duration::from_secs(59);
const SECOND: Duration = Duration::from_secs(1);
const FOREVER: WriteOpts<'_> = WriteOpts::keep_for(None);
const FOR_A_MINUTE: WriteOpts<'_> = WriteOpts::keep_for(Some(MINUTE));

/// A backend and the clock it takes its time from.
pub(super) struct Timed<B> {
    pub(super) backend: Arc<Plain<B>>,
    pub(super) time: ManualClock,
}

impl<B: Backend + 'static> Timed<B> {
    async fn expect(&self, key: Key<'_>, number: Option<u64>, when: &str) -> Outcome {
        let wanted: Option<Bytes> = number.map(|number| self.backend.value(number));
        same(format!("{key}, {when}"), &self.backend.get(key).await?, &wanted)?;
        let agrees = self.backend.glance_agrees(key).await?;
        ensure(agrees, || format!("{key}, {when}: a glance sees something else"))?;
        let found = get_multi(&*self.backend, &[key]).await?;
        same(format!("{key}, {when}, in a batch"), &found, &vec![wanted])
    }

    /// Keys whose lifetime is kept to the letter; the one in a space may go early with its hash.
    fn keys(&self) -> Vec<Key<'static>> {
        let mut keys = vec![Key::from("expiring")];
        if self.backend.capabilities().expires == Expires::Always {
            keys.push(("expiring-space", "name").into());
        }
        keys
    }
}

pub(super) fn it_says_so<B: Backend + 'static>(timed: &Timed<B>) -> Outcome {
    let expires = timed.backend.capabilities().expires;
    ensure(expires != Expires::Never, || format!("its capabilities say {expires:?}"))
}

pub(super) async fn entries_live_as_long_as_said<B: Backend + 'static>(timed: Timed<B>) -> Outcome {
    let (backend, keys) = (&timed.backend, timed.keys());
    for in_batch in [false, true] {
        for key in &keys {
            let put = Put::new(*key, backend.value(1), FOR_A_MINUTE);
            if in_batch {
                backend.set_multi(&[put]).await?;
            } else {
                backend.set(put.key, put.value, put.opts).await?;
            }
        }
        timed.time.advance(ALMOST_A_MINUTE);
        for key in &keys {
            timed.expect(*key, Some(1), "a second before its end").await?;
        }
        timed.time.advance(2 * SECOND);
        for key in &keys {
            timed.expect(*key, None, "a second after its end").await?;
            backend.remove(*key).await?;
        }
    }
    Ok(())
}

pub(super) async fn the_last_write_sets_the_lifetime<B: Backend + 'static>(
    timed: Timed<B>,
) -> Outcome {
    let backend = &timed.backend;
    let [longer, shorter, forever] = ["longer", "shorter", "forever"].map(Key::from);
    let set = |key, number, opts| backend.set(key, backend.value(number), opts);
    for key in [longer, forever] {
        set(key, 1, FOR_A_MINUTE).await?;
    }
    set(shorter, 1, FOREVER).await?;
    timed.time.advance(MINUTE / 2);
    for (key, opts) in [(longer, FOR_A_MINUTE), (shorter, FOR_A_MINUTE), (forever, FOREVER)] {
        set(key, 2, opts).await?;
    }
    timed.time.advance(MINUTE / 2 + SECOND);
    for key in [longer, shorter, forever] {
        timed.expect(key, Some(2), "half a minute after a write for a minute").await?;
    }
    timed.time.advance(MINUTE / 2);
    for (key, number) in [(longer, None), (shorter, None), (forever, Some(2))] {
        timed.expect(key, number, "a minute after the last write").await?;
    }
    Ok(())
}

pub(super) async fn an_expired_key_starts_anew<B: Backend + 'static>(timed: Timed<B>) -> Outcome {
    let (backend, key) = (&timed.backend, Key::from("again"));
    for (number, opts) in [(2, FOREVER), (3, FOR_A_MINUTE)] {
        backend.set(key, backend.value(1), FOR_A_MINUTE).await?;
        timed.time.advance(2 * MINUTE);
        backend.set(key, backend.value(number), opts).await?;
        timed.expect(key, Some(number), "set again after its end").await?;
        timed.time.advance(2 * MINUTE);
        let kept = opts.keep_for.is_none().then_some(number);
        timed.expect(key, kept, "two minutes after it was set again").await?;
        backend.remove(key).await?;
    }
    Ok(())
}

pub(super) async fn each_of_a_batch_has_its_own<B: Backend + 'static>(timed: Timed<B>) -> Outcome {
    let backend = &timed.backend;
    let lifetimes = [None, Some(MINUTE), Some(3 * MINUTE), Some(5 * MINUTE), Some(Duration::MAX)];
    let keys = ["for ever", "one", "three", "five", "for good"].map(Key::from);
    let puts = (0..).zip(keys).zip(lifetimes);
    let puts: Vec<_> = puts
        .map(|((n, key), keep_for)| Put::new(key, backend.value(n), WriteOpts::keep_for(keep_for)))
        .collect();
    backend.set_multi(&puts).await?;
    for passed in [0, 2, 4, 6, 60 * 24 * 365 * 100] {
        let wanted = |put: &Put<'_, Bytes>| {
            let ends = put.opts.keep_for.is_some_and(|kept| kept < MINUTE * passed);
            (!ends).then(|| put.value.clone())
        };
        let wanted: Vec<_> = puts.iter().map(wanted).collect();
        timed.time.set(super::subject::CREATED.after(MINUTE * passed));
        let found = get_multi(&**backend, &keys).await?;
        same(format!("{keys:?} after {passed} minutes"), &found, &wanted)?;
    }
    Ok(())
}

pub(super) async fn a_clock_set_back_harms_nothing<B: Backend + 'static>(
    timed: Timed<B>,
) -> Outcome {
    let (backend, key) = (&timed.backend, Key::from("younger"));
    backend.set(key, backend.value(1), FOR_A_MINUTE).await?;
    for back in [Duration::from_secs(3600), Duration::from_secs(3600 * 24 * 365 * 60)] {
        let micros = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
        timed.time.set(crate::Timestamp::from_micros(super::subject::CREATED.as_micros() - micros));
        timed.expect(key, Some(1), "after the clock was set back").await?;
    }
    Ok(())
}
