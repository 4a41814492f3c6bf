use std::{
    fmt::{self, Write},
    sync::Arc,
    time::Duration,
};

use super::Series;
use crate::{Answer, Error, Event, Happened, Key, KeyBuf, Label, Op, Place, RegionEvent};

/// How many bytes of a key are kept, and of a value.
const KEPT_BYTES: usize = 200;
/// How many bytes of an error are kept.
const ERROR_BYTES: usize = 400;

/// One operation, or one thing that a region told of: a line for each key.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// Its place among all calls of the recording.
    pub number: u64,
    /// When it began, since its request did.
    pub at: Duration,
    /// What it was.
    pub what: What,
    /// How long it took, where that is told.
    pub took: Option<Duration>,
    /// How many keys it had, or values it made.
    pub count: usize,
    /// Why it failed, cut to some 400 bytes.
    pub error: Option<Box<str>>,
    /// What is known of each key, or of the first ones where there was no room for all.
    pub lines: Box<[Line]>,
    series: Arc<Series>,
}

/// What a [`Call`] was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// An operation on the level that is watched.
    Op(Op),
    /// What the region made of its keys.
    Region(Happened),
}

/// One key of a [`Call`].
#[derive(Default)]
#[non_exhaustive]
pub struct Line {
    /// The key, as the level was asked for it; cut to some 200 bytes. `None` where the region named none.
    pub key: Option<KeyBuf>,
    /// Whether the key was cut.
    pub is_cut: bool,
    /// Whether it was found, for reads that succeeded.
    pub hit: Option<bool>,
    /// How many bytes its value has, where bytes are watched.
    pub bytes: Option<usize>,
    /// The first 200 bytes of the value, if the recording keeps values.
    pub value: Option<Box<[u8]>>,
}

// The bytes of values belong to others.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("key", &self.key)
            .field("hit", &self.hit)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// Whose call it was.
    #[must_use]
    pub fn label(&self) -> &Label {
        self.series.label()
    }

    /// Where the entries are.
    #[must_use]
    pub fn place(&self) -> Place {
        self.series.place()
    }

    pub(super) fn of_event(
        event: &Event<'_>,
        series: Arc<Series>,
        room: usize,
        values: bool,
    ) -> Self {
        let keys = event.keys.iter().take(room).enumerate();
        Self {
            number: 0,
            at: Duration::ZERO,
            what: What::Op(event.op),
            took: Some(event.took),
            count: event.keys.len(),
            error: event.error.map(shown),
            lines: keys.map(|(at, key)| Line::of(*key, event.answer(at), values)).collect(),
            series,
        }
    }

    pub(super) fn of_region(event: &RegionEvent<'_>, series: Arc<Series>, room: usize) -> Self {
        let keys = event.keys.iter().take(room);
        let mut lines: Box<[Line]> =
            keys.map(|key| Line::of(*key, Answer::default(), false)).collect();
        if event.keys.is_empty() && room > 0 {
            lines = Box::new([Line::default()]);
        }
        Self {
            number: 0,
            at: Duration::ZERO,
            what: What::Region(event.what),
            took: event.took,
            count: event.count,
            error: event.error.map(shown),
            lines,
            series,
        }
    }

    pub(super) fn series(&self) -> &Arc<Series> {
        &self.series
    }
}

impl Line {
    fn of(key: Key<'_>, answer: Answer<'_>, values: bool) -> Self {
        let (space, name) = (key.space().map(head), head(key.name()));
        let is_cut = name.len() < key.name().len() || space != key.space();
        let kept = space.map_or(Key::from(name), |space| Key::from((space, name)));
        let value = answer.bytes.filter(|_| values);
        Self {
            key: Some(kept.to_buf()),
            is_cut,
            hit: answer.hit,
            bytes: answer.bytes.map(<[u8]>::len),
            value: value.map(|bytes| bytes[..bytes.len().min(KEPT_BYTES)].into()),
        }
    }
}

/// The beginning of a text that somebody else chose.
fn head(text: &str) -> &str {
    up_to(text, KEPT_BYTES)
}

fn up_to(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

fn shown(error: &Error) -> Box<str> {
    let mut text = Short(String::new());
    if write!(text, "{error}").is_err() {
        text.0.push_str("..");
    }
    text.0.into()
}

/// Takes no more than so many bytes of a text.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let head = up_to(text, ERROR_BYTES.saturating_sub(self.0.len()));
        self.0.push_str(head);
        if head.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
