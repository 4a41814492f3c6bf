//! The ways to store the entries.

use std::{error::Error, pin::Pin};

use larder::{Backend, BackendExt, Hstore, LayerExt, PayloadExt, Redis, Store};

use crate::{
    dataset::{
        Keys::{self, Plain, Tuples},
        Pair, Tight,
    },
    measure::{Job, Used},
};

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Used, Box<dyn Error>>> + 'a>>;
type Run = Box<dyn for<'a> Fn(Job<'a>) -> Answer<'a>>;

/// One way.
pub(crate) struct Row {
    pub(crate) label: &'static str,
    pub(crate) ttl: bool,
    pub(crate) run: Run,
}

impl Row {
    /// How exactly it is known when an entry was created.
    pub(crate) fn created(&self) -> Option<&'static str> {
        match self.label.split(['<', ',']).next() {
            Some("NoMeta") => None,
            Some("dogpile.cache" | "FullDict") => Some("us"),
            Some("Coarse") => Some("64 s"),
            _ => Some("s"),
        }
    }
}

/// The rows with all words of `only`, and always the first, which is what others are compared with.
pub(crate) fn rows(only: &str) -> Vec<Row> {
    let words: Vec<String> = only.split_whitespace().map(str::to_lowercase).collect();
    let mut rows = Rows::default();
    for ttl in [true, false] {
        rows.strings(ttl);
    }
    for ttl in [true, false] {
        rows.tuples(ttl);
    }
    for ttl in [true, false] {
        rows.buckets(ttl);
    }
    rows.smallest();
    let mut first = true;
    rows.0.retain(|row| {
        let label = row.label.to_lowercase() + if row.ttl { " ttl" } else { " forever" };
        std::mem::take(&mut first) || words.iter().all(|word| label.contains(word))
    });
    rows.0
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    #[rustfmt::skip]
    fn strings(&mut self, ttl: bool) {
        self.dogpile("dogpile.cache, pickle", ttl, Plain, |r| r);
        self.add("FullDict<Json<Redis>>", ttl, Plain, |r| r.json().full_dict());
        self.add("FullDict<Msgpack<Redis>>", ttl, Plain, |r| r.msgpack().full_dict());
        self.add("FullDict<Postcard<Redis>>", ttl, Plain, |r| r.postcard().full_dict());
        self.add("IntTime<Json<Redis>>", ttl, Plain, |r| r.json().int_time());
        self.add("IntTime<Msgpack<Redis>>", ttl, Plain, |r| r.msgpack().int_time());
        self.add("IntTime<Postcard<Redis>>", ttl, Plain, |r| r.postcard().int_time());
        self.add("Framed<Postcard<Redis>>", ttl, Plain, |r| r.postcard().framed());
        self.add("NoMeta<Json<Redis>>", ttl, Plain, |r| r.json().no_meta());
        self.add("NoMeta<Msgpack<Redis>>", ttl, Plain, |r| r.msgpack().no_meta());
        self.add("NoMeta<Postcard<Redis>>", ttl, Plain, |r| r.postcard().no_meta());
    }

    #[rustfmt::skip]
    fn tuples(&mut self, ttl: bool) {
        self.dogpile("dogpile.cache, pickle, tuples", ttl, Tuples, BackendExt::hstore);
        self.add("IntTime<Msgpack<Hstore<Redis>>>, tuples", ttl, Tuples, |r| r.hstore().msgpack().int_time());
        self.add("IntTime<Postcard<Hstore<Redis>>>, tuples", ttl, Tuples, |r| r.hstore().postcard().int_time());
        self.add("NoMeta<Json<Hstore<Redis>>>, tuples", ttl, Tuples, |r| r.hstore().json().no_meta());
        self.add("NoMeta<Msgpack<Hstore<Redis>>>, tuples", ttl, Tuples, |r| r.hstore().msgpack().no_meta());
        self.add("NoMeta<Postcard<Hstore<Redis>>>, tuples", ttl, Tuples, |r| r.hstore().postcard().no_meta());
    }

    #[rustfmt::skip]
    fn buckets(&mut self, ttl: bool) {
        self.add("IntTime<Msgpack<Bucketed<Hstore<Redis>, 100>>>", ttl, Plain, |r| r.hstore().bucketed::<100>().msgpack().int_time());
        self.add("IntTime<Postcard<Bucketed<Hstore<Redis>, 100>>>", ttl, Plain, |r| r.hstore().bucketed::<100>().postcard().int_time());
        self.add("IntTime<Postcard<Bucketed<Hstore<Redis>, 127>>>", ttl, Plain, |r| r.hstore().bucketed::<127>().postcard().int_time());
        self.add("IntTime<Postcard<Bucketed<Hstore<Redis>, 500>>>", ttl, Plain, |r| r.hstore().bucketed::<500>().postcard().int_time());
        self.add("Framed<Postcard<Bucketed<Hstore<Redis>, 127>>>", ttl, Plain, |r| r.hstore().bucketed::<127>().postcard().framed());
        self.add("Coarse<Postcard<Bucketed<Hstore<Redis>, 127>>>", ttl, Plain, |r| r.hstore().bucketed::<127>().postcard().coarse());
        self.add("NoMeta<Json<Bucketed<Hstore<Redis>, 127>>>", ttl, Plain, |r| r.hstore().bucketed::<127>().json().no_meta());
        self.add("NoMeta<Postcard<Bucketed<Hstore<Redis>, 100>>>", ttl, Plain, |r| r.hstore().bucketed::<100>().postcard().no_meta());
        self.add("NoMeta<Postcard<Bucketed<Hstore<Redis>, 127>>>", ttl, Plain, |r| r.hstore().bucketed::<127>().postcard().no_meta());
        self.add("NoMeta<Postcard<Bucketed<Hstore<Redis>, 500>>>", ttl, Plain, |r| r.hstore().bucketed::<500>().postcard().no_meta());
    }

    /// A codec for each kind of value: numbers as decimal text, which the server packs as numbers, and text
    /// as it is. By hand: numbers in three bytes.
    fn smallest(&mut self) {
        fn packed(redis: Redis) -> larder::Bucketed<Hstore<Redis>, 127> {
            redis.hstore().bucketed()
        }
        self.kinds::<u32, _, _, _>("NoMeta, a codec for each kind, Bucketed<_, 127>", |redis| {
            let of = packed(redis);
            (of.clone().json().no_meta(), of.clone().postcard().no_meta(), of.raw().no_meta())
        });
        self.tight("Framed, by hand, Bucketed<_, 127>", |redis| {
            let of = packed(redis);
            (of.clone().postcard().framed(), of.clone().postcard().framed(), of.raw().framed())
        });
        self.tight("Coarse, by hand, Bucketed<_, 127>", |redis| {
            let of = packed(redis);
            let (numbers, texts) = (of.clone().postcard(), of.clone().raw());
            (numbers.coarse(), of.postcard().coarse(), texts.coarse())
        });
        self.tight("NoMeta, by hand, Bucketed<_, 127>", |redis| {
            let of = packed(redis);
            (of.clone().postcard().no_meta(), of.clone().postcard().no_meta(), of.raw().no_meta())
        });
    }

    fn dogpile<B: Backend + 'static>(
        &mut self,
        label: &'static str,
        ttl: bool,
        keys: Keys,
        make: fn(Redis) -> B,
    ) {
        let run: Run = Box::new(move |job| {
            Box::pin(async move {
                let backend = make(job.redis()?);
                job.dogpile(keys, backend).await
            })
        });
        self.0.push(Row { label, ttl, run });
    }

    /// One stack for all.
    fn add<S>(&mut self, label: &'static str, ttl: bool, keys: Keys, make: fn(Redis) -> S)
    where
        S: Store<u32> + Store<Pair> + Store<String> + 'static,
    {
        let run: Run = Box::new(move |job| {
            Box::pin(async move {
                let redis = job.redis()?;
                let stacks = (make(redis.clone()), make(redis.clone()), make(redis));
                job.regions::<u32, _, _, _>(keys, stacks).await
            })
        });
        self.0.push(Row { label, ttl, run });
    }

    fn tight<A, B, C>(&mut self, label: &'static str, make: fn(Redis) -> (A, B, C))
    where
        A: Store<Tight> + 'static,
        B: Store<Pair> + 'static,
        C: Store<String> + 'static,
    {
        self.kinds::<Tight, _, _, _>(label, make);
    }

    /// A stack for each kind of value, with numbers as `N`.
    fn kinds<N, A, B, C>(&mut self, label: &'static str, make: fn(Redis) -> (A, B, C))
    where
        N: From<u32> + Clone + PartialEq + Send + Sync + 'static,
        A: Store<N> + 'static,
        B: Store<Pair> + 'static,
        C: Store<String> + 'static,
    {
        let run: Run = Box::new(move |job| {
            Box::pin(async move {
                let stacks = make(job.redis()?);
                job.regions::<N, _, _, _>(Plain, stacks).await
            })
        });
        self.0.push(Row { label, ttl: false, run });
    }
}
