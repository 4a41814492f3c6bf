//! Every promise of the suites for stores of entries is missed by somebody.

use larder::{
    Batch, Capabilities, Entry, EntryTtl, Key, Level, Memo, Meta, Precision, Put, Result, Store,
    Timestamp, WriteOpts, testing,
};

use crate::broken::{assert_named, verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lapse {
    RoundsDown,
    RoundsUp,
    KeepsNoTime,
    LosesLifetimes,
    RoundsLifetimesDown,
    NothingIsAMiss,
    NothingIsZero,
    SwapsBatches,
}

/// A `Memo` that writes something else.
struct Altered {
    memo: Memo<u64>,
    lapse: Lapse,
}

impl Altered {
    fn new(lapse: Lapse) -> Self {
        Self { memo: Memo::new(), lapse }
    }

    fn alter(&self, entry: &Entry<Option<u64>>) -> Entry<Option<u64>> {
        let (created, ttl) = (entry.meta.created_at().unwrap(), entry.meta.ttl());
        let second = |up| Timestamp::from_secs(created.as_secs() + up);
        let mut altered = entry.clone();
        altered.meta = match self.lapse {
            Lapse::RoundsDown => Meta::new(second(0)).with_ttl(ttl),
            Lapse::RoundsUp => Meta::new(second(1)).with_ttl(ttl),
            Lapse::KeepsNoTime => Meta::none().with_ttl(ttl),
            Lapse::LosesLifetimes => Meta::new(created),
            Lapse::RoundsLifetimesDown => {
                let millis = |ttl: std::time::Duration| u64::try_from(ttl.as_millis()).unwrap();
                let ttl = ttl.map(|ttl| std::time::Duration::from_millis(millis(ttl)));
                Meta::new(created).with_ttl(ttl)
            }
            _ => entry.meta,
        };
        if self.lapse == Lapse::NothingIsZero {
            altered.value = altered.value.or(Some(0));
        }
        altered
    }
}

impl Level for Altered {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.memo.remove(key).await
    }

    fn capabilities(&self) -> Capabilities {
        match self.lapse {
            Lapse::RoundsUp => self.memo.capabilities().with_created_at(Precision::Seconds),
            _ => self.memo.capabilities(),
        }
    }
}

impl Store<u64> for Altered {
    async fn read(&self, key: Key<'_>) -> Result<Option<Entry<Option<u64>>>> {
        let found = self.memo.read(key).await?;
        let lost =
            |e: &Entry<Option<u64>>| self.lapse == Lapse::NothingIsAMiss && e.value.is_none();
        Ok(found.filter(|entry| !lost(entry)))
    }

    async fn write(
        &self,
        key: Key<'_>,
        entry: &Entry<Option<u64>>,
        opts: WriteOpts<'_>,
    ) -> Result<()> {
        self.memo.write(key, &self.alter(entry), opts).await
    }

    async fn read_multi(&self, keys: &[Key<'_>]) -> Result<Batch<Entry<Option<u64>>>> {
        let mut found = Vec::new();
        for key in keys {
            found.push(self.read(*key).await);
        }
        if self.lapse == Lapse::SwapsBatches {
            found.reverse();
        }
        Ok(found)
    }

    async fn write_multi(&self, puts: &[Put<'_, &Entry<Option<u64>>>]) -> Result<()> {
        for put in puts {
            self.write(put.key, put.value, put.opts).await?;
        }
        Ok(())
    }
}

impl EntryTtl for Altered {}

#[test]
fn every_promise_of_a_store_can_be_broken() {
    let precise = "the time of creation is as precise as it says, never later";
    let lost = "what cannot be kept is refused as unsupported";
    for (lapse, promise) in [
        (Lapse::RoundsDown, precise),
        (Lapse::RoundsUp, precise),
        (Lapse::KeepsNoTime, precise),
        (Lapse::LosesLifetimes, lost),
        (Lapse::NothingIsAMiss, lost),
        (Lapse::NothingIsZero, lost),
        (Lapse::SwapsBatches, "a batch is answered in the order of its keys, duplicates included"),
    ] {
        let make = || async move { Altered::new(lapse) };
        assert_named(lapse, &verdict(testing::store_suite(make, |number| number)), promise);
    }
}

#[test]
fn every_promise_about_lifetimes_of_entries_can_be_broken() {
    let lifetime = "an entry keeps its own lifetime, to the millisecond";
    let nothing = "that there is nothing is no miss";
    for (lapse, promise) in [
        (Lapse::LosesLifetimes, lifetime),
        (Lapse::RoundsLifetimesDown, lifetime),
        (Lapse::NothingIsAMiss, nothing),
        (Lapse::NothingIsZero, nothing),
        (Lapse::SwapsBatches, nothing),
    ] {
        let make = || async move { Altered::new(lapse) };
        assert_named(lapse, &verdict(testing::entry_ttl_suite(make, |number| number)), promise);
    }
}
