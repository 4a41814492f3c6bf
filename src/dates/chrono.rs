//! The types of chrono.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::{
    convert::Convert,
    dates,
    raw::{Day, Moment, SECOND, Span},
    text,
};
use crate::{PyStr, function::KeyText};

dates! {
    DateTime<Utc>: Moment,
        |at| Moment::new(i128::from(at.timestamp()) * SECOND + i128::from(at.timestamp_subsec_micros())),
        |raw| Self::from_timestamp_micros(raw.micros().try_into().ok()?);
    NaiveDateTime: Moment,
        |at| at.and_utc().to_raw(),
        |raw| DateTime::<Utc>::from_raw(raw).map(|at| at.naive_utc());
    NaiveDate: Day,
        |day| Day::new(day.year(), day.month().try_into().ok()?, day.day().try_into().ok()?),
        |raw| Self::from_ymd_opt(raw.year, raw.month.into(), raw.of_month.into());
    TimeDelta: Span,
        |span| Span::new(nanos(span).div_euclid(1000)),
        |raw| {
            let seconds = i64::try_from(raw.micros().div_euclid(SECOND)).ok()?;
            Self::new(seconds, u32::try_from(raw.micros().rem_euclid(SECOND)).ok()? * 1000)
        };
}

fn nanos(span: &TimeDelta) -> i128 {
    i128::from(span.num_seconds()) * 1_000_000_000 + i128::from(span.subsec_nanos())
}

/// In Python, with the zone `timezone.utc`.
impl PyStr for DateTime<Utc> {
    fn py_str(&self, key: &mut KeyText) {
        self.naive_utc().py_str(key);
        key.push_str("+00:00");
    }
}

impl PyStr for NaiveDateTime {
    fn py_str(&self, key: &mut KeyText) {
        // A leap second is none there.
        let at = self.to_raw().and_then(Self::from_raw).unwrap_or(*self);
        at.date().py_str(key);
        text::time(at.num_seconds_from_midnight(), at.nanosecond(), key);
    }
}

impl PyStr for NaiveDate {
    fn py_str(&self, key: &mut KeyText) {
        text::day(self.year(), self.month(), self.day(), key);
    }
}

impl PyStr for TimeDelta {
    fn py_str(&self, key: &mut KeyText) {
        text::span(nanos(self), key);
    }
}
