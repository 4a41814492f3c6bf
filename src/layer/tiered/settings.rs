use std::time::Duration;

use super::{Alone, Changes, Tiered};
use crate::{
    FromConfig, Level, Result,
    config::{About, Setting, Table},
};

const L1_TTL: Setting<Option<Duration>> = Setting::new(
    "l1_ttl",
    "The longest that the first tier keeps anything. Without it as long as the second.",
);
const L2_TTL: Setting<Option<Duration>> = Setting::new(
    "l2_ttl",
    "The longest that the second tier keeps anything. Without it as long as the region says.",
);

/// The first tier's settings are those of its backend, which stand beside those of the second; a choice of
/// backends is one of the second.
impl<L1, L2, C> FromConfig for Tiered<L1, L2, C>
where
    L1: Level + FromConfig + 'static,
    L2: Level + FromConfig,
    C: Changes + FromConfig,
{
    fn describe(about: &mut About) {
        about.setting(&L1_TTL);
        about.setting(&L2_TTL);
        about.part::<L1>();
        L2::describe(about);
        about.part::<C>();
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let mut tiers = Tiered::new(L1::from_config(table)?, L2::from_config(table)?);
        if let Some(ttl) = table.get(&L1_TTL)? {
            tiers = tiers.l1_ttl(ttl);
        }
        if let Some(ttl) = table.get(&L2_TTL)? {
            tiers = tiers.l2_ttl(ttl);
        }
        tiers.coherent(C::from_config(table)?)
    }
}

impl FromConfig for Alone {
    fn describe(_: &mut About) {}

    fn from_config(_: &Table<'_>) -> Result<Self> {
        Ok(Self)
    }
}
