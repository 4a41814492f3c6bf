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
    u8: |value, key| key.push_number(u64::from(*value));
    u16: |value, key| key.push_number(u64::from(*value));
    u32: |value, key| key.push_number(u64::from(*value));
    u64: |value, key| key.push_number(*value);
    usize: |value, key| key.push_number(*value as u64);
    i32: |value, key| key.push_signed(i64::from(*value));
    i64: |value, key| key.push_signed(*value);
    &str: |value, key| key.push_str(value);
    String: |value, key| key.push_str(value);
}
