//! Numbers, times and bytes for people.

use std::{
    fmt::{self, Display, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::Timestamp;

/// `12.3 ms`, in three digits.
pub(super) struct Time(pub(super) Duration);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let (value, unit) = match seconds {
            s if s >= 0.999_5 => (s, "s"),
            s if s >= 0.000_999_5 => (s * 1e3, "ms"),
            s if s >= 0.000_000_999_5 => (s * 1e6, "µs"),
            s => (s * 1e9, "ns"),
        };
        digits(f, value)?;
        write!(f, "\u{a0}{unit}")
    }
}

/// `12.3 kB`.
pub(super) struct Size(pub(super) u64);

impl Display for Size {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{}\u{a0}B", self.0),
            1_000..1_000_000 => digits(f, bytes / 1e3).and_then(|()| f.write_str("\u{a0}kB")),
            1_000_000..1_000_000_000 => {
                digits(f, bytes / 1e6).and_then(|()| f.write_str("\u{a0}MB"))
            }
            _ => digits(f, bytes / 1e9).and_then(|()| f.write_str("\u{a0}GB")),
        }
    }
}

fn digits(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    match value {
        v if v >= 99.95 || v == 0.0 => write!(f, "{v:.0}"),
        v if v >= 9.995 => write!(f, "{v:.1}"),
        v => write!(f, "{v:.2}"),
    }
}

/// `12 345`, with spaces that break no line.
pub(super) struct Count(pub(super) u64);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char('\u{a0}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// `97.5 %` of two counts; a dash if there was nothing.
pub(super) struct Share(pub(super) u64, pub(super) u64);

impl Display for Share {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 == 0 {
            return f.write_str("–");
        }
        digits(f, self.0 as f64 * 100.0 / self.1 as f64)?;
        f.write_str("\u{a0}%")
    }
}

/// The time of day, in UTC.
pub(super) struct Moment(pub(super) Timestamp);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = SystemTime::from(self.0).duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs() % 86_400;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// The beginning of a value: as text if it is text, else in hexadecimal digits.
pub(super) struct Value<'a>(pub(super) &'a [u8], pub(super) bool);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match str::from_utf8(self.0) {
            Ok(text) => Some(text),
            // Cut inside of a character.
            Err(error) if self.1 && error.error_len().is_none() => {
                str::from_utf8(&self.0[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match text {
            Some(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
                f.write_str(text)?;
            }
            _ => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?,
        }
        f.write_str(if self.1 { " …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let time = |nanos| Time(Duration::from_nanos(nanos)).to_string().replace('\u{a0}', " ");
        assert_eq!(time(0), "0 ns");
        assert_eq!(time(999), "999 ns");
        assert_eq!(time(1_234), "1.23 µs");
        assert_eq!(time(999_999), "1.00 ms");
        assert_eq!(time(12_345_678), "12.3 ms");
        assert_eq!(time(61_000_000_000), "61.0 s");
        let size = |bytes| Size(bytes).to_string().replace('\u{a0}', " ");
        assert_eq!([size(0), size(999), size(958_863)], ["0 B", "999 B", "959 kB"]);
        assert_eq!([size(12_345_678), size(5_000_000_000)], ["12.3 MB", "5.00 GB"]);
        assert_eq!(Count(1_234_567).to_string().replace('\u{a0}', " "), "1 234 567");
        assert_eq!(Share(1, 3).to_string().replace('\u{a0}', " "), "33.3 %");
        assert_eq!(Share(0, 0).to_string(), "–");
        assert_eq!(Moment(Timestamp::from_secs(86_400 + 3_661)).to_string(), "01:01:01");
    }

    #[test]
    fn values_are_text_or_digits() {
        assert_eq!(Value(b"{\"a\":1}", false).to_string(), "{\"a\":1}");
        assert_eq!(Value(&[0, 255], true).to_string(), "00ff …");
        assert_eq!(Value(&"ä".as_bytes()[..1], true).to_string(), " …");
    }
}
