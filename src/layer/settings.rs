use super::{Either, ExpiryPolicy, Hstore};
use crate::{
    FromConfig, HashBackend, Result,
    config::{About, Table},
};

impl<B: HashBackend + FromConfig, E: ExpiryPolicy> FromConfig for Hstore<B, E> {
    fn describe(about: &mut About) {
        B::describe(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        B::from_config(table).map(Self::with_policy)
    }
}

impl<A: FromConfig, B: FromConfig> FromConfig for Either<A, B> {
    fn describe(about: &mut About) {
        about.either::<A, B>();
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        if table.chooses::<A>() {
            A::from_config(table).map(Self::First)
        } else {
            B::from_config(table).map(Self::Second)
        }
    }
}
