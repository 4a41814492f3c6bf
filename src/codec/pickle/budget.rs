use std::cell::Cell;

use serde::de::{Error as _, value::Error};

/// How much a pickle may still make of its own by using parts of it again, which take up two bytes each time,
/// whatever is in them.
pub(super) struct Budget {
    parts: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            parts: Cell::new(bytes.saturating_mul(4).saturating_add(1 << 14)),
            bytes: Cell::new(bytes.saturating_mul(32).saturating_add(1 << 20)),
        }
    }

    /// Before `parts` are handed out.
    pub(super) fn visit(&self, parts: usize) -> Result<(), Error> {
        take(&self.parts, parts, "16 Ki parts and 4 for each of its bytes")
    }

    /// Before `bytes` are copied or handed out.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Error> {
        take(&self.bytes, bytes, "1 MiB and 32 times its own bytes")
    }
}

fn take(from: &Cell<usize>, amount: usize, limit: &str) -> Result<(), Error> {
    let left = from.get().checked_sub(amount);
    from.set(left.ok_or_else(|| {
        Error::custom(format_args!("the pickle stands for more than {limit}, by using parts again"))
    })?);
    Ok(())
}
