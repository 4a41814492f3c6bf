//! Lifetimes as the server takes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest lifetime that the server takes for one; what is longer it takes for a date.
const LONGEST_LIFETIME: u64 = 30 * 24 * 60 * 60;

/// A lifetime as the server takes it; `None` is for ever.
pub(crate) fn ttl(keep_for: Option<Duration>) -> Option<u32> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ttl_at(now, keep_for?)
}

fn ttl_at(now: Duration, keep_for: Duration) -> Option<u32> {
    // Never 0, which would be for ever.
    let lifetime = seconds(keep_for).max(1);
    if lifetime <= LONGEST_LIFETIME {
        return u32::try_from(lifetime).ok();
    }
    // The server reads it as a signed number.
    let date = i32::try_from(seconds(now).saturating_add(lifetime)).ok()?;
    u32::try_from(date).ok()
}

/// Whole seconds, rounded up.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_never_zero_and_never_overflow() {
        const DAY: u64 = 24 * 60 * 60;
        let now = Duration::new(1_800_000_000, 5);
        for (keep_for, ttl) in [
            (Duration::ZERO, Some(1)),
            (Duration::from_nanos(1), Some(1)),
            (Duration::from_millis(1001), Some(2)),
            (Duration::from_secs(60), Some(60)),
            (Duration::from_secs(30 * DAY), Some(2_592_000)),
            (Duration::new(30 * DAY, 1), Some(1_800_000_001 + 2_592_001)),
            (Duration::from_secs(365 * DAY), Some(1_800_000_001 + 31_536_000)),
            // The last date there is, and one more.
            (Duration::from_secs(347_483_646), Some(2_147_483_647)),
            (Duration::from_secs(347_483_647), None),
            (Duration::from_secs(u64::MAX), None),
            (Duration::MAX, None),
        ] {
            assert_eq!(ttl_at(now, keep_for), ttl, "{keep_for:?}");
        }
        assert_eq!(super::ttl(None), None);
    }
}
