use std::time::Duration;

use super::{
    Invalidator, Marks, OnTimeout, Region, SharedMarks,
    lifetimes::{Keep, Lifetimes},
    policy::Policy,
};
use crate::{
    Backend, Clock, FromConfig, Level, Lock, Result,
    config::{About, FromValue, Setting, Table, Value, type_name},
};

const EXPIRATION_TIME: Setting<Expires> =
    Setting::new("expiration_time", "The logical lifetime: from then on a value is stale.")
        .also(&["expire_after"])
        .or("never");
const KEEP_FOR: Setting<Option<Kept>> = Setting::new(
    "keep_for",
    "The physical lifetime: from then on the store drops a value. Without it twice `expiration_time`.",
)
.also(&["redis_expiration_time", "memcached_expire_time"]);
const WAIT_TIMEOUT: Setting<Duration> =
    Setting::new("wait_timeout", "The longest time a caller waits for another one.").or("30s");
const ON_TIMEOUT: Setting<OnTimeout> =
    Setting::new("on_timeout", "What a caller does that has waited for so long.").or("fail");
const STALE_ON_ERROR: Setting<bool> = Setting::new(
    "stale_on_error",
    "Whether a stale value is served when no new one can be created.",
)
.or("true");
const NEGATIVE_TTL: Setting<Option<Duration>> = Setting::new(
    "negative_ttl",
    "For how long it is known that there is nothing; for stacks that keep negative entries.",
);
const STRICT: Setting<bool> =
    Setting::new("strict", "Whether failures of the store are reported and not done without.")
        .or("false");
const MARKS_NAME: Setting<Option<String>> = Setting::new(
    "marks_name",
    "What the marks of `invalidate` are called: the same for regions that share entries. Without it \
     the name of the region.",
)
.expects("text such as `users`");
const MARKS_INTERVAL: Setting<Duration> =
    Setting::new("marks_interval", "How long an invalidation by another process may go unnoticed.")
        .or("100ms");

/// The logical lifetime, if there is one.
struct Expires(Option<Duration>);

impl FromValue for Expires {
    const EXPECTED: &'static str = "a time such as `5m`, `1h 30m` or `300` (seconds), or `never`";

    fn from_value(value: &Value) -> Option<Self> {
        or_word(value, "never", Self)
    }
}

/// The physical lifetime, if there is one.
struct Kept(Option<Duration>);

impl FromValue for Kept {
    const EXPECTED: &'static str =
        "a time such as `10m`, `1h 30m` or `600` (seconds), or `forever`";

    fn from_value(value: &Value) -> Option<Self> {
        or_word(value, "forever", Self)
    }
}

/// A time, or the word for none.
fn or_word<V>(value: &Value, word: &str, make: fn(Option<Duration>) -> V) -> Option<V> {
    if value.as_text() == Some(word) {
        return Some(make(None));
    }
    Duration::from_value(value).map(|time| make(Some(time)))
}

impl FromValue for OnTimeout {
    const EXPECTED: &'static str = "`fail`, `create` or `stale`";

    fn from_value(value: &Value) -> Option<Self> {
        match value.as_text()? {
            "fail" => Some(Self::Fail),
            "create" => Some(Self::Create),
            "stale" => Some(Self::Stale),
            _ => None,
        }
    }
}

impl<S, L, I> Region<S, L, I>
where
    S: Level + FromConfig,
    L: Lock + FromConfig,
    I: Invalidator + FromConfig,
{
    /// The region that `table` describes; see [`config`](crate::config).
    ///
    /// Opens the file of a [`File`](crate::File) backend, which blocks; connects to nothing.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config), when anything in the table is unknown, missing, doubled or
    /// not what is expected, all of it in one error, or when the policy makes no sense
    /// ([`build`](crate::RegionBuilder::build)); and the errors of the levels.
    pub fn from_config(table: &Table<'_>) -> Result<Self> {
        table.check::<Self>()?;
        Self::built(table).map_err(|error| table.blame(error))
    }

    fn built(table: &Table<'_>) -> Result<Self> {
        let stack = S::from_config(table)?;
        let policy = Policy {
            lifetimes: Lifetimes::new(
                table.get(&EXPIRATION_TIME)?.0,
                match table.get(&KEEP_FOR)? {
                    None => Keep::Twice,
                    Some(Kept(None)) => Keep::Forever,
                    Some(Kept(Some(keep_for))) => Keep::For(keep_for),
                },
            ),
            wait_timeout: table.get(&WAIT_TIMEOUT)?,
            on_timeout: table.get(&ON_TIMEOUT)?,
            stale_on_error: table.get(&STALE_ON_ERROR)?,
            negative_ttl: table.get(&NEGATIVE_TTL)?,
            strict: table.get(&STRICT)?,
        };
        let capabilities = stack.capabilities();
        // The builder asks the compiler for `S: EntryTtl`.
        if policy.negative_ttl.is_some() && !capabilities.entry_ttl {
            let stack = type_name::<S>();
            return Err(table.refuse(
                &NEGATIVE_TTL,
                format_args!(
                    "`{stack}` keeps no negative entries; use the format `Framed`, or `Memo`"
                ),
            ));
        }
        let policy = policy.agree(&stack)?;
        let (lock, marks) = (L::from_config(table)?, I::from_config(table)?);
        Ok(Self::from_parts(stack, lock, marks, policy, Clock::default()))
    }
}

impl<S, L, I> FromConfig for Region<S, L, I>
where
    S: Level + FromConfig,
    L: Lock + FromConfig,
    I: Invalidator + FromConfig,
{
    fn describe(about: &mut About) {
        about.setting(&EXPIRATION_TIME);
        about.setting(&KEEP_FOR);
        about.setting(&WAIT_TIMEOUT);
        about.setting(&ON_TIMEOUT);
        about.setting(&STALE_ON_ERROR);
        about.setting(&NEGATIVE_TTL);
        about.setting(&STRICT);
        S::describe(about);
        L::describe(about);
        I::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        Self::from_config(table)
    }
}

impl FromConfig for Marks {
    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}

impl<B: Backend + FromConfig> FromConfig for SharedMarks<B> {
    fn describe(about: &mut About) {
        about.setting(&MARKS_NAME);
        about.setting(&MARKS_INTERVAL);
        about.part::<B>();
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let name = table.get(&MARKS_NAME)?;
        let marks = Self::new(B::from_config(table)?, name.as_deref().unwrap_or(table.name()));
        Ok(marks.interval(table.get(&MARKS_INTERVAL)?))
    }
}
