//! Records what each request, and the whole process, asks of its caches.
//!
//! ```
//! # #[cfg(all(feature = "backend-memory", feature = "codec-postcard"))] {
//! use larder::{BackendExt, Framed, LayerExt, Memory, PayloadExt, Postcard};
//! use larder::{Recorded, Recording, Region};
//!
//! type Products = Region<Framed<Postcard<Recorded<Memory>>>>;
//!
//! Recording::global().start(); // off until here
//! let products: Products = Memory::new().recorded("products").postcard().framed().region();
//! # let _ = products;
//! # Recording::global().stop();
//! # }
//! ```
//!
//! Which calls belong to which request, [`RequestScope`](crate::RequestScope) knows; threads and spawned
//! tasks take it along as it says. What has no request is recorded, too.
//!
//! # Where to put it
//!
//! | | sees | |
//! |---|---|---|
//! | `Framed<Postcard<Recorded<Redis>>>` | keys, bytes, time of the server | the usual one |
//! | `Recorded<Framed<Postcard<Redis>>>` | keys and entries, no bytes; time with decoding | |
//! | `Recorded<Memo<User>>` | keys and entries; there are no bytes | |
//! | `Recorded<Tiered<Recorded<Memo<User>>, Framed<Postcard<Recorded<Redis>>>>>` | the region, and each tier by itself | with [`Label::tier`] inside |
//!
//! One for each region, and one for each of its tiers with a label of its own: those of a tier are not
//! added to those of the region around it. What the region makes of its keys (created, waited, served
//! stale) reaches recorders that are not inside of a tier.

use std::sync::{Arc, OnceLock};

use super::{Event, Observe, Observed, RegionEvent};
use crate::{Capabilities, Happened, Label, Op, Place};

mod call;
mod figures;

mod latency;
mod log;
mod pace;
mod recording;
mod series;
#[cfg(feature = "config")]
mod settings;

pub use self::{
    call::{Call, Line, What},
    figures::{Figures, Totals},
    latency::Latency,
    log::{Finished, Log, Seen},
    pace::Beat,
    recording::{Recording, RecordingBuilder},
    series::Series,
};

/// Records each operation of the level it wraps: `stack.recorded("products")`.
///
/// While the recording is off, it asks once whether it is on and allocates nothing; `docs/panel.md` has what
/// that costs. See the [module](self) for where to put it.
pub type Recorded<S> = Observed<Recorder, S>;

/// The observer of [`Recorded`].
#[derive(Clone, Debug)]
pub struct Recorder {
    label: Label,
    place: Place,
    recording: Arc<Recording>,
    /// Found when the first operation is recorded.
    series: OnceLock<Arc<Series>>,
}

impl Recorder {
    /// A recorder for the recording of the process.
    #[must_use]
    pub fn new(label: impl Into<Label>) -> Self {
        Self {
            label: label.into(),
            place: Place::default(),
            recording: Arc::clone(Recording::global()),
            series: OnceLock::new(),
        }
    }

    /// The same for another recording.
    #[must_use]
    pub fn to(self, recording: &Arc<Recording>) -> Self {
        Self { recording: Arc::clone(recording), series: OnceLock::new(), ..self }
    }

    fn series(&self) -> &Arc<Series> {
        self.series.get_or_init(|| self.recording.find(&self.label, self.place))
    }
}

/// For the recording of the process, without a name.
impl Default for Recorder {
    fn default() -> Self {
        Self::new(Label::default())
    }
}

impl Observe for Recorder {
    fn observe(&self, event: &Event<'_>) {
        self.recording.observe(event, self);
    }

    #[inline]
    fn enabled(&self) -> bool {
        self.recording.is_on()
    }

    #[inline]
    fn observe_region(&self, event: &RegionEvent<'_>) {
        // A tier does not know whether the caller was served.
        if self.recording.is_on() && self.label.tier.is_none() {
            self.recording.hear(event, self);
        }
    }

    fn placed(&mut self, over: Capabilities) {
        self.place = over.place;
        self.series = OnceLock::new();
    }
}

// What figures are kept by.

impl Op {
    pub(crate) const ALL: [Self; 6] =
        [Self::Get, Self::Set, Self::Remove, Self::GetMulti, Self::SetMulti, Self::RemoveMulti];

    const fn at(self) -> usize {
        self as usize
    }

    pub(crate) const fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::GetMulti)
    }
}

impl Happened {
    pub(crate) const ALL: [Self; 9] = [
        Self::Fresh,
        Self::Stale,
        Self::Miss,
        Self::Created,
        Self::CreatorFailed,
        Self::Waited,
        Self::Undecodable,
        Self::Voided,
        Self::Bypassed,
    ];

    const fn at(self) -> usize {
        self as usize
    }
}
