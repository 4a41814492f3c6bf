//! One way to store the entries: writes all, looks at the memory, reads all.

use std::{
    error::Error,
    time::{Duration, Instant, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};
use larder::{Backend, Bytes, Key, Level, Precision, Put, Redis, Region, Store, WriteOpts};

use crate::{
    dataset::{Dataset, Keys, Pair, Part},
    dogpile::{self, Python},
    server::Server,
};

/// How long entries are fresh.
const FRESH: Duration = Duration::from_secs(3600);
/// How long an answer may take: longer than any.
const PATIENCE: Duration = Duration::from_secs(30);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What is to be done.
#[derive(Clone)]
pub(crate) struct Job<'a> {
    data: &'a Dataset,
    server: &'a Server,
    ttl: bool,
    bar: ProgressBar,
}

/// What a way to store the entries costs.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// After the last write, the empty server's taken away.
    pub(crate) bytes: i64,
    /// After everything was read, when the server has moved all keys to its last table.
    pub(crate) settled: i64,
    pub(crate) write: Duration,
    pub(crate) read: Duration,
}

impl<'a> Job<'a> {
    pub(crate) fn new(data: &'a Dataset, server: &'a Server, ttl: bool, what: &str) -> Self {
        // Drawn on stderr, and only if that is a terminal.
        let template = "{msg:<60} {wide_bar} {pos}/{len}";
        let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
        let bar = ProgressBar::new(2 * u64::from(data.entries())).with_style(style);
        Self { data, server, ttl, bar: bar.with_message(what.to_owned()) }
    }

    pub(crate) fn redis(&self) -> Outcome<Redis> {
        let builder = Redis::builder(self.server.url());
        Ok(builder.connect_timeout(PATIENCE).response_timeout(PATIENCE).build()?)
    }

    async fn measure(&self, work: impl AsyncFn(bool) -> Outcome) -> Outcome<Used> {
        let empty = self.server.used_memory()?;
        let start = Instant::now();
        work(true).await?;
        let write = start.elapsed();
        let bytes = self.server.used_memory()? - empty;
        let start = Instant::now();
        work(false).await?;
        let read = start.elapsed();
        let settled = self.server.used_memory()? - empty;
        self.bar.finish_and_clear();
        Ok(Used { bytes, settled, write, read })
    }

    /// Through regions over a store for each kind of value, which mostly are one and the same.
    pub(crate) async fn regions<N, A, B, C>(
        &self,
        keys: Keys,
        (numbers, pairs, texts): (A, B, C),
    ) -> Outcome<Used>
    where
        N: From<u32> + Clone + PartialEq + Send + Sync + 'static,
        A: Store<N>,
        B: Store<Pair>,
        C: Store<String>,
    {
        let numbers = (self.region(numbers)?, |_: Part, n| N::from(Part::number(n)));
        let (pairs, texts) = ((self.region(pairs)?, Part::pair), (self.region(texts)?, Part::text));
        let (numbers, pairs, texts) = (&numbers, &pairs, &texts);
        self.measure(async |writes| {
            for part in self.data.numbers {
                self.part(keys, part, numbers, writes).await?;
            }
            for part in self.data.pairs {
                self.part(keys, part, pairs, writes).await?;
            }
            for part in self.data.texts {
                self.part(keys, part, texts, writes).await?;
            }
            Ok(())
        })
        .await
    }

    fn region<S: Level>(&self, stack: S) -> Outcome<Region<S>> {
        let timeless = stack.capabilities().created_at == Precision::None;
        let builder = Region::builder(stack);
        let builder = match (self.ttl, timeless) {
            (true, _) => builder.expire_after(FRESH),
            (false, true) => builder,
            (false, false) => builder.expire_after(FRESH).keep_forever(),
        };
        Ok(builder.build()?)
    }

    async fn part<S, T>(
        &self,
        keys: Keys,
        part: Part,
        (region, value): &(Region<S>, impl Fn(Part, u32) -> T),
        writes: bool,
    ) -> Outcome
    where
        T: Clone + PartialEq + Send + Sync + 'static,
        S: Store<T>,
    {
        for batch in part.batches(keys) {
            self.bar.inc(batch.len() as u64);
            let values = batch.iter().map(|(_, number)| value(part, *number));
            let names = batch.iter().map(|(key, _)| key);
            if writes {
                region.set_multi(names.zip(values)).await?;
            } else {
                let wanted: Vec<_> = values.map(Some).collect();
                same(region.get_multi::<T>(names).await? == wanted)?;
            }
        }
        Ok(())
    }

    /// The bytes of dogpile.cache, without a region.
    pub(crate) async fn dogpile(&self, keys: Keys, backend: impl Backend) -> Outcome<Used> {
        let opts = WriteOpts::keep_for(self.ttl.then_some(2 * FRESH));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        // Always with as many digits as microseconds mostly have.
        let ct = format!("{}.123456", now.as_secs());
        let number = |_: Part, n| dogpile::entry(&ct, Python::Int(Part::number(n)));
        let pair = |part: Part, n| {
            let Pair { one, two } = part.pair(n);
            dogpile::entry(&ct, Python::Dict(one, &two))
        };
        let text = |part: Part, n| dogpile::entry(&ct, Python::Str(&part.text(n)));
        let whole = (&backend, opts, keys);
        self.measure(async |writes| {
            for part in self.data.numbers {
                self.bytes(whole, part, number, writes).await?;
            }
            for part in self.data.pairs {
                self.bytes(whole, part, pair, writes).await?;
            }
            for part in self.data.texts {
                self.bytes(whole, part, text, writes).await?;
            }
            Ok(())
        })
        .await
    }

    async fn bytes(
        &self,
        (backend, opts, keys): (&impl Backend, WriteOpts<'_>, Keys),
        part: Part,
        value: impl Fn(Part, u32) -> Vec<u8>,
        writes: bool,
    ) -> Outcome {
        for batch in part.batches(keys) {
            self.bar.inc(batch.len() as u64);
            let values = batch.iter().map(|(_, number)| Bytes::from(value(part, *number)));
            if writes {
                let puts = batch.iter().zip(values);
                let puts = puts.map(|((key, _), value)| Put::new(key.into(), value, opts));
                backend.set_multi(&puts.collect::<Vec<_>>()).await?;
                continue;
            }
            let keys: Vec<Key<'_>> = batch.iter().map(|(key, _)| key.into()).collect();
            for (found, value) in backend.get_multi(&keys).await?.into_iter().zip(values) {
                same(found? == Some(value))?;
            }
        }
        Ok(())
    }
}

fn same(is: bool) -> Outcome {
    if is { Ok(()) } else { Err("what was read is not what was written".into()) }
}
