use super::{Codec, Coded};
use crate::{
    Backend, FromConfig, Result,
    config::{About, Table},
};

impl<C: Codec + Default, B: Backend + FromConfig> FromConfig for Coded<C, B> {
    fn describe(about: &mut About) {
        B::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        B::from_config(table).map(Self::new)
    }
}
