//! What is behind the types of all libraries: moments, days and spans, in the range and the units of Python.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Zone,
    parts::{Digits, Seconds},
};

/// Years 1 to 9999, in microseconds since 1970.
const MOMENTS: std::ops::RangeInclusive<i128> = -62_135_596_800_000_000..=253_402_300_799_999_999;
/// Up to 999999999 days to both sides, in microseconds; backwards they are whole ones.
const SPANS: std::ops::RangeInclusive<i128> =
    -86_399_999_913_600_000_000..=86_399_999_999_999_999_999;

pub(super) const SECOND: i128 = 1_000_000;

pub(super) const FAR: &str =
    "so far away, seconds as a float keep no microseconds; round it to whole seconds";
pub(super) const OUTSIDE: &str = "outside of what Python has: years 1 to 9999, and 999999999 days";
const NO_ROOM: &str = "the extension types have room for 32 bits of seconds: up to 2106, and neither before 1970 \
                       nor less than nothing; use the dict form";

/// What can be written in the forms of Python.
pub trait Raw: Copy + PartialEq + Sized {
    /// The name that marks the dict.
    const TAG: &'static str;
    /// The code of the extension type.
    const CODE: i8;
    /// What it is, for errors.
    const KIND: &'static str;
    /// What stands in the dict.
    type Dict: Serialize + DeserializeOwned;

    /// In the dict.
    fn dict(self) -> Result<Self::Dict, &'static str>;
    /// Out of it.
    fn of_dict(value: &Self::Dict) -> Option<Self>;
    /// In the extension type, as groups of four bytes; how many there are.
    fn ext(self) -> Result<([u32; 3], usize), &'static str>;
    /// Out of it.
    fn of_ext(groups: &[u32]) -> Option<Self>;
    /// Without fractions of a second.
    #[must_use]
    fn seconds(self) -> Self;

    /// What the clock of a zone shows.
    fn shown_in<Z: Zone>(self) -> Option<Self> {
        Some(self)
    }
    /// When the clock of a zone shows this.
    fn meant_by<Z: Zone>(self) -> Option<Self> {
        Some(self)
    }
}

/// What is the same for all that is kept in microseconds.
macro_rules! in_micros {
    () => {
        type Dict = Seconds;

        fn dict(self) -> Result<Seconds, &'static str> {
            Seconds::exactly(self.0).ok_or(FAR)
        }

        fn of_dict(value: &Seconds) -> Option<Self> {
            Self::new(value.micros()?)
        }

        fn ext(self) -> Result<([u32; 3], usize), &'static str> {
            let seconds = u32::try_from(self.0.div_euclid(SECOND)).map_err(|_outside| NO_ROOM)?;
            Ok(([seconds, 0, 0], 1))
        }

        fn of_ext(groups: &[u32]) -> Option<Self> {
            let [seconds] = *groups else { return None };
            Self::new(i128::from(seconds) * SECOND)
        }

        fn seconds(self) -> Self {
            Self(self.0.div_euclid(SECOND) * SECOND)
        }
    };
}

/// Microseconds since the beginning of 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment(i128);

impl Moment {
    pub(super) fn new(micros: i128) -> Option<Self> {
        MOMENTS.contains(&micros).then_some(Self(micros))
    }

    pub(super) const fn micros(self) -> i128 {
        self.0
    }

    fn whole(self) -> i64 {
        // All of them fit.
        i64::try_from(self.0.div_euclid(SECOND)).unwrap_or_default()
    }

    fn moved(self, seconds: i64) -> Option<Self> {
        Self::new(self.0 + i128::from(seconds) * SECOND)
    }
}

impl Raw for Moment {
    const TAG: &'static str = "__datetime__";
    const CODE: i8 = 1;
    const KIND: &'static str = "datetime";

    in_micros!();

    fn shown_in<Z: Zone>(self) -> Option<Self> {
        self.moved(i64::from(Z::east(self.whole())))
    }

    fn meant_by<Z: Zone>(self) -> Option<Self> {
        // The clock tells the offset but for the hours around a change; a second look is right there, too.
        let guess = self.moved(-i64::from(Z::east(self.whole())))?;
        self.moved(-i64::from(Z::east(guess.whole())))
    }
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) of_month: u8,
}

impl Day {
    /// Whether the month has this day, the libraries find out.
    pub(super) fn new(year: i32, month: u8, of_month: u8) -> Option<Self> {
        (1..=9999).contains(&year).then_some(Self { year, month, of_month })
    }
}

impl Raw for Day {
    const TAG: &'static str = "__date__";
    const CODE: i8 = 2;
    const KIND: &'static str = "date";
    type Dict = Digits;

    fn dict(self) -> Result<Digits, &'static str> {
        let Self { year, month, of_month } = self;
        Ok(Digits::new(year.unsigned_abs() * 10_000 + u32::from(month) * 100 + u32::from(of_month)))
    }

    fn of_dict(value: &Digits) -> Option<Self> {
        let number = value.number();
        Self::of_ext(&[number / 10_000, number / 100 % 100, number % 100])
    }

    fn ext(self) -> Result<([u32; 3], usize), &'static str> {
        Ok(([self.year.unsigned_abs(), self.month.into(), self.of_month.into()], 3))
    }

    fn of_ext(groups: &[u32]) -> Option<Self> {
        let [year, month, day] = *groups else { return None };
        Self::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
    }

    fn seconds(self) -> Self {
        self
    }
}

/// Microseconds between two moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span(i128);

impl Span {
    pub(super) fn new(micros: i128) -> Option<Self> {
        SPANS.contains(&micros).then_some(Self(micros))
    }

    pub(super) const fn micros(self) -> i128 {
        self.0
    }
}

impl Raw for Span {
    const TAG: &'static str = "__timedelta__";
    const CODE: i8 = 3;
    const KIND: &'static str = "timedelta";

    in_micros!();
}
