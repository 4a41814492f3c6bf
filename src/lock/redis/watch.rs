//! Waiting until a lock may be free.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{Pipeline, RedisWrite, Value};
use tokio::time::{Instant, timeout};

use crate::{
    Error, Result, Seen,
    backend::redis::{Redis, Waits, Wire, command, refusal},
};

/// How often a wait looks where the server does not push.
const WITHOUT_PUSH: Duration = Duration::from_millis(50);
/// How long a server that refused to push is not asked again.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// How much later than the server said a wait expects the end of a lease.
const AFTER_THE_END: Duration = Duration::from_millis(2);

/// Looks at locks over a connection of its own, so that the server says when one changes.
pub(super) struct Watch<W> {
    redis: Redis<W>,
    /// The same server over a connection that tracks, made by the first wait.
    pushing: Redis<W>,
    waits: Arc<Waits>,
    poll: Duration,
    refused: Mutex<Option<Instant>>,
}

/// A lock that is not free.
struct Held {
    token: Vec<u8>,
    /// How long it lasts, where it has an end.
    lasts: Option<Duration>,
}

impl<W: Wire> Watch<W> {
    pub(super) fn new(redis: &Redis<W>, poll: Duration) -> Self {
        let waits = Arc::new(Waits::default());
        let pushing = redis.tracking(Arc::clone(&waits));
        Self { redis: redis.clone(), pushing, waits, poll, refused: Mutex::default() }
    }

    /// For how many locks there are waits.
    pub(super) fn waiting(&self) -> usize {
        self.waits.len()
    }

    /// Waits until the lock `name` is free, has another owner than was seen before, or has changed.
    pub(super) async fn released(&self, name: &[u8], seen: &mut Seen) -> Result<()> {
        let wait = self.waits.register(name);
        loop {
            // From before the look, so that no change falls between the two.
            let changed = wait.changed();
            let (held, poll) = self.look(name).await?;
            // What was said until now, as about an earlier look, says nothing new.
            let said = wait.said();
            let Some(Held { token, lasts }) = held else {
                seen.free();
                return Ok(());
            };
            if seen.owner(&token) {
                return Ok(());
            }
            let end = lasts.map_or(poll, |lasts| lasts.saturating_add(AFTER_THE_END));
            let _ = timeout(end.min(poll), changed).await;
            // The caller looks for the value first, which is one round trip sooner than looking at
            // the lock again. A mere renewal costs it that look.
            if wait.said() != said {
                return Ok(());
            }
        }
    }

    /// Who holds the lock `name`, and how soon to look again although nothing is heard.
    async fn look(&self, name: &[u8]) -> Result<(Option<Held>, Duration)> {
        let mut get = command("GET", 1, name.len());
        get.write_arg(name);
        let mut pttl = command("PTTL", 1, name.len());
        pttl.write_arg(name);
        let mut look = Pipeline::with_capacity(2);
        look.add_command(get).add_command(pttl);
        let mut refusal = None;
        if self.may_push() {
            match self.pushing.wire.send_all(&look).await {
                Ok(answers) => return Ok((held(&self.pushing, answers)?, self.poll)),
                Err(error) => refusal = Some(error),
            }
        }
        let answers = self.redis.wire.send_all(&look).await?;
        // Not before: what refuses everything says nothing about pushes.
        if let Some(error) = refusal.filter(|error| !error.is_transient()) {
            self.note(&error);
        }
        Ok((held(&self.redis, answers)?, self.poll.min(WITHOUT_PUSH)))
    }

    fn may_push(&self) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_none_or(|refused| refused.elapsed() > REFUSED_FOR)
    }

    /// Remembers for a while that the server refuses to push. Not so a connection that cannot be made:
    /// it may come up a moment later, and its link sees to it that this is not tried too often.
    #[cold]
    fn note(&self, error: &Error) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.replace(Instant::now()).is_none() {
            tracing::warn!(
                %error,
                "larder: the server does not push, so locks are polled every {WITHOUT_PUSH:?}"
            );
        }
    }
}

/// Who holds a lock, from the answers of `redis` to `GET` and `PTTL`.
fn held<W: Wire>(redis: &Redis<W>, answers: Vec<Result<Value>>) -> Result<Option<Held>> {
    let refused = |answer: Option<_>| redis.refused(answer.unwrap_or(Value::Nil), refusal);
    let mut answers = answers.into_iter();
    let token = match answers.next().transpose()? {
        Some(Value::BulkString(token)) => token,
        Some(Value::Nil) => return Ok(None),
        other => return Err(refused(other)),
    };
    let lasts = match answers.next().transpose()? {
        Some(Value::Int(-1)) => None,
        // Negative, when it ended between the two.
        Some(Value::Int(ms)) => Some(Duration::from_millis(ms.try_into().unwrap_or(0))),
        other => return Err(refused(other)),
    };
    Ok(Some(Held { token, lasts }))
}
