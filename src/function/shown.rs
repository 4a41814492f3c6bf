use std::fmt::{Display, Write as _};

use super::KeyText;
use crate::{Error, ErrorKind, Result};

/// A value in a template. Numbers and text have shorter ways than [`Display`]: those are methods of
/// the type itself, which go before that of [`Show`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a, T: ?Sized>(pub &'a T);

/// A value in a template by its [`Display`].
pub trait Show {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// When its `Display` fails.
    fn show(&self, key: &mut KeyText) -> Result<()>;
}

impl<T: Display + ?Sized> Show for Shown<'_, T> {
    fn show(&self, key: &mut KeyText) -> Result<()> {
        write!(key, "{}", self.0).map_err(|error| {
            Error::new(ErrorKind::Encode, "function")
                .with_message("a value in the template of a key cannot be shown")
                .with_source(error)
        })
    }
}

/// The same text without the detour of a formatter.
macro_rules! directly {
    ($($ty:ty: |$value:ident, $key:ident| $push:expr;)*) => {$(
        impl Shown<'_, $ty> {
            /// Writes it.
            ///
            /// # Errors
            ///
            /// Never.
            #[inline]
            pub fn show(&self, $key: &mut KeyText) -> Result<()> {
                let $value = self.0;
                $push;
                Ok(())
            }
        }
    )*};
}

directly! {
    u8: |value, key| push_digits(key, u64::from(*value));
    u16: |value, key| push_digits(key, u64::from(*value));
    u32: |value, key| push_digits(key, u64::from(*value));
    u64: |value, key| push_digits(key, *value);
    usize: |value, key| push_digits(key, *value as u64);
    i32: |value, key| push_signed(key, i64::from(*value));
    i64: |value, key| push_signed(key, *value);
    &str: |value, key| key.push_str(value);
    String: |value, key| key.push_str(value);
}

fn push_signed(key: &mut KeyText, value: i64) {
    if value < 0 {
        key.push('-');
    }
    push_digits(key, value.unsigned_abs());
}

fn push_digits(key: &mut KeyText, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len() - 1;
    while value > 9 {
        digits[at] += u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        at -= 1;
    }
    digits[at] += u8::try_from(value).unwrap_or_default();
    key.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_by_display() {
        for value in [0, 1, 9, 10, 99, 1234, u64::MAX] {
            let mut key = KeyText::new();
            Shown(&value).show(&mut key).expect("a text takes everything");
            assert_eq!(key.as_str(), value.to_string());
        }
        for value in [0, -1, 7, i64::MIN, i64::MAX] {
            let mut key = KeyText::new();
            Shown(&value).show(&mut key).expect("a text takes everything");
            assert_eq!(key.as_str(), value.to_string());
        }
    }
}
