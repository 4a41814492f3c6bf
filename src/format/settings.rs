use super::{Format, Formatted};
use crate::{
    FromConfig, Payload, Result,
    config::{About, Table},
};

impl<F: Format + Default, P: Payload + FromConfig> FromConfig for Formatted<F, P> {
    fn describe(about: &mut About) {
        P::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        P::from_config(table).map(Self::new)
    }
}
