use std::borrow::Cow;

/// What an observer calls the level it watches, for people.
///
/// Made of the name of a region, where a level of a region is watched as a whole:
/// `"users".into()`, or of that and the name of a tier, where a part of it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Label {
    /// The name of the region; empty, where nobody gave one.
    pub region: Cow<'static, str>,
    /// The name of the tier, or of another part that is watched by itself.
    pub tier: Option<Cow<'static, str>>,
}

impl Label {
    /// The label of a whole region.
    #[must_use]
    pub fn new(region: impl Into<Cow<'static, str>>) -> Self {
        Self { region: region.into(), tier: None }
    }

    /// The label of one of its tiers.
    #[must_use]
    pub fn tier(mut self, tier: impl Into<Cow<'static, str>>) -> Self {
        self.tier = Some(tier.into());
        self
    }
}

impl From<&'static str> for Label {
    fn from(region: &'static str) -> Self {
        Self::new(region)
    }
}

impl From<String> for Label {
    fn from(region: String) -> Self {
        Self::new(region)
    }
}
