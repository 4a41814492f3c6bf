//! Where the shop keeps things: the cache, as types.

use std::{path::Path, time::Duration};

use larder::{
    BackendExt, Either, File, Framed, Label, LayerExt, Memo, Metered, PayloadExt, Postcard,
    Prefixed, Recorded, Redis, Region, RequestScoped, Result, Store, Tiered,
};
use serde::{Serialize, de::DeserializeOwned};

/// Typed values in memory, before bytes in a file or in Redis.
type OverFile<T> = Tiered<Memo<T>, Framed<Postcard<File>>>;
type OverRedis<T> = Tiered<Memo<T>, Framed<Postcard<Redis>>, Redis>;

/// The same, and seen: as a whole, and each of its tiers.
type SeenOverFile<T> = Tiered<Recorded<Memo<T>>, Framed<Postcard<Recorded<File>>>>;
type SeenOverRedis<T> = Tiered<Recorded<Memo<T>>, Framed<Postcard<Recorded<Redis>>>, Redis>;

/// What a page asks for twice, it gets from its request.
type Bare<T> = RequestScoped<Prefixed<Either<OverFile<T>, OverRedis<T>>>>;
type Seen<T> =
    RequestScoped<Recorded<Metered<Prefixed<Either<SeenOverFile<T>, SeenOverRedis<T>>>>>>;

/// The stack of the shop. A program would have one of the two; this one compares them.
pub(crate) type Stack<T> = Either<Seen<T>, Bare<T>>;

/// How a region is made.
pub(crate) struct Stacks<'a> {
    pub file: &'a Path,
    pub redis: Option<&'a str>,
    /// Without being recorded and counted.
    pub bare: bool,
}

impl Stacks<'_> {
    /// A region of values that are fresh for `minutes`.
    pub(crate) fn region<T>(&self, name: &'static str, minutes: u64) -> Result<Region<Stack<T>>>
    where
        T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    {
        let fresh = Duration::from_secs(60 * minutes);
        Region::builder(self.stack(name)?).expire_after(fresh).negative_ttl(fresh).build()
    }

    fn stack<T>(&self, name: &'static str) -> Result<Stack<T>>
    where
        T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
        Memo<T>: Store<T>,
    {
        let memo = || Memo::with_capacity(50_000);
        // All regions share one file, or one Redis.
        let prefix = format!("{name}:");
        let far = match self.redis {
            // Redis tells what other processes change under this prefix.
            Some(url) => Either::Second(Redis::builder(url).tracking(prefix.as_str()).build()?),
            None => Either::First(File::open(self.file)?),
        };
        if self.bare {
            let stack = match far {
                Either::First(file) => Either::First(file.postcard().framed().behind(memo())),
                Either::Second(redis) => {
                    let bytes = redis.clone().postcard().framed();
                    Either::Second(bytes.behind(memo()).coherent(redis)?)
                }
            };
            return Ok(Either::Second(stack.prefixed(prefix).request_scoped()));
        }
        let memory = || memo().recorded(Label::new(name).tier("memory"));
        let stack = match far {
            Either::First(file) => {
                let bytes = file.recorded(Label::new(name).tier("file")).postcard().framed();
                Either::First(bytes.behind(memory()))
            }
            Either::Second(redis) => {
                let bytes =
                    redis.clone().recorded(Label::new(name).tier("redis")).postcard().framed();
                Either::Second(bytes.behind(memory()).coherent(redis)?)
            }
        };
        Ok(Either::First(stack.prefixed(prefix).metered(name).recorded(name).request_scoped()))
    }
}
