use super::RequestScoped;
use crate::{
    FromConfig, Level, Result,
    config::{About, Setting, Table},
};

const MAX_ENTRIES: Setting<u64> = Setting::new(
    "request_max_entries",
    "How many entries a request may have, those of other regions included, before this region adds no more.",
)
.or("10000");

impl<S: Level + FromConfig> FromConfig for RequestScoped<S> {
    fn describe(about: &mut About) {
        about.setting(&MAX_ENTRIES);
        S::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let scoped = Self::new(S::from_config(table)?);
        Ok(scoped.max_entries(usize::try_from(table.get(&MAX_ENTRIES)?).unwrap_or(usize::MAX)))
    }
}
