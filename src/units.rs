//! Numbers with units, as people write them.

use std::time::Duration;

/// A whole number without a sign.
pub(crate) fn digits(text: &str) -> Option<u64> {
    // `parse` takes a sign, too.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A number, what is written after it, and the rest.
pub(crate) fn quantity(text: &str) -> Option<(&str, &str, &str)> {
    let end = |text: &str, part: fn(char) -> bool| text.find(|c| !part(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end(text, |c| c.is_ascii_digit() || c == '.'));
    let rest = rest.trim_start();
    let (unit, rest) = rest.split_at(end(rest, |c| c.is_ascii_alphabetic()));
    (!number.is_empty()).then_some((number, unit, rest.trim_start()))
}

/// `number` times `unit`, exactly where there is no fraction.
pub(crate) fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = u128::from(digits(fraction)?) * u128::from(unit) / scale;
    digits(whole)?.checked_mul(unit)?.checked_add(u64::try_from(part).ok()?)
}

// Not `humantime`: it reads `1M` as a month and `30 60s` as 3060 s, and panics on `u64::MAX` seconds
// and 1000 ms.
/// A time such as `5m`, `1h 30m`, `250ms` or `300` (seconds).
pub(crate) fn parse_time(mut text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut last = u64::MAX;
    while !text.is_empty() {
        let (number, unit, rest) = quantity(text)?;
        let micros = match unit {
            "ms" => 1_000,
            "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000,
            "d" | "day" | "days" => 86_400_000_000,
            "w" | "week" | "weeks" => 604_800_000_000,
            "" if last == u64::MAX && rest.is_empty() => 1_000_000,
            _ => return None,
        };
        // From the largest unit to the smallest, each once: anything else is a slip.
        if micros >= last {
            return None;
        }
        total = total.checked_add(Duration::from_micros(times(number, micros)?))?;
        (last, text) = (micros, rest);
    }
    (last != u64::MAX).then_some(total)
}
