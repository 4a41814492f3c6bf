//! The types of time.

use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime};

use super::{
    dates,
    raw::{Day, Moment, Span},
    text,
};
use crate::{PyStr, function::KeyText};

dates! {
    OffsetDateTime: Moment,
        |at| Moment::new(at.unix_timestamp_nanos().div_euclid(1000)),
        |raw| Self::from_unix_timestamp_nanos(raw.micros() * 1000).ok();
    PrimitiveDateTime: Moment,
        |at| at.assume_utc().to_raw(),
        |raw| OffsetDateTime::from_raw(raw).map(|at| Self::new(at.date(), at.time()));
    Date: Day,
        |day| Day::new(day.year(), day.month().into(), day.day()),
        |raw| Self::from_calendar_date(raw.year, raw.month.try_into().ok()?, raw.of_month).ok();
    Duration: Span,
        |span| Span::new(span.whole_nanoseconds().div_euclid(1000)),
        |raw| {
            let nanos = raw.micros() * 1000;
            let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
            Some(Self::new(seconds, nanos.rem_euclid(1_000_000_000).try_into().ok()?))
        };
}

/// In Python, with a `timezone` of that offset.
impl PyStr for OffsetDateTime {
    fn py_str(&self, key: &mut KeyText) {
        PrimitiveDateTime::new(self.date(), self.time()).py_str(key);
        text::offset(self.offset().whole_seconds(), key);
    }
}

impl PyStr for PrimitiveDateTime {
    fn py_str(&self, key: &mut KeyText) {
        self.date().py_str(key);
        let (hour, minute, second) = self.as_hms();
        let second_of_day = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second);
        text::time(second_of_day, self.nanosecond(), key);
    }
}

impl PyStr for Date {
    fn py_str(&self, key: &mut KeyText) {
        text::day(self.year(), u8::from(self.month()), self.day(), key);
    }
}

impl PyStr for Duration {
    fn py_str(&self, key: &mut KeyText) {
        text::span(self.whole_nanoseconds(), key);
    }
}
