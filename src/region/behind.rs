//! Refreshing in the background: everyone gets the stale value, and a task makes the new one.

use std::future::Future;

use tokio::runtime::Handle;
use tracing::{Instrument, Span, info_span};

use super::{
    Region,
    create::{Asked, Wants},
    created::Created,
    flight::{Join, Seat, deadline},
    read::{Answer, Left},
};
use crate::{Error, ErrorKind, Failure, Invalidator, Lock, Result, Store, runtime};

impl<S, L: Lock, I: Invalidator> Region<S, L, I> {
    pub(super) async fn create_behind<T, E, Fut>(
        &self,
        asked: Asked<'_>,
        found: Answer<T>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<Option<T>, Failure<E>>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let found = self.first_sight(asked.key, found).await;
        let left = self.left(asked.key, Wants::Value, found).await;
        match self.answered(&[asked.key], true, left)? {
            Left::Fresh(value) => {
                self.tell_fresh(1);
                Ok(value)
            }
            Left::Missing => {
                let create = async || create().await.map(Created::new);
                self.create_boxed(asked, Ok(None), create).await
            }
            Left::Stale(value) => {
                let create = || {
                    let created = create();
                    async { created.await.map(Created::new) }
                };
                self.refresh_behind(asked, value.clone(), create)?;
                self.tell_stale(asked.key, true);
                Ok(value)
            }
        }
    }

    /// Makes a new value in a task of its own, unless somebody is at it. The seat is taken at once, so
    /// that of many callers one has a task.
    pub(super) fn refresh_behind<T, E, Fut>(
        &self,
        asked: Asked<'_>,
        value: Option<T>,
        create: impl FnOnce() -> Fut + Send + 'static,
    ) -> Result<()>
    where
        S: Store<T> + 'static,
        T: Clone + Send + Sync + 'static,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Created<T>, E>> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Config, "region")
                .with_key(asked.key)
                .with_message("a refresh in the background needs a tokio runtime")
                .with_source(error)
        })?;
        let Seat::Lead(lead) = self.seat(asked.key, Join::Pass, asked.crew) else { return Ok(()) };
        let (region, key) = (self.clone(), asked.key.to_buf());
        let Asked { crew, seen, wants, blocks, .. } = asked;
        let copy = self.inner.tiered;
        let refresh = async move {
            let key = key.as_key();
            let (forced, behind) = (false, true);
            let waits_since = None;
            let asked = Asked { key, wants, crew, seen, forced, behind, blocks, copy, waits_since };
            let until = deadline(region.call.wait_timeout);
            // Whatever becomes of it is told by the region's statistics.
            let _ = region.lead(asked, lead, Left::Stale(value), until, create).await;
        };
        // Not a child of the caller's span, which would not end before the refresh does.
        let span = info_span!(target: "larder::create", parent: None, "refresh", key = %asked.key);
        span.follows_from(Span::current());
        let refresh = refresh.instrument(span);
        if blocks {
            runtime.spawn_blocking(|| runtime::run(true, refresh));
        } else {
            runtime.spawn(refresh);
        }
        Ok(())
    }
}
