/// Where the times are from that were written as though they were UTC: a zone by its offset.
///
/// [`East`] is one with the same offset all year. Where clocks change, it takes a few lines, with the
/// rules of any library of time zones behind them:
///
/// ```
/// use larder::dates::Zone;
///
/// enum Berlin {}
///
/// impl Zone for Berlin {
///     fn east(utc: i64) -> i32 {
///         let summer = 1_711_846_800..1_729_990_800; // of 2024; more of them from such a library
///         if summer.contains(&utc) { 7200 } else { 3600 }
///     }
/// }
/// ```
///
/// In the hour that a clock shows twice, it is not known which one was meant: it is the one or the other.
pub trait Zone {
    /// How many seconds its clock is ahead of UTC (behind: negative) at `utc`, in seconds since 1970.
    fn east(utc: i64) -> i32;
}

/// A zone whose clock is always `SECONDS` ahead of UTC, or behind it, if they are negative. `East<0>` is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum East<const SECONDS: i32> {}

impl<const SECONDS: i32> Zone for East<SECONDS> {
    fn east(_: i64) -> i32 {
        SECONDS
    }
}
