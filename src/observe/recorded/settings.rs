use super::Recorder;
use crate::{
    FromConfig, Result,
    config::{About, Table},
};

/// For the recording of the process, with the name of the region for a label.
impl FromConfig for Recorder {
    fn describe(_: &mut About) {}

    fn from_config(table: &Table<'_>) -> Result<Self> {
        Ok(Self::new(table.name()))
    }
}
