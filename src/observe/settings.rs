use super::{Observe, Observed, Tracing};
use crate::{
    FromConfig, Level, Result,
    config::{About, Table},
};

impl<O: Observe + FromConfig, S: Level + FromConfig> FromConfig for Observed<O, S> {
    fn describe(about: &mut About) {
        O::describe(about);
        S::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let inner = S::from_config(table)?;
        O::from_config(table).map(|observer| Self::with(observer, inner))
    }
}

impl FromConfig for Tracing {
    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}

/// With the name of the region for a label.
#[cfg(feature = "observe-metered")]
impl FromConfig for super::Meter {
    fn from_config(table: &Table<'_>) -> Result<Self> {
        Ok(Self::new(table.name().to_owned()))
    }
}
