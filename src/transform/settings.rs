use super::{Transform, Transformed};
use crate::{
    Backend, FromConfig, Result,
    config::{About, Table},
};

impl<X: Transform + FromConfig, B: Backend + FromConfig> FromConfig for Transformed<X, B> {
    fn describe(about: &mut About) {
        X::describe(about);
        B::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let inner = B::from_config(table)?;
        X::from_config(table).map(|transform| Self::new(transform, inner))
    }
}
