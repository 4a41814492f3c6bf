use std::time::Duration;

/// What a creator made, and how it is to be kept; for
/// [`get_or_create_with`](crate::Region::get_or_create_with) and its kin.
///
/// ```
/// use std::time::Duration;
/// use larder::Created;
///
/// let token = Created::new("t0k3n").ttl(Duration::from_secs(3600)); // it says so itself
/// let partial = Created::new(vec![1, 2]).not_stored();              // good enough for now
/// let nobody = Created::<String>::nothing();                        // and that is worth knowing
/// # let _ = (token, partial, nobody);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Created<T> {
    pub(super) value: Option<T>,
    pub(super) ttl: Option<Duration>,
    pub(super) stored: bool,
}

impl<T> Created<T> {
    /// A value, kept as the region keeps values.
    pub const fn new(value: T) -> Self {
        Self { value: Some(value), ttl: None, stored: true }
    }

    /// There is nothing under this key, which is kept too (a *negative entry*), so that the next
    /// caller need not find out again. Its lifetime is the region's
    /// [`negative_ttl`](crate::RegionBuilder::negative_ttl) unless [`ttl`](Self::ttl) sets another.
    pub const fn nothing() -> Self {
        Self { value: None, ttl: None, stored: true }
    }

    /// The logical lifetime of this entry, in place of the region's `expire_after`. Over a format of
    /// whole seconds ([`Framed`](crate::Framed)) a lifetime under one second may be over at once.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    pub(crate) const fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// For this call only: it is handed to all who wait for it, and not stored.
    pub const fn not_stored(mut self) -> Self {
        self.stored = false;
        self
    }
}

impl<T> Created<T> {
    /// The value and its lifetime.
    pub(crate) fn into_parts(self) -> (Option<T>, Option<Duration>) {
        (self.value, self.ttl)
    }
}

impl<T> From<T> for Created<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}
