//! What the tests want of the types of both libraries.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use larder::{
    Codec, MsgpackCodec, Result,
    dates::{AsDict, AsExt, PyDate},
};
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime};

/// A type that holds microseconds since 1970, or between two moments.
pub(crate) trait Micros: PyDate + Copy + PartialEq + std::fmt::Debug {
    fn of_micros(micros: i128) -> Self;
}

impl Micros for DateTime<Utc> {
    fn of_micros(micros: i128) -> Self {
        Self::from_timestamp_micros(micros.try_into().unwrap()).unwrap()
    }
}

impl Micros for NaiveDateTime {
    fn of_micros(micros: i128) -> Self {
        DateTime::of_micros(micros).naive_utc()
    }
}

impl Micros for TimeDelta {
    fn of_micros(micros: i128) -> Self {
        let rest = u32::try_from(micros.rem_euclid(1_000_000)).unwrap();
        Self::new(micros.div_euclid(1_000_000).try_into().unwrap(), rest * 1000).unwrap()
    }
}

impl Micros for OffsetDateTime {
    fn of_micros(micros: i128) -> Self {
        Self::from_unix_timestamp_nanos(micros * 1000).unwrap()
    }
}

impl Micros for PrimitiveDateTime {
    fn of_micros(micros: i128) -> Self {
        let at = OffsetDateTime::of_micros(micros);
        Self::new(at.date(), at.time())
    }
}

impl Micros for Duration {
    fn of_micros(micros: i128) -> Self {
        let rest = i32::try_from(micros.rem_euclid(1_000_000)).unwrap();
        Self::new(micros.div_euclid(1_000_000).try_into().unwrap(), rest * 1000)
    }
}

/// The same day for both.
pub(crate) fn day(year: i32, month: u8, day: u8) -> (NaiveDate, Date) {
    let chrono = NaiveDate::from_ymd_opt(year, month.into(), day.into()).unwrap();
    (chrono, Date::from_calendar_date(year, Month::try_from(month).unwrap(), day).unwrap())
}

pub(crate) fn dict<T: PyDate>(value: T) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    MsgpackCodec.encode(&AsDict::new(value), &mut out).map(|()| out)
}

pub(crate) fn of_dict<T: PyDate>(bytes: &[u8]) -> Result<T> {
    MsgpackCodec.decode::<AsDict<T>>(bytes).map(AsDict::into_inner)
}

pub(crate) fn ext<T: PyDate>(value: T) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    MsgpackCodec.encode(&AsExt::new(value), &mut out).map(|()| out)
}

pub(crate) fn of_ext<T: PyDate>(bytes: &[u8]) -> Result<T> {
    MsgpackCodec.decode::<AsExt<T>>(bytes).map(AsExt::into_inner)
}
