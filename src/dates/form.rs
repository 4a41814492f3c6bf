use serde::{Deserializer, Serializer};

use super::raw::Raw;

/// How moments, days and spans are written.
pub trait Form {
    /// Without what it has no room for.
    fn cut<R: Raw>(raw: R) -> R;

    /// Writes one.
    fn write<R: Raw, S: Serializer>(raw: R, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads one.
    fn read<'de, R: Raw, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error>;
}
