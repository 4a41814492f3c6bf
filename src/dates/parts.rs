//! What stands in the dicts: seconds as floats, days as digits.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use super::raw::SECOND;

/// Seconds, as Python's `total_seconds()` makes them of microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(f64);

impl Seconds {
    /// The nearest float, if that is read back as the same microseconds.
    pub(super) fn exactly(micros: i128) -> Option<Self> {
        let nearest = Self(nearest(micros));
        (nearest.micros() == Some(micros)).then_some(nearest)
    }

    /// The nearest microseconds, as Python rounds: of two that are equally near, the even one.
    #[expect(clippy::cast_possible_truncation, reason = "far within the range")]
    pub(super) fn micros(self) -> Option<i128> {
        // More than any of Python's times. What is no number is not in there.
        (-1e15..1e15).contains(&self.0).then(|| {
            let whole = self.0.trunc();
            let fraction = (self.0 - whole) * 1e6;
            whole as i128 * SECOND + fraction.round_ties_even() as i128
        })
    }
}

/// The float nearest to so many millionths.
#[expect(clippy::cast_precision_loss, reason = "rounded as it should be")]
fn nearest(micros: i128) -> f64 {
    const EXACT: u128 = 1 << 53;
    const SHIFT: i32 = 55;
    let size = micros.unsigned_abs();
    let seconds = if size <= EXACT {
        size as f64 / 1e6
    } else {
        // A division of integers, with what is left over as the last of many bits, is rounded but once.
        let (scaled, second) = (size << SHIFT, SECOND.unsigned_abs());
        let quotient = (scaled / second) | u128::from(!scaled.is_multiple_of(second));
        quotient as f64 / 2_f64.powi(SHIFT)
    };
    if micros < 0 { -seconds } else { seconds }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Seconds, E> {
        Ok(Seconds(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "only of what is out of range")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Seconds, E> {
        Ok(Seconds(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "only of what is out of range")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Seconds, E> {
        Ok(Seconds(value as f64))
    }
}

/// `YYYYMMDD`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Digits([u8; 8]);

impl Digits {
    pub(super) fn new(mut number: u32) -> Self {
        let mut digits = [b'0'; 8];
        for digit in digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
        Self(digits)
    }

    pub(super) fn number(self) -> u32 {
        self.0.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DigitsVisitor)
    }
}

struct DigitsVisitor;

impl Visitor<'_> for DigitsVisitor {
    type Value = Digits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day as eight digits, `YYYYMMDD`")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Digits, E> {
        self.visit_bytes(value.as_bytes())
    }

    // Python 2 writes its texts so.
    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Digits, E> {
        let digits = value.try_into().ok();
        let digits = digits.filter(|digits: &[u8; 8]| digits.iter().all(u8::is_ascii_digit));
        digits.map(Digits).ok_or_else(|| E::custom("a day has eight digits, `YYYYMMDD`"))
    }
}
