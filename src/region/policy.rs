use std::time::Duration;

use super::options::OnTimeout;
use crate::{Capabilities, Error, ErrorKind, Expires, Precision, Result, WriteOpts};

/// How long a caller waits for another one unless told otherwise.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The rules of a region, checked against what its stack can keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// Logical lifetime.
    pub(super) expire_after: Option<Duration>,
    /// Physical lifetime.
    pub(super) keep: Keep,
    /// The longest wait for another caller's creation.
    pub(super) wait_timeout: Duration,
    /// What comes after it.
    pub(super) on_timeout: OnTimeout,
    /// Whether a stale value stands in for one that cannot be created.
    pub(super) stale_on_error: bool,
    /// Logical lifetime of negative entries, which are kept only where one is set or asked for.
    pub(super) negative_ttl: Option<Duration>,
    /// Whether failures of the store reach callers of `get_or_create`.
    pub(super) strict: bool,
}

/// The physical lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Twice the logical one, so that there is something stale to serve.
    Twice,
    /// The same as the logical one: for formats that know no time.
    Same,
    Forever,
    For(Duration),
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expire_after: None,
            keep: Keep::Twice,
            wait_timeout: WAIT_TIMEOUT,
            on_timeout: OnTimeout::Fail,
            stale_on_error: true,
            negative_ttl: None,
            strict: false,
        }
    }
}

impl Policy {
    /// How to write an entry with (or without) a lifetime of its own, for a call that judges by
    /// `expire_after`.
    pub(super) fn write_opts(
        &self,
        ttl: Option<Duration>,
        expire_after: Option<Duration>,
    ) -> WriteOpts<'static> {
        // As long as this call or the others need it.
        let logical = ttl.or_else(|| match (self.keep, self.expire_after, expire_after) {
            (Keep::Same, _, expire_after) => expire_after,
            (_, Some(region), Some(call)) => Some(region.max(call)),
            _ => None,
        });
        WriteOpts::keep_for(match self.keep {
            Keep::Twice => logical.map(|logical| logical.saturating_mul(2)),
            Keep::Same => logical,
            Keep::Forever => None,
            Keep::For(keep_for) => Some(keep_for.max(ttl.unwrap_or_default())),
        })
    }

    /// Refuses what makes no sense, or what the stack cannot keep.
    pub(super) fn check(mut self, stack: Capabilities) -> Result<Self> {
        if self.expire_after.is_some_and(|d| d.is_zero()) {
            return refuse("`expire_after` is zero: nothing would ever be fresh");
        }
        if self.keep == Keep::For(Duration::ZERO) {
            return refuse("`keep_for` is zero: nothing would ever be kept");
        }
        if self.wait_timeout.is_zero() {
            return refuse("`wait_timeout` is zero: nobody could ever wait for another caller");
        }
        if self.negative_ttl.is_some_and(|d| d.is_zero()) {
            return refuse("`negative_ttl` is zero: leave it away to keep no negative entries");
        }
        if let (Some(expire_after), Keep::For(keep_for)) = (self.expire_after, self.keep)
            && keep_for < expire_after
        {
            return refuse(format!(
                "`keep_for` ({keep_for:?}) is shorter than `expire_after` ({expire_after:?}): \
                 the store would drop entries that are still fresh"
            ));
        }
        if matches!(self.keep, Keep::For(_)) && stack.expires == Expires::Never {
            return refuse("`keep_for` is set, but this store never drops entries by itself");
        }
        match (stack.created_at, self.expire_after) {
            (Precision::Seconds, Some(expire_after)) if expire_after < Duration::from_secs(1) => {
                return refuse(format!(
                    "`expire_after` is {expire_after:?}, but this format keeps whole seconds: \
                     use at least 1 s, or a format with a finer time (`FullDict`)"
                ));
            }
            (Precision::None, Some(expire_after)) => self.keep_exactly(expire_after, stack)?,
            _ => {}
        }
        Ok(self)
    }

    /// Without a time of creation the store's TTL is the only lifetime there is.
    fn keep_exactly(&mut self, expire_after: Duration, stack: Capabilities) -> Result<()> {
        if stack.expires != Expires::Always {
            return Err(config(
                "this format keeps no time, so `expire_after` has to become the store's TTL, but \
                 this store does not drop every entry on time: use a format with a time \
                 (`IntTime`), or `Hstore` with `OnCreate`",
            ));
        }
        match self.keep {
            Keep::Twice | Keep::Same => {}
            Keep::For(keep_for) if keep_for == expire_after => {}
            Keep::For(_) | Keep::Forever => {
                return Err(config(
                    "this format keeps no time, so entries have one lifetime only: set \
                     `expire_after` or `keep_for`, not both",
                ));
            }
        }
        self.keep = Keep::Same;
        Ok(())
    }
}

fn refuse<T>(message: impl Into<std::borrow::Cow<'static, str>>) -> Result<T> {
    Err(config(message))
}

fn config(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, "region").with_message(message)
}
