use std::path::PathBuf;

use super::File;
use crate::{
    FromConfig, Result,
    config::{About, Setting, Size, Table},
};

const PATH: Setting<PathBuf> = Setting::new("path", "Where the file is.").also(&["filename"]);
const MAX_BYTES: Setting<Size> =
    Setting::new("max_bytes", "The file never gets larger than this.").or("64GiB");
const RECREATE: Setting<bool> = Setting::new(
    "recreate_if_damaged",
    "Whether to start with an empty file if what is there is damaged; **what is there is lost**.",
)
.or("false");

impl File {
    pub(crate) fn describe_settings(about: &mut About) {
        about.setting(&PATH);
        about.setting(&MAX_BYTES);
        about.setting(&RECREATE);
    }
}

impl FromConfig for File {
    fn describe(about: &mut About) {
        about.backend("file");
        Self::describe_settings(about);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let Size(max_bytes) = table.get(&MAX_BYTES)?;
        let settings = (table.get(&PATH)?, max_bytes, table.get(&RECREATE)?);
        table.shared(settings, |(path, max_bytes, recreate)| {
            Self::builder(path).max_bytes(max_bytes).recreate_if_damaged(recreate).build()
        })
    }
}
