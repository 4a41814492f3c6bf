//! What cached functions stand on.

mod call_key;
mod key_text;
mod serializer;

pub use self::{call_key::CallKey, key_text::KeyText};
