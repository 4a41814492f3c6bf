use std::{borrow::Cow, fmt::Write as _, rc::Rc, sync::Arc};

use super::KeyText;

/// A value that is written in a key as Python's `str()` writes it.
///
/// | Rust | Python | written as |
/// |---|---|---|
/// | `bool` | `bool` | `True`, `False` |
/// | integers | `int` | `7`, `-1` |
/// | `f64` | `float` | `1.0`, `0.1`, `1e+16`, `1e-05`, `inf`, `nan` |
/// | text, `char` | `str` | as it is |
/// | `None`, `Some(7)` | `None`, `7` | `None`, `7` |
/// | dates and times of chrono and time (`dates-chrono`, `dates-time`) | `datetime`, `date`, `timedelta` | `2020-01-02 03:04:05.678901` |
///
/// Other values of Python show themselves by their `repr`, which quotes and escapes text by rules that are not
/// the same in all versions (lists, dicts, bytes), or have no counterpart (an `f32` would have to be widened
/// first, to digits that nobody wrote): there they are no arguments worth sharing, and here they do not
/// compile. What has one form in Python gets it by an implementation:
///
/// ```
/// use larder::{DogpileKey, PyStr, function::KeyText};
///
/// /// As `uuid.UUID` is in Python.
/// struct Uuid(u128);
///
/// impl PyStr for Uuid {
///     fn py_str(&self, key: &mut KeyText) {
///         let digits = format!("{:032x}", self.0);
///         for (at, digit) in digits.char_indices() {
///             if matches!(at, 8 | 12 | 16 | 20) {
///                 key.push('-');
///             }
///             key.push(digit);
///         }
///     }
/// }
///
/// let key = DogpileKey::function("app.users:load").key().arg(Uuid(7)).arg(1e16);
/// assert_eq!(key.as_str(), "app.users:load|00000000-0000-0000-0000-000000000007 1e+16");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not written as Python's `str()` writes it",
    label = "cannot be an argument in a key of dogpile.cache",
    note = "numbers of at most 128 bits, `f64`, `bool`, text, and `Option` of them can; implement `larder::PyStr`, or write the text that Python's `str()` makes of it"
)]
pub trait PyStr {
    /// Adds it to `key`.
    fn py_str(&self, key: &mut KeyText);
}

macro_rules! written {
    ($($ty:ty: |$value:ident, $key:ident| $push:expr;)*) => {$(
        impl PyStr for $ty {
            #[inline]
            fn py_str(&self, $key: &mut KeyText) {
                let $value = self;
                $push;
            }
        }
    )*};
}

written! {
    bool: |value, key| key.push_str(if *value { "True" } else { "False" });
    u8: |value, key| key.push_number(u64::from(*value));
    u16: |value, key| key.push_number(u64::from(*value));
    u32: |value, key| key.push_number(u64::from(*value));
    u64: |value, key| key.push_number(*value);
    usize: |value, key| key.push_number(*value as u64);
    i8: |value, key| key.push_signed(i64::from(*value));
    i16: |value, key| key.push_signed(i64::from(*value));
    i32: |value, key| key.push_signed(i64::from(*value));
    i64: |value, key| key.push_signed(*value);
    isize: |value, key| key.push_signed(*value as i64);
    u128: |value, key| { let _infallible = write!(key, "{value}"); };
    i128: |value, key| { let _infallible = write!(key, "{value}"); };
    f64: |value, key| float(*value, key);
    char: |value, key| key.push(*value);
    str: |value, key| key.push_str(value);
    String: |value, key| key.push_str(value);
}

impl<T: PyStr> PyStr for Option<T> {
    fn py_str(&self, key: &mut KeyText) {
        match self {
            None => key.push_str("None"),
            Some(value) => value.py_str(key),
        }
    }
}

macro_rules! through {
    ($($ty:ty)*) => {$(
        impl<T: PyStr + ?Sized> PyStr for $ty {
            #[inline]
            fn py_str(&self, key: &mut KeyText) {
                (**self).py_str(key);
            }
        }
    )*};
}

through!(&T &mut T Box<T> Rc<T> Arc<T>);

impl<T: PyStr + ToOwned + ?Sized> PyStr for Cow<'_, T> {
    fn py_str(&self, key: &mut KeyText) {
        (**self).py_str(key);
    }
}

/// Python's `repr(float)`: the fewest digits that are read back as the same number, with an exponent
/// where the point would be more than 4 places before or 16 behind the first digit.
fn float(value: f64, key: &mut KeyText) {
    if !value.is_finite() {
        let text = if value.is_nan() { "nan" } else { "inf" };
        return key.push_str(if value == f64::NEG_INFINITY { "-inf" } else { text });
    }
    if value.is_sign_negative() {
        key.push_str("-");
    }
    let scientific = shortest(value.abs());
    let Some((digits, exponent)) = scientific.as_str().split_once('e') else { return };
    let Ok(exponent) = exponent.parse::<i32>() else { return };
    let (first, rest) = (&digits[..1], digits.get(2..).unwrap_or_default());
    match usize::try_from(exponent) {
        Ok(behind @ ..=15) => {
            let (whole, fraction) = rest.split_at(rest.len().min(behind));
            key.push_str(first);
            key.push_str(whole);
            zeros(behind - whole.len(), key);
            key.push_str(".");
            key.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
        Err(_) if exponent >= -4 => {
            key.push_str("0.");
            zeros(exponent.unsigned_abs() as usize - 1, key);
            key.push_str(first);
            key.push_str(rest);
        }
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            let _infallible = write!(key, "{digits}e{sign}{:02}", exponent.unsigned_abs());
        }
    }
}

fn zeros(count: usize, key: &mut KeyText) {
    key.push_str(&"000000000000000"[..count]);
}

/// The fewest digits, as `1.5e3`. Of two candidates that are equally near, Python takes the even one, and
/// Rust only where it is told how many digits there are.
fn shortest(value: f64) -> KeyText {
    let mut text = KeyText::new();
    let _infallible = write!(text, "{value:e}");
    let digits = text.as_str().find('e').unwrap_or_default();
    let behind = digits.saturating_sub(2);
    let mut even = KeyText::new();
    let _infallible = write!(even, "{value:.behind$e}");
    if even.as_str().parse() == Ok(value) { even } else { text }
}
