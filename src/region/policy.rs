use std::time::Duration;

use super::{
    lifetimes::{Keep, Lifetimes},
    options::OnTimeout,
};
use crate::{Capabilities, Error, ErrorKind, Expires, Level, Precision, Result};

/// How long a caller waits for another one unless told otherwise.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The rules of a region, checked against what its stack can keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) lifetimes: Lifetimes,
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

impl Default for Policy {
    fn default() -> Self {
        Self {
            lifetimes: Lifetimes::default(),
            wait_timeout: WAIT_TIMEOUT,
            on_timeout: OnTimeout::Fail,
            stale_on_error: true,
            negative_ttl: None,
            strict: false,
        }
    }
}

impl Policy {
    /// Refuses what makes no sense, or what the stack cannot keep; tells the stack the rest.
    pub(super) fn agree(self, stack: &impl Level) -> Result<Self> {
        let policy = self.check(stack.capabilities())?;
        stack.adopt(&policy.lifetimes)?;
        Ok(policy)
    }

    fn check(mut self, stack: Capabilities) -> Result<Self> {
        let Lifetimes { expire_after, keep, .. } = self.lifetimes;
        if expire_after.is_some_and(|d| d.is_zero()) {
            return refuse("`expire_after` is zero: nothing would ever be fresh");
        }
        if keep == Keep::For(Duration::ZERO) {
            return refuse("`keep_for` is zero: nothing would ever be kept");
        }
        if self.wait_timeout.is_zero() {
            return refuse("`wait_timeout` is zero: nobody could ever wait for another caller");
        }
        if self.negative_ttl.is_some_and(|d| d.is_zero()) {
            return refuse("`negative_ttl` is zero: leave it away to keep no negative entries");
        }
        if let (Some(expire_after), Keep::For(keep_for)) = (expire_after, keep)
            && keep_for < expire_after
        {
            return refuse(format!(
                "`keep_for` ({keep_for:?}) is shorter than `expire_after` ({expire_after:?}): \
                 the store would drop entries that are still fresh"
            ));
        }
        if matches!(keep, Keep::For(_)) && stack.expires == Expires::Never {
            return refuse("`keep_for` is set, but this store never drops entries by itself");
        }
        match (stack.created_at.step(), expire_after) {
            (Some(step), Some(expire_after)) if expire_after < step => {
                let kept = match stack.created_at {
                    Precision::Seconds => "whole seconds".to_owned(),
                    _ => format!("steps of {step:?}"),
                };
                return refuse(format!(
                    "`expire_after` is {expire_after:?}, but this format keeps {kept}: \
                     use at least {} s, or a format with a finer time (`FullDict`)",
                    step.as_secs().max(1)
                ));
            }
            (None, Some(expire_after)) => self.keep_exactly(expire_after, stack)?,
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
        match self.lifetimes.keep {
            Keep::Twice | Keep::Same => {}
            Keep::For(keep_for) if keep_for == expire_after => {}
            Keep::For(_) | Keep::Forever => {
                return Err(config(
                    "this format keeps no time, so entries have one lifetime only: set \
                     `expire_after` or `keep_for`, not both",
                ));
            }
        }
        self.lifetimes.keep = Keep::Same;
        Ok(())
    }
}

fn refuse<T>(message: impl Into<std::borrow::Cow<'static, str>>) -> Result<T> {
    Err(config(message))
}

fn config(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, "region").with_message(message)
}
