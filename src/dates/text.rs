//! Dates in keys, as Python's `str()` writes them.

use std::fmt::Write as _;

use super::{Dated, raw::SECOND};
use crate::{PyStr, function::KeyText};

impl<T: PyStr, F, Z> PyStr for Dated<T, F, Z> {
    fn py_str(&self, key: &mut KeyText) {
        self.value.py_str(key);
    }
}

/// `2020-01-02`
pub(super) fn day(year: i32, month: impl Into<u32>, of_month: impl Into<u32>, key: &mut KeyText) {
    let _infallible = write!(key, "{year:04}-{:02}-{:02}", month.into(), of_month.into());
}

/// ` 03:04:05.678901`
pub(super) fn time(second_of_day: u32, nanos: u32, key: &mut KeyText) {
    let (hour, minute, second) =
        (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let _infallible = write!(key, " {hour:02}:{minute:02}:{second:02}");
    fraction(nanos / 1000, key);
}

/// `+02:00`
#[cfg(feature = "dates-time")]
pub(super) fn offset(seconds: i32, key: &mut KeyText) {
    let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let _infallible = write!(key, "{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 {
        let _infallible = write!(key, ":{:02}", seconds % 60);
    }
}

/// `-1 day, 23:59:59.999999`
pub(super) fn span(nanos: i128, key: &mut KeyText) {
    let micros = nanos.div_euclid(1000);
    let seconds = micros.div_euclid(SECOND);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    if days != 0 {
        let plural = if days.abs() == 1 { "" } else { "s" };
        let _infallible = write!(key, "{days} day{plural}, ");
    }
    let _infallible = write!(key, "{}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    fraction(u32::try_from(micros.rem_euclid(SECOND)).unwrap_or_default(), key);
}

fn fraction(micros: u32, key: &mut KeyText) {
    if micros != 0 {
        let _infallible = write!(key, ".{micros:06}");
    }
}
