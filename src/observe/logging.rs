use tracing::Level as LogLevel;

use super::{Event, Observe, Observed};

/// Logs each operation of the level it wraps: one `tracing` event at `DEBUG`, target
/// `larder::observe`.
///
/// | field | |
/// |---|---|
/// | `op` | `get`, `set`, `remove`, or one of these with `_multi` |
/// | `key` or `keys` | the key, or how many keys a batch had |
/// | `hit` or `hits` | whether the key was found, or how many were; for reads |
/// | `bytes` | bytes of the values; only at level 1 (`Msgpack<Logging<Redis>>`) |
/// | `took` | how long the levels below took |
/// | `error` | why it failed |
///
/// Around a format it sees entries, around a backend bytes. While `DEBUG` is off it costs one
/// load and a branch; the crate's `tracing/release_max_level_info` removes even those.
pub type Logging<S> = Observed<Tracing, S>;

/// The observer of [`Logging`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing;

impl Observe for Tracing {
    fn observe(&self, event: &Event<'_>) {
        let Event { op, keys, hits, bytes, error, took, .. } = *event;
        let error = error.map(|error| error as &(dyn std::error::Error + 'static));
        match keys {
            [key] => tracing::debug!(
                op = op.name(), %key, hit = hits.map(|hits| hits == 1), bytes, ?took, error
            ),
            _ => {
                tracing::debug!(op = op.name(), keys = keys.len(), hits, bytes, ?took, error);
            }
        }
    }

    #[inline]
    fn enabled(&self) -> bool {
        tracing::enabled!(LogLevel::DEBUG)
    }
}
