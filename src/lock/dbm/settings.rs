use std::path::PathBuf;

use super::DbmLock;
use crate::{
    FromConfig, Result,
    config::{About, Setting, Table},
};

const PATH: Setting<PathBuf> =
    Setting::new("path", "Where Python's dbm file is. Its lock is the file `<path>.dogpile.lock`.")
        .also(&["filename"])
        .expects("a path such as `/var/cache/pages.dbm`");
const LOCK_FILE: Setting<Option<PathBuf>> =
    Setting::new("lock_file", "Where the lock file is, if not beside the dbm file.")
        .also(&["dogpile_lockfile"])
        .expects("a path such as `/run/lock/pages.lock`");

impl FromConfig for DbmLock {
    fn describe(about: &mut About) {
        about.lock("dbm");
        about.setting(&PATH);
        about.setting(&LOCK_FILE);
    }

    fn from_config(table: &Table<'_>) -> Result<Self> {
        let (path, lock_file) = (table.get(&PATH)?, table.get(&LOCK_FILE)?);
        // One for all regions of this process, which would wait for each other.
        table.shared((path, lock_file), |(path, lock_file)| match lock_file {
            Some(file) => Self::at(file).map_err(|error| table.refuse(&LOCK_FILE, error)),
            None => Self::new(path).map_err(|error| table.refuse(&PATH, error)),
        })
    }
}
