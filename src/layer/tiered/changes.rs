//! How the first tier of one process hears of what others write.

use std::{
    future::{Future, ready},
    sync::{Arc, Weak},
};

use crate::{Key, Result};

/// Tells the first tier of a [`Tiered`](crate::Tiered) which keys were changed by others.
///
/// Laws: a change made by another process is told to every holder of copies after it took place, at the
/// latest when the next answer of the store comes over the same connection; and where changes may have
/// been missed, all copies are told to go ([`Copies::all_changed`]) before the store answers again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which keys changed",
    label = "expected `Redis` with `tracking`, a `RedisChannel`, or `Alone`"
)]
pub trait Changes: Send + Sync {
    /// Whether nothing is ever told.
    const ALONE: bool = false;

    /// Tells `copies` from now on.
    ///
    /// # Errors
    ///
    /// [`Config`](crate::ErrorKind::Config), when it was not set up to tell anything.
    fn follow(&self, copies: Weak<dyn Copies>) -> Result<()>;

    /// The name by which changes of `key` are told. `hashes` says that a key in a space is a field of a
    /// hash, whose fields change together.
    fn name(&self, key: Key<'_>, hashes: bool) -> Name;

    /// Whether changes are heard at this moment, or were and will be again. No copy is made before that.
    fn hears(&self) -> bool {
        true
    }

    /// Sees to it that changes are heard although nobody asks the store. Called in a Tokio runtime before
    /// copies are made; must be quick.
    fn listen(&self) {}

    /// Tells all but the holder `by`, who did it, that something was changed, where the store does not do
    /// so. Whoever cannot be told has to hear later that he missed something.
    fn announce(
        &self,
        names: &[Box<[u8]>],
        by: &Weak<dyn Copies>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (names, by);
        ready(())
    }

    /// The same for one who cannot wait for it, because the call was dropped.
    fn announce_later(&self, names: &[Box<[u8]>], by: &Weak<dyn Copies>) {
        let _ = (names, by);
    }
}

/// Whether changes of a key are told; from [`Changes::name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// By this name.
    Told(Box<[u8]>),
    /// They are not, and need not be.
    Alone,
    /// They are not, although they might happen: no copy is made.
    Unheard,
}

/// Holds copies, which changes elsewhere make wrong.
pub trait Copies: Send + Sync {
    /// The [region](crate::Lifetimes::region) whose copies they are, if that is known: its tiers need not
    /// tell each other.
    fn region(&self) -> Option<u64> {
        None
    }

    /// What is told under `name` has changed.
    fn changed(self: Arc<Self>, name: &[u8]);

    /// Anything may have changed.
    fn all_changed(self: Arc<Self>);
}

/// Nobody else writes, or nobody minds copies that are older until they expire: the default of
/// [`Tiered`](crate::Tiered).
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Changes for Alone {
    const ALONE: bool = true;

    fn follow(&self, _: Weak<dyn Copies>) -> Result<()> {
        Ok(())
    }

    fn name(&self, _: Key<'_>, _: bool) -> Name {
        Name::Alone
    }
}
