use std::{fmt, sync::Arc};

/// Whose operations a recorder sees: those of a region, or of one of its tiers.
///
/// ```
/// # #[cfg(any(feature = "observe-metered", feature = "observe-recorded"))] {
/// use larder::Label;
///
/// assert_eq!(Label::from("products").to_string(), "products");
/// assert_eq!(Label::new("products").tier("memory").to_string(), "products / memory");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Label {
    /// The name of the region.
    pub region: Arc<str>,
    /// The name of the tier; `None` for the whole stack.
    pub tier: Option<Arc<str>>,
}

impl Label {
    /// The whole stack of a region.
    #[must_use]
    pub fn new(region: impl Into<Arc<str>>) -> Self {
        Self { region: region.into(), tier: None }
    }

    /// One tier of it. Its operations are not added to those of the region.
    #[must_use]
    pub fn tier(mut self, tier: impl Into<Arc<str>>) -> Self {
        self.tier = Some(tier.into());
        self
    }
}

/// A region without a name.
impl Default for Label {
    fn default() -> Self {
        Self::new("unnamed")
    }
}

impl<T: Into<Arc<str>>> From<T> for Label {
    fn from(region: T) -> Self {
        Self::new(region)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        self.tier.as_ref().map_or(Ok(()), |tier| write!(f, " / {tier}"))
    }
}
