//! The types of chrono.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::{
    dates,
    raw::{Day, Moment, SECOND, Span},
};

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
        |span| {
            let nanos = i128::from(span.num_seconds()) * 1_000_000_000 + i128::from(span.subsec_nanos());
            Span::new(nanos.div_euclid(1000))
        },
        |raw| {
            let seconds = i64::try_from(raw.micros().div_euclid(SECOND)).ok()?;
            Self::new(seconds, u32::try_from(raw.micros().rem_euclid(SECOND)).ok()? * 1000)
        };
}
