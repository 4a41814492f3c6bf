//! Arguments that are part of derived keys.

use serde::Serialize;

use super::CallKey;
use crate::Result;

/// An argument that is part of a derived key.
#[diagnostic::on_unimplemented(
    message = "an argument of type `{Self}` cannot be part of a key",
    label = "does not implement `serde::Serialize`",
    note = "implement `Serialize`, leave the argument out with `skip(..)`, or write a `key = \"..\"`"
)]
pub trait KeyArgument: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyArgument for T {}

/// The `self` of a method, where it is part of a derived key.
#[diagnostic::on_unimplemented(
    message = "`self` of type `{Self}` cannot be part of a key",
    label = "does not implement `serde::Serialize`",
    note = "if all values of the type share their entries, write `skip(self)`; else implement `Serialize`, or write a `key = \"..\"`"
)]
pub trait KeyReceiver: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyReceiver for T {}

/// Adds an argument.
///
/// # Errors
///
/// As [`CallKey::argument`].
pub fn argument<T: KeyArgument + ?Sized>(key: &mut CallKey, name: &str, value: &T) -> Result<()> {
    key.argument(name, value)
}

/// Adds `self`.
///
/// # Errors
///
/// As [`CallKey::argument`].
pub fn receiver<T: KeyReceiver + ?Sized>(key: &mut CallKey, value: &T) -> Result<()> {
    key.argument("self", value)
}
